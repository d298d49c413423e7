import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { IncomingMessage } from 'node:http';
import type { Okta, User } from '../../example/okta/index.js';
import type { Transaction, TransactionStore } from '../../lib/index.js';
import {
  Browser,
  finishLogin,
  gate,
  hold,
  logIn,
  optionsFor,
  OTP_STEP,
  PASSWORD_STEP,
  passPassword,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  sessionOf,
  soon,
  startApp,
  strategyOfAnotherProcess,
  useOkta,
  whoIs,
  type Answer,
  type App,
  type Gate,
  type Scene,
  type SceneOptions,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started), { rateLimitPerSecond: Infinity });

const KEY = 'okta-direct-mfa';
const CART = 'two tins of tea';
const AnotherStrategy = strategyOfAnotherProcess();

/** What ends a transaction, in another request of the same browser, while one is under way. */
interface End {
  by: (browser: Browser, app: App) => Promise<unknown>;
  /** The session under the old id is gone with it. */
  session: 'gone' | 'stays';
  /** Another one waits afterwards. */
  replaces?: true;
}

const post = async (browser: Browser, path: string) => {
  const { status, text } = await browser.post(path);
  assert.equal(status, 200, text);
};

const ENDS: Record<string, End> = {
  'req.logout()': { by: (browser) => post(browser, '/logout'), session: 'gone' },
  'session.destroy()': { by: (browser) => post(browser, '/destroy'), session: 'gone' },
  'cancel()': { by: (browser) => post(browser, '/cancel'), session: 'stays' },
  "another person's password": {
    by: (browser) => sendPassword(browser, okta.addUser()),
    session: 'gone',
    replaces: true,
  },
  'expiry in the store': {
    by: async ({ sessionID = '' }, { store }) => Reflect.deleteProperty(store.sessions, sessionID),
    session: 'gone',
  },
};

/** Where the request under way is by then. */
interface Moment {
  /** Sends it, and resolves when it is there. */
  reach: (scene: Scene, verify: Verify) => Promise<{ answer: Promise<Answer>; goOn: () => void }>;
}

/** A verify function that is slow. */
interface Verify {
  running: Gate;
  decided: Gate;
}

const MOMENTS: Record<string, Moment> = {
  'a right passcode is at Okta': { reach: (scene) => atOkta(scene, okta.otp(scene.user)) },
  'a wrong passcode is at Okta': { reach: (scene) => atOkta(scene, okta.wrongOtp(scene.user)) },
  'verify is running': {
    async reach({ browser, user }, { running, decided }) {
      const answer = sendOtp(browser, okta.otp(user));
      await soon('verify', running.opened);
      return { answer, goOn: () => decided.open() };
    },
  },
};

async function atOkta({ browser }: Scene, otp: string) {
  const held = hold(okta, OTP_STEP);
  const answer = sendOtp(browser, otp);
  await held.arrived();
  return { answer, goOn: held.letGo };
}

/** A browser with a cart and a transaction, in an app whose verify function waits at that moment. */
async function sceneOf(t: TestContext, moment: string, given: SceneOptions = {}) {
  const verify = { running: gate(), decided: gate() };
  const set = await sceneAtPasscode(t, {
    ...given,
    async verify({ profile }) {
      verify.running.open();
      if (moment === 'verify is running') await verify.decided.opened;
      return { id: profile.id };
    },
  });
  await set.browser.post('/cart');
  return { ...set, verify };
}

/** What the store holds of carts, people and transactions. */
function kept({ store }: App) {
  const sessions = Object.keys(store.sessions).map((sid) => store.content(sid) ?? {});
  const count = (key: string) => sessions.filter((session) => key in session).length;
  return { carts: count('cart'), people: count('passport'), transactions: count(KEY) };
}

/** The request under way has ended without a login, and nothing of what had ended is there again. */
async function assertOver(
  app: App,
  { session, replaces }: End,
  [late, other, before]: [late: Browser, other: Browser, sid: string | undefined],
): Promise<void> {
  const actions = app.actions.map(({ name, args }) => [name, (args[0] as { code?: string }).code]);
  const [last] = actions.slice(-1);
  assert.deepEqual(last, ['fail', 'mfa_transaction_missing']);
  for (const browser of [late, other]) assert.equal(await whoIs(browser), undefined);
  const carts = session === 'stays' || replaces ? 1 : 0;
  assert.deepEqual(kept(app), { carts, people: 0, transactions: replaces ? 1 : 0 });
  assert.equal(app.store.content(before) !== undefined, session === 'stays');
}

