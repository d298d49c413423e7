import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  createClientAuthentication,
  type ClientCredentials,
} from '../../../lib/okta/client-authentication.js';
import { ConfigurationError, OktaDirectMfaError, OktaResponseError } from '../../../lib/errors.js';
import { mfaOtpGrant } from '../../../lib/factors/otp.js';
import { passwordGrant } from '../../../lib/factors/password.js';
import { createHttpClient } from '../../../lib/okta/http.js';
import { createTokenEndpoint, type TokenReply } from '../../../lib/okta/token-endpoint.js';
import {
  CLIENT_ID,
  everyPrint,
  mockOkta,
  ORIGIN,
  rsaKeyPair,
  TOKEN_PATH,
} from '../../support/fixtures.js';

const PASSWORD = 'correct horse & battery';
const OTP = '492713';
const MFA_TOKEN = 'mfa-token-7Hq';
const CLIENT_SECRET = 'client-secret-9Zx';
const SECRETS = [PASSWORD, OTP, MFA_TOKEN, CLIENT_SECRET];
const URL_ = new URL(TOKEN_PATH, ORIGIN);
const TOKENS = { access_token: 'at', id_token: 'it' };

let okta: ReturnType<typeof mockOkta>;
beforeEach(() => (okta = mockOkta()));
afterEach(() => okta.end());

const endpoint = (
  scope = 'openid profile',
  credentials: ClientCredentials = { method: 'client_secret_post', clientSecret: CLIENT_SECRET },
) =>
  createTokenEndpoint({
    http: createHttpClient({ dispatcher: okta.agent, timeout: 1000 }),
    url: URL_,
    scope,
    authenticateClient: createClientAuthentication(CLIENT_ID, credentials, URL_),
  });

const password = (headers: Record<string, string> = {}, from = endpoint()): Promise<TokenReply> =>
  from.request(passwordGrant, { username: 'ada', password: PASSWORD }, headers);
const otp = (): Promise<TokenReply> =>
  endpoint().request(mfaOtpGrant, { mfaToken: MFA_TOKEN, otp: OTP }, {});
const BOTH = [
  ['the password grant', password, 'invalid_credentials'],
  ['the MFA OTP grant', otp, 'invalid_otp'],
] as const;

async function failure(reply: Promise<TokenReply>): Promise<OktaDirectMfaError> {
  try {
    const value = await reply;
    assert.fail(`expected an error, but got ${JSON.stringify(value)}`);
  } catch (error) {
    assert.ok(error instanceof OktaDirectMfaError, String(error));
    for (const secret of SECRETS) assert.ok(!everyPrint(error).includes(secret), secret);
    return error;
  }
}

describe('a token request', () => {
  it('has the parameters of the password grant, the scope and the client, and no others', async () => {
    okta.token(200, TOKENS);
    await password();
    assert.deepEqual(okta.forms(), [
      {
        grant_type: 'password',
        username: 'ada',
        password: PASSWORD,
        scope: 'openid profile',
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
      },
    ]);
    assert.equal(okta.sent[0]?.headers['content-type'], 'application/x-www-form-urlencoded');
  });

  it('has the parameters of the MFA OTP grant, the scope and the client, and no others', async () => {
    okta.token(200, TOKENS);
    await otp();
    assert.deepEqual(okta.forms(), [
      {
        grant_type: 'http://auth0.com/oauth/grant-type/mfa-otp',
        mfa_token: MFA_TOKEN,
        otp: OTP,
        scope: 'openid profile',
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
      },
    ]);
  });

  it('encodes what has a meaning in forms, and keeps spaces at the ends of a password', async () => {
    okta.token(200, TOKENS);
    const credentials = { username: 'a&b=c+d@é.com', password: ' 100% &scope=admin\n🔑 ' };
    await endpoint().request(passwordGrant, credentials, {});
    const [form] = okta.forms();
    assert.deepEqual({ username: form?.['username'], password: form?.['password'] }, credentials);
    assert.equal(form?.['scope'], 'openid profile');
  });

  it("has the device's headers, which cannot replace the content type", async () => {
    okta.token(200, TOKENS);
    await password({ 'x-forwarded-for': '192.0.2.7', 'content-type': 'text/plain' });
    const { headers } = okta.sent[0] ?? {};
    assert.equal(headers?.['x-forwarded-for'], '192.0.2.7');
    assert.equal(headers['content-type'], 'application/x-www-form-urlencoded');
  });

  it('never sends the word undefined', async () => {
    okta.token(200, TOKENS);
    okta.token(200, TOKENS);
    await password();
    await otp();
    assert.doesNotMatch(JSON.stringify(okta.sent), /undefined|null/);
  });
});

