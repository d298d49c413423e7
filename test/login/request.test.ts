import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Request } from 'express';
import type { Okta } from '../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { Browser, type Answer } from '../support/browser.js';
import {
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  whoIs,
} from '../support/login.js';
import { useOkta, watchAllRequests, watchTokenRequests } from '../support/okta.js';

let okta: Okta;
useOkta((started) => (okta = started));

const long = (length: number) => 'x'.repeat(length);

describe('A field that cannot be used is missing_credentials, with nothing sent or changed:', () => {
  const bodies: Record<string, object> = {
    'no field at all': {},
    'only a username': { username: 'alice' },
    'an array as the body': ['username', 'password'],
    'no username': { password: 'secret word' },
    'a blank username': { username: '  ', password: 'secret word' },
    'an empty password': { username: 'alice', password: '' },
    'a blank password beside a passcode': { username: 'alice', password: ' ', otp: '123456' },
    'a username of 257 characters': { username: long(257), password: 'secret word' },
    'a password of 1025 characters': { username: 'alice', password: long(1025) },
    'a passcode of 65 characters': { otp: long(65) },
    'an empty passcode': { otp: '' },
    'a passcode of spaces': { otp: '\t\n ' },
    'the names of fields in another case': { Username: 'alice', Password: 'secret word', OTP: '1' },
    'fields on the prototype': JSON.parse(
      '{"__proto__":{"username":"alice","password":"secret word","otp":"123456"}}',
    ) as object,
  };
  for (const field of ['username', 'password', 'otp']) {
    for (const value of [null, true, 123456, ['123456'], { $gt: '' }, [], {}]) {
      bodies[`${JSON.stringify(value)} as the ${field}`] =
        field === 'otp'
          ? { otp: value }
          : { username: 'alice', password: 'secret word', [field]: value };
    }
  }
  for (const [name, json] of Object.entries(bodies)) {
    it(name, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      const { store, errors } = app;
      const before = store.content(browser.sessionID);

      const posts = watchTokenRequests(okta);
      const answer = await browser.post('/login', { json });
      assert.deepEqual([answer.status, answer.body['code']], [400, 'missing_credentials']);
      assert.equal(posts().length, 0);
      assert.deepEqual(errors, []);
      assert.deepEqual(store.content(browser.sessionID), before);
    });
  }

  it('a form that has a field twice', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const posts = watchTokenRequests(okta);
    const twice: Record<string, string | string[]>[] = [
      { otp: ['123456', okta.otp(user)] },
      { username: [user.username, 'other'], password: user.password },
      { username: user.username, password: [user.password, user.password] },
    ];
    for (const form of twice) {
      const { status, body } = await browser.post('/login', { form });
      assert.deepEqual([status, body['code']], [400, 'missing_credentials']);
    }
    assert.equal(posts().length, 0);
    await finishLogin(browser, okta, user);
  });

  it('no body, an empty form, and a body of another type', async (t) => {
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    const answers: Answer[] = [
      await browser.post('/login'),
      await browser.post('/login', { form: {} }),
      await browser.post('/login', {
        form: { username: 'alice', password: 'secret word' },
        headers: { 'content-type': 'text/plain' },
      }),
    ];
    for (const { status, body } of answers) {
      assert.deepEqual([status, body['code']], [400, 'missing_credentials']);
    }
  });
});

it('fields that are as long as they may be are sent, whole', async (t) => {
  const user = okta.addUser({
    username: `${long(244)}@example.com`,
    // An emoji is one character, although two units of UTF-16.
    password: '🔑'.repeat(1024),
  });
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  const browser = new Browser(app.url);
  await passPassword(browser, user);
  const posts = watchTokenRequests(okta);
  const longest = '9'.repeat(64);
  const answer = await sendOtp(browser, longest);
  assert.equal(answer.body['code'], 'invalid_otp');
  assert.equal(posts()[0]?.form['otp'], longest);
  await finishLogin(browser, okta, user);
});

it('a password and a username are sent as typed, with spaces and special characters', async (t) => {
  const user = okta.addUser({ password: '  p&ss=w+rd %20 ; "ü" 漢字 🔑 \n ' });
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  await logIn(new Browser(app.url), okta, user);
});

it('the query is never read, in neither step', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  const browser = new Browser(app.url);
  const reached = watchAllRequests(okta);
  const { username, password } = user;

  const first = new URLSearchParams({ username, password }).toString();
  assert.equal((await browser.post(`/login?${first}`)).body['code'], 'missing_credentials');
  assert.deepEqual(reached(), []);

  await passPassword(browser, user);
  const posts = watchTokenRequests(okta);
  const second = `/login?otp=${okta.otp(user)}`;
  assert.equal((await browser.post(second)).body['code'], 'missing_credentials');
  const mixed = await browser.post(second, { json: { otp: okta.wrongOtp(user) } });
  assert.equal(mixed.body['code'], 'invalid_otp');
  assert.equal(posts().length, 1);
});

it('a body with password and passcode is a password step', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  const browser = new Browser(app.url);
  const { username, password } = user;
  const posts = watchTokenRequests(okta);
  const answer = await browser.post('/login', {
    json: { username, password, otp: okta.otp(user) },
  });
  assert.equal(answer.body['code'], 'mfa_required');
  assert.deepEqual(
    posts().map(({ form }) => [form['grant_type'], form['otp']]),
    [['password', undefined]],
  );
});