const VARIANTS: Record<string, SceneOptions> = {
  'with sessions as usual': {},
  'with a cookie that is kept, sent and saved each time': {
    session: { cookie: { maxAge: 3_600_000 }, resave: true, rolling: true },
  },
  'with sessions for everybody': { session: { saveUninitialized: true, resave: true } },
  'with failureMessage, which writes into the session': {
    style: 'plain',
    authenticateOptions: { failureMessage: true, failureRedirect: '/sign-in' },
  },
  'with keepSessionInfo': { style: 'plain', authenticateOptions: { keepSessionInfo: true } },
};

for (const [variant, given] of Object.entries(VARIANTS)) {
  describe(`Nothing comes back ${variant}:`, () => {
    for (const [what, end] of Object.entries(ENDS)) {
      for (const [moment, { reach }] of Object.entries(MOMENTS)) {
        it(`${what} while ${moment}`, async (t) => {
          const { verify, ...set } = await sceneOf(t, moment, given);
          const { app, browser, user } = set;
          const [other, before] = [browser.fork(), browser.sessionID];
          const { answer, goOn } = await reach(set, verify);
          await end.by(other, app);
          goOn();
          const { status, location } = await soon('the answer', answer);
          assert.ok(status === 401 || location === '/sign-in', String(status));
          await assertOver(app, end, [browser, other, before]);
          await sendPassword(browser, user);
          await finishLogin(browser, okta, user);
        });
      }
    }
  });
}

describe('Nothing comes back between two processes with one session store:', () => {
  for (const [what, end] of Object.entries(ENDS)) {
    for (const [moment, { reach }] of Object.entries(MOMENTS)) {
      it(`${what} in the one while, in the other, ${moment}`, async (t) => {
        const { verify, ...set } = await sceneOf(t, moment);
        const { app, browser } = set;
        const there = await startApp(t, {
          strategyOptions: optionsFor(okta),
          store: app.store,
          Strategy: AnotherStrategy,
        });
        const [other, before] = [new Browser(there.url, browser.cookies), browser.sessionID];
        const { answer, goOn } = await reach(set, verify);
        await end.by(other, there);
        goOn();
        assert.equal((await soon('the answer', answer)).status, 401);
        await assertOver(app, end, [browser, other, before]);
        const somebody = okta.addUser();
        await logIn(other, okta, somebody);
      });
    }
  }
});

describe('While a password is at Okta,', () => {
  for (const [what, end] of Object.entries(ENDS)) {
    for (const right of [true, false]) {
      it(`${what}: a ${right ? 'right' : 'wrong'} one brings nothing of the old session back`, async (t) => {
        const { app, browser } = await sceneAtPasscode(t, {
          session: { cookie: { maxAge: 3_600_000 }, resave: true, rolling: true },
        });
        await browser.post('/cart');
        const [other, before] = [browser.fork(), browser.sessionID];
        const old = app.store.waiting(before)?.id;
        const second = okta.addUser();
        const held = hold(okta, PASSWORD_STEP);
        const password = right ? second.password : 'a wrong one';
        const answer = sendPassword(browser, { ...second, password });
        await held.arrived();
        await end.by(other, app);
        held.letGo();
        const { body } = await soon('the answer', answer);
        assert.equal(body['code'], right ? 'mfa_required' : 'invalid_credentials');
        for (const each of [browser, other]) assert.equal(await whoIs(each), undefined);
        const carts = end.session === 'stays' || end.replaces ? 1 : 0;
        const transactions = (right ? 1 : 0) + (end.replaces ? 1 : 0);
        assert.deepEqual(kept(app), { carts, people: 0, transactions });
        assert.ok(!app.store.text.includes(String(old)), 'the transaction of before');
        if (end.session === 'gone') assert.equal(app.store.content(before), undefined);
        if (right) await finishLogin(browser, okta, second);
      });
    }
  }

  it('and enough for a login: a transaction cancelled while verify is running stops it', async (t) => {
    const options = { requireMfa: false };
    const { verify, app, browser, user } = await sceneOf(t, 'verify is running', { options });
    const id_token = okta.signIdToken('org', { sub: user.id, aud: okta.clients.native.client_id });
    okta.respondNext({ body: { access_token: 'a-token-of-this-test', id_token } }, PASSWORD_STEP);
    const [other, before] = [browser.fork(), browser.sessionID];
    const answer = sendPassword(browser, user);
    await soon('verify', verify.running.opened);
    await post(other, '/cancel');
    verify.decided.open();
    assert.equal((await answer).body['code'], 'mfa_transaction_missing');
    await assertOver(app, { ...ENDS['cancel()']! }, [browser, other, before]);
  });
});

