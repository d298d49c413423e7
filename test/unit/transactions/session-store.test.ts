import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { OktaConfigurationError } from '../../../lib/errors.js';
import { SessionTransactionStore } from '../../../lib/transactions/session-store.js';
import { asRequest, createBrowser, type FakeRequest } from '../../support/fixtures.js';
import { KEY, TRANSACTION } from '../support.js';

const store = new SessionTransactionStore(KEY);

let browser: ReturnType<typeof createBrowser>;
beforeEach(() => {
  browser = createBrowser({ cart: ['book'], passport: { user: 'u0' } });
});

describe('SessionTransactionStore', () => {
  it('finds nothing in a session that has nothing', async () => {
    assert.equal(await store.read(asRequest(browser.request())), undefined);
  });

  it('finds in the next request what was created, once it is saved', async () => {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    assert.deepEqual(browser.saved()[KEY], TRANSACTION);
    assert.deepEqual(await store.read(asRequest(browser.request())), TRANSACTION);
  });

  it("changes the session's id on create, and the old one leads to nothing", async () => {
    const before = browser.sid();
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    assert.notEqual(req.sessionID, before);
    assert.equal(browser.store.has(before), false);
    assert.deepEqual(browser.log, ['regenerate', 'save']);
  });

  it("keeps the app's other keys on create, but not who was signed in", async () => {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    assert.deepEqual(browser.saved()['cart'], ['book']);
    assert.equal('passport' in browser.saved(), false);
  });

  for (const [what, manager] of [
    ['passport', { _sessionManager: { _key: 'who' } }],
    ['@fastify/passport', { passport: { sessionManager: { key: 'who' } } }],
  ] as const) {
    it(`knows the key that an app has given ${what}`, async () => {
      const own = createBrowser({ who: 'u0', cart: ['book'] });
      const req = Object.assign(own.request(), manager);
      await store.create(asRequest(req), TRANSACTION);
      own.keep(req);
      assert.deepEqual(Object.keys(own.saved()).sort(), ['cart', 'cookie', KEY]);
    });
  }

  it("keeps the app's settings of the cookie on create, in the new object", async () => {
    const own = createBrowser({ cookie: { path: '/app', maxAge: 1000, domain: 'example.com' } });
    const req = own.request();
    const { cookie } = req.session ?? {};
    await store.create(asRequest(req), TRANSACTION);
    own.keep(req);
    assert.deepEqual(own.saved()['cookie'], { path: '/app', maxAge: 1000, domain: 'example.com' });
    assert.notEqual(req.session?.['cookie'], cookie);
  });

  it('leaves the session of somebody who links an account as it is, id and all', async () => {
    const before = browser.sid();
    const req = Object.assign(browser.request(), { user: { id: 'u0' } });
    await store.create(asRequest(req), TRANSACTION, true);
    browser.keep(req);
    assert.equal(browser.sid(), before);
    const { passport, cart } = browser.saved();
    assert.deepEqual([passport, cart], [{ user: 'u0' }, ['book']]);
    assert.deepEqual(browser.saved()[KEY], TRANSACTION);
    assert.deepEqual(browser.log, ['save']);
  });

  for (const user of [undefined, null]) {
    it(`renews the session when nobody is signed in who could link (${String(user)})`, async () => {
      const req = Object.assign(browser.request(), { user });
      await store.create(asRequest(req), TRANSACTION, true);
      assert.deepEqual(browser.log, ['regenerate', 'save']);
      assert.equal('passport' in (req.session ?? {}), false);
    });
  }

  it('asks Passport who is signed in, since an app may have the user under another name', async () => {
    for (const [isAuthenticated, expected] of [
      [() => true, ['save']],
      [() => false, ['regenerate', 'save']],
    ] as const) {
      browser.log.length = 0;
      const req = Object.assign(browser.request(), { user: {}, isAuthenticated });
      await store.create(asRequest(req), TRANSACTION, true);
      assert.deepEqual(browser.log, expected);
    }
  });

  it('carries nothing over from a session that has been destroyed meanwhile', async () => {
    const sid = browser.sid();
    const req = browser.request();
    browser.store.delete(sid);
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    assert.deepEqual(Object.keys(browser.saved()).sort(), ['cookie', KEY]);
  });

  it('carries over what the app has put into a session that was never saved', async () => {
    const fresh = createBrowser();
    fresh.store.clear();
    const req = fresh.request();
    Object.assign(req.session ?? {}, { cart: ['pen'] });
    await store.create(asRequest(req), TRANSACTION);
    fresh.keep(req);
    assert.deepEqual(fresh.saved()['cart'], ['pen']);
  });

  it('replaces an earlier transaction', async () => {
    const first = browser.request();
    await store.create(asRequest(first), TRANSACTION);
    browser.keep(first);
    const second = browser.request();
    await store.create(asRequest(second), { ...TRANSACTION, id: 'id-2' });
    browser.keep(second);
    assert.equal((await store.read(asRequest(browser.request())))?.id, 'id-2');
  });

  it('saves an update under the same session id', async () => {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    const next = browser.request();
    await store.update(asRequest(next), { ...TRANSACTION, attempts: 1 });
    assert.equal(next.sessionID, browser.sid());
    assert.equal((await store.read(asRequest(browser.request())))?.attempts, 1);
  });

  it('removes the transaction, and only it, and saves', async () => {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    await store.remove(asRequest(browser.request()));
    assert.equal(KEY in browser.saved(), false);
    assert.deepEqual(browser.saved()['cart'], ['book']);
  });

  it('removes garbage too', async () => {
    const own = createBrowser({ [KEY]: 'garbage' });
    await store.remove(asRequest(own.request()));
    assert.equal(KEY in own.saved(), false);
  });

  it('reads only what the session itself has', async () => {
    const req = browser.request();
    Object.setPrototypeOf(Object.getPrototypeOf(req.session) as object, { inherited: TRANSACTION });
    const inherited = new SessionTransactionStore('inherited');
    assert.equal(inherited.peek(asRequest(req)), undefined);
    assert.equal(await inherited.read(asRequest(req)), undefined);
  });
});

