import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  challengeOf,
  readFactor,
  secondFactorGrant,
  stepOf,
  type SecondFactor,
} from '../../../lib/factors/index.js';
import { otpGrant } from '../../../lib/factors/otp.js';
import { assertionGrant } from '../../../lib/factors/webauthn.js';
import type { Challenge } from '../../../lib/transactions/index.js';
import { asRequest, type FakeRequest } from '../../support/fixtures.js';
import { FIELDS, TRANSACTION } from '../support.js';

const read = (body: unknown, more: Partial<FakeRequest> = {}, fields = FIELDS) =>
  readFactor(asRequest({ headers: {}, body, ...more }), fields);
const step = (...args: Parameters<typeof read>) => stepOf(read(...args));

const RESPONSE = { clientDataJSON: 'Y2Q', authenticatorData: 'YWQ', signature: 'c2ln' };
const ASSERTION = { type: 'assertion', ...RESPONSE } as const;
const NONE = { type: 'missing', step: 'none', field: 'password' };

/** All that a second step may bring. */
const ALL = {
  factor: 'push',
  assertion: { response: RESPONSE },
  otp: '1',
  challenge: 'c1',
};

describe('readFactor', () => {
  it('gives the factor with its content', () => {
    const password = { username: 'a', password: 'p' };
    assert.deepEqual(read(password), { type: 'password', ...password });
    assert.deepEqual(read({ otp: '1' }), { type: 'otp', otp: '1' });
  });

  for (const [what, body, expected] of [
    ['a password', { username: 'a', password: 'p' }, 'password'],
    ['a password without a username', { password: 'p' }, 'password'],
    ['a password that is empty', { password: '' }, 'password'],
    ['a password that is null', { password: null }, 'password'],
    ['a password and a passcode', { password: 'p', otp: '1' }, 'password'],
    ['a password that is empty and a passcode', { password: '', otp: '1' }, 'password'],
    ['a passcode', { otp: '1' }, 'code'],
    ['a passcode and a username', { otp: '1', username: 'a' }, 'code'],
    ['a passcode that is empty', { otp: '' }, 'code'],
    ['a password and everything else', { ...ALL, password: 'p' }, 'password'],
    ['a password that is empty and everything else', { ...ALL, password: '' }, 'password'],
    ['a factor', { factor: 'push' }, 'challenge'],
    ['a factor and all that comes after it', ALL, 'challenge'],
    ['a factor that is unknown and a passcode', { factor: 'x', otp: '1' }, 'challenge'],
    ['an assertion', { assertion: { response: RESPONSE } }, 'assertion'],
    ['an assertion and a passcode', { assertion: { response: RESPONSE }, otp: '1' }, 'assertion'],
    ['an assertion that is empty and a passcode', { assertion: '', otp: '1' }, 'assertion'],
    ['a passcode and a challenge', { otp: '1', challenge: 'c1' }, 'code'],
    ['a passcode and a challenge that is empty', { otp: '1', challenge: '' }, 'poll'],
    ['a passcode and a challenge that are both empty', { otp: '', challenge: '' }, 'code'],
    ['a challenge', { challenge: 'c1' }, 'poll'],
    ['a challenge and a username', { challenge: 'c1', username: 'a' }, 'poll'],
    ['only a username', { username: 'a' }, 'none'],
    ['nothing', {}, 'none'],
    ['names in another case', { Password: 'p', OTP: '1' }, 'none'],
  ] as const) {
    it(`takes a body with ${what} for the step ${expected}`, () => {
      assert.equal(step(body), expected);
    });
  }

  it('keeps the challenge that a code or an assertion speaks of', () => {
    const { factor: _, ...proofs } = ALL;
    assert.deepEqual(read(proofs), { ...ASSERTION, challenge: 'c1' });
    const code = { otp: '1', challenge: ' c1 ' };
    assert.deepEqual(read(code), { type: 'otp', otp: '1', challenge: 'c1' });
  });

  it('names the field of a code that is missing, whatever challenge it speaks of', () => {
    const missing = { type: 'missing', factor: 'otp', step: 'code', field: 'otp' };
    assert.deepEqual(read({ otp: '', challenge: 'c1' }), missing);
  });

  it('names the field of the password where there is neither', () => {
    assert.deepEqual(read({}), NONE);
    assert.deepEqual(read({}, {}, { ...FIELDS, passwordField: 'p' }), { ...NONE, field: 'p' });
  });

  it('finds no factor in a body that is not an object of fields', () => {
    for (const body of [undefined, 'password=p', [], ['password'], Buffer.from('otp')]) {
      assert.deepEqual(read(body), NONE);
    }
  });

  it('reads a body without a prototype, as query parsers make them', () => {
    const body = Object.assign(Object.create(null) as object, { otp: '1' });
    assert.deepEqual(read(body), { type: 'otp', otp: '1' });
  });

  it('reads only what the body itself has', () => {
    assert.deepEqual(read(Object.create({ password: 'p', otp: '1' })), NONE);
    assert.deepEqual(read(JSON.parse('{"__proto__":{"password":"p"}}')), NONE);
  });

  it('never reads the query', () => {
    assert.deepEqual(read({}, { query: { password: 'p', otp: '1' } }), NONE);
  });

  it('uses the names of the fields that it is given', () => {
    const fields = { ...FIELDS, usernameField: 'u', passwordField: 'p', otpField: 'constructor' };
    assert.equal(step({ p: 1 }, {}, fields), 'password');
    assert.equal(step({ constructor: 1 }, {}, fields), 'code');
    assert.equal(step({ password: 1, otp: 1 }, {}, fields), 'none');
  });

  it('reports a missing body parser', () => {
    const headers = { 'content-type': 'application/json', 'content-length': '9' };
    assert.throws(() => read(undefined, { headers }), { code: 'body_parser_missing' });
  });
});

describe('secondFactorGrant', () => {
  it("gives a passcode's own grant, with the mfa_token of the transaction", () => {
    const factor = { type: 'otp', otp: '123456' } as const;
    assert.deepEqual(secondFactorGrant(factor, TRANSACTION), otpGrant(factor, TRANSACTION));
  });

  it("gives an assertion's own grant", () => {
    assert.deepEqual(
      secondFactorGrant(ASSERTION, TRANSACTION),
      assertionGrant(ASSERTION, TRANSACTION),
    );
  });
});

describe('challengeOf', () => {
  const CODE: SecondFactor = { type: 'otp', otp: '1' };
  const POLL: SecondFactor = { type: 'poll', challenge: 'c1' };
  const challenge = (awaits: Challenge['awaits']): Challenge => ({
    id: 'c1',
    factor: 'push',
    awaits,
    expiresAt: 1,
  });

  for (const [factor, awaits] of [
    [CODE, ['code']],
    [ASSERTION, ['assertion']],
    [POLL, ['approval', 'code', 'assertion']],
  ] as const) {
    it(`gives a factor of type ${factor.type} what waits for: ${awaits.join(', ')}`, () => {
      for (const kind of ['approval', 'code', 'assertion'] as const) {
        const out = challenge(kind);
        const expected = (awaits as readonly string[]).includes(kind) ? out : undefined;
        assert.equal(challengeOf(factor, { ...TRANSACTION, challenge: out }), expected, kind);
      }
      assert.equal(challengeOf(factor, TRANSACTION), undefined);
    });
  }
});
