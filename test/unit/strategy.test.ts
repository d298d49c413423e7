import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock, type TestContext } from 'node:test';
import {
  ConfigurationError,
  OktaDirectMfaStrategy,
  TransactionStoreError,
  type OktaDirectMfaStrategyOptions,
  type OktaProfile,
  type OktaTokens,
  type PassportStrategy,
  type Transaction,
  type TransactionStore,
} from '../../lib/index.js';
import {
  asRequest,
  authenticate,
  authenticateOn,
  CLIENT_ID,
  createBrowser,
  deferred,
  idToken,
  ISSUER,
  KEYS_PATH,
  KID,
  mockOkta,
  ORIGIN,
  rsaKeyPair,
  settle,
  toJwk,
  type FakeRequest,
  type Outcome,
} from '../support/fixtures.js';

const { publicKey, privateKey } = rsaKeyPair();
const KEY = 'okta-direct-mfa';
const MFA_OTP = 'http://auth0.com/oauth/grant-type/mfa-otp';
const USER = { id: 'u1' };
const LOGIN_FORM = { username: 'ada@example.com', password: 'pw' };

type Verify = (tokens: OktaTokens, profile: OktaProfile, done: unknown) => unknown;

let okta: ReturnType<typeof mockOkta>;
let browser: ReturnType<typeof createBrowser>;
beforeEach(() => {
  okta = mockOkta();
  okta.agent
    .get(ORIGIN)
    .intercept({ path: KEYS_PATH })
    .reply(200, { keys: [toJwk(publicKey, { kid: KID })] })
    .persist();
  browser = createBrowser({ cart: ['book'] });
});
afterEach(() => okta.end());

type Options = Partial<Omit<OktaDirectMfaStrategyOptions, 'passReqToCallback'>> & {
  passReqToCallback?: boolean;
};
const create = (more: Options = {}, verify: Verify = async () => USER) =>
  new OktaDirectMfaStrategy(
    {
      issuer: ISSUER,
      clientID: CLIENT_ID,
      dispatcher: okta.agent,
      ...more,
    } as OktaDirectMfaStrategyOptions,
    verify as never,
  );

const mfaRequired = (mfaToken = 'mfa-1') =>
  okta.token(403, { error: 'mfa_required', mfa_token: mfaToken });
const granted = (claims: Record<string, unknown> = {}) =>
  okta.token(200, {
    access_token: 'at',
    id_token: idToken(privateKey, claims),
    token_type: 'Bearer',
  });
const refused = () => okta.token(400, { error: 'invalid_grant' });

/** One request of the browser, which takes the cookie of the answer. */
async function send(
  strategy: PassportStrategy,
  body: unknown,
  options?: unknown,
): Promise<Outcome> {
  const req = browser.request(body);
  const outcome = await authenticate(strategy, req, options);
  browser.keep(req);
  return outcome;
}

/** A browser whose login waits for a passcode. */
async function wait(strategy: PassportStrategy, mfaToken?: string): Promise<void> {
  mfaRequired(mfaToken);
  const outcome = await send(strategy, LOGIN_FORM);
  assert.equal(outcome.action, 'fail');
  assert.ok(waiting() !== undefined);
}
const waiting = () => browser.saved()[KEY] as Transaction | undefined;
const code = (outcome: Outcome) =>
  outcome.action === 'fail'
    ? (outcome.info as { code?: string } | undefined)?.code
    : outcome.action;
function infoOf(outcome: Outcome): Record<string, unknown> {
  assert.ok(outcome.action === 'fail', outcome.action);
  return outcome.info as Record<string, unknown>;
}
function errorOf(outcome: Outcome): { code?: string; status?: number; message: string } {
  assert.ok(outcome.action === 'error', JSON.stringify(outcome));
  assert.ok(outcome.error instanceof Error);
  return outcome.error;
}

describe('the constructor', () => {
  it('makes a strategy that Passport knows as okta-direct-mfa', () => {
    assert.equal(create().name, 'okta-direct-mfa');
  });

  for (const verify of [undefined, null, {}, 'verify']) {
    it(`needs a verify function, not ${JSON.stringify(verify) ?? 'nothing'}`, () => {
      assert.throws(
        () => new OktaDirectMfaStrategy({ issuer: ISSUER, clientID: CLIENT_ID }, verify as never),
        { name: 'TypeError', message: /verify function as its second argument, but got / },
      );
    });
  }

  it('throws the TypeErrors of the options', () => {
    assert.throws(() => create({ issuer: 'http://acme.okta.com' }), TypeError);
  });

  it('asks nothing of Okta', async () => {
    create();
    await settle();
    assert.deepEqual(okta.sent, []);
  });
});

