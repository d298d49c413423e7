import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Okta } from '../../example/okta/index.js';
import {
  ConfigurationError,
  OktaDirectMfaStrategy,
  TransactionStoreError,
  type Transaction,
  type TransactionStore,
} from '../../lib/index.js';
import { sessionOf, startApp, toUser, type App } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { asRequest, createBrowser } from '../support/fixtures.js';
import {
  finishLogin,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  whoIs,
} from '../support/login.js';
import { useOkta, watchAllRequests, watchTokenRequests } from '../support/okta.js';
import { gate, soon } from '../support/promises.js';

let okta: Okta;
useOkta((started) => (okta = started));

const KEY = 'okta-direct-mfa';

function names({ actions }: App): string[] {
  return actions.map(({ name }) => name);
}

describe("The session's id", () => {
  it('changes when the password is right, and the other keys come along', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await browser.post('/cart');
    const before = browser.sessionID;
    assert.ok(before);

    await passPassword(browser, user);
    assert.ok(browser.sessionID);
    assert.notEqual(browser.sessionID, before);
    assert.equal(app.store.content(before), undefined, 'the session under the old id is gone');
    assert.equal(app.store.content(browser.sessionID)?.['cart'], 'two tins of tea');
    assert.deepEqual((await browser.get('/me')).body, { user: null, cart: 'two tins of tea' });
  });

  it('changes again when the same person gives the password anew', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const before = browser.sessionID;
    await passPassword(browser, user);
    assert.notEqual(browser.sessionID, before);
    assert.equal(app.store.content(before), undefined);
  });

  it('stays when a password or passcode is wrong', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await browser.post('/cart');
    const first = browser.sessionID;
    await sendPassword(browser, { ...user, password: 'wrong horse' });
    assert.equal(browser.sessionID, first);
    await passPassword(browser, user);
    const second = browser.sessionID;
    await sendOtp(browser, okta.wrongOtp(user));
    assert.equal(browser.sessionID, second);
  });

  it('that somebody planted does not lead to the waiting login, nor to the person', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const thief = new Browser(app.url);
    await thief.post('/cart');
    const victim = thief.fork();

    await passPassword(victim, user);
    const posts = watchTokenRequests(okta);
    const answer = await sendOtp(thief, okta.otp(user));
    assert.equal(answer.body['code'], 'mfa_transaction_missing');
    assert.equal(posts().length, 0);

    await finishLogin(victim, okta, user);
    assert.equal(await whoIs(thief), undefined);
  });

  it('of the password step leads to nothing once the login is done', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const before = browser.fork();
    await finishLogin(browser, okta, user);
    assert.notEqual(browser.sessionID, before.sessionID);
    assert.equal(app.store.content(before.sessionID), undefined);
    assert.equal(await whoIs(before), undefined);
  });
});

