import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { describe, it } from 'node:test';
import type { Okta } from '../../example/okta/index.js';
import { startApp, type AppOptions } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { finishLogin, optionsFor, sendOtp, sendPassword, whoIs } from '../support/login.js';
import { hold, OTP_STEP, PASSWORD_STEP, useOkta } from '../support/okta.js';
import { gate, soon } from '../support/promises.js';

let okta: Okta;
useOkta((started) => (okta = started));

describe("Passport's own answer to a fail", () => {
  it('has the status of the code, and nothing of the info', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta), style: 'plain' });
    const browser = new Browser(app.url);
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
    const user = okta.addUser();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { mfaRedirect: '/login/otp' }),
      style: 'plain',
      authenticateOptions: {
        failureRedirect: '/login?failed',
        failureMessage: true,
        successRedirect: '/profile',
      },
    });
    const browser = new Browser(app.url);
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
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta),
      style: 'plain',
      authenticateOptions: { failWithError: true },
    });
    const answer = await sendOtp(new Browser(app.url), '123456');
    assert.deepEqual([answer.status, answer.body['name']], [401, 'AuthenticationError']);
  });
});

it('session: false logs in for the one request, and keeps the waiting login in the session', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, {
    strategyOptions: optionsFor(okta),
    style: 'plain',
    authenticateOptions: { session: false },
  });
  const browser = new Browser(app.url);
  assert.equal((await sendPassword(browser, user)).status, 403);
  assert.ok(app.store.waiting(browser.sessionID));
  const answer = await sendOtp(browser, okta.otp(user));
  assert.deepEqual(answer.body, { user: { id: user.id, username: user.username } });
  assert.equal(app.store.waiting(browser.sessionID), undefined);
  assert.equal(await whoIs(browser), undefined);
});

it('what verify gives as info becomes req.authInfo', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, {
    strategyOptions: optionsFor(okta),
    style: 'plain',
    verify: ({ profile }, done) => done(null, { id: profile.id }, { scope: 'read' }),
  });
  const browser = new Browser(app.url);
  await sendPassword(browser, user);
  await sendOtp(browser, okta.otp(user));
  assert.deepEqual(app.passed[0]?.authInfo, { scope: 'read' });
});

it('nothing gets past passport.authenticate() without a user: pass() is never called', async (t) => {
  const user = okta.addUser({ mfa: false });
  const app = await startApp(t, { strategyOptions: optionsFor(okta), style: 'plain' });
  const browser = new Browser(app.url);
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
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta), style: 'plain' });
  const browser = new Browser(app.url);
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

describe('A process does not end because', () => {
  /** Runs a login whose answer the app has spoilt, and tells what went unhandled meanwhile. */
  async function unhandledIn(
    t: { after(fn: () => unknown): void },
    options: Partial<AppOptions>,
    login: (browser: Browser) => Promise<unknown>,
  ): Promise<unknown[]> {
    const unhandled: unknown[] = [];
    const listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => unhandled.push(reason));
    t.after(() => {
      process.removeAllListeners('unhandledRejection');
      for (const listener of listeners) process.on('unhandledRejection', listener);
    });
    const acted = gate();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { mfaRedirect: '/login/otp' }),
      style: 'plain',
      onAction: () => acted.open(),
      ...options,
    });
    await login(new Browser(app.url));
    await soon('the action', acted.opened);
    // Unhandled rejections are told when the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    return unhandled;
  }

  it('the app has answered by itself when the redirect comes, as a timeout middleware does', async (t) => {
    const user = okta.addUser();
    const held = hold(okta, PASSWORD_STEP);
    let giveUp: () => void = () => undefined;
    const unhandled = await unhandledIn(
      t,
      {
        before(_req, res, next) {
          giveUp = () => res.status(503).end();
          next();
        },
      },
      async (browser) => {
        const answer = sendPassword(browser, user);
        await held.arrived();
        giveUp();
        assert.equal((await answer).status, 503);
        held.letGo();
      },
    );
    assert.deepEqual(unhandled, []);
  });
});
