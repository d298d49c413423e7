import type { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Action } from './actions.js';
import { isRejection, toErrorObject } from './errors.js';
import { publishing } from './events.js';
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
import type { Authenticated, LoginState, Rejected } from './okta/state.js';
import type { Settings } from './options/index.js';
import type { OktaDirectMfaRequest } from './request.js';
import {
  InFlightLogins,
  Transactions,
  type InFlightLogin,
  type Transaction,
} from './transactions/index.js';
import { Visit } from './visit.js';
import { actionOf, callVerify, type VerifyFunctionWithRequest } from './verify.js';

/** A login that Okta has granted, and what becomes of it. */
interface Granted {
  type: 'granted';
  factor: SecondFactor;
  sub: string;
  /** The one call of the verify function, and the action it led to. */
  action: Promise<Action>;
}

/** Of the process: an app with tenants may make a strategy for each, or for each request. */
const inFlight = new InFlightLogins<Granted>();

/** From the factor that a request presents to one of Passport's actions. */
export class LoginFlow {
  readonly #settings: Settings;
  readonly #verify: VerifyFunctionWithRequest;
  readonly #okta: OktaClient;
  readonly #transactions: Transactions<Granted>;

  constructor(settings: Settings, verify: VerifyFunctionWithRequest) {
    this.#settings = settings;
    this.#verify = verify;
    this.#okta = createOktaClient(settings);
    this.#transactions = new Transactions(settings, inFlight);
  }

  /** Never rejects; never resolves if the verify function never decides. */
  authenticate(
    req: IncomingMessage,
    mfaRedirect = this.#settings.mfaRedirect,
    linking = false,
  ): Promise<Action> {
    return publishing(req, this.#settings, async (attempt) => {
      const read = () => this.#transactions.read(req);
      const visit = new Visit({ req, mfaRedirect, linking, attempt, read }, this.#settings);
      try {
        return await this.#present(visit);
      } catch (error) {
        return { type: 'error', error: toErrorObject(error, 'A function of the app') };
      }
    });
  }

  async cancel(req: IncomingMessage): Promise<void> {
    await this.#transactions.drop(req, await this.#transactions.read(req));
  }

  async #present(visit: Visit): Promise<Action> {
    const factor = readFactor(visit.req, this.#settings);
    visit.attempt.step = stepOf(factor);
    visit.attempt.factor = factor.type === 'missing' ? factor.factor : factor.type;
    switch (factor.type) {
      case 'missing':
        return failMissing(factor);
      case 'password':
        visit.attempt.username = factor.username;
        return this.#start(visit, factor);
      case 'otp':
        return this.#resume(visit, factor);
    }
  }

  async #start(visit: Visit, factor: PasswordFactor): Promise<Action> {
    const { req } = visit;
    // Before the password is sent: an app without a session finds out without wasting it.
    const previous = await this.#transactions.peek(req);
    const state = await visit.ask((headers) => this.#okta.start(passwordGrant(factor), headers));
    switch (state.type) {
      case 'authenticated':
        visit.attempt.sub = state.profile.id;
        return this.#complete(req, state, previous);
      case 'mfa_required':
        return this.#begin(visit, factor, state.mfaToken, previous);
      case 'rejected':
        // A new password, right or wrong, ends the transaction that there was.
        if (FAILURES[state.reason].transaction !== 'keep')
          await this.#transactions.drop(req, previous);
        return failRejected(state, 0);
    }
  }

