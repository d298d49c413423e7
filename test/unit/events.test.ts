import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { startOkta, type Okta, type User } from '../../example/okta/index.js';
import { OUTCOME_CHANNEL, type OutcomeEvent } from '../../lib/index.js';
import { startApp, type AppOptions } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { logIn, optionsFor, passPassword, sendOtp, sendPassword } from '../support/login.js';

describe('the outcome events', () => {
  let okta: Okta;
  let user: User;
  let events: OutcomeEvent[];
  const note = (event: unknown) => events.push(event as OutcomeEvent);

  before(async () => (okta = await startOkta({ record: true })));
  after(() => okta.close());
  beforeEach(() => {
    events = [];
    user = okta.addUser();
    subscribe(OUTCOME_CHANNEL, note);
  });
  afterEach(() => {
    unsubscribe(OUTCOME_CHANNEL, note);
    for (const event of events) {
      const printed = inspect(event, { depth: 4 }) + JSON.stringify(event);
      for (const secret of [user.password, okta.wrongOtp(user), 'mfaToken', 'access_token']) {
        assert.ok(!printed.includes(secret), printed);
      }
    }
  });

  const start = (t: Parameters<typeof startApp>[0], given: Partial<AppOptions> = {}) =>
    startApp(t, { strategyOptions: optionsFor(okta), ...given });
  const told = () =>
    events.map(({ outcome, step, code, authenticated, username }) =>
      [outcome, step, code ?? '-', authenticated ? 'in' : 'out', username ?? '-'].join(' '),
    );

  it('tell of both steps of a login, with who, where, when and how long', async (t) => {
    const app = await start(t);
    const before = performance.now();
    await logIn(new Browser(app.url), okta, user);
    const whole = performance.now() - before;
    assert.deepEqual(told(), [
      `password_accepted password - out ${user.username}`,
      `otp_accepted otp - in ${user.username}`,
    ]);
    for (const [index, event] of events.entries()) {
      assert.equal(event.request, app.entered[index]);
      assert.equal(event.issuer, okta.issuers.org);
      assert.equal(event.clientID, okta.clients.native.client_id);
      assert.ok(event.duration > 0 && event.duration < whole);
    }
  });

  it('are on a channel whose name apps may write out', () => {
    assert.equal(OUTCOME_CHANNEL, 'passport-okta-direct-mfa:outcome');
  });

  it('come before Passport acts', async (t) => {
    const seen: number[] = [];
    const app = await start(t, { onAction: () => seen.push(events.length) });
    await logIn(new Browser(app.url), okta, user);
    assert.deepEqual(seen, [1, 2]);
  });

  it('tell of a redirect as of an accepted password', async (t) => {
    const strategyOptions = optionsFor(okta, { mfaRedirect: '/otp' });
    const app = await start(t, { strategyOptions });
    await sendPassword(new Browser(app.url), user);
    assert.deepEqual(told(), [`password_accepted password - out ${user.username}`]);
  });

  it('tell what a person got wrong', async (t) => {
    const strategyOptions = optionsFor(okta, { maxOtpAttempts: 2 });
    const app = await start(t, { strategyOptions });
    const browser = new Browser(app.url);
    await browser.post('/login', { json: {} });
    await browser.post('/login', { json: { username: user.username, password: 'wrong' } });
    await passPassword(browser, user);
    await sendOtp(browser, okta.wrongOtp(user));
    await sendOtp(browser, okta.wrongOtp(user));
    await sendOtp(browser, okta.wrongOtp(user));
    assert.deepEqual(told(), [
      'password_refused none missing_credentials out -',
      `password_refused password invalid_credentials out ${user.username}`,
      `password_accepted password - out ${user.username}`,
      `otp_refused otp invalid_otp out ${user.username}`,
      `otp_refused otp otp_attempts_exceeded out ${user.username}`,
      'otp_refused otp mfa_transaction_missing out -',
    ]);
  });

  it('tell of a passcode that comes too late', async (t) => {
    const app = await start(t);
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    okta.respondNext({
      status: 400,
      body: { error: 'access_denied', error_description: 'The mfa_token has expired.' },
    });
    await sendOtp(browser, '123123');
    assert.deepEqual(told().slice(1), [
      `otp_expired otp mfa_transaction_expired out ${user.username}`,
    ]);
  });

  it("tell of Okta's rate limit and of Okta failing", async (t) => {
    const app = await start(t);
    const browser = new Browser(app.url);
    okta.respondNext({ status: 429, body: {} }, { endpoint: 'token' });
    await sendPassword(browser, user);
    okta.respondNext({ status: 500, body: 'oops' }, { endpoint: 'token' });
    await sendPassword(browser, user);
    assert.deepEqual(told(), [
      `rate_limited password rate_limited out ${user.username}`,
      `okta_failed password okta_error out ${user.username}`,
    ]);
  });

  it('tell when it is the app that fails or refuses', async (t) => {
    const failing = await start(t, {
      verify: () => {
        throw new Error('the database is away');
      },
    });
    const browser = new Browser(failing.url);
    await passPassword(browser, user);
    await sendOtp(browser, okta.otp(user));
    const other = okta.addUser();
    const refusing = await start(t, { verify: (_login, done) => done(null, false, 'not today') });
    const second = new Browser(refusing.url);
    await passPassword(second, other);
    await sendOtp(second, okta.otp(other));
    const without = await start(t, { session: false });
    await sendPassword(new Browser(without.url), user);
    assert.deepEqual(told(), [
      `password_accepted password - out ${user.username}`,
      `app_failed otp - out ${user.username}`,
      `password_accepted password - out ${other.username}`,
      `otp_refused otp verify_refused out ${other.username}`,
      `app_failed password session_missing out ${user.username}`,
    ]);
  });

  it('tell of a login by password alone', async (t) => {
    const alone = okta.addUser({ mfa: false });
    const strategyOptions = optionsFor(okta, { requireMfa: false });
    const app = await start(t, { strategyOptions });
    await sendPassword(new Browser(app.url), alone);
    const refusing = await start(t);
    await sendPassword(new Browser(refusing.url), alone);
    assert.deepEqual(told(), [
      `password_accepted password - in ${alone.username}`,
      `password_refused password mfa_not_enforced out ${alone.username}`,
    ]);
  });
});
