import type { Grant } from '../okta/request.js';

/** Resource Owner Password Credentials, RFC 6749 §4.3; `TokenRequestPassword` in Okta's OpenAPI. */
export const passwordGrant = {
  grantType: 'password',
  parameters: ({ username, password }) => ({ username, password }),
  refusal: 'invalid_credentials',
  // Okta's codes of its second error format: authentication failed, password expired, user locked.
  refusalCodes: new Set(['invalid_grant', 'E0000004', 'E0000064', 'E0000069']),
  usesMfaToken: false,
} satisfies Grant<{ username: string; password: string }, 'invalid_credentials'>;
