import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import express, { type Request } from 'express';
import type { Okta } from '../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions } from '../../lib/index.js';
import {
  finishLogin,
  logIn,
  passPassword,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  useOkta,
  watchAllRequests,
  watchTokenRequests,
  whoIs,
  type AppOptions,
  type Browser,
} from '../support/index.js';

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

const long = (length: number) => 'x'.repeat(length);
const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

/** Body parsers as generous as there are: nested forms (`qs`) and JSON of any kind. */
const generous = (): Partial<AppOptions> => ({
  bodyParsers: false,
  before: express
    .Router()
    .use(express.urlencoded({ extended: true }), express.json({ strict: false })),
});

/** A body byte for byte. */
async function send({ url }: Browser, type: string, body: string) {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('A field that cannot be used is missing_credentials, with nothing sent or changed:', () => {
  it('one that is missing, blank, too long or not a string', async (t) => {
    const { app, browser } = await sceneAtPasscode(t);
    const { store, errors } = app;
    const saved = store.content(browser.sessionID);
    const posts = watchTokenRequests(okta);
    for (const json of [
      { username: 'alice' },
      { username: '  ', password: 'secret word' },
      { username: 'alice', password: ' ', otp: '123456' },
      { username: long(257), password: 'secret word' },
      { username: 'alice', password: { $gt: '' } },
      { otp: ['123456'] },
      { otp: `${' '.repeat(90_000)}123456` },
      ['username', 'password'],
    ]) {
      const answer = await browser.post('/login', { json });
      assert.deepEqual([answer.status, answer.body['code']], [400, 'missing_credentials']);
      assert.deepEqual(store.content(browser.sessionID), saved);
    }
    assert.equal(posts().length, 0);
    assert.deepEqual(errors, []);
  });

  it('a form that has a field twice', async (t) => {
    const { browser, user } = await sceneAtPasscode(t);
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
    const { browser, user } = await scene(t);
    const { username, password } = user;
    const form = { username, password };
    const urlencoded = new URLSearchParams(form).toString();
    const posts = watchTokenRequests(okta);
    for (const { status, body } of [
      await browser.post('/login'),
      await browser.post('/login', { form: {} }),
      await browser.post('/login', { form, headers: { 'content-type': 'text/plain' } }),
      await send(browser, FORM, JSON.stringify(form)),
    ]) {
      assert.deepEqual([status, body['code']], [400, 'missing_credentials']);
    }
    assert.equal((await send(browser, JSON_TYPE, urlencoded)).status, 400);
    assert.equal(posts().length, 0);
  });

  it('what is made to reach a prototype, through the most generous parsers', async (t) => {
    const { app, browser } = await scene(t, generous());
    const posts = watchTokenRequests(okta);
    for (const [type, body] of [
      [FORM, '__proto__[username]=ada&__proto__[password]=x'],
      [FORM, '__proto__.password=x&__proto__.username=ada'],
      [FORM, 'constructor[prototype][password]=x&constructor[prototype][username]=ada'],
      [FORM, 'password[__proto__]=x&username=ada'],
      [FORM, 'password[]=x&username=ada'],
      [FORM, 'username=ada&password[toString]=x&password[length]=1'],
      [FORM, '__proto__[otp]=123456'],
      [FORM, 'otp[]=1&otp[]=2'],
      [FORM, 'a[b][c][d][e][f][g][h][i][j]=x&hasOwnProperty=x'],
      [JSON_TYPE, '{"__proto__":{"username":"ada","password":"x","otp":"123456"}}'],
      [JSON_TYPE, '{"constructor":{"prototype":{"username":"ada","password":"x"}}}'],
      [JSON_TYPE, '{"username":"ada","password":{"__proto__":{"length":1},"trim":"x"}}'],
      [JSON_TYPE, '{"hasOwnProperty":1,"toString":1,"otp":["123456"]}'],
      [JSON_TYPE, '[{"username":"ada","password":"x"}]'],
      [JSON_TYPE, '"password"'],
      [JSON_TYPE, 'null'],
    ] as const) {
      const answer = await send(browser, type, body);
      assert.deepEqual([answer.status, answer.body['code']], [400, 'missing_credentials'], body);
      assert.equal(app.actions.splice(0).length, 1, body);
    }
    assert.equal(posts().length, 0);
  });
});

it('keys made to reach a prototype or the session beside good fields are neither', async (t) => {
  const { app, browser, user } = await scene(t, generous());
  const evil = {
    constructor: { prototype: { isAdmin: true } },
    attempts: -9,
    expiresAt: 9e15,
    'okta-direct-mfa': { mfaToken: 'of-the-attacker' },
  };
  const { username, password } = user;
  await browser.post('/login', { json: { ...evil, username, password } });
  assert.deepEqual(Object.keys(app.store.waiting(browser.sessionID) ?? {}).sort(), [
    'attempts',
    'clientDigest',
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

it('a body beyond the limit of the body parser never reaches the strategy', async (t) => {
  const { app, browser } = await scene(t);
  for (const [type, body] of [
    [JSON_TYPE, JSON.stringify({ username: 'a', password: 'x'.repeat(2 ** 20) })],
    [FORM, `otp=${'1'.repeat(2 ** 20)}`],
    [FORM, 'a=1&'.repeat(30_000) + 'otp=1'],
  ] as const) {
    assert.equal((await send(browser, type, body)).status, 413);
  }
  assert.equal(app.actions.length, 0);
});

it('JSON nested thirty thousand deep beside a passcode gets an answer like any other', async (t) => {
  const { browser } = await scene(t);
  const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
  const { status, body } = await send(browser, JSON_TYPE, `{"otp":"1","x":${deep}}`);
  assert.deepEqual([status, body['code']], [401, 'mfa_transaction_missing']);
});

it('a field that JSON has twice is the last of them, as everywhere in JavaScript', async (t) => {
  const { browser, user } = await scene(t);
  const [username, password] = [user.username, user.password].map((value) => JSON.stringify(value));
  const body = `{"username":"nobody","username":${username},"password":${password}}`;
  assert.equal((await send(browser, JSON_TYPE, body)).body['code'], 'mfa_required');
});

it('fields that are as long as they may be are sent, whole and as typed', async (t) => {
  // Spaces at the ends count, and an emoji is one character, although two units of UTF-16.
  const password = `  p&ss=w+rd %20 ; "ü" 漢字 ${'🔑'.repeat(996)} \n `;
  assert.equal([...password].length, 1024);
  const { browser, user } = await sceneAtPasscode(t, {
    user: { username: `${long(244)}@example.com`, password },
  });
  const posts = watchTokenRequests(okta);
  const longest = '9'.repeat(64);
  const answer = await sendOtp(browser, longest);
  assert.equal(answer.body['code'], 'invalid_otp');
  assert.equal(posts()[0]?.form['otp'], longest);
  await finishLogin(browser, okta, user);
});

it('separators and encodings inside a field stay inside it on the way to Okta', async (t) => {
  const evil = 'x&grant_type=client_credentials&scope=okta.users.manage#\r\n\r\nPOST / HTTP/1.1';
  const { browser, user } = await scene(t, {
    user: { username: `a&${evil}@example.com`, password: evil },
  });
  const posts = watchTokenRequests(okta);
  await passPassword(browser, user);
  const otp = '1&mfa_token=of_the_attacker&grant_type=password';
  assert.equal((await sendOtp(browser, otp)).body['code'], 'invalid_otp');
  assert.deepEqual(
    posts().map(({ params }) => [...params.keys()].sort().join()),
    ['client_id,grant_type,password,scope,username', 'client_id,grant_type,mfa_token,otp,scope'],
  );
  const [first, second] = posts();
  assert.deepEqual([first?.form['grant_type'], first?.form['password']], ['password', evil]);
  assert.equal(second?.form['otp'], otp);
});

it('the query is never read, in neither step', async (t) => {
  const { browser, user } = await scene(t);
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
  const { browser, user } = await scene(t);
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

describe('What people type or paste for a passcode logs in at once:', () => {
  /** The digits of a script, from its zero on. */
  const digits = (zero: number) => (otp: string) =>
    otp.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
  const halves = (middle: string) => (otp: string) => otp.slice(0, 3) + middle + otp.slice(3);
  for (const [what, typed] of Object.entries<(otp: string) => string>({
    'spaces and a line feed': (otp) => ` ${halves(' ')(otp)}\n`,
    'a no-break space': halves('\u00a0'),
    'a narrow no-break space': halves('\u202f'),
    'an ideographic space': halves('\u3000'),
    'a hyphen': halves('-'),
    'a no-break hyphen': halves('\u2011'),
    'a dash': halves('\u2013'),
    'a minus sign': halves('\u2212'),
    'a zero-width space': halves('\u200b'),
    'a byte order mark in front': (otp) => `\ufeff${otp}`,
    'a mark of direction in front and behind': (otp) => `\u202a${otp}\u202c`,
    'a word joiner and a soft hyphen': (otp) => `\u2060${halves('\u00ad')(otp)}`,
    'a Hangul filler': halves('\u3164'),
    'variation selectors': (otp) => otp.replace(/\d/g, '$&\ufe0f'),
    'full-width digits': digits(0xff10),
    'Arabic-Indic digits': digits(0x0660),
    'Persian digits': digits(0x06f0),
    'Devanagari digits': digits(0x0966),
    'mathematical digits': digits(0x1d7d8),
    'full-width digits with a full-width hyphen': (otp) => digits(0xff10)(halves('\uff0d')(otp)),
  })) {
    it(what, async (t) => {
      const { browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 1 } });
      const [otp, posts] = [okta.otp(user), watchTokenRequests(okta)];
      const answer = await sendOtp(browser, typed(otp));
      assert.equal(answer.status, 200, answer.text);
      assert.equal(posts()[0]?.form['otp'], otp);
      assert.equal(await whoIs(browser), user.id);
    });
  }

  it('letters stay as they are', async (t) => {
    const { browser } = await sceneAtPasscode(t);
    const posts = watchTokenRequests(okta);
    assert.equal((await sendOtp(browser, 'aB-12 \uff21')).body['code'], 'invalid_otp');
    assert.equal(posts()[0]?.form['otp'], 'aB12\uff21');
  });

  it('nothing but what is left out is a passcode that is missing', async (t) => {
    const { app, browser } = await sceneAtPasscode(t);
    const posts = watchTokenRequests(okta);
    const { body } = await sendOtp(browser, ' -\u200b\u00a0');
    assert.deepEqual([body['code'], body['field']], ['missing_credentials', 'otp']);
    assert.equal(posts().length, 0);
    assert.equal(app.store.waiting(browser.sessionID)?.attempts, 0);
  });
});

describe('Spaces', () => {
  for (const space of [' ', '\t', '\u00a0', '\u3000', '\ufeff']) {
    it(`around the username are left out: U+${space.charCodeAt(0).toString(16)}`, async (t) => {
      const { app, browser, user } = await scene(t);
      const posts = watchTokenRequests(okta);
      await passPassword(browser, { ...user, username: `${space}${user.username}${space}` });
      assert.equal(posts()[0]?.form['username'], user.username);
      assert.equal(app.store.waiting(browser.sessionID)?.username, user.username);
      await finishLogin(browser, okta, user);
    });
  }

  it('around the password are part of it', async (t) => {
    const password = ' \u00a0correct-Horse-12 ';
    const { browser, user } = await scene(t, { user: { password } });
    const posts = watchTokenRequests(okta);
    const trimmed = await sendPassword(browser, { ...user, password: password.trim() });
    assert.equal(trimmed.body['code'], 'invalid_credentials');
    await passPassword(browser, user);
    assert.deepEqual(
      posts().map(({ form }) => form['password']),
      [password.trim(), password],
    );
    await finishLogin(browser, okta, user);
  });
});

it("fields go by the options' names, and the usual names mean nothing then", async (t) => {
  const { browser, user } = await scene(t, {
    options: { usernameField: 'login', passwordField: 'pass-word', otpField: 'token' },
  });
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

it('the scope option is sent in both steps', async (t) => {
  const { app, browser, user } = await scene(t, { options: { scope: ['openid', 'email'] } });
  const posts = watchTokenRequests(okta);
  await logIn(browser, okta, user);
  assert.deepEqual(
    posts().map(({ form }) => form['scope']),
    ['openid email', 'openid email'],
  );
  assert.deepEqual(app.logins[0]?.profile.emails, [{ value: user.username, verified: true }]);
});

describe('What the app says of the device is a header, in both steps, if it is fit for one:', () => {
  const odd = (value: unknown) => value as string;
  const ip = (value: unknown) => ({ clientIP: () => odd(value) });
  const token = (value: unknown) => ({ deviceToken: () => odd(value) });

  type Sent = [ip: string | undefined, token: string | undefined];
  const nothing: Sent = [undefined, undefined];
  type Row = [what: string, Partial<OktaDirectMfaStrategyOptions>, sent?: Sent];
  const rows: Row[] = [
    ['nothing unless it says so, whatever the browser says', {}],
    [
      'the address and the token of the browser, as the app reads them',
      {
        clientIP: (req) => req.ip,
        deviceToken: (req) => (req as Request).get('x-device-token')?.slice(0, 32),
      },
      ['203.0.113.7', 'from-the-browser'],
    ],
    ['an IPv6 address', ip('2001:db8::7'), ['2001:db8::7', undefined]],
    ['a token of 32 characters', token(long(32)), [undefined, long(32)]],
    ['not an address that is missing', ip(undefined)],
    ['not two addresses', ip('203.0.113.7, 10.0.0.1')],
    ['an address without its port', ip('203.0.113.7:4711'), ['203.0.113.7', undefined]],
    ['an IPv6 address without brackets', ip('[2001:db8::7]:4711'), ['2001:db8::7', undefined]],
    ['an IPv4 address out of an IPv6 one', ip('::ffff:203.0.113.7'), ['203.0.113.7', undefined]],
    ['not an address and another line', ip('203.0.113.7\r\n\r\nGET / HTTP/1.1')],
    ['an address without the line feed', ip('203.0.113.7\n'), ['203.0.113.7', undefined]],
    ['not an address with a zone and another line', ip('fe80::1%eth0\r\nX-Evil: 1')],
    ['not an address with a NUL', ip('203.0.113.7\u0000')],
    ['not an address in an array, though it may be made a string', ip(['203.0.113.7'])],
    ['not a token that is empty', token('')],
    ['not a token of 33 characters', token(long(33))],
    ['not a token with a line feed', token('token\n')],
    ['not a token and another line', token('token\r\nAuthorization: Basic eDp5')],
    ['not a token in an array', token(['token\r\nX-Evil: 1'])],
    ['not a token that is an object', token({ toString: () => 'a\r\nX-Evil: 1' })],
    ['not a token that is a symbol', token(Symbol('x'))],
    [
      'not a header of the browser that is too long',
      { deviceToken: (req) => (req as Request).get('user-agent') },
    ],
  ];
  for (const [what, options, sent = nothing] of rows) {
    it(what, async (t) => {
      const { browser, user } = await scene(t, {
        options,
        before(req, _res, next) {
          req.app.set('trust proxy', true);
          next();
        },
      });
      const posts = watchTokenRequests(okta);
      const headers = {
        'x-forwarded-for': '203.0.113.7',
        'x-device-token': 'from-the-browser',
        'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) and more than 32 characters',
      };
      const { username, password } = user;
      await browser.post('/login', { json: { username, password }, headers });
      await browser.post('/login', { json: { otp: okta.otp(user) }, headers });
      assert.equal(await whoIs(browser), user.id);
      assert.deepEqual(
        posts().map(({ headers: got }) => [got['x-forwarded-for'], got['x-device-token']]),
        [sent, sent],
      );
      for (const { headers: got } of posts()) {
        assert.deepEqual([got['x-evil'], got.authorization], [undefined, undefined]);
      }
    });
  }

  it('an error of the app where clientIP throws, and nothing is sent', async (t) => {
    const { app, browser, user } = await scene(t, {
      options: {
        clientIP() {
          throw new Error('no address');
        },
      },
    });
    const posts = watchTokenRequests(okta);
    assert.equal((await sendPassword(browser, user)).status, 500);
    assert.deepEqual(
      app.actions.map(({ name }) => name),
      ['error'],
    );
    assert.equal(posts().length, 0);
  });
});