describe('While verify is running for a login by the password alone, with keepSessionInfo,', () => {
  for (const what of ['req.logout()', 'session.destroy()', 'expiry in the store']) {
    it(`${what}: the new session has nothing of the old one`, async (t) => {
      const [running, decided] = [gate(), gate()];
      const { app, browser, user } = await scene(t, {
        style: 'plain',
        authenticateOptions: { keepSessionInfo: true },
        options: { requireMfa: false },
        async verify({ profile }) {
          running.open();
          await decided.opened;
          return { id: profile.id };
        },
      });
      await browser.post('/cart');
      const [other, before] = [browser.fork(), browser.sessionID];
      const claims = { sub: user.id, aud: okta.clients.native.client_id };
      const id_token = okta.signIdToken('org', claims);
      okta.respondNext({ body: { access_token: 'a-token-of-this-test', id_token } }, PASSWORD_STEP);
      const answer = sendPassword(browser, user);
      await soon('verify', running.opened);
      await ENDS[what]!.by(other, app);
      decided.open();
      assert.equal((await answer).status, 200);
      assert.deepEqual(kept(app), { carts: 0, people: 1, transactions: 0 });
      assert.equal(app.store.content(before), undefined);
    });
  }
});

describe('Nothing comes back of somebody who is signed in and links an account:', () => {
  for (const what of ['req.logout()', 'session.destroy()', 'expiry in the store']) {
    for (const [moment, { reach }] of Object.entries(MOMENTS)) {
      it(`${what} while ${moment}`, async (t) => {
        const verify = { running: gate(), decided: gate() };
        const app = await startApp(t, {
          strategyOptions: optionsFor(okta),
          style: 'authorize',
          session: { cookie: { maxAge: 3_600_000 }, resave: true, rolling: true },
          async verify({ profile }) {
            verify.running.open();
            if (moment === 'verify is running') await verify.decided.opened;
            return { id: profile.id };
          },
        });
        const signIn = await startApp(t, { strategyOptions: optionsFor(okta), store: app.store });
        const [alice, user] = [okta.addUser(), okta.addUser()];
        const before = new Browser(signIn.url);
        await logIn(before, okta, alice);
        const browser = new Browser(app.url, before.cookies);
        await sendPassword(browser, user);
        assert.equal(await whoIs(browser), alice.id, 'whoever links stays signed in');
        const [other, sid] = [browser.fork(), browser.sessionID];
        const { answer, goOn } = await reach({ app, browser, user }, verify);
        await ENDS[what]!.by(other, app);
        goOn();
        assert.equal((await soon('the answer', answer)).status, 401);
        assert.equal(app.passed.length, 0);
        for (const each of [browser, other]) assert.equal(await whoIs(each), undefined);
        assert.equal(app.store.content(sid), undefined);
        assert.deepEqual(kept(app), { carts: 0, people: 0, transactions: 0 });
      });
    }
  }
});

/** An app's own store, by a cookie of its own; each method answers for what it is asked. */
class DeviceStore implements TransactionStore {
  readonly kept = new Map<string, Transaction>();
  /** Runs before each write. */
  before: (method: 'update' | 'remove', device: string) => unknown = () => undefined;

  read = async (req: IncomingMessage) => this.kept.get(deviceOf(req));
  create = async (req: IncomingMessage, transaction: Transaction) =>
    void this.kept.set(deviceOf(req), transaction);
  update = async (req: IncomingMessage, transaction: Transaction) => {
    this.before('update', deviceOf(req));
    if (this.kept.get(deviceOf(req))?.id !== transaction.id) return false;
    this.kept.set(deviceOf(req), transaction);
    return true;
  };
  remove = async (req: IncomingMessage, id: string) => {
    this.before('remove', deviceOf(req));
    if (this.kept.get(deviceOf(req))?.id !== id) return false;
    return this.kept.delete(deviceOf(req));
  };
}

const deviceOf = (req: IncomingMessage) => /device=(\w+)/.exec(req.headers.cookie ?? '')?.[1] ?? '';

