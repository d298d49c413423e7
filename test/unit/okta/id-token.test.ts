import assert from 'node:assert/strict';
import { createHash, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { after, describe, it, type TestContext } from 'node:test';
import { Agent } from 'undici';
import { OktaResponseError, OktaUnreachableError } from '../../../lib/errors.js';
import { verifyIdToken } from '../../../lib/okta/id-token.js';
import { createJwks, type Jwks } from '../../../lib/okta/jwks.js';
import {
  CLIENT_ID,
  everyPrint,
  idTokenClaims,
  ISSUER,
  KEYS_PATH,
  KID,
  now,
  ORIGIN,
  rs256,
  rsaKeyPair,
  toJwk,
} from '../../support/fixtures.js';

const { publicKey, privateKey } = rsaKeyPair();
const stranger = rsaKeyPair();
const ACCESS_TOKEN = 'access-token-5Kp';
const HEADER = { alg: 'RS256', kid: KID };
/** A time at the start of a second. */
const NOW = 1_700_000_000;

const sought: string[] = [];
const jwks = {
  ready: () => Promise.resolve(),
  find: (kid: string) => {
    sought.push(kid);
    return Promise.resolve(kid === KID ? publicKey : undefined);
  },
};
const verify = (token: string, more: { clockTolerance?: number; jwks?: Jwks } = {}) =>
  verifyIdToken(token, ACCESS_TOKEN, {
    issuer: ISSUER,
    clientID: CLIENT_ID,
    clockTolerance: 60,
    jwks,
    ...more,
  });

const token = (claims: Record<string, unknown> = {}, header: object = HEADER) =>
  rs256(header, idTokenClaims(claims), privateKey);

/** The token's own text, and every longer part of it, must stand in no error. */
async function assertRefused(
  jwt: string,
  reason: RegExp,
  clockTolerance = 60,
  keys: Jwks = jwks,
): Promise<void> {
  await assert.rejects(verify(jwt, { clockTolerance, jwks: keys }), (error: unknown) => {
    assert.ok(error instanceof OktaResponseError, String(error));
    assert.equal(error.code, 'invalid_id_token');
    assert.match(error.message, reason);
    assert.ok(error.message.length < 400);
    for (const part of jwt.split('.')) {
      if (part.length > 20) assert.ok(!everyPrint(error).includes(part));
    }
    return true;
  });
}

describe('verifyIdToken', () => {
  it('gives the claims of a token that is as it should be', async () => {
    const claims = idTokenClaims({ amr: ['pwd', 'otp'], nonce: 'n' });
    assert.deepEqual(await verify(rs256(HEADER, claims, privateKey)), claims);
  });

  it('asks for the key by the kid of the header', async () => {
    sought.length = 0;
    await verify(token());
    assert.deepEqual(sought, [KID]);
  });

  it('passes on the error of the keys endpoint', async () => {
    const down = { ...jwks, find: () => Promise.reject(new OktaUnreachableError('down')) };
    const expectations = { issuer: ISSUER, clientID: CLIENT_ID, clockTolerance: 60, jwks: down };
    await assert.rejects(verifyIdToken(token(), ACCESS_TOKEN, expectations), OktaUnreachableError);
  });
});

describe('verifyIdToken, about the signature', () => {
  const unsigned = (header: object, signature = '') => {
    const [head, payload] = [header, idTokenClaims()].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    return `${head}.${payload}.${signature}`;
  };

  for (const alg of [
    'none',
    'None',
    'NONE',
    '',
    'rs256',
    'RS384',
    'RS512',
    'PS256',
    'ES256',
    'HS256',
  ]) {
    it(`refuses the algorithm ${alg || '(empty)'}`, async () => {
      await assertRefused(unsigned({ alg, kid: KID }), /not a JWT signed with RS256/);
    });
  }

  for (const alg of [undefined, null, ['RS256'], { RS256: 1 }, 256]) {
    it(`refuses an algorithm that is ${JSON.stringify(alg) ?? 'missing'}`, async () => {
      await assertRefused(token({}, { alg, kid: KID }), /not a JWT signed with RS256/);
    });
  }

  for (const format of ['pem', 'der', 'jwk'] as const) {
    for (const [alg, reason] of [
      ['HS256', /not a JWT signed with RS256/],
      ['RS256', /invalid signature/],
    ] as const) {
      it(`refuses an HMAC with the public key as the secret (${format}), called ${alg}`, async () => {
        const secret =
          format === 'jwk'
            ? JSON.stringify(publicKey.export({ format }))
            : publicKey.export({ type: 'spki', format: format as 'pem' });
        const [head, payload] = unsigned({ alg, kid: KID }).split('.');
        const signature = createHmac('sha256', secret)
          .update(`${head}.${payload}`)
          .digest('base64url');
        await assertRefused(`${head}.${payload}.${signature}`, reason);
      });
    }
  }

  it('refuses RS256 without a signature', async () => {
    await assertRefused(unsigned(HEADER), /jwt signature is required/);
  });

  it("refuses the signature of a stranger's key under a known kid", async () => {
    await assertRefused(rs256(HEADER, idTokenClaims(), stranger.privateKey), /invalid signature/);
  });

  it('refuses a payload that was changed after it was signed', async () => {
    const [head, , signature] = token().split('.');
    const [, payload] = token({ sub: '00u1admin' }).split('.');
    await assertRefused(`${head}.${payload}.${signature}`, /invalid signature/);
  });

  it('refuses a signature that was made over PSS padding', async () => {
    const [head, payload] = token().split('.');
    const signature = sign('sha256', Buffer.from(`${head}.${payload}`), {
      key: privateKey,
      padding: 6,
    });
    await assertRefused(
      `${head}.${payload}.${signature.toString('base64url')}`,
      /invalid signature/,
    );
  });

  it('refuses a key of another kind that goes by the kid', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    const expectations = { issuer: ISSUER, clientID: CLIENT_ID, clockTolerance: 60 };
    await assert.rejects(
      verifyIdToken(token(), ACCESS_TOKEN, {
        ...expectations,
        jwks: { ...jwks, find: async () => ec },
      }),
      { code: 'invalid_id_token' },
    );
  });
});