describe('SessionTransactionStore, when another request has changed what is kept', () => {
  async function withTransaction(): Promise<FakeRequest> {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    return browser.request();
  }

  it('reads the count of another process', async () => {
    const late = await withTransaction();
    await store.update(asRequest(browser.request()), { ...TRANSACTION, attempts: 3 });
    assert.equal(store.peek(asRequest(late))?.attempts, 0);
    assert.equal((await store.read(asRequest(late)))?.attempts, 3);
    assert.equal(store.peek(asRequest(late))?.attempts, 0, 'the copy is of the same transaction');
  });

  it('keeps what the app has put into a copy with the same transaction', async () => {
    const late = await withTransaction();
    Object.assign(late.session ?? {}, { seen: true });
    await store.read(asRequest(late));
    assert.equal(late.session?.['seen'], true);
  });

  it('lets the copy follow where the transaction is gone', async () => {
    const late = await withTransaction();
    await store.remove(asRequest(browser.request()));
    assert.equal(await store.read(asRequest(late)), undefined);
    assert.equal(KEY in (late.session ?? {}), false);
    assert.deepEqual(late.session?.['cart'], ['book']);
    assert.equal(late.sessionID, browser.sid());
  });

  it('lets the copy follow where the transaction is another', async () => {
    const late = await withTransaction();
    await store.update(asRequest(browser.request()), { ...TRANSACTION, id: 'id-2' });
    assert.equal((await store.read(asRequest(late)))?.id, 'id-2');
    assert.equal(store.peek(asRequest(late))?.id, 'id-2');
  });

  it('leaves an empty session with another id where the whole session is gone', async () => {
    const late = await withTransaction();
    browser.store.clear();
    assert.equal(await store.read(asRequest(late)), undefined);
    assert.notEqual(late.sessionID, browser.sid());
    assert.deepEqual(Object.keys(late.session ?? {}), ['cookie']);
  });

  it("does not swap the request's own session object", async () => {
    const late = await withTransaction();
    const { session } = late;
    await store.remove(asRequest(browser.request()));
    await store.read(asRequest(late));
    assert.equal(late.session, session);
  });

  it('reloads a session that has no store to ask, and puts it back', async () => {
    const late = await withTransaction();
    Object.defineProperty(late, 'sessionStore', { value: undefined });
    const { session } = late;
    const reloaded = { ...session, id: 'sid', [KEY]: { ...TRANSACTION, attempts: 4 } };
    const methods = { regenerate: assert.fail, save: assert.fail };
    Object.defineProperty(session, 'reload', {
      value: (callback: () => void) => {
        late.session = { ...reloaded, ...methods };
        callback();
      },
    });
    assert.equal((await store.read(asRequest(late)))?.attempts, 4);
    assert.equal(late.session, session);
  });

  it('gives the error of a reload, and puts the session back', async () => {
    const late = await withTransaction();
    Object.defineProperty(late, 'sessionStore', { value: undefined });
    const { session } = late;
    const failure = new Error('ECONNRESET');
    Object.defineProperty(session, 'reload', {
      value: (callback: (error: unknown) => void) => {
        delete late.session;
        callback(failure);
      },
    });
    await assert.rejects(store.read(asRequest(late)), failure);
    assert.equal(late.session, session);
  });

  it('believes the copy of a session that can be asked in neither way', async () => {
    const late = await withTransaction();
    Object.defineProperty(late, 'sessionStore', { value: undefined });
    await store.remove(asRequest(browser.request()));
    assert.deepEqual(await store.read(asRequest(late)), TRANSACTION);
  });

  it('forgets it in the copy alone', async () => {
    const late = await withTransaction();
    store.forget(asRequest(late));
    assert.equal(store.peek(asRequest(late)), undefined);
    assert.deepEqual(browser.saved()[KEY], TRANSACTION);
  });
});