it('the spaces that people type into a passcode are not sent', async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta) });
  const browser = new Browser(app.url);
  await passPassword(browser, user);
  const otp = okta.otp(user);
  const posts = watchTokenRequests(okta);
  const answer = await sendOtp(browser, ` ${otp.slice(0, 3)} ${otp.slice(3)}\n`);
  assert.equal(answer.status, 200);
  assert.equal(posts()[0]?.form['otp'], otp);
});

it("fields go by the options' names, and the usual names mean nothing then", async (t) => {
  const user = okta.addUser();
  const app = await startApp(t, {
    strategyOptions: optionsFor(okta, {
      usernameField: 'login',
      passwordField: 'pass-word',
      otpField: 'token',
    }),
  });
  const browser = new Browser(app.url);
  const { username, password } = user;
  const usual = await browser.post('/login', { json: { username, password } });
  assert.equal(usual.body['code'], 'missing_credentials');

  const posts = watchTokenRequests(okta);
  const first = await browser.post('/login', { form: { login: username, 'pass-word': password } });
  assert.equal(first.body['code'], 'mfa_required');
  assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'missing_credentials');
  const second = await browser.post('/login', { form: { token: okta.otp(user) } });
  assert.equal(second.status, 200);
  assert.equal(await whoIs(browser), user.id);
  // On the wire the names are Okta's.
  assert.equal(posts()[0]?.form['username'], username);
  assert.ok(posts()[1]?.form['otp']);
});

for (const scope of ['openid email', ['openid', 'email']] as const) {
  it(`the scope option ${JSON.stringify(scope)} is sent in both steps`, async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { scope }) });
    const posts = watchTokenRequests(okta);
    await logIn(new Browser(app.url), okta, user);
    assert.deepEqual(
      posts().map(({ form }) => form['scope']),
      ['openid email', 'openid email'],
    );
    assert.deepEqual(app.logins[0]?.profile.emails, [{ value: user.username }]);
  });
}

describe('About the device,', () => {
  /** What the two POSTs of a login said. */
  async function headersOf(
    t: { after(fn: () => unknown): void },
    options: Partial<OktaDirectMfaStrategyOptions>,
  ): Promise<[unknown, unknown][]> {
    const user = okta.addUser();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, options),
      before(req, _res, next) {
        req.app.set('trust proxy', true);
        next();
      },
    });
    const browser = new Browser(app.url);
    const posts = watchTokenRequests(okta);
    const headers = {
      'x-forwarded-for': '203.0.113.7',
      'x-device-token': 'from-the-browser',
    };
    const { username, password } = user;
    await browser.post('/login', { json: { username, password }, headers });
    await browser.post('/login', { json: { otp: okta.otp(user) }, headers });
    assert.equal(await whoIs(browser), user.id);
    return posts().map(({ headers: got }) => [got['x-forwarded-for'], got['x-device-token']]);
  }

  it('nothing is sent unless the app says so, whatever the browser says', async (t) => {
    assert.deepEqual(await headersOf(t, {}), [
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('clientIP and deviceToken are sent in both steps', async (t) => {
    const sent = await headersOf(t, {
      clientIP: (req) => req.ip,
      deviceToken: (req) => (req as Request).get('x-device-token')?.slice(0, 32),
    });
    assert.deepEqual(sent, [
      ['203.0.113.7', 'from-the-browser'],
      ['203.0.113.7', 'from-the-browser'],
    ]);
  });

  it('an IPv6 address is sent too', async (t) => {
    const [first] = await headersOf(t, { clientIP: () => '2001:db8::7' });
    assert.deepEqual(first, ['2001:db8::7', undefined]);
  });

  for (const value of [
    undefined,
    '',
    '203.0.113.7, 10.0.0.1',
    '203.0.113.7:4711',
    'localhost',
    '203.0.113.7\r\nX-Evil: 1',
    '203.0.113.7\n',
  ]) {
    it(`${JSON.stringify(value)} is no IP address and not sent`, async (t) => {
      const [first, second] = await headersOf(t, { clientIP: () => value });
      assert.deepEqual(
        [first, second],
        [
          [undefined, undefined],
          [undefined, undefined],
        ],
      );
    });
  }

  for (const value of [
    undefined,
    '',
    long(33),
    'with space',
    'ünïcode',
    'token\r\nX-Evil: 1',
    'token\n',
    7 as unknown as string,
  ]) {
    it(`${JSON.stringify(value)} is no device token and not sent`, async (t) => {
      const [first, second] = await headersOf(t, { deviceToken: () => value });
      assert.deepEqual(
        [first, second],
        [
          [undefined, undefined],
          [undefined, undefined],
        ],
      );
    });
  }

  it('a device token of 32 characters is sent', async (t) => {
    const [first] = await headersOf(t, { deviceToken: () => long(32) });
    assert.deepEqual(first, [undefined, long(32)]);
  });

  it('a clientIP that throws is an error of the app, and nothing is sent', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, {
        clientIP() {
          throw new Error('no address');
        },
      }),
    });
    const posts = watchTokenRequests(okta);
    const answer = await sendPassword(new Browser(app.url), user);
    assert.equal(answer.status, 500);
    assert.deepEqual(
      app.actions.map(({ name }) => name),
      ['error'],
    );
    assert.equal(posts().length, 0);
  });
});
