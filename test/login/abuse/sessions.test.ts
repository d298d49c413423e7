import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import express, { type RequestHandler } from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy } from 'passport-strategy';
import type { Okta, User } from '../../../example/okta/index.js';
import { OktaDirectMfaStrategy } from '../../../lib/index.js';
import { sessionOf, startApp } from '../../support/app.js';
import { Browser } from '../../support/browser.js';
import {
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  whoIs,
} from '../../support/login.js';
import { OTP_STEP, PASSWORD_STEP, useOkta, watchTokenRequests } from '../../support/okta.js';
import { actionCounts } from './support.js';

let okta: Okta;
useOkta((started) => (okta = started));

describe('A session planted in the browser of another', () => {
  it("with the attacker's own waiting login takes the victim's passcode, and logs nobody in", async (t) => {
    const [attacker, victim] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const planted = new Browser(app.url);
    await passPassword(planted, attacker);
    const browser = planted.fork();
    const answer = await sendOtp(browser, okta.otp(victim));
    assert.equal(answer.body['code'], 'invalid_otp');
    assert.equal(await whoIs(browser), undefined);
    assert.equal(await whoIs(planted), undefined);
  });

  it("with the attacker's waiting login gives way to the victim's, and the attacker's id leads nowhere", async (t) => {
    const [attacker, victim] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const planted = new Browser(app.url);
    await passPassword(planted, attacker);
    const browser = planted.fork();
    await passPassword(browser, victim);
    // In between the attacker holds on to the old id.
    const late = await sendOtp(planted, okta.otp(attacker));
    assert.equal(late.body['code'], 'mfa_transaction_missing');
    await finishLogin(browser, okta, victim);
    assert.equal(await whoIs(planted), undefined);
  });

  it('of the attacker who is logged in: the victim becomes themselves under another id', async (t) => {
    const [attacker, victim] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const planted = new Browser(app.url);
    await logIn(planted, okta, attacker);
    const browser = planted.fork();
    await logIn(browser, okta, victim);
    assert.equal(await whoIs(browser), victim.id);
    assert.notEqual(await whoIs(planted), victim.id);
  });

  for (const keepSessionInfo of [true, false]) {
    // Passport's keepSessionInfo means: what was in the session before the login is trusted.
    it(`its content is ${keepSessionInfo ? 'kept' : 'gone'} after the login with keepSessionInfo ${keepSessionInfo}, its id is new either way`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta),
        authenticateOptions: { keepSessionInfo },
      });
      const planted = new Browser(app.url);
      await planted.post('/cart');
      const browser = planted.fork();
      await logIn(browser, okta, user);
      const { cart } = (await browser.get('/me')).body;
      assert.equal(cart, keepSessionInfo ? 'two tins of tea' : null);
      assert.notEqual(browser.sessionID, planted.sessionID);
      assert.equal(await whoIs(planted), undefined);
    });
  }

  it('a session that names its id or its cookie in the body changes nothing', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const [thief, browser] = [new Browser(app.url), new Browser(app.url)];
    await passPassword(browser, user);
    const sid = browser.sessionID ?? '';
    const answer = await thief.post(`/login?sid=${sid}&connect.sid=${sid}`, {
      json: { otp: okta.otp(user), sessionID: sid, session: sid, 'connect.sid': sid },
      headers: { 'x-session-id': sid },
    });
    assert.equal(answer.body['code'], 'mfa_transaction_missing');
  });

  it('an unsigned cookie, or one signed with another secret, is no session', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const sid = browser.sessionID ?? '';
    for (const cookie of [sid, `s:${sid}`, `s:${sid}.`, `s:${sid}.${'A'.repeat(43)}`]) {
      const thief = new Browser(app.url, [['connect.sid', encodeURIComponent(cookie)]]);
      const answer = await sendOtp(thief, okta.otp(user));
      assert.equal(answer.body['code'], 'mfa_transaction_missing', cookie);
    }
  });
});

describe('Two people in one browser', () => {
  it('the second password replaces the first, and the first passcode logs in neither', async (t) => {
    const [first, second] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, first);
    await passPassword(browser, second);
    assert.equal((await sendOtp(browser, okta.otp(first))).body['code'], 'invalid_otp');
    assert.equal(await whoIs(browser), undefined);
    await finishLogin(browser, okta, second);
  });

  it('in two tabs at once: whoever answers last waits, and only their passcode counts', async (t) => {
    const [first, second] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await browser.post('/cart');
    await Promise.all([sendPassword(browser, first), sendPassword(browser, second)]);
    const username = app.store.waiting(browser.sessionID)?.username;
    const [owner, other] = username === first.username ? [first, second] : [second, first];
    assert.equal((await sendOtp(browser, okta.otp(other))).body['code'], 'invalid_otp');
    await finishLogin(browser, okta, owner);
  });

  it('a failed password of the second ends what waited for the first', async (t) => {
    const [first, second] = [okta.addUser(), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, first);
    await sendPassword(browser, { ...second, password: 'Quite-Wrong-99' });
    const answer = await sendOtp(browser, okta.otp(first));
    assert.equal(answer.body['code'], 'mfa_transaction_missing');
  });
});

