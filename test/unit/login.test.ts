import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { Action } from '../../lib/actions.js';
import {
  OktaConfigurationError,
  OktaTransactionStoreError,
  type OktaDirectMfaStrategyOptions,
  type OktaProfile,
  type OktaTokens,
  type Transaction,
  type TransactionStore,
} from '../../lib/index.js';
import { LoginFlow } from '../../lib/login.js';
import { readOptions } from '../../lib/options/index.js';
import {
  asRequest,
  CLIENT_ID,
  createBrowser,
  ISSUER,
  ORIGIN,
  settle,
  TOKEN_PATH,
  type FakeRequest,
} from '../support/fixtures.js';
import { gate } from '../support/promises.js';
import { KEY, LOGIN_FORM, signed, USER, useScene } from './support.js';

type Verify = (req: unknown, tokens: OktaTokens, profile: OktaProfile, done: unknown) => unknown;
type Done = (error: unknown, user?: unknown, info?: unknown) => void;

const scene = useScene();

const create = (
  more: Partial<OktaDirectMfaStrategyOptions> = {},
  verify: Verify = async () => USER,
) =>
  new LoginFlow(
    readOptions({ issuer: ISSUER, clientID: CLIENT_ID, dispatcher: scene.okta.agent, ...more }),
    verify as never,
  );

const handle = (flow: LoginFlow, req: FakeRequest): Promise<Action> =>
  flow.authenticate(asRequest(req));

/** One request of the browser, which keeps the cookie of the response. */
async function send(flow: LoginFlow, body: unknown): Promise<Action> {
  const req = scene.browser.request(body);
  const action = await handle(flow, req);
  scene.browser.keep(req);
  return action;
}

/** The password step, which begins a transaction. */
async function begin(flow: LoginFlow, mfaToken?: string): Promise<void> {
  scene.mfaRequired(mfaToken);
  assert.equal(outcome(await send(flow, LOGIN_FORM)), 'mfa_required');
  assert.ok(scene.saved() !== undefined);
}

const cancel = (flow: LoginFlow, req: FakeRequest = scene.browser.request()) =>
  flow.cancel(asRequest(req));

/** The code of a failure, or the type of another action. */
const outcome = (action: Action): string | undefined =>
  action.type === 'fail' ? (action.info as { code?: string } | undefined)?.code : action.type;
function infoOf(action: Action): Record<string, unknown> {
  assert.ok(action.type === 'fail', action.type);
  return action.info as Record<string, unknown>;
}
function statusOf(action: Action): number | undefined {
  assert.ok(action.type === 'fail', action.type);
  return action.status;
}
function errorOf(action: Action): { code?: string; status?: number; message: string } {
  assert.ok(action.type === 'error', JSON.stringify(action));
  assert.ok(action.error instanceof Error);
  return action.error;
}

