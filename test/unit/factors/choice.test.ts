import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { challengeRequest, readChoice } from '../../../lib/factors/choice.js';
import { oobChallengeRequest } from '../../../lib/factors/oob.js';
import { webauthnChallengeRequest } from '../../../lib/factors/webauthn.js';
import { FIELDS, TRANSACTION } from '../support.js';

const MISSING = { type: 'missing', step: 'challenge', field: 'factor' };

describe('readChoice', () => {
  for (const factor of ['otp', 'push', 'sms', 'voice', 'email', 'webauthn'] as const) {
    it(`knows ${factor}, without the spaces around it`, () => {
      assert.deepEqual(readChoice({ factor: ` ${factor}\n` }, FIELDS), { type: 'choice', factor });
    });
  }

  for (const odd of [
    undefined,
    null,
    '',
    ' ',
    7,
    ['push'],
    { toString: 'push' },
    'Push',
    'password',
    'constructor',
    'push,sms',
    `push${' '.repeat(64)}`,
  ]) {
    it(`reports ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.deepEqual(readChoice({ factor: odd }, FIELDS), MISSING);
    });
  }

  it('is not concerned with a body without its field', () => {
    assert.equal(readChoice({ otp: '1', Factor: 'push' }, FIELDS), undefined);
  });

  it("uses the app's name of the field, also in what it reports", () => {
    const fields = { ...FIELDS, factorField: 'by' };
    assert.deepEqual(readChoice({ by: 'sms', factor: 'push' }, fields), {
      type: 'choice',
      factor: 'sms',
    });
    assert.deepEqual(readChoice({ by: '' }, fields), { ...MISSING, field: 'by' });
  });
});

describe('challengeRequest', () => {
  for (const channel of ['push', 'sms', 'voice', 'email'] as const) {
    it(`asks for ${channel} by its channel`, () => {
      assert.deepEqual(
        challengeRequest(channel, TRANSACTION),
        oobChallengeRequest(channel, TRANSACTION),
      );
    });
  }

  it('asks for a passkey in its own way', () => {
    assert.deepEqual(
      challengeRequest('webauthn', TRANSACTION),
      webauthnChallengeRequest(TRANSACTION),
    );
  });

  it('asks nothing for a passcode', () => {
    assert.equal(challengeRequest('otp', TRANSACTION), undefined);
  });
});
