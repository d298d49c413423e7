import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import express, { type Request } from 'express';
import type { Okta } from '../../../example/okta/index.js';
import { OktaDirectMfaStrategy, type OktaDirectMfaStrategyOptions } from '../../../lib/index.js';
import { asRequest, createBrowser } from '../../support/fixtures.js';
import { startApp, type AppOptions } from '../../support/app.js';
import { Browser } from '../../support/browser.js';
import { optionsFor, passPassword, whoIs } from '../../support/login.js';
import { useOkta, watchTokenRequests } from '../../support/okta.js';

let okta: Okta;
useOkta((started) => (okta = started));

/** Every object's prototype as it was. */
const before = [Object.prototype, Array.prototype, Function.prototype].map((prototype) => [
  prototype,
  Reflect.ownKeys(prototype),
]) as [object, PropertyKey[]][];
afterEach(() => {
  for (const [prototype, keys] of before) assert.deepEqual(Reflect.ownKeys(prototype), keys);
});

/** Body parsers as generous as there are: nested forms (`qs`) and JSON of any kind. */
const generous = (): Partial<AppOptions> => ({
  bodyParsers: false,
  before: express
    .Router()
    .use(express.urlencoded({ extended: true }), express.json({ strict: false })),
});

/** A body of an attacker's own making, byte for byte. */
async function send(url: string, type: string, body: string, cookie = '') {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': type, cookie },
    body,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

describe('A body that is made to reach a prototype is no login and leaves no trace:', () => {
  for (const [type, body] of [
    [FORM, '__proto__[username]=ada&__proto__[password]=x'],
    [FORM, '__proto__.password=x&__proto__.username=ada'],
    [FORM, 'constructor[prototype][password]=x&constructor[prototype][username]=ada'],
    [FORM, 'password[__proto__]=x&username=ada'],
    [FORM, 'password[]=x&username=ada'],
    [FORM, 'password[a]=x&username[b]=ada'],
    [FORM, 'username=ada&password[toString]=x&password[length]=1'],
    [FORM, '__proto__[otp]=123456'],
    [FORM, 'otp[]=1&otp[]=2'],
    [FORM, 'a[b][c][d][e][f][g][h][i][j]=x&hasOwnProperty=x'],
    [JSON_TYPE, '{"__proto__":{"username":"ada","password":"x"}}'],
    [JSON_TYPE, '{"__proto__":{"otp":"123456"}}'],
    [JSON_TYPE, '{"constructor":{"prototype":{"username":"ada","password":"x"}}}'],
    [JSON_TYPE, '{"username":"ada","password":{"__proto__":{"length":1},"trim":"x"}}'],
    [JSON_TYPE, '{"username":{"toString":"ada"},"password":"x"}'],
    [JSON_TYPE, '{"hasOwnProperty":1,"toString":1,"otp":["123456"]}'],
    [JSON_TYPE, '["password"]'],
    [JSON_TYPE, '[{"username":"ada","password":"x"}]'],
    [JSON_TYPE, '"password"'],
    [JSON_TYPE, 'null'],
    [JSON_TYPE, '7'],
  ] as const) {
    it(`${type === FORM ? 'a form' : 'JSON'}: ${body}`, async (t) => {
      const app = await startApp(t, { strategyOptions: optionsFor(okta), ...generous() });
      const posts = watchTokenRequests(okta);
      const answer = await send(app.url, type, body);
      assert.deepEqual([answer.status, answer.body['code']], [400, 'missing_credentials']);
      assert.equal(posts().length, 0);
      assert.equal(app.actions.length, 1);
    });
  }

  it('a whole login with such keys beside the good ones goes its way, and nothing of them is kept', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta), ...generous() });
    const browser = new Browser(app.url);
    const evil = {
      constructor: { prototype: { isAdmin: true } },
      attempts: -9,
      expiresAt: 9e15,
      'okta-direct-mfa': { mfaToken: 'of-the-attacker' },
    };
    const { username, password } = user;
    await browser.post('/login', { json: { ...evil, username, password } });
    const waiting = app.store.waiting(browser.sessionID) ?? {};
    assert.deepEqual(Object.keys(waiting).sort(), [
      'attempts',
      'boundTo',
      'expiresAt',
      'id',
      'mfaToken',
      'username',
    ]);
    const answer = await browser.post('/login', { json: { ...evil, otp: okta.otp(user) } });
    assert.equal(answer.status, 200);
    assert.equal(await whoIs(browser), user.id);
    assert.equal(({} as Record<string, unknown>)['isAdmin'], undefined);
  });
});