describe('the password step', () => {
  it('fails with mfa_required, and the transaction is saved by then', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
    scene.mfaRequired();
    assert.deepEqual(await send(create(), LOGIN_FORM), {
      type: 'fail',
      status: 403,
      info: {
        code: 'mfa_required',
        message: 'Enter the passcode from your authenticator.',
        expiresAt: 1_700_000_300_000,
        factors: ['otp'],
      },
    });
    const { id, clientDigest, ...rest } = scene.saved() ?? ({} as Transaction);
    assert.deepEqual(rest, {
      mfaToken: 'mfa-1',
      username: 'ada@example.com',
      expiresAt: 1_700_000_300_000,
      attempts: 0,
    });
    assert.match(id, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    assert.match(clientDigest, /^[\w-]{22}$/);
    assert.deepEqual(scene.browser.saved()['cart'], ['book']);
  });

  it('keeps the transaction within some 250 bytes', async () => {
    await begin(create(), 'x'.repeat(43));
    assert.ok(JSON.stringify(scene.saved()).length <= 250, JSON.stringify(scene.saved()));
  });

  it('redirects with mfaRedirect', async () => {
    scene.mfaRequired();
    assert.deepEqual(await send(create({ mfaRedirect: '/otp' }), LOGIN_FORM), {
      type: 'redirect',
      url: '/otp',
      code: 'mfa_required',
    });
    assert.ok(scene.saved());
  });

  for (const how of ['fail', 'redirect'] as const) {
    it(`waits for a slow store before it ends in ${how}`, async () => {
      const stored = gate();
      const store = {
        read: () => undefined,
        create: () => stored.opened,
        update: () => undefined,
        remove: () => undefined,
      };
      scene.mfaRequired();
      let acted = false;
      const flow = create(how === 'fail' ? { store } : { store, mfaRedirect: '/otp' });
      const action = handle(flow, { headers: {}, body: LOGIN_FORM });
      void action.then(() => (acted = true));
      await settle();
      assert.equal(scene.okta.forms().length, 1);
      assert.equal(acted, false);
      stored.open();
      assert.equal((await action).type, how);
    });
  }

  it('fails with invalid_credentials and the same message, whatever the reason', async () => {
    const actions = new Set<string>();
    for (const body of [
      { error: 'invalid_grant', error_description: 'The credentials provided were invalid.' },
      { error: 'invalid_grant', error_description: 'User is locked.' },
      { errorCode: 'E0000069', errorSummary: 'User Locked' },
    ]) {
      scene.okta.token(400, body);
      actions.add(JSON.stringify(await send(create(), LOGIN_FORM)));
    }
    assert.equal(actions.size, 1);
    const [action = ''] = actions;
    assert.deepEqual(JSON.parse(action), {
      type: 'fail',
      status: 401,
      info: { code: 'invalid_credentials', message: 'The username or password is wrong.' },
    });
  });

  it("fails with access_denied, without Okta's words", async () => {
    scene.okta.token(403, { error: 'access_denied', error_description: 'Not assigned.' });
    const action = await send(create(), LOGIN_FORM);
    assert.deepEqual([outcome(action), statusOf(action)], ['access_denied', 403]);
    assert.doesNotMatch(JSON.stringify(action), /Not assigned/);
  });

  it('fails with mfa_not_enforced when Okta grants tokens at once', async () => {
    scene.granted();
    const verify = mock.fn(async () => USER);
    const action = await send(create({}, verify), LOGIN_FORM);
    assert.deepEqual([outcome(action), statusOf(action)], ['mfa_not_enforced', 403]);
    assert.equal(verify.mock.callCount(), 0);
  });

  it('logs in then with requireMfa: false', async () => {
    scene.granted();
    assert.deepEqual(await send(create({ requireMfa: false }), LOGIN_FORM), {
      type: 'success',
      user: USER,
      info: undefined,
    });
  });

  for (const [code, session] of [
    ['session_missing', {}],
    ['session_in_browser', { session: { isNew: true } }],
  ] as const) {
    it(`ends in ${code} before the password is sent`, async () => {
      const req = { headers: {}, body: LOGIN_FORM, ...session };
      const error = errorOf(await handle(create(), req));
      assert.ok(error instanceof OktaConfigurationError);
      assert.deepEqual([error.code, error.status], [code, 500]);
      assert.deepEqual(scene.okta.forms(), []);
    });
  }
});

describe('a request with a field that cannot be used', () => {
  for (const [body, field, message] of [
    [{ password: 'pw' }, 'username', 'Enter your username and password.'],
    [{ otp: '' }, 'otp', 'Enter your passcode.'],
    [undefined, 'password', 'Enter your username and password.'],
  ] as const) {
    it(`fails with missing_credentials and names ${field} for ${JSON.stringify(body) ?? 'no body'}`, async () => {
      await begin(create());
      const before = scene.saved();
      assert.deepEqual(await send(create(), body), {
        type: 'fail',
        status: 400,
        info: { code: 'missing_credentials', message, field },
      });
      assert.deepEqual(scene.saved(), before, 'the transaction is untouched');
      assert.equal(scene.okta.forms().length, 1);
    });
  }
});

