import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import session, { type SessionData } from 'express-session';
import type { Request, RequestHandler } from 'express';
import type { Okta, User } from '../../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions } from '../../../lib/index.js';
import { startApp, type App, type AppOptions } from '../../support/app.js';
import { Browser } from '../../support/browser.js';
import { addSecrets } from '../../support/collector.js';
import {
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  whoIs,
} from '../../support/login.js';
import { hold, OTP_STEP, watchAllRequests, watchTokenRequests } from '../../support/okta.js';
import { gate, soon, until } from '../../support/promises.js';
import { useOktaUnderFaults } from './support.js';

let okta: Okta;
useOktaUnderFaults((started) => (okta = started));

const KEY = 'okta-direct-mfa';
const CART = 'two tins of tea';

interface Scene {
  app: App;
  user: User;
  browser: Browser;
  /** From now on: what the strategy and Okta do. */
  watch: () => { actions: () => string[]; posts: () => number };
}

async function scene(
  t: TestContext,
  given: Omit<Partial<AppOptions>, 'strategyOptions'> & {
    strategy?: Partial<OktaDirectMfaStrategyOptions>;
  } = {},
): Promise<Scene> {
  const { strategy, ...options } = given;
  const app = await startApp(t, { ...options, strategyOptions: optionsFor(okta, strategy) });
  const browser = new Browser(app.url);
  const watch = () => {
    const before = app.actions.length;
    const posts = watchTokenRequests(okta);
    return {
      actions: () => app.actions.slice(before).map(({ name }) => name),
      posts: () => posts().length,
    };
  };
  return { app, user: okta.addUser(), browser, watch };
}

type Operation = 'get' | 'set' | 'destroy';

/** The operation waits, says so, and goes on when let go. */
function slow({ store }: App, operation: Operation) {
  const arrived = gate();
  const letGo = gate();
  store.before = (what) => {
    if (what !== operation) return undefined;
    arrived.open();
    return letGo.opened;
  };
  return {
    arrived: () => soon(`a ${operation}`, arrived.opened),
    letGo: () => {
      store.before = () => undefined;
      letGo.open();
    },
  };
}

/** The next so many operations fail, and quote the session, as the errors of Redis clients do. */
function fail({ store }: App, operation: Operation, times = Infinity, after = 0) {
  let count = 0;
  store.before = (what, _sid, data) => {
    if (what !== operation) return;
    count += 1;
    if (count > after && count <= after + times) {
      throw new Error(`MISCONF ${what}: ${JSON.stringify(data)}`);
    }
  };
}

function well({ store }: App): void {
  store.before = () => undefined;
}

/** A whole request of somebody else, for which the store is not needed. */
async function meanwhile({ url }: App): Promise<void> {
  await new Browser(url).get('/me');
}

describe('A slow session store', () => {
  for (const mfaRedirect of [undefined, '/login/otp']) {
    it(`in destroy, at the password step: no ${mfaRedirect ? 'redirect' : 'answer'} before the old session is gone`, async (t) => {
      const { app, user, browser, watch } = await scene(t, {
        style: 'plain',
        strategy: mfaRedirect === undefined ? {} : { mfaRedirect },
      });
      await browser.post('/cart');
      const old = browser.sessionID;
      const seen = watch();
      const destroy = slow(app, 'destroy');
      const sent = sendPassword(browser, user);
      await destroy.arrived();
      await meanwhile(app);
      assert.deepEqual(seen.actions(), []);
      destroy.letGo();
      assert.equal((await soon('the answer', sent)).location, mfaRedirect);
      assert.deepEqual([seen.actions().length, seen.posts()], [1, 1]);
      assert.equal(app.store.content(old), undefined);
      assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
      await finishLogin(browser, okta, user);
    });
  }

  for (const step of ['password', 'passcode'] as const) {
    it(`in get, at the ${step} step: Okta is asked when the session is there`, async (t) => {
      const { app, user, browser, watch } = await scene(t);
      await passPassword(browser, user);
      const seen = watch();
      const get = slow(app, 'get');
      const sent =
        step === 'password' ? sendPassword(browser, user) : sendOtp(browser, okta.otp(user));
      await get.arrived();
      await meanwhile(app);
      assert.deepEqual([seen.actions(), seen.posts()], [[], 0]);
      get.letGo();
      assert.equal((await soon('the answer', sent)).status, step === 'password' ? 403 : 200);
      assert.equal(seen.posts(), 1);
    });
  }

  it('for one browser does not keep another waiting', async (t) => {
    const { app, user, browser } = await scene(t);
    await passPassword(browser, user);
    const sid = browser.sessionID;
    const arrived = gate();
    const letGo = gate();
    app.store.before = (what, id) => {
      if (what !== 'set' || id !== sid) return undefined;
      arrived.open();
      return letGo.opened;
    };
    const wrong = sendOtp(browser, okta.wrongOtp(user));
    await soon('the session to be saved', arrived.opened);
    await logIn(new Browser(app.url), okta, okta.addUser());
    // Nor does the same person in another browser wait.
    await logIn(new Browser(app.url), okta, user);
    letGo.open();
    assert.equal((await wrong).body['code'], 'invalid_otp');
  });

  it('when the browser goes away in the meantime: the login waits all the same', async (t) => {
    const { app, user, browser, watch } = await scene(t);
    await browser.post('/cart');
    const seen = watch();
    const set = slow(app, 'set');
    const leaving = new AbortController();
    const { username, password } = user;
    const sent = browser.post('/login', {
      json: { username, password },
      signal: leaving.signal,
    });
    await set.arrived();
    leaving.abort();
    await assert.rejects(sent, { name: 'AbortError' });
    set.letGo();
    await until('the action', () => seen.actions().length > 0);
    assert.deepEqual([seen.actions(), seen.posts()], [['fail'], 1]);
    await logIn(browser, okta, user);
  });
});