describe('the password step', () => {
  it('signals mfa_required, and has the login saved by then', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
    mfaRequired();
    assert.deepEqual(await send(create(), LOGIN_FORM), {
      action: 'fail',
      status: 403,
      info: {
        code: 'mfa_required',
        message: 'Enter the passcode from your authenticator.',
        expiresAt: 1_700_000_300_000,
      },
    });
    const { id, boundTo, ...rest } = waiting() ?? ({} as Transaction);
    assert.deepEqual(rest, {
      mfaToken: 'mfa-1',
      username: 'ada@example.com',
      expiresAt: 1_700_000_300_000,
      attempts: 0,
    });
    assert.match(id, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    assert.match(boundTo, /^[\w-]{22}$/);
    assert.deepEqual(browser.saved()['cart'], ['book']);
  });

  it('keeps the waiting login within some 250 bytes', async () => {
    await wait(create(), 'x'.repeat(43));
    assert.ok(JSON.stringify(waiting()).length <= 250, JSON.stringify(waiting()));
  });

  it('sends the form that Okta wants', async () => {
    await wait(create({ scope: ['openid', 'email'] }));
    assert.deepEqual(okta.forms(), [
      { grant_type: 'password', scope: 'openid email', client_id: CLIENT_ID, ...LOGIN_FORM },
    ]);
  });

  it('redirects with mfaRedirect', async () => {
    mfaRequired();
    assert.deepEqual(await send(create({ mfaRedirect: '/otp' }), LOGIN_FORM), {
      action: 'redirect',
      url: '/otp',
    });
    assert.ok(waiting());
  });

  it('prefers the mfaRedirect of authenticate()', async () => {
    for (const strategy of [create(), create({ mfaRedirect: '/otp' })]) {
      mfaRequired();
      const outcome = await send(strategy, LOGIN_FORM, { mfaRedirect: '/other' });
      assert.deepEqual(outcome, { action: 'redirect', url: '/other' });
    }
  });

  it('bears authenticate() with null for its options', async () => {
    mfaRequired();
    assert.equal(code(await send(create(), LOGIN_FORM, null)), 'mfa_required');
  });

  for (const how of ['fail', 'redirect'] as const) {
    it(`waits for a slow store before it does ${how}`, async () => {
      const gate = deferred();
      const store = {
        read: () => undefined,
        create: () => gate.promise,
        update: () => undefined,
        remove: () => undefined,
      };
      mfaRequired();
      let acted = false;
      const strategy = create(how === 'fail' ? { store } : { store, mfaRedirect: '/otp' });
      const outcome = authenticate(strategy, { headers: {}, body: LOGIN_FORM });
      void outcome.then(() => (acted = true));
      await settle();
      assert.equal(okta.forms().length, 1);
      assert.equal(acted, false);
      gate.resolve();
      assert.equal((await outcome).action, how);
    });
  }

  it('says invalid_credentials with the same text, whatever the reason', async () => {
    const texts = new Set<unknown>();
    for (const body of [
      { error: 'invalid_grant', error_description: 'The credentials provided were invalid.' },
      { error: 'invalid_grant', error_description: 'User is locked.' },
      { errorCode: 'E0000069', errorSummary: 'User Locked' },
    ]) {
      okta.token(400, body);
      const outcome = await send(create(), LOGIN_FORM);
      assert.ok(outcome.action === 'fail');
      assert.equal(outcome.status, 401);
      texts.add(JSON.stringify(outcome.info));
    }
    assert.deepEqual(
      [...texts],
      ['{"code":"invalid_credentials","message":"The username or password is wrong."}'],
    );
  });

  it('says access_denied', async () => {
    okta.token(403, { error: 'access_denied', error_description: 'Not assigned.' });
    const outcome = await send(create(), LOGIN_FORM);
    assert.equal(code(outcome), 'access_denied');
    assert.ok(outcome.action === 'fail' && outcome.status === 403);
    assert.doesNotMatch(JSON.stringify(outcome.info), /Not assigned/);
  });

  it('says mfa_not_enforced when Okta grants tokens at once', async () => {
    granted();
    const verify = mock.fn(async () => USER);
    const outcome = await send(create({}, verify), LOGIN_FORM);
    assert.equal(code(outcome), 'mfa_not_enforced');
    assert.ok(outcome.action === 'fail' && outcome.status === 403);
    assert.equal(verify.mock.callCount(), 0);
  });

  it('logs in then with requireMfa: false', async () => {
    granted();
    assert.deepEqual(await send(create({ requireMfa: false }), LOGIN_FORM), {
      action: 'success',
      user: USER,
      info: undefined,
    });
  });

  it('says rate_limited with the seconds, if Okta tells them', async () => {
    for (const [headers, info] of [
      [
        { 'retry-after': '9' },
        { retryAfter: 9, message: 'Too many attempts. Try again in 9 seconds.' },
      ],
      [
        { 'retry-after': '1' },
        { retryAfter: 1, message: 'Too many attempts. Try again in 1 second.' },
      ],
      [{}, { message: 'Too many attempts. Try again in a while.' }],
    ] as [Record<string, string>, object][]) {
      okta.token(429, { errorCode: 'E0000047' }, headers);
      assert.deepEqual(await send(create(), LOGIN_FORM), {
        action: 'fail',
        status: 429,
        info: { code: 'rate_limited', ...info },
      });
    }
  });

  it('finds out about a missing session before the password leaves', async () => {
    const error = errorOf(await authenticate(create(), { headers: {}, body: LOGIN_FORM }));
    assert.ok(error instanceof ConfigurationError);
    assert.deepEqual([error.code, error.status], ['session_missing', 500]);
    assert.deepEqual(okta.forms(), []);
  });

  it('finds out about a session in the browser before the password leaves', async () => {
    const req = { headers: {}, body: LOGIN_FORM, session: { isNew: true } };
    assert.equal(errorOf(await authenticate(create(), req)).code, 'session_in_browser');
    assert.deepEqual(okta.forms(), []);
  });

  it('has an error without a body parser', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': '9' };
    const error = errorOf(await authenticate(create(), browser.request(undefined, { headers })));
    assert.deepEqual([error.code, error.status], ['body_parser_missing', 500]);
  });

  for (const [body, field] of [
    [{ username: '', password: 'pw' }, 'username'],
    [{ password: 'pw' }, 'username'],
    [{ username: 'ada', password: ' ' }, 'password'],
    [{ username: 'ada', password: ['pw'] }, 'password'],
    [{ otp: '' }, 'otp'],
    [{ otp: { $gt: '' } }, 'otp'],
    [{}, 'password or otp'],
    [undefined, 'password or otp'],
  ] as const) {
    it(`says missing_credentials and names ${field} for ${JSON.stringify(body) ?? 'no body'}`, async () => {
      await wait(create());
      const before = waiting();
      const outcome = await send(create(), body);
      assert.deepEqual(outcome, {
        action: 'fail',
        status: 400,
        info: {
          code: 'missing_credentials',
          message: `Fill in ${field}: it is missing, empty, too long, or not a text.`,
        },
      });
      assert.deepEqual(waiting(), before, 'the waiting login is untouched');
      assert.equal(okta.forms().length, 1);
    });
  }
});

