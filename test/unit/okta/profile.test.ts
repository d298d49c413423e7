import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OktaIdTokenClaims } from '../../../lib/okta/id-token.js';
import { toProfile } from '../../../lib/okta/profile.js';

const CLAIMS: OktaIdTokenClaims = { iss: 'i', aud: 'a', sub: '00u1', exp: 2, iat: 1 };

describe('toProfile', () => {
  it("is Passport's normalised profile, read from the claims", () => {
    const claims = {
      ...CLAIMS,
      preferred_username: 'ada@example.com',
      name: 'Ada King Lovelace',
      family_name: 'Lovelace',
      given_name: 'Ada',
      middle_name: 'King',
      email: 'ada@mail.example.com',
    };
    assert.deepEqual(toProfile(claims), {
      provider: 'okta',
      id: '00u1',
      username: 'ada@example.com',
      displayName: 'Ada King Lovelace',
      name: { familyName: 'Lovelace', givenName: 'Ada', middleName: 'King' },
      emails: [{ value: 'ada@mail.example.com' }],
      _json: claims,
    });
  });

  it('has no field for a claim that is missing, empty or not a string', () => {
    for (const odd of [undefined, '', null, 7, ['x'], { x: 1 }]) {
      const claims = {
        ...CLAIMS,
        preferred_username: odd,
        name: odd,
        family_name: odd,
        given_name: odd,
        middle_name: odd,
        email: odd,
      };
      assert.deepEqual(Object.keys(toProfile(claims)), ['provider', 'id', '_json']);
    }
  });

  for (const [claim, field] of [
    ['family_name', 'familyName'],
    ['given_name', 'givenName'],
    ['middle_name', 'middleName'],
  ] as const) {
    it(`has a name with only ${field} when only ${claim} is there`, () => {
      assert.deepEqual(toProfile({ ...CLAIMS, [claim]: 'X' }).name, { [field]: 'X' });
    });
  }

  it('prefers what /userinfo says, and keeps the claims that only the ID token has', () => {
    const profile = toProfile(
      { ...CLAIMS, name: 'Old', amr: ['pwd', 'otp'] },
      { sub: '00u1', name: 'New', email: 'ada@example.com' },
    );
    assert.equal(profile.displayName, 'New');
    assert.deepEqual(profile.emails, [{ value: 'ada@example.com' }]);
    assert.deepEqual(profile._json['amr'], ['pwd', 'otp']);
  });

  it("takes the id from the ID token's sub alone", () => {
    assert.equal(toProfile(CLAIMS, { sub: 'other' }).id, '00u1');
  });

  it('does not let a claim named __proto__ reach the prototype', () => {
    const hostile = JSON.parse('{"__proto__":{"email":"evil@example.com"}}') as object;
    const profile = toProfile({ ...CLAIMS, ...hostile }, hostile as Record<string, unknown>);
    assert.equal(profile.emails, undefined);
    assert.equal(Object.getPrototypeOf(profile._json), Object.prototype);
  });

  for (const verified of [true, false]) {
    it(`tells that Okta says of the address: verified ${verified}`, () => {
      const json = { email: 'ada@example.com', email_verified: verified };
      assert.deepEqual(toProfile({ ...CLAIMS, ...json }).emails, [
        { value: 'ada@example.com', verified },
      ]);
      assert.deepEqual(toProfile(CLAIMS, json).emails, [{ value: 'ada@example.com', verified }]);
    });
  }

  for (const odd of [undefined, null, 'true', 1]) {
    it(`tells nothing of it where Okta says ${JSON.stringify(odd) ?? 'nothing'}`, () => {
      const json = { email: 'ada@example.com', email_verified: odd };
      assert.deepEqual(toProfile({ ...CLAIMS, ...json }).emails, [{ value: 'ada@example.com' }]);
    });
  }
});
