import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail, failMissing, failRejected, FAILURES, type FailureCode } from '../../lib/failures.js';

/** Every code with its HTTP status, what becomes of the transaction, and what the person reads. */
const TABLE = {
  missing_credentials: [400, 'keep', 'Enter your username and password.'],
  invalid_credentials: [401, 'drop', 'The username or password is wrong.'],
  mfa_required: [403, 'keep', 'Enter the passcode from your authenticator.'],
  invalid_otp: [401, 'count', 'The passcode is wrong. 4 attempts left.'],
  otp_attempts_exceeded: [
    401,
    'drop',
    'Too many wrong passcodes. Sign in again with your password.',
  ],
  mfa_transaction_missing: [
    401,
    'drop',
    'There is no sign-in in progress. Sign in with your password first.',
  ],
  mfa_transaction_expired: [
    401,
    'drop',
    'Your sign-in has expired. Sign in again with your password.',
  ],
  access_denied: [
    403,
    'drop',
    'You are not allowed to sign in to this application. Contact your administrator.',
  ],
  mfa_not_enforced: [
    403,
    'drop',
    'Signing in without a second factor is not allowed here. Contact your administrator.',
  ],
  rate_limited: [429, 'keep', 'Too many attempts. Try again in 9 seconds.'],
  authorization_pending: [403, 'keep', 'Tap 07 on your phone.'],
  code_sent: [403, 'keep', 'A text message is on its way to your phone. Enter the code from it.'],
  webauthn_required: [403, 'keep', 'Confirm with your passkey.'],
  push_rejected: [
    401,
    'keep',
    'The sign-in was declined on your phone. Change your password if you did not expect it.',
  ],
  challenge_expired: [401, 'keep', 'That took too long or was used already. Ask for a new one.'],
  challenge_replaced: [409, 'keep', 'This page is out of date. Reload it.'],
  webauthn_failed: [401, 'count', 'The passkey was not accepted. 4 attempts left.'],
  factor_unavailable: [403, 'keep', 'This way to confirm is not available to you. Choose another.'],
  number_challenge_required: [
    403,
    'keep',
    'The request on your phone has no number to compare. Decline it and choose another way.',
  ],
  too_many_challenges: [429, 'keep', 'One was sent just now. Ask for another in 30 seconds.'],
} as const satisfies Record<FailureCode, [number, 'keep' | 'count' | 'drop', string]>;

/** What the codes tell beside their message. */
const DETAILS: { [Code in FailureCode]?: object } = {
  missing_credentials: { field: 'email' },
  mfa_required: { expiresAt: 1_700_000_000_000, factors: ['otp'] },
  authorization_pending: { factor: 'push', challenge: 'c1', numberChallenge: '07', interval: 5 },
  code_sent: { factor: 'sms', challenge: 'c1' },
  webauthn_failed: { attemptsRemaining: 4 },
  factor_unavailable: { factor: 'push', factors: ['otp'] },
  too_many_challenges: { retryAfter: 30 },
  invalid_otp: { attemptsRemaining: 4 },
  rate_limited: { retryAfter: 9 },
};

/** Whatever the code, as JavaScript calls it. */
const failAny = fail;

describe('FAILURES', () => {
  it('has these codes and no others', () => {
    assert.deepEqual(Object.keys(FAILURES).sort(), Object.keys(TABLE).sort());
  });

  for (const [code, [status, transaction]] of Object.entries(TABLE)) {
    it(`gives ${code} the status ${status} and the fate "${transaction}" to its transaction`, () => {
      const failure = FAILURES[code as FailureCode];
      assert.deepEqual([failure.status, failure.transaction], [status, transaction]);
    });
  }
});

describe('fail', () => {
  for (const [code, [status, , message]] of Object.entries(TABLE)) {
    it(`says of ${code}: ${message}`, () => {
      const details = DETAILS[code as FailureCode];
      assert.deepEqual(failAny(code as FailureCode, details), {
        type: 'fail',
        status,
        info: { code, message, ...details },
      });
    });
  }

  for (const [attemptsRemaining, message] of [
    [2, 'The passcode is wrong. 2 attempts left.'],
    [1, 'The passcode is wrong. 1 attempt left.'],
  ] as const) {
    it(`counts: ${message}`, () => {
      assert.equal(fail('invalid_otp', { attemptsRemaining }).info.message, message);
    });
  }

  for (const [details, message] of [
    [{ retryAfter: 60 }, 'Too many attempts. Try again in 60 seconds.'],
    [{ retryAfter: 1 }, 'Too many attempts. Try again in 1 second.'],
    [{}, 'Too many attempts. Try again in a while.'],
  ] as const) {
    it(`tells how long to wait: ${message}`, () => {
      assert.deepEqual(fail('rate_limited', details).info, {
        code: 'rate_limited',
        message,
        ...details,
      });
    });
  }

  it('has no property that is undefined', () => {
    assert.deepEqual(Object.keys(fail('access_denied').info), ['code', 'message']);
  });
});

