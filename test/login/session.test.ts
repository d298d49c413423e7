import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Okta } from '../../example/okta/index.js';
import {
  OktaConfigurationError,
  OktaDirectMfaStrategy,
  type Transaction,
  type TransactionStore,
} from '../../lib/index.js';
import { asRequest, createBrowser } from '../support/fixtures.js';
import {
  Browser,
  finishLogin,
  gate,
  optionsFor,
  passPassword,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  sessionOf,
  soon,
  useOkta,
  watchAllRequests,
  watchTokenRequests,
  whoIs,
  type Action,
  type App,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started));

const KEY = 'okta-direct-mfa';

function names({ actions }: App): string[] {
  return actions.map(({ name }) => name);
}

describe("The session's id", () => {
  it('changes when the password is right, and the other keys come along', async (t) => {
    const { app, browser, user } = await scene(t);
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
    const { app, browser, user } = await sceneAtPasscode(t);
    const before = browser.sessionID;
    await passPassword(browser, user);
    assert.notEqual(browser.sessionID, before);
    assert.equal(app.store.content(before), undefined);
  });

  it('stays when a password or passcode is wrong', async (t) => {
    const { browser, user } = await scene(t);
    await browser.post('/cart');
    const first = browser.sessionID;
    await sendPassword(browser, { ...user, password: 'wrong horse' });
    assert.equal(browser.sessionID, first);
    await passPassword(browser, user);
    const second = browser.sessionID;
    await sendOtp(browser, okta.wrongOtp(user));
    assert.equal(browser.sessionID, second);
  });

  it('that somebody planted does not lead to the transaction, nor to the person', async (t) => {
    const { browser: thief, user } = await scene(t);
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
    const { app, browser, user } = await sceneAtPasscode(t);
    const before = browser.fork();
    await finishLogin(browser, okta, user);
    assert.notEqual(browser.sessionID, before.sessionID);
    assert.equal(app.store.content(before.sessionID), undefined);
    assert.equal(await whoIs(before), undefined);
  });
});