describe('A session store that fails in get', () => {
  for (const step of ['password', 'passcode'] as const) {
    it(`at the ${step} step: express-session's error, and Okta is not asked`, async (t) => {
      const { app, user, browser, watch } = await scene(t);
      await passPassword(browser, user);
      const waiting = app.store.waiting(browser.sessionID);
      const sid = browser.sessionID;
      const seen = watch();
      fail(app, 'get');
      const reached = watchAllRequests(okta);
      const { status } =
        step === 'password'
          ? await sendPassword(browser, user)
          : await sendOtp(browser, okta.otp(user));
      assert.equal(status, 500);
      assert.deepEqual([seen.actions(), reached()], [[], []]);
      well(app);
      assert.equal(browser.sessionID, sid);
      assert.deepEqual(app.store.waiting(sid), waiting);
      await finishLogin(browser, okta, user);
    });
  }
});

describe('A session store that fails at the password step', () => {
  for (const [operation, times] of [
    ['set', 1],
    ['destroy', 1],
    ['destroy', Infinity],
  ] as const) {
    it(`in ${operation}, ${times === 1 ? 'once' : 'and goes on to'}: 500, other keys are kept, an older waiting login is over, and the next login works`, async (t) => {
      const { app, user, browser, watch } = await scene(t);
      await browser.post('/cart');
      await passPassword(browser, user);
      const before = browser.fork();
      const seen = watch();
      fail(app, operation, times);
      const answer = await sendPassword(browser, user);
      assert.deepEqual([answer.status, answer.body['code']], [500, 'transaction_store_failed']);
      assert.deepEqual([seen.actions(), seen.posts()], [['error'], 1]);
      well(app);

      assert.notEqual(browser.sessionID, before.sessionID);
      assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
      assert.equal(app.store.waiting(browser.sessionID), undefined);
      // The cookie of before: the older login may still be in the store, and leads to nothing.
      const again = watch();
      for (const each of [browser.fork(), before]) {
        const late = await sendOtp(each, okta.otp(user));
        assert.deepEqual([late.status, late.body['code']], [401, 'mfa_transaction_missing']);
      }
      assert.equal(again.posts(), 0);
      assert.ok(!app.store.text.includes(KEY));
      await logIn(browser, okta, user);
    });
  }

  it('in set, and goes on to: 500, nothing waits, and the next login works', async (t) => {
    const { app, user, browser, watch } = await scene(t);
    await passPassword(browser, user);
    const seen = watch();
    fail(app, 'set');
    assert.equal((await sendPassword(browser, user)).status, 500);
    assert.deepEqual([seen.actions(), seen.posts()], [['error'], 1]);
    well(app);
    assert.ok(!app.store.text.includes(KEY));
    await logIn(browser, okta, user);
  });

  it('when it drops a login for a wrong password: 500, and the login that waited is over', async (t) => {
    const { app, user, browser, watch } = await scene(t);
    await passPassword(browser, user);
    const seen = watch();
    fail(app, 'set');
    const answer = await sendPassword(browser, {
      ...user,
      password: 'not the password of anybody',
    });
    assert.deepEqual([answer.status, answer.body['code']], [500, 'transaction_store_failed']);
    assert.deepEqual([seen.actions(), seen.posts()], [['error'], 1]);
    well(app);
    // Still in the store, and no longer believed in this process; with that it is removed.
    assert.ok(app.store.waiting(browser.sessionID));
    const late = await sendOtp(browser, okta.otp(user));
    assert.equal(late.body['code'], 'mfa_transaction_missing');
    assert.equal(seen.posts(), 1);
    assert.equal(app.store.waiting(browser.sessionID), undefined);
    await logIn(browser, okta, user);
  });

  for (const [what, thrown] of Object.entries<unknown>({
    'a text': 'READONLY',
    'an object without a message': { reason: 'READONLY' },
    'a number': 7,
  })) {
    it(`with ${what} for an error: a TransactionStoreError all the same`, async (t) => {
      const { app, user, browser } = await scene(t);
      app.store.before = (operation) => {
        // What stores hand to their callback is not always an Error.
        if (operation === 'set') throw thrown;
      };
      const { status, body } = await sendPassword(browser, user);
      assert.deepEqual([status, body['code']], [500, 'transaction_store_failed']);
      well(app);
      await logIn(browser, okta, user);
    });
  }

  it('with an error that quotes the session does not give away what else the session keeps', async (t) => {
    const { app, user, browser } = await scene(t, {
      strategy: { sessionKey: 'first' },
      other: optionsFor(okta, { sessionKey: 'second' }),
    });
    assert.equal((await sendPassword(browser, user, '/login/other')).status, 403);
    const kept = app.store.waiting(browser.sessionID, 'second');
    assert.ok(kept);
    fail(app, 'set', 1);
    const { body } = await sendPassword(browser, user);
    well(app);
    assert.equal(body['code'], 'transaction_store_failed');
    // Not in the message of the assertion either.
    assert.ok(!String(body['message']).includes(kept.mfaToken), 'the other mfa_token is in it');
  });
});

