import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Agent, MockAgent, Pool } from 'undici';
import { readOptions } from '../../../lib/options/index.js';
import { assertTypeError, json } from './support.js';

const REQUIRED = { issuer: 'https://acme.okta.com', clientID: '0oa1' };
/** What JavaScript gives, whatever the types say. */
const read = (more: Record<string, unknown> = {}) => readOptions({ ...REQUIRED, ...more });

const assertRefused = (more: Record<string, unknown>, text: RegExp, never?: string) =>
  assertTypeError(() => read(more), text, never);

describe('readOptions', () => {
  it('fills in the defaults', () => {
    const settings = read();
    assert.deepEqual(settings, {
      issuer: 'https://acme.okta.com',
      endpoints: {
        token: new URL('https://acme.okta.com/oauth2/v1/token'),
        challenge: new URL('https://acme.okta.com/oauth2/v1/challenge'),
        keys: new URL('https://acme.okta.com/oauth2/v1/keys'),
        userInfo: new URL('https://acme.okta.com/oauth2/v1/userinfo'),
        revoke: new URL('https://acme.okta.com/oauth2/v1/revoke'),
      },
      clientID: '0oa1',
      credentials: { method: 'none' },
      // Read together, into the endpoints and the credentials.
      allowInsecureIssuer: false,
      clientAuthentication: undefined,
      clientSecret: undefined,
      privateKey: undefined,
      keyID: undefined,
      scope: 'openid profile',
      usernameField: 'username',
      passwordField: 'password',
      otpField: 'otp',
      factorField: 'factor',
      challengeField: 'challenge',
      assertionField: 'assertion',
      factors: settings.factors,
      requireNumberChallenge: true,
      maxChallenges: 5,
      resendAfter: 30,
      webauthn: { rpID: undefined, origins: undefined },
      mfaRedirect: undefined,
      sessionKey: 'okta-direct-mfa',
      store: undefined,
      requireMfa: true,
      transactionMaxAge: 300,
      maxOtpAttempts: 5,
      userInfo: false,
      clientIP: undefined,
      deviceToken: undefined,
      userAgent: undefined,
      timeout: 10_000,
      dispatcher: undefined,
      clockTolerance: 60,
      revokeUnused: true,
      passReqToCallback: false,
    });
    assert.deepEqual(settings.factors({} as never), ['otp']);
  });

  it('reads undefined as an option that is left out', () => {
    const names = Object.keys(read()).filter(
      (name) => !['endpoints', 'credentials'].includes(name),
    );
    const all = [...names, 'clientSecret', 'clientAuthentication', 'privateKey', 'keyID'];
    const none = Object.fromEntries(
      [...all, 'allowInsecureIssuer'].map((name) => [name, undefined]),
    );
    assert.deepEqual(read({ ...none, ...REQUIRED }), read());
  });

  it('keeps a secret in the credentials alone', () => {
    const { credentials, ...rest } = read({ clientSecret: 'secret-7Hq' });
    assert.deepEqual(credentials, { method: 'client_secret_basic', clientSecret: 'secret-7Hq' });
    assert.doesNotMatch(JSON.stringify(rest), /secret-7Hq/);
  });

  for (const options of [undefined, null, 'https://acme.okta.com', 7]) {
    it(`needs an object, not ${String(options)}`, () => {
      assert.throws(() => readOptions(options as never), {
        name: 'TypeError',
        message: /needs an options object, but got/,
      });
    });
  }

  for (const [misspelt, meant] of [
    ['clientId', 'clientID'],
    ['clientsecret', 'clientSecret'],
    ['keyId', 'keyID'],
    ['requireMFA', 'requireMfa'],
    ['clientIp', 'clientIP'],
  ] as const) {
    it(`asks whether ${misspelt} was meant to be ${meant}, and does not say what it was`, () => {
      assertRefused(
        { [misspelt]: 'value-7Hq' },
        new RegExp(`${misspelt}. Did you mean ${meant}\\?`),
        'value-7Hq',
      );
    });
  }

  it('names its options when it does not know one', () => {
    assertRefused(
      { callbackURL: 'value-7Hq' },
      /no option callbackURL. It has: issuer, .*clientID, .*passReqToCallback$/,
      'value-7Hq',
    );
  });
});

