import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Action } from '../../lib/actions.js';
import { type OktaDirectMfaError } from '../../lib/errors.js';
import { OUTCOME_CHANNEL, type OutcomeEvent } from '../../lib/events.js';
import { LoginFlow } from '../../lib/login.js';
import { readOptions } from '../../lib/options/index.js';
import type { AnyOptions } from '../../lib/options/types.js';
import type { VerifyFunctionWithRequest } from '../../lib/verify.js';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { asRequest, CLIENT_ID, ISSUER, settle } from '../support/fixtures.js';
import { gate, type Gate } from '../support/promises.js';
import type { Transaction } from '../../lib/index.js';
import { KEY, LOGIN_FORM, useScene } from './support.js';

const CHALLENGE_PATH = '/oauth2/default/v1/challenge';
const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
const MFA_WEBAUTHN = 'urn:okta:params:oauth:grant-type:mfa-webauthn';
const ALL = ['otp', 'push', 'sms', 'voice', 'email', 'webauthn'] as const;
const START = 1_700_000_000_000;

const scene = useScene();
const clock = (t: TestContext) => t.mock.timers.enable({ apis: ['Date'], now: START });

const create = (
  more: Partial<AnyOptions> = {},
  verify: VerifyFunctionWithRequest = (_req, _tokens, profile, done) =>
    done(null, { id: profile.id }),
) =>
  new LoginFlow(
    readOptions({
      issuer: ISSUER,
      clientID: CLIENT_ID,
      dispatcher: scene.okta.agent,
      factors: ALL,
      ...more,
    }),
    verify,
  );

async function send(flow: LoginFlow, body: object): Promise<Action> {
  const req = scene.browser.request(body);
  const action = await flow.authenticate(asRequest(req));
  scene.browser.keep(req);
  return action;
}

/** The info, or what the action is. */
async function tell(flow: LoginFlow, body: object): Promise<Record<string, unknown>> {
  const action = await send(flow, body);
  if (action.type === 'fail') return { status: action.status, ...(action.info as object) };
  if (action.type !== 'error') return { code: action.type };
  const { code, status, message } = action.error as OktaDirectMfaError;
  return { code, status, message, error: true };
}
const codeOf = async (flow: LoginFlow, body: object) => (await tell(flow, body))['code'];

async function begin(
  more: Partial<AnyOptions> = {},
  verify?: VerifyFunctionWithRequest,
): Promise<LoginFlow> {
  const flow = create(more, verify);
  scene.mfaRequired();
  await send(flow, LOGIN_FORM);
  return flow;
}

const PUSH = {
  challenge_type: MFA_OOB,
  oob_code: 'oob-1',
  expires_in: 300,
  interval: 5,
  channel: 'push',
  binding_method: 'transfer',
  binding_code: '07',
};
const sms = (more: object = {}) => ({
  challenge_type: MFA_OOB,
  oob_code: 'oob-2',
  expires_in: 300,
  channel: 'sms',
  binding_method: 'prompt',
  ...more,
});
const challenged = (body: object, status = 200) =>
  scene.okta.reply('POST', CHALLENGE_PATH, status, body);
/** The same, held back until `letGo`. @returns when the request has arrived */
function heldChallenge(status: number, body: object, letGo: Gate): Promise<void> {
  const arrived = gate();
  scene.okta.agent
    .get(new URL(ISSUER).origin)
    .intercept({ method: 'POST', path: CHALLENGE_PATH })
    .reply(status, (async () => {
      arrived.open();
      await letGo.opened;
      return JSON.stringify(body);
    }) as never);
  return arrived.opened;
}
const pending = (error = 'authorization_pending') => scene.okta.token(400, { error });

async function push(flow: LoginFlow, more: object = {}): Promise<string> {
  challenged({ ...PUSH, ...more });
  const info = await tell(flow, { factor: 'push' });
  assert.equal(info['code'], 'authorization_pending');
  return String(info['challenge']);
}
async function text(flow: LoginFlow): Promise<string> {
  challenged(sms());
  return String((await tell(flow, { factor: 'sms' }))['challenge']);
}

const asked = () => scene.okta.forms().slice(1);