describe('the password step, when there is a transaction already', () => {
  for (const [what, respond, more] of [
    ['invalid_credentials', () => scene.rejected(), {}],
    ['access_denied', () => scene.okta.token(403, { error: 'access_denied' }), {}],
    ['mfa_not_enforced', () => scene.granted(), {}],
    ['success', () => scene.granted(), { requireMfa: false }],
  ] as const) {
    it(`drops it with ${what}`, async () => {
      const flow = create(more);
      await begin(flow);
      respond();
      assert.equal(outcome(await send(flow, LOGIN_FORM)), what);
      assert.equal(scene.saved(), undefined);
    });
  }

  it('replaces it with mfa_required', async () => {
    const flow = create();
    await begin(flow);
    const before = scene.saved();
    await begin(flow, 'mfa-2');
    assert.equal(scene.saved()?.mfaToken, 'mfa-2');
    assert.notEqual(scene.saved()?.id, before?.id);
    scene.granted();
    await send(flow, { otp: '111111' });
    assert.equal(scene.okta.forms().at(-1)?.['mfa_token'], 'mfa-2');
  });

  it('counts from zero again, even where Okta gives the same mfa_token', async () => {
    const flow = create({ maxOtpAttempts: 2 });
    await begin(flow);
    scene.rejected();
    assert.equal(infoOf(await send(flow, { otp: '000000' }))['attemptsRemaining'], 1);
    await begin(flow);
    scene.rejected();
    assert.equal(infoOf(await send(flow, { otp: '000000' }))['attemptsRemaining'], 1);
    scene.granted();
    assert.equal((await send(flow, { otp: '111111' })).type, 'success');
  });

  for (const [what, respond] of [
    ['rate_limited', () => scene.okta.token(429, {})],
    ['a 5xx', () => scene.okta.token(500, {})],
    ['no response', () => scene.okta.failToken(new Error('socket hang up'))],
  ] as const) {
    it(`keeps it with ${what}`, async () => {
      const flow = create();
      await begin(flow);
      const before = scene.saved();
      respond();
      await send(flow, LOGIN_FORM);
      assert.deepEqual(scene.saved(), before);
    });
  }
});

