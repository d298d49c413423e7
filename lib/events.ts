import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Action } from './actions.js';
import {
  OktaDirectMfaError,
  OktaRateLimitError,
  OktaRefreshError,
  type OktaReference,
} from './errors.js';
import type { OktaDirectMfaFactor, OktaDirectMfaStep } from './factors/index.js';
import { isChallenged } from './failures.js';

/**
 * The name of the `node:diagnostics_channel` that gets an `OutcomeEvent` for every request that the
 * strategy has handled, just before Passport acts on it, and for every refresh and revocation. For audit logs, metrics and alarms; without a
 * subscriber it costs nothing. A subscriber that throws ends the process, as Node's channels have it
 * (`uncaughtException`): catch what yours may throw. What happens on the wire is on undici's own
 * channels.
 */
export const OUTCOME_CHANNEL = 'passport-okta-direct-mfa:outcome';

/** One handled request. It holds no secret, in whatever way it is printed. */
export interface OutcomeEvent extends Omit<OktaReference, 'oktaStatus'> {
  /**
   * `password_accepted`: Okta accepts the password, usually a second factor is needed now.
   * `password_refused`, `otp_refused`: the user can correct it; `code` says why.
   * `otp_accepted`, `push_accepted` and so on: the login is complete, or goes on with another factor.
   * `challenge_sent`: a push, text, call or mail is out, or a passkey is asked for.
   * `authorization_pending`: a push is not answered yet. `factor_chosen`: the person will type a
   * passcode. `transaction_expired`: the second factor came too late.
   * `refresh_accepted`, `token_revoked`: `refresh()` and `revoke()`, or tokens that a login did not use.
   * `refresh_refused`: the person has to sign in again.
   * `rate_limited`: Okta's 429. `okta_failed`: an error with status 502 to 504.
   * `app_failed`: any other error, of the configuration, a store, or a function of the app.
   */
  outcome:
    | `${OktaDirectMfaFactor}_accepted`
    | `${OktaDirectMfaFactor}_refused`
    | 'challenge_sent'
    | 'authorization_pending'
    | 'factor_chosen'
    | 'transaction_expired'
    | 'refresh_accepted'
    | 'refresh_refused'
    | 'token_revoked'
    | 'rate_limited'
    | 'okta_failed'
    | 'app_failed';
  /**
   * Which request of the login it was; `none` for one with neither password nor passcode. `refresh` and
   * `revoke` are for tokens of a login that was.
   */
  step: OktaDirectMfaStep | 'refresh' | 'revoke';
  /** The factor that the request presents; absent for one that presents none. */
  factor?: OktaDirectMfaFactor;
  /**
   * The code of the `info` or of the `OktaDirectMfaError`; `verify_refused` when the app's verify
   * function said no; absent for a login and for an error of the app's own.
   */
  code?: string;
  /** Whether the person is logged in by this request. */
  authenticated: boolean;
  /**
   * As typed in the password step, in all steps; absent when there was none that can be used. A person
   * may have typed a password there.
   */
  username?: string;
  /** Okta's id of the user, once Okta has said who it is. */
  sub?: string;
  /** The strategy's `issuer`. */
  issuer: string;
  /** The strategy's `clientID`. */
  clientID: string;
  /** Milliseconds from the request's arrival at the strategy to this event. */
  duration: number;
  /** Milliseconds of it spent waiting for Okta's answer to the password or the second factor. */
  oktaDuration: number;
  /**
   * The request, for its address or id. Not enumerable, so that printing an event does not print the
   * body, which has the password. Absent for `refresh()` and `revoke()`, which get none.
   */
  readonly request?: IncomingMessage;
}

/** What the login learns about its request, for the event. */
export interface Attempt {
  step: OktaDirectMfaStep;
  factor?: OktaDirectMfaFactor | undefined;
  username?: string;
  sub?: string;
  oktaDuration: number;
  /** What Okta said when it rejected the request. */
  okta?: OktaReference | undefined;
}

const outcomes = channel(OUTCOME_CHANNEL);

