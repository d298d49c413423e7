import type { RejectionReason } from './state.js';

/** What a request to Okta carries, beside the client's own proof. */
interface Sent {
  /** The parameters besides `grant_type`, `scope` and the client's own. */
  parameters: Readonly<Record<string, string>>;
  /** Names of the parameters that may appear in a message. Every other one is a secret. */
  loggable: readonly string[];
}

/**
 * One kind of request to the token endpoint, with what is sent in it: RFC 6749 §4.5, an extension
 * grant with its own parameters.
 */
export interface Grant extends Sent {
  /** The `grant_type` parameter. */
  grantType: string;
  /** What it means when Okta rejects the parameters as wrong. */
  rejection: Extract<
    RejectionReason,
    'invalid_credentials' | 'invalid_otp' | 'push_rejected' | 'webauthn_failed'
  >;
  /** Okta's error codes that say so. */
  rejectionCodes: ReadonlySet<string>;
  /** What it means when Okta says that something has expired. Default: `mfa_transaction_expired`. */
  expiry?: 'challenge_expired';
  /** Whether Okta may answer that it still waits for the person. Default: no. */
  polls?: true;
}

/** A request to the challenge endpoint: `ChallengeRequest` in Okta's OpenAPI. */
export type ChallengeRequest = Sent;