describe('the passcode step', () => {
  it('logs in with the tokens, the verified claims and the profile', async () => {
    const verify = mock.fn<Verify>(async () => USER);
    const flow = create({}, verify);
    await begin(flow);
    scene.granted({ amr: ['pwd', 'otp'] });
    assert.deepEqual(await send(flow, { otp: '123 456' }), {
      type: 'success',
      user: USER,
      info: undefined,
    });
    assert.deepEqual(scene.okta.forms()[1], {
      grant_type: 'http://auth0.com/oauth/grant-type/mfa-otp',
      mfa_token: 'mfa-1',
      otp: '123456',
      scope: 'openid profile',
      client_id: CLIENT_ID,
    });
    const [, tokens, profile] = verify.mock.calls[0]?.arguments ?? [];
    assert.equal(tokens?.access_token, 'at');
    assert.deepEqual(tokens.claims['amr'], ['pwd', 'otp']);
    assert.equal(profile?.username, 'ada@example.com');
  });

  it('removes the transaction, from the store too, before success', async () => {
    const flow = create();
    await begin(flow);
    scene.granted();
    const req = scene.browser.request({ otp: '123456' });
    assert.equal((await handle(flow, req)).type, 'success');
    assert.equal(KEY in (req.session ?? {}), false);
    assert.equal(scene.saved(), undefined);
    assert.deepEqual(scene.browser.saved()['cart'], ['book']);
  });

  it('takes nothing but the passcode from the body', async () => {
    const flow = create();
    await begin(flow);
    scene.granted();
    await send(flow, {
      otp: '1',
      username: 'eve',
      mfa_token: 'evil',
      mfaToken: 'evil',
      scope: 'x',
    });
    const { mfa_token: mfaToken, username, scope } = scene.okta.forms()[1] ?? {};
    assert.deepEqual([mfaToken, username, scope], ['mfa-1', undefined, 'openid profile']);
  });

  it('fails with mfa_transaction_missing without a transaction, and asks nothing of Okta', async () => {
    const action = await send(create(), { otp: '123456' });
    assert.deepEqual([outcome(action), statusOf(action)], ['mfa_transaction_missing', 401]);
    assert.deepEqual(scene.okta.forms(), []);
  });

  it('fails so for the same passcode again after the login', async () => {
    const flow = create();
    await begin(flow);
    scene.granted();
    await send(flow, { otp: '123456' });
    assert.equal(outcome(await send(flow, { otp: '123456' })), 'mfa_transaction_missing');
  });

  for (const [what, other] of [
    ['another client', { clientID: 'other' }],
    ['another issuer', { issuer: ORIGIN }],
  ] as const) {
    it(`leaves a transaction of ${what} alone`, async () => {
      await begin(create());
      assert.equal(outcome(await send(create(other), { otp: '1' })), 'mfa_transaction_missing');
      assert.ok(scene.saved());
      assert.equal(scene.okta.forms().length, 1);
    });
  }

  it('is completed by another instance of the same issuer and client, as after a deployment', async () => {
    await begin(create());
    scene.granted();
    assert.equal((await send(create(), { otp: '1' })).type, 'success');
  });

  it('fails with mfa_transaction_expired from transactionMaxAge on', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const flow = create({ transactionMaxAge: 60 });
    await begin(flow);
    t.mock.timers.tick(59_999);
    scene.rejected();
    assert.equal(outcome(await send(flow, { otp: '1' })), 'invalid_otp');
    t.mock.timers.tick(1);
    const action = await send(flow, { otp: '1' });
    assert.deepEqual([outcome(action), statusOf(action)], ['mfa_transaction_expired', 401]);
    assert.equal(scene.saved(), undefined);
    assert.equal(scene.okta.forms().length, 2);
  });

  for (const [what, status, body, expected] of [
    [
      'an expired mfa_token',
      400,
      { error: 'access_denied', error_description: "The 'mfa_token' has expired." },
      'mfa_transaction_expired',
    ],
    ['a denial', 403, { error: 'access_denied' }, 'access_denied'],
  ] as const) {
    it(`fails with ${expected} for ${what}, and drops the transaction`, async () => {
      const flow = create();
      await begin(flow);
      scene.okta.token(status, body);
      assert.equal(outcome(await send(flow, { otp: '1' })), expected);
      assert.equal(scene.saved(), undefined);
    });
  }

  it('begins again with the new mfa_token when Okta wants a third factor', async () => {
    const flow = create();
    await begin(flow);
    const before = scene.saved();
    scene.okta.token(400, { error: 'invalid_grant' });
    await send(flow, { otp: '0' });
    scene.okta.token(403, { error: 'mfa_required', mfa_token: 'mfa-2' });
    assert.equal(outcome(await send(flow, { otp: '1' })), 'mfa_required');
    // What was counted stays counted.
    assert.deepEqual(
      { ...scene.saved(), expiresAt: 0 },
      { ...before, expiresAt: 0, mfaToken: 'mfa-2', attempts: 1 },
    );
    scene.granted();
    assert.equal(outcome(await send(flow, { otp: '2' })), 'success');
    assert.equal(scene.okta.forms().at(-1)?.['mfa_token'], 'mfa-2');
  });

  it('counts wrong passcodes down and drops the transaction with the last', async () => {
    const flow = create({ maxOtpAttempts: 3 });
    await begin(flow);
    for (const [attemptsRemaining, message] of [
      [2, 'The passcode is wrong. 2 attempts left.'],
      [1, 'The passcode is wrong. 1 attempt left.'],
    ] as const) {
      scene.rejected();
      assert.deepEqual(await send(flow, { otp: '0' }), {
        type: 'fail',
        status: 401,
        info: { code: 'invalid_otp', message, attemptsRemaining },
      });
      assert.equal(scene.saved()?.attempts, 3 - attemptsRemaining);
    }
    scene.rejected();
    const action = await send(flow, { otp: '0' });
    assert.deepEqual([outcome(action), statusOf(action)], ['otp_attempts_exceeded', 401]);
    assert.equal(scene.saved(), undefined);
    assert.equal(outcome(await send(flow, { otp: '1' })), 'mfa_transaction_missing');
  });

  it('uses the count of the session where another process has counted', async () => {
    await begin(create());
    scene.rejected();
    scene.rejected();
    await send(create(), { otp: '0' });
    assert.equal(infoOf(await send(create(), { otp: '0' }))['attemptsRemaining'], 3);
  });

  it('asks nothing of Okta when no attempt is left', async () => {
    const five = create();
    await begin(five);
    scene.rejected();
    scene.rejected();
    await send(five, { otp: '0' });
    await send(five, { otp: '0' });
    const action = await send(create({ maxOtpAttempts: 2 }), { otp: '1' });
    assert.equal(outcome(action), 'otp_attempts_exceeded');
    assert.equal(scene.saved(), undefined);
    assert.equal(scene.okta.forms().length, 3);
  });

  it('does not count a rate limit', async () => {
    const flow = create();
    await begin(flow);
    const before = scene.saved();
    scene.okta.token(429, { error: 'invalid_grant' }, { 'retry-after': '5' });
    const action = await send(flow, { otp: '0' });
    assert.deepEqual([outcome(action), infoOf(action)['retryAfter']], ['rate_limited', 5]);
    assert.deepEqual(scene.saved(), before);
    scene.rejected();
    assert.equal(infoOf(await send(flow, { otp: '0' }))['attemptsRemaining'], 4);
  });

  for (const [what, respond, expected] of [
    ['a 5xx', () => scene.okta.token(500, {}), ['okta_error', 502]],
    [
      'an ID token for another client',
      () => scene.granted({ aud: 'other' }),
      ['invalid_id_token', 502],
    ],
    ['no connection', () => scene.okta.failToken(new Error('reset')), ['okta_unreachable', 503]],
  ] as const) {
    it(`ends in an error for ${what}, and keeps the transaction without counting`, async () => {
      const flow = create();
      await begin(flow);
      const before = scene.saved();
      respond();
      const error = errorOf(await send(flow, { otp: '1' }));
      assert.deepEqual([error.code, error.status], expected);
      assert.deepEqual(scene.saved(), before);
    });
  }

  for (const [what, respond, expected] of [
    [
      'a wrong client secret',
      () => scene.okta.token(401, { error: 'invalid_client' }),
      ['invalid_client', 500],
    ],
    ['an unknown error', () => scene.okta.token(400, { error: 'new_error' }), ['okta_error', 502]],
    ['HTML', () => scene.okta.token(400, '<html>'), ['invalid_response', 502]],
    ['a redirect', () => scene.okta.token(302, ''), ['invalid_response', 502]],
  ] as const) {
    it(`ends in an error for ${what}, which is an attempt, since the passcode may be wrong`, async () => {
      const flow = create({ maxOtpAttempts: 2 });
      await begin(flow);
      for (const attempts of [1, 2]) {
        respond();
        const error = errorOf(await send(flow, { otp: '1' }));
        assert.deepEqual([error.code, error.status], expected);
        assert.equal(scene.saved()?.attempts, attempts);
      }
      assert.equal(outcome(await send(flow, { otp: '1' })), 'otp_attempts_exceeded');
      assert.equal(scene.saved(), undefined);
      assert.equal(scene.okta.forms().length, 3);
    });
  }

  it('takes the names of the fields from the options', async () => {
    const flow = create({ usernameField: 'email', passwordField: 'secret', otpField: 'code' });
    scene.mfaRequired();
    await send(flow, { email: 'ada', secret: 'pw' });
    scene.granted();
    assert.equal((await send(flow, { code: '1' })).type, 'success');
  });

  it('keeps the transaction under sessionKey', async () => {
    scene.mfaRequired();
    await send(create({ sessionKey: 'pending' }), LOGIN_FORM);
    assert.ok(scene.browser.saved()['pending']);
    assert.equal(scene.saved(), undefined);
  });
});

