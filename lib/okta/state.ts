import type { OktaProfile } from './profile.js';
import type { OktaTokens } from './token-endpoint.js';

/** Where a login stands after a call to Okta. A later second factor adds a member here. */
export type Status = Authenticated | MfaRequired | Rejected;

/** Okta granted tokens and the ID token is verified. */
export interface Authenticated {
  type: 'authenticated';
  tokens: OktaTokens;
  profile: OktaProfile;
}

/** The password is right, and Okta wants a second factor. */
export interface MfaRequired {
  type: 'mfa_required';
  mfaToken: string;
}

/** Okta, or a rule of this package, says no; it is up to the person. */
export interface Rejected {
  type: 'rejected';
  reason:
    | 'invalid_credentials'
    | 'invalid_otp'
    | 'mfa_token_expired'
    | 'access_denied'
    | 'mfa_not_enforced'
    | 'rate_limited';
  /** Seconds, with `rate_limited`, when Okta's headers tell. */
  retryAfter?: number | undefined;
}
