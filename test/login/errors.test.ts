import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Responder, Client, Okta, ScriptedResponse, User } from '../../example/okta/index.js';
import {
  OktaConfigurationError,
  OktaDirectMfaError,
  OktaResponseError,
  OktaTimeoutError,
  OktaUnreachableError,
  type OktaDirectMfaStrategyOptions,
} from '../../lib/index.js';
import {
  finishLogin,
  optionsFor,
  OTP_STEP,
  passPassword,
  PASSWORD_STEP,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  startServer,
  useOkta,
  watchAllRequests,
  watchTokenRequests,
  whoIs,
  type Answer,
  type App,
} from '../support/index.js';

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
  answer: (user: User) => ScriptedResponse | Responder;
  options?: Partial<OktaDirectMfaStrategyOptions>;
  /** The reason in the message, where one code has several. */
  says?: RegExp;
  /** Only an answer to the passcode. */
  onlyOtp?: boolean;
  /** Okta's answer to a passcode, neither a grant nor a failure of Okta's: it counts as a wrong one. */
  counts?: boolean;
}

const CONFIGURATION = { error: OktaConfigurationError, status: 500 };
const RESPONSE = { error: OktaResponseError, status: 502 };

/** One for each code; which other answers come to the same is for the unit tests to say. */
const ROWS: Row[] = [
  {
    ...CONFIGURATION,
    name: 'invalid_client',
    code: 'invalid_client',
    counts: true,
    answer: () => ({
      status: 401,
      body: { error: 'invalid_client', error_description: 'Okta says why.' },
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
    name: 'HTTP 200 in HTML',
    code: 'invalid_response',
    counts: true,
    answer: () => ({
      headers: { 'content-type': 'text/html' },
      body: '<!doctype html><h1>Welcome to our proxy</h1>',
    }),
  },
  {
    ...RESPONSE,
    name: 'an ID token for another client',
    code: 'invalid_id_token',
    says: /audience/,
    onlyOtp: true,
    answer: (user) => ({
      body: {
        token_type: 'Bearer',
        access_token: 'an-access-token-of-this-test',
        id_token: okta.signIdToken('org', { sub: user.id, aud: '0oaother000000000001' }),
      },
    }),
  },
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
];

describe('An answer of Okta that a login cannot go on with is an error, and the transaction stays:', () => {
  for (const row of ROWS) {
    if (!row.onlyOtp) {
      it(`${row.name}, to the password: ${row.code}, ${row.status}`, async (t) => {
        const { app, browser, user } = await sceneAtPasscode(t, {
          options: row.options,
          style: 'plain',
        });
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
      const { app, browser, user } = await sceneAtPasscode(t, { options: row.options });
      const waiting = app.store.waiting(browser.sessionID);
      const attempts = row.counts ? 1 : 0;

      const posts = watchTokenRequests(okta);
      okta.respondNext(row.answer(user), OTP_STEP);
      const answer = await sendOtp(browser, okta.otp(user));

      assertError(app, answer, row);
      if (row.says) assert.match(String(answer.body['message']), row.says);
      assert.equal(posts().length, 1, 'not repeated');
      assert.equal(app.logins.length, 0);
      assert.deepEqual(app.store.waiting(browser.sessionID), { ...waiting, attempts });
      assert.equal(await whoIs(browser), undefined);
      await finishLogin(browser, okta, user);
    });
  }
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
      const strategyOptions = optionsFor(okta, options, 'org', client());
      const { app, browser, user } = await scene(t, { strategyOptions });
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
    const { app, browser, user } = await scene(t, { session: false });
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
    const { app, browser, user } = await scene(t, { bodyParsers: false });
    const { username, password } = user;
    const reached = watchAllRequests(okta);
    const expected = { ...CONFIGURATION, code: 'body_parser_missing' };

    assertError(app, await browser.post('/login', { json: { username, password } }), expected);
    const answer = await browser.post('/login', { form: { username, password } });
    assert.match(String(answer.body['message']), /express\.urlencoded\(\)/);
    assertError(app, answer, expected);
    assert.deepEqual(reached(), []);
  });
});

it('a redirect is not followed: neither password nor passcode is sent elsewhere', async (t) => {
  const elsewhere = await startServer(t, (_, res) => res.end('{}'));
  const { app, browser, user } = await scene(t);
  const expected = { ...RESPONSE, code: 'invalid_response' };
  // Of all redirects the one that keeps method and body.
  const redirect = { status: 307, headers: { location: `${elsewhere.url}/oauth2/v1/token` } };
  okta.respondNext(redirect, PASSWORD_STEP);
  assertError(app, await sendPassword(browser, user), expected);

  await passPassword(browser, user);
  app.actions.length = 0;
  okta.respondNext(redirect, OTP_STEP);
  assertError(app, await sendOtp(browser, okta.otp(user)), expected);
  assert.deepEqual(elsewhere.requests, []);
  await finishLogin(browser, okta, user);
});

it('an error tells where in the System Log of Okta it is', async (t) => {
  const { app, browser, user } = await scene(t);
  okta.respondNext(
    {
      status: 400,
      headers: { 'x-okta-request-id': 'reqTheIdOfThisRequest' },
      body: { errorCode: 'E0000999', errorSummary: 'Odd.', errorId: 'oaeTheIdOfThisError' },
    },
    PASSWORD_STEP,
  );
  await sendPassword(browser, user);
  const [error] = app.errors as OktaDirectMfaError[];
  assert.equal(error?.oktaError, 'E0000999');
  assert.equal(error?.oktaErrorId, 'oaeTheIdOfThisError');
  assert.equal(error?.oktaRequestId, 'reqTheIdOfThisRequest');
});

it('what Okta says is withheld whole when it quotes the request, in whatever encoding', async (t) => {
  const { browser, user } = await scene(t, { user: { password: 'correct horse & b\u00e4ttery' } });
  const quote: Responder = ({ form }) => {
    const { password = form['otp'] ?? '', mfa_token = password } = form;
    const quoted = [
      password,
      mfa_token,
      new URLSearchParams({ '': password }).toString().slice(1),
      encodeURIComponent(password),
      password.replaceAll(' ', '\r\n'),
    ];
    return {
      status: 400,
      body: {
        error: 'new_error',
        error_description: `You sent ${quoted.join(' ')}\r\nlog: forged`,
      },
    };
  };
  okta.respondNext(quote, PASSWORD_STEP);
  const first = await sendPassword(browser, user);
  await passPassword(browser, user);
  okta.respondNext(quote, OTP_STEP);
  const second = await sendOtp(browser, okta.otp(user));
  for (const { status, body } of [first, second]) {
    assert.equal(status, 502);
    assert.match(String(body['message']), /new_error: \(its text is withheld/);
    assert.doesNotMatch(String(body['message']), /You sent|forged/);
  }
  // That no secret is in any of it, the whole file asserts at its end.
});
