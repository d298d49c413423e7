import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { OktaDirectMfaError, OktaResponseError } from '../../../lib/errors.js';
import {
  passwordGrant,
  pollGrant,
  secondFactorGrant,
  type Factor,
} from '../../../lib/factors/index.js';
import { otpGrant } from '../../../lib/factors/otp.js';
import {
  createClientAuthentication,
  type ClientCredentials,
} from '../../../lib/okta/client-authentication.js';
import { createHttpClient } from '../../../lib/okta/http.js';
import type { Grant } from '../../../lib/okta/request.js';
import { TokenEndpoint, type TokenResponse } from '../../../lib/okta/token-endpoint.js';
import {
  CLIENT_ID,
  everyPrint,
  mockOkta,
  ORIGIN,
  rsaKeyPair,
  TOKEN_PATH,
} from '../../support/fixtures.js';
import { TRANSACTION } from '../support.js';

const PASSWORD = passwordGrant({
  type: 'password',
  username: 'ada',
  password: 'correct horse & battery',
});
const OTP = secondFactorGrant(
  { type: 'otp', otp: '492713' },
  { ...TRANSACTION, mfaToken: 'mfa-token/7Hq' },
);
const CLIENT_SECRET = 'client-secret+9Zx';
const URL_ = new URL(TOKEN_PATH, ORIGIN);
const TOKENS = { access_token: 'at', id_token: 'it' };
const BOTH = [
  ['the password grant', PASSWORD],
  ['the MFA OTP grant', OTP],
] as const;

let okta: ReturnType<typeof mockOkta>;
beforeEach(() => (okta = mockOkta()));
afterEach(() => okta.end());

const request = (
  grant: Grant = PASSWORD,
  headers: Record<string, string> = {},
  credentials: ClientCredentials = { method: 'client_secret_post', clientSecret: CLIENT_SECRET },
): Promise<TokenResponse> => endpoint(credentials).request(grant, headers);
const endpoint = (credentials: ClientCredentials) =>
  new TokenEndpoint({
    http: createHttpClient({ dispatcher: okta.agent, timeout: 1000 }),
    url: URL_,
    scope: 'openid profile',
    authenticateClient: createClientAuthentication(CLIENT_ID, credentials),
  });

/** A response without what Okta said, which `oauth-error.test.ts` is about. */
async function meaning(response: Promise<TokenResponse>): Promise<object> {
  const given = await response;
  if (given.type !== 'rejected') return given;
  const { okta: reference, ...rest } = given;
  assert.ok(reference);
  return rest;
}

const formEncode = (value: string) => new URLSearchParams({ '': value }).toString().slice(1);

async function failure(response: Promise<TokenResponse>): Promise<OktaDirectMfaError> {
  try {
    assert.fail(`expected an error, but got ${JSON.stringify(await response)}`);
  } catch (error) {
    assert.ok(error instanceof OktaDirectMfaError, String(error));
    return error;
  }
}

describe('a token request', () => {
  for (const [what, grant, parameters] of [
    [...BOTH[0], { username: 'ada', password: 'correct horse & battery' }],
    [...BOTH[1], { mfa_token: 'mfa-token/7Hq', otp: '492713' }],
  ] as const) {
    it(`has the parameters of ${what}, the scope and the client, and no others`, async () => {
      okta.token(200, TOKENS);
      await request(grant);
      assert.deepEqual(okta.forms(), [
        {
          grant_type: grant.grantType,
          ...parameters,
          scope: 'openid profile',
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
        },
      ]);
      assert.equal(okta.sent[0]?.headers['content-type'], 'application/x-www-form-urlencoded');
      assert.doesNotMatch(JSON.stringify(okta.sent), /undefined|null/);
    });
  }

  it('encodes what has a meaning in forms, and keeps spaces at the ends of a password', async () => {
    okta.token(200, TOKENS);
    const credentials = { username: 'a&b=c+d@é.com', password: ' 100% &scope=admin\n🔑 ' };
    await request(passwordGrant({ type: 'password', ...credentials }));
    const [form] = okta.forms();
    assert.deepEqual({ username: form?.['username'], password: form?.['password'] }, credentials);
    assert.equal(form?.['scope'], 'openid profile');
  });

  it("has the device's headers, which cannot replace the content type", async () => {
    okta.token(200, TOKENS);
    await request(PASSWORD, { 'x-forwarded-for': '192.0.2.7', 'content-type': 'text/plain' });
    const { headers } = okta.sent[0] ?? {};
    assert.equal(headers?.['x-forwarded-for'], '192.0.2.7');
    assert.equal(headers['content-type'], 'application/x-www-form-urlencoded');
  });
});

