import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Okta } from '../../../example/okta/index.js';
import { startApp } from '../../support/app.js';
import { Browser } from '../../support/browser.js';
import {
  finishLogin,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
} from '../../support/login.js';
import { OTP_STEP, PASSWORD_STEP, useOkta, watchTokenRequests } from '../../support/okta.js';
import { actionCounts, keptConnections } from './support.js';

/** The clock of Okta's rate limit and passcodes stands still: all that follows is one second. */
let now = Date.now();
let okta: Okta;
useOkta((started) => (okta = started), { now: () => now });

const cookieOf = (browser: Browser) =>
  [...browser.cookies].map((pair) => pair.join('=')).join('; ');
const count = <T>(values: T[], value: T) => values.filter((one) => one === value).length;

describe('Guessing the passcode in one session', () => {
  for (const [connections, resave] of [
    [1, false],
    [3, true],
    [100, true],
  ] as const) {
    it(`a hundred at once over ${connections} kept connections, the right one last, resave ${resave}`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta), session: { resave } });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      const cookie = cookieOf(browser);
      const post = keptConnections(t, connections);
      const posts = watchTokenRequests(okta);

      const wrong = okta.wrongOtp(user);
      const guesses = Array.from({ length: 99 }, (_, index) =>
        // Different ones, as somebody who guesses would send.
        String((Number(wrong) + 7 * index) % 1_000_000).padStart(6, '0'),
      ).filter((guess) => guess !== okta.otp(user));
      const answers = await Promise.all(
        [...guesses, okta.otp(user)].map((otp) => post(`${app.url}/login`, cookie, { otp })),
      );

      const codes = answers.map(({ body }) => body['code']);
      assert.ok(posts().length <= 5, `${posts().length} guesses reached Okta`);
      assert.equal(count(codes, 'otp_attempts_exceeded'), 1);
      assert.equal(count(codes, 'invalid_otp'), 4);
      assert.equal(app.logins.length, 0);
      assert.ok(actionCounts(app).every((actions) => actions === 1));
      assert.ok(!app.store.text.includes('mfaToken'), 'the waiting login is still there');
    });
  }

  it('an unreachable Okta, a 429 and unreadable answers in between give no further guesses', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { maxOtpAttempts: 3 }),
    });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const codes: unknown[] = [];
    const guess = async () => {
      codes.push((await sendOtp(browser, okta.wrongOtp(user))).body['code']);
    };
    for (const answer of ['reset', { status: 429 }, { status: 400, body: 'x' }] as const) {
      okta.respondNext(answer, OTP_STEP);
      await guess();
      await guess();
    }
    await guess();
    assert.deepEqual(codes, [
      ...['okta_unreachable', 'invalid_otp'],
      ...['rate_limited', 'invalid_otp'],
      ...['invalid_response', 'otp_attempts_exceeded'],
      'mfa_transaction_missing',
    ]);
  });

  it('the password again is the price of five more, and Okta sees each of them', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    const posts = watchTokenRequests(okta);
    for (let round = 0; round < 3; round++) {
      await passPassword(browser, user);
      for (let guess = 0; guess < 7; guess++) await sendOtp(browser, okta.wrongOtp(user));
    }
    const grants = posts().map(({ form }) => form['grant_type']);
    assert.equal(count(grants, 'password'), 3);
    assert.equal(grants.length, 3 + 3 * 5);
  });
});

describe('Guessing over many sessions for one username', () => {
  it('each needs the password, and the limit is that of Okta: four passwords a second', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const posts = watchTokenRequests(okta);
    const browsers = Array.from({ length: 20 }, () => new Browser(app.url));
    const passwords = await Promise.all(browsers.map((browser) => sendPassword(browser, user)));
    const codes = passwords.map(({ body }) => body['code']);
    assert.equal(count(codes, 'mfa_required'), 4);
    assert.equal(count(codes, 'rate_limited'), 16);

    await Promise.all(
      browsers.flatMap((browser) =>
        Array.from({ length: 10 }, () => sendOtp(browser.fork(), okta.wrongOtp(user))),
      ),
    );
    const otps = posts().filter(({ form }) => form['grant_type'] !== 'password');
    // Five for each of the four: no more than the strategy allows a session, times Okta's limit.
    assert.equal(otps.length, 20);
    assert.equal(app.logins.length, 0);

    now += 31_000;
    await passPassword(browsers[0]!, user);
    await finishLogin(browsers[0]!, okta, user);
  });

  it('without the password there is nothing to guess for: no passcode leaves', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const posts = watchTokenRequests(okta);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        new Browser(app.url).post('/login', {
          json: { username: user.username, otp: String(100_000 + index) },
        }),
      ),
    );
    assert.ok(answers.every(({ body }) => body['code'] === 'mfa_transaction_missing'));
    assert.equal(posts().length, 0);
  });
});

describe('Guessing the password', () => {
  it('the strategy adds no limit of its own: Okta, and the app, have to', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const posts = watchTokenRequests(okta);
    const browser = new Browser(app.url);
    const codes: unknown[] = [];
    for (let guess = 0; guess < 10; guess++) {
      codes.push(
        (await sendPassword(browser, { ...user, password: `Guess-Number-${guess}` })).body['code'],
      );
    }
    assert.equal(posts().length, 10);
    assert.equal(count(codes, 'invalid_credentials'), 4);
    assert.equal(count(codes, 'rate_limited'), 6);
  });

  it('a wrong password ends the login that waited: it cannot be used to keep one alive', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    await sendPassword(browser, { ...user, password: 'Quite-Wrong-99' });
    const answer = await sendOtp(browser, okta.otp(user));
    assert.equal(answer.body['code'], 'mfa_transaction_missing');
  });

  it('the answers to a known and an unknown name are the same, byte for byte but the date', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const shown = async (username: string) => {
      const { status, headers, text } = await new Browser(app.url).post('/login', {
        json: { username, password: 'Quite-Wrong-99' },
      });
      return { status, headers: { ...headers, date: '' }, text };
    };
    assert.deepEqual(await shown(user.username), await shown('nobody@example.com'));
    okta.respondNext({ status: 403, body: { error: 'invalid_grant' } }, PASSWORD_STEP);
    assert.deepEqual(await shown(user.username), await shown('nobody@example.com'));
  });
});
