import type { OktaReference } from '../errors.js';
import type { OktaProfile } from './profile.js';
import type { OktaTokens } from './tokens.js';

/** Where a login is after a call to Okta. */
export type LoginState = Authenticated | MfaRequired | Pending | Rejected;

/** The person has not answered the push yet. Next: ask again, after the interval. */
export interface Pending {
  type: 'pending';
  /** Okta wants five seconds more between two polls (RFC 8628 §3.5). */
  slowDown: boolean;
}

/** Okta granted tokens and the ID token is verified. Next: the app's verify function. */
export interface Authenticated {
  type: 'authenticated';
  tokens: OktaTokens;
  profile: OktaProfile;
}

/** The password is right, and Okta wants a second factor. Next: keep the `mfa_token` and ask for one. */
export interface MfaRequired {
  type: 'mfa_required';
  mfaToken: string;
  /** Okta's `supported_challenge_types`, where it sends them. */
  challengeTypes?: readonly string[];
}

/** Okta, or a rule of this package, says no for a reason that the user can correct. */
export interface Rejected {
  type: 'rejected';
  reason: RejectionReason;
  /** Seconds, with `rate_limited`, when Okta's headers tell. */
  retryAfter?: number | undefined;
  /** What Okta said, for the operator. */
  okta?: OktaReference | undefined;
}

/** Each is a code that the app sees; what it does to the transaction is in `failures.ts`. */
export type RejectionReason =
  | 'invalid_credentials'
  | 'invalid_otp'
  | 'push_rejected'
  | 'webauthn_failed'
  | 'challenge_expired'
  | 'factor_unavailable'
  | 'mfa_transaction_expired'
  | 'access_denied'
  | 'mfa_not_enforced'
  | 'rate_limited';