describe('the password step, about a login that waits already', () => {
  for (const [what, answer, more] of [
    ['invalid_credentials', refused, {}],
    ['access_denied', () => okta.token(403, { error: 'access_denied' }), {}],
    ['mfa_not_enforced', granted, {}],
    ['success', granted, { requireMfa: false }],
  ] as const) {
    it(`drops it with ${what}`, async () => {
      const strategy = create(more);
      await wait(strategy);
      answer();
      assert.equal(code(await send(strategy, LOGIN_FORM)), what);
      assert.equal(waiting(), undefined);
    });
  }

  it('replaces it with mfa_required', async () => {
    const strategy = create();
    await wait(strategy);
    const before = waiting();
    await wait(strategy, 'mfa-2');
    assert.equal(waiting()?.mfaToken, 'mfa-2');
    assert.notEqual(waiting()?.id, before?.id);
    granted();
    await send(strategy, { otp: '111111' });
    assert.equal(okta.forms().at(-1)?.['mfa_token'], 'mfa-2');
  });

  it('counts from zero again, even where Okta gives the same mfa_token', async () => {
    const strategy = create({ maxOtpAttempts: 2 });
    await wait(strategy);
    refused();
    assert.equal(infoOf(await send(strategy, { otp: '000000' }))['attemptsRemaining'], 1);
    await wait(strategy);
    refused();
    assert.equal(infoOf(await send(strategy, { otp: '000000' }))['attemptsRemaining'], 1);
    granted();
    assert.equal((await send(strategy, { otp: '111111' })).action, 'success');
  });

  for (const [what, answer] of [
    ['rate_limited', () => okta.token(429, {})],
    ['a 5xx', () => okta.token(500, {})],
    ['no answer', () => okta.failToken(new Error('socket hang up'))],
  ] as const) {
    it(`keeps it with ${what}`, async () => {
      const strategy = create();
      await wait(strategy);
      const before = waiting();
      answer();
      await send(strategy, LOGIN_FORM);
      assert.deepEqual(waiting(), before);
    });
  }
});