describe('The waiting login', () => {
  for (const keepSessionInfo of [false, true]) {
    for (const style of ['callback', 'plain'] as const) {
      it(`is gone before success(), keepSessionInfo ${keepSessionInfo}, style ${style}`, async (t) => {
        const user = okta.addUser();
        const seen: unknown[] = [];
        const app = await startApp(t, {
          strategyOptions: optionsFor(okta),
          authenticateOptions: { keepSessionInfo },
          style,
          onAction({ name, req }) {
            if (name !== 'success') return;
            const { sessionID } = req as Request;
            seen.push(sessionOf(req as Request)[KEY], app.store.waiting(sessionID));
          },
        });
        const browser = new Browser(app.url);
        await browser.post('/cart');
        assert.equal((await sendPassword(browser, user)).status, 403);
        const { mfaToken } = app.store.waiting(browser.sessionID) ?? {};
        assert.ok(mfaToken);

        await finishLogin(browser, okta, user);
        assert.deepEqual(seen, [undefined, undefined]);
        assert.equal(app.store.waiting(browser.sessionID), undefined);
        assert.ok(!app.store.text.includes(mfaToken));
        const cart = keepSessionInfo ? 'two tins of tea' : undefined;
        assert.equal(app.store.content(browser.sessionID)?.['cart'], cart);
      });
    }
  }

  it('is gone too when verify refuses or fails', async (t) => {
    for (const outcome of ['refused', 'failed']) {
      const user = okta.addUser();
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta),
        verify: (_login, done) =>
          outcome === 'refused' ? done(null, false) : done(new Error('no database')),
      });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      const answer = await sendOtp(browser, okta.otp(user));
      assert.equal(answer.status, outcome === 'refused' ? 401 : 500);
      assert.equal(app.store.waiting(browser.sessionID), undefined);
      assert.equal(await whoIs(browser), undefined);
    }
  });

  it('is kept under sessionKey', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { sessionKey: 'step-up' }) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    assert.equal(app.store.waiting(browser.sessionID), undefined);
    assert.equal(app.store.waiting(browser.sessionID, 'step-up')?.username, user.username);
    await finishLogin(browser, okta, user);
    assert.ok(!app.store.text.includes('step-up'));
  });

  it('holds no password and no passcode', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    await sendOtp(browser, okta.wrongOtp(user));
    assert.ok(!app.store.text.includes(user.password));
    assert.ok(!app.store.text.includes(okta.wrongOtp(user)));
    assert.deepEqual(Object.keys(app.store.waiting(browser.sessionID) ?? {}).sort(), [
      'attempts',
      'boundTo',
      'expiresAt',
      'id',
      'mfaToken',
      'username',
    ]);
  });

  it('is not believed in another form than its own', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const { sessionID = '' } = browser;
    const content = app.store.content(sessionID) ?? {};
    const waiting = app.store.waiting(sessionID) as Transaction;
    const odd: unknown[] = [null, 'text', [], {}, { ...waiting, attempts: -1 }];
    odd.push({ ...waiting, attempts: '0' }, { ...waiting, expiresAt: 'never' });
    odd.push({ ...waiting, mfaToken: { toString: 'x' } }, { ...waiting, boundTo: undefined });
    const posts = watchTokenRequests(okta);
    for (const value of odd) {
      app.store.sessions[sessionID] = JSON.stringify({ ...content, [KEY]: value });
      const { status, body } = await sendOtp(browser, okta.otp(user));
      assert.deepEqual([status, body['code']], [401, 'mfa_transaction_missing']);
    }
    assert.equal(posts().length, 0);
  });
});

describe('With a slow session store', () => {
  for (const mfaRedirect of [undefined, '/login/otp']) {
    it(`${mfaRedirect ? 'the redirect' : 'the fail'} waits until the login is saved, so that the next page finds it`, async (t) => {
      const user = okta.addUser();
      const strategyOptions = optionsFor(okta, mfaRedirect === undefined ? {} : { mfaRedirect });
      const app = await startApp(t, { strategyOptions, style: 'plain' });
      const browser = new Browser(app.url);
      const saving = gate();
      const saved = gate();
      app.store.before = (operation, _sid, data) => {
        if (operation !== 'set' || data === undefined || !(KEY in data)) return undefined;
        saving.open();
        return saved.opened;
      };

      const answer = sendPassword(browser, user);
      await soon('the session to be saved', saving.opened);
      // A whole request of somebody else's fits in between.
      await new Browser(app.url).get('/me');
      assert.deepEqual(names(app), []);
      saved.open();
      assert.equal((await answer).location, mfaRedirect);
      assert.equal(app.actions.length, 1);
      await finishLogin(browser, okta, user);
    });
  }

  it('a wrong passcode is answered when its attempt has been counted', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta), style: 'plain' });
    const browser = new Browser(app.url);
    await sendPassword(browser, user);
    app.actions.length = 0;
    const saving = gate();
    const saved = gate();
    app.store.before = (operation) => {
      if (operation !== 'set') return undefined;
      saving.open();
      return saved.opened;
    };

    const answer = sendOtp(browser, okta.wrongOtp(user));
    await soon('the session to be saved', saving.opened);
    await new Browser(app.url).get('/me');
    assert.deepEqual(names(app), []);
    saved.open();
    await answer;
    assert.deepEqual(names(app), ['fail']);
    assert.equal(app.store.waiting(browser.sessionID)?.attempts, 1);
  });

  it('success comes when the waiting login has been removed', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta), style: 'plain' });
    const browser = new Browser(app.url);
    await sendPassword(browser, user);
    app.actions.length = 0;
    const saving = gate();
    const saved = gate();
    app.store.before = (operation) => {
      if (operation !== 'set') return undefined;
      saving.open();
      return saved.opened;
    };

    const answer = sendOtp(browser, okta.otp(user));
    await soon('the session to be saved', saving.opened);
    await new Browser(app.url).get('/me');
    assert.deepEqual(names(app), []);
    saved.open();
    assert.equal((await answer).status, 200);
    assert.deepEqual(names(app), ['success']);
  });
});

