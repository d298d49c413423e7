import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { Agent, MockAgent, Pool } from 'undici';
import { readOptions } from '../../../lib/options/index.js';
import { rsaKeyPair, toJwk } from '../../support/fixtures.js';

const REQUIRED = { issuer: 'https://acme.okta.com', clientID: '0oa1' };
/** What JavaScript gives, whatever the types say. */
const read = (more: Record<string, unknown> = {}) => readOptions({ ...REQUIRED, ...more });

function assertRefused(more: Record<string, unknown>, text: RegExp, never?: string): void {
  assert.throws(
    () => read(more),
    (error: unknown) => {
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /^OktaDirectMfaStrategy/);
      assert.match(error.message, text);
      assert.ok(error.message.length < 500, 'a message is no place for a document');
      if (never !== undefined) assert.ok(!String(error.stack).includes(never));
      return true;
    },
  );
}

const json = (value: unknown) =>
  typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value);

describe('readOptions', () => {
  it('fills in the defaults', () => {
    const settings = read();
    assert.deepEqual(settings, {
      issuer: 'https://acme.okta.com',
      endpoints: {
        token: new URL('https://acme.okta.com/oauth2/v1/token'),
        keys: new URL('https://acme.okta.com/oauth2/v1/keys'),
        userInfo: new URL('https://acme.okta.com/oauth2/v1/userinfo'),
      },
      clientID: '0oa1',
      credentials: { method: 'none' },
      scope: 'openid profile',
      usernameField: 'username',
      passwordField: 'password',
      otpField: 'otp',
      mfaRedirect: undefined,
      sessionKey: 'okta-direct-mfa',
      store: undefined,
      requireMfa: true,
      transactionMaxAge: 300,
      maxOtpAttempts: 5,
      userInfo: false,
      clientIP: undefined,
      deviceToken: undefined,
      timeout: 10_000,
      dispatcher: undefined,
      clockTolerance: 60,
      passReqToCallback: false,
    });
  });

  it('takes undefined for an option that is left out', () => {
    const names = Object.keys(read()).filter(
      (name) => !['endpoints', 'credentials'].includes(name),
    );
    const all = [...names, 'clientSecret', 'clientAuthentication', 'privateKey', 'keyID'];
    const none = Object.fromEntries(
      [...all, 'allowInsecureIssuer'].map((name) => [name, undefined]),
    );
    assert.deepEqual(read({ ...none, ...REQUIRED }), read());
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
    assert.throws(
      () => read({ callbackURL: 'value-7Hq' }),
      (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.match(
          error.message,
          /no option callbackURL. It has: issuer, clientID, .*passReqToCallback$/,
        );
        assert.doesNotMatch(error.message, /value-7Hq/);
        return true;
      },
    );
  });
});

