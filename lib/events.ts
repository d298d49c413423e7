import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Action } from './actions.js';
import { OktaDirectMfaError } from './errors.js';
import type { Factor, Step } from './factors/index.js';

/**
 * The name of the `node:diagnostics_channel` that gets an `OutcomeEvent` for every request that the
 * strategy has handled, just before Passport acts on it. For audit logs, metrics and alarms; without a
 * subscriber it costs nothing. What happens on the wire is on undici's own channels.
 */
export const OUTCOME_CHANNEL = 'passport-okta-direct-mfa:outcome';

/** One handled request. It holds no secret, in whatever way it is printed. */
export interface OutcomeEvent {
  /**
   * `password_accepted`: Okta accepts the password, usually a passcode is needed now.
   * `password_refused`, `otp_refused`: the user can correct it; `code` says why.
   * `otp_accepted`: the login is complete. `transaction_expired`: the passcode came too late.
   * `rate_limited`: Okta's 429. `okta_failed`: an error with status 502 to 504.
   * `app_failed`: any other error, of the configuration, a store, or a function of the app.
   */
  outcome:
    | `${Factor['type']}_accepted`
    | `${Factor['type']}_refused`
    | 'transaction_expired'
    | 'rate_limited'
    | 'okta_failed'
    | 'app_failed';
  /** Which request of the login it was; `none` for one with neither password nor passcode. */
  step: Step;
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

/** What the login learns about its request, for the event. */
export interface Attempt {
  step: Step;
  /** The type of the factor that the request presents. */
  factor: Factor['type'];
  username?: string;
}

const outcomes = channel(OUTCOME_CHANNEL);

/** Handles a request, and publishes what it ended in. */
export async function publishing(
  request: IncomingMessage,
  { issuer, clientID }: Pick<OutcomeEvent, 'issuer' | 'clientID'>,
  handle: (attempt: Attempt) => Promise<Action>,
): Promise<Action> {
  const attempt: Attempt = { step: 'none', factor: 'password' };
  if (!outcomes.hasSubscribers) return handle(attempt);
  const start = performance.now();
  const action = await handle(attempt);
  const duration = performance.now() - start;
  const { step, factor, username } = attempt;
  const code = codeOf(action);
  const event = {
    outcome: outcomeOf(action, factor, code),
    step,
    ...(code === undefined || code === 'mfa_required' ? {} : { code }),
    authenticated: action.type === 'success',
    ...(username === undefined ? {} : { username }),
    issuer,
    clientID,
    duration,
  };
  Object.defineProperty(event, 'request', { value: request });
  outcomes.publish(event);
  return action;
}

function codeOf(action: Action): string | undefined {
  switch (action.type) {
    case 'success':
      return undefined;
    case 'redirect':
      return 'mfa_required';
    case 'fail':
      return action.refusedBy === 'verify'
        ? 'verify_refused'
        : (action.info as { code: string }).code;
    case 'error':
      return action.error instanceof OktaDirectMfaError ? action.error.code : undefined;
  }
}

function outcomeOf(
  action: Action,
  factor: Factor['type'],
  code: string | undefined,
): OutcomeEvent['outcome'] {
  switch (action.type) {
    case 'success':
    case 'redirect':
      return `${factor}_accepted`;
    case 'error': {
      const { error } = action;
      return error instanceof OktaDirectMfaError && error.status > 500
        ? 'okta_failed'
        : 'app_failed';
    }
    case 'fail':
      if (code === 'mfa_required') return `${factor}_accepted`;
      if (code === 'rate_limited') return 'rate_limited';
      return code === 'mfa_transaction_expired' ? 'transaction_expired' : `${factor}_refused`;
  }
}