describe('a push', () => {
  it('is asked for, shown with its number, polled and approved', async (t) => {
    clock(t);
    const flow = await begin();
    challenged(PUSH);
    const { challenge, ...info } = await tell(flow, { factor: 'push' });
    assert.deepEqual(info, {
      status: 403,
      code: 'authorization_pending',
      message: 'Tap 07 on your phone.',
      factor: 'push',
      numberChallenge: '07',
      interval: 5,
      expiresAt: START + 300_000,
    });
    const saves = scene.browser.log.length;
    pending();
    assert.deepEqual(await tell(flow, { challenge }), { ...info, challenge });
    // Too early: not sent.
    t.mock.timers.tick(4_999);
    assert.deepEqual(await tell(flow, { challenge }), { ...info, challenge });
    assert.equal(scene.browser.log.length, saves, 'a plain pending poll writes no session');
    t.mock.timers.tick(1);
    scene.granted();
    assert.equal(await codeOf(flow, { challenge }), 'success');
    assert.equal(scene.saved(), undefined);
    const client = { client_id: CLIENT_ID };
    const poll = {
      grant_type: MFA_OOB,
      scope: 'openid profile',
      mfa_token: 'mfa-1',
      oob_code: 'oob-1',
      ...client,
    };
    assert.deepEqual(asked(), [
      {
        mfa_token: 'mfa-1',
        challenge_types_supported: MFA_OOB,
        channel_hint: 'push',
        ...client,
      },
      poll,
      poll,
    ]);
  });

  for (const [what, status, error] of [
    ['slow_down', 400, 'slow_down'],
    ['a 429', 429, 'invalid_grant'],
  ] as const) {
    it(`is polled more slowly after ${what}, also by another process`, async (t) => {
      clock(t);
      const flow = await begin();
      const challenge = await push(flow);
      scene.okta.token(status, { error });
      assert.equal((await tell(flow, { challenge }))['interval'], 10);
      const { interval, nextPollAt } = scene.saved()?.challenge ?? {};
      assert.deepEqual([interval, nextPollAt], [10, START + 10_000]);
      t.mock.timers.tick(9_999);
      assert.equal(await codeOf(flow, { challenge }), 'authorization_pending');
      t.mock.timers.tick(1);
      scene.granted();
      assert.equal(await codeOf(flow, { challenge }), 'success');
    });
  }

  it('is polled no sooner than another process has learnt', async (t) => {
    clock(t);
    const flow = await begin();
    const challenge = await push(flow);
    const session = scene.browser.saved();
    const kept = scene.saved();
    const slower = { ...kept, challenge: { ...kept?.challenge, nextPollAt: START + 20_000 } };
    scene.browser.store.set(scene.browser.sid(), JSON.stringify({ ...session, [KEY]: slower }));
    t.mock.timers.tick(19_999);
    assert.equal(await codeOf(flow, { challenge }), 'authorization_pending');
    assert.equal(asked().length, 1);
    t.mock.timers.tick(1);
    scene.granted();
    assert.equal(await codeOf(flow, { challenge }), 'success');
  });

  it('is polled more slowly also by a request with an older copy of the session', async (t) => {
    clock(t);
    const flow = await begin();
    const challenge = await push(flow);
    const late = scene.browser.request({ challenge });
    pending('slow_down');
    await send(flow, { challenge });
    t.mock.timers.tick(9_999);
    const action = await flow.authenticate(asRequest(late));
    assert.equal(action.type, 'fail');
    assert.equal(asked().length, 2);
  });

  it('waits as long as Retry-After says', async (t) => {
    clock(t);
    const flow = await begin();
    const challenge = await push(flow);
    scene.okta.token(429, {}, { 'retry-after': '40' });
    await send(flow, { challenge });
    assert.equal(scene.saved()?.challenge?.nextPollAt, START + 40_000);
  });

  for (const [what, status, body, code, keepsChallenge] of [
    ['denied', 400, { error: 'invalid_grant' }, 'push_rejected', false],
    ['denied, in an older word', 400, { error: 'oob_rejected' }, 'push_rejected', false],
    [
      'expired',
      403,
      { error: 'access_denied', error_description: "'x' has expired. Use a new 'y'." },
      'challenge_expired',
      false,
    ],
    ['expired, in OAuth', 400, { error: 'expired_token' }, 'challenge_expired', false],
    ['an unknown error', 400, { error: 'invalid_request' }, 'okta_error', true],
    ['a 5xx', 503, {}, 'okta_error', true],
  ] as const) {
    it(`is kept or forgotten when it is ${what}`, async () => {
      const flow = await begin();
      const challenge = await push(flow);
      scene.okta.token(status, body);
      assert.equal(await codeOf(flow, { challenge }), code);
      assert.equal(scene.saved()?.challenge !== undefined, keepsChallenge);
      assert.equal(scene.saved()?.attempts, 0);
    });
  }

  it('is pending until the next poll is due after one that Okta could not answer', async (t) => {
    clock(t);
    const flow = await begin();
    const challenge = await push(flow);
    scene.okta.token(503, {});
    assert.equal(await codeOf(flow, { challenge }), 'okta_error');
    assert.equal(await codeOf(flow, { challenge }), 'authorization_pending');
    assert.equal(asked().length, 2);
  });

  it('ends the login when Okta does not let the person in', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    scene.okta.token(403, { error: 'access_denied' });
    assert.equal(await codeOf(flow, { challenge }), 'access_denied');
    assert.equal(scene.saved(), undefined);
  });

  it('expires by itself, without Okta', async (t) => {
    clock(t);
    const flow = await begin();
    const challenge = await push(flow, { expires_in: 20 });
    t.mock.timers.tick(20_000);
    assert.equal(await codeOf(flow, { challenge }), 'challenge_expired');
    assert.equal(scene.saved()?.challenge, undefined);
    assert.equal(asked().length, 1);
  });

  it('shares one request among polls that come at once, and one login', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const letGo = gate();
    const arrived = scene.heldGrant(letGo);
    const polls = [send(flow, { challenge }), send(flow, { challenge })];
    await arrived;
    await settle();
    letGo.open();
    assert.deepEqual(
      (await Promise.all(polls)).map(({ type }) => type),
      ['success', 'success'],
    );
    assert.equal(asked().length, 2);
  });

  it('is the same login for a poll that came before the approval and is read after it', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const late = scene.browser.request({ challenge });
    scene.granted();
    assert.equal(await codeOf(flow, { challenge }), 'success');
    // It has all that it needs.
    scene.browser.fail('get');
    assert.equal((await flow.authenticate(asRequest(late))).type, 'success');
    assert.equal(late.session?.[KEY], undefined);
    assert.equal(asked().length, 2);
  });

  for (const [what, error, code] of [
    ['a slow_down', 'slow_down', 'authorization_pending'],
    ['a denial', 'invalid_grant', 'push_rejected'],
  ] as const) {
    it(`leaves a push after it alone when ${what} comes late`, async (t) => {
      clock(t);
      const flow = await begin({ resendAfter: 0 });
      const first = await push(flow);
      const letGo = gate();
      const arrived = scene.okta.heldToken(400, { error }, letGo);
      const late = codeOf(flow, { challenge: first });
      await arrived;
      const second = await push(flow);
      pending();
      await send(flow, { challenge: second });
      letGo.open();
      assert.equal(await late, code);
      const { id, interval } = scene.saved()?.challenge ?? {};
      assert.deepEqual([id, interval], [second, 5]);
      t.mock.timers.tick(5_000);
      scene.granted();
      assert.equal(await codeOf(flow, { challenge: second }), 'success');
    });
  }

  it('is not out again when a slow_down comes after it was given up for a passcode', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const letGo = gate();
    const arrived = scene.okta.heldToken(400, { error: 'slow_down' }, letGo);
    const late = codeOf(flow, { challenge });
    await arrived;
    assert.equal(await codeOf(flow, { factor: 'otp' }), 'mfa_required');
    letGo.open();
    assert.equal(await late, 'authorization_pending');
    assert.equal(scene.saved()?.challenge, undefined);
  });

  for (const [what, meanwhile, code] of [
    [
      'given up for another factor',
      async (flow: LoginFlow) => {
        challenged(sms());
        assert.equal(await codeOf(flow, { factor: 'sms' }), 'code_sent');
      },
      'challenge_replaced',
    ],
    [
      'cancelled',
      (flow: LoginFlow) => flow.cancel(asRequest(scene.browser.request())),
      'mfa_transaction_missing',
    ],
  ] as const) {
    it(`is no login when it is ${what} while Okta is asked`, async () => {
      const flow = await begin();
      const challenge = await push(flow);
      const letGo = gate();
      const arrived = scene.heldGrant(letGo);
      const poll = tell(flow, { challenge });
      await arrived;
      await meanwhile(flow);
      letGo.open();
      assert.equal((await poll)['code'], code);
    });
  }

  for (const [what, body, code] of [
    ['announced without its number', { binding_code: undefined }, 'number_challenge_required'],
    ['without a number', { binding_method: 'none' }, 'number_challenge_required'],
  ] as const) {
    it(`has rung when it is ${what}, and is not waited for`, async (t) => {
      clock(t);
      const flow = await begin();
      challenged({ ...PUSH, ...body });
      assert.equal(await codeOf(flow, { factor: 'push' }), code);
      const { challenge, challenges, challengedAt } = scene.saved() ?? {};
      assert.deepEqual([challenge, challenges, challengedAt], [undefined, 1, { push: START }]);
    });
  }

  it('may come without a number where the app says so, but not with one that is missing', async () => {
    const flow = await begin({ requireNumberChallenge: false, resendAfter: 0 });
    challenged({ ...PUSH, binding_method: 'none' });
    const info = await tell(flow, { factor: 'push' });
    assert.equal(info['message'], 'Approve the sign-in on your phone.');
    assert.ok(!('numberChallenge' in info));
    challenged({ ...PUSH, binding_code: undefined });
    const unusable = await tell(flow, { factor: 'push' });
    assert.equal(unusable['code'], 'invalid_response');
    assert.match(String(unusable['message']), /announces a number to compare and gives none/);
    assert.equal(scene.saved()?.challenges, 2, 'it has rung');
  });

  it('is one wish when the button is clicked twice', async () => {
    const flow = await begin();
    challenged(PUSH);
    const [first, second] = await Promise.all([
      tell(flow, { factor: 'push' }),
      tell(flow, { factor: 'push' }),
    ]);
    assert.deepEqual(first, second);
    assert.equal(asked().length, 1);
  });
});