describe('the passcode step', () => {
  it('logs in with the tokens, the verified claims and the profile', async () => {
    const verify = mock.fn<Verify>(async () => USER);
    const strategy = create({}, verify);
    await wait(strategy);
    granted({ amr: ['pwd', 'otp'] });
    assert.deepEqual(await send(strategy, { otp: '123 456' }), {
      action: 'success',
      user: USER,
      info: undefined,
    });
    assert.deepEqual(okta.forms()[1], {
      grant_type: MFA_OTP,
      mfa_token: 'mfa-1',
      otp: '123456',
      scope: 'openid profile',
      client_id: CLIENT_ID,
    });
    const [tokens, profile] = verify.mock.calls[0]?.arguments ?? [];
    assert.equal(tokens?.access_token, 'at');
    assert.deepEqual(tokens.claims['amr'], ['pwd', 'otp']);
    assert.equal(profile?.username, 'ada@example.com');
  });

  it('has the waiting login gone, from the store too, before success', async () => {
    const strategy = create();
    await wait(strategy);
    granted();
    const req = browser.request({ otp: '123456' });
    await authenticate(strategy, req);
    assert.equal(KEY in (req.session ?? {}), false);
    assert.equal(waiting(), undefined);
    assert.deepEqual(browser.saved()['cart'], ['book']);
  });

  it('takes nothing but the passcode from the body', async () => {
    const strategy = create();
    await wait(strategy);
    granted();
    await send(strategy, {
      otp: '1',
      username: 'eve',
      mfa_token: 'evil',
      mfaToken: 'evil',
      scope: 'x',
    });
    const { mfa_token: mfaToken, username, scope } = okta.forms()[1] ?? {};
    assert.deepEqual([mfaToken, username, scope], ['mfa-1', undefined, 'openid profile']);
  });

  it('says mfa_transaction_missing without a waiting login, and asks nothing of Okta', async () => {
    const outcome = await send(create(), { otp: '123456' });
    assert.equal(code(outcome), 'mfa_transaction_missing');
    assert.ok(outcome.action === 'fail' && outcome.status === 401);
    assert.deepEqual(okta.forms(), []);
  });

  it('says so for the same passcode again after the login', async () => {
    const strategy = create();
    await wait(strategy);
    granted();
    await send(strategy, { otp: '123456' });
    assert.equal(code(await send(strategy, { otp: '123456' })), 'mfa_transaction_missing');
  });

  for (const [what, other] of [
    ['another client', { clientID: 'other' }],
    ['another issuer', { issuer: ORIGIN }],
  ] as const) {
    it(`leaves a login of ${what} alone`, async () => {
      await wait(create());
      assert.equal(code(await send(create(other), { otp: '1' })), 'mfa_transaction_missing');
      assert.ok(waiting());
      assert.equal(okta.forms().length, 1);
    });
  }

  it('is resumed by another instance of the same issuer and client, as after a deployment', async () => {
    await wait(create());
    granted();
    assert.equal((await send(create(), { otp: '1' })).action, 'success');
  });

  it('says mfa_transaction_expired from transactionMaxAge on', async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const strategy = create({ transactionMaxAge: 60 });
    await wait(strategy);
    t.mock.timers.tick(59_999);
    refused();
    assert.equal(code(await send(strategy, { otp: '1' })), 'invalid_otp');
    t.mock.timers.tick(1);
    const outcome = await send(strategy, { otp: '1' });
    assert.equal(code(outcome), 'mfa_transaction_expired');
    assert.ok(outcome.action === 'fail' && outcome.status === 401);
    assert.equal(waiting(), undefined);
  });

  it('says so when Okta says that the mfa_token has expired', async () => {
    const strategy = create();
    await wait(strategy);
    okta.token(400, { error: 'access_denied', error_description: "The 'mfa_token' has expired." });
    assert.equal(code(await send(strategy, { otp: '1' })), 'mfa_transaction_expired');
    assert.equal(waiting(), undefined);
  });

  it('says access_denied, and drops the login', async () => {
    const strategy = create();
    await wait(strategy);
    okta.token(403, { error: 'access_denied' });
    assert.equal(code(await send(strategy, { otp: '1' })), 'access_denied');
    assert.equal(waiting(), undefined);
  });

  it('counts wrong passcodes down and drops the login with the last', async () => {
    const strategy = create({ maxOtpAttempts: 3 });
    await wait(strategy);
    for (const [attemptsRemaining, message] of [
      [2, 'The passcode is wrong. 2 attempts left.'],
      [1, 'The passcode is wrong. 1 attempt left.'],
    ] as const) {
      refused();
      assert.deepEqual(await send(strategy, { otp: '0' }), {
        action: 'fail',
        status: 401,
        info: { code: 'invalid_otp', message, attemptsRemaining },
      });
      assert.equal(waiting()?.attempts, 3 - attemptsRemaining);
    }
    refused();
    const outcome = await send(strategy, { otp: '0' });
    assert.equal(code(outcome), 'otp_attempts_exceeded');
    assert.ok(outcome.action === 'fail' && outcome.status === 401);
    assert.equal(waiting(), undefined);
    assert.equal(code(await send(strategy, { otp: '1' })), 'mfa_transaction_missing');
  });

  it('goes by the count in the session where another process has counted', async () => {
    await wait(create());
    refused();
    refused();
    await send(create(), { otp: '0' });
    assert.equal(infoOf(await send(create(), { otp: '0' }))['attemptsRemaining'], 3);
  });

  it('asks nothing of Okta when the count is at its end', async () => {
    const five = create();
    await wait(five);
    refused();
    refused();
    await send(five, { otp: '0' });
    await send(five, { otp: '0' });
    const outcome = await send(create({ maxOtpAttempts: 2 }), { otp: '1' });
    assert.equal(code(outcome), 'otp_attempts_exceeded');
    assert.equal(waiting(), undefined);
    assert.equal(okta.forms().length, 3);
  });

  it('does not count a rate limit', async () => {
    const strategy = create();
    await wait(strategy);
    const before = waiting();
    okta.token(429, { error: 'invalid_grant' }, { 'retry-after': '5' });
    const outcome = await send(strategy, { otp: '0' });
    assert.deepEqual([code(outcome), infoOf(outcome)['retryAfter']], ['rate_limited', 5]);
    assert.deepEqual(waiting(), before);
    refused();
    assert.equal(infoOf(await send(strategy, { otp: '0' }))['attemptsRemaining'], 4);
  });

  for (const [what, answer, expected] of [
    ['a 5xx', () => okta.token(500, {}), ['okta_error', 502]],
    ['HTML', () => okta.token(200, '<html>'), ['invalid_response', 502]],
    ['an ID token for another client', () => granted({ aud: 'other' }), ['invalid_id_token', 502]],
    ['no connection', () => okta.failToken(new Error('reset')), ['okta_unreachable', 503]],
    [
      'a wrong client secret',
      () => okta.token(401, { error: 'invalid_client' }),
      ['invalid_client', 500],
    ],
  ] as const) {
    it(`has an error for ${what}, and keeps the login without counting`, async () => {
      const strategy = create();
      await wait(strategy);
      const before = waiting();
      answer();
      const error = errorOf(await send(strategy, { otp: '1' }));
      assert.deepEqual([error.code, error.status], expected);
      assert.deepEqual(waiting(), before);
    });
  }

  it('has an error when Okta is too slow, and keeps the login', async () => {
    const strategy = create({ timeout: 40 });
    await wait(strategy);
    okta.agent
      .get(ORIGIN)
      .intercept({ method: 'POST', path: '/oauth2/default/v1/token' })
      .reply(200, {})
      .delay(60_000);
    const error = errorOf(await send(strategy, { otp: '1' }));
    assert.deepEqual([error.code, error.status], ['okta_timeout', 504]);
    assert.ok(waiting());
  });

  it('reads /userinfo with userInfo: true', async () => {
    const verify = mock.fn<Verify>(async () => USER);
    const strategy = create({ userInfo: true }, verify);
    await wait(strategy);
    granted();
    okta.userInfo(200, { sub: '00u1person', email: 'ada@mail.example.com' });
    await send(strategy, { otp: '1' });
    const profile = verify.mock.calls[0]?.arguments[1];
    assert.deepEqual(profile?.emails, [{ value: 'ada@mail.example.com' }]);
  });

  it('takes the names of the fields from the options', async () => {
    const strategy = create({ usernameField: 'email', passwordField: 'secret', otpField: 'code' });
    mfaRequired();
    await send(strategy, { email: 'ada', secret: 'pw' });
    granted();
    assert.equal((await send(strategy, { code: '1' })).action, 'success');
  });

  it('keeps the login under sessionKey', async () => {
    mfaRequired();
    await send(create({ sessionKey: 'waiting' }), LOGIN_FORM);
    assert.ok(browser.saved()['waiting']);
    assert.equal(waiting(), undefined);
  });

  it('takes garbage in the session for no login', async () => {
    for (const value of [null, 'x', {}, { mfaToken: 'm' }]) {
      browser = createBrowser({ [KEY]: value });
      assert.equal(code(await send(create(), { otp: '1' })), 'mfa_transaction_missing');
    }
  });
});