describe('HTTP 200', () => {
  it('grants the tokens under their wire names and leaves everything else out', async () => {
    const tokens = {
      access_token: 'at',
      id_token: 'it',
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'openid profile',
      refresh_token: 'rt',
      device_secret: 'ds',
    };
    okta.token(200, { ...tokens, unknown: 'x', mfa_token: 'm' });
    assert.deepEqual(await request(OTP), { type: 'granted', tokens });
  });

  it('grants with the two tokens that must be there, and no property is undefined', async () => {
    okta.token(200, {
      ...TOKENS,
      expires_in: '3600',
      scope: 7,
      refresh_token: '',
      device_secret: null,
    });
    assert.deepEqual(await request(), { type: 'granted', tokens: TOKENS });
  });

  it('accepts a token_type in any case', async () => {
    okta.token(200, { ...TOKENS, token_type: 'bEARER' });
    assert.deepEqual(await request(), {
      type: 'granted',
      tokens: { ...TOKENS, token_type: 'bEARER' },
    });
  });

  for (const [what, body, text] of [
    ['that is HTML', '<html>', /not a JSON object/],
    ['that is empty', '', /not a JSON object/],
    ['that is an array', [TOKENS], /not a JSON object/],
    ['without access_token', { id_token: 'it' }, /no access_token/],
    ['with an empty access_token', { ...TOKENS, access_token: '' }, /no access_token/],
    [
      'with an access_token that is an array',
      { ...TOKENS, access_token: ['at'] },
      /no access_token/,
    ],
    ['without id_token', { access_token: 'at' }, /no id_token. Is openid granted/],
    ['with an id_token that is an object', { ...TOKENS, id_token: {} }, /no id_token/],
    ['with the token_type DPoP', { ...TOKENS, token_type: 'DPoP' }, /token_type/],
    ['with the token_type XBearer', { ...TOKENS, token_type: 'XBearer' }, /token_type/],
    ['with the token_type Bearers', { ...TOKENS, token_type: 'Bearers' }, /token_type/],
    ['with a token_type that is a number', { ...TOKENS, token_type: 7 }, /token_type/],
    ['with an error', { error: 'invalid_grant' }, /no access_token/],
    ['with mfa_required', { error: 'mfa_required', mfa_token: 'm' }, /no access_token/],
    [
      'with tokens under __proto__',
      '{"__proto__":{"access_token":"a","id_token":"i"}}',
      /no access_token/,
    ],
  ] as const) {
    it(`throws invalid_response for a body ${what}`, async () => {
      okta.token(200, body, { 'x-okta-request-id': 'req-1' });
      const error = await failure(request());
      assert.ok(error instanceof OktaResponseError);
      assert.equal(error.code, 'invalid_response');
      assert.equal(error.oktaRequestId, 'req-1');
      assert.match(error.message, text);
    });
  }
});

