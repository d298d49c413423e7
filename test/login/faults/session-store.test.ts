import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Request } from 'express';
import type { SessionData } from 'express-session';
import type { Okta, User } from '../../../example/okta/index.js';
import {
  OktaConfigurationError,
  OktaTransactionStoreError,
  type Transaction,
  type TransactionStore,
} from '../../../lib/index.js';
import {
  addSecrets,
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
  soon,
  until,
  watchAllRequests,
  watchTokenRequests,
  whoIs,
  type Answer,
  type App,
  type AppOptions,
} from '../../support/index.js';
import { STEPS, useOktaUnderFaults } from './support.js';

let okta: Okta;
useOktaUnderFaults((started) => (okta = started));

const KEY = 'okta-direct-mfa';
const CART = 'two tins of tea';
const REDIRECTS = [{}, { mfaRedirect: '/login/otp' }];

/** From now on: what the strategy and Okta do. */
function watch({ actions }: App) {
  const before = actions.length;
  const posts = watchTokenRequests(okta);
  return {
    actions: () => actions.slice(before).map(({ name }) => name),
    posts: () => posts().length,
  };
}

type Operation = 'get' | 'set' | 'destroy';

/** The operation waits, says so, and goes on when let go. */
function slow({ store }: App, operation: Operation, of = (_sid: string) => true) {
  const arrived = gate();
  const letGo = gate();
  store.before = (what, sid) => {
    if (what !== operation || !of(sid)) return undefined;
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

function recover({ store }: App): void {
  store.before = () => undefined;
}

/** The failure is the request's one action, after so many POSTs; then the store works again. */
async function assertStoreError(app: App, sent: Promise<Answer>, posts = 1): Promise<void> {
  const seen = watch(app);
  const { status, location, body } = await sent;
  const { name, code } = body;
  assert.deepEqual([status, name, location], [500, 'OktaTransactionStoreError', undefined]);
  assert.equal(code, 'transaction_store_failed');
  assert.ok(app.errors.at(-1) instanceof OktaTransactionStoreError);
  assert.deepEqual([seen.actions(), seen.posts()], [['error'], posts]);
  recover(app);
}

/** Still in the store, a transaction is not accepted in this process; trying it removes it. */
async function assertOver(app: App, browser: Browser, user: User): Promise<void> {
  assert.ok(app.store.waiting(browser.sessionID));
  const seen = watch(app);
  const late = await sendOtp(browser, okta.otp(user));
  assert.deepEqual([late.body['code'], seen.posts()], ['mfa_transaction_missing', 0]);
  assert.equal(app.store.waiting(browser.sessionID), undefined);
}

/** A whole request of somebody else, for which the store is not needed. */
async function meanwhile({ url }: App): Promise<void> {
  await new Browser(url).get('/me');
}

describe('A slow session store', () => {
  for (const options of REDIRECTS) {
    const { mfaRedirect } = options;
    it(`in destroy, at the password step: no ${mfaRedirect ? 'redirect' : 'answer'} before the old session is gone`, async (t) => {
      const { app, user, browser } = await scene(t, { style: 'plain', options });
      await browser.post('/cart');
      const old = browser.sessionID;
      const seen = watch(app);
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

  for (const step of STEPS) {
    it(`in get, at the ${step.name} step: Okta is asked when the session is there`, async (t) => {
      const { app, user, browser } = await sceneAtPasscode(t);
      const seen = watch(app);
      const get = slow(app, 'get');
      const sent = step.send({ browser, user, okta });
      await get.arrived();
      await meanwhile(app);
      assert.deepEqual([seen.actions(), seen.posts()], [[], 0]);
      get.letGo();
      assert.equal((await soon('the answer', sent)).status, step.name === 'password' ? 403 : 200);
      assert.equal(seen.posts(), 1);
    });
  }

  it('for one browser does not keep another waiting', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t);
    const sid = browser.sessionID;
    const set = slow(app, 'set', (id) => id === sid);
    const wrong = sendOtp(browser, okta.wrongOtp(user));
    await set.arrived();
    await logIn(new Browser(app.url), okta, okta.addUser());
    // Nor does the same person in another browser wait.
    await logIn(new Browser(app.url), okta, user);
    set.letGo();
    assert.equal((await wrong).body['code'], 'invalid_otp');
  });

  it('when the browser goes away in the meantime: the transaction is saved all the same', async (t) => {
    const { app, user, browser } = await scene(t);
    await browser.post('/cart');
    const seen = watch(app);
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
  for (const step of STEPS) {
    it(`at the ${step.name} step: express-session's error, and Okta is not asked`, async (t) => {
      const { app, user, browser } = await sceneAtPasscode(t);
      const transaction = app.store.waiting(browser.sessionID);
      const sid = browser.sessionID;
      const seen = watch(app);
      fail(app, 'get');
      const reached = watchAllRequests(okta);
      assert.equal((await step.send({ browser, user, okta })).status, 500);
      assert.deepEqual([seen.actions(), reached()], [[], []]);
      recover(app);
      assert.equal(browser.sessionID, sid);
      assert.deepEqual(app.store.waiting(sid), transaction);
      await finishLogin(browser, okta, user);
    });
  }
});

describe('A session store that fails at the password step', () => {
  for (const [operation, times] of [
    ['set', 1],
    ['set', Infinity],
    ['destroy', 1],
    ['destroy', Infinity],
  ] as const) {
    for (const options of REDIRECTS) {
      it(`in ${operation}, ${times === 1 ? 'once' : 'and goes on to'}: 500, ${options.mfaRedirect ? 'no redirect' : 'no fail'}, no transaction, and the next login works`, async (t) => {
        const { app, user, browser } = await sceneAtPasscode(t, { options });
        await browser.post('/cart');
        const before = browser.fork();
        fail(app, operation, times);
        await assertStoreError(app, sendPassword(browser, user));
        assert.doesNotMatch(String(app.errors.at(-1)), /MISCONF/);

        // Nor has express-session saved it at the end of the answer, as it has the other keys.
        assert.equal(app.store.waiting(browser.sessionID), undefined);
        if (operation === 'set') assert.ok(!app.store.text.includes(KEY));
        if (operation === 'destroy' || times === 1) {
          assert.notEqual(browser.sessionID, before.sessionID);
          assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
        }
        // The older transaction may still be in the store under the older cookie, and leads to nothing.
        const again = watch(app);
        for (const each of [browser.fork(), before]) {
          const late = await sendOtp(each, okta.otp(user));
          assert.deepEqual([late.status, late.body['code']], [401, 'mfa_transaction_missing']);
        }
        assert.equal(again.posts(), 0);
        assert.ok(!app.store.text.includes(KEY));
        await sendPassword(browser, user);
        await finishLogin(browser, okta, user);
      });
    }
  }

  it('when a wrong password ends a transaction: 500, and it is over all the same', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t);
    fail(app, 'set');
    await assertStoreError(app, sendPassword(browser, { ...user, password: 'a wrong one' }));
    await assertOver(app, browser, user);
    await logIn(browser, okta, user);
  });

  it('with something else than an Error: a OktaTransactionStoreError all the same', async (t) => {
    const { app, user, browser } = await scene(t);
    for (const thrown of ['READONLY', { reason: 'READONLY' }, 7] as unknown[]) {
      app.store.before = (operation) => {
        // What stores pass to their callback is not always an Error.
        if (operation === 'set') throw thrown;
      };
      await assertStoreError(app, sendPassword(browser, user));
    }
    await logIn(browser, okta, user);
  });

  it('with an error that quotes the session does not give away what else the session keeps', async (t) => {
    const { app, user, browser } = await scene(t, {
      options: { sessionKey: 'first' },
      other: optionsFor(okta, { sessionKey: 'second' }),
    });
    assert.equal((await sendPassword(browser, user, '/login/other')).status, 403);
    const kept = app.store.waiting(browser.sessionID, 'second');
    assert.ok(kept);
    fail(app, 'set', 1);
    await assertStoreError(app, sendPassword(browser, user));
    // Not in the message of the assertion either.
    assert.ok(!String(app.errors.at(-1)).includes(kept.mfaToken), 'the other mfa_token is in it');
  });
});

describe('A session store that fails at the passcode step', () => {
  for (const times of [1, Infinity]) {
    it(`when a wrong passcode is counted, ${times === 1 ? 'once' : 'and goes on to'}: 500, counted in this process, and the next login works`, async (t) => {
      const { app, user, browser } = await sceneAtPasscode(t);
      await browser.post('/cart');
      fail(app, 'set', times);
      await assertStoreError(app, sendOtp(browser, okta.wrongOtp(user)));
      assert.equal(app.store.waiting(browser.sessionID)?.attempts, 0);
      const next = await sendOtp(browser, okta.wrongOtp(user));
      assert.equal(next.body['attemptsRemaining'], 3);
      assert.equal(app.store.waiting(browser.sessionID)?.attempts, 2);
      assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
      await finishLogin(browser, okta, user);
    });
  }

  it('when the last attempt is used up: 500, and the transaction is over all the same', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 1 } });
    fail(app, 'set');
    await assertStoreError(app, sendOtp(browser, okta.wrongOtp(user)));
    await assertOver(app, browser, user);
    await logIn(browser, okta, user);
  });

  it('in cancel(): a OktaTransactionStoreError, and the transaction is over all the same', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t);
    fail(app, 'set');
    const { status, body } = await browser.post('/cancel');
    assert.deepEqual([status, body['name']], [500, 'OktaTransactionStoreError']);
    recover(app);
    await assertOver(app, browser, user);
    await logIn(browser, okta, user);
  });

  it('when the transaction is removed before success: 500, nobody is logged in, and the next login works', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t);
    await browser.post('/cart');
    fail(app, 'destroy');
    await assertStoreError(app, sendOtp(browser, okta.otp(user)));
    assert.equal(await whoIs(browser), undefined);
    // Whoever tries another passcode does not get in on the strength of the first.
    const seen = watch(app);
    const other = await sendOtp(browser, okta.wrongOtp(user));
    assert.deepEqual([other.status, seen.posts()], [401, 0]);
    assert.equal(await whoIs(browser), undefined);
    assert.equal(app.store.content(browser.sessionID)?.['cart'], CART);
    await logIn(browser, okta, user);
  });

  it('when the transaction is removed before success: the same passcode again, at once, has the same answer', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t);
    const otp = okta.otp(user);
    const secondClick = browser.fork();
    fail(app, 'destroy', 1);
    await assertStoreError(app, sendOtp(browser, otp));
    await assertStoreError(app, sendOtp(secondClick, otp), 0);
    // Verify was not called again.
    assert.equal(app.logins.length, 1);
    assert.equal(await whoIs(browser), undefined);
    await logIn(browser, okta, user);
  });

  it('when an expired transaction is removed: 500, and Okta is not asked', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t, { options: { transactionMaxAge: 1 } });
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 2000 });
    fail(app, 'set');
    await assertStoreError(app, sendOtp(browser, okta.otp(user)), 0);
    const late = await sendOtp(browser, okta.otp(user));
    assert.equal(late.body['code'], 'mfa_transaction_expired');
    assert.equal(app.store.waiting(browser.sessionID), undefined);
    t.mock.timers.reset();
    await logIn(browser, okta, user);
  });

  it('for those behind, the failure is theirs too: each has one action, and Okta is asked once', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t);
    const seen = watch(app);
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
    recover(app);
    await finishLogin(browser, okta, user);
  });
});