describe('a poll', () => {
  it('of a transaction that has ended in this process asks nothing', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const req = scene.browser.request({ challenge });
    await flow.cancel(asRequest(scene.browser.request()));
    const action = await flow.authenticate(asRequest(req));
    assert.ok(action.type === 'fail');
    assert.equal((action.info as { code: string }).code, 'mfa_transaction_missing');
    assert.equal(asked().length, 1);
  });

  for (const [what, change, code] of [
    ['another challenge', { challenge: undefined }, 'challenge_replaced'],
    ['another login', { id: 'another' }, 'mfa_transaction_missing'],
  ] as const) {
    it(`is no login when the store has ${what} by now`, async () => {
      const flow = await begin({}, () => assert.fail('verify heard of it'));
      const challenge = await push(flow);
      const req = scene.browser.request({ challenge });
      const session = scene.browser.saved();
      const kept = { ...(session[KEY] as object), ...change };
      scene.browser.store.set(scene.browser.sid(), JSON.stringify({ ...session, [KEY]: kept }));
      scene.granted();
      const action = await flow.authenticate(asRequest(req));
      assert.ok(action.type === 'fail');
      assert.equal((action.info as { code: string }).code, code);
    });
  }

  it('leaves a passcode that comes meanwhile the only login', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const letGo = gate();
    const arrived = scene.heldGrant(letGo);
    const poll = codeOf(flow, { challenge });
    await arrived;
    scene.granted();
    assert.equal(await codeOf(flow, { otp: '1' }), 'success');
    letGo.open();
    assert.equal(await poll, 'mfa_transaction_missing');
  });

  it('is not slowed down where the login has ended meanwhile', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const letGo = gate();
    const arrived = scene.okta.heldToken(429, {}, letGo);
    const poll = codeOf(flow, { challenge });
    await arrived;
    await flow.cancel(asRequest(scene.browser.request()));
    letGo.open();
    assert.equal(await poll, 'mfa_transaction_missing');
  });
});

describe('a code that was sent', () => {
  it('goes out as binding_code, and is an attempt when it is wrong', async (t) => {
    clock(t);
    const flow = await begin();
    challenged(sms());
    const { challenge, ...info } = await tell(flow, { factor: 'sms' });
    assert.deepEqual(info, {
      status: 403,
      code: 'code_sent',
      message: 'A text message is on its way to your phone. Enter the code from it.',
      factor: 'sms',
      expiresAt: START + 300_000,
      resendAt: START + 30_000,
    });
    scene.rejected();
    const wrong = await tell(flow, { otp: '000 000', challenge });
    assert.deepEqual([wrong['code'], wrong['attemptsRemaining']], ['invalid_otp', 4]);
    scene.granted();
    assert.equal(await codeOf(flow, { otp: '123456' }), 'success');
    const { scope: _, client_id: __, ...form } = asked().at(-1) ?? {};
    assert.deepEqual(form, {
      grant_type: MFA_OOB,
      mfa_token: 'mfa-1',
      oob_code: 'oob-2',
      binding_code: '123456',
    });
  });

  it('is counted together with the codes of other factors', async () => {
    const flow = await begin({ maxOtpAttempts: 2 });
    scene.rejected();
    await send(flow, { otp: '1' });
    const challenge = await text(flow);
    scene.rejected();
    assert.equal(await codeOf(flow, { otp: '2', challenge }), 'otp_attempts_exceeded');
    assert.equal(scene.saved(), undefined);
  });

  it('is too old without Okta, and without an attempt', async (t) => {
    clock(t);
    const flow = await begin();
    challenged(sms({ expires_in: 10 }));
    await send(flow, { factor: 'sms' });
    t.mock.timers.tick(10_000);
    assert.equal(await codeOf(flow, { otp: '1' }), 'challenge_expired');
    const { attempts, challenge } = scene.saved() ?? {};
    assert.deepEqual([attempts, challenge], [0, undefined]);
  });

  it('is repeated to a poll without Okta', async () => {
    const flow = await begin();
    const challenge = await text(flow);
    assert.equal(await codeOf(flow, { challenge }), 'code_sent');
    assert.equal(asked().length, 1);
  });

  for (const [what, body] of [
    ['a code', { otp: '1', challenge: 'another' }],
    ['a poll', { challenge: 'another' }],
    ['an assertion', { assertion: assertionOf({}), challenge: 'another' }],
    ['an assertion where none is waited for', { assertion: assertionOf({}) }],
  ] as const) {
    it(`is not reached by ${what} of another page`, async () => {
      const flow = await begin();
      await text(flow);
      const before = scene.saved();
      const { code, status } = await tell(flow, body);
      assert.deepEqual([code, status], ['challenge_replaced', 409]);
      assert.deepEqual(scene.saved(), before);
      assert.equal(asked().length, 1);
    });
  }

  it('is not sent out when another has replaced it in the queue', async () => {
    const flow = await begin({ resendAfter: 0 });
    const challenge = await text(flow);
    const letGo = gate();
    const arrived = scene.okta.heldToken(400, { error: 'invalid_grant' }, letGo);
    const first = codeOf(flow, { otp: '1', challenge });
    await arrived;
    const second = codeOf(flow, { otp: '2', challenge });
    await text(flow);
    letGo.open();
    assert.deepEqual(await Promise.all([first, second]), ['invalid_otp', 'challenge_replaced']);
  });

  it('says by which channel Okta sent it, and takes the grant that Okta names', async () => {
    const flow = await begin({ resendAfter: 0 });
    challenged(sms({ channel: 'voice' }));
    assert.equal((await tell(flow, { factor: 'sms' }))['factor'], 'voice');
    challenged(sms({ channel: 'carrier pigeon', binding_method: undefined }));
    assert.equal((await tell(flow, { factor: 'sms' }))['factor'], 'sms');
    challenged({ challenge_type: 'http://auth0.com/oauth/grant-type/mfa-otp' });
    assert.equal(await codeOf(flow, { factor: 'sms' }), 'mfa_required');
    assert.equal(scene.saved()?.challenge, undefined);
  });
});

