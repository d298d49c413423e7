import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Controller, ForbiddenException, Post, Req, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { TOTP } from 'otpauth';
import passport, { type Strategy } from 'passport';
import { FACTORS } from '../../../example/express/demo.js';
import type { User } from '../../../example/okta/index.js';
import { Browser, type Answer } from '../../support/browser.js';
import { assertNoSecretSeen } from '../../support/collector.js';
import { hold, OTP_STEP, PASSWORD_STEP } from '../../support/okta.js';
import { gate, soon, until } from '../../support/promises.js';
import { printed, runProgram } from '../../support/program.js';
import { compile, main, startController, startNest, type Nest } from './support.js';

/** Okta's clock; it does not move unless a test moves it. */
let oktaNow = Math.floor(Date.now() / 1000) * 1000;
let compiled: Awaited<ReturnType<typeof compile>>;
let nest: Nest;
let browser: Browser;
let user: User;

before(async () => {
  compiled = await compile();
  // An access token lives shorter than the margin in which the app refreshes.
  const scope = 'openid profile email offline_access';
  nest = await startNest(compiled, { clock: () => oktaNow, accessTokenLifetime: 30 }, { scope });
});
after(async () => {
  await nest?.close();
  assertNoSecretSeen(nest.okta);
});
beforeEach(() => {
  browser = nest.browser();
  user = nest.okta.addUser();
  nest.reached();
  nest.log.length = 0;
});

const passwordOf = ({ username, password }: User) => ({ username, password });
const post = (path: string, json: unknown = {}) => browser.post(path, { json });

/** Session and token: the same sign-in, and what a person sees after it. */
const VARIANTS = [
  { name: 'the session variant', at: '/auth', handler: 'AuthController.signIn' },
  { name: 'the token variant', at: '/api/auth', handler: 'ApiController.signIn' },
] as const;

async function passPassword(at: string): Promise<Answer> {
  const answer = await post(`${at}/login`, passwordOf(user));
  assert.equal(answer.body['code'], 'mfa_required', answer.text);
  return answer;
}

/** What a bearer of this token gets as the profile. */
async function bearer(token: unknown) {
  const headers = { authorization: `Bearer ${String(token)}` };
  const response = await fetch(`${browser.url}/api/profile`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a whole login', () => {
  it('with a session: password, passcode, profile, logout', async () => {
    const first = await passPassword('/auth');
    assert.equal(first.status, 403);
    assert.equal(typeof first.body['expiresAt'], 'number');
    assert.deepEqual(nest.reached(), [], 'nothing yet');
    const before = browser.cookies.get('session');

    const second = await post('/auth/otp', { otp: nest.okta.otp(user) });
    assert.equal(second.status, 200, second.text);
    assert.equal((second.body['user'] as { id: string }).id, user.id);
    assert.deepEqual(nest.reached(), ['UsersService.signedIn', 'AuthController.signIn']);
    assert.notEqual(browser.cookies.get('session'), before, 'a new session id');

    const profile = await browser.get('/auth/profile');
    assert.equal(profile.status, 200);
    assert.deepEqual(profile.body['user'], second.body['user']);

    assert.equal((await post('/auth/logout')).status, 204);
    assert.equal((await browser.get('/auth/profile')).status, 401);
  });

  it("with the app's own token: password, passcode, profile", async () => {
    assert.equal((await passPassword('/api/auth')).status, 403);
    assert.deepEqual(nest.reached(), [], 'nothing yet');

    const { status, body } = await post('/api/auth/otp', { otp: nest.okta.otp(user) });
    assert.equal(status, 200);
    assert.deepEqual([body['token_type'], body['expires_in']], ['Bearer', 900]);
    assert.deepEqual(nest.reached(), ['UsersService.signedIn', 'ApiController.signIn']);

    const profile = await bearer(body['access_token']);
    assert.equal(profile.status, 200);
    assert.equal((profile.body['user'] as { id: string }).id, user.id);
    // The token is all there is: its session is nobody's.
    assert.equal((await browser.get('/auth/profile')).status, 401);
  });

  it('keeps it in a cookie that is HttpOnly and SameSite=Lax', async () => {
    const cookie = String((await passPassword('/auth')).headers['set-cookie']);
    assert.match(cookie, /^session=.*; HttpOnly; SameSite=Lax$/);
  });
});

