const MAX_LENGTH = 300;

/**
 * A text of somebody else's made fit for a message: the given secrets replaced, control characters
 * (which forge log lines) replaced by spaces, and cut at 300 characters.
 */
export function redact(text: string, secrets: Iterable<string>): string {
  // Cut first, so that a text of a megabyte costs nothing; generously, so that no secret is cut in
  // two and left half readable.
  let result = text.slice(0, 16 * MAX_LENGTH);
  for (const secret of secrets) {
    if (secret !== '') result = result.replaceAll(secret, '[redacted]');
  }
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  result = result.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return result.length > MAX_LENGTH ? `${result.slice(0, MAX_LENGTH)}…` : result;
}