describe('the choice of a factor', () => {
  it('asks nothing of Okta for a passcode, and forgets what was out', async () => {
    const flow = await begin();
    await push(flow);
    const info = await tell(flow, { factor: 'otp' });
    assert.deepEqual(
      [info['code'], info['factors'], info['message']],
      ['mfa_required', [...ALL], 'Enter the passcode from your authenticator.'],
    );
    assert.equal(scene.saved()?.challenge, undefined);
    assert.equal(asked().length, 1);
  });

  for (const [what, body, field] of [
    ['an unknown factor', { factor: 'smoke' }, 'factor'],
    ['an empty factor', { factor: '' }, 'factor'],
    ['a factor that is not offered', { factor: 'voice' }, 'factor'],
    ['a passcode that is not offered', { otp: '1' }, 'otp'],
    ['an empty challenge', { challenge: '' }, 'challenge'],
    ['an empty challenge beside a code', { otp: '1', challenge: ' ' }, 'challenge'],
    ['an unreadable assertion', { assertion: '{' }, 'assertion'],
  ] as const) {
    it(`is refused for ${what}`, async () => {
      const flow = await begin({ factors: ['push', 'sms', 'webauthn'] });
      const info = await tell(flow, body);
      assert.deepEqual([info['code'], info['field']], ['missing_credentials', field]);
      assert.equal(typeof info['message'], 'string');
      assert.equal(asked().length, 0);
    });
  }

  it('may depend on the request', async () => {
    const factors = (req: object) => [(req as { body: { want?: 'sms' } }).body.want ?? 'push'];
    const flow = await begin({ factors } as never);
    assert.equal(await codeOf(flow, { factor: 'sms' }), 'missing_credentials');
    challenged(sms());
    assert.equal(await codeOf(flow, { factor: 'sms', want: 'sms' }), 'code_sent');
    const broken = create({ factors: () => ['smoke'] } as never);
    const action = await send(broken, LOGIN_FORM);
    assert.ok(action.type === 'error' && action.error instanceof TypeError);
  });

  it('waits for resendAfter, and ends at maxChallenges', async (t) => {
    clock(t);
    const flow = await begin({ maxChallenges: 2 });
    const out = await text(flow);
    t.mock.timers.tick(500);
    const early = await tell(flow, { factor: 'sms' });
    assert.deepEqual(
      [early['code'], early['status'], early['retryAfter']],
      ['too_many_challenges', 429, 30],
    );
    assert.equal(scene.saved()?.challenge?.id, out, 'a refused wish changes nothing');
    await push(flow);
    t.mock.timers.tick(60_000);
    const last = await tell(flow, { factor: 'sms' });
    assert.deepEqual([last['code'], 'retryAfter' in last], ['too_many_challenges', false]);
    assert.equal(asked().length, 2);
  });

  for (const [what, status, body, code] of [
    ['cannot use it', 403, { error: 'access_denied' }, 'factor_unavailable'],
    [
      'knows no such type',
      400,
      { error: 'invalid_challenge_types_supported' },
      'factor_unavailable',
    ],
    ['limits the rate', 429, { error: 'invalid_grant' }, 'rate_limited'],
    ['cannot send it', 500, { error: 'server_error' }, 'okta_error'],
    ['does not know the channel', 400, { error: 'invalid_request' }, 'okta_error'],
    ['answers another kind', 200, { publicKey: { challenge: 'abc' } }, 'invalid_response'],
    ['answers without an oob_code', 200, sms({ oob_code: '' }), 'invalid_response'],
    ['binds in an unknown way', 200, sms({ binding_method: 'bluetooth' }), 'invalid_response'],
  ] as const) {
    it(`keeps what was out when Okta ${what}`, async () => {
      const flow = await begin();
      const out = await push(flow);
      challenged(body, status);
      const info = await tell(flow, { factor: 'sms' });
      assert.equal(info['code'], code);
      assert.equal(scene.saved()?.challenge?.id, out);
      assert.equal(scene.saved()?.challenges, 1);
      if (code !== 'factor_unavailable') return;
      const left = ALL.filter((factor) => factor !== 'sms');
      assert.deepEqual([info['factor'], info['factors']], ['sms', left]);
      assert.deepEqual(scene.saved()?.refused, ['sms']);
      // Okta is not asked again.
      const again = await tell(flow, { factor: 'sms' });
      assert.deepEqual([again['code'], again['factors']], ['factor_unavailable', left]);
      assert.equal(asked().length, 2);
    });
  }

  it('ends the login when the mfa_token has expired, or the person has no access', async () => {
    for (const [status, description, code] of [
      [403, "'oob_code' has expired. Use a new 'mfa_token'.", 'mfa_transaction_expired'],
      [400, 'Not assigned.', 'access_denied'],
    ] as const) {
      const flow = await begin();
      challenged({ error: 'access_denied', error_description: description }, status);
      assert.equal(await codeOf(flow, { factor: 'push' }), code);
      assert.equal(scene.saved(), undefined);
    }
  });

  it('needs a login that waits, and is not over', async (t) => {
    clock(t);
    assert.equal(await codeOf(create(), { factor: 'push' }), 'mfa_transaction_missing');
    const late = await begin();
    t.mock.timers.tick(300_000);
    assert.equal(await codeOf(late, { factor: 'push' }), 'mfa_transaction_expired');
  });

  for (const [what, status, body] of [
    ['sends it', 200, PUSH],
    ['limits the rate', 429, {}],
  ] as const) {
    it(`comes to nothing where the login is cancelled before Okta ${what}`, async () => {
      const flow = await begin();
      const letGo = gate();
      const arrived = heldChallenge(status, body, letGo);
      const wish = codeOf(flow, { factor: 'push' });
      await arrived;
      await flow.cancel(asRequest(scene.browser.request()));
      letGo.open();
      assert.equal(await wish, 'mfa_transaction_missing');
    });
  }

  it('is one wish still when the one before it has ended', async () => {
    const flow = await begin();
    const [first, second] = [gate(), gate()];
    const arrived = heldChallenge(200, PUSH, first);
    const wishes = [codeOf(flow, { factor: 'push' })];
    await arrived;
    const next = heldChallenge(200, sms(), second);
    wishes.push(codeOf(flow, { factor: 'sms' }));
    first.open();
    await next;
    await wishes[0];
    wishes.push(codeOf(flow, { factor: 'sms' }));
    await settle();
    second.open();
    assert.deepEqual(await Promise.all(wishes), [
      'authorization_pending',
      'code_sent',
      'code_sent',
    ]);
    assert.equal(scene.saved()?.challenges, 2);
  });

  for (const [what, change] of [
    ['another login', { id: 'another' }],
    ['none', undefined],
  ] as const) {
    it(`asks nothing when the store has ${what} by now`, async () => {
      const flow = await begin();
      const req = scene.browser.request({ factor: 'push' });
      const session = scene.browser.saved();
      const kept = change && { ...(session[KEY] as object), ...change };
      scene.browser.store.set(scene.browser.sid(), JSON.stringify({ ...session, [KEY]: kept }));
      const action = await flow.authenticate(asRequest(req));
      assert.ok(action.type === 'fail');
      assert.equal((action.info as { code: string }).code, 'mfa_transaction_missing');
      assert.equal(asked().length, 0);
    });
  }

  it('is asked again after one that failed, also while a wrong code is remembered', async () => {
    const flow = await begin();
    scene.rejected();
    await send(flow, { otp: '1' });
    challenged({}, 500);
    assert.equal(await codeOf(flow, { factor: 'push' }), 'okta_error');
    await push(flow);
  });

  it('leaves out what Okta does not support, where Okta says so', async () => {
    const flow = create();
    scene.okta.token(403, {
      error: 'mfa_required',
      mfa_token: 'mfa-1',
      supported_challenge_types: [MFA_OOB, 'urn:new'],
    });
    const info = await tell(flow, LOGIN_FORM);
    assert.deepEqual(info['factors'], ['push', 'sms', 'voice', 'email']);
    assert.equal(await codeOf(flow, { factor: 'webauthn' }), 'factor_unavailable');
  });
});

