import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  OktaDirectMfaError,
  OktaDirectMfaStrategy,
  OUTCOME_CHANNEL,
  type OktaDirectMfaStrategyOptions,
  type OktaKeptTokens,
  type OutcomeEvent,
} from '../../lib/index.js';
import {
  authenticate,
  CLIENT_ID,
  everyPrint,
  idTokenClaims,
  ISSUER,
  KEYS_PATH,
  mockOkta,
  ORIGIN,
  REVOKE_PATH,
  rsaKeyPair,
  toJwk,
  TOKEN_PATH,
  type FakeRequest,
  type Outcome,
} from '../support/fixtures.js';
import { gate, until } from '../support/promises.js';
import { startServer } from '../support/servers.js';
import { LOGIN_FORM, signed, USER, useScene } from './support.js';

const scene = useScene();
const SUB = String(idTokenClaims()['sub']);
const SECRETS = ['rt-1-secret', 'rt-2-secret', 'at-1-secret', 'at-2-secret', 'client-secret'];

const create = (
  more: Partial<OktaDirectMfaStrategyOptions> = {},
  verify: () => unknown = async () => USER,
) =>
  new OktaDirectMfaStrategy(
    {
      issuer: ISSUER,
      clientID: CLIENT_ID,
      clientSecret: 'client-secret',
      clientAuthentication: 'client_secret_post',
      dispatcher: scene.okta.agent,
      ...more,
    },
    verify as never,
  );

/** What an app has kept of a login. */
const kept = (more: Partial<OktaKeptTokens> = {}): OktaKeptTokens => ({
  access_token: 'at-1-secret',
  refresh_token: 'rt-1-secret',
  scope: 'openid offline_access',
  claims: { sub: SUB },
  ...more,
});

/** Okta's next answer to a refresh token; `undefined` leaves a member out. */
const refreshed = (more: Record<string, unknown> = {}) =>
  scene.okta.token(
    200,
    JSON.parse(
      JSON.stringify({
        access_token: 'at-2-secret',
        refresh_token: 'rt-2-secret',
        token_type: 'Bearer',
        expires_in: 3600,
        id_token: signed(),
        ...more,
      }),
    ) as object,
  );

const paths = () => scene.okta.sent.map(({ path }) => path);
const forms = () => scene.okta.forms();

let events: OutcomeEvent[];
const note = (event: unknown) => events.push(event as OutcomeEvent);
beforeEach(() => {
  events = [];
  subscribe(OUTCOME_CHANNEL, note);
});
afterEach(() => {
  unsubscribe(OUTCOME_CHANNEL, note);
  for (const event of events) assertNoSecret(event);
});
const lines = () =>
  events.map(({ outcome, step, code, sub }) => [outcome, step, code ?? '-', sub ?? '-'].join(' '));

function assertNoSecret(value: unknown): void {
  const printed = everyPrint(value);
  for (const secret of SECRETS) assert.ok(!printed.includes(secret), printed);
}

