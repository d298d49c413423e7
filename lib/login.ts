import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Action } from './actions.js';
import { deviceHeaders } from './device.js';
import { toErrorObject } from './errors.js';
import { publishing, type Attempt } from './events.js';
import {
  passwordGrant,
  readFactor,
  secondFactorGrant,
  stepOf,
  type PasswordFactor,
  type SecondFactor,
} from './factors/index.js';
import { fail, FAILURES, failMissing, failRejected, type FailAction } from './failures.js';
import { createOktaClient, type OktaClient } from './okta/client.js';
import type { Authenticated, Rejected } from './okta/state.js';
import type { Settings } from './options/index.js';
import type { OktaDirectMfaRequest } from './request.js';
import { CheckedStore } from './transactions/checked-store.js';
import { InFlightLogins, type InFlightLogin } from './transactions/in-flight.js';
import { SessionTransactionStore } from './transactions/session-store.js';
import { clientDigestOf, type Transaction } from './transactions/transaction.js';
import { callVerify, type VerifyFunctionWithRequest } from './verify.js';

/** What Okta granted, and for which factor. */
interface Granted {
  factor: SecondFactor;
  state: Authenticated;
}

/** One request of the browser: from the factor that it presents to one of Passport's actions. */
export class LoginFlow {
  readonly #settings: Settings;
  readonly #verify: VerifyFunctionWithRequest;
  readonly #okta: OktaClient;
  readonly #store: CheckedStore;
  readonly #inFlight = new InFlightLogins<Granted>();
  readonly #clientDigest: string;