function assertionOf(client: object, more: object = {}): object {
  return {
    id: 'k',
    rawId: 'k',
    type: 'public-key',
    response: {
      clientDataJSON: Buffer.from(JSON.stringify(client)).toString('base64url'),
      authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4/krrmihjLHmVzzuoMdl2M=',
      signature: 'MEUCIQ-_',
      userHandle: '',
      ...more,
    },
  };
}

describe('a passkey', () => {
  const client = {
    type: 'webauthn.get',
    challenge: 'ab-_',
    origin: 'https://login.acme.okta.com',
    crossOrigin: false,
  };

  async function offered(more: Partial<AnyOptions> = {}, publicKey: object = {}) {
    const flow = await begin(more);
    challenged({ publicKey: { challenge: 'ab+/==', timeout: 1, ...publicKey } });
    return { flow, info: await tell(flow, { factor: 'webauthn' }) };
  }

  it('is asked for with an rpId, and its answer goes to Okta in base64url', async () => {
    const { flow, info } = await offered({}, { allowCredentials: [{ type: 'x', id: 'a+/=' }] });
    assert.deepEqual(info['publicKey'], {
      challenge: 'ab-_',
      timeout: 1,
      rpId: 'acme.okta.com',
      allowCredentials: [{ type: 'x', id: 'a-_' }],
    });
    scene.granted();
    const assertion = JSON.stringify(assertionOf(client, { userHandle: 'dXNlcg==' }));
    assert.equal(await codeOf(flow, { assertion, challenge: info['challenge'] }), 'success');
    const { scope: _, client_id: __, ...form } = asked().at(-1) ?? {};
    assert.deepEqual(form, {
      grant_type: MFA_WEBAUTHN,
      mfa_token: 'mfa-1',
      clientDataJSON: Buffer.from(JSON.stringify(client)).toString('base64url'),
      authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2M',
      signature: 'MEUCIQ-_',
      userHandle: 'dXNlcg',
    });
    assert.equal(asked()[0]?.['challenge_types_supported'], MFA_WEBAUTHN);
  });

  for (const [what, options, publicKey, rpId] of [
    ['what Okta says', { webauthn: { rpID: 'a.com' } }, { rpId: 'acme.com' }, 'acme.com'],
    ["the appid's host", {}, { extensions: { appid: 'https://id.acme.com/x' } }, 'id.acme.com'],
    ['the option', { webauthn: { rpID: 'a.com' } }, { extensions: { appid: 7 } }, 'a.com'],
  ] as const) {
    it(`takes ${what} for the rpId`, async () => {
      const { info } = await offered(options, publicKey);
      assert.equal((info['publicKey'] as { rpId: string }).rpId, rpId);
    });
  }

  for (const [what, options, wrong] of [
    ['another challenge', {}, { challenge: 'AAAA' }],
    ['a registration', {}, { type: 'webauthn.create' }],
    ['another origin', {}, { origin: 'https://evil-acme.okta.com' }],
    ['an insecure origin', {}, { origin: 'http://acme.okta.com' }],
    ['no origin', {}, { origin: undefined }],
    ['an unreadable origin', {}, { origin: 'acme' }],
    ['a foreign frame', {}, { crossOrigin: true }],
    ['an origin that is not listed', { webauthn: { origins: ['https://a.com'] } }, {}],
    ['another relying party', { webauthn: { rpID: 'okta.com' } }, {}],
  ] as const) {
    it(`is refused before Okta is asked for ${what}, which is no attempt`, async () => {
      const { flow } = await offered(options);
      const info = await tell(flow, { assertion: assertionOf({ ...client, ...wrong }) });
      assert.deepEqual([info['code'], info['attemptsRemaining']], ['webauthn_failed', 5]);
      const { attempts, challenge, challenges } = scene.saved() ?? {};
      assert.deepEqual([attempts, challenge, challenges], [0, undefined, undefined]);
      assert.equal(asked().length, 1);
    });
  }

  it('of another page says how many attempts a wrong code has left', async () => {
    const { flow } = await offered();
    scene.rejected();
    await send(flow, { otp: '1' });
    const info = await tell(flow, { assertion: assertionOf({}) });
    assert.deepEqual([info['code'], info['attemptsRemaining']], ['webauthn_failed', 4]);
  });

  it('may be on an origin of the option, with the option for its relying party', async () => {
    const { flow } = await offered({
      webauthn: { rpID: 'localhost', origins: ['https://app.example'] },
    });
    scene.granted();
    const origin = 'https://app.example';
    assert.equal(await codeOf(flow, { assertion: assertionOf({ ...client, origin }) }), 'success');
  });

  it('is an attempt, and over, when Okta refuses it', async () => {
    const { flow } = await offered();
    scene.rejected();
    const info = await tell(flow, { assertion: assertionOf(client) });
    assert.deepEqual([info['code'], info['attemptsRemaining']], ['webauthn_failed', 4]);
    const { attempts, challenge } = scene.saved() ?? {};
    assert.deepEqual([attempts, challenge], [1, undefined]);
  });
});

describe('pending()', () => {
  const ask = (flow: LoginFlow) => flow.pending(asRequest(scene.browser.request()));

  it('has what the next page needs, and no secret', async (t) => {
    clock(t);
    const flow = await begin();
    const expiresAt = START + 300_000;
    const common = { username: LOGIN_FORM.username, expiresAt, factors: [...ALL] };
    assert.deepEqual(await ask(flow), { ...common, attemptsRemaining: 5 });
    const id = await push(flow);
    assert.deepEqual((await ask(flow))?.challenge, {
      id,
      factor: 'push',
      expiresAt,
      numberChallenge: '07',
      interval: 5,
      resendAt: START + 30_000,
    });
    challenged({ publicKey: { challenge: 'abc' } });
    await send(flow, { factor: 'webauthn' });
    const { publicKey } = (await ask(flow))?.challenge ?? {};
    assert.deepEqual(publicKey, { challenge: 'abc', rpId: 'acme.okta.com' });
    t.mock.timers.tick(300_000);
    assert.equal(await ask(flow), undefined);
  });

  it('has no challenge that has expired, and nothing without a login', async (t) => {
    clock(t);
    assert.equal(await ask(create()), undefined);
    const flow = await begin();
    await push(flow, { expires_in: 10 });
    t.mock.timers.tick(10_000);
    assert.equal((await ask(flow))?.challenge, undefined);
  });
});

describe('mfaRedirect', () => {
  it('is where the browser is sent whenever a second factor is wanted or waited for', async () => {
    const flow = create({ mfaRedirect: '/next' });
    scene.mfaRequired();
    const actions = [await send(flow, LOGIN_FORM)];
    challenged(PUSH);
    actions.push(await send(flow, { factor: 'push' }));
    pending();
    actions.push(await send(flow, { challenge: scene.saved()?.challenge?.id }));
    challenged(sms());
    actions.push(await send(flow, { factor: 'sms' }));
    challenged({ publicKey: { challenge: 'abc' } });
    actions.push(await send(flow, { factor: 'webauthn' }));
    assert.deepEqual(
      actions.map((action) => action.type === 'redirect' && [action.url, action.code]),
      [
        ['/next', 'mfa_required'],
        ['/next', 'authorization_pending'],
        ['/next', 'authorization_pending'],
        ['/next', 'code_sent'],
        ['/next', 'webauthn_required'],
      ],
    );
    assert.equal(await codeOf(flow, { factor: 'smoke' }), 'missing_credentials');
  });
});