describe('HTTP 200', () => {
  it('grants the tokens under their wire names and leaves everything else away', async () => {
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
    assert.deepEqual(await otp(), { type: 'granted', tokens });
  });

  it('grants with the two tokens that must be there, and no property is undefined', async () => {
    okta.token(200, {
      ...TOKENS,
      expires_in: '3600',
      scope: 7,
      refresh_token: '',
      device_secret: null,
    });
    assert.deepEqual(await password(), { type: 'granted', tokens: TOKENS });
  });

  it('takes a token_type in any case', async () => {
    okta.token(200, { ...TOKENS, token_type: 'bEARER' });
    assert.deepEqual(await password(), {
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
    [
      'with tokens under __proto__',
      '{"__proto__":{"access_token":"a","id_token":"i"}}',
      /no access_token/,
    ],
  ] as const) {
    it(`throws invalid_response for a body ${what}`, async () => {
      okta.token(200, body, { 'x-okta-request-id': 'req-1' });
      const error = await failure(password());
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
      assert.deepEqual(await password(), { type: 'mfa_required', mfaToken: 'm' });
    });
  }

  it('is not a success with HTTP 200', async () => {
    okta.token(200, { error: 'mfa_required', mfa_token: 'm' });
    assert.equal((await failure(password())).code, 'invalid_response');
  });

  it('is no answer with HTTP 500', async () => {
    okta.token(500, { error: 'mfa_required', mfa_token: 'm' });
    assert.equal((await failure(password())).code, 'okta_error');
  });

  it('takes an mfa_token of up to 4096 characters', async () => {
    okta.token(403, { error: 'mfa_required', mfa_token: 'm'.repeat(4096) });
    assert.equal((await password()).type, 'mfa_required');
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
      const error = await failure(password());
      assert.equal(error.code, 'invalid_response');
      assert.match(error.message, /no usable mfa_token/);
      assert.equal(error.oktaError, 'mfa_required');
    });
  }
});

describe('a refusal', () => {
  for (const [grant, request, refusal] of BOTH) {
    for (const status of [400, 401, 403]) {
      it(`of ${grant} is invalid_grant with HTTP ${status}`, async () => {
        okta.token(status, { error: 'invalid_grant', error_description: 'whatever' });
        assert.deepEqual(await request(), { type: 'refused', refusal });
      });
    }
  }

  for (const errorCode of ['E0000004', 'E0000064', 'E0000069']) {
    it(`of the password is also ${errorCode}`, async () => {
      okta.token(401, { errorCode, errorSummary: 'Authentication failed' });
      assert.deepEqual(await password(), { type: 'refused', refusal: 'invalid_credentials' });
    });
  }

  it('of the passcode is also E0000068', async () => {
    okta.token(403, { errorCode: 'E0000068', errorSummary: 'Invalid Passcode/Answer' });
    assert.deepEqual(await otp(), { type: 'refused', refusal: 'invalid_otp' });
  });

  it("knows only its own grant's codes", async () => {
    okta.token(403, { errorCode: 'E0000068' });
    assert.equal((await failure(password())).code, 'okta_error');
    okta.token(403, { errorCode: 'E0000004' });
    assert.equal((await failure(otp())).code, 'okta_error');
  });

  it('needs no description, nor one that is a text', async () => {
    for (const description of [undefined, null, 7, ['expired mfa_token']]) {
      okta.token(400, { error: 'invalid_grant', error_description: description });
      assert.deepEqual(await otp(), { type: 'refused', refusal: 'invalid_otp' });
    }
  });
});

describe('an expired mfa_token', () => {
  const TEXT = 'The `mfa_token` has expired. Use a new `oob_code` or `mfa_token` and try again.';

  for (const [error, description] of [
    ['access_denied', TEXT],
    [
      'access_denied',
      "'mfa_token' has expired. Use a new 'oob_code' or 'mfa_token' and try again.",
    ],
    ['access_denied', 'The token has EXPIRED'],
    ['invalid_grant', TEXT],
    ['E0000006', 'The mfa_token is expired'],
  ] as const) {
    it(`is told from ${error}: ${description}`, async () => {
      okta.token(400, { error, error_description: description });
      assert.deepEqual(await otp(), { type: 'mfa_token_expired' });
    });
  }

  it("is told from Okta's second error format too", async () => {
    okta.token(403, { errorCode: 'E0000006', errorSummary: TEXT });
    assert.deepEqual(await otp(), { type: 'mfa_token_expired' });
  });

  it('is not what an expired passcode is', async () => {
    okta.token(400, { error: 'invalid_grant', error_description: 'The passcode has expired.' });
    assert.deepEqual(await otp(), { type: 'refused', refusal: 'invalid_otp' });
  });

  it('is not meant by a word that only contains it', async () => {
    okta.token(400, { error: 'access_denied', error_description: 'unexpiredness of mfa_token' });
    assert.deepEqual(await otp(), { type: 'access_denied' });
  });

  it('is nothing that can be said of a password', async () => {
    okta.token(400, { error: 'access_denied', error_description: 'Your account has expired.' });
    assert.deepEqual(await password(), { type: 'access_denied' });
    okta.token(400, { error: 'invalid_grant', error_description: 'mfa_token has expired.' });
    assert.deepEqual(await password(), { type: 'refused', refusal: 'invalid_credentials' });
  });
});

describe('access_denied', () => {
  for (const [grant, request] of BOTH) {
    it(`passes through for ${grant}, in both of Okta's formats`, async () => {
      okta.token(403, { error: 'access_denied', error_description: 'Policy denied access.' });
      assert.deepEqual(await request(), { type: 'access_denied' });
      okta.token(403, { errorCode: 'E0000006', errorSummary: 'You do not have permission.' });
      assert.deepEqual(await request(), { type: 'access_denied' });
    });
  }
});

describe('an error of the configuration', () => {
  for (const [code, hint] of [
    ['invalid_client', /clientID.*clientSecret or privateKey/],
    ['unauthorized_client', /Resource Owner Password and MFA OTP/],
    ['unsupported_grant_type', /Direct Authentication has to be switched on/],
    ['invalid_scope', /scope option/],
  ] as const) {
    for (const [grant, request] of BOTH) {
      it(`is ${code} for ${grant}, and says what to look at`, async () => {
        okta.token(
          code === 'invalid_client' ? 401 : 400,
          { error: code, error_description: `Not so: ${SECRETS.join(' ')} !` },
          { 'x-okta-request-id': 'req-1' },
        );
        const error = await failure(request());
        assert.ok(error instanceof ConfigurationError);
        assert.deepEqual(
          [error.code, error.status, error.oktaError, error.oktaRequestId],
          [code, 500, code, 'req-1'],
        );
        assert.match(error.message, hint);
        assert.match(error.message, new RegExp(`Okta says ${code}: Not so: `));
      });
    }
  }

  // Each grant knows its own secrets; what the other one holds is not of this request.
  async function failure(reply: Promise<TokenReply>): Promise<OktaDirectMfaError> {
    try {
      await reply;
    } catch (error) {
      assert.ok(error instanceof OktaDirectMfaError);
      return error;
    }
    return assert.fail('expected an error');
  }
});

describe('any other error', () => {
  for (const [grant, request] of BOTH) {
    it(`of ${grant} keeps Okta's code and text, without the secrets that it quotes`, async () => {
      const own = grant === 'the password grant' ? [PASSWORD] : [OTP, MFA_TOKEN];
      const quoted = [...own, CLIENT_SECRET].join('", "');
      okta.token(
        400,
        { error: 'new_error', error_description: `Okta dislikes "${quoted}".` },
        { 'x-okta-request-id': 'req-1' },
      );
      const error = await failure(request());
      assert.ok(error instanceof OktaResponseError);
      assert.deepEqual([error.code, error.oktaError], ['okta_error', 'new_error']);
      assert.match(
        error.message,
        /HTTP 400 new_error: Okta dislikes "\[redacted\]", "\[redacted\]"/,
      );
    });
  }

  it('keeps no form of a client secret that is sent in a header', async () => {
    const clientSecret = 'sé:cret/ 7Hq';
    const basic = Buffer.from(`${CLIENT_ID}:s%C3%A9%3Acret%2F+7Hq`).toString('base64');
    const quoting = endpoint('openid', { method: 'client_secret_basic', clientSecret });
    for (const quoted of [
      clientSecret,
      basic,
      's%C3%A9%3Acret%2F+7Hq',
      encodeURIComponent(basic),
    ]) {
      okta.token(400, { error: 'new_error', error_description: `It was <${quoted}>.` });
      const error = await failure(password({}, quoting));
      assert.match(error.message, /new_error: It was <\[redacted\]>\.$/, quoted);
    }
  });

  it('keeps no client assertion', async () => {
    const { privateKey } = rsaKeyPair();
    const signing = endpoint('openid', {
      method: 'private_key_jwt',
      privateKey,
      keyID: undefined,
    });
    okta.agent
      .get(ORIGIN)
      .intercept({ method: 'POST', path: TOKEN_PATH })
      .reply(({ body }) => {
        const assertion = new URLSearchParams(body as string).get('client_assertion');
        const data = { error: 'new_error', error_description: `It was <${assertion}>.` };
        return { statusCode: 400, data };
      });
    assert.match(
      (await failure(password({}, signing))).message,
      /new_error: It was <\[redacted\]>\.$/,
    );
  });

  it("keeps the id of Okta's second format", async () => {
    okta.token(400, { errorCode: 'E0000003', errorSummary: 'Not well formed', errorId: 'oae-1_x' });
    const error = await failure(password());
    assert.deepEqual([error.oktaError, error.oktaErrorId], ['E0000003', 'oae-1_x']);
    assert.match(error.message, /E0000003: Not well formed/);
  });

  it('drops ids that are none, which could forge lines of a log or hold anything', async () => {
    for (const errorId of ['a\nERROR', 'x y', '<b>', 'x'.repeat(101), '', 7, ['a']]) {
      okta.token(400, { errorCode: 'E0000003', errorId }, { 'x-okta-request-id': 'a b' });
      const error = await failure(password());
      assert.deepEqual([error.oktaErrorId, error.oktaRequestId], [undefined, undefined]);
    }
  });

  it('has no secret even as its code', async () => {
    okta.token(400, { error: PASSWORD, error_description: PASSWORD });
    assert.equal((await failure(password())).oktaError, '[redacted]');
    okta.token(500, { error: PASSWORD });
    assert.equal((await failure(password())).oktaError, '[redacted]');
  });

  it('cuts a description of a megabyte', async () => {
    okta.token(400, { error: 'x', error_description: 'long '.repeat(200_000) });
    assert.ok((await failure(password())).message.length < 400);
    okta.token(400, { error: 'long '.repeat(200_000) });
    const error = await failure(password());
    assert.ok(everyPrint(error).length < 20_000);
  });

  it('lets no control character into the message', async () => {
    okta.token(400, { error: 'a\u0000b', error_description: 'one\r\n[ERROR] two\u001b[2J\u2028' });
    const error = await failure(password());
    // eslint-disable-next-line no-control-regex -- that is what is looked for
    assert.doesNotMatch(error.message, /[\u0000-\u001f\u2028]/);
    assert.match(error.message, /a b: one \[ERROR\] two/);
  });

  for (const code of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    it(`takes the code ${code} as any other`, async () => {
      okta.token(400, JSON.stringify({ error: code }));
      const error = await failure(password());
      assert.deepEqual([error.code, error.oktaError], ['okta_error', code]);
    });
  }
});

describe('an answer that is none to a token request', () => {
  for (const [status, code] of [
    [201, 'invalid_response'],
    [204, 'invalid_response'],
    [302, 'invalid_response'],
    [307, 'invalid_response'],
    [400, 'invalid_response'],
    [401, 'invalid_response'],
    [404, 'invalid_response'],
    [500, 'okta_error'],
    [502, 'okta_error'],
    [503, 'okta_error'],
  ] as const) {
    it(`is HTTP ${status} with HTML: ${code}`, async () => {
      okta.token(status, status === 204 ? '' : '<html>Bad</html>');
      const error = await failure(password());
      assert.ok(error instanceof OktaResponseError);
      assert.equal(error.code, code);
      assert.match(error.message, new RegExp(`HTTP ${status}, which is no answer`));
      assert.doesNotMatch(error.message, /html/);
    });
  }

  for (const [grant, request] of BOTH) {
    for (const body of [
      { error: 'invalid_grant' },
      { error: 'access_denied', error_description: 'mfa_token has expired' },
      { error: 'invalid_client' },
      { errorCode: 'E0000004' },
    ]) {
      it(`is a 5xx for ${grant}, whatever it says (${JSON.stringify(body)})`, async () => {
        okta.token(500, { ...body, errorId: 'oae1' });
        const error = await failure(request());
        assert.deepEqual(
          [error.code, error.status, error.oktaErrorId],
          ['okta_error', 502, 'oae1'],
        );
        assert.equal(error.oktaError, Object.values(body)[0]);
      });
    }
  }

  it('is a redirect, whatever it says', async () => {
    okta.token(302, { error: 'invalid_grant' }, { location: 'https://evil.example.com/' });
    assert.equal((await failure(password())).code, 'invalid_response');
    okta.token(302, { error: 'mfa_required', mfa_token: 'm' });
    const error = await failure(password());
    assert.equal(error.code, 'invalid_response');
    assert.match(error.message, /HTTP 302 mfa_required, which is no answer/);
  });

  for (const body of [
    [{ error: 'invalid_grant' }],
    { error: ['invalid_grant'] },
    { error: { code: 'invalid_grant' } },
    { error: 7 },
    { error: '' },
    { error: null },
    { errorCode: ['E0000004'] },
    {},
    '{"__proto__":{"error":"mfa_required","mfa_token":"m"}}',
  ]) {
    it(`is a 4xx without a code: ${JSON.stringify(body)}`, async () => {
      okta.token(400, body);
      assert.equal((await failure(password())).code, 'invalid_response');
    });
  }
});

describe('a rate limit', () => {
  const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT';
  const EPOCH = Date.parse(DATE) / 1000;

  for (const [grant, request] of BOTH) {
    for (const [what, body] of [
      ['E0000047', { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit' }],
      ['invalid_grant', { error: 'invalid_grant' }],
      ['mfa_required', { error: 'mfa_required', mfa_token: 'm' }],
      ['tokens', TOKENS],
      ['HTML', '<html>'],
      ['nothing', ''],
    ] as const) {
      it(`is HTTP 429 for ${grant}, whatever the body is (${what})`, async () => {
        okta.token(429, body);
        assert.deepEqual(await request(), { type: 'rate_limited', retryAfter: undefined });
      });
    }
  }

  it('is E0000047 also with HTTP 403', async () => {
    okta.token(403, { errorCode: 'E0000047' }, { 'retry-after': '7' });
    assert.deepEqual(await password(), { type: 'rate_limited', retryAfter: 7 });
  });

  for (const [what, headers, seconds] of [
    ['Retry-After in seconds', { 'retry-after': '17' }, 17],
    ['Retry-After 0 as one second', { 'retry-after': '0' }, 1],
    ['Retry-After with spaces', { 'retry-after': ' 5 ' }, 5],
    ['a whole day', { 'retry-after': '86400' }, 86_400],
    ['nothing for more than a day', { 'retry-after': '86401' }, undefined],
    [
      'Retry-After as a date, by the Date of the answer',
      { date: DATE, 'retry-after': 'Thu, 01 Jan 2026 00:01:30 GMT' },
      90,
    ],
    [
      'nothing for a date that is over',
      { date: DATE, 'retry-after': 'Wed, 31 Dec 2025 23:59:59 GMT' },
      undefined,
    ],
    [
      'X-Rate-Limit-Reset, by the Date of the answer',
      { date: DATE, 'x-rate-limit-reset': String(EPOCH + 42) },
      42,
    ],
    [
      'at least one second for a reset that is now',
      { date: DATE, 'x-rate-limit-reset': String(EPOCH) },
      1,
    ],
    [
      'nothing for a reset that is over',
      { date: DATE, 'x-rate-limit-reset': String(EPOCH - 1) },
      undefined,
    ],
    [
      'nothing for a reset far away',
      { date: DATE, 'x-rate-limit-reset': String(EPOCH + 86_401) },
      undefined,
    ],
    [
      'Retry-After before X-Rate-Limit-Reset',
      { date: DATE, 'retry-after': '3', 'x-rate-limit-reset': String(EPOCH + 42) },
      3,
    ],
    [
      'X-Rate-Limit-Reset when Retry-After is garbage',
      { date: DATE, 'retry-after': 'soon', 'x-rate-limit-reset': String(EPOCH + 42) },
      42,
    ],
    [
      'nothing for garbage',
      { date: DATE, 'retry-after': '-5', 'x-rate-limit-reset': 'tomorrow' },
      undefined,
    ],
    [
      'nothing for numbers in other clothes',
      { date: DATE, 'retry-after': '1e3', 'x-rate-limit-reset': '0x7fffffff' },
      undefined,
    ],
    ['nothing for a number that is none', { 'retry-after': '9'.repeat(16) }, undefined],
  ] as [string, Record<string, string>, number | undefined][]) {
    it(`tells ${what}`, async () => {
      okta.token(429, {}, headers);
      assert.deepEqual(await otp(), { type: 'rate_limited', retryAfter: seconds });
    });
  }

  it('takes the clock of this machine when the answer has no date, and rounds up', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: EPOCH * 1000 + 100 });
    for (const date of [{}, { date: 'garbage' }] as Record<string, string>[]) {
      okta.token(429, {}, { ...date, 'x-rate-limit-reset': String(EPOCH + 30) });
      assert.deepEqual(await password(), { type: 'rate_limited', retryAfter: 30 });
    }
  });
});