describe('requests that come at once', () => {
  it('count each as an attempt, though each has its own copy of the session', async () => {
    const flow = create({ maxOtpAttempts: 3 });
    await begin(flow);
    for (let i = 0; i < 3; i++) scene.rejected();
    const requests = Array.from({ length: 5 }, () => scene.browser.request({ otp: '0' }));
    const actions = await Promise.all(requests.map((req) => handle(flow, req)));
    assert.deepEqual(actions.map(outcome), [
      'invalid_otp',
      'invalid_otp',
      'otp_attempts_exceeded',
      'mfa_transaction_missing',
      'mfa_transaction_missing',
    ]);
    assert.equal(scene.okta.forms().length, 4);
    assert.equal(scene.saved(), undefined, 'no late save brings the transaction back');
  });

  it('count also when one arrives late with an old copy', async () => {
    const flow = create({ maxOtpAttempts: 2 });
    await begin(flow);
    const late = scene.browser.request({ otp: '0' });
    scene.rejected();
    await send(flow, { otp: '0' });
    scene.rejected();
    assert.equal(outcome(await handle(flow, late)), 'otp_attempts_exceeded');
  });

  it('both log in at a double click on the right passcode, for which Okta is asked once', async () => {
    const flow = create();
    await begin(flow);
    scene.granted();
    const requests = [scene.browser.request({ otp: '1' }), scene.browser.request({ otp: '1' })];
    const actions = await Promise.all(requests.map((req) => handle(flow, req)));
    assert.deepEqual(actions.map(outcome), ['success', 'success']);
    assert.equal(scene.okta.forms().length, 2);
    for (const req of requests) assert.equal(KEY in (req.session ?? {}), false);
  });

  it('fail with another passcode than the one that was right', async () => {
    const flow = create();
    await begin(flow);
    scene.granted();
    const requests = [scene.browser.request({ otp: '1' }), scene.browser.request({ otp: '2' })];
    const actions = await Promise.all(requests.map((req) => handle(flow, req)));
    assert.deepEqual(actions.map(outcome), ['success', 'mfa_transaction_missing']);
    assert.equal(scene.okta.forms().length, 2);
  });

  it('let nobody in later with an old copy of the session and the used passcode', async (t) => {
    t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() });
    const flow = create();
    await begin(flow);
    const late = scene.browser.request({ otp: '1' });
    scene.granted();
    assert.equal((await send(flow, { otp: '1' })).type, 'success');
    t.mock.timers.tick(5000);
    // The grant is forgotten, so Okta is asked, which accepts each passcode once.
    scene.rejected();
    assert.equal(outcome(await handle(flow, late)), 'mfa_transaction_missing');
    assert.equal(scene.okta.forms().length, 3);
  });

  it('let no passcode through for a transaction that a new password step has replaced', async () => {
    const flow = create();
    await begin(flow);
    const letGo = gate();
    const tokens = { access_token: 'at', id_token: signed() };
    const arrived = scene.okta.heldToken(200, tokens, letGo);
    const action = handle(flow, scene.browser.request({ otp: '1' }));
    await arrived;
    await begin(flow, 'mfa-2');
    letGo.open();
    assert.equal(outcome(await action), 'mfa_transaction_missing');
    assert.equal(scene.saved()?.mfaToken, 'mfa-2');
  });

  for (const [what, respond, expected] of [
    ['fault', () => scene.okta.token(500, {}), 'okta_error'],
    ['rate limit', () => scene.okta.token(429, {}), 'rate_limited'],
  ] as const) {
    it(`share the ${what} of the one before them`, async () => {
      const flow = create();
      await begin(flow);
      respond();
      const requests = [1, 2, 3].map(() => scene.browser.request({ otp: '1' }));
      const actions = await Promise.all(requests.map((req) => handle(flow, req)));
      assert.deepEqual(
        actions.map((action) => (action.type === 'error' ? errorOf(action).code : outcome(action))),
        [expected, expected, expected],
      );
      assert.equal(scene.okta.forms().length, 2);
      scene.granted();
      assert.equal((await send(flow, { otp: '1' })).type, 'success');
    });
  }

  it('are not held up by the login of another person', async () => {
    const flow = create();
    await begin(flow);
    const letGo = gate();
    const arrived = scene.okta.heldToken(400, { error: 'invalid_grant' }, letGo);
    const action = handle(flow, scene.browser.request({ otp: '1' }));
    await arrived;
    scene.browser = createBrowser();
    await begin(flow, 'mfa-2');
    scene.granted();
    assert.equal((await send(flow, { otp: '1' })).type, 'success');
    letGo.open();
    assert.equal(outcome(await action), 'invalid_otp');
  });
});

