import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Okta } from '../../example/okta/index.js';
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
import { hold, OTP_STEP, PASSWORD_STEP, useOkta, watchTokenRequests } from '../support/okta.js';
import { gate, soon, until } from '../support/promises.js';

let okta: Okta;
useOkta((started) => (okta = started));

const KEY = 'okta-direct-mfa';

const codes = (answers: Answer[]) => answers.map(({ body }) => body['code']);

/** The actions' names, request by request. */
function actionsByRequest({ actions }: App): string[][] {
  return [...new Set(actions.map(({ req }) => req))].map((req) =>
    actions.filter((action) => action.req === req).map(({ name }) => name),
  );
}

for (const byInstance of [true, false]) {
  describe(`With passport.authenticate(${byInstance ? 'instance' : 'name'})`, () => {
    for (const style of ['callback', 'plain'] as const) {
      it(`two logins that overlap in the passcode step are not crossed, style ${style}`, async (t) => {
        const [slow, fast] = [okta.addUser(), okta.addUser()];
        const app = await startApp(t, { strategyOptions: optionsFor(okta), byInstance, style });
        const [one, two] = [new Browser(app.url), new Browser(app.url)];
        await sendPassword(one, slow);
        await sendPassword(two, fast);

        const held = hold(okta, OTP_STEP);
        const first = sendOtp(one, okta.otp(slow));
        await held.arrived();
        await finishLogin(two, okta, fast);
        held.letGo();

        const { status, body } = await first;
        assert.deepEqual([status, body['user']], [200, { id: slow.id, username: slow.username }]);
        assert.equal(await whoIs(one), slow.id);
        assert.equal(await whoIs(two), fast.id);
      });
    }

    it('a wrong passcode that is slow fails its own request, and no other', async (t) => {
      const [slow, fast] = [okta.addUser(), okta.addUser()];
      const app = await startApp(t, { strategyOptions: optionsFor(okta), byInstance });
      const [one, two] = [new Browser(app.url), new Browser(app.url)];
      await passPassword(one, slow);
      await passPassword(two, fast);

      const held = hold(okta, OTP_STEP);
      const first = sendOtp(one, okta.wrongOtp(slow));
      await held.arrived();
      await finishLogin(two, okta, fast);
      held.letGo();
      assert.equal((await first).body['code'], 'invalid_otp');
      assert.equal(await whoIs(one), undefined);
      assert.equal(await whoIs(two), fast.id);
    });

    it('two password steps that overlap leave each browser its own waiting login', async (t) => {
      const [slow, fast] = [okta.addUser(), okta.addUser()];
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta, { mfaRedirect: '/login/otp' }),
        byInstance,
      });
      const [one, two] = [new Browser(app.url), new Browser(app.url)];
      const held = hold(okta, PASSWORD_STEP);
      const first = sendPassword(one, slow);
      await held.arrived();
      assert.equal((await sendPassword(two, fast)).location, '/login/otp');
      held.letGo();
      assert.equal((await first).location, '/login/otp');
      assert.equal(app.store.waiting(one.sessionID)?.username, slow.username);
      assert.equal(app.store.waiting(two.sessionID)?.username, fast.username);
      await finishLogin(one, okta, slow);
      await finishLogin(two, okta, fast);
    });

    it('twenty people log in at once, each as themselves and with one action a request', async (t) => {
      const app = await startApp(t, { strategyOptions: optionsFor(okta), byInstance });
      const users = Array.from({ length: 20 }, () => okta.addUser());
      await Promise.all(users.map((user) => logIn(new Browser(app.url), okta, user)));
      const actions = actionsByRequest(app);
      assert.equal(actions.length, 40);
      assert.ok(actions.every((names) => names.length === 1));
    });
  });
}

