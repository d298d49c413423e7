import type {
  OktaDirectMfaSecondFactor,
  OktaPublicKeyOptions,
} from './transactions/transaction.js';

/** What an app learns when the login does not continue by itself, beside the HTTP status. */
export type OktaDirectMfaInfo =
  | {
      /** A field is missing, blank, not a string, too long, or a factor that is not offered. Status 400. */
      code: 'missing_credentials';
      message: string;
      /** The name of the field in the body. */
      field: string;
    }
  | {
      /** Okta rejects the password, whatever the reason. Status 401. */
      code: 'invalid_credentials';
      message: string;
    }
  | {
      /** The password is right; now a second factor. Status 403. */
      code: 'mfa_required';
      message: string;
      /** Milliseconds since the epoch: until then a second factor is accepted. */
      expiresAt: number;
      /** What the person can choose from, in the order of the `factors` option. */
      factors: OktaDirectMfaSecondFactor[];
    }
  | {
      /** A push is out, and the person has not answered it. Status 403. */
      code: 'authorization_pending';
      message: string;
      factor: OktaDirectMfaSecondFactor;
      /** The id to ask with. */
      challenge: string;
      /** What the person taps on the phone, to be shown on this page alone; a leading zero counts. */
      numberChallenge?: string;
      /** Seconds to wait before asking again. */
      interval: number;
      /** Milliseconds since the epoch. */
      expiresAt: number;
    }
  | {
      /** A code is on its way to the person. Status 403. */
      code: 'code_sent';
      message: string;
      factor: OktaDirectMfaSecondFactor;
      /** The id to send along with the code. */
      challenge: string;
      /** Milliseconds since the epoch. */
      expiresAt: number;
      /** Milliseconds since the epoch: from then on another code may be asked for. */
      resendAt: number;
    }
  | {
      /** The person's passkey is wanted. Status 403. */
      code: 'webauthn_required';
      message: string;
      /** The id to send along with the assertion. */
      challenge: string;
      /** For `PublicKeyCredential.parseRequestOptionsFromJSON`. */
      publicKey: OktaPublicKeyOptions;
      /** Milliseconds since the epoch. */
      expiresAt: number;
    }
  | {
      /** The person said no on the phone, or tapped the wrong number. Status 401. */
      code: 'push_rejected';
      message: string;
    }
  | {
      /** The push or code is too old, or used. Status 401. */
      code: 'challenge_expired';
      message: string;
    }
  | {
      /** The page speaks of another challenge than the one that is out. Status 409. */
      code: 'challenge_replaced';
      message: string;
    }
  | {
      /** The passkey's answer is not accepted. Status 401. */
      code: 'webauthn_failed';
      message: string;
      /** Wrong codes and passkeys left before the password is needed again. */
      attemptsRemaining: number;
    }
  | {
      /** Okta cannot use this factor for this person. Status 403. */
      code: 'factor_unavailable';
      message: string;
      factor: OktaDirectMfaSecondFactor;
      /** What is left to choose from. */
      factors: OktaDirectMfaSecondFactor[];
    }
  | {
      /** A push came without a number, and `requireNumberChallenge` is set. Status 403. */
      code: 'number_challenge_required';
      message: string;
    }
  | {
      /** `maxChallenges` or `resendAfter`. Status 429. */
      code: 'too_many_challenges';
      message: string;
      /** Seconds, when waiting helps. */
      retryAfter?: number;
    }
  | {
      /** The code is wrong. Status 401. */
      code: 'invalid_otp';
      message: string;
      /** Wrong codes and passkeys left before the password is needed again. */
      attemptsRemaining: number;
    }
  | {
      /** The last allowed attempt was wrong. Status 401. */
      code: 'otp_attempts_exceeded';
      message: string;
    }
  | {
      /** A second step without a transaction that it could complete. Status 401. */
      code: 'mfa_transaction_missing';
      message: string;
    }
  | {
      /** Too long since the password, by `transactionMaxAge` or by Okta. Status 401. */
      code: 'mfa_transaction_expired';
      message: string;
    }
  | {
      /** Okta does not let the person into this app. Status 403. */
      code: 'access_denied';
      message: string;
    }
  | {
      /** Okta granted tokens for the password alone, and `requireMfa` is set. Status 403. */
      code: 'mfa_not_enforced';
      message: string;
    }
  | {
      /** Okta's rate limit. Status 429. */
      code: 'rate_limited';
      message: string;
      /** Seconds, when Okta's headers tell. */
      retryAfter?: number;
    };