describe('failMissing', () => {
  for (const [step, message] of [
    ['password', 'Enter your username and password.'],
    ['code', 'Enter your passcode.'],
    ['none', 'Enter your username and password.'],
    ['challenge', 'Choose how to confirm that it is you.'],
    ['poll', 'Choose how to confirm that it is you.'],
    ['assertion', 'Confirm with your passkey.'],
  ] as const) {
    it(`asks in the step ${step}: ${message}`, () => {
      assert.deepEqual(failMissing({ step, field: 'f' }), {
        type: 'fail',
        status: 400,
        info: { code: 'missing_credentials', message, field: 'f' },
      });
    });
  }
});

const ABOUT: Parameters<typeof failRejected>[1] = {
  attemptsRemaining: 4,
  factor: 'push',
  factors: ['otp'],
};

describe('failRejected', () => {
  for (const reason of [
    'invalid_credentials',
    'mfa_transaction_expired',
    'access_denied',
    'mfa_not_enforced',
    'push_rejected',
    'challenge_expired',
  ] as const) {
    it(`fails with ${reason} for that reason`, () => {
      assert.deepEqual(failRejected({ type: 'rejected', reason }, ABOUT), fail(reason));
    });
  }

  for (const reason of ['invalid_otp', 'webauthn_failed'] as const) {
    it(`tells how many attempts are left after ${reason}`, () => {
      const action = failRejected({ type: 'rejected', reason }, ABOUT);
      assert.deepEqual(action, fail(reason, { attemptsRemaining: 4 }));
    });
  }

  it('tells which factor is unavailable, and what is left', () => {
    const action = failRejected({ type: 'rejected', reason: 'factor_unavailable' }, ABOUT);
    assert.deepEqual(action, fail('factor_unavailable', { factor: 'push', factors: ['otp'] }));
  });

  it('tells the seconds of a rate limit when they are known, and has no such property else', () => {
    const rejected = { type: 'rejected', reason: 'rate_limited' } as const;
    assert.deepEqual(
      failRejected({ ...rejected, retryAfter: 7 }, ABOUT),
      fail('rate_limited', { retryAfter: 7 }),
    );
    const { info } = failRejected({ ...rejected, retryAfter: undefined }, ABOUT);
    assert.deepEqual(Object.keys(info), ['code', 'message']);
  });
});

describe('a message', () => {
  const messages = [
    ...Object.keys(FAILURES).map(
      (code) => failAny(code as FailureCode, DETAILS[code as FailureCode]).info.message,
    ),
    ...(['password', 'code', 'none'] as const).map(
      (step) => failMissing({ step, field: 'email_field' }).info.message,
    ),
    fail('invalid_otp', { attemptsRemaining: 1 }).info.message,
    fail('rate_limited', {}).info.message,
    fail('too_many_challenges', {}).info.message,
    fail('factor_unavailable', { factor: 'push', factors: [] }).info.message,
    fail('mfa_required', { expiresAt: 1, factors: ['push', 'otp'] }).info.message,
    ...(['voice', 'email'] as const).map(
      (factor) =>
        fail('code_sent', { factor, challenge: 'c', expiresAt: 1, resendAt: 1 }).info.message,
    ),
  ];

  for (const message of new Set(messages)) {
    it(`can be shown to a person as it is: ${message}`, () => {
      assert.match(message, /^(([A-Z]|\d+ )[a-z\d -]+\.( |$))+$/, 'whole sentences, in letters');
      assert.ok(message.length <= 100, 'fits above a form');
      // What only programmers know, or what came of a value that was not there.
      assert.doesNotMatch(
        message,
        /okta|otp|mfa|token|session|transaction|credential|field|string|http|undefined|null|nan|object/i,
      );
    });
  }
});
