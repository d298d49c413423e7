import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { availableFactors, factorsLeft, offeredFactors, supportedBy } from '../../lib/offer.js';
import { asRequest } from '../support/fixtures.js';
import { TRANSACTION } from './support.js';

const OTP = 'http://auth0.com/oauth/grant-type/mfa-otp';
const OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
const WEBAUTHN = 'urn:okta:params:oauth:grant-type:mfa-webauthn';

describe('offeredFactors', () => {
  it('asks the option with the request', () => {
    const req = asRequest({ headers: {} });
    const asked: unknown[] = [];
    const factors = (given: unknown) => (asked.push(given), ['sms'] as const);
    assert.deepEqual(offeredFactors(req, { factors }), ['sms']);
    assert.equal(asked[0], req);
  });
});

describe('availableFactors', () => {
  const OFFERED = ['webauthn', 'push', 'otp'] as const;

  for (const [what, transaction, left] of [
    ['all where nothing is known', {}, ['webauthn', 'push', 'otp']],
    ['all but what Okta has refused', { refused: ['push', 'sms'] }, ['webauthn', 'otp']],
    ['only what Okta supports', { supported: ['otp', 'push', 'sms'] }, ['push', 'otp']],
    ['nothing of an empty support', { supported: [] }, []],
    ['what neither leaves out', { refused: ['otp'], supported: ['otp', 'push'] }, ['push']],
  ] as const) {
    it(`leaves ${what}, in the order of the option`, () => {
      assert.deepEqual(availableFactors(OFFERED, transaction), left);
    });
  }
});

describe('factorsLeft', () => {
  it('asks the option with the request, and leaves out what Okta has refused', () => {
    const factors = (req: object) =>
      'user' in req ? (['push', 'sms'] as const) : (['otp'] as const);
    const transaction = { ...TRANSACTION, refused: ['sms'] as const };
    const left = (req: object) => factorsLeft(asRequest(req), { factors }, transaction);
    assert.deepEqual(left({ user: 'ada' }), ['push']);
    assert.deepEqual(left({}), ['otp']);
  });
});

describe('supportedBy', () => {
  for (const [types, expected] of [
    [undefined, {}],
    [[], { supported: [] }],
    [[OTP], { supported: ['otp'] }],
    [[OOB], { supported: ['push', 'sms', 'voice', 'email'] }],
    [[WEBAUTHN, OTP], { supported: ['webauthn', 'otp'] }],
    [['urn:new', 'constructor', OTP], { supported: ['otp'] }],
  ] as const) {
    it(`reads ${JSON.stringify(types) ?? 'nothing'}`, () => {
      assert.deepEqual(supportedBy(types), expected);
    });
  }
});
