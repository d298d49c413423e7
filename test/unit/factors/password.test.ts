import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { passwordGrant, readPassword } from '../../../lib/factors/password.js';
import { FIELDS } from '../support.js';

const missing = (field: string) => ({
  type: 'missing',
  factor: 'password',
  step: 'password',
  field,
});

describe('readPassword', () => {
  it('gives the username without the spaces around it, and the password as it was typed', () => {
    const body = { username: ' Ada ', password: ' p\tw ', otp: '1' };
    assert.deepEqual(readPassword(body, FIELDS), {
      type: 'password',
      username: 'Ada',
      password: ' p\tw ',
    });
  });

  it('is not concerned with a body without the field of the password', () => {
    assert.equal(readPassword({}, FIELDS), undefined);
    assert.equal(readPassword({ username: 'u', otp: '1' }, FIELDS), undefined);
  });

  it('names the field that cannot be used, and the username first', () => {
    for (const odd of [undefined, null, '', ' ', 7, ['x']]) {
      const both = readPassword({ username: odd, password: odd }, FIELDS);
      assert.deepEqual(both, missing('username'));
      const password = readPassword({ username: 'u', password: odd }, FIELDS);
      assert.deepEqual(password, missing('password'));
    }
    assert.deepEqual(readPassword({ password: 'p' }, FIELDS), missing('username'));
  });

  it("uses the app's names, also in what it reports", () => {
    const fields = { ...FIELDS, usernameField: 'email', passwordField: 'secret', otpField: 'code' };
    assert.deepEqual(readPassword({ email: 'a', secret: 'b' }, fields), {
      type: 'password',
      username: 'a',
      password: 'b',
    });
    assert.deepEqual(readPassword({ username: 'a', secret: 'b' }, fields), missing('email'));
    assert.deepEqual(readPassword({ email: 'a', secret: '' }, fields), missing('secret'));
  });

  for (const [field, cap] of [
    ['username', 256],
    ['password', 1024],
  ] as const) {
    it(`accepts a ${field} of ${cap} characters and none longer`, () => {
      const good = { username: 'u', password: 'p' };
      for (const character of ['x', '🔑']) {
        const value = character.repeat(cap);
        assert.deepEqual(readPassword({ ...good, [field]: value }, FIELDS), {
          type: 'password',
          ...good,
          [field]: value,
        });
        assert.deepEqual(readPassword({ ...good, [field]: `${value}x` }, FIELDS), missing(field));
      }
    });
  }
});

describe('the password grant', () => {
  const FACTOR = { type: 'password', username: 'ada@example.com', password: 'hunter2' } as const;

  it("sends what RFC 6749 §4.3.2 and Okta's TokenRequestPassword name", () => {
    const { grantType, parameters } = passwordGrant(FACTOR);
    assert.equal(grantType, 'password');
    assert.deepEqual(parameters, { username: 'ada@example.com', password: 'hunter2' });
  });

  it('sends no property of the factor that the grant does not name', () => {
    const more = { ...FACTOR, admin: 'true' };
    assert.deepEqual(Object.keys(passwordGrant(more).parameters), ['username', 'password']);
  });

  it('lets none of it appear in a message', () => {
    assert.deepEqual(passwordGrant(FACTOR).loggable, []);
  });
});
