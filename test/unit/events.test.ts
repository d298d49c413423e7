import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { Action } from '../../lib/actions.js';
import { publishing, type Attempt } from '../../lib/events.js';
import { fail } from '../../lib/failures.js';
import {
  OktaConfigurationError,
  OktaDirectMfaStrategy,
  OktaResponseError,
  OktaTimeoutError,
  OktaTransactionStoreError,
  OktaUnreachableError,
  OUTCOME_CHANNEL,
  type OktaDirectMfaStrategyOptions,
  type OutcomeEvent,
} from '../../lib/index.js';
import {
  asRequest,
  authenticate,
  CLIENT_ID,
  ISSUER,
  settle,
  type FakeRequest,
} from '../support/fixtures.js';
import { USER, useScene } from './support.js';

const REQUEST = asRequest({ headers: {}, body: { password: 'hunter2' } });
const CLIENT = { issuer: ISSUER, clientID: CLIENT_ID };

let events: OutcomeEvent[];
const note = (event: unknown) => events.push(event as OutcomeEvent);
beforeEach(() => {
  events = [];
  subscribe(OUTCOME_CHANNEL, note);
});
afterEach(() => {
  unsubscribe(OUTCOME_CHANNEL, note);
});

/** An event as one line. */
const line = ({ outcome, step, code, authenticated, username }: OutcomeEvent) =>
  [outcome, step, code ?? '-', authenticated ? 'in' : 'out', username ?? '-'].join(' ');

it('the channel has a name that apps may write out', () => {
  assert.equal(OUTCOME_CHANNEL, 'passport-okta-direct-mfa:outcome');
});

describe('publishing', () => {
  const PASSWORD: Attempt = { step: 'password', factor: 'password', username: 'ada' };
  const OTP: Attempt = { step: 'code', factor: 'otp', username: 'ada' };
  const success: Action = { type: 'success', user: {}, info: undefined };
  const error = (of: unknown): Action => ({ type: 'error', error: of });
  const refused = (info: object | undefined): Action => ({
    type: 'fail',
    info,
    refusedBy: 'verify',
  });

  const CASES: [Action, Attempt, string][] = [
    [success, PASSWORD, 'password_accepted password - in ada'],
    [success, OTP, 'otp_accepted code - in ada'],
    [{ type: 'redirect', url: '/otp' }, PASSWORD, 'password_accepted password - out ada'],
    [fail('mfa_required', { expiresAt: 1 }), PASSWORD, 'password_accepted password - out ada'],
    [
      fail('invalid_credentials'),
      PASSWORD,
      'password_refused password invalid_credentials out ada',
    ],
    [fail('invalid_otp', { attemptsRemaining: 1 }), OTP, 'otp_refused code invalid_otp out ada'],
    [fail('rate_limited', {}), OTP, 'rate_limited code rate_limited out ada'],
    [
      fail('mfa_transaction_expired'),
      OTP,
      'transaction_expired code mfa_transaction_expired out ada',
    ],
    // Whatever the info of the verify function says.
    [refused({ code: 'rate_limited' }), OTP, 'otp_refused code verify_refused out ada'],
    [refused(undefined), PASSWORD, 'password_refused password verify_refused out ada'],
    [error(new OktaResponseError('okta_error', 'x')), OTP, 'okta_failed code okta_error out ada'],
    [error(new OktaUnreachableError('x')), OTP, 'okta_failed code okta_unreachable out ada'],
    [error(new OktaTimeoutError('x')), OTP, 'okta_failed code okta_timeout out ada'],
    [
      error(new OktaConfigurationError('invalid_client', 'x')),
      PASSWORD,
      'app_failed password invalid_client out ada',
    ],
    [
      error(new OktaTransactionStoreError('x')),
      OTP,
      'app_failed code transaction_store_failed out ada',
    ],
    // An error of the app's own, whatever it calls itself.
    [
      error(Object.assign(new Error('x'), { code: 'okta_error', status: 503 })),
      OTP,
      'app_failed code - out ada',
    ],
  ];

  for (const [action, attempt, expected] of CASES) {
    it(`reports ${expected} for ${inspect(action, { breakLength: Infinity, depth: 0 })}`, async () => {
      const given = await publishing(REQUEST, CLIENT, async (learnt) => {
        Object.assign(learnt, attempt);
        return action;
      });
      assert.equal(given, action);
      assert.deepEqual(events.map(line), [expected]);
    });
  }

  it('reports a request of which nothing was learnt', async () => {
    await publishing(REQUEST, CLIENT, async () =>
      fail('missing_credentials', { field: 'password' }),
    );
    assert.deepEqual(events.map(line), ['password_refused none missing_credentials out -']);
    assert.deepEqual(
      Object.keys(events[0] ?? {}),
      ['outcome', 'step', 'code', 'authenticated', 'issuer', 'clientID', 'duration'],
      'no property is undefined',
    );
  });

  it('says whose strategy it was, and for how long it worked', async () => {
    const before = performance.now();
    await publishing(REQUEST, CLIENT, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return success;
    });
    const whole = performance.now() - before;
    const [{ issuer, clientID, duration } = assert.fail()] = events;
    assert.deepEqual({ issuer, clientID }, CLIENT);
    assert.ok(duration >= 15 && duration <= whole, String(duration));
  });

  it('has the request, which is not printed along', async () => {
    await publishing(REQUEST, CLIENT, async () => success);
    const [event = assert.fail()] = events;
    assert.equal(event.request, REQUEST);
    assert.doesNotMatch(inspect(event, { depth: 9 }) + JSON.stringify(event), /hunter2/);
    assert.equal({ ...event }.request, undefined);
  });

  it('gives the action without a subscriber too', async () => {
    unsubscribe(OUTCOME_CHANNEL, note);
    assert.equal(await publishing(REQUEST, CLIENT, async () => success), success);
    assert.deepEqual(events, []);
  });
});