describe('mfa_required', () => {
  for (const status of [403, 400, 401]) {
    it(`is understood with HTTP ${status}`, async () => {
      okta.token(status, {
        error: 'mfa_required',
        error_description: 'MFA is required.',
        mfa_token: 'm',
        supported_challenge_types: 'http://auth0.com/oauth/grant-type/mfa-otp',
      });
      assert.deepEqual(await request(), { type: 'mfa_required', mfaToken: 'm' });
    });
  }

  it('is an error with HTTP 500', async () => {
    okta.token(500, { error: 'mfa_required', mfa_token: 'm' });
    assert.equal((await failure(request())).code, 'okta_error');
  });

  it('may have an mfa_token of up to 4096 characters', async () => {
    const mfaToken = 'm'.repeat(4096);
    okta.token(403, { error: 'mfa_required', mfa_token: mfaToken });
    assert.deepEqual(await request(), { type: 'mfa_required', mfaToken });
  });

  for (const [what, mfaToken] of [
    ['missing', undefined],
    ['empty', ''],
    ['a number', 7],
    ['an array', ['m']],
    ['an object', { m: 1 }],
    ['too long for a session', 'm'.repeat(4097)],
  ] as const) {
    it(`throws invalid_response when the mfa_token is ${what}`, async () => {
      okta.token(403, { error: 'mfa_required', mfa_token: mfaToken });
      const error = await failure(request());
      assert.equal(error.code, 'invalid_response');
      assert.match(error.message, /no usable mfa_token/);
      assert.equal(error.oktaError, 'mfa_required');
    });
  }

  it('is not found under __proto__', async () => {
    okta.token(400, '{"__proto__":{"error":"mfa_required","mfa_token":"m"}}');
    assert.equal((await failure(request())).code, 'invalid_response');
  });
});

describe('supported_challenge_types', () => {
  for (const [given, challengeTypes] of [
    [
      ['urn:a', 'urn:b'],
      ['urn:a', 'urn:b'],
    ],
    [[], undefined],
    [['urn:a', ''], undefined],
    [['urn:a', 7], undefined],
    ['urn:a', undefined],
    [null, undefined],
  ] as const) {
    it(`is ${challengeTypes ? 'read' : 'not there'} in ${JSON.stringify(given)}`, async () => {
      const error = 'mfa_required';
      okta.token(403, { error, mfa_token: 'm', supported_challenge_types: given });
      assert.deepEqual(await request(), {
        type: 'mfa_required',
        mfaToken: 'm',
        ...(challengeTypes && { challengeTypes }),
      });
    });
  }
});

describe('a push that is not answered yet', () => {
  const out = { id: 'c1', factor: 'push', oobCode: 'oob-1', expiresAt: 1 } as const;
  const poll = pollGrant({ ...out, awaits: 'approval' }, TRANSACTION);
  const code = otpGrant(
    { type: 'otp', otp: '1' },
    { ...TRANSACTION, challenge: { ...out, awaits: 'code' } },
  );

  for (const [status, error, slowDown] of [
    [400, 'authorization_pending', false],
    [403, 'authorization_pending', false],
    [400, 'direct_auth_authorization_pending', false],
    [400, 'slow_down', true],
  ] as const) {
    it(`is pending to a poll after HTTP ${status} ${error}, and an error to a code`, async () => {
      okta.token(status, { error });
      assert.deepEqual(await request(poll), { type: 'pending', slowDown });
      okta.token(status, { error });
      assert.equal((await failure(request(code))).code, 'okta_error');
    });
  }

  it('is an error with HTTP 500', async () => {
    okta.token(500, { error: 'authorization_pending' });
    assert.equal((await failure(request(poll))).code, 'okta_error');
  });
});