  async #begin(
    { req, mfaRedirect, linking }: Visit,
    { username }: PasswordFactor,
    mfaToken: string,
    previous: Transaction | undefined,
  ): Promise<Action> {
    const begun = await this.#transactions.begin(req, { mfaToken, username }, previous, linking);
    if (mfaRedirect !== undefined) return { type: 'redirect', url: mfaRedirect };
    return fail('mfa_required', { expiresAt: begun.expiresAt });
  }

  async #resume(visit: Visit, factor: SecondFactor): Promise<Action> {
    const { req, attempt } = visit;
    const transaction = await this.#transactions.peek(req);
    if (transaction === undefined) return fail('mfa_transaction_missing');
    attempt.username = transaction.username;
    if (transaction.expiresAt <= Date.now()) {
      await this.#transactions.drop(req, transaction);
      return fail('mfa_transaction_expired');
    }
    return this.#transactions.exclusively(
      transaction,
      (login) => this.#prove(visit, factor, transaction, login),
      (outcome) => outcome.type === 'fail' && FAILURES[outcome.info.code].transaction === 'keep',
      async (outcome) => {
        if (outcome.type === 'fail') return outcome;
        attempt.sub = outcome.sub;
        const action = await outcome.action;
        // The second click of a double click has a copy of the session of its own.
        if (action.type === 'success') this.#transactions.forget(req);
        else await this.#transactions.read(req);
        return action;
      },
    );
  }

  /** Asks Okta about a second factor; one request at a time for each transaction. */
  async #prove(
    visit: Visit,
    factor: SecondFactor,
    transaction: Transaction,
    login: InFlightLogin<Granted>,
  ): Promise<Granted | FailAction> {
    const { req } = visit;
    if (login.granted !== undefined) {
      return isDeepStrictEqual(login.granted.factor, factor)
        ? login.granted
        : fail('mfa_transaction_missing');
    }
    if (login.invalidated) return this.#lost(req, transaction);

    // The session's count is of all processes, but may be older than this process's.
    const attempts = Math.max(login.attempts, transaction.attempts) + 1;
    const counted = { ...transaction, attempts };
    if (attempts > this.#settings.maxOtpAttempts) {
      await this.#transactions.drop(req, transaction);
      return fail('otp_attempts_exceeded');
    }

    const grant = secondFactorGrant(factor, transaction);
    let state: LoginState;
    try {
      state = await visit.ask((headers) => this.#okta.resume(grant, headers));
    } catch (error) {
      // In an error code that this package does not know, a wrong passcode is one all the same.
      if (isRejection(error)) await this.#count(req, counted, login);
      throw error;
    }
    // Cancelled or replaced while Okta was asked: not even a right passcode brings it back.
    if (login.invalidated) return this.#lost(req, transaction);
    switch (state.type) {
      case 'authenticated': {
        const action = this.#complete(req, state, transaction);
        login.granted = { type: 'granted', factor, sub: state.profile.id, action };
        return login.granted;
      }
      case 'mfa_required':
        // A third factor, which this flow does not offer.
        await this.#transactions.drop(req, transaction);
        return fail('access_denied');
      case 'rejected':
        return this.#reject(req, state, counted, login);
    }
  }

  /** @param counted the transaction with this attempt, in case it is one */
  async #reject(
    req: IncomingMessage,
    rejected: Rejected,
    counted: Transaction,
    login: InFlightLogin<Granted>,
  ): Promise<FailAction> {
    const attemptsRemaining = this.#settings.maxOtpAttempts - counted.attempts;
    switch (FAILURES[rejected.reason].transaction) {
      case 'keep':
        break;
      case 'count':
        if (attemptsRemaining <= 0) {
          await this.#transactions.drop(req, counted);
          return fail('otp_attempts_exceeded');
        }
        if (!(await this.#count(req, counted, login))) return fail('mfa_transaction_missing');
        break;
      case 'drop':
        await this.#transactions.drop(req, counted);
        break;
    }
    return failRejected(rejected, attemptsRemaining);
  }

  /** @returns false when the transaction has ended or been replaced */
  #count(
    req: IncomingMessage,
    counted: Transaction,
    login: InFlightLogin<Granted>,
  ): Promise<boolean> {
    login.attempts = counted.attempts;
    return this.#transactions.update(req, counted);
  }

  /** Okta has accepted the person; now the app decides. */
  async #complete(
    req: IncomingMessage,
    { tokens, profile }: Authenticated,
    transaction: Transaction | undefined,
  ): Promise<Action> {
    const verdict = await callVerify((done) =>
      this.#verify(req as OktaDirectMfaRequest, tokens, profile, done),
    );
    // Before success(), since Passport may be told to keep the session's content: none that has ended.
    if (transaction === undefined) await this.#transactions.read(req);
    const isKept = await this.#transactions.drop(req, transaction);
    if (verdict.type === 'accepted' && !isKept) return fail('mfa_transaction_missing');
    return actionOf(verdict);
  }

  /** It may still be kept, where the store failed to remove it. */
  async #lost(req: IncomingMessage, transaction: Transaction): Promise<FailAction> {
    await this.#transactions.drop(req, transaction);
    return fail('mfa_transaction_missing');
  }
}
