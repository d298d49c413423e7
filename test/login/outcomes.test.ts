import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { Okta, User } from '../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions } from '../../lib/index.js';
import {
  Browser,
  finishLogin,
  OTP_STEP,
  passPassword,
  PASSWORD_STEP,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  useOkta,
  watchTokenRequests,
  type Answer,
  type Scene,
} from '../support/index.js';

/** Okta's clock stands still unless a test moves it; a whole second, so that "in 1 s" is exact. */
let oktaNow = Math.floor(Date.now() / 1000) * 1000;
let okta: Okta;
useOkta((started) => (okta = started), { now: () => oktaNow });

interface Row {
  name: string;
  options?: Partial<OktaDirectMfaStrategyOptions>;
  user?: Partial<User>;
  /** Whether the password step has been passed before. */
  waits?: boolean;
  /** What happens before the request. */
  given?: (scene: Scene) => unknown;
  when: (scene: Scene) => Promise<Answer>;
  finally?: (scene: Scene) => unknown;
  status: number;
  /** Exactly the `info`, but for its message. */
  info: { code: string; [member: string]: unknown };
  /** The `grant_type` of each POST that the request led to. */
  posts: ('password' | typeof OTP_STEP.grantType)[];
  /** What the request did to the transaction. */
  then: 'untouched' | 'counted' | 'dropped' | 'none';
}

/** Stops the machine's clock; what it returns lets it go on. */
function setClock(now: number): () => void {
  mock.method(Date, 'now', () => now);
  return () => mock.restoreAll();
}

const OTP_POST = OTP_STEP.grantType;

