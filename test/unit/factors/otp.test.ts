import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { otpGrant, readOtp } from '../../../lib/factors/otp.js';
import { FIELDS, TRANSACTION } from '../support.js';

const MISSING = { type: 'missing', factor: 'otp', step: 'code', field: 'otp' };

describe('readOtp', () => {
  for (const [typed, otp] of [
    ['123456', '123456'],
    [' 123 456\t', '123456'],
    ['12\u00a03456\u2009', '123456'],
    ['ab-CD', 'abCD'],
    ['123-456', '123456'],
    ['\u200e123456', '123456'],
    ['\ufeff１２３\u200b４５６', '123456'],
  ] as const) {
    it(`gives ${JSON.stringify(typed)} without what was pasted along`, () => {
      assert.deepEqual(readOtp({ otp: typed }, FIELDS), { type: 'otp', otp });
    });
  }

  it('is not concerned with a body without its field', () => {
    assert.equal(readOtp({}, FIELDS), undefined);
    assert.equal(readOtp({ username: 'u', OTP: '1' }, FIELDS), undefined);
  });

  it('reports a field that cannot be used', () => {
    for (const odd of [undefined, null, '', ' ', 7, ['x'], { $gt: '' }]) {
      assert.deepEqual(readOtp({ otp: odd }, FIELDS), MISSING);
    }
  });

  it('accepts 64 characters and no more', () => {
    const otp = '1'.repeat(64);
    assert.deepEqual(readOtp({ otp }, FIELDS), { type: 'otp', otp });
    assert.deepEqual(readOtp({ otp: `${otp}1` }, FIELDS), MISSING);
  });

  it("uses the app's name of the field, also in what it reports", () => {
    const fields = { ...FIELDS, otpField: 'code' };
    assert.deepEqual(readOtp({ code: '1', otp: '2' }, fields), { type: 'otp', otp: '1' });
    assert.deepEqual(readOtp({ code: '', otp: '2' }, fields), { ...MISSING, field: 'code' });
  });
});

describe('the MFA OTP grant', () => {
  const grant = otpGrant({ type: 'otp', otp: '123456' }, TRANSACTION);

  it("sends what Okta's TokenRequestDirectAuthenticationMfaOtp names", () => {
    assert.equal(grant.grantType, 'http://auth0.com/oauth/grant-type/mfa-otp');
    assert.deepEqual(grant.parameters, { mfa_token: 'mfa-1', otp: '123456' });
  });

  it('lets none of it appear in a message', () => {
    assert.deepEqual(grant.loggable, []);
  });
});
