import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failChallenge, pendingChallenge } from '../../lib/pending.js';
import type { Challenge } from '../../lib/transactions/index.js';
import { TRANSACTION } from './support.js';

const START = 1_600_000_000_000;
const EXPIRES = START + 60_000;
const PUSH: Challenge = {
  id: 'c1',
  factor: 'push',
  awaits: 'approval',
  expiresAt: EXPIRES,
  oobCode: 'oob-1',
  interval: 5,
  nextPollAt: START + 5_000,
  numberChallenge: '07',
};
const { interval: _, nextPollAt: __, numberChallenge: ___, ...plain } = PUSH;
const TEXT: Challenge = { ...plain, factor: 'sms', awaits: 'code' };
const publicKey = { challenge: 'abc', rpId: 'acme.com' };
const PASSKEY: Challenge = {
  id: 'c1',
  factor: 'webauthn',
  awaits: 'assertion',
  expiresAt: EXPIRES,
  publicKey,
};
const challengedAt = { push: START, sms: START + 1_000 };
const withOut = (challenge: Challenge) => ({ ...TRANSACTION, challengedAt, challenge });

describe('pendingChallenge', () => {
  for (const [what, challenge, expected] of [
    ['push', PUSH, { numberChallenge: '07', interval: 5, resendAt: START + 30_000 }],
    ['text', TEXT, { resendAt: START + 31_000 }],
    ['passkey', PASSKEY, { publicKey }],
  ] as const) {
    it(`has what the page of a ${what} needs, and no secret`, (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: START });
      assert.deepEqual(pendingChallenge(withOut(challenge), 30), {
        id: 'c1',
        factor: challenge.factor,
        expiresAt: EXPIRES,
        ...expected,
      });
    });
  }

  it('may not be sent again at a certain time where nothing was sent', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: START });
    const transaction = { ...TRANSACTION, challenge: PASSKEY };
    assert.ok(!('resendAt' in (pendingChallenge(transaction, 30) ?? assert.fail())));
  });

  it('is none where nothing is out, and from the moment that it expires', (t) => {
    assert.equal(pendingChallenge(TRANSACTION, 30), undefined);
    t.mock.timers.enable({ apis: ['Date'], now: EXPIRES - 1 });
    assert.equal(pendingChallenge(withOut(PUSH), 30)?.id, 'c1');
    t.mock.timers.tick(1);
    assert.equal(pendingChallenge(withOut(PUSH), 30), undefined);
  });
});

describe('failChallenge', () => {
  const common = { challenge: 'c1', expiresAt: EXPIRES };
  for (const [what, challenge, code, expected] of [
    [
      'a push',
      PUSH,
      'authorization_pending',
      { factor: 'push', interval: 5, numberChallenge: '07' },
    ],
    [
      'a push without a number',
      { ...plain, interval: 9 },
      'authorization_pending',
      { factor: 'push', interval: 9 },
    ],
    ['a text', TEXT, 'code_sent', { factor: 'sms', resendAt: START + 31_000 }],
    ['a passkey', PASSKEY, 'webauthn_required', { publicKey }],
  ] as const) {
    it(`tells of ${what}, without a secret`, () => {
      const { status, info } = failChallenge(challenge, withOut(challenge), 30);
      const { message, ...details } = info;
      assert.deepEqual(details, { code, ...common, ...expected });
      assert.equal(status, 403);
      assert.notEqual(message, '');
    });
  }
});