describe('requests that come at once', () => {
  it('count each as an attempt, though each has a copy of the session of its own', async () => {
    const strategy = create({ maxOtpAttempts: 3 });
    await wait(strategy);
    for (let i = 0; i < 3; i++) refused();
    const requests = Array.from({ length: 5 }, () => browser.request({ otp: '0' }));
    const outcomes = await Promise.all(requests.map((req) => authenticate(strategy, req)));
    assert.deepEqual(outcomes.map(code), [
      'invalid_otp',
      'invalid_otp',
      'otp_attempts_exceeded',
      'mfa_transaction_missing',
      'mfa_transaction_missing',
    ]);
    assert.equal(okta.forms().length, 4);
    assert.equal(waiting(), undefined, 'no late save brings the login back');
  });

  it('count also when one has been on its way with an old copy for long', async () => {
    const strategy = create({ maxOtpAttempts: 2 });
    await wait(strategy);
    const late = browser.request({ otp: '0' });
    refused();
    await send(strategy, { otp: '0' });
    refused();
    assert.equal(code(await authenticate(strategy, late)), 'otp_attempts_exceeded');
  });

  it('both log in at a double click on the right code, for which Okta is asked once', async () => {
    const strategy = create();
    await wait(strategy);
    granted();
    const requests = [browser.request({ otp: '1' }), browser.request({ otp: '1' })];
    const outcomes = await Promise.all(requests.map((req) => authenticate(strategy, req)));
    assert.deepEqual(
      outcomes.map(({ action }) => action),
      ['success', 'success'],
    );
    assert.equal(okta.forms().length, 2);
    for (const req of requests) assert.equal(KEY in (req.session ?? {}), false);
  });

  it('let another code than the one that was right fail', async () => {
    const strategy = create();
    await wait(strategy);
    granted();
    const requests = [browser.request({ otp: '1' }), browser.request({ otp: '2' })];
    const outcomes = await Promise.all(requests.map((req) => authenticate(strategy, req)));
    assert.deepEqual(outcomes.map(code), ['success', 'mfa_transaction_missing']);
    assert.equal(okta.forms().length, 2);
  });

  it('let nobody in later who has an old copy of the session and the used code', async (t) => {
    t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() });
    const strategy = create();
    await wait(strategy);
    const late = browser.request({ otp: '1' });
    granted();
    assert.equal((await send(strategy, { otp: '1' })).action, 'success');
    t.mock.timers.tick(5000);
    // The grant is forgotten, so Okta is asked, which accepts each code once.
    refused();
    assert.equal(code(await authenticate(strategy, late)), 'invalid_otp');
    assert.equal(okta.forms().length, 3);
  });

  it('let no passcode through for a login that a new password step has replaced', async () => {
    const strategy = create();
    await wait(strategy);
    const late = browser.request({ otp: '1' });
    const gate = deferred();
    const tokens = { access_token: 'at', id_token: idToken(privateKey) };
    const arrived = okta.heldToken(200, tokens, gate.promise);
    const outcome = authenticate(strategy, late);
    await arrived;
    await wait(strategy, 'mfa-2');
    gate.resolve();
    assert.equal(code(await outcome), 'mfa_transaction_missing');
    assert.equal(waiting()?.mfaToken, 'mfa-2');
  });

  it('share the fault of the one before them', async () => {
    const strategy = create();
    await wait(strategy);
    okta.token(500, {});
    const requests = [1, 2, 3].map(() => browser.request({ otp: '1' }));
    const outcomes = await Promise.all(requests.map((req) => authenticate(strategy, req)));
    assert.deepEqual(
      outcomes.map(errorOf).map((error) => error.code),
      ['okta_error', 'okta_error', 'okta_error'],
    );
    assert.equal(okta.forms().length, 2);
    granted();
    assert.equal((await send(strategy, { otp: '1' })).action, 'success');
  });

  it('keep two people apart, also where the app passes the instance itself', async () => {
    const strategy = create({}, async (tokens) => ({ id: tokens.claims.sub }));
    const people = ['ada', 'eve'].map((name) => ({ name, own: createBrowser() }));
    for (const { name, own } of people) {
      mfaRequired(`mfa-${name}`);
      const req = own.request(LOGIN_FORM);
      await authenticate(strategy, req);
      own.keep(req);
    }
    for (const { name } of people) granted({ sub: name });
    const outcomes = await Promise.all(
      people.map(({ own }) => authenticateOn(strategy, own.request({ otp: '1' }))),
    );
    assert.deepEqual(
      outcomes.map((outcome) => outcome.action === 'success' && outcome.user),
      [{ id: 'ada' }, { id: 'eve' }],
    );
  });

  it('are not held up by the login of another person', async () => {
    const strategy = create();
    await wait(strategy);
    const slow = browser.request({ otp: '1' });
    const gate = deferred();
    const arrived = okta.heldToken(400, { error: 'invalid_grant' }, gate.promise);
    const outcome = authenticate(strategy, slow);
    await arrived;
    browser = createBrowser();
    await wait(strategy, 'mfa-2');
    granted();
    assert.equal((await send(strategy, { otp: '1' })).action, 'success');
    gate.resolve();
    assert.equal(code(await outcome), 'invalid_otp');
  });
});

