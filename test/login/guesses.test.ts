import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Okta, RecordedRequest, ScriptedResponse } from '../../example/okta/index.js';
import {
  Browser,
  finishLogin,
  optionsFor,
  OTP_STEP,
  passPassword,
  sceneAtPasscode,
  sendOtp,
  startApp,
  useOkta,
  watchAllRequests,
  watchTokenRequests,
  whoIs,
  type Answer,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started), { rateLimitPerSecond: Infinity });

const codes = (answers: Answer[]) => answers.map(({ body }) => body['code']);
const count = (values: unknown[], wanted: unknown) => values.filter((v) => v === wanted).length;

/** So many wrong passcodes, each different. */
function wrongOtps(length: number, user: Parameters<Okta['otp']>[0]): string[] {
  const accepted = ([-1, 0, 1] as const).map((step) => okta.otp(user, { step }));
  const otps = Array.from({ length: length + 3 }, (_, i) => String(100_000 + 7 * i));
  return otps.filter((otp) => !accepted.includes(otp)).slice(0, length);
}

describe('Two hundred guesses at once reach Okta as often as maxOtpAttempts says,', () => {
  const MAX = 3;
  const options = { maxOtpAttempts: MAX };

  /** Each guess by another of these browsers, which are one and the same with several addresses. */
  async function guess(browsers: Browser[]) {
    const [browser] = browsers;
    const user = okta.addUser();
    await passPassword(browser!, user);
    for (const other of browsers) {
      for (const [name, value] of browser!.cookies) other.cookies.set(name, value);
    }
    const posts = watchTokenRequests(okta);
    const otps = wrongOtps(200, user);
    const answers = await Promise.all(
      otps.map((otp, index) => sendOtp(browsers[index % browsers.length]!.fork(), otp)),
    );
    assert.equal(posts().length, MAX);
    const got = codes(answers);
    assert.equal(count(got, 'invalid_otp'), MAX - 1);
    assert.equal(count(got, 'otp_attempts_exceeded'), 1);
    assert.equal(count(got, 'mfa_transaction_missing'), 200 - MAX);
    const late = await sendOtp(browser!, okta.otp(user));
    assert.equal(late.body['code'], 'mfa_transaction_missing');
    assert.equal(await whoIs(browser!), undefined);
    await passPassword(browser!, user);
    await finishLogin(browser!, okta, user);
  }

  it('with two instances of the strategy on one session', async (t) => {
    const app = await startApp(t, { strategyOptions: optionsFor(okta, options) });
    const strategyOptions = optionsFor(okta, options);
    const second = await startApp(t, { strategyOptions, store: app.store });
    await guess([new Browser(app.url), new Browser(second.url)]);
  });

  it('with an instance for each request, and the keys are fetched once', async (t) => {
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, options),
      strategyPerRequest: true,
    });
    const reached = watchAllRequests(okta);
    await guess([new Browser(app.url)]);
    assert.equal(reached().filter((line) => line.includes('/keys?')).length, 1);
  });

  it('and a double click over two instances is one login', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t, { strategyPerRequest: true });
    const [posts, otp] = [watchTokenRequests(okta), okta.otp(user)];
    const halves = [browser.fork(), browser.fork()];
    const answers = await Promise.all(halves.map((half) => sendOtp(half, otp)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
    assert.deepEqual([posts().length, app.logins.length], [1, 1]);
    for (const half of halves) assert.equal(await whoIs(half), user.id);
  });
});

describe('However often Okta refuses a guess in another way than it says, five reach it:', () => {
  const json = (status: number, body: Record<string, unknown>): ScriptedResponse => ({
    status,
    body,
  });
  const rows: Record<string, ScriptedResponse> = {
    'an unknown error code': json(400, { error: 'never_heard_of' }),
    "an unknown code in Okta's format": json(400, { errorCode: 'E0000999', errorSummary: 'No.' }),
    'another code that is known': json(401, { error: 'invalid_client' }),
    'a server error by its code, not by its status': json(400, { error: 'server_error' }),
    '200 and no tokens': json(200, {}),
    '200 and half of the tokens': json(200, { access_token: 'a-token-of-this-test' }),
    '204 and nothing': { status: 204, body: '' },
    'a redirect': { status: 302, headers: { location: '/elsewhere' }, body: '' },
    'a page that is not found': {
      status: 404,
      headers: { 'content-type': 'text/html' },
      body: '<h1>Not found</h1>',
    },
    '400 and nothing': { status: 400, body: '' },
  };
  for (const [what, response] of Object.entries(rows)) {
    for (const atOnce of [false, true]) {
      it(`${what}, ${atOnce ? 'at once' : 'one after the other'}`, async (t) => {
        const { app, browser, user } = await sceneAtPasscode(t);
        const posts = watchTokenRequests(okta);
        const mfaToken = app.store.waiting(browser.sessionID)?.mfaToken;
        const isOwn = ({ form }: RecordedRequest) => form['mfa_token'] === mfaToken;
        for (let index = 0; index < 30; index++) okta.respondNext(response, isOwn);
        const otps = wrongOtps(30, user);
        if (atOnce) await Promise.all(otps.map((otp) => sendOtp(browser.fork(), otp)));
        else for (const otp of otps) await sendOtp(browser, otp);
        // Those behind one that failed share its answer: at once it may be fewer.
        const reached = posts().length;
        assert.ok(atOnce ? reached <= 5 : reached === 5, String(reached));
        for (let more = reached; more < 5; more++) await sendOtp(browser, okta.wrongOtp(user));
        const last = await sendOtp(browser, okta.otp(user));
        assert.match(
          String(last.body['code']),
          /^(mfa_transaction_missing|otp_attempts_exceeded)$/,
        );
        assert.equal(posts().length, 5);
        assert.equal(app.store.waiting(browser.sessionID), undefined);
        assert.equal(app.logins.length, 0);
      });
    }
  }

  for (const [what, response] of Object.entries<ScriptedResponse | 'reset'>({
    'a 429': json(429, { error: 'invalid_grant' }),
    'a 500': json(500, { error: 'invalid_grant' }),
    'a 503 in HTML': { status: 503, headers: { 'content-type': 'text/html' }, body: '<h1>No</h1>' },
    'a lost connection': 'reset',
  })) {
    it(`${what} is no attempt, however often`, async (t) => {
      const { app, browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 1 } });
      for (let times = 0; times < 20; times++) {
        okta.respondNext(response, OTP_STEP);
        assert.ok((await sendOtp(browser, okta.wrongOtp(user))).status >= 429);
      }
      assert.equal(app.store.waiting(browser.sessionID)?.attempts, 0);
      await finishLogin(browser, okta, user);
    });
  }
});
