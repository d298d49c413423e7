import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { Agent, buildConnector } from 'undici';
import type { Answerer, Client, Okta, ScriptedAnswer, User } from '../../example/okta/index.js';
import {
  ConfigurationError,
  OktaDirectMfaError,
  OktaResponseError,
  OktaTimeoutError,
  OktaUnreachableError,
  type OktaDirectMfaStrategyOptions,
} from '../../lib/index.js';
import { startApp, type App } from '../support/app.js';
import { Browser, type Answer } from '../support/browser.js';
import {
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  whoIs,
} from '../support/login.js';
import {
  OTP_STEP,
  PASSWORD_STEP,
  useOkta,
  watchAllRequests,
  watchTokenRequests,
} from '../support/okta.js';

let okta: Okta;
useOkta((started) => (okta = started));

interface Expected {
  error: abstract new (...args: never) => OktaDirectMfaError;
  code: string;
  status: number;
}

/** One error action, one error in Express, and its status as the app's answer. */
function assertError(app: App, answer: Answer, { error, code, status }: Expected): void {
  assert.equal(app.actions.map(({ name }) => name).join(), 'error');
  assert.equal(app.errors.length, 1);
  const [got] = app.errors;
  assert.ok(got instanceof error, `expected ${error.name}, but got ${String(got)}`);
  assert.ok(got instanceof OktaDirectMfaError && got instanceof Error);
  assert.deepEqual([got.name, got.code, got.status], [error.name, code, status]);
  assert.equal(answer.status, status);
  assert.equal(app.passed.length, 0);
  app.actions.length = 0;
  app.errors.length = 0;
}

interface Row extends Expected {
  name: string;
  /** A function, so that the stand-in runs by the time it is called. */
  answer: (user: User) => ScriptedAnswer | Answerer;
  options?: Partial<OktaDirectMfaStrategyOptions>;
  /** The reason in the message, where one code has several. */
  says?: RegExp;
  /** Only an answer to the passcode. */
  onlyOtp?: boolean;
}

const CONFIGURATION = { error: ConfigurationError, status: 500 };
const RESPONSE = { error: OktaResponseError, status: 502 };

const oauth = (status: number, error: string) => () => ({
  status,
  body: { error, error_description: `Okta says why it is ${error}.` },
});

const withIdToken =
  (claims: Record<string, unknown>, header?: Parameters<Okta['signIdToken']>[2]) =>
  (user: User): ScriptedAnswer => ({
    body: {
      token_type: 'Bearer',
      access_token: 'an-access-token-of-this-test',
      id_token: okta.signIdToken(
        'org',
        { sub: user.id, aud: okta.clients.native.client_id, ...claims },
        header,
      ),
    },
  });

const now = () => Math.floor(Date.now() / 1000);