describe('With a session store that fails', () => {
  for (const failing of ['set', 'destroy'] as const) {
    for (const mfaRedirect of [undefined, '/login/otp']) {
      it(`in ${failing}, the password step is a TransactionStoreError ${mfaRedirect ? 'and no redirect' : 'and no fail'}`, async (t) => {
        const user = okta.addUser();
        const strategyOptions = optionsFor(okta, mfaRedirect === undefined ? {} : { mfaRedirect });
        const app = await startApp(t, { strategyOptions });
        const browser = new Browser(app.url);
        await browser.post('/cart');
        app.store.before = (operation, _sid, data) => {
          // As a Redis client does, it quotes what it was to save.
          if (operation === failing) throw new Error(`READONLY: ${JSON.stringify(data)}`);
        };

        const answer = await sendPassword(browser, user);
        assert.deepEqual(names(app), ['error']);
        assert.ok(app.errors[0] instanceof TransactionStoreError);
        assert.equal(answer.status, 500);
        assert.equal(answer.location, undefined);
        assert.equal(answer.body['code'], 'transaction_store_failed');
        assert.match(String(answer.body['message']), /READONLY/);

        app.store.before = () => undefined;
        const posts = watchTokenRequests(okta);
        const later = await sendOtp(browser, okta.otp(user));
        assert.equal(later.body['code'], 'mfa_transaction_missing');
        assert.equal(posts().length, 0);
        assert.ok(!app.store.text.includes(KEY), 'no waiting login is left in any session');
        await sendPassword(browser, user);
        await finishLogin(browser, okta, user);
      });
    }
  }

  it('once, the login that was not saved in time is not saved afterwards either', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await browser.post('/cart');
    let failures = 1;
    app.store.before = (operation) => {
      if (operation === 'set' && failures-- > 0) throw new Error('READONLY');
    };
    const answer = await sendPassword(browser, user);
    assert.equal(answer.body['code'], 'transaction_store_failed');
    // express-session saves once more at the end of the answer, and that succeeds.
    assert.equal(app.store.content(browser.sessionID)?.['cart'], 'two tins of tea');
    assert.ok(!app.store.text.includes(KEY));
  });

  it('a wrong passcode is a TransactionStoreError, and counts all the same', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { maxOtpAttempts: 2 }) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    app.store.before = (operation, _sid, data) => {
      if (operation === 'set') throw new Error(`READONLY: ${JSON.stringify(data)}`);
    };
    const answer = await sendOtp(browser, okta.wrongOtp(user));
    assert.equal(answer.body['code'], 'transaction_store_failed');
    app.store.before = () => undefined;
    const last = await sendOtp(browser, okta.wrongOtp(user));
    assert.equal(last.body['code'], 'otp_attempts_exceeded');
  });

  it('a right passcode is a TransactionStoreError and no login', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    app.actions.length = 0;
    app.store.before = (operation) => {
      if (operation === 'set') throw new Error('READONLY');
    };
    const answer = await sendOtp(browser, okta.otp(user));
    assert.equal(answer.body['code'], 'transaction_store_failed');
    assert.deepEqual(names(app), ['error']);
    app.store.before = () => undefined;
    assert.equal(await whoIs(browser), undefined);
  });

  it('cancel() rejects with a TransactionStoreError', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    app.store.before = (operation) => {
      if (operation === 'set') throw new Error('READONLY');
    };
    const answer = await browser.post('/cancel');
    assert.deepEqual([answer.status, answer.body['name']], [500, 'TransactionStoreError']);
  });
});