describe('the tokens of a login', () => {
  const asked = () =>
    nest.okta.requests.map(({ path, form, status }) =>
      [path.split('/').at(-1), form['grant_type'] ?? '', status].join(' ').replace('  ', ' '),
    );

  async function signIn(at: string): Promise<Answer> {
    await passPassword(at);
    const answer = await post(`${at}/otp`, { otp: nest.okta.otp(user) });
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.text, /refresh_token/);
    return answer;
  }

  it('stay on the server, are refreshed before they expire, and are revoked at the sign-out', async () => {
    await signIn('/auth');
    nest.okta.requests.length = 0;
    for (let times = 0; times < 2; times++) {
      const { status, body } = await browser.get('/auth/profile');
      assert.equal(status, 200);
      assert.equal((body['userInfo'] as { email?: unknown }).email, user.username);
    }
    const round = ['token refresh_token 200', 'userinfo 200'];
    assert.deepEqual(asked(), [...round, ...round]);

    nest.okta.requests.length = 0;
    assert.equal((await post('/auth/logout')).status, 204);
    await until('the revocation', () => asked().length > 0 && nest.okta.requests[0]?.status !== 0);
    assert.deepEqual(asked(), ['revoke 200']);
    assert.equal(nest.okta.requests[0]?.form['token_type_hint'], 'refresh_token');
  });

  it('ask the person to sign in again when they were revoked at Okta', async () => {
    await signIn('/auth');
    nest.okta.revokeTokens(user);
    for (const message of [/sign-in has ended/, /Sign in first/]) {
      const { status, body } = await browser.get('/auth/profile');
      assert.deepEqual([status, body['code']], [401, 'not_signed_in']);
      assert.match(String(body['message']), message);
    }
  });

  it('sign nobody out while Okta fails', async () => {
    await signIn('/auth');
    nest.okta.respondNext({ status: 503 }, { endpoint: 'token', grantType: 'refresh_token' });
    const { status, body } = await browser.get('/auth/profile');
    assert.deepEqual([status, body['userInfo']], [200, null]);
    assert.equal((await browser.get('/auth/profile')).body['userInfo'] === null, false);
  });

  it('do not come back, nor the session, when the person signs out while they are refreshed', async () => {
    await signIn('/auth');
    const [granted, letGo] = [gate(), gate()];
    nest.okta.respondNext(
      async (_request, proceed) => {
        const answer = await proceed();
        granted.open();
        await letGo.opened;
        return answer;
      },
      { endpoint: 'token', grantType: 'refresh_token' },
    );
    const tab = browser.fork();
    const profile = tab.get('/auth/profile');
    await soon('the refresh', granted.opened);
    nest.okta.requests.length = 0;
    assert.equal((await post('/auth/logout')).status, 204);
    letGo.open();
    await profile;
    await until(
      'both revocations',
      () => asked().filter((line) => /^revoke 200/.test(line)).length > 1,
    );
    assert.equal((await tab.fork().get('/auth/profile')).status, 401);
  });

  it("are revoked at once where clients have the app's own token", async () => {
    nest.okta.requests.length = 0;
    await signIn('/api/auth');
    await until('the revocation', () => asked().includes('revoke 200'));
  });
});

interface Row {
  name: string;
  /** Whether the password step has been passed before. */
  waits?: boolean;
  given?: () => unknown;
  step: 'login' | 'otp';
  body?: () => object;
  status: number;
  /** The whole body, but for the message, which must be there. */
  answer: { code: string; [member: string]: unknown };
  headers?: Record<string, string>;
  logged?: RegExp;
}

const rightOtp = () => ({ otp: nest.okta.otp(user) });
const wrongOtp = () => ({ otp: nest.okta.wrongOtp(user) });
const rightPassword = () => passwordOf(user);

