import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { Okta } from '../../example/okta/index.js';
import {
  Browser,
  finishLogin,
  logIn,
  optionsFor,
  OTP_STEP,
  passPassword,
  PASSWORD_STEP,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  useOkta,
  watchAllRequests,
  watchTokenRequests,
  whoIs,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started));

describe('Username and mfa_token come from the transaction:', () => {
  it('what the second request says of them is not sent', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    const [other, elsewhere] = [okta.addUser(), new Browser(app.url)];
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
    const { browser: planted } = await sceneAtPasscode(t);
    const victim = okta.addUser();
    const browser = planted.fork();
    const answer = await browser.post('/login', {
      json: { otp: okta.otp(victim), username: victim.username },
    });
    assert.equal(answer.body['code'], 'invalid_otp');
    assert.equal(await whoIs(browser), undefined);
    assert.equal(await whoIs(planted), undefined);
  });
});

describe('A transaction belongs to its issuer and client:', () => {
  for (const [what, server, client] of [
    ['another client', 'org', 'jwt'],
    ['another issuer', 'default', 'native'],
  ] as const) {
    it(`a strategy with the same sessionKey and ${what} does not find it`, async (t) => {
      const method =
        client === 'jwt'
          ? {
              clientAuthentication: 'private_key_jwt' as const,
              privateKey: okta.clients.jwt.privateKeys.ES256,
              keyID: 'demo-es256',
            }
          : {};
      const { app, browser, user } = await sceneAtPasscode(t, {
        other: optionsFor(okta, method, server, okta.clients[client]),
      });
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
    const { browser, user } = await sceneAtPasscode(t, { other: optionsFor(okta) });
    assert.equal((await sendOtp(browser, okta.otp(user), '/login/other')).status, 200);
  });
});

describe('A session planted in the browser of another', () => {
  it("with the attacker's transaction gives way to the victim's, and the attacker's id leads nowhere", async (t) => {
    const { browser: planted, user: attacker } = await sceneAtPasscode(t);
    const victim = okta.addUser();
    const browser = planted.fork();
    await passPassword(browser, victim);
    // In between the attacker holds on to the old id.
    const late = await sendOtp(planted, okta.otp(attacker));
    assert.equal(late.body['code'], 'mfa_transaction_missing');
    await finishLogin(browser, okta, victim);
    assert.equal(await whoIs(planted), undefined);
  });

  it("of the attacker who is logged in: it is nobody's until the passcode, and then the victim has another", async (t) => {
    const { browser: planted, user: attacker } = await scene(t);
    const victim = okta.addUser();
    await logIn(planted, okta, attacker);
    const browser = planted.fork();
    await passPassword(browser, victim);
    assert.equal(await whoIs(browser), undefined);
    await finishLogin(browser, okta, victim);
    assert.notEqual(await whoIs(planted), victim.id);
  });

  it('is not what the body, the query or a header names', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    const sid = browser.sessionID ?? '';
    const answer = await new Browser(app.url).post(`/login?sid=${sid}&connect.sid=${sid}`, {
      json: { otp: okta.otp(user), sessionID: sid, session: sid, 'connect.sid': sid },
      headers: { 'x-session-id': sid },
    });
    assert.equal(answer.body['code'], 'mfa_transaction_missing');
  });

  it('is not what an unsigned cookie names, or one signed with another secret', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    const sid = browser.sessionID ?? '';
    for (const cookie of [sid, `s:${sid}`, `s:${sid}.`, `s:${sid}.${'A'.repeat(43)}`]) {
      const thief = new Browser(app.url, [['connect.sid', encodeURIComponent(cookie)]]);
      const answer = await sendOtp(thief, okta.otp(user));
      assert.equal(answer.body['code'], 'mfa_transaction_missing', cookie);
    }
  });
});

describe('In one browser, with two people or two tabs,', () => {
  it('the password given last is the one that waits, and the passcode of before logs in neither', async (t) => {
    const { browser, user: first } = await sceneAtPasscode(t);
    const second = okta.addUser();
    await passPassword(browser, second);
    assert.equal((await sendOtp(browser, okta.otp(first))).body['code'], 'invalid_otp');
    assert.equal(await whoIs(browser), undefined);
    await finishLogin(browser, okta, second);
  });

  it('of two passwords at once the one answered last waits, and only its passcode counts', async (t) => {
    const { app, browser, user: first } = await scene(t);
    const second = okta.addUser();
    await browser.post('/cart');
    await Promise.all([sendPassword(browser, first), sendPassword(browser, second)]);
    const username = app.store.waiting(browser.sessionID)?.username;
    const [owner, other] = username === first.username ? [first, second] : [second, first];
    assert.equal((await sendOtp(browser, okta.otp(other))).body['code'], 'invalid_otp');
    await finishLogin(browser, okta, owner);
  });

  it('the password anew starts the count of attempts anew', async (t) => {
    const { browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 2 } });
    assert.equal((await sendOtp(browser, okta.wrongOtp(user))).body['attemptsRemaining'], 1);
    await passPassword(browser, user);
    assert.equal((await sendOtp(browser, okta.wrongOtp(user))).body['attemptsRemaining'], 1);
    await finishLogin(browser, okta, user);
  });

  it('the tab with the passcode page is late once the other has logged in', async (t) => {
    const { browser, user } = await scene(t);
    await logIn(browser, okta, user);
    const answer = await sendOtp(browser, okta.otp(user));
    assert.equal(answer.body['code'], 'mfa_transaction_missing');
    assert.equal(await whoIs(browser), user.id);
  });
});