describe('On one instance, handed to passport.authenticate() itself,', () => {
  it('forty requests at once with every kind of outcome get each their own', async (t) => {
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { mfaRedirect: '/login/otp', maxOtpAttempts: 1 }),
      byInstance: true,
      verify: ({ profile }, done) =>
        profile.username?.startsWith('closed')
          ? done(null, false, { message: 'closed' })
          : done(null, { id: profile.id }),
    });
    type Expected = (browser: Browser) => Promise<[unknown, unknown]>;
    const after = async (user: User, otp: () => string): Promise<Expected> => {
      const waiting = new Browser(app.url);
      assert.equal((await sendPassword(waiting, user)).location, '/login/otp');
      return async () => {
        const { status, body } = await sendOtp(waiting, otp());
        return [status, (body['user'] as { id?: string })?.id ?? body['code'] ?? body['message']];
      };
    };
    const cases: { act: Expected; expected: [unknown, unknown] }[] = [];
    for (let round = 0; round < 8; round++) {
      const right = okta.addUser();
      const wrong = okta.addUser();
      const closed = okta.addUser({ username: `closed-${round}@example.com` });
      const waits = okta.addUser();
      cases.push(
        { act: await after(right, () => okta.otp(right)), expected: [200, right.id] },
        {
          act: await after(wrong, () => okta.wrongOtp(wrong)),
          expected: [401, 'otp_attempts_exceeded'],
        },
        { act: await after(closed, () => okta.otp(closed)), expected: [401, 'closed'] },
        {
          act: async (browser) => {
            const { status, location } = await sendPassword(browser, waits);
            return [status, location];
          },
          expected: [302, '/login/otp'],
        },
        {
          act: async (browser) => {
            const { status, body } = await sendOtp(browser, '123456');
            return [status, body['code']];
          },
          expected: [401, 'mfa_transaction_missing'],
        },
      );
    }
    const got = await Promise.all(cases.map(({ act }) => act(new Browser(app.url))));
    assert.deepEqual(
      got,
      cases.map(({ expected }) => expected),
    );
    assert.ok(actionCounts(app).every((count) => count === 1));
  });
});

/** A strategy that asks for the password alone, as a `local` one does. */
class PasswordOnly extends Strategy {
  name = 'password-only';
  constructor(private readonly user: User) {
    super();
  }
  override authenticate(req: express.Request): void {
    const { username, password } = (req.body ?? {}) as Record<string, unknown>;
    if (username === this.user.username && password === this.user.password) {
      this.success({ id: username, by: this.name });
    } else this.fail('wrong', 401);
  }
}

/** An app that asks one strategy after the other. */
async function startChain(t: TestContext, user: User, chain: string[]): Promise<string> {
  const authenticator = new passport.Passport();
  authenticator.use(
    new OktaDirectMfaStrategy(optionsFor(okta), (_tokens, profile, done) =>
      done(null, { id: profile.id, by: 'okta-direct-mfa' }),
    ),
  );
  authenticator.use(new PasswordOnly(user));
  const app = express();
  app.set('env', 'test'); // keeps Express from printing the error that is asked for
  app.use(express.json());
  app.use(session({ secret: 'for the tests', resave: false, saveUninitialized: false }));
  app.post(
    '/login',
    authenticator.authenticate(chain, { session: false }) as RequestHandler,
    (req, res) => {
      res.json({ user: req.user, waits: 'okta-direct-mfa' in sessionOf(req) });
    },
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('In a chain with another strategy (what the README warns of)', () => {
  const by = (body: Record<string, unknown>) => (body['user'] as { by?: string } | undefined)?.by;

  it('mfa_required is a fail, so the next strategy lets the password alone in', async (t) => {
    const user = okta.addUser();
    const url = await startChain(t, user, ['okta-direct-mfa', 'password-only']);
    const { status, body } = await sendPassword(new Browser(url), user);
    // Not what anybody wants, and nothing that a strategy could prevent: hence the warning.
    assert.deepEqual([status, by(body)], [200, 'password-only']);
  });

  it('alone, the same request lets nobody in', async (t) => {
    const user = okta.addUser();
    const url = await startChain(t, user, ['okta-direct-mfa']);
    assert.equal((await sendPassword(new Browser(url), user)).status, 403);
  });

  it('behind another the password reaches Okta only when that one refuses, and the passcode counts', async (t) => {
    const [user, stranger] = [okta.addUser(), okta.addUser()];
    const url = await startChain(t, stranger, ['password-only', 'okta-direct-mfa']);
    const browser = new Browser(url);
    const posts = watchTokenRequests(okta);
    assert.equal(by((await sendPassword(new Browser(url), stranger)).body), 'password-only');
    assert.equal(posts().length, 0);
    // Passport answers with the status of the first failure, not with the strategy's 403.
    assert.equal((await sendPassword(browser, user)).status, 401);
    assert.equal(by((await sendOtp(browser, okta.otp(user))).body), 'okta-direct-mfa');
  });

  it('an error of Okta is not passed on to the next strategy', async (t) => {
    const user = okta.addUser();
    const url = await startChain(t, user, ['okta-direct-mfa', 'password-only']);
    okta.respondNext({ status: 503 }, PASSWORD_STEP);
    assert.equal((await sendPassword(new Browser(url), user)).status, 502);
  });
});

describe('Steps out of order', () => {
  it('a passcode first, a hundred times, then a login: nothing is left behind', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    const posts = watchTokenRequests(okta);
    for (let count = 0; count < 100; count++) await sendOtp(browser, '123456');
    assert.equal(posts().length, 0);
    assert.equal(Object.keys(app.store.sessions).length, 0, 'sessions for nothing');
    await logIn(browser, okta, user);
  });

  it('both steps sent at once: the passcode comes too early, and the login goes on', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
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

  it('a login in two sessions at once needs two passcodes', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const [one, two] = [new Browser(app.url), new Browser(app.url)];
    await passPassword(one, user);
    await passPassword(two, user);
    const otp = okta.otp(user);
    const answers = await Promise.all([sendOtp(one, otp), sendOtp(two, otp)]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401]);
  });

  it("Okta's yes to a wrong step is none: tokens for a password, mfa_required for a passcode", async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
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
    assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'access_denied');
    assert.equal(app.store.waiting(browser.sessionID), undefined);
    assert.equal(app.logins.length, 0);
  });
});
