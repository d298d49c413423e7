import type { Missing } from './factors/index.js';
import type { Rejected } from './okta/state.js';

/** What an app learns when the login does not continue by itself, beside the HTTP status. */
export type OktaDirectMfaInfo =
  | {
      /** A field is missing, blank, not a string, or too long. Status 400. */
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
      /** A passcode without a transaction that it could complete. Status 401. */
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

export type FailureCode = OktaDirectMfaInfo['code'];

type Details<Code extends FailureCode> = Omit<
  Extract<OktaDirectMfaInfo, { code: Code }>,
  'code' | 'message'
>;

interface Failure<Code extends FailureCode> {
  /** The HTTP status. */
  status: number;
  /** What becomes of the transaction. `count`: kept with one attempt more, until there is none left. */
  transaction: 'keep' | 'count' | 'drop';
  /** May be shown to the person as it is. */
  message: string | ((details: Details<Code>) => string);
}

/**
 * The table of everything that the app sees through Passport's `fail`. Nothing else decides what a
 * failure does to the transaction.
 */
export const FAILURES = {
  missing_credentials: {
    status: 400,
    transaction: 'keep',
    message: 'Enter your username and password.',
  },
  invalid_credentials: {
    status: 401,
    transaction: 'drop',
    message: 'The username or password is wrong.',
  },
  mfa_required: {
    status: 403,
    transaction: 'keep',
    message: 'Enter the passcode from your authenticator.',
  },
  invalid_otp: {
    status: 401,
    transaction: 'count',
    message: ({ attemptsRemaining }) =>
      `The passcode is wrong. ${plural(attemptsRemaining, 'attempt')} left.`,
  },
  otp_attempts_exceeded: {
    status: 401,
    transaction: 'drop',
    message: 'Too many wrong passcodes. Sign in again with your password.',
  },
  mfa_transaction_missing: {
    status: 401,
    transaction: 'drop',
    message: 'There is no sign-in in progress. Sign in with your password first.',
  },
  mfa_transaction_expired: {
    status: 401,
    transaction: 'drop',
    message: 'Your sign-in has expired. Sign in again with your password.',
  },
  access_denied: {
    status: 403,
    transaction: 'drop',
    message: 'You are not allowed to sign in to this application. Contact your administrator.',
  },
  mfa_not_enforced: {
    status: 403,
    transaction: 'drop',
    message: 'Signing in without a second factor is not allowed here. Contact your administrator.',
  },
  rate_limited: {
    status: 429,
    transaction: 'keep',
    message: ({ retryAfter }) =>
      `Too many attempts. Try again in ${retryAfter === undefined ? 'a while' : plural(retryAfter, 'second')}.`,
  },
} as const satisfies { [Code in FailureCode]: Failure<Code> };

/** Passport's `fail`, as this package calls it. */
export interface FailAction {
  type: 'fail';
  info: OktaDirectMfaInfo;
  status: number;
}

/** @param details required where the code has any */
export function fail<Code extends FailureCode>(
  code: Code,
  ...[details]: object extends Details<Code> ? [details?: Details<Code>] : [details: Details<Code>]
): FailAction {
  const { status, message } = FAILURES[code] as Failure<Code>;
  const text = typeof message === 'string' ? message : message(details as Details<Code>);
  return {
    type: 'fail',
    info: { code, message: text, ...details } as unknown as OktaDirectMfaInfo,
    status,
  };
}

/** What to enter, by the step that the field belongs to. */
const ENTER = {
  password: FAILURES.missing_credentials.message,
  code: 'Enter your passcode.',
  none: FAILURES.missing_credentials.message,
} as const satisfies Record<Missing['step'], string>;

/** `missing_credentials`, in the words of its step. */
export function failMissing({ field, step }: Missing): FailAction {
  const { status, info } = fail('missing_credentials', { field });
  return { type: 'fail', status, info: { ...info, message: ENTER[step] } };
}

/** What the app sees of a rejection. */
export function failRejected(rejected: Rejected, attemptsRemaining: number): FailAction {
  switch (rejected.reason) {
    case 'rate_limited': {
      const { retryAfter } = rejected;
      return fail('rate_limited', retryAfter === undefined ? {} : { retryAfter });
    }
    case 'invalid_otp':
      return fail('invalid_otp', { attemptsRemaining });
    case 'invalid_credentials':
    case 'mfa_transaction_expired':
    case 'access_denied':
    case 'mfa_not_enforced':
      return fail(rejected.reason);
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
