import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Okta, User } from '../../example/okta/index.js';
import {
  Browser,
  CHALLENGE_STEP,
  choose,
  Clock,
  MFA_OOB,
  MFA_OTP,
  OOB_STEP,
  optionsFor,
  poll,
  scene,
  sceneAtChoice,
  sendPassword,
  PASSWORD_STEP,
  sceneAtPush,
  codeOf,
  FACTORS,
  sendOtp,
  startApp,
  useOkta,
  watchTokenRequests,
  WEBAUTHN_STEP,
  whoIs,
  type Answer,
  type Scene,
} from '../support/index.js';

// A number in brackets is that of a case which every server of Direct Authentication meets. Those that
// are not here are beside their factor, in second-factors.test.ts; 29 is secrets.test.ts of the unit tests.
const clock = new Clock();
let okta: Okta;
useOkta((started) => (okta = started), { now: clock.now, rateLimitPerSecond: Infinity });
beforeEach(() => clock.stop());
afterEach(() => clock.reset());

/** The next answer of `/challenge` as Okta gives it, but for these members; `undefined` leaves one out. */
function changeChallenge(members: Record<string, unknown>): void {
  okta.respondNext(async (_request, proceed) => {
    const response = await proceed();
    return { ...response, body: { ...(response.body as object), ...members } };
  }, CHALLENGE_STEP);
}

const oauthError = (status: number, error: string, error_description = 'Something.') => ({
  status,
  body: { error, error_description },
});

async function assertLoggedIn(answer: Answer, { browser, user }: Scene): Promise<void> {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(await whoIs(browser), user.id);
}

describe('interval [1]', () => {
  for (const [given, taken] of [
    [undefined, 5],
    [0, 5],
    [-3, 5],
    ['7', 5],
    [0.5, 1],
    [1e9, 60],
  ] as const) {
    it(`of ${String(given)} is taken as ${taken} s`, async (t) => {
      const set = await sceneAtChoice(t);
      changeChallenge({ interval: given });
      const { body } = await choose(set.browser, 'push');
      assert.equal(body['interval'], taken);
      const posts = watchTokenRequests(okta);
      await poll(set.browser, body['challenge']);
      clock.pass(taken - 0.5);
      await poll(set.browser, body['challenge']);
      assert.equal(posts().length, 1);
      okta.phone(set.user).approve();
      clock.pass(0.5);
      await assertLoggedIn(await poll(set.browser, body['challenge']), set);
    });
  }
});

describe('expires_in [1, 23]', () => {
  for (const given of [undefined, 86_400, -1, '300']) {
    it(`of ${String(given)} is never longer than the login`, async (t) => {
      const { app, browser } = await sceneAtChoice(t, { options: { transactionMaxAge: 120 } });
      changeChallenge({ expires_in: given });
      const { body } = await choose(browser, 'push');
      assert.equal(body['expiresAt'], app.store.waiting(browser.sessionID)?.expiresAt);
      clock.pass(121);
      assert.equal(codeOf(await poll(browser, body['challenge'])), 'mfa_transaction_expired');
    });
  }

  it("counts from Okta [22]'s answer, not from the first poll", async (t) => {
    const { browser } = await sceneAtChoice(t);
    changeChallenge({ expires_in: 20 });
    const { body } = await choose(browser, 'push');
    clock.pass(19);
    assert.equal(codeOf(await poll(browser, body['challenge'])), 'authorization_pending');
    clock.pass(2);
    assert.equal(codeOf(await poll(browser, body['challenge'])), 'challenge_expired');
  });
});