const ROWS: Row[] = [
  {
    name: 'neither password nor passcode',
    step: 'login',
    body: () => ({}),
    status: 400,
    answer: { code: 'missing_credentials', field: 'password' },
  },
  {
    name: 'a password that is not a string',
    step: 'login',
    body: () => ({ username: user.username, password: { $ne: '' } }),
    status: 400,
    answer: { code: 'missing_credentials', field: 'password' },
  },
  {
    name: 'a wrong password',
    step: 'login',
    body: () => ({ username: user.username, password: 'certainly-not-it' }),
    status: 401,
    answer: { code: 'invalid_credentials' },
  },
  {
    name: 'a right password for which Okta wants no passcode',
    given: () => (user.mfa = false),
    step: 'login',
    body: rightPassword,
    status: 403,
    answer: { code: 'mfa_not_enforced' },
  },
  {
    name: 'somebody who is not assigned to the app',
    given: () => (user.assigned = false),
    step: 'login',
    body: rightPassword,
    status: 403,
    answer: { code: 'access_denied' },
  },
  {
    name: 'a passcode before the password',
    step: 'otp',
    body: () => ({ otp: '123456' }),
    status: 401,
    answer: { code: 'mfa_transaction_missing' },
  },
  {
    name: 'a wrong passcode',
    waits: true,
    step: 'otp',
    body: wrongOtp,
    status: 401,
    answer: { code: 'invalid_otp', attemptsRemaining: 4 },
  },
  {
    name: 'the last wrong passcode',
    waits: true,
    given: async () => {
      for (let i = 0; i < 4; i++) await post('/auth/otp', wrongOtp());
    },
    step: 'otp',
    body: wrongOtp,
    status: 401,
    answer: { code: 'otp_attempts_exceeded' },
  },
  {
    name: 'a passcode that comes too late',
    waits: true,
    given: () => (oktaNow += 301_000),
    step: 'otp',
    body: rightOtp,
    status: 401,
    answer: { code: 'mfa_transaction_expired' },
  },
  {
    name: "Okta's rate limit",
    waits: true,
    given: () =>
      nest.okta.respondNext(
        { status: 429, headers: { 'retry-after': '7' }, body: { errorCode: 'E0000047' } },
        OTP_STEP,
      ),
    step: 'otp',
    body: rightOtp,
    status: 429,
    answer: { code: 'rate_limited', retryAfter: 7 },
    headers: { 'retry-after': '7' },
  },
  {
    name: 'an Okta that makes no sense',
    given: () => nest.okta.respondNext({ status: 200, body: 'hello' }, PASSWORD_STEP),
    step: 'login',
    body: rightPassword,
    status: 502,
    answer: { code: 'invalid_response' },
    logged: /^invalid_response: /,
  },
  {
    name: 'an Okta that cannot be reached',
    given: () => nest.okta.respondNext('reset', PASSWORD_STEP),
    step: 'login',
    body: rightPassword,
    status: 503,
    answer: { code: 'okta_unreachable' },
    logged: /^okta_unreachable: /,
  },
  {
    name: 'an Okta that does not answer in time',
    given: () => nest.okta.respondNext('hang', PASSWORD_STEP),
    step: 'login',
    body: rightPassword,
    status: 504,
    answer: { code: 'okta_timeout' },
    logged: /^okta_timeout: /,
  },
  {
    name: 'an Okta that refuses the app',
    given: () =>
      nest.okta.respondNext({ status: 401, body: { error: 'invalid_client' } }, PASSWORD_STEP),
    step: 'login',
    body: rightPassword,
    status: 500,
    answer: { code: 'server_error' },
    logged: /^invalid_client: /,
  },
];

for (const { name: variant, at } of VARIANTS) {
  describe(`${variant} answers, and lets nobody through`, () => {
    for (const row of ROWS) {
      it(`${row.name}: ${row.status} ${row.answer.code}`, async () => {
        if (row.waits) await passPassword(at);
        await row.given?.();
        const answer = await post(`${at}/${row.step}`, row.body?.());

        const { message, expiresAt: _, ...body } = answer.body;
        assert.deepEqual({ status: answer.status, ...body }, { status: row.status, ...row.answer });
        assert.equal(typeof message, 'string');
        for (const [name, value] of Object.entries(row.headers ?? {})) {
          assert.equal(answer.headers[name], value);
        }
        assert.deepEqual(nest.reached(), [], 'no business code');
        if (row.logged) assert.match(nest.log.join('\n'), row.logged);
        else assert.deepEqual(nest.log, []);
      });
    }

    it('what validate() refuses: 403, without a session', async (t) => {
      t.mock.method(nest.users, 'signedIn', () => Promise.resolve(null));
      await passPassword(at);
      const answer = await post(`${at}/otp`, rightOtp());
      assert.deepEqual([answer.status, answer.body['code']], [403, 'access_denied']);
      assert.deepEqual(nest.reached(), []);
      assert.equal((await browser.get('/auth/profile')).status, 401);
    });

    it('what validate() throws: an HttpException as it is, anything else as 500', async (t) => {
      for (const [thrown, status] of [
        [new ForbiddenException({ code: 'left_the_company' }), 403],
        [new Error('the database is down'), 500],
      ] as const) {
        const refusing = t.mock.method(nest.users, 'signedIn', () => Promise.reject(thrown));
        await passPassword(at);
        const answer = await post(`${at}/otp`, rightOtp());
        assert.equal(answer.status, status);
        assert.doesNotMatch(answer.text, /database/);
        assert.deepEqual(nest.reached(), []);
        refusing.mock.restore();
        user = nest.okta.addUser();
      }
      assert.match(nest.log.join('\n'), /the database is down/);
    });

    it('after a 503 the same passcode still logs in', async () => {
      await passPassword(at);
      const otp = nest.okta.otp(user);
      nest.okta.respondNext('reset', OTP_STEP);
      assert.equal((await post(`${at}/otp`, { otp })).status, 503);
      assert.equal((await post(`${at}/otp`, { otp })).status, 200);
    });

    it('a form, and plain text: 415, before anything reads it', async () => {
      // Not the revocations of earlier logins, which nobody waits for.
      const sent = () => nest.okta.requests.filter(({ path }) => path.endsWith('/token')).length;
      const before = sent();
      const json = passwordOf(user);
      for (const answer of [
        await browser.post(`${at}/login`, { form: passwordOf(user) }),
        await browser.post(`${at}/login`, { json, headers: { 'content-type': 'text/plain' } }),
        await browser.post(`${at}/login`),
      ]) {
        assert.deepEqual(
          [answer.status, answer.body['code']],
          [415, 'unsupported_media_type'],
          answer.text,
        );
      }
      assert.equal(sent(), before, 'Okta was not asked');
    });

    it('JSON that is too long: 413', async () => {
      const answer = await post(`${at}/login`, { password: 'x'.repeat(20_000) });
      assert.equal(answer.status, 413);
    });
  });
}

