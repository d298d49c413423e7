import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { OktaDirectMfaError } from './errors.js';

/**
 * The name of the `node:diagnostics_channel` that gets an `OutcomeEvent` for every request that the
 * strategy has judged, just before Passport acts on it. For audit logs, metrics and alarms; without a
 * subscriber it costs nothing. What happens on the wire is on undici's own channels.
 */
export const OUTCOME_CHANNEL = 'passport-okta-direct-mfa:outcome';

/** One judged request. It holds no secret, in whatever way it is printed. */
export interface OutcomeEvent {
  /**
   * `password_accepted`: Okta accepts the password, usually a passcode is wanted now.
   * `password_refused`, `otp_refused`: it is up to the person; `code` says why.
   * `otp_accepted`: the login is complete. `otp_expired`: the passcode came too late.
   * `rate_limited`: Okta's 429. `okta_failed`: an error with status 502 to 504.
   * `app_failed`: any other error, of the configuration, a store, or a function of the app.
   */
  outcome:
    | 'password_accepted'
    | 'password_refused'
    | 'otp_accepted'
    | 'otp_refused'
    | 'otp_expired'
    | 'rate_limited'
    | 'okta_failed'
    | 'app_failed';
  /** Which of the two requests it was; `none` for one with neither password nor passcode. */
  step: 'password' | 'otp' | 'none';
  /**
   * The code of the `info` or of the `OktaDirectMfaError`; `verify_refused` when the app's verify
   * function said no; absent for a login and for an error of the app's own.
   */
  code?: string;
  /** Whether the person is logged in by this request. */
  authenticated: boolean;
  /** As typed in the password step, in both steps; absent when there was none that can be used. */
  username?: string;
  /** The strategy's `issuer`. */
  issuer: string;
  /** The strategy's `clientID`. */
  clientID: string;
  /** Milliseconds from the request's arrival at the strategy to this event. */
  duration: number;
  /**
   * The request, for its address or id. Not enumerable, so that printing an event does not print the
   * body, which has the password.
   */
  readonly request: IncomingMessage;
}

/** What a request ends in, as far as an event tells of it. */
export type Judgement =
  | { type: 'success' }
  | { type: 'redirect' }
  | { type: 'fail'; info: object | string | undefined; refusedBy?: 'verify' }
  | { type: 'error'; error: unknown };

/** What is learnt of a request on the way. */
export interface Subject {
  step: OutcomeEvent['step'];
  username?: string;
}

export const outcomes = channel(OUTCOME_CHANNEL);

export function publishOutcome(
  request: IncomingMessage,
  judgement: Judgement,
  subject: Subject,
  more: Pick<OutcomeEvent, 'issuer' | 'clientID' | 'duration'>,
): void {
  const code = codeOf(judgement);
  const event = {
    outcome: outcomeOf(judgement, subject.step, code),
    step: subject.step,
    ...(code === undefined || code === 'mfa_required' ? {} : { code }),
    authenticated: judgement.type === 'success',
    ...(subject.username === undefined ? {} : { username: subject.username }),
    ...more,
  };
  Object.defineProperty(event, 'request', { value: request });
  outcomes.publish(event);
}

function codeOf(judgement: Judgement): string | undefined {
  switch (judgement.type) {
    case 'success':
      return undefined;
    case 'redirect':
      return 'mfa_required';
    case 'fail':
      return judgement.refusedBy === 'verify'
        ? 'verify_refused'
        : (judgement.info as { code: string }).code;
    case 'error':
      return judgement.error instanceof OktaDirectMfaError ? judgement.error.code : undefined;
  }
}

function outcomeOf(
  judgement: Judgement,
  step: Subject['step'],
  code: string | undefined,
): OutcomeEvent['outcome'] {
  const by = step === 'otp' ? 'otp' : 'password';
  switch (judgement.type) {
    case 'success':
    case 'redirect':
      return `${by}_accepted`;
    case 'error': {
      const { error } = judgement;
      return error instanceof OktaDirectMfaError && error.status > 500
        ? 'okta_failed'
        : 'app_failed';
    }
    case 'fail':
      if (code === 'mfa_required') return 'password_accepted';
      if (code === 'rate_limited') return 'rate_limited';
      return code === 'mfa_transaction_expired' ? 'otp_expired' : `${by}_refused`;
  }
}
