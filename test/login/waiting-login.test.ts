import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { Okta } from '../../example/okta/index.js';
import { startApp } from '../support/app.js';
import { Browser } from '../support/browser.js';
import {
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  whoIs,
} from '../support/login.js';
import { useOkta, watchAllRequests, watchTokenRequests } from '../support/okta.js';

let okta: Okta;
useOkta((started) => (okta = started));

describe('Username and mfa_token come from the waiting login:', () => {
  it('what the second request says of them is not sent', async (t) => {
    const [user, other] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const [browser, elsewhere] = [new Browser(app.url), new Browser(app.url)];
    await passPassword(browser, user);
    await passPassword(elsewhere, other);
    const own = app.store.waiting(browser.sessionID)?.mfaToken;
    const others = app.store.waiting(elsewhere.sessionID)?.mfaToken ?? '';

    const posts = watchTokenRequests(okta);
    const otp = okta.otp(user);
    const answer = await browser.post('/login', {
      json: { otp, username: other.username, mfa_token: others, mfaToken: others, scope: 'openid' },
    });
    assert.equal(answer.status, 200);
    assert.equal(await whoIs(browser), user.id);
    const [post] = posts();
    assert.equal(post?.form['mfa_token'], own);
    assert.equal(post?.form['username'], undefined);
    assert.equal(post?.form['scope'], 'openid profile');
  });

  it("another person's passcode does not log in, as either of the two", async (t) => {
    const [user, other] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const answer = await browser.post('/login', {
      json: { otp: okta.otp(other), username: other.username },
    });
    assert.equal(answer.body['code'], 'invalid_otp');
    assert.equal(await whoIs(browser), undefined);
  });
});

describe('A waiting login belongs to its issuer and client:', () => {
  for (const [what, server, client] of [
    ['another client', 'org', 'jwt'],
    ['another issuer', 'default', 'native'],
  ] as const) {
    it(`a strategy with the same sessionKey and ${what} does not find it`, async (t) => {
      const user = okta.addUser();
      const method =
        client === 'jwt'
          ? {
              clientAuthentication: 'private_key_jwt' as const,
              privateKey: okta.clients.jwt.privateKeys.ES256,
              keyID: 'demo-es256',
            }
          : {};
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta),
        other: optionsFor(okta, method, server, okta.clients[client]),
      });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      const waiting = app.store.waiting(browser.sessionID);

      const posts = watchTokenRequests(okta);
      const answer = await sendOtp(browser, okta.otp(user), '/login/other');
      assert.deepEqual([answer.status, answer.body['code']], [401, 'mfa_transaction_missing']);
      assert.equal(posts().length, 0);
      assert.deepEqual(app.store.waiting(browser.sessionID), waiting);
      await finishLogin(browser, okta, user);

      // And the other strategy works, so that it was not for another reason.
      const somebody = okta.addUser();
      await sendPassword(browser, somebody, '/login/other');
      assert.equal((await sendOtp(browser, okta.otp(somebody), '/login/other')).status, 200);
      assert.equal(await whoIs(browser), somebody.id);
    });
  }

  it('a second strategy with the same issuer and client does find it', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta), other: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    assert.equal((await sendOtp(browser, okta.otp(user), '/login/other')).status, 200);
  });
});

describe('In two tabs of one browser', () => {
  it('the password given last is the one that waits, in either tab', async (t) => {
    const [first, second] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, first);
    await passPassword(browser, second);
    assert.equal((await sendOtp(browser, okta.otp(first))).body['code'], 'invalid_otp');
    await finishLogin(browser, okta, second);
  });

  it('the password anew while a login waits starts the count of attempts anew', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { maxOtpAttempts: 2 }) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    assert.equal((await sendOtp(browser, okta.wrongOtp(user))).body['attemptsRemaining'], 1);
    await passPassword(browser, user);
    assert.equal((await sendOtp(browser, okta.wrongOtp(user))).body['attemptsRemaining'], 1);
    await finishLogin(browser, okta, user);
  });

  it('the tab with the passcode page is late once the other has logged in', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await logIn(browser, okta, user);
    const answer = await sendOtp(browser, okta.otp(user));
    assert.equal(answer.body['code'], 'mfa_transaction_missing');
    assert.equal(await whoIs(browser), user.id);
  });

  it('a person who is logged in gives a password and stays who they are until the passcode', async (t) => {
    const [first, second] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await logIn(browser, okta, first);
    await passPassword(browser, second);
    assert.equal(await whoIs(browser), first.id);
    await finishLogin(browser, okta, second);
  });
});