describe('the events of second factors', () => {
  it('say what became of each request', async () => {
    const events: string[] = [];
    const note = (event: unknown) => {
      const { outcome, step, factor, code } = event as OutcomeEvent;
      events.push([outcome, step, factor, code].join(' ').trim());
    };
    subscribe(OUTCOME_CHANNEL, note);
    try {
      const flow = await begin({ resendAfter: 0 });
      const challenge = await push(flow);
      pending();
      await send(flow, { challenge });
      await text(flow);
      await send(flow, { otp: '1', challenge });
      await send(flow, { factor: 'otp' });
      const last = await push(flow);
      scene.okta.token(403, { error: 'mfa_required', mfa_token: 'mfa-2' });
      await send(flow, { challenge: last });
      scene.granted();
      await send(flow, { otp: '1' });
    } finally {
      unsubscribe(OUTCOME_CHANNEL, note);
    }
    assert.deepEqual(events, [
      'password_accepted password password',
      'challenge_sent challenge push authorization_pending',
      'authorization_pending poll push authorization_pending',
      'challenge_sent challenge sms code_sent',
      'otp_refused code otp challenge_replaced',
      'factor_chosen challenge otp',
      'challenge_sent challenge push authorization_pending',
      'push_accepted poll push',
      'otp_accepted code otp',
    ]);
  });
});

describe('a third factor', () => {
  it('begins with a new mfa_token and time, for both clicks of a double click', async (t) => {
    clock(t);
    const flow = await begin();
    const challenge = await push(flow);
    t.mock.timers.tick(100_000);
    const letGo = gate();
    const arrived = scene.okta.heldToken(403, { error: 'mfa_required', mfa_token: 'mfa-2' }, letGo);
    const polls = [tell(flow, { challenge }), tell(flow, { challenge })];
    await arrived;
    letGo.open();
    for (const info of await Promise.all(polls)) {
      assert.deepEqual([info['code'], info['expiresAt']], ['mfa_required', START + 400_000]);
    }
    const { mfaToken, expiresAt, challenges, challenge: out } = scene.saved() ?? {};
    assert.deepEqual(
      [mfaToken, expiresAt, challenges, out],
      ['mfa-2', START + 400_000, 1, undefined],
    );
    scene.granted();
    assert.equal(await codeOf(flow, { otp: '1' }), 'success');
  });

  it('is in the copy of the session of either click, which the app may save', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const clicks = [scene.browser.request({ challenge }), scene.browser.request({ challenge })];
    scene.okta.token(403, { error: 'mfa_required', mfa_token: 'mfa-2' });
    await Promise.all(clicks.map((req) => flow.authenticate(asRequest(req))));
    for (const { session } of clicks) {
      assert.equal((session?.[KEY] as Transaction).mfaToken, 'mfa-2');
    }
  });
});

describe('what has been counted', () => {
  it('stays counted when a third factor is wanted, and what Okta supports is what it said last', async () => {
    const flow = create();
    const both = [MFA_OOB, MFA_OOB.replace('oob', 'otp')];
    const required = { error: 'mfa_required', mfa_token: 'mfa-1' };
    scene.okta.token(403, { ...required, supported_challenge_types: both });
    await send(flow, LOGIN_FORM);
    scene.rejected();
    await send(flow, { otp: '1' });
    const challenge = await push(flow);
    scene.okta.token(403, { ...required, mfa_token: 'mfa-2' });
    const info = await tell(flow, { challenge });
    assert.deepEqual([info['code'], info['factors']], ['mfa_required', [...ALL]]);
    const { attempts, challenges } = scene.saved() ?? {};
    assert.deepEqual([attempts, challenges], [1, 1]);
  });

  for (const [what, status, body, code, attempts] of [
    ['a 429', 429, { error: 'invalid_grant' }, 'rate_limited', 0],
    ['a 5xx', 503, {}, 'okta_error', 0],
    ['an unknown error', 400, { error: 'new_error' }, 'okta_error', 1],
    ['a wrong code in another word', 400, { error: 'invalid_otp' }, 'invalid_otp', 1],
    ['an expired code', 400, { error: 'expired_token' }, 'challenge_expired', 0],
  ] as const) {
    it(`after ${what} for a code that was sent is ${attempts}`, async () => {
      const flow = await begin();
      const challenge = await text(flow);
      scene.okta.token(status, body);
      assert.equal(await codeOf(flow, { otp: '1', challenge }), code);
      assert.equal(scene.saved()?.attempts, attempts);
      const isOut = code !== 'challenge_expired';
      assert.equal(scene.saved()?.challenge?.id, isOut ? challenge : undefined);
    });
  }

  it('keeps the last attempt, and writes no session, when Okta limits its rate', async () => {
    const flow = await begin({ maxOtpAttempts: 1 });
    const saves = scene.browser.log.length;
    scene.okta.token(429, {});
    assert.equal(await codeOf(flow, { otp: '1' }), 'rate_limited');
    assert.equal(scene.browser.log.length, saves);
    scene.granted();
    assert.equal(await codeOf(flow, { otp: '1' }), 'success');
  });

  it('is not more for a code that was too old, in this process either', async () => {
    const flow = await begin();
    const challenge = await text(flow);
    scene.okta.token(400, { error: 'expired_token' });
    assert.equal(await codeOf(flow, { otp: '1', challenge }), 'challenge_expired');
    scene.rejected();
    assert.equal((await tell(flow, { otp: '2' }))['attemptsRemaining'], 4);
  });

  it('is no more for a code that Okta refuses once the next factor is wanted', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const letGo = gate();
    const arrived = scene.okta.heldToken(400, { error: 'invalid_grant' }, letGo);
    const late = codeOf(flow, { otp: '1' });
    await arrived;
    scene.okta.token(403, { error: 'mfa_required', mfa_token: 'mfa-2' });
    assert.equal(await codeOf(flow, { challenge }), 'mfa_required');
    letGo.open();
    assert.equal(await late, 'mfa_transaction_missing');
    assert.equal(scene.saved()?.attempts, 0);
  });

  it('leaves a passkey free of it, however often it is asked for', async () => {
    const flow = await begin({ maxChallenges: 1 });
    for (const _ of [1, 2, 3]) {
      challenged({ publicKey: { challenge: 'abc' } });
      assert.equal(await codeOf(flow, { factor: 'webauthn' }), 'webauthn_required');
    }
    assert.equal(scene.saved()?.challenges, undefined);
    await push(flow);
    assert.equal(await codeOf(flow, { factor: 'sms' }), 'too_many_challenges');
    challenged({ publicKey: { challenge: 'abc' } });
    assert.equal(await codeOf(flow, { factor: 'webauthn' }), 'webauthn_required');
  });

  it('is per login: the password begins anew, and ends the challenge that was out', async () => {
    const flow = await begin({ maxChallenges: 1 });
    const old = await push(flow);
    scene.mfaRequired('mfa-2');
    await send(flow, LOGIN_FORM);
    assert.equal(await codeOf(flow, { challenge: old }), 'challenge_replaced');
    assert.notEqual(await push(flow), old);
  });
});

