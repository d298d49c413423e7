import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFactor, secondFactorGrant, stepOf } from '../../../lib/factors/index.js';
import { otpGrant } from '../../../lib/factors/otp.js';
import { asRequest, type FakeRequest } from '../../support/fixtures.js';
import { FIELDS, TRANSACTION } from '../support.js';

const read = (body: unknown, more: Partial<FakeRequest> = {}, fields = FIELDS) =>
  readFactor(asRequest({ headers: {}, body, ...more }), fields);
const step = (...args: Parameters<typeof read>) => stepOf(read(...args));

const NONE = { type: 'missing', step: 'none', field: 'password' };

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
    ['only a username', { username: 'a' }, 'none'],
    ['nothing', {}, 'none'],
    ['names in another case', { Password: 'p', OTP: '1' }, 'none'],
  ] as const) {
    it(`takes a body with ${what} for the step ${expected}`, () => {
      assert.equal(step(body), expected);
    });
  }

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
});