describe('no route reaches its handler without a user', () => {
  it('GET /auth/profile: without a session, and with a transaction that needs its passcode', async () => {
    for (const prepare of [() => undefined, () => passPassword('/auth')]) {
      await prepare();
      const { status, body } = await browser.get('/auth/profile');
      assert.deepEqual([status, body['code']], [401, 'not_signed_in']);
      assert.deepEqual(nest.reached(), []);
    }
  });

  it('GET /api/profile: without a token, and with one that is not right', async () => {
    await passPassword('/auth');
    await post('/auth/otp', rightOtp());
    nest.reached();
    // A session of the other variant is no token either.
    assert.equal((await browser.get('/api/profile')).status, 401);

    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const claims = encode({ sub: user.id, iss: 'nest-example', exp: 4e9 });
    for (const token of [
      '',
      'nonsense',
      `${encode({ alg: 'none', typ: 'JWT' })}.${claims}.`,
      `${encode({ alg: 'HS256', typ: 'JWT' })}.${claims}.${'A'.repeat(43)}`,
      // Okta's own ID token is signed, but not by this app.
      nest.okta.signIdToken('org', { sub: user.id }),
    ]) {
      const { status, body } = await bearer(token);
      assert.deepEqual([status, body['code']], [401, 'invalid_token'], token);
    }
    assert.deepEqual(nest.reached(), []);
  });

  it('POST /auth/logout is open, drops the transaction, and asks the users for nothing', async () => {
    await passPassword('/auth');
    assert.equal((await post('/auth/logout')).status, 204);
    assert.deepEqual(nest.reached(), ['AuthController.logout']);
    const answer = await post('/auth/otp', rightOtp());
    assert.equal(answer.body['code'], 'mfa_transaction_missing');
    assert.deepEqual(nest.reached(), []);
  });

  it('a passcode that is under way at the logout does not log in', async () => {
    await passPassword('/auth');
    const passcode = hold(nest.okta, OTP_STEP);
    const answer = post('/auth/otp', rightOtp());
    await passcode.arrived();
    await browser.fork().post('/auth/logout', { json: {} });
    passcode.letGo();
    assert.equal((await answer).body['code'], 'mfa_transaction_missing');
    assert.deepEqual(nest.reached(), ['AuthController.logout']);
  });

  it('an address whose browser is made to GET the sign-in, as by images of another site: not limited', async () => {
    const limited = await startNest(compiled, {
      rateLimit: { windowMs: 60_000, limit: 1 },
      usernameLimit: { windowMs: 60_000, limit: 1 },
    });
    try {
      browser = limited.browser();
      for (const path of ['/auth/login', '/auth/otp', '/api/auth/login?username=a&password=b']) {
        assert.equal((await browser.get(path)).status, 404);
      }
      // Nor do forms, which such a page can send too.
      for (let count = 0; count < 3; count += 1) {
        const form = { username: user.username, password: 'x' };
        assert.equal((await browser.post('/auth/login', { form })).status, 415);
      }
      const known = limited.okta.addUser();
      const answer = await post('/auth/login', passwordOf(known));
      assert.equal(answer.body['code'], 'mfa_required', answer.text);
    } finally {
      await limited.close();
      passport.use(nest.strategy);
    }
  });

  it('a username that was tried too often, however it is spelt: 429 in both steps and variants', async () => {
    const limited = await startNest(compiled, { usernameLimit: { windowMs: 60_000, limit: 2 } });
    try {
      browser = limited.browser();
      user = limited.okta.addUser();
      await passPassword('/auth');
      const username = ` ${user.username.toUpperCase()}\u3000`;
      await limited.browser().post('/api/auth/login', { json: { username, password: 'wrong' } });

      const asked = limited.okta.requests.length;
      for (const answer of [
        await post('/auth/otp', { otp: limited.okta.otp(user) }),
        await post('/auth/otp', { otp: limited.okta.otp(user), username: 'another' }),
        await post('/api/auth/login', passwordOf(user)),
      ]) {
        assert.deepEqual([answer.status, answer.body['code']], [429, 'rate_limited']);
        assert.match(String(answer.body['message']), /username/);
        assert.equal(answer.headers['retry-after'], String(answer.body['retryAfter']));
      }
      assert.equal(limited.okta.requests.length, asked, 'Okta was not asked');
      user = limited.okta.addUser();
      await passPassword('/auth');
    } finally {
      await limited.close();
      passport.use(nest.strategy);
    }
  });

  it('an address that has tried too often: 429 with Retry-After', async () => {
    const limited = await startNest(compiled, { rateLimit: { windowMs: 60_000, limit: 1 } });
    try {
      browser = limited.browser();
      await post('/auth/login', {});
      const { status, headers, body } = await post('/api/auth/login', {});
      assert.deepEqual([status, body['code']], [429, 'rate_limited']);
      assert.equal(headers['retry-after'], String(body['retryAfter']));
      assert.deepEqual(limited.reached(), []);
    } finally {
      await limited.close();
      // Passport is one for the process: the last app's strategy has the name.
      passport.use(nest.strategy);
    }
  });
});