describe('A body of a size that is meant to hurt', () => {
  for (const [what, type, body] of [
    [
      'a password of a megabyte',
      JSON_TYPE,
      JSON.stringify({ username: 'a', password: 'x'.repeat(2 ** 20) }),
    ],
    ['a passcode of a megabyte in a form', FORM, `otp=${'1'.repeat(2 ** 20)}`],
    ['a hundred thousand fields', FORM, 'a=1&'.repeat(30_000) + 'otp=1'],
  ] as const) {
    it(`${what}: the body parser refuses it before the strategy sees it`, async (t) => {
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const answer = await send(app.url, type, body);
      assert.equal(answer.status, 413);
      assert.equal(app.actions.length, 0);
    });
  }

  for (const [what, json] of [
    ['a username of 90 kB', { username: 'a'.repeat(90_000), password: 'x' }],
    ['a password of 90 kB', { username: 'a', password: 'x'.repeat(90_000) }],
    ['a passcode of 90 kB', { otp: '1'.repeat(90_000) }],
    ['a passcode of 90 kB of spaces around six digits', { otp: `${' '.repeat(90_000)}123456` }],
    ['a password of 30 000 emoji', { username: 'a', password: '🔑'.repeat(20_000) }],
  ] as const) {
    it(`${what}, which the parser lets through: missing_credentials, nothing sent`, async (t) => {
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const posts = watchTokenRequests(okta);
      const { status, body } = await new Browser(app.url).post('/login', { json });
      assert.deepEqual([status, body['code']], [400, 'missing_credentials']);
      assert.equal(posts().length, 0);
    });
  }

  it('JSON nested thirty thousand deep beside a passcode: an answer like any other', async (t) => {
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    const { status, body } = await send(app.url, JSON_TYPE, `{"otp":"1","x":${deep}}`);
    assert.deepEqual([status, body['code']], [401, 'mfa_transaction_missing']);
  });
});

describe('A body that means two things', () => {
  it('a field twice in JSON: the last, as everywhere in JavaScript', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const { username, password } = user;
    const body = `{"username":"nobody","username":${JSON.stringify(username)},"password":${JSON.stringify(password)}}`;
    assert.equal((await send(app.url, JSON_TYPE, body)).body['code'], 'mfa_required');
  });

  it('JSON under the type of a form, and a form under that of JSON: no login', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const posts = watchTokenRequests(okta);
    const { username, password } = user;
    const asForm = await send(app.url, FORM, JSON.stringify({ username, password }));
    const asJson = await send(
      app.url,
      JSON_TYPE,
      new URLSearchParams({ username, password }).toString(),
    );
    const asText = await send(app.url, 'text/plain', JSON.stringify({ username, password }));
    assert.deepEqual([asForm.status, asJson.status, asText.status], [400, 400, 400]);
    assert.equal(posts().length, 0);
  });

  it('separators and encodings inside of a field stay inside of it on the way to Okta', async (t) => {
    const evil = 'x&grant_type=client_credentials&scope=okta.users.manage#\r\n\r\nPOST / HTTP/1.1';
    const user = okta.addUser({ username: `a&${evil}@example.com`, password: evil });
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const posts = watchTokenRequests(okta);
    await passPassword(new Browser(app.url), user);
    const [sent, ...more] = posts();
    assert.equal(more.length, 0);
    assert.deepEqual([...(sent?.params.keys() ?? [])].sort(), [
      'client_id',
      'grant_type',
      'password',
      'scope',
      'username',
    ]);
    assert.equal(sent?.form['grant_type'], 'password');
    assert.equal(sent?.form['password'], evil);
  });

  it('a passcode with such characters adds no parameter either', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const posts = watchTokenRequests(okta);
    const otp = '1&mfa_token=of-the-attacker&grant_type=password';
    const answer = await browser.post('/login', { json: { otp } });
    assert.equal(answer.body['code'], 'invalid_otp');
    assert.deepEqual([...(posts()[0]?.params.keys() ?? [])].sort(), [
      'client_id',
      'grant_type',
      'mfa_token',
      'otp',
      'scope',
    ]);
    assert.equal(posts()[0]?.form['otp'], otp);
  });
});

describe('What the app says of the device is a header only if it is fit for one:', () => {
  const odd = <T>(value: T) => value as unknown as string;
  for (const [what, options] of Object.entries<Partial<OktaDirectMfaStrategyOptions>>({
    'an address with a zone and a line break': { clientIP: () => 'fe80::1%eth0\r\nX-Evil: 1' },
    'an address and another line': { clientIP: () => '203.0.113.7\r\n\r\nGET / HTTP/1.1' },
    'an address with a NUL': { clientIP: () => '203.0.113.7\u0000' },
    'a token and another line': { deviceToken: () => 'token\r\nAuthorization: Basic eDp5' },
    'a token in an array': { deviceToken: () => odd(['token\r\nX-Evil: 1']) },
    'a token that is an object': { deviceToken: () => odd({ toString: () => 'a\r\nX-Evil: 1' }) },
    'a symbol': { deviceToken: () => odd(Symbol('x')) },
    'a header of the browser, whole': {
      clientIP: (req) => (req as Request).get('x-forwarded-for'),
      deviceToken: (req) => (req as Request).get('user-agent'),
    },
  })) {
    it(what, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta, options) });
      const posts = watchTokenRequests(okta);
      const { username, password } = user;
      const answer = await new Browser(app.url).post('/login', {
        json: { username, password },
        headers: {
          'x-forwarded-for': '203.0.113.7, 198.51.100.1',
          'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) and more than 32 characters',
        },
      });
      assert.equal(answer.body['code'], 'mfa_required');
      const headers = posts()[0]?.headers ?? {};
      for (const name of ['x-evil', 'authorization', 'x-forwarded-for', 'x-device-token']) {
        assert.equal(headers[name], undefined, name);
      }
    });
  }

  it('an address that is no text is not sent, though it may be made one', async (t) => {
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { clientIP: () => odd(['203.0.113.7']) }),
    });
    const posts = watchTokenRequests(okta);
    await passPassword(new Browser(app.url), okta.addUser());
    assert.equal(posts()[0]?.headers['x-forwarded-for'], undefined);
  });
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
