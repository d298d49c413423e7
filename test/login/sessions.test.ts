import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Request, RequestHandler } from 'express';
import type { Okta } from '../../example/okta/index.js';
import {
  Browser,
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  scene,
  sendOtp,
  sendPassword,
  sessionOf,
  startApp,
  useOkta,
  whoIs,
  type AppOptions,
  type SceneOptions,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started), { rateLimitPerSecond: Infinity });

const CART = 'two tins of tea';

/** Passport's own key, changed as apps with two sorts of users do. */
const prepare: AppOptions['prepare'] = (authenticator) => {
  const { _sm, _strategies } = authenticator as unknown as {
    _sm: { _key: string };
    _strategies: { session: { _key: string } };
  };
  _sm._key = 'staff';
  _strategies.session._key = 'staff';
};

describe("With Alice's session cookie and Mallory's password", () => {
  for (const [what, key, given] of [
    ['', 'passport', {}],
    [', also under another key', 'staff', { prepare }],
    [', also with resave and rolling', 'passport', { session: { resave: true, rolling: true } }],
  ] as [string, string, SceneOptions][]) {
    it(`the new session is nobody's until the login completes${what}`, async (t) => {
      const { app, browser, user: alice } = await scene(t, given);
      await logIn(browser, okta, alice);
      await browser.post('/cart');
      assert.ok(app.store.content(browser.sessionID)?.[key]);
      const [alices, mallory] = [browser.fork(), okta.addUser()];

      await passPassword(browser, mallory);
      assert.equal(await whoIs(browser), undefined);
      assert.equal(app.store.content(browser.sessionID)?.[key], undefined);
      assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
      assert.ok(!app.store.text.includes(alice.id));
      // Her cookie leads nowhere, so that nobody has to sign her out of anything.
      assert.equal(app.store.content(alices.sessionID), undefined);
      assert.equal(await whoIs(alices), undefined);

      assert.equal((await sendOtp(browser, okta.wrongOtp(mallory))).status, 401);
      assert.equal(await whoIs(browser), undefined);
      await finishLogin(browser, okta, mallory);
      assert.ok(!app.store.text.includes(alice.id));
    });
  }

  it('a wrong password leaves her signed in, and her sign-out works', async (t) => {
    const { browser, user: alice } = await scene(t);
    await logIn(browser, okta, alice);
    const answer = await sendPassword(browser, { ...okta.addUser(), password: 'a wrong one' });
    assert.equal(answer.body['code'], 'invalid_credentials');
    assert.equal(await whoIs(browser), alice.id);
    await browser.post('/logout');
    assert.equal(await whoIs(browser), undefined);
  });

  it('cancel() does not make the new session hers again', async (t) => {
    const { app, browser, user: alice } = await scene(t);
    await logIn(browser, okta, alice);
    await passPassword(browser, okta.addUser());
    await browser.post('/cancel');
    assert.equal(await whoIs(browser), undefined);
    assert.ok(!app.store.text.includes(alice.id));
  });
});