describe('a challenge', () => {
  it('expires with the login at the latest', async (t) => {
    clock(t);
    const flow = await begin({ transactionMaxAge: 100 });
    for (const [factor, answer] of [
      ['push', { ...PUSH, expires_in: 300 }],
      ['sms', sms({ expires_in: 300 })],
      ['webauthn', { publicKey: { challenge: 'abc' } }],
    ] as const) {
      challenged(answer);
      assert.equal((await tell(flow, { factor }))['expiresAt'], START + 100_000, factor);
    }
    challenged({ ...PUSH, channel: 'voice', binding_method: 'prompt', expires_in: 99 });
    assert.equal((await tell(flow, { factor: 'voice' }))['expiresAt'], START + 99_000);
  });

  it('of a passkey is repeated to a poll without Okta', async () => {
    const flow = await begin();
    challenged({ publicKey: { challenge: 'abc' } });
    const first = await tell(flow, { factor: 'webauthn' });
    assert.deepEqual(await tell(flow, { challenge: first['challenge'] }), first);
    assert.equal(asked().length, 1);
  });

  it('is none of the login when nothing is out', async () => {
    const flow = await begin();
    const { code, status } = await tell(flow, { challenge: 'c1' });
    assert.deepEqual([code, status], ['challenge_replaced', 409]);
  });

  for (const [what, factor, answer, body, field] of [
    ['a poll', 'push', PUSH, {}, 'challenge'],
    ['a code', 'sms', sms(), { otp: '1' }, 'otp'],
    [
      'an assertion',
      'webauthn',
      { publicKey: { challenge: 'abc' } },
      { assertion: assertionOf({}) },
      'assertion',
    ],
  ] as const) {
    it(`is not reached by ${what} once its factor is no longer offered`, async () => {
      let factors: readonly (typeof ALL)[number][] = ALL;
      const flow = await begin({ factors: () => factors });
      challenged(answer);
      const { challenge } = await tell(flow, { factor });
      const before = scene.saved();
      factors = ['otp', 'voice'];
      const info = await tell(flow, { ...body, challenge });
      assert.deepEqual([info['code'], info['field']], ['missing_credentials', field]);
      assert.deepEqual(scene.saved(), before);
      assert.equal(asked().length, 1);
    });
  }

  for (const [what, options, factor, answer, message] of [
    [
      'a passcode that is not offered',
      { factors: ['sms'] },
      'sms',
      { challenge_type: MFA_OOB.replace('oob', 'otp') },
      /challenge request wants a passcode/,
    ],
    ['a push for a passkey', {}, 'webauthn', PUSH, /challenge request is for another kind/],
    [
      'a passkey for a push',
      {},
      'push',
      { publicKey: { challenge: 'abc' } },
      /challenge request is for another kind/,
    ],
  ] as const) {
    it(`cannot be ${what}`, async () => {
      const flow = await begin(options);
      challenged(answer);
      const info = await tell(flow, { factor });
      assert.deepEqual([info['code'], info['status']], ['invalid_response', 502]);
      assert.match(String(info['message']), message);
      const { challenge, challenges } = scene.saved() ?? {};
      assert.deepEqual([challenge, challenges], [undefined, undefined]);
    });
  }

  it('is of the factor asked for where Okta names a channel that is not offered', async () => {
    const flow = await begin({ factors: ['sms', 'otp', 'webauthn'], resendAfter: 0 });
    // A passkey is no channel, offered or not.
    for (const channel of ['voice', 'otp', 'webauthn']) {
      challenged(sms({ channel }));
      assert.equal((await tell(flow, { factor: 'sms' }))['factor'], 'sms', channel);
    }
  });

  it('is counted for the channel that was used as well', async () => {
    const flow = await begin();
    challenged(sms({ channel: 'voice' }));
    await send(flow, { factor: 'sms' });
    for (const factor of ['sms', 'voice']) {
      assert.equal(await codeOf(flow, { factor }), 'too_many_challenges', factor);
    }
    assert.equal(scene.saved()?.challenges, 1);
  });

  it('is counted beside a wrong code that is saved at the same time', async () => {
    const flow = await begin();
    challenged(sms());
    scene.okta.token(400, { error: 'invalid_grant' });
    const codes = await Promise.all([
      codeOf(flow, { factor: 'sms' }),
      codeOf(flow, { otp: '123456' }),
    ]);
    assert.deepEqual(codes, ['code_sent', 'invalid_otp']);
    const { challenges, attempts, challenge } = scene.saved() ?? {};
    assert.deepEqual([challenges, attempts, challenge?.factor], [1, 1, 'sms']);
  });

  it('is out for no other mfa_token than the one that it was asked for with', async () => {
    const flow = await begin();
    const letGo = gate();
    const arrived = heldChallenge(200, PUSH, letGo);
    const choosing = tell(flow, { factor: 'push' });
    await arrived;
    scene.okta.token(403, { error: 'mfa_required', mfa_token: 'mfa-2' });
    assert.equal(await codeOf(flow, { otp: '123456' }), 'mfa_required');
    letGo.open();
    const { code, status } = await choosing;
    assert.deepEqual([code, status], ['challenge_replaced', 409]);
    const { mfaToken, challenge, challenges } = scene.saved() ?? {};
    assert.deepEqual([mfaToken, challenge, challenges], ['mfa-2', undefined, 1]);
  });

  it('is the one asked for last, when two factors are asked for at once', async () => {
    const flow = await begin();
    challenged(PUSH);
    challenged(sms());
    const codes = await Promise.all([
      codeOf(flow, { factor: 'push' }),
      codeOf(flow, { factor: 'sms' }),
    ]);
    assert.deepEqual(codes, ['authorization_pending', 'code_sent']);
    const { challenge, challenges } = scene.saved() ?? {};
    assert.deepEqual([challenge?.factor, challenges], ['sms', 2]);
  });

  it('is kept from nobody by a wish before it that failed', async () => {
    const flow = await begin();
    challenged({}, 500);
    challenged(sms());
    const codes = await Promise.all([
      codeOf(flow, { factor: 'push' }),
      codeOf(flow, { factor: 'sms' }),
    ]);
    assert.deepEqual(codes, ['okta_error', 'code_sent']);
  });

  it('that the store does not take is an error, and is not out', async () => {
    const flow = await begin();
    scene.browser.fail('save');
    challenged(PUSH);
    const info = await tell(flow, { factor: 'push' });
    assert.deepEqual([info['code'], info['error']], ['transaction_store_failed', true]);
    scene.browser.heal();
    assert.equal(scene.saved()?.challenge, undefined);
  });

  it('is over with a cancelled login that the store failed to forget', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    scene.browser.fail('save');
    await assert.rejects(flow.cancel(asRequest(scene.browser.request())));
    scene.browser.heal();
    assert.equal(await codeOf(flow, { factor: 'sms' }), 'mfa_transaction_missing');
    assert.equal(await codeOf(flow, { challenge }), 'mfa_transaction_missing');
    assert.equal(asked().length, 1);
    assert.equal(scene.saved(), undefined);
  });

  it('leaves no factor where Okta has refused the last one', async () => {
    const flow = await begin({ factors: ['sms'] });
    challenged({ error: 'access_denied' }, 403);
    const info = await tell(flow, { factor: 'sms' });
    assert.deepEqual(
      [info['factors'], info['message']],
      [[], 'This way to confirm is not available to you. Contact your administrator.'],
    );
    const waits = await flow.pending(asRequest(scene.browser.request()));
    assert.deepEqual(waits?.factors, []);
  });
});