const ROWS: Row[] = [
  {
    name: 'a request without a password or passcode',
    when: ({ browser }) => browser.post('/login', { json: { comment: 'hello' } }),
    status: 400,
    info: { code: 'missing_credentials', field: 'password' },
    posts: [],
    then: 'none',
  },
  {
    name: 'a blank passcode',
    waits: true,
    when: ({ browser }) => sendOtp(browser, ' '),
    status: 400,
    info: { code: 'missing_credentials', field: 'otp' },
    posts: [],
    then: 'untouched',
  },
  {
    name: 'a blank password while a transaction waits',
    waits: true,
    when: ({ browser, user }) => sendPassword(browser, { ...user, password: '' }),
    status: 400,
    info: { code: 'missing_credentials', field: 'password' },
    posts: [],
    then: 'untouched',
  },
  {
    name: 'a wrong password',
    when: ({ browser, user }) => sendPassword(browser, { ...user, password: 'wrong horse' }),
    status: 401,
    info: { code: 'invalid_credentials' },
    posts: ['password'],
    then: 'none',
  },
  {
    name: 'a wrong password while a transaction waits',
    waits: true,
    when: ({ browser, user }) => sendPassword(browser, { ...user, password: 'wrong horse' }),
    status: 401,
    info: { code: 'invalid_credentials' },
    posts: ['password'],
    then: 'dropped',
  },
  {
    name: 'a wrong passcode',
    waits: true,
    when: ({ browser, user }) => sendOtp(browser, okta.wrongOtp(user)),
    status: 401,
    info: { code: 'invalid_otp', attemptsRemaining: 4 },
    posts: [OTP_POST],
    then: 'counted',
  },
  {
    name: 'the last allowed passcode, wrong too',
    options: { maxOtpAttempts: 2 },
    waits: true,
    given: async ({ browser, user }) => {
      const first = await sendOtp(browser, okta.wrongOtp(user));
      assert.equal(first.body['attemptsRemaining'] ?? 1, 1);
    },
    when: ({ browser, user }) => sendOtp(browser, okta.wrongOtp(user)),
    status: 401,
    info: { code: 'otp_attempts_exceeded' },
    posts: [OTP_POST],
    then: 'dropped',
  },
  {
    name: 'a right passcode after the last allowed one',
    options: { maxOtpAttempts: 1 },
    waits: true,
    given: ({ browser, user }) => sendOtp(browser, okta.wrongOtp(user)),
    when: ({ browser, user }) => sendOtp(browser, okta.otp(user)),
    status: 401,
    info: { code: 'mfa_transaction_missing' },
    posts: [],
    then: 'none',
  },
  {
    name: 'a passcode without a transaction',
    when: ({ browser, user }) => sendOtp(browser, okta.otp(user)),
    status: 401,
    info: { code: 'mfa_transaction_missing' },
    posts: [],
    then: 'none',
  },
  {
    name: 'a passcode that comes later than transactionMaxAge',
    options: { transactionMaxAge: 60 },
    waits: true,
    given: () => setClock(Date.now() + 61_000),
    when: ({ browser, user }) => sendOtp(browser, okta.otp(user)),
    finally: () => mock.restoreAll(),
    status: 401,
    info: { code: 'mfa_transaction_expired' },
    posts: [],
    then: 'dropped',
  },
  {
    name: 'a passcode for an mfa_token that Okta says has expired',
    options: { transactionMaxAge: 3600 },
    waits: true,
    given: () => (oktaNow += 301_000),
    when: ({ browser, user }) => sendOtp(browser, okta.otp(user)),
    status: 401,
    info: { code: 'mfa_transaction_expired' },
    posts: [OTP_POST],
    then: 'dropped',
  },
  {
    name: 'the password of a person who is not assigned to the app',
    user: { assigned: false },
    when: ({ browser, user }) => sendPassword(browser, user),
    status: 403,
    info: { code: 'access_denied' },
    posts: ['password'],
    then: 'none',
  },
  {
    name: 'the same while a transaction waits',
    waits: true,
    given: ({ user }) => (user.assigned = false),
    when: ({ browser, user }) => sendPassword(browser, user),
    status: 403,
    info: { code: 'access_denied' },
    posts: ['password'],
    then: 'dropped',
  },
  {
    name: 'the passcode of a person whose authenticator may not be used',
    waits: true,
    given: ({ user }) => (user.totpSecret = undefined),
    when: ({ browser }) => sendOtp(browser, '123456'),
    status: 403,
    info: { code: 'access_denied' },
    posts: [OTP_POST],
    then: 'dropped',
  },
  {
    name: 'tokens for the password alone',
    user: { mfa: false },
    when: ({ browser, user }) => sendPassword(browser, user),
    status: 403,
    info: { code: 'mfa_not_enforced' },
    posts: ['password'],
    then: 'none',
  },
  {
    name: 'tokens for the password alone, while a transaction waits',
    waits: true,
    given: ({ user }) => (user.mfa = false),
    when: ({ browser, user }) => sendPassword(browser, user),
    status: 403,
    info: { code: 'mfa_not_enforced' },
    posts: ['password'],
    then: 'dropped',
  },
  {
    name: 'a fifth password within a second, in the format of /token',
    waits: true,
    given: async ({ app, user }) => {
      for (let i = 0; i < 3; i++) await sendPassword(new Browser(app.url), user);
    },
    when: ({ browser, user }) => sendPassword(browser, user),
    status: 429,
    info: { code: 'rate_limited', retryAfter: 1 },
    posts: ['password'],
    then: 'untouched',
  },
  {
    name: 'a passcode too many, in the format of /token',
    waits: true,
    given: () =>
      okta.respondNext(
        {
          status: 429,
          headers: {
            date: new Date(oktaNow).toUTCString(),
            'x-rate-limit-reset': String(oktaNow / 1000 + 17),
          },
          body: { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit' },
        },
        OTP_STEP,
      ),
    when: ({ browser, user }) => sendOtp(browser, okta.otp(user)),
    status: 429,
    info: { code: 'rate_limited', retryAfter: 17 },
    posts: [OTP_POST],
    then: 'untouched',
  },
  {
    name: 'a passcode too many, said as invalid_grant',
    waits: true,
    given: () =>
      okta.respondNext(
        {
          status: 429,
          headers: { 'retry-after': '30' },
          body: { error: 'invalid_grant', error_description: 'Too many attempts' },
        },
        OTP_STEP,
      ),
    when: ({ browser, user }) => sendOtp(browser, okta.wrongOtp(user)),
    status: 429,
    info: { code: 'rate_limited', retryAfter: 30 },
    posts: [OTP_POST],
    then: 'untouched',
  },
  {
    name: 'a passcode too many, said in HTML and without a time',
    waits: true,
    given: () => okta.respondNext({ status: 429, body: '<h1>Slow down</h1>' }, OTP_STEP),
    when: ({ browser, user }) => sendOtp(browser, okta.otp(user)),
    status: 429,
    info: { code: 'rate_limited' },
    posts: [OTP_POST],
    then: 'untouched',
  },
];

for (const style of ['callback', 'plain'] as const) {
  describe(`passport.authenticate() in the style ${style} fails for`, () => {
    for (const row of ROWS) {
      it(`${row.name}: ${row.info.code}, ${row.status}, transaction ${row.then}`, async (t) => {
        const { options, user } = row;
        const set = await (row.waits ? sceneAtPasscode : scene)(t, { options, user, style });
        const { app, browser } = set;
        await row.given?.(set);
        if (row.finally) t.after(() => row.finally?.(set));

        const waiting = app.store.waiting(browser.sessionID);
        const { sessionID } = browser;
        const posts = watchTokenRequests(okta);
        app.actions.length = 0;
        const answer = await row.when(set);

        assert.equal(answer.status, row.status, answer.text);
        assert.deepEqual(
          app.actions.map((action) => action.name),
          ['fail'],
        );
        const [info, status] = app.actions[0]?.args as [Record<string, unknown>, number];
        assert.equal(status, row.status);
        const { message, ...rest } = info;
        assert.deepEqual(rest, row.info);
        assert.match(String(message), /^[A-Z].+\.$/, 'the message is a sentence for people');
        if (style === 'callback') assert.deepEqual(answer.body, info);

        assert.deepEqual(
          posts().map(({ form }) => form['grant_type']),
          row.posts,
        );
        const after = app.store.waiting(browser.sessionID);
        switch (row.then) {
          case 'untouched':
            assert.ok(waiting);
            assert.deepEqual(after, waiting);
            assert.equal(browser.sessionID, sessionID);
            break;
          case 'counted':
            assert.ok(waiting);
            assert.deepEqual(after, { ...waiting, attempts: waiting.attempts + 1 });
            break;
          case 'dropped':
            assert.ok(waiting);
            assert.equal(after, undefined);
            assert.ok(!app.store.text.includes(waiting.mfaToken));
            break;
          case 'none':
            assert.equal(waiting, undefined);
            assert.equal(after, undefined);
        }
        assert.equal(app.logins.length, 0, 'verify was not called');
        assert.equal(app.errors.length, 0);
        assert.equal(app.passed.length, 0);
        assert.deepEqual((await browser.get('/me')).body['user'], null);
      });
    }
  });
}

it('the right password is answered with mfa_required, until when, and is saved by then', async (t) => {
  const { app, browser, user } = await scene(t, { options: { transactionMaxAge: 120 } });

  const earliest = Date.now() + 120_000;
  const answer = await sendPassword(browser, user);
  const latest = Date.now() + 120_000;

  assert.equal(answer.status, 403);
  const { code, message, expiresAt, ...others } = answer.body;
  assert.deepEqual(
    [code, typeof message, others],
    ['mfa_required', 'string', { factors: ['otp'] }],
  );
  assert.ok(typeof expiresAt === 'number' && expiresAt >= earliest && expiresAt <= latest);
  const waiting = app.store.waiting(browser.sessionID);
  assert.equal(waiting?.expiresAt, expiresAt);
  assert.equal(waiting?.attempts, 0);
  assert.equal(waiting?.username, user.username);
});

it('with mfaRedirect the right password is answered with a redirect and no info', async (t) => {
  const { app, browser, user } = await scene(t, {
    options: { mfaRedirect: '/from-the-strategy' },
    style: 'plain',
  });
  const answer = await sendPassword(browser, user);
  assert.deepEqual([answer.status, answer.location], [302, '/from-the-strategy']);
  assert.deepEqual(
    app.actions.map(({ name, args }) => [name, ...args]),
    [['redirect', '/from-the-strategy']],
  );
});

it('mfaRedirect of authenticate() goes before that of the strategy', async (t) => {
  const { browser, user } = await scene(t, {
    options: { mfaRedirect: '/from-the-strategy' },
    authenticateOptions: { mfaRedirect: '/from-the-route' },
    style: 'plain',
  });
  assert.equal((await sendPassword(browser, user)).location, '/from-the-route');
});

it('a wrong password, an unknown name and a locked account get the very same answer, but for the date', async (t) => {
  const { app, user } = await scene(t);
  const locked = okta.addUser({ locked: true });
  const shown = async (who: Pick<User, 'username' | 'password'>) => {
    const { username, password } = who;
    const { status, headers, text } = await new Browser(app.url).post('/login', {
      json: { username, password },
    });
    return { status, headers: { ...headers, date: '' }, text };
  };
  const wrong = await shown({ ...user, password: 'wrong horse' });
  assert.match(wrong.text, /"invalid_credentials"/);
  assert.deepEqual(await shown({ ...user, username: 'nobody@example.com' }), wrong);
  assert.deepEqual(await shown(locked), wrong);
  okta.respondNext({ status: 403, body: { error: 'invalid_grant' } }, PASSWORD_STEP);
  assert.deepEqual(await shown(user), wrong);
});

it('attemptsRemaining counts down to the last attempt, and a right passcode still logs in', async (t) => {
  const { browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 4 } });
  for (const remaining of [3, 2, 1]) {
    const { body } = await sendOtp(browser, okta.wrongOtp(user));
    assert.deepEqual([body['code'], body['attemptsRemaining']], ['invalid_otp', remaining]);
  }
  await finishLogin(browser, okta, user);
});

it('a rate limit does not use up an attempt: the one left is still there', async (t) => {
  const { browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 1 } });
  for (let i = 0; i < 3; i++) {
    okta.respondNext({ status: 429, body: { error: 'invalid_grant' } }, OTP_STEP);
    assert.equal((await sendOtp(browser, okta.wrongOtp(user))).status, 429);
  }
  await finishLogin(browser, okta, user);
});

it('the passcode is still good a moment before transactionMaxAge ends', async (t) => {
  const { app, browser, user } = await sceneAtPasscode(t, { options: { transactionMaxAge: 60 } });
  const { expiresAt } = app.store.waiting(browser.sessionID)!;
  t.after(setClock(expiresAt - 1));
  await finishLogin(browser, okta, user);
});

it('mfa_required is understood with HTTP 400 too', async (t) => {
  const { browser, user } = await scene(t);
  okta.respondNext(
    async (_request, proceed) => ({ ...(await proceed()), status: 400 }),
    PASSWORD_STEP,
  );
  await passPassword(browser, user);
  await finishLogin(browser, okta, user);
});