describe('The transaction', () => {
  for (const keepSessionInfo of [false, true]) {
    for (const style of ['callback', 'plain'] as const) {
      it(`is gone before success(), keepSessionInfo ${keepSessionInfo}, style ${style}`, async (t) => {
        const seen: unknown[] = [];
        const { app, browser, user } = await scene(t, {
          authenticateOptions: { keepSessionInfo },
          style,
          onAction({ name, req }) {
            if (name !== 'success') return;
            const { sessionID } = req as Request;
            seen.push(sessionOf(req as Request)[KEY], app.store.waiting(sessionID));
          },
        });
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

  it('is kept under sessionKey', async (t) => {
    const { app, browser, user } = await scene(t, { options: { sessionKey: 'step-up' } });
    await passPassword(browser, user);
    assert.equal(app.store.waiting(browser.sessionID), undefined);
    assert.equal(app.store.waiting(browser.sessionID, 'step-up')?.username, user.username);
    await finishLogin(browser, okta, user);
    assert.ok(!app.store.text.includes('step-up'));
  });

  it('holds no password and no passcode', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    await sendOtp(browser, okta.wrongOtp(user));
    assert.ok(!app.store.text.includes(user.password));
    assert.ok(!app.store.text.includes(okta.wrongOtp(user)));
    assert.deepEqual(Object.keys(app.store.waiting(browser.sessionID) ?? {}).sort(), [
      'attempts',
      'clientDigest',
      'expiresAt',
      'id',
      'mfaToken',
      'username',
    ]);
  });

  it('is not believed in another form than its own', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    const { sessionID = '' } = browser;
    const content = app.store.content(sessionID) ?? {};
    const waiting = app.store.waiting(sessionID) as Transaction;
    const odd: unknown[] = [null, 'text', [], {}, { ...waiting, attempts: -1 }];
    odd.push({ ...waiting, attempts: '0' }, { ...waiting, expiresAt: 'never' });
    odd.push({ ...waiting, mfaToken: { toString: 'x' } }, { ...waiting, clientDigest: undefined });
    const posts = watchTokenRequests(okta);
    for (const value of odd) {
      app.store.sessions[sessionID] = JSON.stringify({ ...content, [KEY]: value });
      const { status, body } = await sendOtp(browser, okta.otp(user));
      assert.deepEqual([status, body['code']], [401, 'mfa_transaction_missing']);
    }
    assert.equal(posts().length, 0);
  });
});

describe('With a session store that is slow to save', () => {
  interface Row {
    what: string;
    mfaRedirect?: string;
    step: 'password' | 'passcode';
    /** Whether the passcode is right. */
    right?: boolean;
    /** Of the store. Default: `set` */
    operation?: 'destroy';
    action: Action['name'];
    status: number;
    attempts?: number;
  }
  const rows: Row[] = [
    {
      what: 'the fail comes when the next page finds the transaction',
      step: 'password',
      action: 'fail',
      status: 403,
      attempts: 0,
    },
    {
      what: 'the redirect comes when the next page finds the transaction',
      mfaRedirect: '/login/otp',
      step: 'password',
      action: 'redirect',
      status: 302,
      attempts: 0,
    },
    {
      what: 'a wrong passcode is answered when its attempt has been counted',
      step: 'passcode',
      action: 'fail',
      status: 401,
      attempts: 1,
    },
    {
      what: 'success comes when the transaction has been removed',
      step: 'passcode',
      right: true,
      operation: 'destroy',
      action: 'success',
      status: 200,
    },
  ];
  for (const row of rows) {
    const { what, mfaRedirect, step, right, operation = 'set', action, status, attempts } = row;
    it(what, async (t) => {
      const begin = step === 'password' ? scene : sceneAtPasscode;
      const options = mfaRedirect === undefined ? {} : { mfaRedirect };
      const { app, browser, user } = await begin(t, { options, style: 'plain' });
      const saving = gate();
      const saved = gate();
      app.store.before = (asked) => {
        if (asked !== operation) return undefined;
        saving.open();
        return saved.opened;
      };

      const otp = right ? okta.otp(user) : okta.wrongOtp(user);
      const sent = step === 'password' ? sendPassword(browser, user) : sendOtp(browser, otp);
      await soon('the session to be saved', saving.opened);
      // A whole request of somebody else's fits in between.
      await new Browser(app.url).get('/me');
      assert.deepEqual(names(app), []);
      saved.open();
      const answer = await sent;
      assert.deepEqual([answer.status, answer.location], [status, mfaRedirect]);
      assert.deepEqual(names(app), [action]);
      assert.equal(app.store.waiting(browser.sessionID)?.attempts, attempts);
      if (!right) await finishLogin(browser, okta, user);
    });
  }
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
      const { app, browser, user } = await scene(t, { session: cookieSession({ regenerate }) });
      const reached = watchAllRequests(okta);
      for (const answer of [await sendPassword(browser, user), await sendOtp(browser, '123456')]) {
        assert.equal(answer.status, 500);
        assert.equal(answer.body['code'], 'session_in_browser');
        assert.match(String(answer.body['message']), /cookie-session.*store/s);
      }
      assert.ok(app.errors[0] instanceof OktaConfigurationError);
      assert.deepEqual(reached(), []);
    });
  }

  it('is refused where regenerate() leaves the session its id', async (t) => {
    const { browser, user } = await scene(t, {
      before(req, _res, next) {
        Object.assign(req, { sessionID: 'always-the-same' });
        next();
      },
      session: cookieSession({ regenerate: true }),
    });
    const answer = await sendPassword(browser, user);
    assert.deepEqual([answer.status, answer.body['code']], [500, 'session_in_browser']);
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 401);
  });

  it('is good enough with a store of the app, and never holds the mfa_token', async (t) => {
    const store = new MemoryTransactionStore();
    const { browser, user } = await scene(t, {
      options: { store },
      before: browserID,
      session: cookieSession({ regenerate: true }),
    });
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

  read = async (req: object) => this.waiting.get(idOf(req));
  create = async (req: object, given: Transaction) => void this.waiting.set(idOf(req), given);
  update = async (req: object, given: Transaction) => void this.waiting.set(idOf(req), given);
  remove = async (req: object) => void this.waiting.delete(idOf(req));
}

function idOf(req: object): string {
  return (req as { browserID: string }).browserID;
}

it('a store of the app carries a login that needs no session at all, and cancel() empties it', async (t) => {
  const store = new MemoryTransactionStore();
  const { app, browser, user } = await scene(t, {
    options: { store },
    before: browserID,
    session: false,
    style: 'plain',
    authenticateOptions: { session: false },
  });
  assert.equal((await sendPassword(browser, user)).status, 403);
  assert.equal((await browser.post('/cancel')).status, 200);
  assert.equal(store.waiting.size, 0);

  assert.equal((await sendPassword(browser, user)).status, 403);
  await sendOtp(browser, okta.wrongOtp(user));
  assert.equal([...store.waiting.values()][0]?.attempts, 1);
  assert.equal((await sendOtp(new Browser(app.url), okta.otp(user))).status, 401);

  const answer = await sendOtp(browser, okta.otp(user));
  assert.deepEqual(answer.body, { user: { id: user.id, username: user.username } });
  assert.equal(store.waiting.size, 0);
});

it('a session with odd keys keeps its prototype when the password step copies it under a new id', async () => {
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
  const done = new Promise((resolve) => Object.assign(strategy, { fail: resolve, error: resolve }));
  strategy.authenticate(asRequest(req));
  await done;
  assert.equal(req.session?.['passport'], undefined);
});
