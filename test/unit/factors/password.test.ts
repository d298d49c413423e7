import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { passwordGrant } from '../../../lib/factors/password.js';

describe('the password grant', () => {
  const input = { username: 'ada@example.com', password: 'hunter2' };

  it("sends what RFC 6749 §4.3.2 and Okta's TokenRequestPassword name", () => {
    assert.equal(passwordGrant.grantType, 'password');
    assert.deepEqual(passwordGrant.parameters(input), input);
  });

  it('sends no field of its input that the grant does not name', () => {
    const more = { ...input, admin: 'true' };
    assert.deepEqual(Object.keys(passwordGrant.parameters(more)), ['username', 'password']);
  });
});
