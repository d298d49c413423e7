import { randomUUID } from 'node:crypto';
import { now } from './clock.js';
import { lost, reject, withoutChallenge, type Login, type Parts } from './completion.js';
import { OktaResponseError } from './errors.js';
import { challengeRequest, OOB_FACTORS, type Choice } from './factors/index.js';
import { fail, failMissing, failPasscode, type FailAction } from './failures.js';
import type { Challenged, OutOfBand, PublicKeyChallenge } from './okta/challenge-endpoint.js';
import { factorsLeft, offeredFactors } from './offer.js';
import { failChallenge, resendAtOf } from './pending.js';
import type { Challenge, OktaDirectMfaSecondFactor, Transaction } from './transactions/index.js';
import type { Visit } from './visit.js';

/** Has a push, text, call or mail sent, or a passkey asked for, when the person has chosen it. */
export class Challenger {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** One at a time for each transaction; a double click is one wish. */
  async choose(visit: Visit, { factor }: Choice, transaction: Transaction): Promise<FailAction> {
    const { transactions } = this.#parts;
    return await transactions.knowing(transaction, async (login) => {
      const before = login.choosing;
      if (before?.factor === factor) return await (before.outcome as Promise<FailAction>);
      const outcome = (before?.outcome ?? Promise.resolve())
        .catch(() => undefined)
        .then(() => this.#challenge(visit, factor, transaction, login));
      const choosing = (login.choosing = { factor, outcome });
      try {
        return await outcome;
      } finally {
        if (login.choosing === choosing) login.choosing = undefined;
      }
    });
  }

  /** A factor that the app's pages do not offer. */
  refuse({ req }: Visit, { factor }: Choice): FailAction | undefined {
    const { settings } = this.#parts;
    if (offeredFactors(req, settings).includes(factor)) return undefined;
    return failMissing({ field: settings.factorField, step: 'challenge' });
  }

  async #challenge(
    visit: Visit,
    factor: OktaDirectMfaSecondFactor,
    { id }: Transaction,
    login: Login,
  ): Promise<FailAction> {
    const { settings, transactions, okta } = this.#parts;
    const { req } = visit;
    // As it is kept now: an earlier wish may have changed it.
    const transaction = await transactions.read(req);
    if (transaction?.id !== id || login.invalidated) return fail('mfa_transaction_missing');
    const factors = factorsLeft(req, settings, transaction);
    if (!factors.includes(factor)) return fail('factor_unavailable', { factor, factors });
    const request = challengeRequest(factor, transaction);
    if (request === undefined) return await this.#expectPasscode(visit, transaction);
    if (factor !== 'webauthn') {
      const refusal = this.#limit(factor, transaction);
      if (refusal !== undefined) return refusal;
    }

    const state = await visit.ask((headers) => okta.challenge(request, headers));
    if (login.invalidated) return await lost(this.#parts, req, transaction);
    switch (state.type) {
      case 'challenged':
        return await this.#keep(visit, factor, state.challenge, transaction);
      case 'rejected': {
        const { attempts } = transaction;
        return await reject(this.#parts, req, state, transaction, { factor, attempts, login });
      }
    }
  }

  /** Pushes and texts cost money and nerves; somebody who has the password may send them. */
  #limit(factor: OktaDirectMfaSecondFactor, transaction: Transaction): FailAction | undefined {
    const { maxChallenges, resendAfter } = this.#parts.settings;
    if ((transaction.challenges ?? 0) >= maxChallenges) return fail('too_many_challenges');
    const wait = (resendAtOf(factor, transaction, resendAfter) ?? 0) - now();
    if (wait <= 0) return undefined;
    return fail('too_many_challenges', { retryAfter: Math.ceil(wait / 1000) });
  }

  /** A passcode needs no challenge: what was out is forgotten. */
  async #expectPasscode({ req }: Visit, transaction: Transaction): Promise<FailAction> {
    const { settings, transactions } = this.#parts;
    const kept = await transactions.modify(req, transaction, (kept) => withoutChallenge(kept));
    if (kept === undefined) return fail('mfa_transaction_missing');
    const factors = factorsLeft(req, settings, kept);
    return failPasscode({ expiresAt: kept.expiresAt, factors });
  }