describe('an option that is a string', () => {
  for (const name of [
    'issuer',
    'clientID',
    'usernameField',
    'passwordField',
    'otpField',
    'mfaRedirect',
    'sessionKey',
  ]) {
    for (const odd of ['', '  ', 7, true, {}, []]) {
      it(`refuses ${name}: ${json(odd)}`, () => {
        assertRefused({ [name]: odd }, new RegExp(`${name} must be a non-empty string, but got`));
      });
    }
  }

  for (const name of ['issuer', 'clientID'] as const) {
    for (const odd of [undefined, null]) {
      it(`refuses ${name}: ${String(odd)}, since it must be there`, () => {
        assertRefused(
          { [name]: odd },
          new RegExp(`${name} must be a non-empty string, but got ${odd}`),
        );
      });
    }
  }

  it('accepts names and addresses of the app', () => {
    const strings = {
      usernameField: 'email',
      passwordField: 'passphrase',
      otpField: 'code',
      mfaRedirect: '/login/otp?x=1',
      sessionKey: 'pending',
    };
    const settings = read(strings);
    for (const [name, value] of Object.entries(strings)) {
      assert.equal(settings[name as keyof typeof strings], value);
    }
  });

  for (const [fields, names] of [
    [{ usernameField: 'x', passwordField: 'x' }, 'usernameField and passwordField'],
    [{ usernameField: 'otp' }, 'usernameField and otpField'],
    [{ passwordField: 'otp' }, 'passwordField and otpField'],
    [{ assertionField: 'challenge' }, 'challengeField and assertionField'],
  ] as const) {
    it(`refuses fields of the same name (${JSON.stringify(fields)})`, () => {
      assertRefused(fields, new RegExp(`${names} must differ`));
    });
  }

  for (const sessionKey of [
    'cookie',
    'passport',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
  ]) {
    it(`refuses sessionKey: '${sessionKey}', which the session itself uses`, () => {
      assertRefused({ sessionKey }, /sessionKey must not be a name that the session itself uses/);
    });
  }

  for (const sessionKey of ['id', 'req', 'save', 'regenerate', 'destroy', 'reload', 'touch']) {
    it(`refuses sessionKey: '${sessionKey}', which express-session's session has`, () => {
      assertRefused({ sessionKey }, /sessionKey must not be a name that the session itself uses/);
    });
  }
});

describe('an option that is true or false', () => {
  for (const name of ['requireMfa', 'userInfo', 'allowInsecureIssuer', 'passReqToCallback']) {
    for (const odd of ['false', 'true', 0, 1, null, {}]) {
      it(`refuses ${name}: ${json(odd)}`, () => {
        assertRefused({ [name]: odd }, new RegExp(`${name} must be true or false, but got`));
      });
    }
  }

  it('takes either', () => {
    for (const value of [true, false]) {
      const { requireMfa, userInfo, passReqToCallback } = read({
        requireMfa: value,
        userInfo: value,
        passReqToCallback: value,
        allowInsecureIssuer: value,
      });
      assert.deepEqual([requireMfa, userInfo, passReqToCallback], [value, value, value]);
    }
  });
});