const ROWS: Row[] = [
  ...(
    ['invalid_client', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope'] as const
  ).map((code): Row => ({
    ...CONFIGURATION,
    name: `Okta says ${code}`,
    code,
    answer: oauth(code === 'invalid_client' ? 401 : 400, code),
  })),
  {
    ...RESPONSE,
    name: 'an error code that nobody knows',
    code: 'okta_error',
    answer: oauth(400, 'teapot_required'),
  },
  {
    ...RESPONSE,
    name: 'an unknown error in the second format',
    code: 'okta_error',
    answer: () => ({ status: 403, body: { errorCode: 'E0000999', errorSummary: 'Odd.' } }),
  },
  {
    ...RESPONSE,
    name: 'HTTP 500 in the second format',
    code: 'okta_error',
    answer: () => ({
      status: 500,
      body: { errorCode: 'E0000009', errorSummary: 'Internal Server Error' },
    }),
  },
  {
    ...RESPONSE,
    name: 'HTTP 503 that says mfa_required',
    code: 'okta_error',
    answer: () => ({
      status: 503,
      body: { error: 'mfa_required', mfa_token: 'of-a-broken-server' },
    }),
  },
  {
    ...RESPONSE,
    name: 'HTTP 404 in HTML',
    code: 'invalid_response',
    answer: () => ({ status: 404, body: '<!doctype html><h1>Not here</h1>' }),
  },
  {
    ...RESPONSE,
    name: 'HTTP 418 with JSON that is no error',
    code: 'invalid_response',
    answer: () => ({ status: 418, body: { short: true, stout: true } }),
  },
  {
    ...RESPONSE,
    name: 'HTTP 200 in HTML',
    code: 'invalid_response',
    answer: () => ({
      headers: { 'content-type': 'text/html' },
      body: '<!doctype html><h1>Welcome to our proxy</h1>',
    }),
  },
  {
    ...RESPONSE,
    name: 'HTTP 200 with an empty body',
    code: 'invalid_response',
    answer: () => ({ body: '' }),
  },
  {
    ...RESPONSE,
    name: 'HTTP 200 with a JSON array',
    code: 'invalid_response',
    answer: () => ({ body: '[{"access_token":"a","id_token":"b"}]' }),
  },
  {
    ...RESPONSE,
    name: 'HTTP 204',
    code: 'invalid_response',
    answer: () => ({ status: 204 }),
  },
  {
    ...RESPONSE,
    name: 'a body of more than a mebibyte',
    code: 'invalid_response',
    answer: () => ({ status: 400, body: { error: 'invalid_grant', padding: 'x'.repeat(2 ** 20) } }),
  },
  {
    ...RESPONSE,
    name: 'tokens without an access token',
    code: 'invalid_response',
    onlyOtp: true,
    answer: () => ({ body: { token_type: 'Bearer', id_token: 'a.b.c' } }),
  },
  {
    ...RESPONSE,
    name: 'tokens without an ID token, although openid was asked',
    code: 'invalid_response',
    onlyOtp: true,
    answer: () => ({
      body: { token_type: 'Bearer', access_token: 'an-access-token-of-this-test' },
    }),
  },
  ...Object.entries<[RegExp, (user: User) => ScriptedAnswer]>({
    'of another issuer': [/issuer/, withIdToken({ iss: 'https://elsewhere.example.com' })],
    'for another client': [/audience/, withIdToken({ aud: '0oaother000000000001' })],
    'without an audience': [/audience/, withIdToken({ aud: undefined })],
    'that has expired': [/expired/, withIdToken({ exp: now() - 61 })],
    'that never expires': [/"exp"/, withIdToken({ exp: undefined })],
    'without a time of issue': [/"iat"/, withIdToken({ iat: undefined })],
    'without a subject': [/"sub"/, withIdToken({ sub: undefined })],
    'under a key that is not published': [/"kid"/, withIdToken({}, { kid: 'unknown' })],
    'signed with another algorithm': [/RS256/, withIdToken({}, { alg: 'RS384' })],
    'with the signature of another': [
      /signature/,
      (user) => {
        const claims = { sub: user.id, aud: okta.clients.native.client_id };
        const [header, payload] = okta.signIdToken('org', claims).split('.');
        const [, , signature] = okta.signIdToken('org', { ...claims, sub: 'other' }).split('.');
        const id_token = [header, payload, signature].join('.');
        return { body: { token_type: 'Bearer', access_token: 'of-this-test', id_token } };
      },
    ],
    'that is no JWT': [
      /JWT/,
      () => ({
        body: { token_type: 'Bearer', access_token: 'of-this-test', id_token: 'no-jwt-at-all' },
      }),
    ],
  }).map(([name, [says, answer]]): Row => ({
    ...RESPONSE,
    says,
    name: `an ID token ${name}`,
    code: 'invalid_id_token',
    onlyOtp: true,
    answer,
  })),
  {
    error: OktaUnreachableError,
    status: 503,
    name: 'a connection that is lost before the answer',
    code: 'okta_unreachable',
    answer: () => 'reset',
  },
  {
    error: OktaTimeoutError,
    status: 504,
    name: 'no answer within the timeout',
    code: 'okta_timeout',
    options: { timeout: 1000 },
    answer: () => 'hang',
  },
  {
    error: OktaTimeoutError,
    status: 504,
    name: 'an answer that begins and does not end within the timeout',
    code: 'okta_timeout',
    options: { timeout: 1000 },
    answer: () => ({ status: 400, body: endless() }),
  },
];

async function* endless(): AsyncGenerator<string> {
  yield '{"error":';
  await new Promise(() => undefined);
}

describe('An answer of Okta that a login cannot go on with is an error:', () => {
  for (const row of ROWS) {
    if (!row.onlyOtp) {
      it(`${row.name}, to the password: ${row.code}, ${row.status}`, async (t) => {
        const user = okta.addUser();
        const strategyOptions = optionsFor(okta, row.options);
        const app = await startApp(t, { strategyOptions, style: 'plain' });
        const browser = new Browser(app.url);
        assert.equal((await sendPassword(browser, user)).status, 403);
        app.actions.length = 0;
        const waiting = app.store.waiting(browser.sessionID);

        const posts = watchTokenRequests(okta);
        okta.respondNext(row.answer(user), PASSWORD_STEP);
        const answer = await sendPassword(browser, user);

        assertError(app, answer, row);
        assert.equal(posts().length, 1, 'not repeated');
        assert.deepEqual(app.store.waiting(browser.sessionID), waiting);
        await finishLogin(browser, okta, user);
      });
    }

    it(`${row.name}, to the passcode: ${row.code}, ${row.status}`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta, row.options) });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      app.actions.length = 0;
      const waiting = app.store.waiting(browser.sessionID);

      const posts = watchTokenRequests(okta);
      okta.respondNext(row.answer(user), OTP_STEP);
      const answer = await sendOtp(browser, okta.otp(user));

      assertError(app, answer, row);
      if (row.says) assert.match(String(answer.body['message']), row.says);
      assert.equal(posts().length, 1, 'not repeated');
      assert.equal(app.logins.length, 0);
      assert.ok(waiting);
      assert.deepEqual(app.store.waiting(browser.sessionID), waiting);
      assert.equal(await whoIs(browser), undefined);
      await finishLogin(browser, okta, user);
    });
  }
});