describe('a login that another process ends while this one works on it', () => {
  /** Tells of its end only when it is written to, as a store may that is asked a moment too early. */
  function createStore() {
    let kept: Transaction | undefined;
    let isOver = false;
    return {
      end: () => (isOver = true),
      store: {
        read: () => kept,
        create: (_req: unknown, transaction: Transaction) => void (kept = transaction),
        update: (_req: unknown, transaction: Transaction) => {
          if (!isOver) kept = transaction;
          return !isOver;
        },
        remove: () => !isOver,
      },
    };
  }

  for (const [what, act] of [
    ['the choice of a passcode', (flow: LoginFlow) => codeOf(flow, { factor: 'otp' })],
    [
      'a push',
      (flow: LoginFlow) => {
        challenged(PUSH);
        return codeOf(flow, { factor: 'push' });
      },
    ],
    [
      'another factor on top',
      (flow: LoginFlow) => {
        scene.okta.token(403, { error: 'mfa_required', mfa_token: 'mfa-2' });
        return codeOf(flow, { otp: '1' });
      },
    ],
    [
      'a passkey of another page',
      (flow: LoginFlow) => codeOf(flow, { assertion: assertionOf({}) }),
    ],
  ] as const) {
    it(`is missing, whatever comes of it: ${what}`, async () => {
      const { store, end } = createStore();
      const flow = await begin({ store });
      challenged({ publicKey: { challenge: 'abc' } });
      await send(flow, { factor: 'webauthn' });
      end();
      assert.equal(await act(flow), 'mfa_transaction_missing');
    });
  }

  it('is refused in the words of verify where verify refuses it', async () => {
    const { store, end } = createStore();
    const flow = create({ store }, (_req, _tokens, _profile, done) => {
      end();
      done(null, false, { message: 'You have left.' });
    });
    scene.mfaRequired();
    await send(flow, LOGIN_FORM);
    scene.granted();
    assert.equal((await tell(flow, { otp: '1' }))['message'], 'You have left.');
  });
});

describe('an approval', () => {
  it('of a push given up for a passcode is no login', async () => {
    const flow = await begin();
    const challenge = await push(flow);
    const letGo = gate();
    const arrived = scene.heldGrant(letGo);
    const poll = codeOf(flow, { challenge });
    await arrived;
    assert.equal(await codeOf(flow, { factor: 'otp' }), 'mfa_required');
    letGo.open();
    assert.equal(await poll, 'challenge_replaced');
    assert.equal(scene.saved()?.attempts, 0);
  });

  for (const [what, status, body] of [
    ['mfa_token', 400, { errorCode: 'E0000011' }],
    ['scope', 400, { error: 'invalid_scope' }],
  ] as const) {
    it(`is too late when Okta no longer takes the ${what}`, async () => {
      const flow = await begin();
      const challenge = await push(flow);
      scene.okta.token(status, body);
      assert.equal(await codeOf(flow, { challenge }), 'mfa_transaction_expired');
      assert.equal(scene.saved(), undefined);
    });
  }
});

describe('the event of a refusal', () => {
  for (const [what, act, expected] of [
    [
      'a factor that Okta cannot use',
      async (flow: LoginFlow) => {
        challenged({ error: 'access_denied', error_description: 'Not enrolled.' }, 403);
        await send(flow, { factor: 'voice' });
      },
      ['voice_refused', 'challenge', 'voice', 'factor_unavailable', 'access_denied'],
    ],
    [
      'a limit of the app',
      async (flow: LoginFlow) => send(flow, { factor: 'push' }),
      ['push_refused', 'challenge', 'push', 'too_many_challenges', undefined],
    ],
    [
      'a limit of Okta',
      async (flow: LoginFlow) => {
        challenged({ error: 'invalid_grant' }, 429);
        await send(flow, { factor: 'email' });
      },
      ['rate_limited', 'challenge', 'email', 'rate_limited', 'invalid_grant'],
    ],
    [
      'a push that was declined',
      async (flow: LoginFlow, challenge: string) => {
        scene.rejected();
        await send(flow, { challenge });
      },
      ['push_refused', 'poll', 'push', 'push_rejected', 'invalid_grant'],
    ],
    [
      'a push that Okta cannot tell of',
      async (flow: LoginFlow, challenge: string) => {
        scene.okta.token(503, { error: 'down' });
        await send(flow, { challenge });
      },
      ['okta_failed', 'poll', 'push', 'okta_error', 'down'],
    ],
    [
      'a wrong code that was sent',
      async (flow: LoginFlow) => {
        const challenge = await text(flow);
        scene.rejected();
        await send(flow, { otp: '1', challenge });
      },
      ['sms_refused', 'code', 'sms', 'invalid_otp', 'invalid_grant'],
    ],
    [
      'a passkey of another page',
      async (flow: LoginFlow) => {
        challenged({ publicKey: { challenge: 'abc' } });
        await send(flow, { factor: 'webauthn' });
        await send(flow, { assertion: assertionOf({}) });
      },
      ['webauthn_refused', 'assertion', 'webauthn', 'webauthn_failed', undefined],
    ],
  ] as const) {
    it(`names ${what}`, async () => {
      const flow = await begin();
      const challenge = await push(flow);
      const events: OutcomeEvent[] = [];
      const note = (event: unknown) => void events.push(event as OutcomeEvent);
      subscribe(OUTCOME_CHANNEL, note);
      try {
        await act(flow, challenge);
      } finally {
        unsubscribe(OUTCOME_CHANNEL, note);
      }
      const { outcome, step, factor, code, oktaError, authenticated } = events.at(-1) ?? {};
      assert.deepEqual([outcome, step, factor, code, oktaError], expected);
      assert.equal(authenticated, false);
    });
  }
});

describe('a transaction of another version', () => {
  for (const [what, more] of [
    ['a count that is none', { challenges: '1' }],
    ['times that are none', { challengedAt: 7 }],
    ['a list that is none', { refused: {} }],
    ['a challenge that is none', { challenge: 7 }],
    ['a challenge without a secret', { challenge: { id: 'c', factor: 'push', expiresAt: 1 } }],
    ['a challenge of an unknown factor', { challenge: { id: 'c', factor: 'x', expiresAt: 1 } }],
    [
      'a passkey without options',
      { challenge: { id: 'c', factor: 'webauthn', awaits: 'assertion', expiresAt: 1 } },
    ],
  ] as const) {
    it(`is none with ${what}`, async () => {
      const flow = await begin();
      const req = scene.browser.request({ otp: '1' });
      Object.assign(req.session?.[KEY] as object, more);
      const action = await flow.authenticate(asRequest(req));
      assert.ok(action.type === 'fail');
      assert.equal((action.info as { code: string }).code, 'mfa_transaction_missing');
    });
  }
});
