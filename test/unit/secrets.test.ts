import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  OktaDirectMfaStrategy,
  type OktaDirectMfaStrategyOptions,
  type Transaction,
  type TransactionStore,
} from '../../lib/index.js';
import {
  authenticate,
  CLIENT_ID,
  createBrowser,
  everyPrint,
  idToken,
  ISSUER,
  KEYS_PATH,
  KID,
  mockOkta,
  ORIGIN,
  rsaKeyPair,
  toJwk,
  type Outcome,
} from '../support/fixtures.js';

const { publicKey, privateKey } = rsaKeyPair();
const clientKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const clientJwk = toJwk(clientKey);

const PASSWORD = 'Tr0ub4dor&3 secret';
const OTP = '492713';
const MFA_TOKEN = 'mfa-token-7HqZ';
const CLIENT_SECRET = 'client-secret-9Zx+/=';
const ACCESS_TOKEN = 'access-token-5Kp';
const REFRESH_TOKEN = 'refresh-token-8Wd';
const SECRETS: Record<string, string> = {
  password: PASSWORD,
  'form-encoded password': new URLSearchParams({ '': PASSWORD }).toString().slice(1),
  passcode: OTP,
  mfa_token: MFA_TOKEN,
  'client secret': CLIENT_SECRET,
  'form-encoded client secret': encodeURIComponent(CLIENT_SECRET),
  'Basic header': Buffer.from(`${CLIENT_ID}:${encodeURIComponent(CLIENT_SECRET)}`).toString(
    'base64',
  ),
  'access token': ACCESS_TOKEN,
  'refresh token': REFRESH_TOKEN,
  'private key': String(clientJwk['d']),
};
const QUOTE = `You sent ${PASSWORD}, ${OTP}, ${MFA_TOKEN} and ${CLIENT_SECRET}.`;

function assertNoSecret(text: string, more: Record<string, string> = {}): void {
  for (const [what, secret] of Object.entries({ ...SECRETS, ...more })) {
    assert.ok(!text.includes(secret), `the ${what} is in: ${text}`);
  }
}

let okta: ReturnType<typeof mockOkta>;
let browser: ReturnType<typeof createBrowser>;
beforeEach(() => {
  okta = mockOkta();
  okta.agent
    .get(ORIGIN)
    .intercept({ path: KEYS_PATH })
    .reply(200, { keys: [toJwk(publicKey, { kid: KID })] })
    .persist();
  browser = createBrowser();
});
afterEach(() => okta.end());

const create = (
  more: Partial<OktaDirectMfaStrategyOptions> = {},
  verify: () => Promise<{ id: string } | false> = async () => ({ id: 'u1' }),
) =>
  new OktaDirectMfaStrategy(
    {
      issuer: ISSUER,
      clientID: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      dispatcher: okta.agent,
      ...more,
    },
    verify,
  );

async function send(strategy: OktaDirectMfaStrategy, body: object): Promise<Outcome> {
  const req = browser.request(body);
  const outcome = await authenticate(strategy, req);
  browser.keep(req);
  return outcome;
}
const password = (strategy: OktaDirectMfaStrategy) =>
  send(strategy, { username: 'ada', password: PASSWORD });
const otp = (strategy: OktaDirectMfaStrategy) => send(strategy, { otp: OTP });

const mfaRequired = () =>
  okta.token(403, { error: 'mfa_required', error_description: QUOTE, mfa_token: MFA_TOKEN });
const TOKENS = { access_token: ACCESS_TOKEN, refresh_token: REFRESH_TOKEN };
const granted = (claims = {}) =>
  okta.token(200, { ...TOKENS, id_token: idToken(privateKey, claims) });

/** What Okta may answer, in either step. */
const ANSWERS: Record<string, () => void> = {
  'a refusal that quotes everything': () =>
    okta.token(400, { error: 'invalid_grant', error_description: QUOTE }),
  'access_denied that quotes everything': () =>
    okta.token(403, { error: 'access_denied', error_description: QUOTE }),
  'a rate limit that quotes everything': () =>
    okta.token(429, { errorCode: 'E0000047', errorSummary: QUOTE }),
  'HTML that quotes everything': () => okta.token(400, `<html>${QUOTE}`),
  'a 500 that quotes everything': () =>
    okta.token(500, { errorCode: 'E0000009', errorSummary: QUOTE, errorId: 'x' }),
  'tokens without an ID token': () => okta.token(200, TOKENS),
  'a token of another type': () =>
    okta.token(200, { ...TOKENS, id_token: 'x', token_type: ACCESS_TOKEN }),
  'a connection error that quotes everything': () => okta.failToken(new Error(QUOTE)),
};