describe('the option issuer', () => {
  for (const [issuer, normal, base] of [
    ['https://acme.okta.com', 'https://acme.okta.com', 'https://acme.okta.com/oauth2/v1/'],
    ['https://acme.okta.com/', 'https://acme.okta.com', 'https://acme.okta.com/oauth2/v1/'],
    ['https://ACME.okta.com', 'https://acme.okta.com', 'https://acme.okta.com/oauth2/v1/'],
    ['https://acme.okta.com:443', 'https://acme.okta.com', 'https://acme.okta.com/oauth2/v1/'],
    [
      'https://acme.okta.com/oauth2/default',
      'https://acme.okta.com/oauth2/default',
      'https://acme.okta.com/oauth2/default/v1/',
    ],
    [
      'https://acme.okta.com/oauth2/default/',
      'https://acme.okta.com/oauth2/default',
      'https://acme.okta.com/oauth2/default/v1/',
    ],
    [
      'https://acme.okta.com/oauth2/aus1X',
      'https://acme.okta.com/oauth2/aus1X',
      'https://acme.okta.com/oauth2/aus1X/v1/',
    ],
    [
      'https://acme.okta.com/oauth2/v1custom',
      'https://acme.okta.com/oauth2/v1custom',
      'https://acme.okta.com/oauth2/v1custom/v1/',
    ],
    [
      'https://login.example.com',
      'https://login.example.com',
      'https://login.example.com/oauth2/v1/',
    ],
    [
      'https://login.example.com/oauth2/aus1',
      'https://login.example.com/oauth2/aus1',
      'https://login.example.com/oauth2/aus1/v1/',
    ],
    [
      'https://localhost:8443/oauth2/default',
      'https://localhost:8443/oauth2/default',
      'https://localhost:8443/oauth2/default/v1/',
    ],
    [
      'https://my-admin.example.com',
      'https://my-admin.example.com',
      'https://my-admin.example.com/oauth2/v1/',
    ],
    [
      'https://administration.okta.com',
      'https://administration.okta.com',
      'https://administration.okta.com/oauth2/v1/',
    ],
  ] as const) {
    it(`may be ${issuer}`, () => {
      const settings = read({ issuer });
      assert.equal(settings.issuer, normal);
      const { token, keys, userInfo } = settings.endpoints;
      assert.deepEqual(
        [token.href, keys.href, userInfo.href],
        [`${base}token`, `${base}keys`, `${base}userinfo`],
      );
    });
  }

  const LOOPBACK = [
    'http://localhost:3000',
    'http://127.0.0.1:3000/oauth2/default',
    'http://127.8.9.1',
    'http://127.10.20.30:3000',
    'http://127.1',
    'http://[::1]:3000',
    'http://okta.localhost:3000',
  ];
  for (const issuer of LOOPBACK) {
    it(`may be ${issuer} with allowInsecureIssuer, and not without`, () => {
      assert.equal(
        read({ issuer, allowInsecureIssuer: true }).issuer,
        new URL(issuer).href.replace(/\/$/, ''),
      );
      assertRefused({ issuer }, /issuer must begin with https:\/\//);
      assertRefused({ issuer, allowInsecureIssuer: false }, /issuer must begin with https:\/\//);
    });
  }

  for (const issuer of [
    'http://acme.okta.com',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://notlocalhost',
    'http://10.0.0.1',
    'http://0.0.0.0',
    'http://128.0.0.1',
    'http://[::2]',
    'http://192.168.0.1:3000',
    'ftp://localhost',
    'ws://localhost',
    'file:///etc/passwd',
    'data:,x',
  ]) {
    it(`is never ${issuer}, not even with allowInsecureIssuer`, () => {
      assertRefused({ issuer, allowInsecureIssuer: true }, /issuer must begin with https:\/\//);
      assertRefused({ issuer }, /issuer must begin with https:\/\//);
    });
  }

  for (const issuer of [
    'https://{yourOktaDomain}',
    'https://{yourOktaDomain}/oauth2/default',
    'https://${yourOktaDomain}/oauth2/default',
    'https://yourOktaDomain.okta.com',
    'https://<your-domain>.okta.com',
    'https://acme.okta.com/oauth2/{authServerId}',
  ]) {
    it(`is no placeholder such as ${issuer}`, () => {
      assertRefused({ issuer }, /issuer still has a placeholder/);
    });
  }

  for (const issuer of [
    'https://acme-admin.okta.com',
    'https://acme-admin.okta.com/oauth2/default',
    'https://ACME-ADMIN.OKTA.COM',
    'https://acme-admin.oktapreview.com',
    'https://acme-admin.okta-emea.com',
    'https://acme-admin.okta-gov.com',
    'https://acme-admin.trexcloud.com',
  ]) {
    it(`is not the address of the admin console, as ${issuer}`, () => {
      assertRefused({ issuer }, /issuer must be the address of the org without -admin/);
    });
  }

  for (const issuer of [
    'https://acme.okta.com?x=1',
    'https://acme.okta.com/oauth2/default?',
    'https://acme.okta.com/#x',
    'https://acme.okta.com#',
  ]) {
    it(`has no query and no fragment, as ${issuer}`, () => {
      assertRefused({ issuer }, /issuer must have no query and no fragment/);
    });
  }

  for (const issuer of [
    'https://acme.okta.com/oauth2',
    'https://acme.okta.com/oauth2/',
    'https://acme.okta.com/oauth2/v1',
    'https://acme.okta.com/oauth2/v1/',
    'https://acme.okta.com/oauth2/default/v1',
    'https://acme.okta.com/oauth2/default/v1/token',
    'https://acme.okta.com/oauth2/default/.well-known/openid-configuration',
    'https://acme.okta.com/.well-known/openid-configuration',
    'https://acme.okta.com/login',
    'https://acme.okta.com//oauth2/default',
    'https://acme.okta.com/OAUTH2/default',
    'acme.okta.com',
    'https://',
    '//acme.okta.com',
    'https://acme okta.com',
  ]) {
    it(`has none of the two forms as ${issuer}`, () => {
      assertRefused({ issuer }, /issuer must b/);
    });
  }

  for (const issuer of ['https://user:pw-7Hq@acme.okta.com', 'https://pw-7Hq@acme.okta.com']) {
    it('holds no username or password, and a refusal does not repeat it', () => {
      assertRefused({ issuer }, /issuer must hold no username or password/, 'pw-7Hq');
    });
  }

  for (const issuer of [
    'https://user:pw-7Hq@{yourOktaDomain}',
    'https://user:pw-7Hq@acme okta.com',
  ]) {
    it('repeats no password of an issuer that is wrong for another reason too', () => {
      assertRefused({ issuer }, /issuer/, 'pw-7Hq');
    });
  }
});

describe('an option that is a text', () => {
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
        assertRefused(
          { [name]: odd },
          new RegExp(`${name} must be a string that is not empty, but got`),
        );
      });
    }
  }

  for (const name of ['issuer', 'clientID'] as const) {
    for (const odd of [undefined, null]) {
      it(`refuses ${name}: ${String(odd)}, since it must be there`, () => {
        assertRefused({ [name]: odd }, new RegExp(`${name} must be a string.*but got ${odd}`));
      });
    }
  }

  it('takes names and addresses of the app', () => {
    const texts = {
      usernameField: 'email',
      passwordField: 'passphrase',
      otpField: 'code',
      mfaRedirect: '/login/otp?x=1',
      sessionKey: 'waiting',
    };
    const settings = read(texts);
    for (const [name, value] of Object.entries(texts)) {
      assert.equal(settings[name as keyof typeof texts], value);
    }
  });

  for (const fields of [
    { usernameField: 'x', passwordField: 'x' },
    { usernameField: 'otp' },
    { passwordField: 'otp' },
  ]) {
    it(`refuses fields of the same name (${JSON.stringify(fields)})`, () => {
      assertRefused(fields, /usernameField, passwordField and otpField must differ/);
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
    it(`refuses sessionKey: '${sessionKey}', which the session uses itself`, () => {
      assertRefused({ sessionKey }, /sessionKey must not be a name that the session uses itself/);
    });
  }

  for (const sessionKey of ['id', 'req', 'save', 'regenerate', 'destroy', 'reload', 'touch']) {
    it(`refuses sessionKey: '${sessionKey}', which express-session's session has`, () => {
      assertRefused({ sessionKey }, /sessionKey must not be a name that the session uses itself/);
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
  for (const name of ['transactionMaxAge', 'maxOtpAttempts', 'timeout', 'clockTolerance']) {
    for (const odd of [-1, NaN, Infinity, '5', null, {}, 5n]) {
      it(`refuses ${name}: ${typeof odd === 'bigint' ? '5n' : json(odd)}`, () => {
        assertRefused(
          { [name]: odd },
          new RegExp(`${name} must be a (whole )?number .*0, but got`),
        );
      });
    }
  }

  for (const name of ['transactionMaxAge', 'maxOtpAttempts', 'timeout']) {
    it(`refuses ${name}: 0`, () => {
      assertRefused({ [name]: 0 }, new RegExp(`${name} must be a (whole )?number above 0`));
    });
  }

  it('says of a tolerance that it may be 0', () => {
    assertRefused({ clockTolerance: -1 }, /clockTolerance must be a number of at least 0/);
  });

  it('takes no tolerance at all', () => {
    assert.equal(read({ clockTolerance: 0 }).clockTolerance, 0);
  });

  it('counts attempts in whole numbers', () => {
    assertRefused({ maxOtpAttempts: 2.5 }, /maxOtpAttempts must be a whole number above 0/);
    assert.equal(read({ maxOtpAttempts: 1 }).maxOtpAttempts, 1);
  });

  it('takes parts of a second', () => {
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
      assertRefused({ scope }, /scope must have openid/);
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
    it(`refuses ${JSON.stringify(scope)}, which is neither text nor array`, () => {
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
      assertRefused({ dispatcher: odd }, /dispatcher must be an undici Dispatcher/);
    });
  }
});

describe('the options of client authentication', () => {
  const clientSecret = 'secret-7Hq';
  const { privateKey, publicKey } = rsaKeyPair();
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

  for (const [what, more, credentials] of [
    ['nothing: none', {}, { method: 'none' }],
    ['none', { clientAuthentication: 'none' }, { method: 'none' }],
    ['a secret: basic', { clientSecret }, { method: 'client_secret_basic', clientSecret }],
    [
      'basic',
      { clientSecret, clientAuthentication: 'client_secret_basic' },
      { method: 'client_secret_basic', clientSecret },
    ],
    [
      'post',
      { clientSecret, clientAuthentication: 'client_secret_post' },
      { method: 'client_secret_post', clientSecret },
    ],
  ] as const) {
    it(`take ${what}`, () => {
      assert.deepEqual(read(more).credentials, credentials);
    });
  }

  it('keep the spaces of a secret', () => {
    const { credentials } = read({ clientSecret: ' a ' });
    assert.deepEqual(credentials, { method: 'client_secret_basic', clientSecret: ' a ' });
  });

  for (const odd of ['basic', 'client_secret_jwt', 'CLIENT_SECRET_POST', '', 7, {}]) {
    it(`refuse clientAuthentication: ${json(odd)}`, () => {
      assertRefused(
        { clientAuthentication: odd, clientSecret },
        /clientAuthentication must be client_secret_basic, client_secret_post, private_key_jwt or none, but got/,
        clientSecret,
      );
    });
  }

  for (const clientAuthentication of ['client_secret_basic', 'client_secret_post']) {
    for (const [odd, kind] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['', 'an empty string'],
      [['secret-7Hq'], 'object'],
      [72_727_272, 'number'],
    ] as const) {
      it(`refuse ${clientAuthentication} with a secret that is ${kind}`, () => {
        assertRefused(
          { clientAuthentication, clientSecret: odd },
          new RegExp(`clientSecret must be a string that is not empty.* but got ${kind}`),
          typeof odd === 'number' ? '72727272' : 'secret-7Hq',
        );
      });
    }
  }

  for (const clientAuthentication of ['none', 'private_key_jwt']) {
    it(`refuse a secret that ${clientAuthentication} would not use`, () => {
      assertRefused(
        {
          clientAuthentication,
          clientSecret,
          ...(clientAuthentication === 'none' ? {} : { privateKey }),
        },
        /clientSecret is not used with clientAuthentication/,
        clientSecret,
      );
    });
  }

  for (const [name, value] of [
    ['privateKey', pem],
    ['keyID', 'kid-7Hq'],
  ] as const) {
    for (const more of [{}, { clientSecret }, { clientAuthentication: 'none' }]) {
      it(`refuse ${name} that nothing would use (${Object.keys(more).join() || 'by default'})`, () => {
        assertRefused(
          { ...more, [name]: value },
          new RegExp(`${name} is only used with`),
          value.slice(30, 60) || value,
        );
      });
    }
  }

  const jwt = { clientAuthentication: 'private_key_jwt' };
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;

  const encrypted = privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  }) as string;
  const broken = { ...toJwk(privateKey), n: 'broken' };
  const body = pem.split('\n')[3] ?? '';

  for (const [what, odd, never] of [
    ['missing', undefined, body],
    ['null', null, body],
    ['an empty string', '', body],
    ['a text', 'key-7Hq', 'key-7Hq'],
    ['a PEM without its end', pem.slice(0, -60), body],
    ['an encrypted PEM', encrypted, encrypted.split('\n')[3] ?? ''],
    ['a public PEM', publicKey.export({ type: 'spki', format: 'pem' }), body],
    ['a broken JWK', broken, String(broken['d'])],
    ['a public JWK', toJwk(publicKey), body],
    ['a symmetric JWK', { kty: 'oct', k: 'secret-7Hq' }, 'secret-7Hq'],
    ['a number', 7, body],
    ['an array', [pem], body],
    ['a Buffer of nothing', Buffer.alloc(0), body],
  ] as [string, unknown, string][]) {
    it(`refuse a privateKey that is ${what}, and repeat nothing of it`, () => {
      assertRefused(
        { ...jwt, privateKey: odd },
        /privateKey must be an RSA private key of at least 2048 bits/,
        never,
      );
    });
  }

  for (const [what, key] of [
    ['a public KeyObject', publicKey],
    ['a short RSA key', rsaKeyPair(1024).privateKey],
    ['a key on another curve', ec('P-384')],
    ['a key on secp256k1', ec('secp256k1')],
    ['an Ed25519 key', generateKeyPairSync('ed25519').privateKey],
    ['an RSA-PSS key', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey],
  ] as const) {
    it(`refuse ${what} and say what it is`, () => {
      assertRefused(
        { ...jwt, privateKey: key },
        /privateKey must be .*but got a (public|private) [\w-]+ key/,
      );
    });
  }

  it('refuse a short RSA key in a PEM or a JWK too', () => {
    const short = rsaKeyPair(1024).privateKey;
    for (const privateKey of [short.export({ type: 'pkcs1', format: 'pem' }), toJwk(short)]) {
      assertRefused({ ...jwt, privateKey }, /privateKey must be/);
    }
  });

  for (const odd of ['', ' ', 7, {}]) {
    it(`refuse keyID: ${json(odd)}`, () => {
      assertRefused({ ...jwt, privateKey, keyID: odd }, /keyID must be a string that is not empty/);
    });
  }

  it("refuse a JWK's own kid that is no text", () => {
    assertRefused({ ...jwt, privateKey: toJwk(privateKey, { kid: 7 }) }, /keyID must be a string/);
  });
});