describe('verifyIdToken, about the header', () => {
  for (const crit of [['exp'], ['b64'], [], null]) {
    it(`refuses "crit": ${JSON.stringify(crit)}`, async () => {
      await assertRefused(token({}, { ...HEADER, crit, b64: false }), /"crit"/);
    });
  }

  for (const kid of [undefined, null, 7, [KID]]) {
    it(`refuses a kid that is ${JSON.stringify(kid) ?? 'missing'}`, async () => {
      await assertRefused(token({}, { alg: 'RS256', kid }), /no "kid"/);
    });
  }

  it('refuses a kid that is not among the keys', async () => {
    await assertRefused(token({}, { alg: 'RS256', kid: 'other' }), /"kid" is not among the keys/);
  });

  it('never looks where the header itself says that the key is', async () => {
    const own = createPublicKey(stranger.privateKey).export({ format: 'jwk' });
    const header = {
      jku: 'https://evil.example.com/keys',
      x5u: 'https://evil.example.com',
      jwk: own,
    };
    const forged = rs256({ ...HEADER, ...header }, idTokenClaims(), stranger.privateKey);
    await assertRefused(forged, /invalid signature/);
    // Nor is a good token refused for naming a place.
    assert.equal((await verify(token({}, { ...HEADER, ...header }))).sub, '00u1person');
  });
});