describe('the verify function', () => {
  async function loginWith(verify: Verify, more: Options = {}) {
    const strategy = create(more, verify);
    await wait(strategy);
    granted();
    return send(strategy, { otp: '1' });
  }
  const ERROR = new Error('database');
  const withDone = (...args: unknown[]) =>
    ((_tokens, _profile, done: (...given: unknown[]) => void) => done(...args)) as Verify;

  for (const [what, verify, outcome] of [
    [
      'done(null, user, info)',
      withDone(null, USER, { scope: 's' }),
      { action: 'success', user: USER, info: { scope: 's' } },
    ],
    [
      'done(null, false, info)',
      withDone(null, false, { message: 'no' }),
      { action: 'fail', info: { message: 'no' }, status: undefined },
    ],
    ['done(error)', withDone(ERROR), { action: 'error', error: ERROR }],
    [
      'a promise of false',
      async () => false,
      { action: 'fail', info: undefined, status: undefined },
    ],
    ['a rejection', () => Promise.reject(ERROR), { action: 'error', error: ERROR }],
  ] as [string, Verify, Outcome][]) {
    it(`decides by ${what}, and the waiting login is gone`, async () => {
      assert.deepEqual(await loginWith(verify), outcome);
      assert.equal(waiting(), undefined);
    });
  }

  it('is not judged by its length', async () => {
    const verify = (...args: unknown[]) => (args[2] as (e: null, u: object) => void)(null, USER);
    assert.equal((verify as { length: number }).length, 0);
    assert.equal((await loginWith(verify as Verify)).action, 'success');
    assert.equal((await loginWith(async (_a, _b, _c) => USER)).action, 'success');
  });

  it('gets the request first with passReqToCallback', async () => {
    const verify = mock.fn<(...args: unknown[]) => unknown>(async () => USER);
    const strategy = create({ passReqToCallback: true }, verify);
    await wait(strategy);
    granted();
    const req = browser.request({ otp: '1' });
    await authenticate(strategy, req);
    const [first, tokens, profile, done] = verify.mock.calls[0]?.arguments ?? [];
    assert.equal(first, req);
    assert.equal((tokens as OktaTokens).access_token, 'at');
    assert.equal((profile as OktaProfile).provider, 'okta');
    assert.equal(typeof done, 'function');
  });

  it('acts once, however often done is called', async () => {
    // authenticate() fails the test when there is more than one action.
    const outcome = await loginWith((_tokens, _profile, done) => {
      const call = done as (...args: unknown[]) => void;
      call(null, USER);
      call(ERROR);
      setImmediate(call, null, false);
      throw ERROR;
    });
    assert.equal(outcome.action, 'success');
  });

  it('makes the request wait when it never decides', async () => {
    const strategy = create({}, () => undefined);
    await wait(strategy);
    granted();
    let acted = false;
    void authenticate(strategy, browser.request({ otp: '1' })).then(() => (acted = true));
    await settle();
    await settle();
    assert.equal(acted, false);
    assert.equal(okta.forms().length, 2);
  });
});