it('an ID token of the same making with nothing wrong logs in', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  const browser = new Browser(app.url);
  await passPassword(browser, user);
  okta.respondNext(withIdToken({})(user), OTP_STEP);
  await finishLogin(browser, okta, user);
});

describe('What Okta itself refuses is an error of the configuration:', () => {
  interface Misconfigured {
    name: string;
    code: string;
    client: () => Client;
    options?: Partial<OktaDirectMfaStrategyOptions>;
    step: 'password' | 'passcode';
  }
  const rows: Misconfigured[] = [
    {
      name: 'a wrong client secret',
      code: 'invalid_client',
      client: () => okta.clients.post,
      options: { clientSecret: 'not the secret', clientAuthentication: 'client_secret_post' },
      step: 'password',
    },
    {
      name: 'an unknown client',
      code: 'invalid_client',
      client: () => ({ ...okta.clients.native, client_id: '0oaunknown0000000001' }),
      step: 'password',
    },
    {
      name: 'an app without the password grant',
      code: 'unauthorized_client',
      client: () => okta.addClient({ grant_types: [OTP_STEP.grantType] }),
      step: 'password',
    },
    {
      name: 'an app without the MFA OTP grant',
      code: 'unauthorized_client',
      client: () => okta.addClient({ grant_types: ['password'] }),
      step: 'passcode',
    },
    {
      name: 'a scope that the server does not have',
      code: 'invalid_scope',
      client: () => okta.clients.native,
      options: { scope: 'openid teapots' },
      step: 'password',
    },
  ];
  for (const { name, code, client, options, step } of rows) {
    it(`${name}: ${code}, 500`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta, options, 'org', client()),
      });
      const browser = new Browser(app.url);
      let answer = await sendPassword(browser, user);
      if (step === 'passcode') {
        app.actions.length = 0;
        answer = await sendOtp(browser, okta.otp(user));
      }
      assertError(app, answer, { ...CONFIGURATION, code });
      assert.equal(app.store.waiting(browser.sessionID) !== undefined, step === 'passcode');
    });
  }
});

