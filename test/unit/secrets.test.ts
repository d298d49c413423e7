import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { OUTCOME_CHANNEL } from '../../lib/events.js';
import { OktaDirectMfaStrategy, type OktaDirectMfaStrategyOptions } from '../../lib/index.js';
import {
  asRequest,
  authenticate,
  CLIENT_ID,
  everyPrint,
  ISSUER,
  ORIGIN,
  toJwk,
  USERINFO_PATH,
  type Outcome,
} from '../support/fixtures.js';
import { signed, useScene } from './support.js';

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

const scene = useScene();

const create = (
  more: Partial<OktaDirectMfaStrategyOptions> = {},
  verify: () => Promise<{ id: string } | false> = async () => ({ id: 'u1' }),
) =>
  new OktaDirectMfaStrategy(
    {
      issuer: ISSUER,
      clientID: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      dispatcher: scene.okta.agent,
      ...more,
    },
    verify,
  );

async function send(strategy: OktaDirectMfaStrategy, body: object): Promise<Outcome> {
  const req = scene.browser.request(body);
  const outcome = await authenticate(strategy, req);
  scene.browser.keep(req);
  return outcome;
}
const password = (strategy: OktaDirectMfaStrategy) =>
  send(strategy, { username: 'ada', password: PASSWORD });
const otp = (strategy: OktaDirectMfaStrategy) => send(strategy, { otp: OTP });

const mfaRequired = () =>
  scene.okta.token(403, { error: 'mfa_required', error_description: QUOTE, mfa_token: MFA_TOKEN });
const TOKENS = { access_token: ACCESS_TOKEN, refresh_token: REFRESH_TOKEN };
const granted = (claims = {}) => scene.okta.token(200, { ...TOKENS, id_token: signed(claims) });

/** What Okta may respond, in either step. */
const RESPONSES: Record<string, () => void> = {
  'a rejection that quotes everything': () =>
    scene.okta.token(400, { error: 'invalid_grant', error_description: QUOTE }),
  'access_denied that quotes everything': () =>
    scene.okta.token(403, { error: 'access_denied', error_description: QUOTE }),
  'a rate limit that quotes everything': () =>
    scene.okta.token(429, { errorCode: 'E0000047', errorSummary: QUOTE }),
  'HTML that quotes everything': () => scene.okta.token(400, `<html>${QUOTE}`),
  'a 500 that quotes everything': () =>
    scene.okta.token(500, { errorCode: 'E0000009', errorSummary: QUOTE, errorId: 'x' }),
  'tokens without an ID token': () => scene.okta.token(200, TOKENS),
  'a token of another type': () =>
    scene.okta.token(200, { ...TOKENS, id_token: 'x', token_type: ACCESS_TOKEN }),
  'a connection error that quotes everything': () => scene.okta.failToken(new Error(QUOTE)),
};

for (const [what, respond] of Object.entries(RESPONSES)) {
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
          respond();
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

describe('an error of the configuration or an unknown one', () => {
  for (const error of ['invalid_client', 'new_error']) {
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
        scene.okta.token(400, { error, error_description: `You sent ${quote}.` });
        const outcome = await act(strategy);
        assert.ok(outcome.action === 'error');
        assert.match(String(outcome.error), /its text is withheld/);
        assertNoSecret(everyPrint(outcome));
      });
    }
  }
});

describe('an error about tokens', () => {
  for (const [what, claims] of [
    ['for another audience', { aud: ACCESS_TOKEN }],
    ['of another issuer', { iss: `https://${ACCESS_TOKEN}.example.com` }],
    ['that has expired', { exp: 1 }],
    ['of another party', { azp: ACCESS_TOKEN }],
  ] as const) {
    it(`holds no token when the ID token is one ${what}`, async () => {
      const strategy = create();
      mfaRequired();
      await password(strategy);
      const token = signed(claims);
      scene.okta.token(200, { ...TOKENS, id_token: token });
      const outcome = await otp(strategy);
      assert.equal(outcome.action, 'error');
      const [, payload = '', signature = ''] = token.split('.');
      assertNoSecret(everyPrint(outcome), { payload, signature });
    });
  }

  for (const [what, token] of [
    ['not a JWT', 'id-token-that-is-not-a-JWT'],
    ['a JWT with a broken payload', 'eyJhbGciOiJSUzI1NiIsImtpZCI6ImtleS0xIn0.id-token-payload.sig'],
  ] as const) {
    it(`does not quote an ID token that is ${what}`, async () => {
      const strategy = create();
      mfaRequired();
      await password(strategy);
      scene.okta.token(200, { ...TOKENS, id_token: token });
      assertNoSecret(everyPrint(await otp(strategy)), { token, payload: 'id-token-payload' });
    });
  }

  it('holds no access token when /userinfo fails', async () => {
    for (const respond of [
      () => scene.okta.userInfo(401, { error: ACCESS_TOKEN }),
      () => scene.okta.userInfo(200, { sub: ACCESS_TOKEN }),
      () =>
        scene.okta.agent
          .get(ORIGIN)
          .intercept({ path: USERINFO_PATH })
          .replyWithError(new Error(ACCESS_TOKEN)),
    ]) {
      const strategy = create({ userInfo: true });
      mfaRequired();
      await password(strategy);
      granted();
      respond();
      const outcome = await otp(strategy);
      assert.equal(outcome.action, 'error');
      assertNoSecret(everyPrint(outcome));
    }
  });
});

