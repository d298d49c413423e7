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
  const PASSWORD: Attempt = {
    step: 'password',
    factor: 'password',
    username: 'ada',
    oktaDuration: 0,
  };
  const OTP: Attempt = { step: 'code', factor: 'otp', username: 'ada', oktaDuration: 0 };
  const success: Action = { type: 'success', user: {}, info: undefined };
  const error = (of: unknown): Action => ({ type: 'error', error: of });

  for (const [what, action, attempt, expected] of [
    ['a login by password', success, PASSWORD, 'password_accepted password - in ada'],
    ['a login by passcode', success, OTP, 'otp_accepted code - in ada'],
    [
      'a redirect to the second step',
      { type: 'redirect', url: '/otp', code: 'mfa_required' },
      PASSWORD,
      'password_accepted password - out ada',
    ],
    [
      'mfa_required',
      fail('mfa_required', { expiresAt: 1, factors: ['otp'] }),
      PASSWORD,
      'password_accepted password - out ada',
    ],
    [
      'a wrong password',
      fail('invalid_credentials'),
      PASSWORD,
      'password_refused password invalid_credentials out ada',
    ],
    [
      'a wrong passcode',
      fail('invalid_otp', { attemptsRemaining: 1 }),
      OTP,
      'otp_refused code invalid_otp out ada',
    ],
    ['a rate limit', fail('rate_limited', {}), OTP, 'rate_limited code rate_limited out ada'],
    [
      'a passcode that comes too late',
      fail('mfa_transaction_expired'),
      OTP,
      'transaction_expired code mfa_transaction_expired out ada',
    ],
    [
      'a no of the verify function, whatever its info says',
      { type: 'fail', info: { code: 'rate_limited' }, refusedBy: 'verify' },
      OTP,
      'otp_refused code verify_refused out ada',
    ],
    [
      'a no of the verify function without info',
      { type: 'fail', info: undefined, refusedBy: 'verify' },
      PASSWORD,
      'password_refused password verify_refused out ada',
    ],
    [
      'an unusable response',
      error(new OktaResponseError('okta_error', 'x')),
      OTP,
      'okta_failed code okta_error out ada',
    ],
    [
      'no response',
      error(new OktaUnreachableError('x')),
      OTP,
      'okta_failed code okta_unreachable out ada',
    ],
    [
      'a slow response',
      error(new OktaTimeoutError('x')),
      OTP,
      'okta_failed code okta_timeout out ada',
    ],
    [
      'an error of the configuration',
      error(new OktaConfigurationError('invalid_client', 'x')),
      PASSWORD,
      'app_failed password invalid_client out ada',
    ],
    [
      'an error of a store',
      error(new OktaTransactionStoreError('x')),
      OTP,
      'app_failed code transaction_store_failed out ada',
    ],
    [
      "an error of the app's own, whatever its code",
      error(Object.assign(new Error('x'), { code: 'okta_error', status: 503 })),
      OTP,
      'app_failed code - out ada',
    ],
  ] as [string, Action, Attempt, string][]) {
    it(`reports ${what} as ${expected}`, async () => {
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
      [
        'outcome',
        'step',
        'code',
        'authenticated',
        'issuer',
        'clientID',
        'duration',
        'oktaDuration',
      ],
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

  it('say what Okta has said of a refusal and of an error, and who has logged in', async () => {
    const strategy = create();
    const headers = { 'x-okta-request-id': 'req-1' };
    const json = { errorCode: 'E0000069', errorSummary: 'Locked', errorId: 'oae1' };
    scene.okta.token(401, json, headers);
    await send(strategy, FORM);
    scene.okta.token(400, { error: 'new_error', error_description: 'New.' }, headers);
    await send(strategy, FORM);
    scene.okta.token(400, { error: 'invalid_grant', error_description: 'Not HUNTER2' });
    await send(strategy, FORM);
    await begin(strategy);
    scene.granted();
    await send(strategy, { otp: '492713' });
    assert.deepEqual(
      events.map((event) => [
        event.oktaError,
        event.oktaDescription,
        event.oktaErrorId,
        event.oktaRequestId,
        event.factor,
        event.sub,
      ]),
      [
        ['E0000069', 'Locked', 'oae1', 'req-1', 'password', undefined],
        ['new_error', 'New.', undefined, 'req-1', 'password', undefined],
        ['invalid_grant', undefined, undefined, undefined, 'password', undefined],
        [undefined, undefined, undefined, undefined, 'password', undefined],
        [undefined, undefined, undefined, undefined, 'otp', '00u1person'],
      ],
    );
    for (const { duration, oktaDuration } of events) {
      assert.ok(oktaDuration > 0 && oktaDuration <= duration);
    }
  });

  it('tell of a login by password alone', async () => {
    scene.granted();
    await send(create({ requireMfa: false }), FORM);
    scene.granted();
    await send(create({ revokeUnused: false }), FORM);
    assert.deepEqual(events.map(line), [
      'password_accepted password - in ada',
      'password_refused password mfa_not_enforced out ada',
    ]);
  });

  it('tell when it is the app that fails or refuses', async () => {
    const failing = create({ revokeUnused: false }, () => {
      throw new Error('the database is away');
    });
    await begin(failing);
    scene.granted();
    await send(failing, { otp: '492713' });
    const refusing = create({ revokeUnused: false }, async () => false);
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