describe('an option that is a number', () => {
  const MUST = {
    transactionMaxAge: 'be a positive number',
    maxOtpAttempts: 'be a positive integer',
    timeout: 'be a positive number',
    clockTolerance: 'be a number and must not be negative',
  };

  for (const [name, must] of Object.entries(MUST)) {
    const odd = [-1, NaN, Infinity, '5', null, {}, 5n, ...(name === 'clockTolerance' ? [] : [0])];
    for (const value of odd) {
      it(`refuses ${name}: ${typeof value === 'bigint' ? '5n' : json(value)}`, () => {
        assertRefused({ [name]: value }, new RegExp(`${name} must ${must}, but got`));
      });
    }
  }

  it('accepts a tolerance of 0', () => {
    assert.equal(read({ clockTolerance: 0 }).clockTolerance, 0);
  });

  it('counts attempts in integers', () => {
    assertRefused(
      { maxOtpAttempts: 2.5 },
      /maxOtpAttempts must be a positive integer, but got 2\.5/,
    );
    assert.equal(read({ maxOtpAttempts: 1 }).maxOtpAttempts, 1);
  });

  it('accepts parts of a second', () => {
    assert.equal(read({ transactionMaxAge: 0.5 }).transactionMaxAge, 0.5);
    assert.equal(read({ clockTolerance: 0.5 }).clockTolerance, 0.5);
  });

  it('knows the longest delay of a timer, beyond which setTimeout would fire at once', () => {
    assert.equal(read({ timeout: 250 }).timeout, 250);
    assert.equal(read({ timeout: 2 ** 40 }).timeout, 2 ** 31 - 1);
  });
});

describe('an option that is a function', () => {
  for (const name of ['clientIP', 'deviceToken'] as const) {
    it(`takes ${name}`, () => {
      const reader = () => 'x';
      assert.equal(read({ [name]: reader })[name], reader);
    });

    for (const odd of ['192.0.2.1', null, {}, true]) {
      it(`refuses ${name}: ${json(odd)}`, () => {
        assertRefused({ [name]: odd }, new RegExp(`${name} must be a function, but got`));
      });
    }
  }
});

describe('the option scope', () => {
  for (const [scope, sent] of [
    ['openid', 'openid'],
    ['openid profile email offline_access', 'openid profile email offline_access'],
    [' openid   groups ', 'openid groups'],
    [['profile', 'openid'], 'profile openid'],
    [['openid', 'https://acme.example/read'], 'openid https://acme.example/read'],
  ] as const) {
    it(`takes ${JSON.stringify(scope)}`, () => {
      assert.equal(read({ scope }).scope, sent);
    });
  }

  for (const scope of ['profile', [], ['profile'], 'OPENID', 'openidx', ['openid,profile']]) {
    it(`refuses ${JSON.stringify(scope)}, which has no openid`, () => {
      assertRefused({ scope }, /scope must include openid/);
    });
  }

  for (const scope of [
    'openid\tprofile',
    'openid "x"',
    'openid \\',
    'openid é',
    ['openid profile'],
    ['openid', ''],
    ['openid', 7],
    ['openid', null],
  ]) {
    it(`refuses ${JSON.stringify(scope)}, which are not scopes`, () => {
      assertRefused({ scope }, /scope must be scopes separated by spaces, or an array/);
    });
  }

  for (const scope of ['', '  ', 7, {}, true]) {
    it(`refuses ${JSON.stringify(scope)}, which is neither a string nor an array`, () => {
      assertRefused({ scope }, /scope must be/);
    });
  }
});

describe('the option store', () => {
  const method = () => undefined;
  const store = { read: method, create: method, update: method, remove: method };

  it('takes an object with the four methods, own or inherited', () => {
    assert.equal(read({ store }).store, store);
    const inherited = Object.create(store) as typeof store;
    assert.equal(read({ store: inherited }).store, inherited);
  });

  for (const name of Object.keys(store)) {
    it(`names the method ${name} when it is missing`, () => {
      assertRefused(
        { store: { ...store, [name]: 7 } },
        new RegExp(`store must be .* no method ${name}`),
      );
    });
  }

  for (const odd of [null, {}, 'redis', 7]) {
    it(`refuses ${json(odd)}`, () => {
      assertRefused({ store: odd }, /store must be a TransactionStore/);
    });
  }
});