/** What a call rejects with; it holds no secret. */
async function failureOf(call: Promise<unknown>): Promise<OktaDirectMfaError> {
  const error: unknown = await call.then(
    () => assert.fail('it did not reject'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof OktaDirectMfaError, String(error));
  assertNoSecret(error);
  return error;
}

describe('refresh', () => {
  it('asks with the refresh token, the granted scope and the proof of the client', async () => {
    refreshed();
    const fresh = await create().refresh(kept());
    assert.deepEqual(forms(), [
      {
        grant_type: 'refresh_token',
        refresh_token: 'rt-1-secret',
        scope: 'openid offline_access',
        client_id: CLIENT_ID,
        client_secret: 'client-secret',
      },
    ]);
    const { id_token, claims, ...tokens } = fresh;
    assert.deepEqual(tokens, {
      access_token: 'at-2-secret',
      refresh_token: 'rt-2-secret',
      token_type: 'Bearer',
      expires_in: 3600,
    });
    assert.equal(claims?.sub, SUB);
    assert.ok(id_token);
    assert.deepEqual(lines(), [`refresh_accepted refresh - ${SUB}`]);
    assert.ok(
      events.every(({ authenticated, request }) => !authenticated && request === undefined),
    );
  });

  it('asks for no scope with a refresh token alone, and for none that is not a string', async () => {
    refreshed();
    await create().refresh('rt-1-secret');
    refreshed();
    await create().refresh({ refresh_token: 'rt-1-secret', scope: ['openid'] as never });
    assert.deepEqual(
      forms().map(({ scope, refresh_token }) => [scope, refresh_token]),
      [
        [undefined, 'rt-1-secret'],
        [undefined, 'rt-1-secret'],
      ],
    );
    assert.deepEqual(lines(), Array(2).fill(`refresh_accepted refresh - ${SUB}`));
  });

  it('carries the refresh token over when Okta gives none', async () => {
    refreshed({ refresh_token: undefined });
    assert.equal((await create().refresh(kept())).refresh_token, 'rt-1-secret');
  });

  it('gives no claims where Okta gives no ID token, so that what was known stays known', async () => {
    refreshed({ id_token: undefined });
    const fresh = await create().refresh(kept());
    assert.ok(!('claims' in fresh) && !('id_token' in fresh));
    assert.equal({ ...kept(), ...fresh }.claims?.sub, SUB);
  });

  for (const [what, old, isKnown] of [
    ['the claims', kept({ claims: { sub: 'another' } }), true],
    ['the ID token', kept({ claims: undefined, id_token: signed({ sub: 'another' }) }), true],
    [
      'the ID token beside empty claims',
      kept({ claims: {}, id_token: signed({ sub: 'b' }) }),
      true,
    ],
    ['nothing', kept({ claims: undefined }), false],
    ['an ID token that is none', kept({ claims: undefined, id_token: 'x.bnVsbA.x' }), false],
    ['an ID token that is not even JSON', kept({ claims: undefined, id_token: 'x.x' }), false],
  ] as [string, OktaKeptTokens, boolean][]) {
    it(`takes another person's tokens for a refusal, as known from ${what}: ${isKnown}`, async () => {
      refreshed();
      const call = create().refresh(old);
      if (!isKnown) return assert.equal((await call).claims?.sub, SUB);
      assert.equal((await failureOf(call)).code, 'invalid_id_token');
      assert.match(lines()[0] ?? '', /^okta_failed refresh invalid_id_token/);
    });
  }

  it('verifies the new ID token', async () => {
    refreshed({ id_token: signed({ aud: 'another client' }) });
    const { code, status } = await failureOf(create().refresh(kept()));
    assert.deepEqual([code, status], ['invalid_id_token', 502]);
  });

  it('spends no refresh token when there are no keys to verify with', async (t) => {
    const okta = mockOkta();
    t.after(() => okta.end());
    okta.reply('GET', KEYS_PATH, 500, '');
    await failureOf(create({ dispatcher: okta.agent }).refresh(kept()));
    assert.deepEqual(
      okta.sent.map(({ path }) => path),
      [KEYS_PATH],
    );
  });

  it('shares one request among calls that overlap, of any strategy of the process', async () => {
    const letGo = gate();
    const answer = {
      access_token: 'at-2-secret',
      refresh_token: 'rt-2-secret',
      id_token: signed(),
    };
    const arrived = scene.okta.heldToken(200, answer, letGo);
    const calls = [create().refresh(kept()), create().refresh('rt-1-secret')];
    await arrived;
    calls.push(create().refresh(kept()), create().refresh(kept({ claims: { sub: 'another' } })));
    letGo.open();
    const outcomes = await Promise.allSettled(calls);
    assert.equal(forms().length, 1);
    const [first, second, third, fourth] = outcomes;
    assert.ok(first?.status === 'fulfilled' && second?.status === 'fulfilled');
    assert.equal(first.value.refresh_token, 'rt-2-secret');
    assert.deepEqual(first.value, second.value);
    assert.notEqual(first.value, second.value);
    assert.notEqual(first.value.claims, second.value.claims);
    assert.deepEqual([third?.status, fourth?.status], ['fulfilled', 'rejected']);
    // No longer under way: the next asks again.
    refreshed();
    await create().refresh(kept());
    assert.equal(forms().length, 2);
  });

  it('shares a failure too, and nothing with another refresh token or another client', async () => {
    const letGo = gate();
    const arrived = scene.okta.heldToken(400, { error: 'invalid_grant' }, letGo);
    const calls = [create().refresh(kept()), create().refresh(kept())].map(failureOf);
    await arrived;
    refreshed();
    await create().refresh(kept({ refresh_token: 'rt-of-another-login' }));
    refreshed({ id_token: undefined });
    const keys = { keys: [toJwk(rsaKeyPair().publicKey, { kid: 'other' })] };
    scene.okta.reply('GET', KEYS_PATH.replace(CLIENT_ID, '0oa2'), 200, keys);
    await create({ clientID: '0oa2' }).refresh(kept());
    letGo.open();
    assert.deepEqual(
      (await Promise.all(calls)).map(({ code }) => code),
      ['refresh_token_rejected', 'refresh_token_rejected'],
    );
    refreshed();
    await create().refresh(kept());
    assert.equal(forms().length, 4);
  });

  for (const [status, body, name, code, own, outcome] of [
    [400, { error: 'invalid_grant' }, 'OktaRefreshError', 'refresh_token_rejected', 401],
    [403, { error: 'access_denied' }, 'OktaRefreshError', 'refresh_token_rejected', 401],
    [401, { errorCode: 'E0000006' }, 'OktaRefreshError', 'refresh_token_rejected', 401],
    [429, { error: 'invalid_grant' }, 'OktaRateLimitError', 'rate_limited', 429, 'rate_limited'],
    [
      401,
      { error: 'invalid_client' },
      'OktaConfigurationError',
      'invalid_client',
      500,
      'app_failed',
    ],
    [400, { error: 'invalid_scope' }, 'OktaConfigurationError', 'invalid_scope', 500, 'app_failed'],
    [400, { error: 'new_error' }, 'OktaResponseError', 'okta_error', 502, 'okta_failed'],
    [503, 'at-1-secret', 'OktaResponseError', 'okta_error', 502, 'okta_failed'],
    [200, '<html>', 'OktaResponseError', 'invalid_response', 502, 'okta_failed'],
    [200, { id_token: 'x' }, 'OktaResponseError', 'invalid_response', 502, 'okta_failed'],
  ] as [number, object | string, string, string, number, string?][]) {
    it(`takes HTTP ${status} ${JSON.stringify(body)} for ${name} ${code}`, async () => {
      const said =
        typeof body === 'string' ? body : { ...body, error_description: 'Not rt-1-secret.' };
      scene.okta.token(status, said, { 'retry-after': '7', 'x-okta-request-id': 'req-1' });
      const error = await failureOf(create().refresh(kept()));
      assert.deepEqual([error.name, error.code, error.status], [name, code, own]);
      assert.equal(error.oktaRequestId, 'req-1');
      assert.equal((error as { retryAfter?: number }).retryAfter, status === 429 ? 7 : undefined);
      assert.deepEqual(lines(), [`${outcome ?? 'refresh_refused'} refresh ${code} ${SUB}`]);
    });
  }

  it("quotes Okta's words, which name the refresh token, where they repeat no secret", async () => {
    const error_description = 'The refresh token is invalid or expired.';
    scene.okta.token(400, { error: 'invalid_grant', error_description });
    const { message, oktaDescription } = await failureOf(create().refresh(kept()));
    assert.equal(oktaDescription, error_description);
    assert.match(message, /sign in again. Okta says invalid_grant: The refresh token is invalid/);
  });

  it('has no retryAfter where no header tells', async () => {
    scene.okta.token(429, {});
    const error = await failureOf(create().refresh(kept()));
    assert.ok(!('retryAfter' in error));
    assert.match(error.message, /Try again later/);
  });
});

describe('revoke', () => {
  for (const [what, given, form] of [
    [
      'the refresh token of tokens',
      kept(),
      { token: 'rt-1-secret', token_type_hint: 'refresh_token' },
    ],
    [
      'the access token where there is no other',
      kept({ refresh_token: undefined }),
      { token: 'at-1-secret', token_type_hint: 'access_token' },
    ],
    ['one token, whichever it is', 'rt-1-secret', { token: 'rt-1-secret' }],
  ] as [string, OktaKeptTokens | string, object][]) {
    it(`ends ${what}`, async () => {
      scene.okta.revoke(200);
      await create().revoke(given);
      assert.deepEqual(paths(), [REVOKE_PATH]);
      const { client_id, client_secret, ...sent } = forms()[0] ?? {};
      assert.deepEqual(sent, form);
      assert.deepEqual([client_id, client_secret], [CLIENT_ID, 'client-secret']);
      const sub = typeof given === 'string' ? '-' : SUB;
      assert.deepEqual(lines(), [`token_revoked revoke - ${sub}`]);
    });
  }

  for (const [status, body, name, code, own, outcome] of [
    [429, {}, 'OktaRateLimitError', 'rate_limited', 429, 'rate_limited'],
    [
      401,
      { error: 'invalid_client' },
      'OktaConfigurationError',
      'invalid_client',
      500,
      'app_failed',
    ],
    [403, { error: 'access_denied' }, 'OktaResponseError', 'okta_error', 502, 'okta_failed'],
    [400, { error: 'invalid_request' }, 'OktaResponseError', 'okta_error', 502, 'okta_failed'],
    [404, { errorCode: 'E0000007' }, 'OktaResponseError', 'okta_error', 502, 'okta_failed'],
    [302, '', 'OktaResponseError', 'invalid_response', 502, 'okta_failed'],
    [503, '', 'OktaResponseError', 'okta_error', 502, 'okta_failed'],
  ] as [number, object | string, string, string, number, string][]) {
    it(`takes HTTP ${status} ${JSON.stringify(body)} for ${name} ${code}`, async () => {
      const said = typeof body === 'string' ? body : { ...body, error_description: 'rt-1-secret' };
      scene.okta.revoke(status, said);
      const error = await failureOf(create().revoke(kept()));
      assert.deepEqual([error.name, error.code, error.status], [name, code, own]);
      assert.deepEqual(lines(), [`${outcome} revoke ${code} ${SUB}`]);
    });
  }

  it('takes any 200 for a revocation, whatever its body is', async (t) => {
    const answers: ((res: ServerResponse) => void)[] = [
      (res) => res.end(),
      (res) => res.writeHead(200, { 'transfer-encoding': 'chunked' }).end(),
      (res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip'),
      (res) => res.end('<html>'),
      (res) => {
        res.writeHead(200, { 'content-length': '10' }).write('cut');
        setImmediate(() => res.destroy());
      },
    ];
    const { url, requests } = await startServer(t, (_req, res) => answers.shift()?.(res));
    const options = { issuer: url, allowInsecureIssuer: true, dispatcher: undefined };
    const count = answers.length;
    for (let times = 0; times < count; times++) await create(options).revoke('rt-1-secret');
    assert.deepEqual(requests, Array(count).fill('POST /oauth2/v1/revoke'));
  });
});

describe('refresh and revoke', () => {
  for (const [name, path, call] of [
    ['refresh', TOKEN_PATH, (tokens: never) => create().refresh(tokens)],
    ['revoke', REVOKE_PATH, (tokens: never) => create().revoke(tokens)],
  ] as [string, string, (tokens: unknown) => Promise<unknown>][]) {
    it(`${name} is not sent again when it may have been sent, and once when it was not`, async () => {
      const next = () => scene.okta.agent.get(ORIGIN).intercept({ method: 'POST', path });
      next().replyWithError(Object.assign(new Error('rt-1-secret'), { code: 'ECONNRESET' }));
      assert.equal((await failureOf(call(kept()))).code, 'okta_unreachable');
      assert.match(lines()[0] ?? '', /^okta_failed \w+ okta_unreachable/);
      next().replyWithError(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
      scene.okta.reply('POST', path, 200, { access_token: 'at-2-secret' });
      await call(kept());
      assert.deepEqual(paths(), [path]);
    });

    it(`${name} wants a token, and asks nothing without one`, async () => {
      for (const none of [undefined, null, '', ' ', 7, {}, { refresh_token: '' }, { claims: {} }]) {
        await assert.rejects(call(none), (error: unknown) => {
          assert.ok(error instanceof TypeError && error.message.startsWith(`${name}() needs`));
          return true;
        });
      }
      assert.deepEqual([scene.okta.sent, events], [[], []]);
    });
  }

  it('refresh takes no access token for a refresh token', async () => {
    await assert.rejects(create().refresh({ access_token: 'at-1-secret' }), TypeError);
  });

  it('work without a subscriber too', async () => {
    unsubscribe(OUTCOME_CHANNEL, note);
    scene.okta.revoke(200);
    await create().revoke(kept());
  });
});

describe('tokens that the login does not use', () => {
  const GRANT = { access_token: 'at-1-secret', refresh_token: 'rt-1-secret' };

  async function send(strategy: OktaDirectMfaStrategy, body: object, res?: object) {
    const req = scene.browser.request(body, { ...(res && { res }) } as Partial<FakeRequest>);
    const outcome = await authenticate(strategy, req);
    scene.browser.keep(req);
    return outcome;
  }

  /** A login up to its second factor, which Okta grants. */
  async function complete(
    strategy: OktaDirectMfaStrategy,
    { answer, res, meanwhile }: { answer?: object; res?: object; meanwhile?: () => unknown } = {},
  ): Promise<Outcome> {
    scene.mfaRequired();
    await send(strategy, LOGIN_FORM);
    const letGo = gate();
    const json = { ...GRANT, id_token: signed(), ...answer };
    const arrived = scene.okta.heldToken(200, json, letGo);
    const login = send(strategy, { otp: '123456' }, res);
    await arrived;
    await meanwhile?.();
    letGo.open();
    return login;
  }

  const revocations = () =>
    scene.okta.sent
      .filter(({ path }) => path === REVOKE_PATH)
      .map(({ form }) => [form['token'], form['token_type_hint']]);
  const published = () => until('the event', () => events.at(-1)?.step === 'revoke');

  for (const [what, begin] of Object.entries<() => Promise<Outcome>>({
    'verify refuses': () => complete(create({}, async () => false)),
    'verify fails': () => complete(create({}, () => Promise.reject(new Error('x')))),
    'the ID token is refused': () =>
      complete(create(), { answer: { id_token: signed({ aud: 'x' }) } }),
    'the ID token is missing': () => complete(create(), { answer: { id_token: undefined } }),
    'the token is of another type': () => complete(create(), { answer: { token_type: 'DPoP' } }),
    '/userinfo is refused': () => {
      scene.okta.userInfo(200, { sub: 'another' });
      return complete(create({ userInfo: true }));
    },
    'the password alone is enough for Okta': async () => {
      scene.okta.token(200, { ...GRANT, id_token: 'x' });
      return send(create(), LOGIN_FORM);
    },
    'the login is cancelled meanwhile': () => {
      const strategy = create();
      const meanwhile = () => strategy.cancel(scene.browser.request() as never);
      return complete(strategy, { meanwhile });
    },
    'the store fails': () => complete(create(), { meanwhile: () => scene.browser.fail('save') }),
  })) {
    it(`are revoked once when ${what}`, async () => {
      scene.okta.revoke(200);
      assert.notEqual((await begin()).action, 'success');
      await published();
      assert.deepEqual(revocations(), [['rt-1-secret', 'refresh_token']]);
      assert.match(lines().at(-1) ?? '', /^token_revoked revoke - /);
      assert.equal(events.filter(({ step }) => step === 'revoke').length, 1);
      assert.ok(events.at(-1)?.request);
    });
  }

  it('are none when the login succeeds', async () => {
    assert.equal((await complete(create())).action, 'success');
    assert.deepEqual([revocations(), events.length], [[], 2]);
  });

  it('stay with revokeUnused: false', async () => {
    await complete(create({ revokeUnused: false }, async () => false));
    assert.deepEqual([revocations(), events.length], [[], 2]);
  });

  it('are an access token where there is no refresh token', async () => {
    scene.okta.revoke(200);
    await complete(
      create({}, async () => false),
      { answer: { refresh_token: undefined } },
    );
    await published();
    assert.deepEqual(revocations(), [['at-1-secret', 'access_token']]);
  });

  it('are revoked after the response, and a failure is only an event', async () => {
    const res = new EventEmitter();
    const outcome = await complete(
      create({}, async () => false),
      { res },
    );
    assert.equal(outcome.action, 'fail');
    assert.deepEqual([revocations(), events.length], [[], 2]);
    scene.okta.revoke(503);
    res.emit('finish');
    res.emit('close');
    await published();
    assert.equal(revocations().length, 1);
    assert.match(lines().at(-1) ?? '', /^okta_failed revoke okta_error/);
  });

  for (const over of [{ writableFinished: true }, { destroyed: true }]) {
    it(`do not wait for a response that is over: ${JSON.stringify(over)}`, async () => {
      scene.okta.revoke(200);
      const res = Object.assign(new EventEmitter(), over);
      await complete(
        create({}, async () => false),
        { res },
      );
      await published();
      assert.equal(revocations().length, 1);
    });
  }
});