describe('A session store that fails at the passcode step', () => {
  for (const times of [1, Infinity]) {
    it(`when a wrong passcode is counted, ${times === 1 ? 'once' : 'and goes on to'}: 500, counted in this process, and the next login works`, async (t) => {
      const { app, user, browser, watch } = await scene(t);
      await browser.post('/cart');
      await passPassword(browser, user);
      const seen = watch();
      fail(app, 'set', times);
      const answer = await sendOtp(browser, okta.wrongOtp(user));
      assert.deepEqual([answer.status, answer.body['code']], [500, 'transaction_store_failed']);
      assert.deepEqual([seen.actions(), seen.posts()], [['error'], 1]);
      well(app);
      assert.equal(app.store.waiting(browser.sessionID)?.attempts, 0);
      const next = await sendOtp(browser, okta.wrongOtp(user));
      assert.equal(next.body['attemptsRemaining'], 3);
      assert.equal(app.store.waiting(browser.sessionID)?.attempts, 2);
      assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
      await finishLogin(browser, okta, user);
    });
  }

  it('when the last attempt is used up: 500, and the login is over all the same', async (t) => {
    const { app, user, browser, watch } = await scene(t, { strategy: { maxOtpAttempts: 1 } });
    await passPassword(browser, user);
    fail(app, 'set');
    assert.equal((await sendOtp(browser, okta.wrongOtp(user))).status, 500);
    well(app);
    const seen = watch();
    const late = await sendOtp(browser, okta.otp(user));
    assert.equal(late.body['code'], 'mfa_transaction_missing');
    assert.equal(seen.posts(), 0);
    await logIn(browser, okta, user);
  });

  it('when the login is removed before success: 500, nobody is logged in, and the next login works', async (t) => {
    const { app, user, browser, watch } = await scene(t);
    await browser.post('/cart');
    await passPassword(browser, user);
    const seen = watch();
    fail(app, 'set');
    const answer = await sendOtp(browser, okta.otp(user));
    assert.deepEqual([answer.status, answer.body['code']], [500, 'transaction_store_failed']);
    assert.deepEqual([seen.actions(), seen.posts()], [['error'], 1]);
    well(app);
    assert.equal(await whoIs(browser), undefined);
    // Whoever tries another passcode does not get in on the strength of the first.
    const other = await sendOtp(browser, okta.wrongOtp(user));
    assert.deepEqual([other.status, seen.posts()], [401, 1]);
    assert.equal(await whoIs(browser), undefined);
    assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
    await logIn(browser, okta, user);
  });

  it('when the login is removed before success: the same passcode again, at once, logs in', async (t) => {
    const { app, user, browser, watch } = await scene(t);
    await passPassword(browser, user);
    const otp = okta.otp(user);
    const seen = watch();
    fail(app, 'set', 1);
    assert.equal((await sendOtp(browser, otp)).status, 500);
    well(app);
    // Okta's grant is still at hand, as for a double click; Okta would refuse the code.
    assert.equal((await sendOtp(browser, otp)).status, 200);
    assert.deepEqual([seen.actions(), seen.posts()], [['error', 'success'], 1]);
    assert.equal(await whoIs(browser), user.id);
  });

  it('when an expired login is removed: 500, and Okta is not asked', async (t) => {
    const { app, user, browser, watch } = await scene(t, { strategy: { transactionMaxAge: 1 } });
    await passPassword(browser, user);
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 2000 });
    const seen = watch();
    fail(app, 'set');
    const answer = await sendOtp(browser, okta.otp(user));
    assert.equal(answer.body['code'], 'transaction_store_failed');
    assert.deepEqual([seen.actions(), seen.posts()], [['error'], 0]);
    well(app);
    const late = await sendOtp(browser, okta.otp(user));
    assert.equal(late.body['code'], 'mfa_transaction_expired');
    assert.equal(app.store.waiting(browser.sessionID), undefined);
    t.mock.timers.reset();
    await logIn(browser, okta, user);
  });

  it('for those behind, the failure is theirs too: each has one action, and Okta is asked once', async (t) => {
    const { app, user, browser, watch } = await scene(t);
    await passPassword(browser, user);
    const seen = watch();
    const first = hold(okta, OTP_STEP);
    const { length } = app.entered;
    const answers = Array.from({ length: 4 }, () => sendOtp(browser.fork(), okta.wrongOtp(user)));
    await first.arrived();
    await until('all to have come', () => app.entered.length === length + 4);
    fail(app, 'set', 1);
    first.letGo();
    const statuses = (await soon('the answers', Promise.all(answers))).map(({ status }) => status);
    assert.deepEqual(statuses, [500, 500, 500, 500]);
    assert.deepEqual([seen.actions(), seen.posts()], [['error', 'error', 'error', 'error'], 1]);
    well(app);
    await finishLogin(browser, okta, user);
  });
});