describe('verifyIdToken, about the form', () => {
  const [head = '', payload = '', signature = ''] = token().split('.');
  for (const [what, jwt] of [
    ['is empty', ''],
    ['has no dot', 'abc'],
    ['is only dots', '..'],
    ['has two parts', `${head}.${payload}`],
    ['has four parts', `${head}.${payload}.${signature}.x`],
    ['has five parts, as an encrypted one', `${head}.a.b.c.d`],
    ['has a header that is not JSON', `${Buffer.from('no').toString('base64url')}.${payload}.x`],
    ['has a header that is null', `${Buffer.from('null').toString('base64url')}.${payload}.x`],
    ['has a header that is an array', `${Buffer.from('["RS256"]').toString('base64url')}.e30.x`],
    ['has a header that is a string', `${Buffer.from('"RS256"').toString('base64url')}.e30.x`],
    ['has spaces around it', ` ${token()} `],
  ] as const) {
    it(`refuses a token that ${what}`, async () => {
      await assertRefused(jwt, /Okta's ID token was rejected/);
    });
  }

  for (const [what, body] of [
    ['a text', 'just a text'],
    ['a JSON string', '"text"'],
    ['a number', '7'],
    ['null', 'null'],
    ['an array', '[]'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x7b, 0x80])],
    ['nothing', ''],
  ] as const) {
    it(`refuses a signed payload that is ${what}`, async () => {
      await assertRefused(rs256(HEADER, body, privateKey), /Okta's ID token was rejected/);
    });
  }

  it('refuses a payload of broken JSON without quoting it', async () => {
    const jwt = rs256({ ...HEADER, typ: 'JWT' }, '{"sub":"00u1person", oops', privateKey);
    await assert.rejects(verify(jwt), (error: unknown) => {
      assert.ok(error instanceof OktaResponseError);
      assert.match(error.message, /cannot be decoded/);
      assert.doesNotMatch(everyPrint(error), /00u1person|oops/);
      return true;
    });
  });
});

