import type { Action } from './actions.js';
import { now } from './clock.js';
import { lost, settled, type Granted, type Parts } from './completion.js';
import { pollGrant, type PollFactor } from './factors/index.js';
import { fail, type FailAction } from './failures.js';
import { failChallenge } from './pending.js';
import { outcomeAction, settle, type Proving } from './settling.js';
import type { Challenge, Transaction } from './transactions/index.js';
import type { Visit } from './visit.js';

/** Seconds. */
const SLOW_DOWN = 5;

/** How a push stands: at most one request to Okta, none while it is too early or another is under way. */
export class Poll {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  poll(
    visit: Visit,
    factor: PollFactor,
    transaction: Transaction,
    challenge: Challenge,
  ): Promise<Action> {
    const { resendAfter } = this.#parts.settings;
    const stands = () => failChallenge(challenge, transaction, resendAfter);
    if (challenge.awaits !== 'approval') return Promise.resolve(stands());
    return this.#parts.transactions.knowing(transaction, async (login) => {
      if (login.poll?.challenge !== challenge.id) {
        login.poll = { challenge: challenge.id, outcome: undefined, nextAt: 0 };
      }
      const { poll } = login;
      const earlier = settled(login, factor, transaction);
      if (earlier !== undefined) return await outcomeAction(this.#parts, visit, earlier);
      if (poll.outcome === undefined) {
        if (Math.max(poll.nextAt, challenge.nextPollAt ?? 0) > now()) return stands();
        poll.nextAt = now() + (challenge.interval ?? 0) * 1000;
        poll.outcome = this.#askHowItStands(visit, factor, { transaction, challenge, login });
        poll.outcome.finally(() => (poll.outcome = undefined)).catch(() => undefined);
      }
      // One that comes while another is at Okta has its answer.
      return await outcomeAction(
        this.#parts,
        visit,
        await (poll.outcome as Promise<Granted | FailAction>),
      );
    });
  }

  async #askHowItStands(
    visit: Visit,
    factor: PollFactor,
    parts: Proving & { challenge: Challenge },
  ): Promise<Granted | FailAction> {
    const { transaction, challenge, login } = parts;
    if (login.invalidated) return await lost(this.#parts, visit.req, transaction);
    const grant = pollGrant(challenge, transaction);
    const state = await visit.ask((headers, onGrant) =>
      this.#parts.okta.resume(grant, headers, onGrant),
    );
    const isLimited = state.type === 'rejected' && state.reason === 'rate_limited';
    if (isLimited || (state.type === 'pending' && state.slowDown)) {
      return await this.#slowDown(visit, parts, isLimited ? state.retryAfter : undefined);
    }
    return await settle(this.#parts, visit, factor, state, {
      ...parts,
      attempts: transaction.attempts,
    });
  }

  /** RFC 8628 §3.5: five seconds more between two polls, from now on. */
  async #slowDown(
    { req }: Visit,
    { transaction, challenge, login }: Proving & { challenge: Challenge },
    retryAfter = 0,
  ): Promise<FailAction> {
    const { transactions, settings } = this.#parts;
    const interval = (challenge.interval ?? 0) + SLOW_DOWN;
    const nextPollAt = now() + Math.max(interval, retryAfter) * 1000;
    const slower = { ...challenge, interval, nextPollAt };
    if (login.poll?.challenge === challenge.id) login.poll.nextAt = nextPollAt;
    const kept = await transactions.modify(req, transaction, (kept) =>
      kept.challenge?.id === challenge.id ? { ...kept, challenge: slower } : kept,
    );
    if (kept === undefined) return fail('mfa_transaction_missing');
    return failChallenge(slower, kept, settings.resendAfter);
  }
}