const METHODS = {
  read: (req: FakeRequest) => store.read(asRequest(req)),
  create: (req: FakeRequest) => store.create(asRequest(req), TRANSACTION),
  update: (req: FakeRequest) => store.update(asRequest(req), TRANSACTION),
  remove: (req: FakeRequest) => store.remove(asRequest(req)),
};

const isConfigurationError = (code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof OktaConfigurationError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

for (const [name, method] of Object.entries(METHODS)) {
  describe(`SessionTransactionStore, ${name} without a session on the server`, () => {
    for (const session of [undefined, null, 'session', false] as never[]) {
      it(`asks for express-session when req.session is ${String(session)}`, async () => {
        await assert.rejects(
          async () => method({ headers: {}, session }),
          isConfigurationError('session_missing', /Did you forget express-session/),
        );
      });
    }

    it("refuses cookie-session's session, which has no methods", async () => {
      await assert.rejects(
        async () => method({ headers: {}, session: { isNew: true, [KEY]: TRANSACTION } }),
        isConfigurationError(
          'session_in_browser',
          /kept in the browser.*give the strategy a store/,
        ),
      );
    });

    it("refuses cookie-session's session also with the methods that passport 0.6 asks for", async () => {
      const session: Record<string, unknown> = { [KEY]: TRANSACTION };
      const call = (callback: () => void) => callback();
      session['regenerate'] = call;
      session['save'] = call;
      await assert.rejects(
        async () => method({ headers: {}, session }),
        isConfigurationError('session_in_browser', /kept in the browser/),
      );
      assert.deepEqual(session[KEY], TRANSACTION, 'untouched');
    });

    for (const lacking of ['regenerate', 'save']) {
      it(`refuses a session without ${lacking}()`, async () => {
        const call = (callback: () => void) => callback();
        const session = { id: 'sid', regenerate: call, save: call, [lacking]: undefined };
        await assert.rejects(
          async () => method({ headers: {}, session, sessionID: 'sid' }),
          isConfigurationError('session_in_browser', /kept in the browser/),
        );
      });
    }
  });
}

describe('SessionTransactionStore, with a session of another kind', () => {
  /** As @fastify/session's: the id is on the session. */
  function fastify(idName: 'id' | 'sessionId', regenerates = true) {
    const req: FakeRequest = { headers: {} };
    let count = 0;
    const open = () => {
      count += 1;
      req.session = Object.defineProperties(
        {},
        {
          [idName]: { value: `sid-${count}` },
          regenerate: {
            value: (callback: () => void) => {
              if (regenerates) open();
              callback();
            },
          },
          save: { value: (callback: () => void) => callback() },
        },
      );
    };
    open();
    return req;
  }

  for (const idName of ['id', 'sessionId'] as const) {
    it(`takes one whose id is session.${idName}`, async () => {
      const req = fastify(idName);
      await store.create(asRequest(req), TRANSACTION);
      assert.equal(req.session?.[idName], 'sid-2');
      assert.deepEqual(await store.read(asRequest(req)), TRANSACTION);
    });
  }

  it('refuses one that keeps its id when it is regenerated, and leaves no transaction in it', async () => {
    const req = fastify('id', false);
    await assert.rejects(
      store.create(asRequest(req), TRANSACTION),
      isConfigurationError('session_in_browser', /did not change the session id/),
    );
    assert.equal(KEY in (req.session ?? {}), false);
  });
});

describe('SessionTransactionStore, when the store behind the session fails', () => {
  const FAILURE = new Error('ECONNRESET');

  it('gives the error of regenerate, and leaves no transaction anywhere', async () => {
    const req = browser.request();
    browser.fail('regenerate', FAILURE);
    await assert.rejects(store.create(asRequest(req), TRANSACTION), FAILURE);
    assert.equal(KEY in (req.session ?? {}), false);
    assert.deepEqual(req.session?.['cart'], ['book'], 'the other keys are still there');
  });

  it('keeps no older transaction when regenerate fails on create', async () => {
    const req = browser.request();
    (req.session as Record<string, unknown>)[KEY] = { ...TRANSACTION, id: 'older' };
    browser.fail('regenerate', FAILURE);
    await assert.rejects(store.create(asRequest(req), TRANSACTION), FAILURE);
    assert.equal(KEY in (req.session ?? {}), false);
  });

  it('gives the error of save on create, and takes the transaction out again', async () => {
    const req = browser.request();
    browser.fail('save', FAILURE);
    await assert.rejects(store.create(asRequest(req), TRANSACTION), FAILURE);
    assert.equal(KEY in (req.session ?? {}), false);
    assert.deepEqual(req.session?.['cart'], ['book']);
  });

  it('gives the error of the store on read', async () => {
    browser.fail('get', FAILURE);
    await assert.rejects(store.read(asRequest(browser.request())), FAILURE);
  });

  it('gives the error of save on update and on remove', async () => {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    browser.fail('save', FAILURE);
    await assert.rejects(store.update(asRequest(browser.request()), TRANSACTION), FAILURE);
    await assert.rejects(store.remove(asRequest(browser.request())), FAILURE);
  });

  it('does not print what is thrown instead of an Error', async () => {
    browser.fail('save', { args: [TRANSACTION] });
    await assert.rejects(store.create(asRequest(browser.request()), TRANSACTION), {
      message: 'The session store failed',
    });
  });

  it('takes a throw of the session for a failure', async () => {
    const req = browser.request();
    const save = () => {
      throw FAILURE;
    };
    Object.defineProperty(req.session, 'save', { value: save });
    await assert.rejects(store.update(asRequest(req), TRANSACTION), FAILURE);
  });
});

describe("Before Passport's logIn()", () => {
  interface Session {
    [key: string]: unknown;
    regenerate(callback: (error?: Error) => void): unknown;
    save(callback: (error?: Error) => void): unknown;
  }
  const sessionOf = (req: FakeRequest) => req.session as unknown as Session;
  const call = (req: FakeRequest, method: 'regenerate' | 'save') =>
    new Promise<void>((resolve, reject) => {
      sessionOf(req)[method]((error) => (error ? reject(error) : resolve()));
    });
  let req: FakeRequest;
  let before: string;
  beforeEach(async () => {
    const first = browser.request();
    await store.create(asRequest(first), TRANSACTION);
    browser.keep(first);
    before = browser.sid();
    browser.log.length = 0;
    req = browser.request();
    Object.assign(sessionOf(req), { passport: { user: 'u1' } });
    Object.assign(sessionOf(req)['cookie'] as object, { maxAge: 1000 });
    await store.removeBeforeLogin(asRequest(req));
  });

  it('the transaction goes with its session, and all else comes along under another id', () => {
    assert.equal(browser.store.has(before), false);
    assert.notEqual(req.sessionID, before);
    assert.deepEqual(
      { ...sessionOf(req) },
      { cart: ['book'], passport: { user: 'u1' }, cookie: { path: '/', maxAge: 1000 } },
    );
    assert.deepEqual(browser.log, ['regenerate']);
  });

  it('the next session costs the store nothing, and the one after it does', async () => {
    await call(req, 'regenerate');
    assert.deepEqual(Object.keys(sessionOf(req)), ['cookie']);
    assert.deepEqual(browser.log, ['regenerate', 'generate']);
    await call(req, 'regenerate');
    assert.deepEqual(browser.log, ['regenerate', 'generate', 'regenerate']);
  });

  it('a session that the app has saved is destroyed as ever', async () => {
    await call(req, 'save');
    const saved = req.sessionID ?? '';
    assert.ok(browser.store.has(saved));
    await call(req, 'regenerate');
    assert.equal(browser.store.has(saved), false);
    assert.deepEqual(browser.log, ['regenerate', 'save', 'regenerate']);
  });

  it('it is removed in place where the store cannot make a session', async () => {
    const late = browser.request();
    await store.create(asRequest(late), TRANSACTION);
    browser.keep(late);
    const plain = browser.request();
    Object.assign(plain.sessionStore ?? assert.fail(), { generate: undefined });
    await store.removeBeforeLogin(asRequest(plain));
    assert.equal(plain.sessionID, browser.sid());
    assert.equal(KEY in browser.saved(), false);
  });

  it('the error of the store is given, and nothing of the transaction is left on the request', async () => {
    const late = browser.request();
    await store.create(asRequest(late), TRANSACTION);
    browser.keep(late);
    const failing = browser.request();
    browser.fail('regenerate');
    await assert.rejects(store.removeBeforeLogin(asRequest(failing)), /ECONNRESET/);
    assert.equal(KEY in sessionOf(failing), false);
  });
});

describe('A session without an id on the server', () => {
  for (const id of ['', 7, {}]) {
    it(`is refused when its id is ${JSON.stringify(id)}`, async () => {
      const req = browser.request();
      Object.assign(req, { sessionID: id });
      await assert.rejects(
        store.read(asRequest(req)),
        isConfigurationError('session_in_browser', /express-session/),
      );
    });
  }
});
