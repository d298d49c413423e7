import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  oobChallengeRequest,
  oobCodeGrant,
  pollGrant,
  readChallengeId,
} from '../../../lib/factors/oob.js';
import { codeChallenge, otpGrant } from '../../../lib/factors/otp.js';
import type { Challenge } from '../../../lib/transactions/index.js';
import { FIELDS, TRANSACTION } from '../support.js';

const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
const MISSING = { type: 'missing', step: 'poll', field: 'challenge' };
const TEXT: Challenge = {
  id: 'c1',
  factor: 'sms',
  awaits: 'code',
  expiresAt: TRANSACTION.expiresAt,
  oobCode: 'oob-1',
};

describe('readChallengeId', () => {
  it('gives the id without the spaces around it', () => {
    assert.deepEqual(readChallengeId({ challenge: ' c1 ' }, FIELDS), {
      type: 'poll',
      challenge: 'c1',
    });
  });

  for (const odd of [undefined, null, '', ' ', 7, ['c1'], { $ne: '' }, 'c'.repeat(65)]) {
    it(`reports ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.deepEqual(readChallengeId({ challenge: odd }, FIELDS), MISSING);
    });
  }

  it('is not concerned with a body without its field', () => {
    assert.equal(readChallengeId({ Challenge: 'c1' }, FIELDS), undefined);
  });

  it("uses the app's name of the field, also in what it reports", () => {
    const fields = { ...FIELDS, challengeField: 'id' };
    assert.deepEqual(readChallengeId({ id: 'c1', challenge: 'c2' }, fields), {
      type: 'poll',
      challenge: 'c1',
    });
    assert.deepEqual(readChallengeId({ id: '' }, fields), { ...MISSING, field: 'id' });
  });
});

describe('oobChallengeRequest', () => {
  for (const channel of ['push', 'sms', 'voice', 'email'] as const) {
    it(`asks for ${channel} by its channel, and logs all but the mfa_token`, () => {
      assert.deepEqual(oobChallengeRequest(channel, TRANSACTION), {
        parameters: {
          mfa_token: 'mfa-1',
          challenge_types_supported: MFA_OOB,
          channel_hint: channel,
        },
        loggable: ['challenge_types_supported', 'channel_hint'],
      });
    });
  }
});

describe('the MFA OOB grant', () => {
  it('asks how a push stands with the oob_code alone, and lets none of it be logged', () => {
    const { rejectionCodes, ...grant } = pollGrant(TEXT, TRANSACTION);
    assert.deepEqual(grant, {
      grantType: MFA_OOB,
      parameters: { mfa_token: 'mfa-1', oob_code: 'oob-1' },
      loggable: [],
      rejection: 'push_rejected',
      expiry: 'challenge_expired',
      polls: true,
    });
    assert.deepEqual([...rejectionCodes], ['invalid_grant', 'oob_rejected']);
  });

  it('brings a code as binding_code, is no poll, and lets none of it be logged', () => {
    const { rejectionCodes, ...grant } = oobCodeGrant('123456', TEXT, TRANSACTION);
    assert.deepEqual(grant, {
      grantType: MFA_OOB,
      parameters: { mfa_token: 'mfa-1', oob_code: 'oob-1', binding_code: '123456' },
      loggable: [],
      rejection: 'invalid_otp',
      expiry: 'challenge_expired',
    });
    assert.deepEqual([...rejectionCodes], ['invalid_grant', 'invalid_otp', 'E0000068']);
  });

  for (const [awaits, challenge] of [
    ['code', TEXT],
    ['approval', undefined],
    ['assertion', undefined],
  ] as const) {
    it(`is that of a code ${challenge ? '' : 'not '}where what is out awaits: ${awaits}`, () => {
      const transaction = { ...TRANSACTION, challenge: { ...TEXT, awaits } };
      assert.deepEqual(codeChallenge(transaction), challenge);
      const { parameters } = otpGrant({ type: 'otp', otp: '1' }, transaction);
      assert.deepEqual(
        Object.keys(parameters),
        challenge ? ['mfa_token', 'oob_code', 'binding_code'] : ['mfa_token', 'otp'],
      );
    });
  }
});