describe('A session store whose regenerate', () => {
  for (const [how, regenerate] of Object.entries({
    'reports an error and leaves the session as it was': (
      _req: Request,
      callback: (error: unknown) => void,
    ) => callback(new Error('regenerate failed')),
    throws: () => {
      throw new Error('regenerate failed');
    },
  })) {
    it(`${how}: 500, the session stays whole, and the next login works`, async (t) => {
      const { app, user, browser } = await scene(t);
      await browser.post('/cart');
      const sid = browser.sessionID;
      Object.assign(app.store, { regenerate });
      await assertStoreError(app, sendPassword(browser, user));
      assert.match(String(app.errors.at(-1)), /create\(\) failed/);
      assert.equal(browser.sessionID, sid);
      assert.equal(app.store.content(sid)?.['cart'], CART);
      assert.ok(!app.store.text.includes(KEY));
      Reflect.deleteProperty(app.store, 'regenerate');
      await logIn(browser, okta, user);
    });
  }
});

describe('A session that is lost', () => {
  const lose = ({ store }: App) => {
    for (const sid of Object.keys(store.sessions)) delete store.sessions[sid];
  };

  it('between the steps: 401 mfa_transaction_missing, Okta is not asked, and the next login works', async (t) => {
    const { app, user, browser } = await sceneAtPasscode(t);
    lose(app);
    const seen = watch(app);
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
    it(`while Okta checks a ${right ? 'right' : 'wrong'} passcode: 401, nothing is brought back, and the next login works`, async (t) => {
      const { app, user, browser } = await sceneAtPasscode(t);
      const seen = watch(app);
      const asked = hold(okta, OTP_STEP);
      const sent = sendOtp(browser, right ? okta.otp(user) : okta.wrongOtp(user));
      await asked.arrived();
      lose(app);
      asked.letGo();
      const { status } = await soon('the answer', sent);
      assert.equal(status, 401);
      assert.deepEqual([seen.actions(), seen.posts()], [['fail'], 1]);
      assert.equal(await whoIs(browser), undefined);
      assert.ok(!app.store.text.includes(KEY));
      await logIn(browser, okta, user);
    });
  }

  it('while Okta checks the password: the transaction is saved in a new one, and nothing of the old', async (t) => {
    const { app, user, browser } = await scene(t);
    await browser.post('/cart');
    const asked = hold(okta, PASSWORD_STEP);
    const sent = sendPassword(browser, user);
    await asked.arrived();
    lose(app);
    asked.letGo();
    assert.equal((await soon('the answer', sent)).status, 403);
    assert.equal(app.store.content(browser.sessionID)?.['cart'], undefined);
    await finishLogin(browser, okta, user);
  });
});

describe("A session store that fails in Passport's own logIn", () => {
  for (const style of ['callback', 'plain'] as const) {
    for (const keepSessionInfo of [false, true]) {
      // The only one: with a session that is not stored yet there is nothing to destroy.
      for (const operation of ['set'] as const) {
        it(`in ${operation}, keepSessionInfo ${keepSessionInfo}, style ${style}: 500, the transaction is gone and not quoted, and the next login works`, async (t) => {
          const authenticateOptions = { keepSessionInfo };
          const { app, user, browser } = await sceneAtPasscode(t, { style, authenticateOptions });
          addSecrets(app.store.waiting(browser.sessionID)?.mfaToken);
          await browser.post('/cart');
          const seen = watch(app);
          fail(app, operation);
          assert.equal((await sendOtp(browser, okta.otp(user))).status, 500);
          assert.deepEqual([seen.actions(), seen.posts()], [['success'], 1]);
          assert.equal(app.passed.length, 0);
          assert.ok(app.errors.length > 0);
          recover(app);
          assert.ok(!app.store.text.includes(KEY), 'the transaction is gone');
          assert.equal(await whoIs(browser), undefined);
          const late = await sendOtp(browser, okta.otp(user));
          assert.deepEqual([late.status, seen.posts()], [401, 1]);
          await sendPassword(browser, user);
          await finishLogin(browser, okta, user);
        });
      }
    }
  }
});

it('the password step is saved under one new session id, never without the transaction', async (t) => {
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

/** An app without a session, whose own store holds the transaction of its one browser. */
async function sceneWithStore(t: TestContext, style: AppOptions['style'] = 'callback') {
  const store: TransactionStore & { kept?: unknown } = {
    read: async () => store.kept as Transaction | undefined,
    create: async (_req, transaction) => void (store.kept = transaction),
    update: async (_req, transaction) => void (store.kept = transaction),
    remove: async () => void delete store.kept,
  };
  const authenticateOptions = { session: false };
  const options = { store };
  return { store, ...(await scene(t, { style, session: false, authenticateOptions, options })) };
}

describe("A store of the app's own", () => {
  const cancel = (browser: Browser) => browser.post('/cancel');
  const sendRight = (browser: Browser, user: User) => sendOtp(browser, okta.otp(user));
  const sendWrong = (browser: Browser, user: User) => sendOtp(browser, okta.wrongOtp(user));
  for (const [method, send, posts] of [
    ['read', sendPassword, 0],
    ['read', sendRight, 0],
    ['read', cancel, 0],
    ['create', sendPassword, 1],
    ['update', sendWrong, 1],
    ['remove', sendRight, 1],
    ['remove', cancel, 0],
  ] as const) {
    it(`that fails in ${method}: a OktaTransactionStoreError without what it quotes, and no login (${send.name})`, async (t) => {
      for (const how of ['throws', 'rejects']) {
        const { store, app, user, browser } = await sceneWithStore(t, 'plain');
        assert.equal((await sendPassword(browser, user)).status, 403);
        let quoted = '';
        store[method] = (): Promise<never> => {
          const transaction = store.kept as Transaction;
          quoted = transaction.mfaToken;
          const failure = new Error(`no to ${quoted}: ${JSON.stringify(transaction)}`);
          if (how === 'throws') throw failure;
          return Promise.reject(failure);
        };
        const seen = watch(app);
        const { status, text } = await send(browser, user);
        const actions = send === cancel ? [] : ['error'];
        assert.deepEqual([status, seen.actions(), seen.posts()], [500, actions, posts]);
        assert.equal(app.passed.length, 0);
        const [error] = app.errors;
        assert.ok(error instanceof OktaTransactionStoreError);
        assert.deepEqual([error.code, 'cause' in error], ['transaction_store_failed', false]);
        assert.match(error.message, new RegExp(`TransactionStore's ${method}\\(\\) failed`));
        assert.doesNotMatch(error.message, /no to/);
        assert.ok(quoted !== '' && !text.includes(quoted));
      }
    });
  }

  it('may refuse with an error of this package, which passes as it is', async (t) => {
    const { store, app, user, browser } = await sceneWithStore(t);
    const own = new OktaConfigurationError('session_missing', 'No device cookie');
    store.read = () => Promise.reject(own);
    assert.equal((await sendPassword(browser, user)).body['code'], 'session_missing');
    assert.deepEqual(app.errors, [own]);
  });

  it('may say many things for nothing, and the login begins all the same', async (t) => {
    const { store, app, user, browser } = await sceneWithStore(t);
    for (const nothing of [null, '', 'garbage', {}, 7]) {
      store.kept = nothing;
      const seen = watch(app);
      const { body } = await sendOtp(browser, okta.otp(user));
      assert.deepEqual([body['code'], seen.posts()], ['mfa_transaction_missing', 0]);
      assert.equal((await browser.post('/cancel')).status, 200);
      assert.equal((await sendPassword(browser, user)).body['code'], 'mfa_required');
    }
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 200);
  });
});