/** What anybody writes first: the guard as it comes. The second one's strategy does nothing but pass. */
@Controller()
class FirstTry {
  @Post('first-try')
  @UseGuards(AuthGuard('okta-direct-mfa'))
  signIn() {
    return 'business code';
  }

  @Post('pass')
  @UseGuards(AuthGuard('pass'))
  passed(@Req() { user }: { user?: object }) {
    return `business code with ${user ? 'a' : 'no'} user`;
  }
}

describe("@nestjs/passport's own AuthGuard", () => {
  let app: NestExpressApplication;
  before(async () => {
    passport.use('pass', { authenticate: pass } as Strategy);
    app = await startController(FirstTry);
  });
  after(() => app.close());
  beforeEach(async () => (browser = new Browser(await app.getUrl())));

  function pass(this: { pass(): void }) {
    this.pass();
  }

  it('answers all codes with the same bare 401, and lets in who has done both steps', async () => {
    const bare = { message: 'Unauthorized', statusCode: 401 };
    for (const body of [{}, { otp: '123456' }, passwordOf(user), wrongOtp()]) {
      const answer = await post('/first-try', body);
      assert.deepEqual([answer.status, answer.body], [401, bare]);
    }
    const answer = await post('/first-try', rightOtp());
    assert.deepEqual([answer.status, answer.text], [201, 'business code']);
  });

  it("answers Okta's failures with 500", async () => {
    nest.okta.respondNext('reset', PASSWORD_STEP);
    assert.equal((await post('/first-try', passwordOf(user))).status, 500);
  });

  it('lets a request through when a strategy passes: why this one never does', async () => {
    assert.equal((await post('/pass')).text, 'business code with no user');
  });
});