describe('In one session', () => {
  for (const resave of [false, true]) {
    it(`of a hundred wrong passcodes at once five reach Okta, resave ${resave}`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta), session: { resave } });
      const browser = new Browser(app.url);
      await passPassword(browser, user);

      const posts = watchTokenRequests(okta);
      const wrong = okta.wrongOtp(user);
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => sendOtp(browser.fork(), wrong)),
      );
      assert.equal(posts().length, 5);
      const count = (code: string) => codes(answers).filter((got) => got === code).length;
      assert.equal(count('invalid_otp'), 4);
      assert.equal(count('otp_attempts_exceeded'), 1);
      assert.equal(count('mfa_transaction_missing'), 95);
      assert.deepEqual(
        answers
          .map(({ body }) => body['attemptsRemaining'])
          .filter((remaining) => remaining !== undefined)
          .sort(),
        [1, 2, 3, 4],
      );

      const right = await sendOtp(browser, okta.otp(user));
      assert.equal(right.body['code'], 'mfa_transaction_missing');
      assert.equal(posts().length, 5);
      assert.equal(app.logins.length, 0);
      assert.equal(app.store.waiting(browser.sessionID), undefined);
    });
  }

  it('the right passcode among wrong ones, after the last attempt, does not log in', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { maxOtpAttempts: 3 }) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);

    const posts = watchTokenRequests(okta);
    const held = hold(okta, OTP_STEP);
    const answers = [sendOtp(browser.fork(), okta.wrongOtp(user))];
    await held.arrived();
    // Each is in line before the next is sent: its session has been read.
    for (const otp of [okta.wrongOtp(user), okta.wrongOtp(user), okta.otp(user)]) {
      answers.push((await inLine(app, browser.fork(), otp)).answer);
    }
    held.letGo();
    assert.deepEqual(codes(await Promise.all(answers)), [
      'invalid_otp',
      'invalid_otp',
      'otp_attempts_exceeded',
      'mfa_transaction_missing',
    ]);
    assert.equal(posts().length, 3);
    assert.equal(await whoIs(browser), undefined);
  });

  it('the right passcode right behind a wrong one logs in', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const held = hold(okta, OTP_STEP);
    const wrong = sendOtp(browser.fork(), okta.wrongOtp(user));
    await held.arrived();
    const right = await inLine(app, browser.fork(), okta.otp(user));
    held.letGo();
    assert.equal((await wrong).body['code'], 'invalid_otp');
    assert.equal((await right.answer).status, 200);
  });

  for (const resave of [false, true]) {
    it(`a wrong passcode right behind the right one does not bring the login back, resave ${resave}`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta), session: { resave } });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      const old = browser.fork();
      const posts = watchTokenRequests(okta);
      const held = hold(okta, OTP_STEP);
      const right = sendOtp(browser, okta.otp(user));
      await held.arrived();
      const wrong = await inLine(app, old, okta.wrongOtp(user));
      held.letGo();
      assert.equal((await right).status, 200);
      assert.equal((await wrong.answer).body['code'], 'mfa_transaction_missing');
      assert.equal(posts().length, 1);
      assert.equal(await whoIs(browser), user.id);
      assert.equal(await whoIs(old), undefined);
      assert.ok(!app.store.text.includes(KEY), app.store.text.replace(/"mfaToken":"[^"]+"/g, '…'));
    });
  }

  for (const resave of [false, true]) {
    it(`a double click on the right passcode ends logged in by either answer, resave ${resave}`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta), session: { resave } });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      const [one, two] = [browser.fork(), browser.fork()];
      const otp = okta.otp(user);

      const posts = watchTokenRequests(okta);
      const held = hold(okta, OTP_STEP);
      const first = sendOtp(one, otp);
      await held.arrived();
      const second = await inLine(app, two, otp);
      held.letGo();
      assert.deepEqual([(await first).status, (await second.answer).status], [200, 200]);
      assert.equal(posts().length, 1, 'the passcode was asked once');
      assert.equal(await whoIs(one), user.id);
      assert.equal(await whoIs(two), user.id);
      assert.ok(!app.store.text.includes(KEY));
      assert.equal(await whoIs(browser), undefined, 'the session before leads nowhere');
    });
  }

  it('the second half of a double click comes while verify is still at work: both log in', async (t) => {
    const user = okta.addUser();
    const verifying = gate();
    const verified = gate();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta),
      async verify({ profile }) {
        verifying.open();
        await verified.opened;
        return { id: profile.id };
      },
    });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const [one, two] = [browser.fork(), browser.fork()];
    const otp = okta.otp(user);
    const posts = watchTokenRequests(okta);
    const first = sendOtp(one, otp);
    await soon('verify', verifying.opened);
    const second = sendOtp(two, otp);
    await until('verify for the second', () => app.logins.length === 2);
    verified.open();
    assert.deepEqual([(await first).status, (await second).status], [200, 200]);
    assert.equal(posts().length, 1);
    assert.equal(await whoIs(one), user.id);
    assert.equal(await whoIs(two), user.id);
  });

  it('a double click on the password leaves a login that waits, whichever answer is kept', async (t) => {
    for (const kept of [0, 1]) {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const browser = new Browser(app.url);
      await browser.post('/cart');
      const browsers = [browser.fork(), browser.fork()] as const;
      const answers = await Promise.all(browsers.map((half) => sendPassword(half, user)));
      assert.deepEqual(codes(answers), ['mfa_required', 'mfa_required']);
      await finishLogin(browsers[kept] as Browser, okta, user);
    }
  });

  it('those behind a rate-limited passcode share its answer, and nobody loses an attempt', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { maxOtpAttempts: 1 }) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const posts = watchTokenRequests(okta);
    const atOkta = gate();
    const letGo = gate();
    okta.respondNext(async () => {
      atOkta.open();
      await letGo.opened;
      return { status: 429, body: { error: 'invalid_grant' } };
    }, OTP_STEP);
    const first = sendOtp(browser.fork(), okta.wrongOtp(user));
    await soon('the passcode at Okta', atOkta.opened);
    const second = await inLine(app, browser.fork(), okta.wrongOtp(user));
    letGo.open();
    assert.deepEqual(codes([await first, await second.answer]), ['rate_limited', 'rate_limited']);
    assert.equal(posts().length, 1);
    await finishLogin(browser, okta, user);
  });

  it('cancel() while Okta checks the passcode: the right one does not log in', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const held = hold(okta, OTP_STEP);
    const answer = sendOtp(browser.fork(), okta.otp(user));
    await held.arrived();
    assert.equal((await browser.post('/cancel')).status, 200);
    held.letGo();
    assert.equal((await answer).body['code'], 'mfa_transaction_missing');
    assert.equal(app.logins.length, 0);
    assert.equal(await whoIs(browser), undefined);
    assert.ok(!app.store.text.includes(KEY));
  });

  it('cancel() while Okta checks a wrong passcode: it is not saved again', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta), session: { resave: true } });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const held = hold(okta, OTP_STEP);
    const answer = sendOtp(browser.fork(), okta.wrongOtp(user));
    await held.arrived();
    await browser.post('/cancel');
    held.letGo();
    assert.equal((await answer).body['code'], 'mfa_transaction_missing');
    assert.ok(!app.store.text.includes(KEY));
  });

  it('the password anew while Okta checks a wrong passcode: only the new login waits', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const old = browser.fork();
    const held = hold(okta, OTP_STEP);
    const answer = sendOtp(old, okta.wrongOtp(user));
    await held.arrived();
    await passPassword(browser, user);
    held.letGo();
    assert.equal((await answer).body['code'], 'mfa_transaction_missing');
    assert.equal(app.store.waiting(old.sessionID), undefined);
    assert.equal(app.store.waiting(browser.sessionID)?.attempts, 0);
    await finishLogin(browser, okta, user);
  });

  it('a passcode whose session was read before cancel() does not log in after it', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const { answer, letGo } = await sendWithOldSession(app, browser, okta.otp(user));
    assert.equal((await browser.post('/cancel')).status, 200);
    letGo();
    assert.equal((await answer).body['code'], 'mfa_transaction_missing');
    assert.equal(app.logins.length, 0);
  });

  it('a wrong passcode whose session was read before others counts after them', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { maxOtpAttempts: 3 }) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const late = await sendWithOldSession(app, browser, okta.wrongOtp(user));
    const later = await sendWithOldSession(app, browser, okta.otp(user));
    await sendOtp(browser, okta.wrongOtp(user));
    await sendOtp(browser, okta.wrongOtp(user));
    const posts = watchTokenRequests(okta);
    late.letGo();
    assert.equal((await late.answer).body['code'], 'otp_attempts_exceeded');
    later.letGo();
    assert.equal((await later.answer).body['code'], 'mfa_transaction_missing');
    assert.equal(posts().length, 1);
  });
});

/** Sends a passcode, and comes back when the strategy has it: from then on it is in line. */
async function inLine(
  app: App,
  browser: Browser,
  otp: string,
): Promise<{ answer: Promise<Answer> }> {
  const already = app.entered.length;
  const answer = sendOtp(browser, otp);
  await until('the request to reach the strategy', () => app.entered.length > already);
  return { answer };
}

/** Sends a passcode whose session is read now, and which goes on only when it is let go. */
async function sendWithOldSession(app: App, browser: Browser, otp: string) {
  const read = gate();
  const goOn = gate();
  app.store.afterGet = () => {
    app.store.afterGet = () => undefined;
    read.open();
    return goOn.opened;
  };
  const answer = sendOtp(browser, otp);
  await soon('the session to be read', read.opened);
  return { answer, letGo: () => goOn.open() };
}