/** In `regenerate` itself, where other stores than express-session's own may fail too. */
function regenerating(
  app: () => App,
  regenerate: (callback: (error: unknown) => void, proper: () => void) => void,
): RequestHandler {
  return (_req, _res, next) => {
    const { store } = app();
    const { regenerate: proper } = session.Store.prototype as unknown as Record<
      string,
      (this: unknown, req: Request, callback: (error: unknown) => void) => void
    >;
    store.regenerate = (request: Request, callback: (error: unknown) => void) =>
      regenerate(callback, () => proper?.call(store, request, callback));
    next();
  };
}

describe('A session store whose regenerate', () => {
  for (const [how, broken] of Object.entries<(callback: (error: unknown) => void) => void>({
    'reports an error and leaves the session as it was': (callback) =>
      callback(new Error('regenerate failed')),
    throws: () => {
      throw new Error('regenerate failed');
    },
  })) {
    it(`${how}: 500, the session stays whole, and the next login works`, async (t) => {
      let sick = false;
      const apps: App[] = [];
      const before = regenerating(
        () => apps[0]!,
        (callback, proper) => (sick ? broken(callback) : proper()),
      );
      const { app, user, browser, watch } = await scene(t, { before });
      apps.push(app);
      await browser.post('/cart');
      const sid = browser.sessionID;
      const seen = watch();
      sick = true;
      const answer = await sendPassword(browser, user);
      assert.deepEqual([answer.status, answer.body['code']], [500, 'transaction_store_failed']);
      assert.match(String(answer.body['message']), /regenerate failed/);
      assert.deepEqual([seen.actions(), seen.posts()], [['error'], 1]);
      assert.equal(browser.sessionID, sid);
      assert.equal(app.store.content(sid)?.['cart'], CART);
      assert.ok(!app.store.text.includes(KEY));
      sick = false;
      await logIn(browser, okta, user);
    });
  }
});

