import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import type { Okta, ScriptedResponse, User } from '../../example/okta/index.js';
import { OUTCOME_CHANNEL, type OutcomeEvent } from '../../lib/index.js';
import {
  choose,
  finishLogin,
  OTP_STEP,
  PASSWORD_STEP,
  passPassword,
  scene,
  sendOtp,
  sendPassword,
  useOkta,
  whoIs,
  type Answer,
  type Scene,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started));

interface Row {
  user?: Partial<User>;
  /** What Okta is documented to answer, where the stand-in has no such person. */
  scripted?: ScriptedResponse;
  send?: (scene: Scene) => Promise<Answer>;
  /** The person's: status and code. */
  sees: [status: number, code: string];
  /** The operator's: outcome, Okta's code, and how its description begins. */
  event: [outcome: string, oktaError: string | undefined, oktaDescription: RegExp];
}

const denied = (description: string, status = 403): ScriptedResponse => ({
  status,
  body: { error: 'access_denied', error_description: description },
});

const withOtp = async ({ browser, user }: Scene) => {
  await passPassword(browser, user);
  return sendOtp(browser, '918273');
};

const EVERYBODY: Record<string, Row> = {
  'a wrong password': {
    send: ({ browser, user }) => sendPassword(browser, { ...user, password: 'not-the-password' }),
    sees: [401, 'invalid_credentials'],
    event: ['password_refused', 'invalid_grant', /^The credentials/],
  },
  'a locked account': {
    user: { locked: true },
    sees: [401, 'invalid_credentials'],
    event: ['password_refused', 'invalid_grant', /^The credentials/],
  },
  'a locked account, where Okta says so': {
    scripted: { status: 403, body: { errorCode: 'E0000069', errorSummary: 'User Locked' } },
    sees: [401, 'invalid_credentials'],
    event: ['password_refused', 'E0000069', /^User Locked/],
  },
  'an expired password': {
    user: { passwordExpired: true },
    sees: [401, 'invalid_credentials'],
    event: ['password_refused', 'invalid_grant', /^Password has expired/],
  },
  'an expired password, with the code of the catalogue': {
    scripted: denied("The user's password is expired."),
    sees: [403, 'access_denied'],
    event: ['password_refused', 'access_denied', /password is expired/],
  },
  'a person who is not assigned to the app': {
    user: { assigned: false },
    sees: [403, 'access_denied'],
    event: ['password_refused', 'access_denied', /assigned to the client app/],
  },
  'a policy or a network zone that denies': {
    scripted: denied(
      "User couldn't be signed-in through direct authentication because authentication policy wasn't satisfied.",
    ),
    sees: [403, 'access_denied'],
    event: ['password_refused', 'access_denied', /authentication policy wasn't satisfied/],
  },
  'a person without the authenticator, at the passcode': {
    user: { totpSecret: undefined },
    send: withOtp,
    sees: [403, 'access_denied'],
    event: ['otp_refused', 'access_denied', /^The required authenticator can't be used/],
  },
  'a person without the authenticator, at the chooser': {
    send: async ({ browser, user }) => {
      await passPassword(browser, user);
      return choose(browser, 'push');
    },
    sees: [403, 'factor_unavailable'],
    event: ['push_refused', 'access_denied', /^The required authenticator can't be used/],
  },
  'an authenticator that is locked for five minutes': {
    scripted: {
      status: 429,
      body: {
        error: 'invalid_grant',
        error_description: 'API call exceeded rate limit due to too many requests.',
      },
    },
    send: withOtp,
    sees: [429, 'rate_limited'],
    event: ['rate_limited', 'invalid_grant', /^API call exceeded rate limit/],
  },
};

describe('An account that cannot sign in, for the person and for the operator:', () => {
  for (const [name, row] of Object.entries(EVERYBODY)) {
    it(`${name} is ${row.sees.join(' ')}, and Okta's reason is in the event`, async (t) => {
      const events: OutcomeEvent[] = [];
      const note = (event: unknown) => void events.push(event as OutcomeEvent);
      const given = await scene(t, { options: { factors: ['otp', 'push'] }, user: row.user });
      const step = row.send === withOtp ? OTP_STEP : PASSWORD_STEP;
      if (row.scripted !== undefined) okta.respondNext(row.scripted, step);
      subscribe(OUTCOME_CHANNEL, note);
      t.after(() => unsubscribe(OUTCOME_CHANNEL, note));
      const { browser, user } = given;

      const { status, body, text } = await (row.send?.(given) ?? sendPassword(browser, user));

      assert.deepEqual([status, body['code']], row.sees, text);
      const event = events.at(-1);
      const [outcome, oktaError, oktaDescription] = row.event;
      assert.deepEqual([event?.outcome, event?.oktaError], [outcome, oktaError]);
      assert.match(String(event?.oktaDescription), oktaDescription);
      // What is Okta's reason is not for the person.
      assert.doesNotMatch(text, oktaDescription);
      assert.equal(event?.username, user.username);
      assert.equal(await whoIs(browser), undefined);
    });
  }

  it('a password that was changed at Okta logs in the next time', async (t) => {
    const { browser, user } = await scene(t, { user: { passwordExpired: true } });
    await sendPassword(browser, user);
    user.passwordExpired = false;
    await passPassword(browser, user);
    await finishLogin(browser, okta, user);
  });
});