describe("Nothing comes back from a store of the app's own:", () => {
  const ends: Record<string, (browser: Browser, store: DeviceStore, app: App) => Promise<unknown>> =
    {
      'cancel()': (browser) => post(browser, '/cancel'),
      "another person's password": (browser) => passPassword(browser, okta.addUser()),
      'expiry in the store': async (_browser, { kept }) => kept.clear(),
    };

  async function startTwo(t: TestContext, moment: string, store: DeviceStore) {
    const verify = { running: gate(), decided: gate() };
    const strategyOptions = optionsFor(okta, { store });
    const app = await startApp(t, {
      strategyOptions,
      async verify({ profile }) {
        verify.running.open();
        if (moment === 'verify is running') await verify.decided.opened;
        return { id: profile.id };
      },
    });
    const there = await startApp(t, {
      strategyOptions,
      store: app.store,
      Strategy: AnotherStrategy,
    });
    const user = okta.addUser();
    const browser = new Browser(app.url, [['device', 'mine']]);
    await passPassword(browser, user);
    return { app, there, browser, user, verify };
  }

  for (const processes of [1, 2]) {
    for (const [what, end] of Object.entries(ends)) {
      for (const [moment, { reach }] of Object.entries(MOMENTS)) {
        it(`${what} while ${moment}, in ${processes === 1 ? 'one process' : 'two processes'}`, async (t) => {
          const store = new DeviceStore();
          const { app, there, browser, user, verify } = await startTwo(t, moment, store);
          const { url } = processes === 1 ? app : there;
          const other = new Browser(url, browser.cookies);
          const { answer, goOn } = await reach({ app, browser, user }, verify);
          await end(other, store, app);
          const after = [...store.kept];
          goOn();
          assert.equal((await soon('the answer', answer)).body['code'], 'mfa_transaction_missing');
          assert.deepEqual([...store.kept], after);
          for (const each of [browser, other]) assert.equal(await whoIs(each), undefined);
          await passPassword(browser, user);
          assert.equal((await sendOtp(browser, okta.otp(user))).status, 200);
        });
      }
    }
  }

  for (const [method, otpOf] of [
    ['update', (user: User) => okta.wrongOtp(user)],
    ['remove', (user: User) => okta.otp(user)],
  ] as const) {
    it(`what it says of ${method}() counts, where the end comes after the last read`, async (t) => {
      const store = new DeviceStore();
      const { browser, user } = await startTwo(t, '', store);
      store.before = (called) => {
        if (called === method) store.kept.clear();
      };
      const { body } = await sendOtp(browser, otpOf(user));
      assert.equal(body['code'], 'mfa_transaction_missing');
      assert.equal(store.kept.size, 0);
      assert.equal(await whoIs(browser), undefined);
    });
  }
});

describe("What the app's middleware has put into the session in the same request", () => {
  /** Counts the requests of a session, and keeps an object in it. */
  const given: SceneOptions = {
    withSession(req, _res, next) {
      const session = sessionOf(req);
      session['count'] = Number(session['count'] ?? 0) + 1;
      session['last'] = { path: req.path, method: req.method };
      next();
    },
  };

  for (const resave of [false, true]) {
    it(`stays there at each step of a login, resave ${resave}`, async (t) => {
      const { app, browser, user } = await sceneAtPasscode(t, { ...given, session: { resave } });
      const seen = () => app.store.content(browser.sessionID) ?? {};
      const last = { path: '/login', method: 'POST' };
      assert.deepEqual([seen()['count'], seen()['last']], [1, last]);
      await sendOtp(browser, okta.wrongOtp(user));
      assert.deepEqual([seen()['count'], seen()['last']], [2, last]);
      await browser.post('/cart');
      assert.equal(seen()['count'], 3);
      await browser.post('/cancel');
      assert.deepEqual([seen()['count'], seen()['cart']], [4, CART]);
      await passPassword(browser, user);
      assert.deepEqual([seen()['count'], seen()['last'], seen()['cart']], [5, last, CART]);
    });
  }

  it('stays there through the login with keepSessionInfo', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t, {
      ...given,
      style: 'plain',
      authenticateOptions: { keepSessionInfo: true },
    });
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 200);
    const { count, passport } = app.store.content(browser.sessionID) ?? {};
    assert.equal(count, 2);
    assert.equal((passport as { user: { id: string } }).user.id, user.id);
    assert.ok(!app.store.text.includes(KEY));
  });
});