describe('A session that is lost', () => {
  const lose = ({ store }: App) => {
    for (const sid of Object.keys(store.sessions)) delete store.sessions[sid];
  };

  it('between the steps: 401 mfa_transaction_missing, Okta is not asked, and the next login works', async (t) => {
    const { app, user, browser, watch } = await scene(t);
    await passPassword(browser, user);
    lose(app);
    const seen = watch();
    const answer = await sendOtp(browser, okta.otp(user));
    assert.deepEqual([answer.status, answer.body['code']], [401, 'mfa_transaction_missing']);
    assert.deepEqual([seen.actions(), seen.posts()], [['fail'], 0]);
    assert.equal(app.store.text, '');
    await logIn(browser, okta, user);
  });

  it('before the password step: it begins a new one', async (t) => {
    const { app, user, browser } = await scene(t);
    await browser.post('/cart');
    lose(app);
    await logIn(browser, okta, user);
  });

  for (const right of [true, false]) {
    it(`while Okta checks a ${right ? 'right' : 'wrong'} passcode: one action, and the next login works`, async (t) => {
      const { app, user, browser, watch } = await scene(t);
      await passPassword(browser, user);
      const seen = watch();
      const asked = hold(okta, OTP_STEP);
      const sent = sendOtp(browser, right ? okta.otp(user) : okta.wrongOtp(user));
      await asked.arrived();
      lose(app);
      asked.letGo();
      const { status } = await soon('the answer', sent);
      assert.equal(status, right ? 200 : 401);
      assert.deepEqual([seen.actions(), seen.posts()], [[right ? 'success' : 'fail'], 1]);
      assert.equal(await whoIs(browser), right ? user.id : undefined);
      await logIn(browser, okta, user);
    });
  }

  it('while Okta checks the password: it waits in a new one', async (t) => {
    const { app, user, browser } = await scene(t);
    await browser.post('/cart');
    const asked = hold(okta, { endpoint: 'token', grantType: 'password' });
    const sent = sendPassword(browser, user);
    await asked.arrived();
    lose(app);
    asked.letGo();
    assert.equal((await soon('the answer', sent)).status, 403);
    assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
    await finishLogin(browser, okta, user);
  });
});

describe("A session store that fails in Passport's own logIn", () => {
  for (const style of ['callback', 'plain'] as const) {
    for (const keepSessionInfo of [false, true]) {
      for (const [operation, after] of [
        ['destroy', 0],
        // The first is the strategy's, which removes the waiting login.
        ['set', 1],
      ] as const) {
        it(`in ${operation}, keepSessionInfo ${keepSessionInfo}, style ${style}: 500, the waiting login is gone and not quoted, and the next login works`, async (t) => {
          const { app, user, browser, watch } = await scene(t, {
            style,
            authenticateOptions: { keepSessionInfo },
          });
          await browser.post('/cart');
          const first = await sendPassword(browser, user);
          assert.equal(first.status, 403);
          addSecrets(app.store.waiting(browser.sessionID)?.mfaToken);
          const seen = watch();
          fail(app, operation, Infinity, after);
          const answer = await sendOtp(browser, okta.otp(user));
          assert.equal(answer.status, 500);
          assert.deepEqual([seen.actions(), seen.posts()], [['success'], 1]);
          assert.equal(app.passed.length, 0);
          assert.ok(app.errors.length > 0);
          well(app);
          assert.ok(!app.store.text.includes(KEY), 'the waiting login is gone');
          assert.equal(await whoIs(browser), undefined);
          const late = await sendOtp(browser, okta.otp(user));
          assert.deepEqual([late.status, seen.posts()], [401, 1]);
          await browser.post('/login', {
            json: { username: user.username, password: user.password },
          });
          await finishLogin(browser, okta, user);
        });
      }
    }
  }
});

it('the password step is saved under one new session id, never without the waiting login', async (t) => {
  const { app, user, browser } = await scene(t);
  await browser.post('/cart');
  const old = browser.sessionID;
  const saved: [string, SessionData][] = [];
  app.store.before = (operation, sid, data) => {
    if (operation === 'set' && data) saved.push([sid, data]);
  };
  await passPassword(browser, user);
  assert.ok(saved.length > 0);
  for (const [sid, data] of saved) {
    assert.equal(sid, browser.sessionID);
    assert.notEqual(sid, old);
    assert.ok(KEY in data);
  }
});