describe('binding_method [2]', () => {
  it('unknown: nothing is waited for, and the login stays', async (t) => {
    const set = await sceneAtChoice(t);
    changeChallenge({ binding_method: 'telepathy' });
    const answer = await choose(set.browser, 'push');
    assert.deepEqual([answer.status, codeOf(answer)], [502, 'invalid_response']);
    assert.equal(set.app.store.waiting(set.browser.sessionID)?.challenge, undefined);
    await assertLoggedIn(await sendOtp(set.browser, okta.otp(set.user)), set);
  });

  for (const binding_code of [undefined, '<b>7</b>']) {
    for (const [requireNumberChallenge, code] of [
      [true, 'number_challenge_required'],
      [false, 'invalid_response'],
    ] as const) {
      it(`transfer with the number ${binding_code}: ${code}, which has rung and counts`, async (t) => {
        const set = await sceneAtChoice(t, { options: { requireNumberChallenge } });
        changeChallenge({ binding_code });
        assert.equal(codeOf(await choose(set.browser, 'push')), code);
        const { challenge, challenges } = set.app.store.waiting(set.browser.sessionID) ?? {};
        assert.deepEqual([challenge, challenges], [undefined, 1]);
        assert.equal(codeOf(await choose(set.browser, 'push')), 'too_many_challenges');
        await assertLoggedIn(await sendOtp(set.browser, okta.otp(set.user)), set);
      });
    }
  }

  it('missing, for a text: a code is expected', async (t) => {
    const set = await sceneAtChoice(t);
    changeChallenge({ binding_method: undefined, interval: undefined });
    assert.equal(codeOf(await choose(set.browser, 'sms')), 'code_sent');
    await assertLoggedIn(await sendOtp(set.browser, okta.phone(set.user).code('sms')), set);
  });

  it('prompt for a push: a code is expected, not polled for', async (t) => {
    const set = await sceneAtChoice(t);
    changeChallenge({ binding_method: 'prompt', binding_code: undefined });
    const { body } = await choose(set.browser, 'push');
    assert.deepEqual([body['code'], body['factor']], ['code_sent', 'push']);
    const posts = watchTokenRequests(okta);
    assert.equal(codeOf(await poll(set.browser, body['challenge'])), 'code_sent');
    assert.equal(posts().length, 0);
  });

  it('transfer with a leading zero, or a number of JSON, is shown as text', async (t) => {
    for (const [given, shown] of [
      ['07', '07'],
      [42, '42'],
    ]) {
      const { browser } = await sceneAtChoice(t);
      changeChallenge({ binding_code: given });
      assert.equal((await choose(browser, 'push')).body['numberChallenge'], shown);
    }
  });
});

it('channel: what Okta has used is what the page says [2]', async (t) => {
  const { browser } = await sceneAtChoice(t);
  changeChallenge({ channel: 'voice' });
  const { body } = await choose(browser, 'sms');
  assert.deepEqual([body['code'], body['factor']], ['code_sent', 'voice']);
});

describe('challenge_type [3]', () => {
  it('of a passcode for a push: the authenticator is asked, by its own grant', async (t) => {
    const set = await sceneAtChoice(t);
    okta.respondNext({ body: { challenge_type: MFA_OTP } }, CHALLENGE_STEP);
    assert.equal(codeOf(await choose(set.browser, 'push')), 'mfa_required');
    const posts = watchTokenRequests(okta);
    await assertLoggedIn(await sendOtp(set.browser, okta.otp(set.user)), set);
    assert.equal(posts()[0]?.form['grant_type'], MFA_OTP);
  });

  it('of a passkey for a push is an error, and the login stays', async (t) => {
    const set = await sceneAtChoice(t);
    okta.respondNext({ body: { publicKey: { challenge: 'eA' } } }, CHALLENGE_STEP);
    const answer = await choose(set.browser, 'push');
    assert.deepEqual([answer.status, codeOf(answer)], [502, 'invalid_response']);
    await assertLoggedIn(await sendOtp(set.browser, okta.otp(set.user)), set);
  });
});

