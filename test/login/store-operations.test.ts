/** What each step of a login asks of the session store, beside the same request without this package. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it, type TestContext } from 'node:test';
import type { RequestHandler } from 'express';
import type passport from 'passport';
import { Strategy } from 'passport-strategy';
import type { Okta } from '../../example/okta/index.js';
import {
  choose,
  codeOf,
  FACTORS,
  finishLogin,
  poll,
  scene,
  sceneAtChoice,
  sceneAtPasscode,
  sceneAtPush,
  sendOtp,
  sendPassword,
  useOkta,
  whoIs,
  type App,
  type SceneOptions,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started), { rateLimitPerSecond: Infinity });

/** The operations of the requests in `run`, in order, the session middleware's own included. */
async function operations({ store }: App, run: () => Promise<unknown>): Promise<string> {
  const seen: string[] = [];
  store.before = (operation) => void seen.push(operation);
  await run();
  store.before = () => undefined;
  return seen.join(' ');
}

/** A strategy that asks nobody: what a login costs without this package. */
class Alone extends Strategy {
  override authenticate(this: Alone & { success(user: object): void }): void {
    this.success({ id: 'ada' });
  }
}

function withAlone(): SceneOptions {
  let authenticator: passport.Authenticator;
  const handle: RequestHandler = (req, res, next) => {
    if (req.path !== '/alone') return next();
    const authenticate = authenticator.authenticate(new Alone()) as RequestHandler;
    void authenticate(req, res, () => res.json({}));
  };
  return { prepare: (given) => (authenticator = given), withSession: handle };
}

const BEFORE = 'get';
/** The last is express-session's, which does not know of a save after a regeneration. */
const LOGIN = 'destroy set set';

describe('The session store is asked', () => {
  let set: Awaited<ReturnType<typeof scene>>;
  const begin = async (t: TestContext, given: SceneOptions = {}) => {
    set = await scene(t, { ...withAlone(), ...given });
    await set.browser.post('/cart');
  };
  const asked = (run: () => Promise<unknown>) => operations(set.app, run);
  beforeEach(() => (okta.requests.length = 0));

  it('by Passport alone: to end the session, and to save the next one', async (t) => {
    await begin(t);
    assert.equal(await asked(() => set.browser.post('/alone')), `${BEFORE} ${LOGIN}`);
  });

  for (const style of ['plain', 'callback'] as const) {
    it(`once more by each step of a login, style ${style}`, async (t) => {
      await begin(t, { style });
      const { app, browser, user } = set;
      assert.equal(await asked(() => sendPassword(browser, user)), `${BEFORE} get ${LOGIN}`);
      const waiting = browser.sessionID;
      assert.equal(await asked(() => sendOtp(browser, okta.otp(user))), `${BEFORE} get ${LOGIN}`);
      assert.equal(await whoIs(browser), user.id);
      assert.deepEqual(Object.keys(app.store.sessions), [browser.sessionID]);
      assert.notEqual(browser.sessionID, waiting);
    });
  }

  it('not at all before a wrong password is known, then once', async (t) => {
    await begin(t);
    const wrong = { ...set.user, password: 'wrong horse' };
    assert.equal(await asked(() => sendPassword(set.browser, wrong)), `${BEFORE} get`);
  });

  it('by a wrong passcode to count it', async (t) => {
    set = await sceneAtPasscode(t);
    const { browser, user } = set;
    assert.equal(await asked(() => sendOtp(browser, okta.wrongOtp(user))), `${BEFORE} get set`);
    await finishLogin(browser, okta, user);
  });

  it('by a choice before the push is sent, and to keep it; not by a poll that waits', async (t) => {
    set = await sceneAtChoice(t);
    const { browser } = set;
    let id: unknown;
    const push = async () => (id = (await choose(browser, 'push')).body['challenge']);
    assert.equal(await asked(push), `${BEFORE} get get set`);
    for (const what of ['at Okta', 'too early']) {
      const pending = async () =>
        assert.equal(codeOf(await poll(browser, id)), 'authorization_pending', what);
      assert.equal(await asked(pending), BEFORE, what);
    }
    assert.equal(okta.requests.filter(({ form }) => form['oob_code'] !== undefined).length, 1);
  });

  it('by an approved push once before verify and once after it', async (t) => {
    const { app, browser, user, id } = await sceneAtPush(t);
    okta.phone(user).approve();
    assert.equal(await operations(app, () => poll(browser, id)), `${BEFORE} get get ${LOGIN}`);
    assert.equal(await whoIs(browser), user.id);
  });

  it('by a code that was sent as by a push', async (t) => {
    const { app, browser, user } = await sceneAtChoice(t);
    await choose(browser, 'sms');
    const code = okta.phone(user).code('sms');
    assert.equal(await operations(app, () => sendOtp(browser, code)), `${BEFORE} get get ${LOGIN}`);
    assert.equal(await whoIs(browser), user.id);
  });

  it('to remove the transaction where no login to a session follows', async (t) => {
    const options = { factors: FACTORS };
    set = await sceneAtPasscode(t, {
      options,
      style: 'plain',
      authenticateOptions: { session: false },
    });
    const { app, browser, user } = set;
    const id = browser.sessionID;
    assert.equal(await asked(() => sendOtp(browser, okta.otp(user))), `${BEFORE} get set`);
    assert.deepEqual([browser.sessionID, app.store.waiting(id)], [id, undefined]);
  });
});
