/**
 * Binary as WebAuthn's JSON has it (§5.1): base64url without padding. Okta and some libraries give
 * padding, or the standard alphabet.
 *
 * @returns undefined for what is neither
 */
export function toBase64url(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  return /^[\w-]+$/.test(text) ? text : undefined;
}