describe('A poll that Okta answers with', () => {
  for (const [name, response, status] of [
    ['an unknown error', oauthError(400, 'teapot_required'), 502],
    ['HTTP 500', { status: 500, body: { error: 'server_error' } }, 502],
    ['HTML', { status: 200, body: '<html>' }, 502],
    ['a connection that is reset', 'reset', 503],
  ] as const) {
    it(`${name} is ${status}, and the page polls on [4]`, async (t) => {
      const set = await sceneAtPush(t);
      okta.phone(set.user).approve();
      okta.respondNext(response, OOB_STEP);
      const posts = watchTokenRequests(okta);
      assert.equal((await poll(set.browser, set.id)).status, status);
      assert.equal(posts().length, 1, 'no POST is repeated');
      clock.pass(5);
      await assertLoggedIn(await poll(set.browser, set.id), set);
    });
  }

  for (const [name, response] of [
    ['slow_down', oauthError(400, 'slow_down')],
    ['429 that says invalid_grant', oauthError(429, 'invalid_grant')],
    ['429 in the other format', { status: 429, body: { errorCode: 'E0000047' } }],
  ] as const) {
    it(`${name} is pending, five seconds slower from then on [5, 6]`, async (t) => {
      const set = await sceneAtPush(t);
      okta.respondNext(response, OOB_STEP);
      const posts = watchTokenRequests(okta);
      const slower = await poll(set.browser, set.id);
      assert.deepEqual([slower.status, codeOf(slower)], [403, 'authorization_pending']);
      assert.equal(slower.body['interval'], 10);
      const waiting = set.app.store.waiting(set.browser.sessionID);
      assert.deepEqual([waiting?.attempts, waiting?.challenge?.interval], [0, 10]);
      clock.pass(9);
      await poll(set.browser, set.id);
      assert.equal(posts().length, 1);
      okta.phone(set.user).approve();
      clock.pass(1);
      await assertLoggedIn(await poll(set.browser, set.id), set);
    });
  }

  it('a yes waits until the keys are there: without them it would be lost [31]', async (t) => {
    const isBusy = { status: 503, body: '' };
    okta.respondNext(isBusy, { endpoint: 'keys' }); // those that the password step fetches ahead
    okta.respondNext(isBusy, { endpoint: 'keys' });
    const set = await sceneAtPush(t, { options: { issuer: okta.issuers.org } });
    okta.phone(set.user).approve();
    const posts = watchTokenRequests(okta);
    const failed = await poll(set.browser, set.id);
    assert.deepEqual([failed.status, codeOf(failed)], [502, 'okta_error'], failed.text);
    assert.equal(posts().length, 0);
    clock.pass(5);
    await assertLoggedIn(await poll(set.browser, set.id), set);
  });

  it('a used oob_code, its yes being lost: expired, and another push helps [8, 15]', async (t) => {
    const set = await sceneAtPush(t, { options: { resendAfter: 1 } });
    okta.phone(set.user).approve();
    const said = 'The `oob_code` has expired. Use a new `oob_code` and try again.';
    okta.respondNext(oauthError(403, 'access_denied', said), OOB_STEP);
    assert.equal(codeOf(await poll(set.browser, set.id)), 'challenge_expired');
    assert.ok(set.app.store.waiting(set.browser.sessionID), 'the login stays');
    clock.pass(1);
    const { body } = await choose(set.browser, 'push');
    okta.phone(set.user).approve();
    await assertLoggedIn(await poll(set.browser, body['challenge']), set);
  });

  it('invalid_scope, the options being others since a deployment: the login is over [26]', async (t) => {
    const { app, browser, id } = await sceneAtPush(t);
    okta.respondNext(oauthError(400, 'invalid_scope'), OOB_STEP);
    assert.equal(codeOf(await poll(browser, id)), 'mfa_transaction_expired');
    assert.equal(app.store.waiting(browser.sessionID), undefined);
  });
});