describe('the verify function', () => {
  async function loginWith(verify: Verify) {
    const flow = create({}, verify);
    await begin(flow);
    scene.granted();
    return send(flow, { otp: '1' });
  }
  const ERROR = new Error('database');
  const withDone =
    (...args: Parameters<Done>): Verify =>
    (_req, _tokens, _profile, done) =>
      (done as Done)(...args);

  for (const [what, verify, action] of [
    [
      'done(null, user, info)',
      withDone(null, USER, { scope: 's' }),
      { type: 'success', user: USER, info: { scope: 's' } },
    ],
    [
      'done(null, false, info)',
      withDone(null, false, { message: 'no' }),
      { type: 'fail', info: { message: 'no' }, refusedBy: 'verify' },
    ],
    ['a rejection', () => Promise.reject(ERROR), { type: 'error', error: ERROR }],
  ] as [string, Verify, Action][]) {
    it(`decides by ${what}, and the transaction is gone`, async () => {
      assert.deepEqual(await loginWith(verify), action);
      assert.equal(scene.saved(), undefined);
    });
  }

  it('makes the request wait when it never decides', async () => {
    const flow = create({}, () => undefined);
    await begin(flow);
    scene.granted();
    let acted = false;
    void handle(flow, scene.browser.request({ otp: '1' })).then(() => (acted = true));
    await settle();
    await settle();
    assert.equal(acted, false);
    assert.equal(scene.okta.forms().length, 2);
  });
});