/** A session in the browser's cookie, as cookie-session keeps it, but for the signature. */
function cookieSession(shims: { regenerate?: boolean } = {}): RequestHandler {
  return (req: Request, res: Response, next: NextFunction) => {
    const [, cookie = ''] = /(?:^|; )session=([^;]*)/.exec(req.headers.cookie ?? '') ?? [];
    const json = Buffer.from(cookie, 'base64url').toString();
    let content = (json === '' ? {} : JSON.parse(json)) as Record<string, unknown>;
    // What apps add, so that passport 0.6 and later work with it.
    const withShims = (values: Record<string, unknown>) => {
      const hidden = (value: unknown) => ({ value, enumerable: false });
      return Object.defineProperties(values, {
        regenerate: hidden((callback: () => void) => {
          content = withShims({});
          callback();
        }),
        save: hidden((callback: () => void) => callback()),
      });
    };
    if (shims.regenerate) content = withShims(content);
    Object.defineProperty(req, 'session', {
      get: () => content,
      set: (value: typeof content) => (content = value),
    });
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => Response;
    res.writeHead = (...args: unknown[]) => {
      const value = Buffer.from(JSON.stringify(content)).toString('base64url');
      res.append('set-cookie', `session=${value}; path=/; httponly`);
      return writeHead(...args);
    };
    next();
  };
}

describe('A session that lives in the browser', () => {
  for (const regenerate of [false, true]) {
    it(`is refused before Okta is asked${regenerate ? ', also with regenerate() and save() added' : ''}`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta),
        session: cookieSession({ regenerate }),
      });
      const browser = new Browser(app.url);
      const reached = watchAllRequests(okta);
      for (const answer of [await sendPassword(browser, user), await sendOtp(browser, '123456')]) {
        assert.equal(answer.status, 500);
        assert.equal(answer.body['code'], 'session_in_browser');
        assert.match(String(answer.body['message']), /cookie-session.*store/s);
      }
      assert.ok(app.errors[0] instanceof ConfigurationError);
      assert.deepEqual(reached(), []);
    });
  }

  it('is refused where regenerate() leaves the session its id', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta),
      before(req, _res, next) {
        Object.assign(req, { sessionID: 'always-the-same' });
        next();
      },
      session: cookieSession({ regenerate: true }),
    });
    const browser = new Browser(app.url);
    const answer = await sendPassword(browser, user);
    assert.deepEqual([answer.status, answer.body['code']], [500, 'session_in_browser']);
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 401);
  });

  it('is good enough with a store of the app, and never holds the mfa_token', async (t) => {
    const user = okta.addUser();
    const store = new MemoryTransactionStore();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { store }),
      before: browserID,
      session: cookieSession({ regenerate: true }),
    });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const [transaction] = store.waiting.values();
    assert.ok(transaction);
    const cookie = Buffer.from(browser.cookies.get('session') ?? '', 'base64url').toString();
    assert.equal(cookie, '{}');
    const { status, body } = await sendOtp(browser, okta.otp(user));
    assert.deepEqual([status, body], [200, { user: { id: user.id, username: user.username } }]);
    assert.equal(store.waiting.size, 0);
  });
});

/** Gives each browser a cookie of the app's own. */
const browserID: RequestHandler = (req, res, next) => {
  const [, id = crypto.randomUUID()] =
    /(?:^|; )browser=([^;]+)/.exec(req.headers.cookie ?? '') ?? [];
  res.append('set-cookie', `browser=${id}; path=/; httponly`);
  Object.assign(req, { browserID: id });
  next();
};

/** A `TransactionStore` by that cookie, as the documentation asks for. */
class MemoryTransactionStore implements TransactionStore {
  readonly waiting = new Map<string, Transaction>();
  failing: keyof TransactionStore | undefined;
  /** Whether its errors quote what it holds, as those of database clients and of JSON.parse do. */
  quotes = false;

  read(req: object): Promise<Transaction | undefined> {
    return this.#answer('read', () => this.waiting.get(idOf(req)));
  }
  create(req: object, transaction: Transaction): Promise<void> {
    return this.#answer('create', () => void this.waiting.set(idOf(req), transaction));
  }
  update(req: object, transaction: Transaction): Promise<void> {
    return this.#answer('update', () => void this.waiting.set(idOf(req), transaction));
  }
  remove(req: object): Promise<void> {
    return this.#answer('remove', () => void this.waiting.delete(idOf(req)));
  }