for (const [what, answer] of Object.entries(ANSWERS)) {
  for (const [step, prepare, act] of [
    ['password', undefined, password],
    ['passcode', mfaRequired, otp],
  ] as const) {
    describe(`after ${what} in the ${step} step`, () => {
      for (const clientAuthentication of ['client_secret_basic', 'client_secret_post'] as const) {
        it(`nothing holds a secret (${clientAuthentication})`, async () => {
          const strategy = create({ clientAuthentication });
          if (prepare !== undefined) {
            prepare();
            assertNoSecret(everyPrint(await password(strategy)));
          }
          answer();
          const outcome = await act(strategy);
          assert.match(outcome.action, /fail|error/);
          assertNoSecret(everyPrint(outcome));
          if (outcome.action === 'error') assertNoSecret(everyPrint(outcome.error));
          assertNoSecret(everyPrint(strategy));
        });
      }
    });
  }
}

describe('an error about the configuration or an unknown one', () => {
  for (const error of ['invalid_client', 'unauthorized_client', 'invalid_scope', 'new_error']) {
    for (const [step, prepare, act, quote] of [
      ['password', undefined, password, `${PASSWORD} and ${CLIENT_SECRET}`],
      ['passcode', mfaRequired, otp, `${OTP}, ${MFA_TOKEN} and ${CLIENT_SECRET}`],
    ] as const) {
      it(`holds none of the secrets that its own request has sent (${error}, ${step} step)`, async () => {
        const strategy = create();
        if (prepare !== undefined) {
          prepare();
          await password(strategy);
        }
        okta.token(400, { error, error_description: `You sent ${quote}.` });
        const outcome = await act(strategy);
        assert.ok(outcome.action === 'error');
        assert.match(String(outcome.error), /You sent \[redacted\]/);
        assertNoSecret(everyPrint(outcome));
      });
    }
  }

  it('holds no Authorization header', async () => {
    okta.token(401, {
      error: 'invalid_client',
      error_description: `Bad header: Basic ${SECRETS['Basic header']}`,
    });
    assertNoSecret(everyPrint(await password(create())));
  });

  it('holds no client assertion', async () => {
    const strategy = new OktaDirectMfaStrategy(
      {
        issuer: ISSUER,
        clientID: CLIENT_ID,
        clientAuthentication: 'private_key_jwt',
        privateKey: clientKey,
        dispatcher: okta.agent,
      },
      async () => false,
    );
    okta.agent
      .get(ORIGIN)
      .intercept({ method: 'POST', path: '/oauth2/default/v1/token' })
      .reply((options) => {
        const assertion = new URLSearchParams(options.body as string).get('client_assertion');
        // Cut at 300 characters, it would still be most of one.
        return {
          statusCode: 401,
          data: { error: 'invalid_client', error_description: assertion },
        };
      });
    assert.doesNotMatch(everyPrint(await password(strategy)), /eyJ[\w-]{20}/);
  });
});

describe('an error about tokens', () => {
  for (const [what, claims] of [
    ['for another audience', { aud: ACCESS_TOKEN }],
    ['of another issuer', { iss: `https://${REFRESH_TOKEN}.example.com` }],
    ['that has expired', { exp: 1 }],
    ['of another party', { azp: ACCESS_TOKEN }],
  ] as const) {
    it(`holds no token when the ID token is one ${what}`, async () => {
      const strategy = create();
      mfaRequired();
      await password(strategy);
      const token = idToken(privateKey, claims);
      okta.token(200, { ...TOKENS, id_token: token });
      const outcome = await otp(strategy);
      assert.equal(outcome.action, 'error');
      const [, payload = '', signature = ''] = token.split('.');
      assertNoSecret(everyPrint(outcome), { payload, signature });
    });
  }

  for (const [what, token] of [
    ['no JWT', 'id-token-that-is-no-JWT'],
    ['a JWT with a broken payload', 'eyJhbGciOiJSUzI1NiIsImtpZCI6ImtleS0xIn0.id-token-payload.sig'],
  ] as const) {
    it(`does not quote an ID token that is ${what}`, async () => {
      const strategy = create();
      mfaRequired();
      await password(strategy);
      okta.token(200, { ...TOKENS, id_token: token });
      assertNoSecret(everyPrint(await otp(strategy)), { token, payload: 'id-token-payload' });
    });
  }

  it('holds no access token when /userinfo fails', async () => {
    for (const reply of [
      () => okta.userInfo(401, { error: ACCESS_TOKEN }),
      () => okta.userInfo(200, { sub: ACCESS_TOKEN }),
      () =>
        okta.agent
          .get(ORIGIN)
          .intercept({ path: '/oauth2/default/v1/userinfo' })
          .replyWithError(new Error(ACCESS_TOKEN)),
    ]) {
      const strategy = create({ userInfo: true });
      mfaRequired();
      await password(strategy);
      granted();
      reply();
      const outcome = await otp(strategy);
      assert.equal(outcome.action, 'error');
      assertNoSecret(everyPrint(outcome));
    }
  });
});

