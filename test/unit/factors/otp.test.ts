import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mfaOtpGrant } from '../../../lib/factors/otp.js';

describe('the MFA OTP grant', () => {
  const input = { mfaToken: 'mfa-1', otp: '123456' };

  it("sends what Okta's TokenRequestDirectAuthenticationMfaOtp names", () => {
    assert.equal(mfaOtpGrant.grantType, 'http://auth0.com/oauth/grant-type/mfa-otp');
    assert.deepEqual(mfaOtpGrant.parameters(input), { mfa_token: 'mfa-1', otp: '123456' });
  });
});