/** Handles a request, and publishes what it ended in. */
export async function publishing(
  request: IncomingMessage,
  { issuer, clientID }: Pick<OutcomeEvent, 'issuer' | 'clientID'>,
  handle: (attempt: Attempt) => Promise<Action>,
): Promise<Action> {
  const attempt: Attempt = { step: 'none', oktaDuration: 0 };
  if (!outcomes.hasSubscribers) return await handle(attempt);
  const start = performance.now();
  const action = await handle(attempt);
  const duration = performance.now() - start;
  const { step, factor, username, sub, oktaDuration } = attempt;
  const code = codeOf(action);
  const error = action.type === 'error' ? action.error : undefined;
  const okta = error instanceof OktaDirectMfaError ? error : attempt.okta;
  const event = withoutUndefined({
    outcome: outcomeOf(action, { step, factor: factor ?? 'password', code }),
    step,
    factor,
    code: code === 'mfa_required' ? undefined : code,
    authenticated: action.type === 'success',
    username,
    sub,
    oktaError: okta?.oktaError,
    oktaDescription: okta?.oktaDescription,
    oktaErrorId: okta?.oktaErrorId,
    oktaRequestId: okta?.oktaRequestId,
    issuer,
    clientID,
    duration,
    oktaDuration,
  });
  Object.defineProperty(event, 'request', { value: request });
  outcomes.publish(event);
  return action;
}

/** A call about tokens of a login that was. */
export interface TokenCall extends Pick<OutcomeEvent, 'issuer' | 'clientID'> {
  step: 'refresh' | 'revoke';
  sub: string | undefined;
  /** That had the tokens, where the login did not use them. */
  request?: IncomingMessage;
}

/** Makes a call about tokens, and publishes what it came to. */
export async function publishingCall<T extends { claims?: { sub: string } } | void>(
  { request, ...about }: TokenCall,
  call: () => Promise<T>,
): Promise<T> {
  if (!outcomes.hasSubscribers) return await call();
  const start = performance.now();
  const publish = (outcome: OutcomeEvent['outcome'], result?: T, error?: unknown): void => {
    const duration = performance.now() - start;
    const okta = error instanceof OktaDirectMfaError ? error : undefined;
    const event = withoutUndefined({
      outcome,
      ...about,
      sub: about.sub ?? result?.claims?.sub,
      code: okta?.code,
      authenticated: false,
      oktaError: okta?.oktaError,
      oktaDescription: okta?.oktaDescription,
      oktaErrorId: okta?.oktaErrorId,
      oktaRequestId: okta?.oktaRequestId,
      duration,
      oktaDuration: duration,
    });
    if (request !== undefined) Object.defineProperty(event, 'request', { value: request });
    outcomes.publish(event);
  };
  try {
    const result = await call();
    publish(about.step === 'refresh' ? 'refresh_accepted' : 'token_revoked', result);
    return result;
  } catch (error) {
    publish(failedOutcomeOf(error), undefined, error);
    throw error;
  }
}

function failedOutcomeOf(error: unknown): OutcomeEvent['outcome'] {
  if (error instanceof OktaRefreshError) return 'refresh_refused';
  if (error instanceof OktaRateLimitError) return 'rate_limited';
  return error instanceof OktaDirectMfaError && error.status > 500 ? 'okta_failed' : 'app_failed';
}

function withoutUndefined(event: object): object {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
}

/** `redirect` is how `mfa_required` is said to a browser. */
function codeOf(action: Action): string | undefined {
  switch (action.type) {
    case 'success':
      return undefined;
    case 'redirect':
      return action.code;
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
  {
    step,
    factor,
    code,
  }: { step: OktaDirectMfaStep; factor: OktaDirectMfaFactor; code?: string | undefined },
): OutcomeEvent['outcome'] {
  switch (action.type) {
    case 'success':
      return `${factor}_accepted`;
    case 'error':
      return failedOutcomeOf(action.error);
    case 'redirect':
    case 'fail':
      if (code === 'mfa_required') {
        return step === 'challenge' ? 'factor_chosen' : `${factor}_accepted`;
      }
      if (code !== undefined && isChallenged(code)) {
        return step === 'challenge' ? 'challenge_sent' : 'authorization_pending';
      }
      if (code === 'rate_limited') return 'rate_limited';
      return code === 'mfa_transaction_expired' ? 'transaction_expired' : `${factor}_refused`;
  }
}