describe('cancel()', () => {
  it('drops the waiting login: the right passcode comes too late', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await browser.post('/cart');
    await passPassword(browser, user);
    assert.equal((await browser.post('/cancel')).status, 200);
    assert.equal(app.store.waiting(browser.sessionID), undefined);
    assert.equal(app.store.content(browser.sessionID)?.['cart'], 'two tins of tea');

    const posts = watchTokenRequests(okta);
    assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'mfa_transaction_missing');
    assert.equal(posts().length, 0);
    await logIn(browser, okta, user);
  });

  it('does nothing without a waiting login, and leaves a person logged in', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    const reached = watchAllRequests(okta);
    assert.equal((await browser.post('/cancel')).status, 200);
    assert.deepEqual(reached(), []);
    await logIn(browser, okta, user);
    assert.equal((await browser.post('/cancel')).status, 200);
    assert.equal(await whoIs(browser), user.id);
  });

  it('drops only the login of its own browser', async (t) => {
    const [first, second] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const [one, two] = [new Browser(app.url), new Browser(app.url)];
    await passPassword(one, first);
    await passPassword(two, second);
    await one.post('/cancel');
    await finishLogin(two, okta, second);
  });
});

describe('What has been used is not good a second time:', () => {
  it('a passcode, for another waiting login of the same person', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const [one, two] = [new Browser(app.url), new Browser(app.url)];
    await passPassword(one, user);
    await passPassword(two, user);
    const otp = okta.otp(user);
    assert.equal((await sendOtp(one, otp)).status, 200);
    assert.equal((await sendOtp(two, otp)).body['code'], 'invalid_otp');
    assert.equal(await whoIs(two), undefined);
    await finishLogin(two, okta, user);
  });

  it('a whole second step, cookie and body, sent again after the login', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const thief = browser.fork();
    const otp = okta.otp(user);
    assert.equal((await sendOtp(browser, otp)).status, 200);

    const posts = watchTokenRequests(okta);
    for (const code of [otp, okta.otp(user)]) {
      const answer = await sendOtp(thief, code);
      assert.equal(answer.body['code'], 'mfa_transaction_missing');
    }
    assert.equal(posts().length, 0);
    assert.equal(await whoIs(thief), undefined);
    assert.equal(app.logins.length, 1);
  });

  it('a whole second step with the session put back as it was, long after the login', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const thief = browser.fork();
    const backup = { ...app.store.sessions };
    const otp = okta.otp(user);
    assert.equal((await sendOtp(browser, otp)).status, 200);
    mock.method(Date, 'now', fixed(Date.now() + 310_000));
    t.after(() => mock.restoreAll());
    Object.assign(app.store.sessions, backup);
    assert.equal((await sendOtp(thief, otp)).body['code'], 'mfa_transaction_expired');
    assert.equal(app.logins.length, 1);
  });
});

function fixed(value: number): () => number {
  return () => value;
}

it('step two first, then one, then two: a passcode before its time spoils nothing', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  const browser = new Browser(app.url);
  const early = await sendOtp(browser, okta.otp(user));
  assert.equal(early.body['code'], 'mfa_transaction_missing');
  assert.equal(early.headers['set-cookie'], undefined, 'no session is made for it');
  await logIn(browser, okta, user);
});

it('an expired login is over for good, also when the clock goes back', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta, { transactionMaxAge: 30 }) });
  const browser = new Browser(app.url);
  await passPassword(browser, user);
  mock.method(Date, 'now', fixed(Date.now() + 31_000));
  t.after(() => mock.restoreAll());
  assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'mfa_transaction_expired');
  mock.restoreAll();
  assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'mfa_transaction_missing');
});

it('a wrong passcode does not prolong the waiting login', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  const browser = new Browser(app.url);
  const { body } = await passPassword(browser, user);
  mock.method(Date, 'now', fixed(Date.now() + 200_000));
  t.after(() => mock.restoreAll());
  await sendOtp(browser, okta.wrongOtp(user));
  assert.equal(app.store.waiting(browser.sessionID)?.expiresAt, body['expiresAt']);
});
