import type { Grant } from '../okta/request.js';
import { readField, type Body, type Fields, type Missing } from './body.js';

/** The password step. */
export interface PasswordFactor {
  type: 'password';
  username: string;
  password: string;
}

/** In characters: far above what Okta accepts, and far below what would hurt. */
const MAX_LENGTH = { username: 256, password: 1024 };

/**
 * Decided by the password's field alone, since an app may send the username with every request. The
 * username is taken without the spaces around it, the password as it is.
 */
export function readPassword(
  body: Body,
  { usernameField, passwordField }: Fields,
): PasswordFactor | Missing | undefined {
  if (!Object.hasOwn(body, passwordField)) return undefined;
  const username = readField(body, usernameField, MAX_LENGTH.username);
  if (username === undefined)
    return { type: 'missing', factor: 'password', step: 'password', field: usernameField };
  const password = readField(body, passwordField, MAX_LENGTH.password);
  if (password === undefined)
    return { type: 'missing', factor: 'password', step: 'password', field: passwordField };
  return { type: 'password', username: username.trim(), password };
}

/** Resource Owner Password Credentials, RFC 6749 §4.3; `TokenRequestPassword` in Okta's OpenAPI. */
export function passwordGrant({ username, password }: PasswordFactor): Grant {
  return {
    grantType: 'password',
    parameters: { username, password },
    loggable: [],
    rejection: 'invalid_credentials',
    rejectionCodes: REJECTION_CODES,
  };
}

/** Beside OAuth's, Okta's codes for: authentication failed, password expired, user locked. */
const REJECTION_CODES = new Set(['invalid_grant', 'E0000004', 'E0000064', 'E0000069']);