describe('A wish that Okta answers with', () => {
  for (const [name, response, status, code] of [
    ['HTTP 500 (the gateway of texts)', oauthError(500, 'server_error'), 502, 'okta_error'],
    ['429', oauthError(429, 'invalid_grant'), 429, 'rate_limited'],
    ['nothing that is JSON', { body: 'OK' }, 502, 'invalid_response'],
    ['no oob_code', { body: { challenge_type: MFA_OOB } }, 502, 'invalid_response'],
    ['an endless oob_code', { body: { oob_code: 'x'.repeat(5000) } }, 502, 'invalid_response'],
  ] as const) {
    it(`${name} is ${code}, the code that was out is still good, and so is another factor [5, 28]`, async (t) => {
      const set = await sceneAtChoice(t);
      await choose(set.browser, 'sms');
      okta.respondNext(response, CHALLENGE_STEP);
      const answer = await choose(set.browser, 'email');
      assert.deepEqual([answer.status, codeOf(answer)], [status, code], answer.text);
      assert.equal(codeOf(await choose(set.browser, 'voice')), 'code_sent');
      await assertLoggedIn(await sendOtp(set.browser, okta.phone(set.user).code('voice')), set);
    });
  }

  it('an mfa_token that has expired ends the login [8]', async (t) => {
    const { app, browser } = await sceneAtChoice(t);
    const said = 'The `mfa_token` has expired. Use a new `mfa_token` and try again.';
    okta.respondNext(oauthError(403, 'access_denied', said), CHALLENGE_STEP);
    assert.equal(codeOf(await choose(browser, 'push')), 'mfa_transaction_expired');
    assert.equal(app.store.waiting(browser.sessionID), undefined);
  });

  it('any other access_denied leaves the other factors [10]', async (t) => {
    const set = await sceneAtChoice(t);
    okta.respondNext(oauthError(403, 'access_denied', 'Not for you.'), CHALLENGE_STEP);
    const answer = await choose(set.browser, 'voice');
    assert.equal(codeOf(answer), 'factor_unavailable');
    assert.ok(!(answer.body['factors'] as string[]).includes('voice'));
    await assertLoggedIn(await sendOtp(set.browser, okta.otp(set.user)), set);
  });
});

it('A password is sent without grant_types_supported, and a 403 to it is not a wrong password [32]', async (t) => {
  const { browser, user } = await scene(t, { options: { factors: ['push'] } });
  okta.respondNext(oauthError(403, 'access_denied', 'No factor is left.'), PASSWORD_STEP);
  const posts = watchTokenRequests(okta);
  const answer = await sendPassword(browser, user);
  assert.deepEqual([answer.status, codeOf(answer)], [403, 'access_denied']);
  assert.deepEqual(
    posts().map(({ form }) => form['grant_types_supported']),
    [undefined],
  );
});

it('pending() after a reload has the same number and time, and sends no second push [18]', async (t) => {
  const factors: User['factors'] = { push: { numberChallenge: true } };
  const user = okta.addUser({ factors });
  const app = await startApp(t, {
    strategyOptions: optionsFor(okta, { factors: FACTORS }),
    withSession: (req, res, next) => {
      if (req.path !== '/pending') return next();
      app.strategy.pending(req).then((found) => res.json(found ?? {}), next);
    },
  });
  const browser = new Browser(app.url);
  const { username, password } = user;
  await browser.post('/login', { json: { username, password } });
  assert.deepEqual((await browser.get('/pending')).body['factors'], FACTORS);
  const { body } = await choose(browser, 'push');
  for (let reloads = 0; reloads < 2; reloads += 1) {
    const pending = (await browser.get('/pending')).body;
    const { id, numberChallenge, expiresAt, interval, ...more } = pending['challenge'] as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      [id, numberChallenge, expiresAt, interval],
      [body['challenge'], body['numberChallenge'], body['expiresAt'], 5],
    );
    assert.deepEqual(Object.keys(more).sort(), ['factor', 'resendAt']);
    clock.pass(10);
  }
  assert.equal(okta.phone(user).pushes().length, 1);
  clock.pass(281);
  assert.deepEqual((await browser.get('/pending')).body, {}, 'nothing waits any longer');
});