describe('the events of a login', () => {
  const scene = useScene();
  const FORM = { username: 'ada', password: 'hunter2' };

  const create = (
    more: Partial<OktaDirectMfaStrategyOptions> = {},
    verify: () => unknown = async () => USER,
  ) =>
    new OktaDirectMfaStrategy(
      { ...CLIENT, dispatcher: scene.okta.agent, ...more },
      verify as never,
    );

  async function send(strategy: OktaDirectMfaStrategy, body: unknown): Promise<FakeRequest> {
    const req = scene.browser.request(body);
    await authenticate(strategy, req);
    scene.browser.keep(req);
    return req;
  }
  async function begin(strategy: OktaDirectMfaStrategy): Promise<FakeRequest> {
    scene.mfaRequired('mfa-token-7Hq');
    return send(strategy, FORM);
  }

  afterEach(() => {
    for (const event of events) {
      const printed = inspect(event, { depth: 4 }) + JSON.stringify(event);
      for (const secret of [FORM.password, '492713', 'mfa-token-7Hq', 'mfaToken', 'access_token']) {
        assert.ok(!printed.includes(secret), printed);
      }
    }
  });

  it('are one for each request, with the username in both steps', async () => {
    const strategy = create();
    const first = await begin(strategy);
    scene.granted();
    const second = await send(strategy, { otp: '492713' });
    assert.deepEqual(events.map(line), [
      'password_accepted password - out ada',
      'otp_accepted code - in ada',
    ]);
    assert.deepEqual(
      events.map(({ request }) => request),
      [first, second],
    );
  });

  it('are published before Passport acts', async () => {
    const strategy = create();
    let published = -1;
    strategy.fail = () => (published = events.length);
    scene.mfaRequired();
    strategy.authenticate(asRequest(scene.browser.request(FORM)));
    while (published < 0) await settle();
    assert.equal(published, 1);
  });

  it('tell what a person got wrong', async () => {
    const strategy = create({ maxOtpAttempts: 2 });
    await send(strategy, {});
    await send(strategy, { username: '', password: 'hunter2' });
    scene.rejected();
    await send(strategy, FORM);
    await begin(strategy);
    for (let times = 0; times < 2; times++) {
      scene.rejected();
      await send(strategy, { otp: '492713' });
    }
    await send(strategy, { otp: '492713' });
    assert.deepEqual(events.map(line), [
      'password_refused none missing_credentials out -',
      'password_refused password missing_credentials out -',
      'password_refused password invalid_credentials out ada',
      'password_accepted password - out ada',
      'otp_refused code invalid_otp out ada',
      'otp_refused code otp_attempts_exceeded out ada',
      'otp_refused code mfa_transaction_missing out -',
    ]);
  });

  it('tell of an empty passcode as of a refused one', async () => {
    const strategy = create();
    await begin(strategy);
    await send(strategy, { otp: '' });
    assert.deepEqual(events.slice(1).map(line), ['otp_refused code missing_credentials out -']);
  });

  it('tell of a login by password alone', async () => {
    scene.granted();
    await send(create({ requireMfa: false }), FORM);
    scene.granted();
    await send(create(), FORM);
    assert.deepEqual(events.map(line), [
      'password_accepted password - in ada',
      'password_refused password mfa_not_enforced out ada',
    ]);
  });

  it('tell when it is the app that fails or refuses', async () => {
    const failing = create({}, () => {
      throw new Error('the database is away');
    });
    await begin(failing);
    scene.granted();
    await send(failing, { otp: '492713' });
    const refusing = create({}, async () => false);
    await begin(refusing);
    scene.granted();
    await send(refusing, { otp: '492713' });
    await authenticate(create(), { headers: {}, body: FORM });
    assert.deepEqual(events.map(line), [
      'password_accepted password - out ada',
      'app_failed code - out ada',
      'password_accepted password - out ada',
      'otp_refused code verify_refused out ada',
      'app_failed password session_missing out ada',
    ]);
  });
});