describe('cancel()', () => {
  it('drops the transaction of its own browser: the right passcode comes too late', async (t) => {
    const { app, browser, user } = await scene(t);
    const [other, elsewhere] = [okta.addUser(), new Browser(app.url)];
    await browser.post('/cart');
    await passPassword(browser, user);
    await passPassword(elsewhere, other);
    assert.equal((await browser.post('/cancel')).status, 200);
    assert.equal(app.store.waiting(browser.sessionID), undefined);
    assert.equal(app.store.content(browser.sessionID)?.['cart'], 'two tins of tea');

    const posts = watchTokenRequests(okta);
    assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'mfa_transaction_missing');
    assert.equal(posts().length, 0);
    await logIn(browser, okta, user);
    await finishLogin(elsewhere, okta, other);
  });

  it('does nothing without a transaction, and leaves a person logged in', async (t) => {
    const { browser, user } = await scene(t);
    const reached = watchAllRequests(okta);
    assert.equal((await browser.post('/cancel')).status, 200);
    assert.deepEqual(reached(), []);
    await logIn(browser, okta, user);
    assert.equal((await browser.post('/cancel')).status, 200);
    assert.equal(await whoIs(browser), user.id);
  });
});

describe('What has been used is not good a second time:', () => {
  it('a passcode, for another transaction of the same person, also at once', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    const browsers = [browser, new Browser(app.url)] as const;
    await passPassword(browsers[1], user);
    const otp = okta.otp(user);
    const answers = await Promise.all(browsers.map((each) => sendOtp(each, otp)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401]);
    const late = answers[0]?.status === 401 ? 0 : 1;
    assert.equal(answers[late]?.body['code'], 'invalid_otp');
    assert.equal(await whoIs(browsers[late]), undefined);
    await finishLogin(browsers[late], okta, user);
  });

  it('a whole second step, cookie and body, sent again after the login', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
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
    const { app, browser, user } = await sceneAtPasscode(t);
    const thief = browser.fork();
    const backup = { ...app.store.sessions };
    const otp = okta.otp(user);
    assert.equal((await sendOtp(browser, otp)).status, 200);
    const later = Date.now() + 310_000;
    mock.method(Date, 'now', () => later);
    t.after(() => mock.restoreAll());
    Object.assign(app.store.sessions, backup);
    assert.equal((await sendOtp(thief, otp)).body['code'], 'mfa_transaction_expired');
    assert.equal(app.logins.length, 1);
  });
});

describe('Steps out of order', () => {
  it('a passcode first, a hundred times, then a login: nothing is left behind', async (t) => {
    const { app, browser, user } = await scene(t);
    const posts = watchTokenRequests(okta);
    for (let count = 0; count < 100; count++) {
      const early = await sendOtp(browser, '123456');
      assert.equal(early.body['code'], 'mfa_transaction_missing');
      assert.equal(early.headers['set-cookie'], undefined, 'no session is made for it');
    }
    assert.equal(posts().length, 0);
    assert.equal(Object.keys(app.store.sessions).length, 0, 'sessions for nothing');
    await logIn(browser, okta, user);
  });

  it('both steps sent at once: the passcode comes too early, and the login goes on', async (t) => {
    const { browser, user } = await scene(t);
    await browser.post('/cart');
    const [password, otp] = await Promise.all([
      sendPassword(browser, user),
      sendOtp(browser.fork(), okta.otp(user)),
    ]);
    assert.deepEqual(
      [password.body['code'], otp.body['code']],
      ['mfa_required', 'mfa_transaction_missing'],
    );
    await finishLogin(browser, okta, user);
  });

  it("Okta's yes to a wrong step is no login: tokens for a password, mfa_required for a passcode", async (t) => {
    const { app, browser, user } = await scene(t);
    const { native } = okta.clients;
    const tokens = {
      access_token: 'an-access-token-of-this-test',
      id_token: okta.signIdToken('org', { sub: user.id, aud: native.client_id }),
    };
    okta.respondNext({ body: tokens }, PASSWORD_STEP);
    assert.equal((await sendPassword(browser, user)).body['code'], 'mfa_not_enforced');
    await passPassword(browser, user);
    okta.respondNext(
      { status: 403, body: { error: 'mfa_required', mfa_token: 'another-token-of-this-test' } },
      OTP_STEP,
    );
    assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'mfa_required');
    const { mfaToken } = app.store.waiting(browser.sessionID) ?? {};
    assert.equal(mfaToken, 'another-token-of-this-test', 'the next factor is for the new one');
    assert.equal(app.logins.length, 0);
  });
});
