import type { Grant } from '../okta/request.js';

/**
 * The one-time passcode after the password: `TokenRequestDirectAuthenticationMfaOtp` in Okta's
 * OpenAPI, and Okta's guide "Direct authentication, MFA OTP".
 */
export const mfaOtpGrant = {
  grantType: 'http://auth0.com/oauth/grant-type/mfa-otp',
  parameters: ({ mfaToken, otp }) => ({ mfa_token: mfaToken, otp }),
  refusal: 'invalid_otp',
  // `invalid_grant` is not documented for a wrong passcode; E0000068 is "Invalid Passcode/Answer".
  refusalCodes: new Set(['invalid_grant', 'E0000068']),
  usesMfaToken: true,
} satisfies Grant<{ mfaToken: string; otp: string }, 'invalid_otp'>;
