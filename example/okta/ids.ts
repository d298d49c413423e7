import { randomBytes } from 'node:crypto';

/** An id in Okta's format: 20 characters, with a prefix for its type (`00u` user, `0oa` app). */
export function oktaId(prefix: string): string {
  const alphanumeric = randomBytes(24).toString('base64url').replace(/[-_]/g, 'x');
  return prefix + alphanumeric.slice(0, 20 - prefix.length);
}

/** Twenty random characters (120 bits), the format of Okta's `mfa_token`. */
export function unguessable(): string {
  return randomBytes(15).toString('base64url');
}