describe('the option dispatcher', () => {
  for (const [name, dispatcher] of [
    ['an Agent', new Agent()],
    ['a MockAgent', new MockAgent()],
    ['a Pool', new Pool('https://acme.okta.com')],
    ['a composed one', new Agent().compose((dispatch) => dispatch)],
  ] as const) {
    it(`takes ${name}`, () => {
      assert.equal(read({ dispatcher }).dispatcher, dispatcher);
    });
  }

  for (const odd of [null, {}, 'http://proxy:3128', () => undefined]) {
    it(`refuses ${typeof odd === 'function' ? 'a function' : json(odd)}`, () => {
      assertRefused(
        { dispatcher: odd },
        /dispatcher must be an undici Dispatcher, such as an Agent; it has no method dispatch$/,
      );
    });
  }
});

describe('the options of second factors', () => {
  for (const [name, value, text] of [
    ['factors', [], /factors must be a list of one or more of otp, push/],
    ['factors', ['otp', 'otp'], /factors must be a list .* each once/],
    ['factors', ['smoke'], /factors must be a list/],
    ['factors', ['otp', 'smoke'], /factors must be a list/],
    ['factors', 'otp', /factors must be a list/],
    ['maxChallenges', 0, /maxChallenges must be a positive integer/],
    ['resendAfter', -1, /resendAfter must be a number and must not be negative/],
    ['requireNumberChallenge', 'yes', /requireNumberChallenge must be true or false/],
    ['webauthn', 'a.com', /webauthn must be an object with rpID or origins/],
    ['webauthn', null, /webauthn must be an object/],
    ['webauthn', { rpId: 'a.com' }, /webauthn has no member rpId, only rpID and origins/],
    ['webauthn', { rpID: 'https://a.com' }, /webauthn.rpID must be a domain/],
    ['webauthn', { rpID: 'A.com' }, /webauthn.rpID must be a domain/],
    ['webauthn', { rpID: '' }, /webauthn.rpID must be a non-empty string/],
    ['webauthn', { origins: [] }, /webauthn.origins must be a list of origins/],
    ['webauthn', { origins: ['https://a.com/'] }, /webauthn.origins must be a list of origins/],
    ['webauthn', { origins: [7] }, /webauthn.origins must be a list of origins/],
    ['webauthn', { origins: ['a.com'] }, /webauthn.origins must be a list of origins/],
    ['webauthn', { origins: ['https://a.com', 'b'] }, /webauthn.origins must be a list of origins/],
    ['webauthn', { origins: 'https://a.com' }, /webauthn.origins must be a list of origins/],
  ] as const) {
    it(`refuse ${name}: ${JSON.stringify(value)}`, () => {
      assertRefused({ [name]: value }, text);
    });
  }

  it('take a list, and keep their own copy', () => {
    const list = ['push', 'otp'];
    const { factors } = read({ factors: list });
    list.pop();
    assert.deepEqual(factors({} as never), ['push', 'otp']);
  });

  it('ask a function each time, and name it when it gives no list', () => {
    const { factors } = read({ factors: ({ want }: { want: unknown }) => want });
    assert.deepEqual(factors({ want: ['sms'] } as never), ['sms']);
    assert.deepEqual(factors({ want: ['push', 'otp'] } as never), ['push', 'otp']);
    assertTypeError(() => factors({ want: ['smoke'] } as never), /factors\(\) must be a list/);
  });

  for (const webauthn of [
    { rpID: 'a.com', origins: ['https://a.com', 'http://localhost:3000'] },
    { rpID: 'a.com', origins: undefined },
    { rpID: undefined, origins: ['https://a.com'] },
  ]) {
    it(`take webauthn: ${JSON.stringify(webauthn)}`, () => {
      assert.deepEqual(read({ webauthn }).webauthn, webauthn);
    });
  }
});