describe('An app that lacks something learns it before Okta is asked:', () => {
  it('no session middleware: session_missing, 500, for either step and cancel()', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta), session: false });
    const browser = new Browser(app.url);
    const reached = watchAllRequests(okta);
    const expected = { ...CONFIGURATION, code: 'session_missing' };

    assertError(app, await sendPassword(browser, user), expected);
    assertError(app, await sendOtp(browser, okta.otp(user)), expected);
    assert.deepEqual(reached(), []);

    const { body } = await browser.post('/cancel');
    assert.equal(body['code'], 'session_missing');
    assert.match(String(body['message']), /express-session/);
  });

  it('no body parser: body_parser_missing, 500, for a form and for JSON', async (t) => {
    const { username, password } = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta), bodyParsers: false });
    const browser = new Browser(app.url);
    const reached = watchAllRequests(okta);
    const expected = { ...CONFIGURATION, code: 'body_parser_missing' };

    assertError(app, await browser.post('/login', { json: { username, password } }), expected);
    const answer = await browser.post('/login', { form: { username, password } });
    assert.match(String(answer.body['message']), /express\.urlencoded\(\)/);
    assertError(app, answer, expected);
    assert.deepEqual(reached(), []);
  });
});

/** An undici Agent whose next connections are refused; it counts what it was asked to connect. */
function refusingAgent() {
  const connect = buildConnector({});
  const state = { refuse: 0, attempts: 0 };
  const agent = new Agent({
    connect(options, callback) {
      state.attempts += 1;
      if (state.refuse === 0) return connect(options, callback);
      state.refuse -= 1;
      callback(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), null);
    },
    pipelining: 0,
  });
  return { agent, state };
}

it('a refused connection is tried once more, and the POST reaches Okta once', async (t) => {
  const user = okta.addUser();
  const { agent, state } = refusingAgent();
  t.after(() => agent.destroy());
  const app = await startApp(t, { strategyOptions: optionsFor(okta, { dispatcher: agent }) });
  const browser = new Browser(app.url);
  await passPassword(browser, user);

  const posts = watchTokenRequests(okta);
  state.refuse = 1;
  state.attempts = 0;
  await finishLogin(browser, okta, user);
  assert.equal(state.attempts, 2);
  assert.equal(posts().length, 1);
});

it('a connection refused twice is OktaUnreachableError, and the next passcode logs in', async (t) => {
  const user = okta.addUser();
  const { agent, state } = refusingAgent();
  t.after(() => agent.destroy());
  const app = await startApp(t, { strategyOptions: optionsFor(okta, { dispatcher: agent }) });
  const browser = new Browser(app.url);
  await passPassword(browser, user);
  app.actions.length = 0;
  const waiting = app.store.waiting(browser.sessionID);

  const posts = watchTokenRequests(okta);
  state.refuse = Infinity;
  state.attempts = 0;
  const answer = await sendOtp(browser, okta.otp(user));
  state.refuse = 0;
  assertError(app, answer, { error: OktaUnreachableError, code: 'okta_unreachable', status: 503 });
  assert.equal(state.attempts, 2, 'repeated once and no more');
  assert.equal(posts().length, 0);
  assert.deepEqual(app.store.waiting(browser.sessionID), waiting);
  await finishLogin(browser, okta, user);
});

it('an issuer where nobody listens is OktaUnreachableError, 503', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));

  const issuer = `http://127.0.0.1:${port}`;
  const app = await startApp(t, { strategyOptions: optionsFor(okta, { issuer }) });
  const answer = await sendPassword(new Browser(app.url), okta.addUser());
  assertError(app, answer, { error: OktaUnreachableError, code: 'okta_unreachable', status: 503 });
});

