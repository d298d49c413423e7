/**
 * Okta's names for the second factors: `grant_type` of a token request, and a member of
 * `challenge_types_supported`, `challenge_type` and `supported_challenge_types`. The third is in no
 * document of Okta's, but in its SDKs.
 */
export const MFA_OTP = 'http://auth0.com/oauth/grant-type/mfa-otp';
export const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
export const MFA_WEBAUTHN = 'urn:okta:params:oauth:grant-type:mfa-webauthn';