describe('a second factor other than a passcode', () => {
  const CHALLENGE_PATH = '/oauth2/default/v1/challenge';
  const OOB_CODE = 'oob-code-3Vx+/';
  const SIGNATURE = 'c2lnbmF0dXJlLTRRcg';
  const AUTHENTICATOR = 'YXV0aGVudGljYXRvci02VHc';
  const MORE = {
    oob_code: OOB_CODE,
    'form-encoded oob_code': encodeURIComponent(OOB_CODE),
    signature: SIGNATURE,
    authenticatorData: AUTHENTICATOR,
  };
  const QUOTES = `${MFA_TOKEN}, ${OOB_CODE}, ${OTP}, ${SIGNATURE}, ${AUTHENTICATOR}, ${CLIENT_SECRET}`;
  const PUSH = { oob_code: OOB_CODE, channel: 'push', binding_method: 'none' };
  const SMS = { oob_code: OOB_CODE, channel: 'sms', binding_method: 'prompt' };
  const PASSKEY = { publicKey: { challenge: 'abc', rpId: 'acme.com' } };
  const clientData = { type: 'webauthn.get', challenge: 'abc', origin: 'https://acme.com' };
  const response = {
    clientDataJSON: Buffer.from(JSON.stringify(clientData)).toString('base64url'),
    authenticatorData: AUTHENTICATOR,
    signature: SIGNATURE,
  };
  type Answer = (out: { status: number; data: object | string }) => void;
  const token: Answer = ({ status, data }) => scene.okta.token(status, data);
  const challenge: Answer = ({ status, data }) =>
    scene.okta.reply('POST', CHALLENGE_PATH, status, data);

  /** Every request that presents one, with the endpoint that answers it. */
  const REQUESTS: [string, object | undefined, object, Answer][] = [
    ['a push asked for', undefined, { factor: 'push' }, challenge],
    ['a passkey asked for', undefined, { factor: 'webauthn' }, challenge],
    ['a poll', PUSH, {}, token],
    ['a code that was sent', SMS, { otp: OTP }, token],
    ['an assertion', PASSKEY, { assertion: { response } }, token],
  ];
  const ANSWERS: [string, number, (quote: string) => object | string][] = [
    ['is wrong', 400, (quote) => ({ error: 'invalid_grant', error_description: quote })],
    ['is denied', 403, (quote) => ({ error: 'access_denied', error_description: quote })],
    ['is limited', 429, (quote) => ({ errorCode: 'E0000047', errorSummary: quote })],
    ['is unknown', 400, (quote) => ({ error: 'new_error', error_description: quote })],
    ['fails', 500, (quote) => ({ errorCode: 'E0000009', errorSummary: quote })],
    ['is no JSON', 400, (quote) => `<html>${quote}`],
    ['is unusable', 200, (quote) => ({ error_description: quote, oob_code: [quote] })],
  ];

  for (const [what, out, body, answer] of REQUESTS) {
    for (const [becomes, status, say] of ANSWERS) {
      it(`shows no secret anywhere when ${what} ${becomes}`, async () => {
        const strategy = create({
          factors: ['push', 'sms', 'webauthn'],
          requireNumberChallenge: false,
        });
        mfaRequired();
        await password(strategy);
        let id: unknown;
        if (out !== undefined) {
          challenge({ status: 200, data: out });
          const factor = out === PUSH ? 'push' : out === SMS ? 'sms' : 'webauthn';
          const asked = await send(strategy, { factor });
          assertNoSecret(everyPrint(asked), MORE);
          assert.ok(asked.action === 'fail');
          id = (asked.info as { challenge: string }).challenge;
        }
        const req = scene.browser.request();
        assertNoSecret(everyPrint(await strategy.pending(asRequest(req))), MORE);
        const events: unknown[] = [];
        const note = (event: unknown) => void events.push(event);
        subscribe(OUTCOME_CHANNEL, note);
        answer({ status, data: say(`You sent ${QUOTES}.`) });
        const outcome = await send(strategy, { ...body, ...(id ? { challenge: id } : {}) });
        unsubscribe(OUTCOME_CHANNEL, note);
        assert.match(outcome.action, /fail|error/);
        assertNoSecret(everyPrint(outcome), MORE);
        if (outcome.action === 'error') assertNoSecret(everyPrint(outcome.error), MORE);
        assert.equal(events.length, 1);
        // Its request, which has the body, is only printed when hidden properties are asked for.
        assertNoSecret(inspect(events, { depth: Infinity }) + JSON.stringify(events), MORE);
        assertNoSecret(everyPrint(strategy), MORE);
      });
    }
  }
});

describe("an error of the session's store", () => {
  it('holds no mfa_token, though the store quotes it', async () => {
    for (const what of ['regenerate', 'save'] as const) {
      scene.browser.fail(
        what,
        Object.assign(new Error(`cannot SET ${JSON.stringify({ mfaToken: MFA_TOKEN })}`), {
          command: { args: [MFA_TOKEN] },
        }),
      );
      mfaRequired();
      const outcome = await password(create());
      assert.equal(outcome.action, 'error');
      assertNoSecret(everyPrint(outcome));
      scene.browser.heal();
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
