/** What an app learns when the login does not go on by itself, beside the HTTP status. */
export type OktaDirectMfaInfo =
  | {
      /** A field is missing, blank, not a text, or too long. Status 400. */
      code: 'missing_credentials';
      message: string;
    }
  | {
      /** Okta refuses the password, whatever the reason. Status 401. */
      code: 'invalid_credentials';
      message: string;
    }
  | {
      /** The password is right; now the passcode. Status 403. */
      code: 'mfa_required';
      message: string;
      /** Milliseconds since the epoch: until then the passcode is accepted. */
      expiresAt: number;
    }
  | {
      /** The passcode is wrong. Status 401. */
      code: 'invalid_otp';
      message: string;
      /** Wrong passcodes left before the password is needed again. */
      attemptsRemaining: number;
    }
  | {
      /** The last allowed attempt was wrong. Status 401. */
      code: 'otp_attempts_exceeded';
      message: string;
    }
  | {
      /** A passcode without a login that waits for it. Status 401. */
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

export type InfoCode = OktaDirectMfaInfo['code'];

/** The HTTP status that goes with each code. */
export const STATUS = {
  missing_credentials: 400,
  invalid_credentials: 401,
  mfa_required: 403,
  invalid_otp: 401,
  otp_attempts_exceeded: 401,
  mfa_transaction_missing: 401,
  mfa_transaction_expired: 401,
  access_denied: 403,
  mfa_not_enforced: 403,
  rate_limited: 429,
} as const satisfies Record<InfoCode, number>;

/** The texts for people. `missing_credentials` and those with numbers are made where they arise. */
export const MESSAGES = {
  invalid_credentials: 'The username or password is wrong.',
  mfa_required: 'Enter the passcode from your authenticator.',
  otp_attempts_exceeded: 'Too many wrong passcodes. Sign in again with your password.',
  mfa_transaction_missing:
    'No sign-in is waiting for a passcode. Sign in with your password first.',
  mfa_transaction_expired: 'That took too long. Sign in again with your password.',
  access_denied: 'You may not sign in to this application. Ask your administrator.',
  mfa_not_enforced: 'Sign-in without a second factor is not allowed here. Ask your administrator.',
} as const;