  async #answer<T>(method: keyof TransactionStore, action: () => T): Promise<T> {
    if (this.failing === method) {
      const quoted = this.quotes ? JSON.stringify([...this.waiting.values()]) : '';
      throw new Error(`${method} failed ${quoted}`);
    }
    return action();
  }
}

function idOf(req: object): string {
  return (req as { browserID: string }).browserID;
}

describe('A store of the app', () => {
  it('carries a login that needs no session at all', async (t) => {
    const user = okta.addUser();
    const store = new MemoryTransactionStore();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { store }),
      before: browserID,
      session: false,
      style: 'plain',
      authenticateOptions: { session: false },
    });
    const browser = new Browser(app.url);
    assert.equal((await sendPassword(browser, user)).status, 403);
    await sendOtp(browser, okta.wrongOtp(user));
    assert.equal([...store.waiting.values()][0]?.attempts, 1);
    assert.equal((await sendOtp(new Browser(app.url), okta.otp(user))).status, 401);

    const answer = await sendOtp(browser, okta.otp(user));
    assert.deepEqual(answer.body, { user: { id: user.id, username: user.username } });
    assert.equal(store.waiting.size, 0);
  });

  it('is what cancel() empties', async (t) => {
    const user = okta.addUser();
    const store = new MemoryTransactionStore();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { store }),
      before: browserID,
      session: false,
    });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    assert.equal((await browser.post('/cancel')).status, 200);
    assert.equal(store.waiting.size, 0);
  });

  for (const failing of ['read', 'create', 'update', 'remove'] as const) {
    it(`that fails in ${failing} is a TransactionStoreError and no login`, async (t) => {
      const user = okta.addUser();
      const store = new MemoryTransactionStore();
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta, { store }),
        verify: ({ profile }, done) => done(null, toUser(profile)),
        before: browserID,
        session: false,
        style: 'plain',
        authenticateOptions: { session: false },
      });
      const browser = new Browser(app.url);
      if (failing !== 'create') assert.equal((await sendPassword(browser, user)).status, 403);
      store.failing = failing;
      const answer =
        failing === 'create'
          ? await sendPassword(browser, user)
          : await sendOtp(browser, failing === 'update' ? okta.wrongOtp(user) : okta.otp(user));
      assert.deepEqual([answer.status, answer.body['name']], [500, 'TransactionStoreError']);
      assert.equal(app.passed.length, 0);
      assert.equal(app.actions.at(-1)?.name, 'error');
    });
  }

  for (const failing of ['read', 'remove'] as const) {
    it(`that quotes the waiting login when it fails in ${failing} does not give away the mfa_token`, async (t) => {
      const user = okta.addUser();
      const store = new MemoryTransactionStore();
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta, { store }),
        before: browserID,
        session: false,
      });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      const { mfaToken } = [...store.waiting.values()][0] ?? {};
      assert.ok(mfaToken);
      store.quotes = true;
      store.failing = failing;
      const answer = await browser.post('/cancel');
      assert.equal(answer.body['code'], 'transaction_store_failed');
      assert.ok(!answer.text.includes(mfaToken), answer.text);
    });
  }
});

describe('A session whose keys are odd', () => {
  it('keeps its prototype when the password step copies it under a new id', async () => {
    // Only an app that puts keys of its users into the session gets there.
    const browser = createBrowser();
    const strategy = new OktaDirectMfaStrategy(
      { ...optionsFor(okta), passReqToCallback: false },
      async () => ({ id: 'x' }),
    );
    const { username, password } = okta.addUser();
    const req = browser.request({ username, password });
    Object.defineProperty(req.session, '__proto__', {
      value: { passport: { user: 'admin' } },
      enumerable: true,
      configurable: true,
      writable: true,
    });
    const done = new Promise((resolve) =>
      Object.assign(strategy, { fail: resolve, error: resolve }),
    );
    strategy.authenticate(asRequest(req));
    await done;
    assert.equal(req.session?.['passport'], undefined);
  });
});