describe('an error of a store', () => {
  const kept: Transaction = {
    id: 'id-1',
    mfaToken: MFA_TOKEN,
    username: 'ada',
    expiresAt: Date.now() + 60_000,
    attempts: 0,
    boundTo: '',
  };
  /** Redis clients put the command on their errors, and JSON.parse quotes what it could not read. */
  const failure = () =>
    Object.assign(new Error(`cannot SET ${JSON.stringify({ mfaToken: MFA_TOKEN })}`), {
      command: { args: [MFA_TOKEN] },
      cause: kept,
    });
  const fails = () => Promise.reject(failure());
  async function storeOf(more: Partial<TransactionStore>): Promise<TransactionStore> {
    // A transaction that belongs to the strategy, as one of its own has left it.
    let transaction: Transaction | undefined;
    mfaRequired();
    const store = {
      read: () => transaction,
      create: (_req: unknown, created: Transaction) => void (transaction = created),
      update: () => undefined,
      remove: () => undefined,
    };
    await authenticate(create({ store }), {
      headers: {},
      body: { username: 'ada', password: PASSWORD },
    });
    return { ...store, ...more };
  }

  for (const [method, answer, body] of [
    ['create', mfaRequired, { username: 'ada', password: PASSWORD }],
    ['update', ANSWERS['a refusal that quotes everything'], { otp: OTP }],
    ['read', undefined, { otp: OTP }],
    ['remove', granted, { otp: OTP }],
  ] as const) {
    it(`holds no mfa_token when ${method} fails and quotes it`, async () => {
      const store = await storeOf({ [method]: fails });
      answer?.();
      const outcome = await authenticate(create({ store }), { headers: {}, body });
      assert.ok(outcome.action === 'error');
      assert.match(String(outcome.error), /could not be (saved|read|removed)/);
      assertNoSecret(everyPrint(outcome));
    });
  }

  it("holds no mfa_token when the session's own store fails and quotes it", async () => {
    for (const what of ['regenerate', 'save'] as const) {
      browser.fail(what, failure());
      mfaRequired();
      const outcome = await password(create());
      assert.equal(outcome.action, 'error');
      assertNoSecret(everyPrint(outcome));
      browser.heal();
    }
  });
});

describe('util.inspect of a strategy', () => {
  for (const [what, options] of [
    ['client_secret_basic', {}],
    ['client_secret_post', { clientAuthentication: 'client_secret_post' }],
    [
      'private_key_jwt from a KeyObject',
      { clientSecret: undefined, clientAuthentication: 'private_key_jwt', privateKey: clientKey },
    ],
    [
      'private_key_jwt from a JWK',
      { clientSecret: undefined, clientAuthentication: 'private_key_jwt', privateKey: clientJwk },
    ],
  ] as [string, Partial<OktaDirectMfaStrategyOptions>][]) {
    it(`shows no secret, before and after a login (${what})`, async () => {
      const strategy = create(options);
      assertNoSecret(everyPrint(strategy));
      mfaRequired();
      assertNoSecret(everyPrint(await password(strategy)));
      granted();
      assert.equal((await otp(strategy)).action, 'success');
      assertNoSecret(everyPrint(strategy));
      // Also through what Passport makes of it.
      assertNoSecret(everyPrint(Object.create(strategy)));
    });
  }

  it('is short', () => {
    assert.equal(inspect(create()), "OktaDirectMfaStrategy { name: 'okta-direct-mfa' }");
  });
});
