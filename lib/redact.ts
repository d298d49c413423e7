const MAX_LENGTH = 300;

/**
 * Makes third-party text safe to log: secrets and control characters (forged log lines) replaced, cut
 * at 300 characters.
 */
export function redact(text: string, secrets: Iterable<string>): string {
  // All in one pass, the longest first: one may be a part of another. Cutting comes last, so that no
  // secret is cut in two and left half readable.
  const patterns = [...secrets]
    .filter((secret) => secret !== '')
    .sort((a, b) => b.length - a.length)
    .map((secret) => secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replace(/\s+/g, '\\s+'));
  let result =
    patterns.length === 0 ? text : text.replace(new RegExp(patterns.join('|'), 'g'), '[redacted]');
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  result = result.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return result.length > MAX_LENGTH ? `${result.slice(0, MAX_LENGTH)}…` : result;
}