for (const status of [301, 302, 303, 307, 308]) {
  it(`a redirect with HTTP ${status} is not followed: nothing is sent elsewhere`, async (t) => {
    let visits = 0;
    const elsewhere = createServer((_req, res) => {
      visits += 1;
      res.end('{}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      elsewhere.close();
      elsewhere.closeAllConnections();
    });
    const { port } = elsewhere.address() as AddressInfo;
    const redirect = { status, headers: { location: `http://127.0.0.1:${port}/oauth2/v1/token` } };

    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    const expected = { ...RESPONSE, code: 'invalid_response' };
    okta.respondNext(redirect, PASSWORD_STEP);
    assertError(app, await sendPassword(browser, user), expected);

    await passPassword(browser, user);
    app.actions.length = 0;
    okta.respondNext(redirect, OTP_STEP);
    assertError(app, await sendOtp(browser, okta.otp(user)), expected);
    assert.equal(visits, 0);
    await finishLogin(browser, okta, user);
  });
}

describe('Keys that cannot be read are an error before a passcode is spent:', () => {
  const rows: [string, ScriptedAnswer, Expected][] = [
    ['HTTP 500', { status: 500, body: 'down' }, { ...RESPONSE, code: 'okta_error' }],
    ['no JSON', { body: '<html>' }, { ...RESPONSE, code: 'invalid_response' }],
    [
      'a lost connection',
      'reset',
      { error: OktaUnreachableError, code: 'okta_unreachable', status: 503 },
    ],
  ];
  for (const [name, answer, expected] of rows) {
    it(name, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const browser = new Browser(app.url);
      // The password step asks for the keys too, and gets over it.
      okta.respondNext(answer, { endpoint: 'keys' });
      okta.respondNext(answer, { endpoint: 'keys' });
      await passPassword(browser, user);
      app.actions.length = 0;

      const posts = watchTokenRequests(okta);
      assertError(app, await sendOtp(browser, okta.otp(user)), expected);
      assert.equal(posts().length, 0);
      await finishLogin(browser, okta, user);
    });
  }
});

it('an error tells where in the System Log of Okta it is', async (t) => {
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  okta.respondNext(
    {
      status: 400,
      headers: { 'x-okta-request-id': 'reqTheIdOfThisRequest' },
      body: { errorCode: 'E0000999', errorSummary: 'Odd.', errorId: 'oaeTheIdOfThisError' },
    },
    PASSWORD_STEP,
  );
  await sendPassword(new Browser(app.url), okta.addUser());
  const [error] = app.errors as OktaDirectMfaError[];
  assert.equal(error?.oktaError, 'E0000999');
  assert.equal(error?.oktaErrorId, 'oaeTheIdOfThisError');
  assert.equal(error?.oktaRequestId, 'reqTheIdOfThisRequest');
});

it('what Okta quotes of a request is taken out of the error', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  const browser = new Browser(app.url);
  const quote: Answerer = ({ form }) => ({
    status: 400,
    body: {
      error: 'teapot_required',
      error_description: `You sent ${form['password']} ${form['mfa_token']} ${form['otp']}\r\nlog: forged`,
    },
  });
  okta.respondNext(quote, PASSWORD_STEP);
  const first = await sendPassword(browser, user);
  await passPassword(browser, user);
  okta.respondNext(quote, OTP_STEP);
  const second = await sendOtp(browser, okta.otp(user));
  for (const { status, body } of [first, second]) {
    assert.equal(status, 502);
    assert.match(String(body['message']), /\[redacted\]/);
    assert.doesNotMatch(String(body['message']), /[\r\n]/);
  }
  // That no secret is in any of it, the whole file asserts at its end.
});

it('after many unusable answers a login still works: no connection is used up', async (t) => {
  const user = okta.addUser();
  const agent = new Agent({ connections: 2 });
  t.after(() => agent.destroy());
  const app = await startApp(t, { strategyOptions: optionsFor(okta, { dispatcher: agent }) });
  for (let i = 0; i < 6; i++) {
    okta.respondNext({ body: 'x'.repeat(3 * 2 ** 20) }, PASSWORD_STEP);
    const { status } = await sendPassword(new Browser(app.url), user);
    assert.equal(status, 502);
  }
  await logIn(new Browser(app.url), okta, user);
});