describe('clientIP and deviceToken', () => {
  async function headersWith(more: Options) {
    const strategy = create(more);
    await wait(strategy);
    const { headers = {} } = okta.sent[0] ?? {};
    return { ip: headers['x-forwarded-for'], device: headers['x-device-token'] };
  }

  it('are sent in neither step by default', async () => {
    assert.deepEqual(await headersWith({}), { ip: undefined, device: undefined });
  });

  it('are read from the request and sent in both steps', async () => {
    const strategy = create({
      clientIP: (req) => req.ip,
      deviceToken: (req) => req.headers['x-device'] as string,
    });
    for (const [body, answer] of [
      [LOGIN_FORM, mfaRequired],
      [{ otp: '1' }, granted],
    ] as const) {
      answer();
      const req = browser.request(body, { ip: '2001:db8::1', headers: { 'x-device': 'dev-1' } });
      await authenticate(strategy, req);
      browser.keep(req);
      const { headers = {} } = okta.sent.at(-1) ?? {};
      assert.equal(headers['x-forwarded-for'], '2001:db8::1');
      assert.equal(headers['x-device-token'], 'dev-1');
    }
  });

  for (const odd of [
    undefined,
    null,
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4, 5.6.7.8',
    '1.2.3.4\r\nx: y',
    7,
  ]) {
    it(`send no X-Forwarded-For for ${JSON.stringify(odd) ?? 'undefined'}`, async () => {
      assert.equal((await headersWith({ clientIP: () => odd as string })).ip, undefined);
    });
  }

  for (const odd of [undefined, null, '', 'x'.repeat(33), 'a b', 'a\r\nx: y', 'é', 7, ['a']]) {
    it(`send no X-Device-Token for ${JSON.stringify(odd) ?? 'undefined'}`, async () => {
      assert.equal((await headersWith({ deviceToken: () => odd as string })).device, undefined);
    });
  }

  it('send a device token of 32 characters', async () => {
    const token = '!~'.repeat(16);
    assert.equal((await headersWith({ deviceToken: () => token })).device, token);
  });

  for (const name of ['clientIP', 'deviceToken']) {
    it(`have an error when ${name} throws, and the password does not leave`, async () => {
      const thrown = new Error('no proxy');
      const reader = () => {
        throw thrown;
      };
      assert.equal(errorOf(await send(create({ [name]: reader }), LOGIN_FORM)), thrown);
      assert.deepEqual(okta.forms(), []);
    });

    for (const thrown of [undefined, 'route']) {
      it(`never let ${name} that throws ${String(thrown)} become next(${String(thrown)})`, async () => {
        const reader = () => {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- an app may
          throw thrown;
        };
        errorOf(await send(create({ [name]: reader }), LOGIN_FORM));
      });
    }
  }
});

describe("a store of the app's own", () => {
  function memory(more: Partial<TransactionStore> = {}) {
    let kept: Transaction | undefined;
    const log: string[] = [];
    const store: TransactionStore = {
      read: async () => kept,
      create: async (_req, transaction) => {
        log.push('create');
        kept = transaction;
      },
      update: async (_req, transaction) => {
        log.push(`update ${transaction.attempts}`);
        kept = transaction;
      },
      remove: async () => {
        log.push('remove');
        kept = undefined;
      },
      ...more,
    };
    return { store, log };
  }
  const sendTo = (strategy: PassportStrategy, body: unknown) =>
    authenticate(strategy, { headers: {}, body });

  it('needs no session', async () => {
    const { store, log } = memory();
    const strategy = create({ store });
    mfaRequired();
    assert.equal(code(await sendTo(strategy, LOGIN_FORM)), 'mfa_required');
    refused();
    assert.equal(code(await sendTo(strategy, { otp: '0' })), 'invalid_otp');
    granted();
    assert.equal((await sendTo(strategy, { otp: '1' })).action, 'success');
    assert.deepEqual(log, ['create', 'update 1', 'remove']);
  });

  it('may be synchronous, and is called with its own this', async () => {
    class Store implements TransactionStore {
      kept: Transaction | undefined;
      read() {
        return this.kept;
      }
      create(_req: unknown, transaction: Transaction) {
        this.kept = transaction;
      }
      update(_req: unknown, transaction: Transaction) {
        this.kept = transaction;
      }
      remove() {
        this.kept = undefined;
      }
    }
    const store = new Store();
    mfaRequired();
    await sendTo(create({ store }), LOGIN_FORM);
    assert.equal(store.kept?.mfaToken, 'mfa-1');
  });

  for (const [method, prepare, body, answer] of [
    ['read', false, LOGIN_FORM, undefined],
    ['read', true, { otp: '1' }, undefined],
    ['create', false, LOGIN_FORM, () => mfaRequired()],
    ['update', true, { otp: '0' }, refused],
    ['remove', true, { otp: '1' }, granted],
  ] as const) {
    for (const how of ['throws', 'rejects']) {
      it(`is a TransactionStoreError when ${method} ${how} (${JSON.stringify(body)})`, async () => {
        const { store } = memory();
        const strategy = create({ store });
        if (prepare) {
          mfaRequired();
          await sendTo(strategy, LOGIN_FORM);
        }
        store[method] = (): never | Promise<never> => {
          const error = new Error('redis says no to mfa-1');
          if (how === 'throws') throw error;
          return Promise.reject(error);
        };
        // The strategy has taken the methods off the object only when it calls them.
        answer?.();
        const error = errorOf(await sendTo(strategy, body));
        assert.ok(error instanceof TransactionStoreError);
        assert.deepEqual([error.code, error.status], ['transaction_store_failed', 500]);
        // What was being read is not known, so nothing of the message can be told from a secret.
        assert.match(
          error.message,
          method === 'read'
            ? /be read: Error$/
            : /be (saved|removed): redis says no to \[redacted\]$/,
        );
        assert.ok(!('cause' in error));
      });
    }
  }

  it('may refuse with an error of this package, which passes as it is', async () => {
    const own = new ConfigurationError('session_missing', 'No device cookie');
    const { store } = memory({ read: () => Promise.reject(own) });
    assert.equal(errorOf(await sendTo(create({ store }), { otp: '1' })), own);
  });

  for (const nothing of [null, '', 'garbage', {}, 7]) {
    it(`may say ${JSON.stringify(nothing)} for nothing`, async () => {
      const { store } = memory({ read: async () => nothing as never });
      const strategy = create({ store });
      assert.equal(code(await sendTo(strategy, { otp: '1' })), 'mfa_transaction_missing');
      mfaRequired();
      assert.equal(code(await sendTo(strategy, LOGIN_FORM)), 'mfa_required');
      await strategy.cancel(asRequest({ headers: {} }));
    });
  }
});