describe('What the app set on the cookie comes along at the password step:', () => {
  const NOW = Date.UTC(2031, 0, 1);
  const DAY = 86_400_000;
  const at = (time: number) => new Date(time).toUTCString();
  type Cookie = Request['session']['cookie'];

  /** Sets it on the session of this browser, once, as a sign-in page with "remember me" does. */
  const settingOnce =
    (set: (cookie: Cookie) => void): RequestHandler =>
    (req, _res, next) => {
      if (req.path === '/cart') set(req.session.cookie);
      next();
    };

  for (const [what, set, expected] of [
    ['maxAge', (cookie: Cookie) => (cookie.maxAge = 30 * DAY), `Expires=${at(NOW + 30 * DAY)}`],
    [
      'an absolute expires',
      (cookie: Cookie) => (cookie.expires = new Date(NOW + DAY)),
      `Expires=${at(NOW + DAY)}`,
    ],
    ['domain', (cookie: Cookie) => (cookie.domain = 'example.com'), 'Domain=example.com'],
    ['sameSite', (cookie: Cookie) => (cookie.sameSite = 'strict'), 'SameSite=Strict'],
    ['path', (cookie: Cookie) => (cookie.path = '/login'), 'Path=/login'],
  ] as const) {
    it(what, async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: NOW });
      const withSession = settingOnce(set);
      const { app, browser, user } = await scene(t, { withSession });
      await browser.post('/cart');
      const before = app.store.content(browser.sessionID)?.['cookie'];
      const { headers } = await passPassword(browser, user);
      const [line] = [headers['set-cookie'] ?? []].flat();
      assert.ok(line?.split('; ').includes(expected), line);
      assert.deepEqual(app.store.content(browser.sessionID)?.['cookie'], before);
    });
  }

  it('and not where a sign-out has ended the session meanwhile', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const withSession = settingOnce((cookie) => (cookie.maxAge = 30 * DAY));
    const { app, browser, user } = await scene(t, { withSession });
    await browser.post('/cart');
    okta.respondNext(async (_request, proceed) => {
      app.store.destroy(browser.sessionID ?? '');
      return proceed();
    });
    const { headers } = await passPassword(browser, user);
    assert.doesNotMatch(String(headers['set-cookie']), /Expires/);
  });
});

describe('passport.authorize()', () => {
  /** An app that links, and one that signs in, on one session. */
  async function start(t: TestContext, given: Partial<AppOptions> = {}) {
    const strategyOptions = optionsFor(okta);
    const signIn = await startApp(t, { ...given, strategyOptions });
    const app = await startApp(t, {
      ...given,
      strategyOptions,
      style: 'authorize',
      store: signIn.store,
    });
    return { app, signIn };
  }

  for (const given of [{}, { prepare }]) {
    it(`keeps the session of whoever is signed in, id and all, and links${given.prepare ? ', also under another key' : ''}`, async (t) => {
      const { app, signIn } = await start(t, given);
      const [alice, linked] = [okta.addUser(), okta.addUser()];
      const first = new Browser(signIn.url);
      await logIn(first, okta, alice);
      await first.post('/cart');

      const browser = new Browser(app.url, first.cookies);
      const { sessionID } = browser;
      assert.equal((await sendPassword(browser, linked)).status, 403);
      assert.equal(browser.sessionID, sessionID);
      assert.equal(await whoIs(browser), alice.id);
      assert.equal((await sendOtp(browser, okta.wrongOtp(linked))).status, 401);
      const { status, body } = await sendOtp(browser, okta.otp(linked));
      const account = { id: linked.id, username: linked.username };
      assert.deepEqual([status, body['account']], [200, account]);
      assert.equal((body['user'] as { id: string }).id, alice.id);
      assert.equal(browser.sessionID, sessionID);
      assert.equal(await whoIs(browser), alice.id);
      assert.equal(app.store.content(sessionID)?.['cart'], CART);
      assert.equal(app.store.waiting(sessionID), undefined);
    });
  }

  it('renews the session of somebody who is not signed in', async (t) => {
    const { app } = await start(t);
    const [browser, user] = [new Browser(app.url), okta.addUser()];
    await browser.post('/cart');
    const { sessionID } = browser;
    assert.equal((await sendPassword(browser, user)).status, 403);
    assert.notEqual(browser.sessionID, sessionID);
    assert.equal(app.store.content(sessionID), undefined);
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 200);
    assert.equal(await whoIs(browser), undefined, 'linking signs nobody in');
  });

  it('keeps what the middleware of the app has put into the session', async (t) => {
    const { app, signIn } = await start(t, {
      withSession(req, _res, next) {
        sessionOf(req)['last'] = req.path;
        next();
      },
    });
    const first = new Browser(signIn.url);
    await logIn(first, okta, okta.addUser());
    const browser = new Browser(app.url, first.cookies);
    await sendPassword(browser, okta.addUser());
    assert.equal(app.store.content(browser.sessionID)?.['last'], '/login');
  });
});
