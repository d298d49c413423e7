import type { Missing } from './factors/index.js';
import type { OktaDirectMfaInfo } from './info.js';
import type { Rejected } from './okta/state.js';
import type { OktaDirectMfaSecondFactor } from './transactions/transaction.js';

export type FailureCode = OktaDirectMfaInfo['code'];

type Details<Code extends FailureCode> = Omit<
  Extract<OktaDirectMfaInfo, { code: Code }>,
  'code' | 'message'
>;

/** What a failure does to the login. */
export interface Fate {
  /** `count`: kept with one attempt more, until there is none left. */
  transaction: 'keep' | 'count' | 'drop';
  /** What becomes of the challenge that was out. Default: it stays. */
  challenge?: 'forget';
}

interface Failure<Code extends FailureCode> extends Fate {
  /** The HTTP status. */
  status: number;
  /** May be shown to the person as it is. */
  message: string | ((details: Details<Code>) => string);
}

const ENTER_PASSCODE = 'Enter the passcode from your authenticator.';

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
    message: ({ factors }) =>
      factors.length === 1 && factors[0] === 'otp'
        ? ENTER_PASSCODE
        : 'Choose how to confirm that it is you.',
  },
  authorization_pending: {
    status: 403,
    transaction: 'keep',
    message: ({ numberChallenge }) =>
      numberChallenge === undefined
        ? 'Approve the sign-in on your phone.'
        : `Tap ${numberChallenge} on your phone.`,
  },
  code_sent: {
    status: 403,
    transaction: 'keep',
    message: ({ factor }) => `${CODE_SENT[factor]} Enter the code from it.`,
  },
  webauthn_required: {
    status: 403,
    transaction: 'keep',
    message: 'Confirm with your passkey.',
  },
  push_rejected: {
    status: 401,
    transaction: 'keep',
    challenge: 'forget',
    message:
      'The sign-in was declined on your phone. Change your password if you did not expect it.',
  },
  challenge_expired: {
    status: 401,
    transaction: 'keep',
    challenge: 'forget',
    message: 'That took too long or was used already. Ask for a new one.',
  },
  challenge_replaced: {
    status: 409,
    transaction: 'keep',
    message: 'This page is out of date. Reload it.',
  },
  webauthn_failed: {
    status: 401,
    transaction: 'count',
    challenge: 'forget',
    message: ({ attemptsRemaining }) =>
      `The passkey was not accepted. ${plural(attemptsRemaining, 'attempt')} left.`,
  },
  factor_unavailable: {
    status: 403,
    transaction: 'keep',
    message: ({ factors }) =>
      `This way to confirm is not available to you. ${factors.length > 0 ? 'Choose another.' : 'Contact your administrator.'}`,
  },
  number_challenge_required: {
    status: 403,
    transaction: 'keep',
    challenge: 'forget',
    message:
      'The request on your phone has no number to compare. Decline it and choose another way.',
  },
  too_many_challenges: {
    status: 429,
    transaction: 'keep',
    message: ({ retryAfter }) =>
      retryAfter === undefined
        ? 'Too many requests were sent. Use what you have received or sign in again.'
        : `One was sent just now. Ask for another in ${plural(retryAfter, 'second')}.`,
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

const CODE_SENT: Record<OktaDirectMfaSecondFactor, string> = {
  sms: 'A text message is on its way to your phone.',
  voice: 'Your phone will ring.',
  email: 'An e-mail is on its way to you.',
  push: 'A message is on its way to your phone.',
  otp: 'Open your authenticator.',
  webauthn: 'Use your passkey.',
};

/** A push, a code or a passkey is waited for. */
const CHALLENGED: ReadonlySet<string> = new Set<FailureCode>([
  'authorization_pending',
  'code_sent',
  'webauthn_required',
]);

export function isChallenged(code: string): boolean {
  return CHALLENGED.has(code);
}

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
  const text = typeof message === 'string' ? message : message((details ?? {}) as Details<Code>);
  return {
    type: 'fail',
    info: { code, message: text, ...details } as unknown as OktaDirectMfaInfo,
    status,
  };
}

/** What to enter, by the step that the field belongs to. */
const ENTER = {
  password: FAILURES.missing_credentials.message,
  challenge: 'Choose how to confirm that it is you.',
  code: 'Enter your passcode.',
  poll: 'Choose how to confirm that it is you.',
  assertion: 'Confirm with your passkey.',
  none: FAILURES.missing_credentials.message,
} as const satisfies Record<Missing['step'], string>;

/** `missing_credentials`, in the words of its step. */
export function failMissing({ field, step }: Pick<Missing, 'field' | 'step'>): FailAction {
  const { status, info } = fail('missing_credentials', { field });
  return { type: 'fail', status, info: { ...info, message: ENTER[step] } };
}

/** `mfa_required`, when the person has chosen the passcode. */
export function failPasscode(details: Details<'mfa_required'>): FailAction {
  const { status, info } = fail('mfa_required', details);
  return { type: 'fail', status, info: { ...info, message: ENTER_PASSCODE } };
}

/** What the app sees of a rejection. */
export function failRejected(
  rejected: Rejected,
  about: {
    attemptsRemaining: number;
    factor: OktaDirectMfaSecondFactor;
    factors: OktaDirectMfaSecondFactor[];
  },
): FailAction {
  const { attemptsRemaining, factor, factors } = about;
  switch (rejected.reason) {
    case 'rate_limited': {
      const { retryAfter } = rejected;
      return fail('rate_limited', retryAfter === undefined ? {} : { retryAfter });
    }
    case 'invalid_otp':
    case 'webauthn_failed':
      return fail(rejected.reason, { attemptsRemaining });
    case 'factor_unavailable':
      return fail('factor_unavailable', { factor, factors });
    case 'invalid_credentials':
    case 'push_rejected':
    case 'challenge_expired':
    case 'mfa_transaction_expired':
    case 'access_denied':
    case 'mfa_not_enforced':
      return fail(rejected.reason);
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