  async #keep(
    visit: Visit,
    asked: OktaDirectMfaSecondFactor,
    answer: Challenged['challenge'],
    transaction: Transaction,
  ): Promise<FailAction> {
    const { settings, transactions } = this.#parts;
    const { req } = visit;
    const offered = offeredFactors(req, settings);
    const { binding } = answer;
    if (binding === 'passcode') {
      if (offered.includes('otp')) return await this.#expectPasscode(visit, transaction);
      throw unusable('wants a passcode, which the factors option does not offer');
    }
    if ((binding === 'passkey') !== (asked === 'webauthn')) {
      throw unusable('is for another kind of factor than was asked for');
    }
    const challenge =
      binding === 'passkey'
        ? this.#passkey(answer, transaction)
        : outOfBand(asked as Challenge['factor'], offered, answer, transaction);
    const isCompared = binding === 'passkey' || binding === 'prompt' || answer.number !== undefined;
    const isGivenUp = !isCompared && settings.requireNumberChallenge;
    const isUnusable = !isCompared && !isGivenUp && binding === 'transfer';
    // One that nobody waits for has rung all the same.
    // Okta ties it to the mfa_token, and wants another factor on top by now.
    const isOutdated = ({ mfaToken }: Transaction) => mfaToken !== transaction.mfaToken;
    const kept = await transactions.modify(req, transaction, (kept) => ({
      ...(isUnusable || isOutdated(kept) ? kept : withoutChallenge(kept)),
      ...(binding === 'passkey' ? {} : counted(kept, asked, challenge.factor)),
      ...(isGivenUp || isUnusable || isOutdated(kept) ? {} : { challenge }),
    }));
    if (kept === undefined) return fail('mfa_transaction_missing');
    if (isOutdated(kept)) return fail('challenge_replaced');
    if (isUnusable) throw unusable('announces a number to compare and gives none');
    if (isGivenUp) return fail('number_challenge_required');
    return failChallenge(challenge, kept, settings.resendAfter);
  }

  #passkey({ publicKey }: PublicKeyChallenge, transaction: Transaction): Challenge {
    const { issuer, webauthn } = this.#parts.settings;
    // In a browser a missing rpId would mean the page's own host.
    const rpId = publicKey.rpId ?? webauthn.rpID ?? new URL(issuer).hostname;
    return {
      id: randomUUID(),
      factor: 'webauthn',
      awaits: 'assertion',
      // Its `timeout` begins when the person is asked, on the page.
      expiresAt: transaction.expiresAt,
      publicKey: { ...publicKey, rpId },
    };
  }
}

function outOfBand(
  asked: Challenge['factor'],
  offered: readonly OktaDirectMfaSecondFactor[],
  { binding, oobCode, expiresIn, interval, channel, number }: OutOfBand,
  transaction: Transaction,
): Challenge {
  // What Okta says it has used, so that the page says where the code went.
  const used = OOB_FACTORS.find((factor) => factor === channel && offered.includes(factor));
  const common = {
    id: randomUUID(),
    factor: used ?? asked,
    expiresAt: Math.min(now() + expiresIn * 1000, transaction.expiresAt),
    oobCode,
  };
  if (binding === 'prompt') return { ...common, awaits: 'code' };
  return {
    ...common,
    awaits: 'approval',
    interval,
    ...(number === undefined ? {} : { numberChallenge: number }),
  };
}

function counted(
  { challenges = 0, challengedAt }: Transaction,
  ...factors: OktaDirectMfaSecondFactor[]
): Pick<Transaction, 'challenges' | 'challengedAt'> {
  const times = Object.fromEntries(factors.map((factor) => [factor, now()]));
  return { challenges: challenges + 1, challengedAt: { ...challengedAt, ...times } };
}

function unusable(complaint: string): OktaResponseError {
  return new OktaResponseError(
    'invalid_response',
    `Okta's answer to a challenge request ${complaint}.`,
  );
}
