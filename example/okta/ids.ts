import { randomBytes } from 'node:crypto';

/** An id as Okta writes them: a prefix that tells what it is (`00u` a user, `0oa` an app), 20 characters. */
export function oktaId(prefix: string): string {
  const alphanumeric = randomBytes(24).toString('base64url').replace(/[-_]/g, 'x');
  return prefix + alphanumeric.slice(0, 20 - prefix.length);
}

/** Twenty characters that nobody can guess (120 bits), the form of Okta's `mfa_token`. */
export function unguessable(): string {
  return randomBytes(15).toString('base64url');
}
