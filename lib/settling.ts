import type { Action } from './actions.js';
import {
  advance,
  complete,
  lost,
  reject,
  settled,
  type Granted,
  type Login,
  type Parts,
} from './completion.js';
import type { SecondFactor } from './factors/index.js';
import { fail, type FailAction } from './failures.js';
import type { LoginState } from './okta/state.js';
import { failChallenge } from './pending.js';
import type { Challenge, Transaction } from './transactions/index.js';
import type { Visit } from './visit.js';

/** What a second factor is presented to. */
export interface Proving {
  transaction: Transaction;
  /** What the factor is the answer to, if it is. */
  challenge: Challenge | undefined;
  login: Login;
}

/** What Okta's answer comes to; the same for a code, an assertion and a poll. */
export async function settle(
  parts: Parts,
  visit: Visit,
  factor: SecondFactor,
  state: LoginState,
  { transaction, challenge, login, attempts }: Proving & { attempts: number },
): Promise<Granted | FailAction> {
  const { req } = visit;
  const { mfaToken } = transaction;
  if (state.type === 'authenticated' && challenge !== undefined) {
    const gone = await outdated(parts, visit, transaction, challenge);
    if (gone !== undefined) return gone;
  }
  // Another request may have completed, cancelled or replaced the login while Okta was asked.
  const earlier = settled(login, factor, transaction);
  if (earlier !== undefined) return earlier;
  if (login.invalidated) return await lost(parts, req, transaction);
  switch (state.type) {
    case 'authenticated': {
      const action = complete(parts, visit, state, transaction);
      const sub = state.profile.id;
      return (login.granted = { type: 'granted', mfaToken, factor, sub, action });
    }
    case 'mfa_required': {
      const action = await advance(parts, req, state, transaction);
      return (login.granted = {
        type: 'granted',
        mfaToken,
        factor,
        action: Promise.resolve(action),
      });
    }
    case 'rejected': {
      const name = challenge?.factor ?? 'otp';
      return await reject(parts, req, state, transaction, { factor: name, attempts, login });
    }
    case 'pending':
      return failChallenge(challenge as Challenge, transaction, parts.settings.resendAfter);
  }
}

/**
 * Whether the login, or the challenge that the factor answers, is over by now: the store is asked, since
 * neither Okta nor the app's function is to hear of a challenge that was given up.
 */
export async function outdated(
  { transactions }: Parts,
  { req }: Visit,
  transaction: Transaction,
  challenge: Challenge,
): Promise<FailAction | undefined> {
  const kept = await transactions.read(req);
  if (kept?.id !== transaction.id) return fail('mfa_transaction_missing');
  return kept.challenge?.id === challenge.id ? undefined : fail('challenge_replaced');
}

/** The action that an outcome leads to, for each request that has it. */
export async function outcomeAction(
  parts: Parts,
  { req, attempt }: Visit,
  outcome: Granted | FailAction,
): Promise<Action> {
  if (outcome.type === 'fail') return outcome;
  if (outcome.sub !== undefined) attempt.sub = outcome.sub;
  const action = await outcome.action;
  // The second click of a double click has a copy of the session of its own.
  if (action.type === 'success') parts.transactions.forget(req);
  else await parts.transactions.read(req);
  return action;
}