describe('npm run start:nest', () => {
  it('prints all that a login needs, logs in with it, and Ctrl-C ends it without noise', async () => {
    const app = run();
    try {
      const url = await app.started();
      const { stdout } = app.output;
      const secret = printed(stdout, 'TOTP secret');
      const username = printed(stdout, 'username');
      const password = printed(stdout, 'password');
      assert.match(stdout, /[▀▄█]{5}/, 'QR code');
      for (const name of ['bob', 'carol', 'dave']) assert.match(stdout, new RegExp(`${name}@`));
      assert.ok(stdout.includes(`${url}/auth/login --json`), 'a line to try');

      browser = new Browser(url.replace('localhost', '127.0.0.1'));
      assert.equal((await post('/auth/login', { username, password })).status, 403);
      const otp = new TOTP({ secret }).generate();
      assert.equal((await post('/auth/otp', { otp })).status, 200);
      assert.match((await browser.get('/auth/profile')).text, /alice@example\.com/);
    } finally {
      const { code, stderr } = await app.stop();
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    }
  });

  it('signs in against the org of OKTA_ISSUER, and starts no stand-in', async () => {
    const { issuers, clients } = nest.okta;
    const app = run({
      OKTA_ISSUER: issuers.default,
      OKTA_CLIENT_ID: clients.basic.client_id,
      OKTA_CLIENT_SECRET: clients.basic.client_secret,
    });
    try {
      const url = await app.started();
      const { stdout } = app.output;
      assert.doesNotMatch(stdout, /stand-in|alice|TOTP|otpauth/);
      assert.ok(stdout.includes(issuers.default));
      browser = new Browser(url);
      await passPassword('/auth');
      assert.equal((await post('/auth/otp', rightOtp())).status, 200);
    } finally {
      assert.equal((await app.stop()).code, 0);
    }
  });

  it('says in one line which setting cannot work', async () => {
    const env = { OKTA_ISSUER: 'https://acme-admin.okta.com', OKTA_CLIENT_ID: 'x' };
    const { code, stderr } = await run(env).ended;
    assert.equal(code, 1);
    assert.match(stderr, /^\n.*issuer.*-admin.*\n\n$/);
  });
});

/** Starts the compiled app, and gives the address that it prints. */
function run(env: Record<string, string> = {}) {
  const program = runProgram([main], env);
  const started = async () => {
    const [, url = ''] = await program.until(/The Nest app: (http:\/\/localhost:\d+)/);
    return url;
  };
  return { ...program, started };
}

for (const { at } of VARIANTS) {
  describe(`every second factor at ${at}`, () => {
    // In Passport its strategy takes the place of the other app's.
    let offering: Nest;
    before(async () => {
      offering = await startNest(compiled, {}, { factors: FACTORS });
    });
    after(() => offering?.close());

    const start = async () => {
      const person = offering.okta.addUser({
        factors: { push: { numberChallenge: true }, sms: '+1 555 0100' },
      });
      const visitor = offering.browser();
      const post = (json: object) => visitor.post(`${at}/mfa`, { json });
      const pending = async () => (await visitor.get(`${at}/pending`)).body['pending'];
      const { username, password } = person;
      const first = await visitor.post(`${at}/login`, { json: { username, password } });
      assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required']);
      assert.deepEqual(first.body['factors'], FACTORS);
      return { person, post, pending, phone: offering.okta.phone(person) };
    };

    it('answers a push with its number, and the poll after the approval with the login', async () => {
      const { post, pending, phone, person } = await start();
      const { status, body } = await post({ factor: 'push' });
      assert.deepEqual([status, body['code']], [403, 'authorization_pending']);
      assert.equal(body['numberChallenge'], phone.pushes()[0]?.number);
      const waiting = (await pending()) as { username: string; challenge: { id: string } };
      assert.equal(waiting.username, person.username);
      assert.equal(waiting.challenge.id, body['challenge']);

      phone.approve();
      const login = await post({ challenge: body['challenge'] });
      assert.equal(login.status, 200, login.text);
      assert.equal(await pending(), null);
    });

    it('answers a wish for a text with `code_sent`, one too many with Retry-After, and the code with the login', async () => {
      const { post, phone } = await start();
      const { status, body } = await post({ factor: 'sms' });
      assert.deepEqual([status, body['code']], [403, 'code_sent']);
      const again = await post({ factor: 'sms' });
      assert.deepEqual([again.status, again.body['code']], [429, 'too_many_challenges']);
      assert.equal(again.headers['retry-after'], String(again.body['retryAfter']));
      const login = await post({ challenge: body['challenge'], otp: phone.code('sms') });
      assert.equal(login.status, 200, login.text);
    });

    it('says which factor is not possible, and what is left', async () => {
      const { post } = await start();
      const { status, body } = await post({ factor: 'email' });
      assert.deepEqual(
        [status, body['code'], body['factor']],
        [403, 'factor_unavailable', 'email'],
      );
      assert.ok(!(body['factors'] as string[]).includes('email'));
    });
  });
}
