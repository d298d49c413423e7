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
  it('finds nothing in a session that has nothing', () => {
    assert.equal(store.read(asRequest(browser.request())), undefined);
  });

  it('finds in the next request what was created, once it is saved', async () => {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    assert.deepEqual(browser.saved()[KEY], TRANSACTION);
    assert.deepEqual(store.read(asRequest(browser.request())), TRANSACTION);
  });

  it("changes the session's id on create, and the old one leads to nothing", async () => {
    const before = browser.sid();
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    assert.notEqual(req.sessionID, before);
    assert.equal(browser.store.has(before), false);
    assert.deepEqual(browser.log, ['regenerate', 'save']);
  });

  it("keeps the session's other keys on create, but not the old cookie object", async () => {
    const req = browser.request();
    const { cookie } = req.session ?? {};
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    const { cart, passport } = browser.saved();
    assert.deepEqual([cart, passport], [['book'], { user: 'u0' }]);
    assert.notEqual(req.session?.['cookie'], cookie);
  });

  it('replaces an earlier transaction', async () => {
    const first = browser.request();
    await store.create(asRequest(first), TRANSACTION);
    browser.keep(first);
    const second = browser.request();
    await store.create(asRequest(second), { ...TRANSACTION, id: 'id-2' });
    browser.keep(second);
    assert.equal(store.read(asRequest(browser.request()))?.id, 'id-2');
  });

  it('saves an update under the same session id', async () => {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    const next = browser.request();
    await store.update(asRequest(next), { ...TRANSACTION, attempts: 1 });
    assert.equal(next.sessionID, browser.sid());
    assert.equal(store.read(asRequest(browser.request()))?.attempts, 1);
  });

  it('removes the transaction, and only it, and saves', async () => {
    const req = browser.request();
    await store.create(asRequest(req), TRANSACTION);
    browser.keep(req);
    await store.remove(asRequest(browser.request()));
    assert.equal(KEY in browser.saved(), false);
    assert.deepEqual(browser.saved()['cart'], ['book']);
  });

  it('saves nothing when there is nothing to remove', async () => {
    await store.remove(asRequest(browser.request()));
    assert.deepEqual(browser.log, []);
  });

  it('removes garbage too', async () => {
    const own = createBrowser({ [KEY]: 'garbage' });
    await store.remove(asRequest(own.request()));
    assert.equal(KEY in own.saved(), false);
  });

  it('reads only what the session itself has', () => {
    const req = browser.request();
    Object.setPrototypeOf(Object.getPrototypeOf(req.session) as object, { inherited: TRANSACTION });
    assert.equal(new SessionTransactionStore('inherited').read(asRequest(req)), undefined);
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
      assert.deepEqual(store.read(asRequest(req)), TRANSACTION);
    });
  }

  it('refuses one that keeps its id when it is regenerated, and leaves no transaction in it', async () => {
    const req = fastify('id', false);
    await assert.rejects(
      store.create(asRequest(req), TRANSACTION),
      isConfigurationError('session_in_browser', /left the session its id/),
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

describe('A session without an id on the server', () => {
  for (const id of ['', 7, {}]) {
    it(`is refused when its id is ${JSON.stringify(id)}`, () => {
      const req = browser.request();
      Object.assign(req, { sessionID: id });
      assert.throws(
        () => store.read(asRequest(req)),
        isConfigurationError('session_in_browser', /express-session/),
      );
    });
  }
});
