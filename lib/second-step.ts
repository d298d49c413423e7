import type { Action } from './actions.js';
import { now } from './clock.js';
import { lost, settled, withoutChallenge, type Granted, type Parts } from './completion.js';
import { isRejection } from './errors.js';
import {
  challengeOf,
  isOwnAssertion,
  secondFactorGrant,
  stepOf,
  type PollFactor,
  type SecondFactor,
} from './factors/index.js';
import { fail, FAILURES, failMissing, type FailAction } from './failures.js';
import type { LoginState } from './okta/state.js';
import { offeredFactors } from './offer.js';
import { Poll } from './poll.js';
import { outcomeAction, outdated, settle, type Proving } from './settling.js';
import type { Challenge, Transaction } from './transactions/index.js';
import type { Visit } from './visit.js';

type Proof = Exclude<SecondFactor, PollFactor>;

/** A login's second request and those after it: a code, a passkey's answer, or how a push stands. */
export class SecondStep {
  readonly #parts: Parts;
  readonly #poll: Poll;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#poll = new Poll(parts);
  }

  async resume(visit: Visit, factor: SecondFactor): Promise<Action> {
    const { settings } = this.#parts;
    const transaction = await this.current(visit);
    if ('type' in transaction) return transaction;
    const challenge = challengeOf(factor, transaction);
    const name = challenge?.factor ?? (factor.type === 'otp' ? 'otp' : undefined);
    // A stale page or tab never completes another login.
    const isReplaced =
      factor.challenge !== undefined && factor.challenge !== transaction.challenge?.id;
    if (isReplaced || name === undefined) return fail('challenge_replaced');
    visit.attempt.factor = name;
    if (!offeredFactors(visit.req, settings).includes(name)) {
      const { otpField, assertionField, challengeField } = settings;
      const field = { otp: otpField, assertion: assertionField, poll: challengeField }[factor.type];
      return failMissing({ field, step: stepOf(factor) });
    }
    if (challenge !== undefined && challenge.expiresAt <= now()) {
      return await this.#giveUp(visit, transaction, challenge, fail('challenge_expired'));
    }
    if (factor.type === 'poll') {
      // It is known here, since the poll names it.
      return await this.#poll.poll(visit, factor, transaction, challenge as Challenge);
    }
    if (factor.type === 'assertion' && challenge?.publicKey !== undefined) {
      const { rpId, challenge: asked } = challenge.publicKey;
      if (!isOwnAssertion(factor, asked, { rpId, ...settings.webauthn })) {
        const attemptsRemaining = settings.maxOtpAttempts - transaction.attempts;
        const failure = fail('webauthn_failed', { attemptsRemaining });
        return await this.#giveUp(visit, transaction, challenge, failure);
      }
    }
    return await this.#parts.transactions.exclusively(
      transaction,
      (login, hasWaited) =>
        this.#prove(visit, factor, { transaction, challenge, login }, hasWaited),
      (outcome) => outcome.type === 'fail' && FAILURES[outcome.info.code].transaction === 'keep',
      (outcome) => outcomeAction(this.#parts, visit, outcome),
    );
  }

  /** What waits for its second step. */
  async current({ req, attempt }: Visit): Promise<Transaction | FailAction> {
    const { transactions } = this.#parts;
    const transaction = await transactions.peek(req);
    if (transaction === undefined) return fail('mfa_transaction_missing');
    attempt.username = transaction.username;
    if (transaction.expiresAt > now()) return transaction;
    await transactions.drop(req, transaction);
    return fail('mfa_transaction_expired');
  }

  async #giveUp(
    { req }: Visit,
    transaction: Transaction,
    { id }: Challenge,
    failure: FailAction,
  ): Promise<FailAction> {
    const { transactions } = this.#parts;
    const kept = await transactions.modify(req, transaction, (kept) => withoutChallenge(kept, id));
    return kept === undefined ? fail('mfa_transaction_missing') : failure;
  }

  /** Asks Okta about a code or an assertion; one request at a time for each transaction. */
  async #prove(
    visit: Visit,
    factor: Proof,
    parts: Proving,
    hasWaited: boolean,
  ): Promise<Granted | FailAction> {
    const { settings, transactions, okta } = this.#parts;
    const { req } = visit;
    const { transaction, challenge, login } = parts;
    const earlier = settled(login, factor, transaction);
    if (earlier !== undefined) return earlier;
    if (login.invalidated) return await lost(this.#parts, req, transaction);
    if (hasWaited && challenge !== undefined) {
      const gone = await outdated(this.#parts, visit, transaction, challenge);
      if (gone !== undefined) return gone;
    }

    // The session's count is of all processes, but may be older than this process's.
    const attempts = Math.max(login.attempts, transaction.attempts) + 1;
    if (attempts > settings.maxOtpAttempts) {
      await transactions.drop(req, transaction);
      return fail('otp_attempts_exceeded');
    }
    const grant = secondFactorGrant(factor, transaction);
    let state: LoginState;
    try {
      state = await visit.ask((headers, onGrant) => okta.resume(grant, headers, onGrant));
    } catch (error) {
      // In an error code that this package does not know, a wrong passcode is one all the same.
      if (isRejection(error)) {
        login.attempts = attempts;
        await transactions.modify(req, transaction, (kept) => ({ ...kept, attempts }));
      }
      throw error;
    }
    return await settle(this.#parts, visit, factor, state, { ...parts, attempts });
  }
}