describe('clientIP and deviceToken', () => {
  it('are read from the request and sent in both steps', async () => {
    const flow = create({
      clientIP: (req) => req.ip,
      deviceToken: (req) => req.headers['x-device'] as string,
    });
    for (const [body, respond] of [
      [LOGIN_FORM, () => scene.mfaRequired()],
      [{ otp: '1' }, () => scene.granted()],
    ] as const) {
      respond();
      const more = { ip: '2001:db8::1', headers: { 'x-device': 'dev-1' } };
      const req = scene.browser.request(body, more);
      await handle(flow, req);
      scene.browser.keep(req);
      const { headers = {} } = scene.okta.sent.at(-1) ?? {};
      assert.equal(headers['x-forwarded-for'], '2001:db8::1');
      assert.equal(headers['x-device-token'], 'dev-1');
    }
  });

  for (const name of ['clientIP', 'deviceToken']) {
    it(`end in the error that ${name} throws, and the password is not sent`, async () => {
      const thrown = new Error('no proxy');
      const reader = () => {
        throw thrown;
      };
      assert.equal(errorOf(await send(create({ [name]: reader }), LOGIN_FORM)), thrown);
      assert.deepEqual(scene.okta.forms(), []);
    });
  }

  for (const thrown of [undefined, 'route']) {
    it(`end in an Error when one throws ${String(thrown)}, which Express would take for something else`, async () => {
      const reader = () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- an app may
        throw thrown;
      };
      const error = errorOf(await send(create({ clientIP: reader }), LOGIN_FORM));
      assert.equal(
        error.message,
        `A function of the app failed with ${typeof thrown} instead of an Error`,
      );
    });
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
  const sendTo = (flow: LoginFlow, body: unknown) => handle(flow, { headers: {}, body });

  it('needs no session', async () => {
    const { store, log } = memory();
    const flow = create({ store });
    scene.mfaRequired();
    assert.equal(outcome(await sendTo(flow, LOGIN_FORM)), 'mfa_required');
    scene.rejected();
    assert.equal(outcome(await sendTo(flow, { otp: '0' })), 'invalid_otp');
    scene.granted();
    assert.equal((await sendTo(flow, { otp: '1' })).type, 'success');
    assert.deepEqual(log, ['create', 'update 1', 'remove']);
  });

  for (const [method, prepare, body, respond] of [
    ['read', false, LOGIN_FORM, undefined],
    ['read', true, { otp: '1' }, undefined],
    ['create', false, LOGIN_FORM, () => scene.mfaRequired()],
    ['update', true, { otp: '0' }, () => scene.rejected()],
    ['remove', true, { otp: '1' }, () => scene.granted()],
  ] as const) {
    it(`ends the request in its error when ${method} fails (${JSON.stringify(body)})`, async () => {
      const { store } = memory();
      const flow = create({ store });
      if (prepare) {
        scene.mfaRequired();
        await sendTo(flow, LOGIN_FORM);
      }
      store[method] = (): Promise<never> => Promise.reject(new Error('down'));
      respond?.();
      const error = errorOf(await sendTo(flow, body));
      assert.ok(error instanceof OktaTransactionStoreError);
      assert.match(error.message, new RegExp(`${method}\\(\\)`));
    });
  }

  it('may give garbage for nothing', async () => {
    const { store } = memory({ read: async () => ({ mfaToken: 'm' }) as never });
    const flow = create({ store });
    assert.equal(outcome(await sendTo(flow, { otp: '1' })), 'mfa_transaction_missing');
    scene.mfaRequired();
    assert.equal(outcome(await sendTo(flow, LOGIN_FORM)), 'mfa_required');
    await cancel(flow, { headers: {} });
  });
});