describe('verifyIdToken, about iss, aud, azp and sub', () => {
  for (const iss of [
    undefined,
    `${ISSUER}/`,
    'https://evil.okta.com',
    ISSUER.toUpperCase(),
    [ISSUER],
  ]) {
    it(`refuses iss ${JSON.stringify(iss) ?? 'missing'}`, async () => {
      await assertRefused(
        token({ iss }),
        /its "iss" is .*, but the issuer option is https:\/\/acme/,
      );
    });
  }

  it('names both issuers', async () => {
    const reason = `its "iss" is ${ORIGIN}, but the issuer option is ${ISSUER}`;
    await assert.rejects(verify(token({ iss: ORIGIN })), {
      message: `Okta's ID token was rejected: ${reason}`,
    });
  });

  it('names an issuer on one short line, whoever it is, and never with the access token', async () => {
    await assertRefused(
      token({ iss: 'a\r\n\u2028\u202e\u001b[2Jb' }),
      /its "iss" is a \[2Jb, but the issuer/,
    );
    await assertRefused(token({ iss: 'x'.repeat(1001) }), /its "iss" is withheld/);
    await assertRefused(token({ iss: `https://${ACCESS_TOKEN}.com` }), /its "iss" is withheld/);
    for (const [iss, shown] of [
      [7, 'number'],
      [undefined, 'undefined'],
      [{ [ACCESS_TOKEN]: 1 }, 'object'],
    ] as const) {
      await assertRefused(token({ iss }), new RegExp(`its "iss" is ${shown}, but`));
    }
  });

  for (const aud of [undefined, 'other', [], ['other'], null, `${CLIENT_ID} `, [[CLIENT_ID]], {}]) {
    it(`refuses aud ${JSON.stringify(aud) ?? 'missing'}`, async () => {
      await assertRefused(token({ aud }), /jwt audience invalid/);
    });
  }

  it('takes an array with this client alone', async () => {
    assert.deepEqual((await verify(token({ aud: [CLIENT_ID] }))).aud, [CLIENT_ID]);
  });

  it('refuses further audiences without an azp', async () => {
    await assertRefused(token({ aud: [CLIENT_ID, 'other'] }), /further audiences and no "azp"/);
  });

  it('takes further audiences when azp is this client', async () => {
    await verify(token({ aud: [CLIENT_ID, 'other'], azp: CLIENT_ID }));
  });

  it('takes azp also beside one audience', async () => {
    await verify(token({ azp: CLIENT_ID }));
  });

  for (const azp of ['other', null, '', [CLIENT_ID], 7]) {
    it(`refuses azp ${JSON.stringify(azp)}`, async () => {
      await assertRefused(token({ azp }), /"azp" is another client/);
      await assertRefused(token({ azp, aud: [CLIENT_ID, 'other'] }), /"azp" is another client/);
    });
  }

  for (const sub of [undefined, '', null, 7, ['00u1']]) {
    it(`refuses sub ${JSON.stringify(sub) ?? 'missing'}`, async () => {
      await assertRefused(token({ sub }), /no "sub"/);
    });
  }
});

describe('verifyIdToken, about at_hash', () => {
  const hash = (algorithm: string, accessToken = ACCESS_TOKEN) => {
    const digest = createHash(algorithm).update(accessToken).digest();
    return digest.subarray(0, digest.length / 2);
  };
  const good = hash('sha256');

  it('takes the left half of the hash of the access token', async () => {
    assert.equal(good.toString('base64url').length, 22);
    await verify(token({ at_hash: good.toString('base64url') }));
  });

  it('agrees with the example of OIDC Core, A.3', async () => {
    const accessToken = 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y';
    const at_hash = '77QmUPtjPfzWtF2AnpK9RQ';
    await verifyIdToken(token({ at_hash }), accessToken, {
      issuer: ISSUER,
      clientID: CLIENT_ID,
      clockTolerance: 60,
      jwks,
    });
  });

  it('takes a token without it', async () => {
    assert.equal((await verify(token()))['at_hash'], undefined);
  });

  for (const [what, at_hash] of [
    ['of another access token', hash('sha256', 'other').toString('base64url')],
    ['of another hash', hash('sha512').toString('base64url')],
    ['that is whole', createHash('sha256').update(ACCESS_TOKEN).digest('base64url')],
    ['that is cut', good.toString('base64url').slice(0, -1)],
    ['with padding', good.toString('base64')],
    ['in hex', good.toString('hex')],
    ['that is empty', ''],
    ['that is null', null],
    ['that is a list', [good.toString('base64url')]],
  ] as const) {
    it(`refuses one ${what}`, async () => {
      await assertRefused(token({ at_hash }), /its "at_hash" is of another access token/);
    });
  }
});

describe('verifyIdToken, about times', () => {
  const clock = (t: TestContext) => t.mock.timers.enable({ apis: ['Date'], now: NOW * 1000 });

  it('takes a token until exp and the tolerance are over', async (t) => {
    clock(t);
    await verify(token({ exp: NOW - 59, iat: NOW - 100 }));
    await assertRefused(token({ exp: NOW - 60, iat: NOW - 100 }), /jwt expired/);
  });

  it('takes one to the second without a tolerance', async (t) => {
    clock(t);
    await verify(token({ exp: NOW + 1, iat: NOW }), { clockTolerance: 0 });
    await assertRefused(token({ exp: NOW, iat: NOW }), /jwt expired/, 0);
  });

  it('takes an iat that is ahead by no more than the tolerance', async (t) => {
    clock(t);
    await verify(token({ iat: NOW + 60 }));
    await assertRefused(token({ iat: NOW + 61 }), /"iat" is in the future.*clock/);
  });

  it('takes no iat ahead without a tolerance', async (t) => {
    clock(t);
    await verify(token({ iat: NOW }), { clockTolerance: 0 });
    await assertRefused(token({ iat: NOW + 1 }), /"iat" is in the future/, 0);
  });

  it('takes an nbf that is ahead by no more than the tolerance', async (t) => {
    clock(t);
    await verify(token({ iat: NOW, nbf: NOW + 60 }));
    await assertRefused(token({ iat: NOW, nbf: NOW + 61 }), /jwt not active/);
  });

  it('refuses a token without exp', async () => {
    await assertRefused(token({ exp: undefined }), /no "exp"/);
  });

  it('refuses a token without iat', async () => {
    await assertRefused(token({ iat: undefined }), /no "iat"/);
  });

  for (const odd of ['2099-01-01', null, [9_999_999_999]]) {
    it(`refuses times that are ${JSON.stringify(odd)}`, async () => {
      await assertRefused(token({ exp: odd }), /rejected/);
      await assertRefused(token({ iat: odd }), /rejected/);
    });
  }
});

describe('verifyIdToken, about forgeries', () => {
  const keysURL = new URL(KEYS_PATH, ORIGIN);
  const fetched: string[] = [];
  const keys = createJwks(
    async ({ url }) => {
      fetched.push(url.href);
      return { status: 200, headers: {}, json: { keys: [toJwk(publicKey, { kid: KID })] } };
    },
    { url: new URL(keysURL.pathname, ORIGIN), clientID: CLIENT_ID, dispatcher: new Agent() },
  );
  after(() => assert.deepEqual([...new Set(fetched)], [keysURL.href]));

  const encode = (part: string | object | Buffer) =>
    (Buffer.isBuffer(part)
      ? part
      : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part))
    ).toString('base64url');
  const [head = '', payload = '', signature = ''] = token().split('.');
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const forged = (header: object) => rs256(header, idTokenClaims(), stranger.privateKey);
  const signed = (body: unknown) => rs256(HEADER, body, privateKey);
  const jwk = stranger.publicKey.export({ format: 'jwk' });
  const x5c = [stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')];
  const evil = 'https://evil.example.com';
  const { sub: _, ...nobody } = idTokenClaims();

  const UNKNOWN = /"kid" is not among the keys/;
  const NOT_RS256 = /not a JWT signed with RS256/;
  for (const [what, jwt, reason] of [
    // The key that the token itself brings.
    [
      "the forger's key in jwk, under its own kid",
      forged({ alg: 'RS256', kid: 'e', jwk }),
      UNKNOWN,
    ],
    [
      "the forger's address in jku, under its own kid",
      forged({ alg: 'RS256', kid: 'e', jku: `${evil}/keys` }),
      UNKNOWN,
    ],
    [
      "the forger's address in x5u and as the kid",
      forged({ alg: 'RS256', kid: `${evil}/keys`, x5u: `${evil}/cert` }),
      UNKNOWN,
    ],
    ["the forger's certificate in x5c", forged({ ...HEADER, x5c }), /invalid signature/],
    ['a kid that is a path', forged({ alg: 'RS256', kid: '../../../dev/null' }), UNKNOWN],
    ['a kid that is SQL', forged({ alg: 'RS256', kid: "' OR '1'='1" }), UNKNOWN],
    ['a kid of __proto__', forged({ alg: 'RS256', kid: '__proto__' }), UNKNOWN],
    ['a kid of 100 kB', forged({ alg: 'RS256', kid: 'x'.repeat(100_000) }), UNKNOWN],
    ['a kid in upper case', forged({ alg: 'RS256', kid: KID.toUpperCase() }), UNKNOWN],

    // The algorithm and the signature.
    [
      'nOnE, with a good signature',
      `${encode({ ...HEADER, alg: 'nOnE' })}.${payload}.${signature}`,
      NOT_RS256,
    ],
    [
      'two algorithms, the last RS256',
      `${encode(`{"alg":"none","alg":"RS256","kid":"${KID}"}`)}.${payload}.`,
      /jwt signature is required/,
    ],
    [
      'two algorithms, the last none',
      `${encode(`{"alg":"RS256","kid":"${KID}","alg":"none"}`)}.${payload}.${signature}`,
      NOT_RS256,
    ],
    [
      'a signature of zeros',
      `${head}.${payload}.${encode(Buffer.alloc(256))}`,
      /invalid signature/,
    ],
    ['a signature of one byte', `${head}.${payload}.AA`, /invalid signature/],
    ['a signature of 900 kB', `${head}.${payload}.${'A'.repeat(900_000)}`, /invalid signature/],

    // The form.
    ['an empty header', `.${payload}.${signature}`, NOT_RS256],
    ['an empty payload', `${head}..${signature}`, /rejected/],
    ['an empty fourth part', `${token()}.`, /jwt malformed/],
    ['a dot in front', `.${token()}`, NOT_RS256],
    [
      'JSON serialisation',
      JSON.stringify({ protected: head, payload, signature }),
      /not a JWT signed with RS256/,
    ],
    [
      'base64 with + and /',
      `${head}.${payload}.${signature.replaceAll('-', '+').replaceAll('_', '/')}==`,
      /rejected/,
    ],
    ['padding behind each part', `${head}=.${payload}=.${signature}=`, /rejected/],
    ['a line break in the middle', token().replace('.', '.\n'), /rejected/],
    ['a space at the end', `${token()} `, /rejected/],
    ['a NUL at the end', `${token()}\u0000`, /rejected/],
    [
      'a header that is not UTF-8',
      `${encode(Buffer.from([0xc3, 0x28, 0xff]))}.${payload}.${signature}`,
      NOT_RS256,
    ],
    [
      'a header with a byte order mark',
      `${encode(`\ufeff${JSON.stringify(HEADER)}`)}.${payload}.${signature}`,
      NOT_RS256,
    ],
    ['a payload of arrays, a hundred thousand deep', signed(deep), /rejected/],
    [
      'a header of arrays, a hundred thousand deep',
      `${encode(`{"alg":${deep}}`)}.e30.x`,
      NOT_RS256,
    ],

    [
      'two parts of 400 kB each',
      `${'eyJ4Ijoi'.repeat(50_000)}.${'eyJ4Ijoi'.repeat(50_000)}`,
      NOT_RS256,
    ],

    // The claims, signed by the issuer itself.
    ['exp as a string of digits', token({ exp: String(now() + 3600) }), /rejected/],
    ['exp below zero', token({ exp: -1 }), /jwt expired/],
    ['exp zero', token({ exp: 0 }), /rejected/],
    ['exp true', token({ exp: true }), /rejected/],
    [
      'exp of 1e300',
      signed(JSON.stringify(idTokenClaims()).replace(/"exp":\d+/, '"exp":1e300')),
      /"exp"/,
    ],
    [
      'exp of 1e999',
      signed(JSON.stringify(idTokenClaims()).replace(/"exp":\d+/, '"exp":1e999')),
      /"exp"/,
    ],
    ['iat as a string of digits', token({ iat: '0' }), /"iat"/],
    ['iat a thousand years ahead', token({ iat: now() + 3e10 }), /"iat" is in the future/],
    ['nbf as a string of digits', token({ nbf: '0' }), /invalid nbf value/],
    ['sub as an object', token({ sub: { id: 'admin' } }), /no "sub"/],
    [
      'sub under __proto__ only',
      signed(`{"__proto__":{"sub":"admin"},${JSON.stringify(nobody).slice(1)}`),
      /no "sub"/,
    ],
    ['aud as an object', token({ aud: { 0: CLIENT_ID } }), /jwt audience invalid/],
    ['aud in another case', token({ aud: CLIENT_ID.toUpperCase() }), /jwt audience invalid/],
    [
      'an access token in its place',
      token(
        { aud: ISSUER, cid: CLIENT_ID },
        { ...HEADER, typ: 'application/okta-internal-at+jwt' },
      ),
      /jwt audience invalid/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => assertRefused(jwt, reason, 60, keys));
  }

  for (const [what, jwt] of [
    ['nothing wrong', token()],
    ['an iat below zero', token({ iat: -1 })],
    [
      'claims named as parts of objects',
      token({ constructor: 1, toString: 1, then: 1, hasOwnProperty: 1 }),
    ],
  ] as const) {
    it(`takes a token with ${what}`, async () => {
      assert.equal((await verify(jwt, { jwks: keys })).sub, '00u1person');
    });
  }
});