  constructor(settings: Settings, verify: VerifyFunctionWithRequest) {
    this.#settings = settings;
    this.#verify = verify;
    this.#okta = createOktaClient(settings);
    this.#store = new CheckedStore(
      settings.store ?? new SessionTransactionStore(settings.sessionKey),
    );
    this.#clientDigest = clientDigestOf(settings);
  }

  /** Never rejects; never resolves if the verify function never decides. */
  authenticate(req: IncomingMessage, mfaRedirect: string | undefined): Promise<Action> {
    return publishing(req, this.#settings, async (attempt) => {
      try {
        return await this.#present(req, mfaRedirect ?? this.#settings.mfaRedirect, attempt);
      } catch (error) {
        return { type: 'error', error: toErrorObject(error, 'A function of the app') };
      }
    });
  }

  async cancel(req: IncomingMessage): Promise<void> {
    await this.#drop(req, await this.#store.read(req));
  }

  async #present(
    req: IncomingMessage,
    mfaRedirect: string | undefined,
    attempt: Attempt,
  ): Promise<Action> {
    const factor = readFactor(req, this.#settings);
    attempt.step = stepOf(factor);
    switch (factor.type) {
      case 'missing':
        if (factor.factor !== undefined) attempt.factor = factor.factor;
        return failMissing(factor);
      case 'password':
        attempt.factor = factor.type;
        attempt.username = factor.username;
        return this.#start(req, factor, mfaRedirect);
      case 'otp':
        attempt.factor = factor.type;
        return this.#resume(req, factor, attempt);
    }
  }

  async #start(
    req: IncomingMessage,
    factor: PasswordFactor,
    mfaRedirect: string | undefined,
  ): Promise<Action> {
    // Before the password is sent: an app without a session finds out without wasting it.
    const previous = await this.#store.read(req);
    const state = await this.#okta.start(passwordGrant(factor), deviceHeaders(req, this.#settings));
    switch (state.type) {
      case 'authenticated':
        return this.#finish(req, state, previous);
      case 'mfa_required':
        return this.#begin(req, factor, state.mfaToken, mfaRedirect, previous);
      case 'rejected':
        // A new password, right or wrong, ends the transaction that there was.
        if (FAILURES[state.reason].transaction !== 'keep') await this.#drop(req, previous);
        return failRejected(state, 0);
    }
  }

  async #begin(
    req: IncomingMessage,
    { username }: PasswordFactor,
    mfaToken: string,
    mfaRedirect: string | undefined,
    previous: Transaction | undefined,
  ): Promise<Action> {
    if (previous !== undefined) this.#inFlight.invalidate(previous.id, previous.expiresAt);
    const expiresAt = Date.now() + Math.round(this.#settings.transactionMaxAge * 1000);
    await this.#store.create(req, {
      id: randomUUID(),
      mfaToken,
      username,
      expiresAt,
      attempts: 0,
      clientDigest: this.#clientDigest,
    });
    if (mfaRedirect !== undefined) return { type: 'redirect', url: mfaRedirect };
    return fail('mfa_required', { expiresAt });
  }

  async #resume(req: IncomingMessage, factor: SecondFactor, attempt: Attempt): Promise<Action> {
    const transaction = await this.#store.read(req);
    if (transaction === undefined || transaction.clientDigest !== this.#clientDigest) {
      return fail('mfa_transaction_missing');
    }
    const { id, expiresAt } = transaction;
    attempt.username = transaction.username;
    if (expiresAt <= Date.now()) {
      await this.#drop(req, transaction);
      return fail('mfa_transaction_expired');
    }
    const release = this.#inFlight.retain(id, expiresAt);
    try {
      const outcome = await this.#inFlight.runExclusive(
        id,
        (login) => this.#prove(req, factor, transaction, login),
        (outcome) => outcome.type === 'fail' && FAILURES[outcome.info.code].transaction === 'keep',
      );
      return outcome.type === 'authenticated'
        ? await this.#finish(req, outcome, transaction)
        : outcome;
    } finally {
      release();
    }
  }

  /** Asks Okta about a second factor; one request at a time for each transaction. */
  async #prove(
    req: IncomingMessage,
    factor: SecondFactor,
    transaction: Transaction,
    login: InFlightLogin<Granted>,
  ): Promise<Authenticated | FailAction> {
    if (login.granted !== undefined) {
      return isDeepStrictEqual(login.granted.factor, factor)
        ? login.granted.state
        : fail('mfa_transaction_missing');
    }
    if (login.invalidated) return this.#forget(req, transaction);

    const { maxOtpAttempts } = this.#settings;
    // The session's count is of all processes, but may be older than this process's.
    const attempts = Math.max(login.attempts, transaction.attempts) + 1;
    if (attempts > maxOtpAttempts) {
      await this.#drop(req, transaction);
      return fail('otp_attempts_exceeded');
    }

    const grant = secondFactorGrant(factor, transaction);
    const state = await this.#okta.resume(grant, deviceHeaders(req, this.#settings));
    // Cancelled or replaced while Okta was asked: not even a right passcode brings it back.
    if (login.invalidated) return this.#forget(req, transaction);
    switch (state.type) {
      case 'authenticated':
        login.granted = { factor, state };
        return state;
      case 'mfa_required':
        // A third factor, which this flow does not offer.
        return this.#reject(req, { type: 'rejected', reason: 'access_denied' }, transaction, login);
      case 'rejected':
        return this.#reject(req, state, { ...transaction, attempts }, login);
    }
  }

  /** @param transaction with this attempt counted, in case it is one */
  async #reject(
    req: IncomingMessage,
    rejected: Rejected,
    transaction: Transaction,
    login: InFlightLogin<Granted>,
  ): Promise<FailAction> {
    const attemptsRemaining = this.#settings.maxOtpAttempts - transaction.attempts;
    switch (FAILURES[rejected.reason].transaction) {
      case 'keep':
        break;
      case 'count':
        login.attempts = transaction.attempts;
        if (attemptsRemaining <= 0) {
          await this.#drop(req, transaction);
          return fail('otp_attempts_exceeded');
        }
        await this.#store.update(req, transaction);
        break;
      case 'drop':
        await this.#drop(req, transaction);
        break;
    }
    return failRejected(rejected, attemptsRemaining);
  }

  /** Okta has accepted the person; now the app decides. */
  async #finish(
    req: IncomingMessage,
    { tokens, profile }: Authenticated,
    transaction: Transaction | undefined,
  ): Promise<Action> {
    const verdict = await callVerify((done) =>
      this.#verify(req as OktaDirectMfaRequest, tokens, profile, done),
    );
    // Before success(), also where Passport is told to keep the session's content.
    await this.#drop(req, transaction);
    switch (verdict.type) {
      case 'accepted':
        return { type: 'success', user: verdict.user, info: verdict.info };
      case 'refused':
        return { type: 'fail', info: verdict.info, refusedBy: 'verify' };
      case 'failed':
        return { type: 'error', error: verdict.error };
    }
  }

  async #drop(req: IncomingMessage, transaction: Transaction | undefined): Promise<void> {
    if (transaction === undefined) return;
    this.#inFlight.invalidate(transaction.id, transaction.expiresAt);
    await this.#store.remove(req, transaction);
  }

  /** Removes the transaction from this request's copy of the session, which would save it again. */
  async #forget(req: IncomingMessage, transaction: Transaction): Promise<FailAction> {
    await this.#store.remove(req, transaction);
    return fail('mfa_transaction_missing');
  }
}