describe('HTTP 429', () => {
  for (const [grant, body] of BOTH.flatMap(([, grant]) =>
    [
      { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit' },
      { error: 'invalid_grant' },
      { error: 'mfa_required', mfa_token: 'm' },
      TOKENS,
      '<html>',
      '',
    ].map((body) => [grant, body] as const),
  )) {
    it(`is a rate limit for ${grant.grantType}, whatever the body is: ${JSON.stringify(body)}`, async () => {
      okta.token(429, body);
      assert.deepEqual(await meaning(request(grant)), {
        type: 'rejected',
        reason: 'rate_limited',
        retryAfter: undefined,
      });
    });
  }

  it('tells how long to wait', async () => {
    okta.token(429, {}, { 'retry-after': '17' });
    assert.deepEqual(await meaning(request()), {
      type: 'rejected',
      reason: 'rate_limited',
      retryAfter: 17,
    });
  });
});

describe('any other response', () => {
  it('means what its error code says', async () => {
    okta.token(400, { error: 'invalid_grant' });
    assert.deepEqual(await meaning(request(OTP)), { type: 'rejected', reason: 'invalid_otp' });
  });

  it('is an error when it is HTML, which is not quoted', async () => {
    okta.token(400, '<html>Bad</html>');
    const error = await failure(request());
    assert.equal(error.code, 'invalid_response');
    assert.doesNotMatch(everyPrint(error), /<html>|Bad/);
  });
});

describe('an error that quotes what was sent', () => {
  const WITHHELD = '(its text is withheld because it repeats what was sent)';

  /** Made up: what a grant that nobody has thought of yet would send. */
  const UNKNOWN: Grant = {
    grantType: 'urn:example:unknown',
    parameters: { binding_code: 'binding+42 / secret', hint: 'sms' },
    loggable: ['hint'],
    rejection: 'invalid_otp',
    rejectionCodes: new Set(),
  };

  const challenge = { id: 'c1', factor: 'push', awaits: 'approval', oobCode: 'oob-7Hq/+' } as const;
  const ASSERTION = { clientDataJSON: 'eyJ0', authenticatorData: 'SZYN', signature: 'MEUC' };
  // A factor without its grant here does not compile; a choice asks another endpoint.
  const GRANTS = {
    password: PASSWORD,
    otp: OTP,
    poll: pollGrant({ ...challenge, expiresAt: 1 }, TRANSACTION),
    assertion: secondFactorGrant({ type: 'assertion', ...ASSERTION }, TRANSACTION),
  } satisfies Record<Exclude<Factor['type'], 'choice'>, Grant>;

  for (const grant of [...Object.values(GRANTS), UNKNOWN]) {
    for (const [name, value] of Object.entries(grant.parameters)) {
      const isLoggable = grant.loggable.includes(name);
      it(`${isLoggable ? 'keeps' : 'withholds'} ${name} of ${grant.grantType}, encoded or not`, async () => {
        for (const quoted of [value, formEncode(value), encodeURIComponent(value)]) {
          const text = isLoggable ? `It was <${quoted}>.` : WITHHELD;
          okta.token(400, { error: 'new_error', error_description: `It was <${quoted}>.` });
          const error = await failure(request(grant));
          assert.ok(error.message.endsWith(` new_error: ${text}`), error.message);
          assert.equal(everyPrint(error).includes(quoted), isLoggable);
        }
      });
    }
  }

  it('withholds every form of a client secret that is sent in a header', async () => {
    const clientSecret = 'sé:cret/ 7Hq';
    const basic = Buffer.from(`${CLIENT_ID}:s%C3%A9%3Acret%2F+7Hq`).toString('base64');
    for (const quoted of [
      clientSecret,
      basic,
      's%C3%A9%3Acret%2F+7Hq',
      encodeURIComponent(basic),
    ]) {
      okta.token(400, { error: 'new_error', error_description: `It was <${quoted}>.` });
      const credentials = { method: 'client_secret_basic', clientSecret } as const;
      const error = await failure(request(PASSWORD, {}, credentials));
      assert.ok(error.message.endsWith(` new_error: ${WITHHELD}`), quoted);
    }
  });

  it('withholds the client assertion', async () => {
    const { privateKey } = rsaKeyPair();
    okta.agent
      .get(ORIGIN)
      .intercept({ method: 'POST', path: TOKEN_PATH })
      .reply(({ body }) => {
        const assertion = new URLSearchParams(body as string).get('client_assertion');
        const data = { error: 'new_error', error_description: `It was <${assertion}>.` };
        return { statusCode: 400, data };
      });
    const credentials = { method: 'private_key_jwt', privateKey, keyID: undefined } as const;
    const error = await failure(request(PASSWORD, {}, credentials));
    assert.ok(error.message.endsWith(` new_error: ${WITHHELD}`), error.message);
  });
});
