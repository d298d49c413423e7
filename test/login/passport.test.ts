import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { describe, it } from 'node:test';
import express, { type RequestHandler } from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy } from 'passport-strategy';
import type { Okta, User } from '../../example/okta/index.js';
import { OktaDirectMfaStrategy } from '../../lib/index.js';
import {
  Browser,
  finishLogin,
  gate,
  hold,
  listen,
  optionsFor,
  OTP_STEP,
  PASSWORD_STEP,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  soon,
  useOkta,
  watchTokenRequests,
  whoIs,
  type Teardown,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started));

describe("Passport's own answer to a fail", () => {
  it('has the status of the code, and nothing of the info', async (t) => {
    const { app, browser, user } = await scene(t, { style: 'plain' });
    const answers: [number, Promise<{ status: number; text: string }>][] = [
      [400, browser.post('/login', { json: {} })],
      [401, sendPassword(browser.fork(), { ...user, password: 'wrong horse' })],
      [401, sendOtp(browser.fork(), '123456')],
      [403, sendPassword(browser, user)],
    ];
    for (const [status, answer] of answers) {
      const { status: got, text } = await answer;
      assert.deepEqual([got, text], [status, STATUS_CODES[status]]);
    }
    okta.respondNext({ status: 429, body: {} }, OTP_STEP);
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 429);
    assert.equal(app.passed.length, 0);
  });

  it('is a redirect with failureRedirect, and failureMessage keeps the text', async (t) => {
    const { app, browser, user } = await scene(t, {
      options: { mfaRedirect: '/login/otp' },
      style: 'plain',
      authenticateOptions: {
        failureRedirect: '/login?failed',
        failureMessage: true,
        successRedirect: '/profile',
      },
    });
    const { username, password } = user;
    const send = async (form: Record<string, string>) => {
      const { status, location } = await browser.post('/login', { form });
      return [status, location];
    };
    assert.deepEqual(await send({ username, password: 'wrong horse' }), [302, '/login?failed']);
    assert.deepEqual(app.store.content(browser.sessionID)?.['messages'], [
      'The username or password is wrong.',
    ]);
    assert.deepEqual(await send({ username, password }), [302, '/login/otp']);
    assert.deepEqual(await send({ otp: okta.wrongOtp(user) }), [302, '/login?failed']);
    assert.deepEqual(await send({ otp: okta.otp(user) }), [302, '/profile']);
    assert.equal(await whoIs(browser), user.id);
  });

  it('is an AuthenticationError with failWithError', async (t) => {
    const authenticateOptions = { failWithError: true };
    const { browser } = await scene(t, { style: 'plain', authenticateOptions });
    const answer = await sendOtp(browser, '123456');
    assert.deepEqual([answer.status, answer.body['name']], [401, 'AuthenticationError']);
  });
});

it('session: false logs in for the one request, and keeps the transaction in the session', async (t) => {
  const { app, browser, user } = await sceneAtPasscode(t, {
    style: 'plain',
    authenticateOptions: { session: false },
  });
  const answer = await sendOtp(browser, okta.otp(user));
  assert.deepEqual(answer.body, { user: { id: user.id, username: user.username } });
  assert.equal(app.store.waiting(browser.sessionID), undefined);
  assert.equal(await whoIs(browser), undefined);
});

it('what verify gives as info becomes req.authInfo', async (t) => {
  const { app, browser, user } = await sceneAtPasscode(t, {
    style: 'plain',
    verify: ({ profile }, done) => done(null, { id: profile.id }, { scope: 'read' }),
  });
  await sendOtp(browser, okta.otp(user));
  assert.deepEqual(app.passed[0]?.authInfo, { scope: 'read' });
});

it('nothing gets past passport.authenticate() without a user: pass() is never called', async (t) => {
  const { app, browser, user } = await scene(t, { style: 'plain', user: { mfa: false } });
  const requests: Parameters<Browser['post']>[1][] = [
    {},
    { json: {} },
    { json: [] },
    { json: { otp: '123456' } },
    { json: { otp: null } },
    { json: { username: null, password: null } },
    { json: { username: user.username, password: 'wrong horse' } },
    { json: { username: user.username, password: user.password } },
    { form: { otp: '' } },
    { form: { password: '' } },
    { form: { username: 'alice' }, headers: { 'content-type': 'multipart/form-data' } },
  ];
  for (const request of requests) {
    const { status } = await browser.post('/login', request);
    assert.ok(status >= 400, `${JSON.stringify(request)} was answered with ${status}`);
  }
  assert.deepEqual(app.passed, []);
  assert.ok(app.actions.every(({ name }) => name !== 'pass' && name !== 'success'));
  assert.equal(app.actions.length, requests.length);
});

it('every request of a whole login ends in exactly one action', async (t) => {
  const { app, browser, user } = await scene(t, { style: 'plain' });
  await sendPassword(browser, { ...user, password: 'wrong horse' });
  await sendPassword(browser, user);
  await sendOtp(browser, okta.wrongOtp(user));
  await finishLogin(browser, okta, user);
  assert.deepEqual(
    app.actions.map(({ name }) => name),
    ['fail', 'fail', 'fail', 'success'],
  );
  assert.equal(new Set(app.actions.map(({ req }) => req)).size, 4);
});

it('a process does not end because the app has answered by itself when the redirect comes', async (t) => {
  const unhandled: unknown[] = [];
  const listeners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => unhandled.push(reason));
  t.after(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of listeners) process.on('unhandledRejection', listener);
  });
  const acted = gate();
  // As a timeout middleware does.
  let giveUp: () => void = () => undefined;
  const { browser, user } = await scene(t, {
    options: { mfaRedirect: '/login/otp' },
    style: 'plain',
    onAction: () => acted.open(),
    before(_req, res, next) {
      giveUp = () => res.status(503).end();
      next();
    },
  });
  const held = hold(okta, PASSWORD_STEP);
  const answer = sendPassword(browser, user);
  await held.arrived();
  giveUp();
  assert.equal((await answer).status, 503);
  held.letGo();
  await soon('the action', acted.opened);
  // Unhandled rejections are told when the microtasks are done.
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(unhandled, []);
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
async function startChain(t: Teardown, user: User, chain: string[]): Promise<string> {
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
      res.json({ user: req.user });
    },
  );
  return listen(t, app);
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