describe('a session whose store fails', () => {
  it('is an error in the password step, not a redirect', async () => {
    for (const what of ['regenerate', 'save'] as const) {
      browser.fail(what);
      mfaRequired();
      const error = errorOf(await send(create({ mfaRedirect: '/otp' }), LOGIN_FORM));
      assert.deepEqual([error.code, error.status], ['transaction_store_failed', 500]);
      browser.heal();
    }
  });

  it('is an error in the passcode step, and nobody is logged in', async () => {
    const strategy = create();
    await wait(strategy);
    browser.fail('save');
    granted();
    assert.equal(errorOf(await send(strategy, { otp: '1' })).code, 'transaction_store_failed');
  });

  it('counts the wrong passcode that could not be saved', async () => {
    const strategy = create({ maxOtpAttempts: 2 });
    await wait(strategy);
    browser.fail('save');
    refused();
    const req: FakeRequest = browser.request({ otp: '0' });
    assert.equal(errorOf(await authenticate(strategy, req)).code, 'transaction_store_failed');
    browser.heal();
    refused();
    assert.equal(code(await send(strategy, { otp: '0' })), 'otp_attempts_exceeded');
  });
});

describe('cancel', () => {
  it('drops the login that waits, and saves', async () => {
    const strategy = create();
    await wait(strategy);
    await strategy.cancel(asRequest(browser.request()));
    assert.equal(waiting(), undefined);
    assert.deepEqual(browser.saved()['cart'], ['book']);
    assert.equal(code(await send(strategy, { otp: '1' })), 'mfa_transaction_missing');
    assert.equal(okta.forms().length, 1);
  });

  it('does nothing when none waits', async () => {
    await create().cancel(asRequest(browser.request()));
    assert.deepEqual(browser.log, []);
  });

  it('rejects without a session', async () => {
    await assert.rejects(create().cancel(asRequest({ headers: {} })), { code: 'session_missing' });
  });

  it('rejects when the store fails', async () => {
    const strategy = create();
    await wait(strategy);
    browser.fail('save');
    await assert.rejects(
      strategy.cancel(asRequest(browser.request())),
      (error: unknown) => error instanceof TransactionStoreError,
    );
  });

  for (const [what, status, answer] of [
    ['right', 200, { access_token: 'at', id_token: idToken(privateKey) }],
    ['wrong', 400, { error: 'invalid_grant' }],
    ['rate-limited', 429, {}],
  ] as const) {
    it(`is not undone by a ${what} passcode that is under way`, async () => {
      const verify = mock.fn(async () => USER);
      const strategy = create({}, verify);
      await wait(strategy);
      const late = browser.request({ otp: '1' });
      const gate = deferred();
      const arrived = okta.heldToken(status, answer, gate.promise);
      const outcome = authenticate(strategy, late);
      await arrived;
      await strategy.cancel(asRequest(browser.request()));
      gate.resolve();
      assert.equal(code(await outcome), 'mfa_transaction_missing');
      assert.equal(KEY in (late.session ?? {}), false);
      assert.equal(waiting(), undefined);
      assert.equal(verify.mock.callCount(), 0);
    });
  }

  it('spares Okta a passcode that waits in line behind another', async () => {
    const strategy = create();
    await wait(strategy);
    const requests = [browser.request({ otp: '1' }), browser.request({ otp: '2' })];
    const gate = deferred();
    const arrived = okta.heldToken(400, { error: 'invalid_grant' }, gate.promise);
    const outcomes = requests.map((req) => authenticate(strategy, req));
    await arrived;
    await strategy.cancel(asRequest(browser.request()));
    gate.resolve();
    assert.deepEqual((await Promise.all(outcomes)).map(code), [
      'mfa_transaction_missing',
      'mfa_transaction_missing',
    ]);
    assert.equal(okta.forms().length, 2);
  });

  it('is not undone by a passcode that came before it and is read after it', async () => {
    const strategy = create();
    await wait(strategy);
    const late = browser.request({ otp: '0' });
    await strategy.cancel(asRequest(browser.request()));
    okta.agent
      .get(ORIGIN)
      .intercept({ method: 'POST', path: '/oauth2/default/v1/token' })
      .reply(400, { error: 'invalid_grant' })
      .persist();
    const outcome = await authenticate(strategy, late);
    assert.equal(code(outcome), 'mfa_transaction_missing');
    assert.equal(waiting(), undefined);
  });
});