describe('a session whose store fails', () => {
  it('is an error in the password step, not a redirect', async () => {
    for (const what of ['regenerate', 'save'] as const) {
      scene.browser.fail(what);
      scene.mfaRequired();
      const error = errorOf(await send(create({ mfaRedirect: '/otp' }), LOGIN_FORM));
      assert.deepEqual([error.code, error.status], ['transaction_store_failed', 500]);
      scene.browser.heal();
    }
  });

  it('is an error in the passcode step, and nobody is logged in', async () => {
    const flow = create();
    await begin(flow);
    scene.browser.fail('save');
    scene.granted();
    assert.equal(errorOf(await send(flow, { otp: '1' })).code, 'transaction_store_failed');
  });

  it('counts the wrong passcode that could not be saved', async () => {
    const flow = create({ maxOtpAttempts: 2 });
    await begin(flow);
    scene.browser.fail('save');
    scene.rejected();
    const req = scene.browser.request({ otp: '0' });
    assert.equal(errorOf(await handle(flow, req)).code, 'transaction_store_failed');
    scene.browser.heal();
    scene.rejected();
    assert.equal(outcome(await send(flow, { otp: '0' })), 'otp_attempts_exceeded');
  });
});

describe('cancel', () => {
  it('drops the transaction, and saves', async () => {
    const flow = create();
    await begin(flow);
    await cancel(flow);
    assert.equal(scene.saved(), undefined);
    assert.deepEqual(scene.browser.saved()['cart'], ['book']);
    assert.equal(outcome(await send(flow, { otp: '1' })), 'mfa_transaction_missing');
    assert.equal(scene.okta.forms().length, 1);
  });

  it('does nothing without a transaction', async () => {
    await cancel(create());
    assert.deepEqual(scene.browser.log, []);
  });

  it('rejects without a session', async () => {
    await assert.rejects(cancel(create(), { headers: {} }), { code: 'session_missing' });
  });

  it('rejects when the store fails', async () => {
    const flow = create();
    await begin(flow);
    scene.browser.fail('save');
    await assert.rejects(cancel(flow), OktaTransactionStoreError);
  });

  for (const [what, status, body] of [
    ['right', 200, { access_token: 'at', id_token: signed() }],
    ['wrong', 400, { error: 'invalid_grant' }],
    ['rate-limited', 429, {}],
  ] as const) {
    it(`is not undone by a ${what} passcode that is under way`, async () => {
      const verify = mock.fn(async () => USER);
      const flow = create({}, verify);
      await begin(flow);
      const late = scene.browser.request({ otp: '1' });
      const letGo = gate();
      const arrived = scene.okta.heldToken(status, body, letGo);
      const action = handle(flow, late);
      await arrived;
      await cancel(flow);
      letGo.open();
      assert.equal(outcome(await action), 'mfa_transaction_missing');
      assert.equal(KEY in (late.session ?? {}), false);
      assert.equal(scene.saved(), undefined);
      assert.equal(verify.mock.callCount(), 0);
    });
  }

  it('stops a login whose verify function is running', async () => {
    const letGo = gate();
    const running = gate();
    const flow = create({}, async () => {
      running.open();
      await letGo.opened;
      return USER;
    });
    await begin(flow);
    scene.granted();
    const late = scene.browser.request({ otp: '1' });
    const action = handle(flow, late);
    await running.opened;
    await cancel(flow);
    letGo.open();
    assert.equal(outcome(await action), 'mfa_transaction_missing');
    assert.equal(scene.saved(), undefined);
    assert.equal(KEY in (late.session ?? {}), false);
  });

  it('spares Okta a passcode that is queued behind another', async () => {
    const flow = create();
    await begin(flow);
    const requests = [scene.browser.request({ otp: '1' }), scene.browser.request({ otp: '2' })];
    const letGo = gate();
    const arrived = scene.okta.heldToken(400, { error: 'invalid_grant' }, letGo);
    const actions = requests.map((req) => handle(flow, req));
    await arrived;
    await cancel(flow);
    letGo.open();
    assert.deepEqual((await Promise.all(actions)).map(outcome), [
      'mfa_transaction_missing',
      'mfa_transaction_missing',
    ]);
    assert.equal(scene.okta.forms().length, 2);
  });

  it('is not undone by a passcode that arrived before it and is read after it', async () => {
    const flow = create();
    await begin(flow);
    const late = scene.browser.request({ otp: '0' });
    await cancel(flow);
    scene.okta.agent
      .get(ORIGIN)
      .intercept({ method: 'POST', path: TOKEN_PATH })
      .reply(400, { error: 'invalid_grant' })
      .persist();
    assert.equal(outcome(await handle(flow, late)), 'mfa_transaction_missing');
    assert.equal(scene.saved(), undefined);
  });
});