it('A process that has restarted goes on: everything is in the session [20]', async (t) => {
  const set = await sceneAtPush(t);
  const strategyOptions = optionsFor(okta, { factors: FACTORS });
  const { url } = await startApp(t, { strategyOptions, store: set.app.store });
  const browser = new Browser(url, set.browser.cookies);
  okta.phone(set.user).approve();
  assert.equal((await poll(browser, set.id)).status, 200);
  assert.equal(await whoIs(browser), set.user.id);
});

it('A poll that is late, the page having slept, is the login or expired, never an error [30]', async (t) => {
  const set = await sceneAtPush(t);
  okta.phone(set.user).approve();
  clock.pass(250);
  await assertLoggedIn(await poll(set.browser, set.id), set);
});

it('supported_challenge_types limits what can be chosen', async (t) => {
  const set = await sceneAtChoice(t);
  okta.respondNext(
    async (_request, proceed) => {
      const response = await proceed();
      const body = { ...(response.body as object), supported_challenge_types: [MFA_OTP] };
      return { ...response, body };
    },
    { endpoint: 'token', grantType: 'password' },
  );
  const { username, password } = set.user;
  const { body } = await set.browser.post('/login', { json: { username, password } });
  assert.deepEqual(body['factors'], ['otp']);
  assert.equal(codeOf(await choose(set.browser, 'push')), 'factor_unavailable');
});

describe('An assertion [25]', () => {
  it('with padding, the standard alphabet and an empty userHandle is cleaned for Okta', async (t) => {
    const set = await sceneAtChoice(t);
    const passkey = okta.createPasskey(set.user);
    const { body } = await choose(set.browser, 'webauthn');
    const publicKey = body['publicKey'] as { challenge: string };
    const { response } = passkey.answer(publicKey, { origin: 'http://localhost' });
    const standard = (text: string) => Buffer.from(text, 'base64url').toString('base64');
    const { clientDataJSON, authenticatorData, signature } = response;
    const assertion = {
      response: {
        clientDataJSON: standard(clientDataJSON),
        authenticatorData: standard(authenticatorData),
        signature: standard(signature),
        userHandle: '',
      },
    };
    const posts = watchTokenRequests(okta);
    await assertLoggedIn(await set.browser.post('/login', { json: { assertion } }), set);
    const { form } = posts()[0]!;
    assert.deepEqual(
      [form['signature'], form['clientDataJSON'], form['userHandle']],
      [signature, clientDataJSON, undefined],
    );
  });

  it('that cannot be one is missing_credentials', async (t) => {
    const { app, browser } = await sceneAtChoice(t);
    await choose(browser, 'webauthn').catch(() => undefined);
    const before = app.store.content(browser.sessionID);
    const good = { clientDataJSON: 'eA', authenticatorData: 'eA', signature: 'eA' };
    for (const assertion of [
      '',
      '{',
      'null',
      {},
      { response: null },
      { response: { ...good, signature: '' } },
      { response: { ...good, signature: ['eA'] } },
      { response: { ...good, signature: 'not base64!' } },
      { response: { ...good, userHandle: 7 } },
      { response: { ...good, authenticatorData: 'x'.repeat(20_000) } },
    ]) {
      const { status, body } = await browser.post('/login', { json: { assertion } });
      const { code, field } = body;
      assert.deepEqual([status, code, field], [400, 'missing_credentials', 'assertion']);
    }
    assert.deepEqual(app.store.content(browser.sessionID), before);
  });

  it("is never repeated, and after a reset the passkey's challenge still counts as out", async (t) => {
    const set = await sceneAtChoice(t);
    const passkey = okta.createPasskey(set.user);
    const { body } = await choose(set.browser, 'webauthn');
    const publicKey = body['publicKey'] as { challenge: string };
    const assertion = passkey.answer(publicKey, { origin: 'http://localhost' });
    okta.respondNext('reset', WEBAUTHN_STEP);
    const posts = watchTokenRequests(okta);
    assert.equal((await set.browser.post('/login', { json: { assertion } })).status, 503);
    assert.equal(posts().length, 1);
    await assertLoggedIn(await set.browser.post('/login', { json: { assertion } }), set);
  });
});
