import type { IncomingMessage } from 'node:http';
import type { Action } from './actions.js';
import { AfterLogin } from './after-login.js';
import { Challenger } from './challenger.js';
import { now } from './clock.js';
import { complete, type Granted, type Parts } from './completion.js';
import { toErrorObject } from './errors.js';
import { refuseFastify } from './fastify.js';
import { publishing } from './events.js';
import {
  passwordGrant,
  readFactor,
  stepOf,
  type Choice,
  type Factor,
  type Missing,
  type OktaDirectMfaFactor,
  type PasswordFactor,
} from './factors/index.js';
import { fail, FAILURES, failMissing, failRejected, isChallenged } from './failures.js';
import type { OktaDirectMfaInfo } from './info.js';
import { createOktaClient } from './okta/client.js';
import type { MfaRequired } from './okta/state.js';
import { factorsLeft, offeredFactors, supportedBy } from './offer.js';
import type { Settings } from './options/index.js';
import { isHandledByPassport } from './passport.js';
import { pendingChallenge, type PendingTransaction } from './pending.js';
import { SecondStep } from './second-step.js';
import { InFlightLogins, Transactions, type Transaction } from './transactions/index.js';
import { Visit } from './visit.js';
import type { VerifyFunctionWithRequest } from './verify.js';

/** Of the process: an app with tenants may make a strategy for each, or for each request. */
const inFlight = new InFlightLogins<Granted>();

/** What `passport.authenticate()` was told. */
export interface Wanted {
  /** Default: the strategy's. */
  mfaRedirect?: string | undefined;
  /** `passport.authorize()`: whoever is signed in stays signed in. Default: false. */
  linking?: boolean;
  /** Whether Passport is to log the user in to the session. Default: false. */
  session?: boolean;
}

/** From the factor that a request presents to one of Passport's actions. */
export class LoginFlow {
  readonly #parts: Parts;
  readonly #challenger: Challenger;
  readonly #secondStep: SecondStep;
  /** What comes after the login. */
  readonly tokens: AfterLogin;

  constructor(settings: Settings, verify: VerifyFunctionWithRequest) {
    this.#parts = {
      settings,
      verify,
      okta: createOktaClient(settings),
      transactions: new Transactions(settings, inFlight),
    };
    this.#challenger = new Challenger(this.#parts);
    this.#secondStep = new SecondStep(this.#parts);
    this.tokens = new AfterLogin(this.#parts.okta, settings);
  }

  /** Never rejects; never resolves if the verify function never decides. */
  authenticate(
    req: IncomingMessage,
    {
      mfaRedirect = this.#parts.settings.mfaRedirect,
      linking = false,
      session = false,
    }: Wanted = {},
  ): Promise<Action> {
    const { settings, transactions } = this.#parts;
    const logsIn = session && isHandledByPassport(req);
    return publishing(req, settings, async (attempt) => {
      const read = () => transactions.read(req);
      const visit = new Visit({ req, linking, logsIn, attempt, read }, settings);
      try {
        refuseFastify(req, { session, redirect: mfaRedirect !== undefined });
        return redirecting(await this.#present(visit), mfaRedirect);
      } catch (error) {
        return { type: 'error', error: toErrorObject(error, 'A function of the app') };
      } finally {
        if (settings.revokeUnused) this.tokens.revokeUnused(visit);
      }
    });
  }

  /** Never waits for a call that is at Okta. */
  async cancel(req: IncomingMessage): Promise<void> {
    const { transactions } = this.#parts;
    const transaction = await transactions.read(req);
    if (transaction !== undefined) await transactions.drop(req, transaction);
  }

  async pending(req: IncomingMessage): Promise<PendingTransaction | undefined> {
    const { settings, transactions } = this.#parts;
    const transaction = await transactions.peek(req);
    if (transaction === undefined || transaction.expiresAt <= now()) return undefined;
    const { username, expiresAt, attempts } = transaction;
    const challenge = pendingChallenge(transaction, settings.resendAfter);
    return {
      username,
      expiresAt,
      factors: factorsLeft(req, settings, transaction),
      attemptsRemaining: Math.max(0, settings.maxOtpAttempts - attempts),
      ...(challenge === undefined ? {} : { challenge }),
    };
  }

  #present(visit: Visit): Promise<Action> | Action {
    const factor = readFactor(visit.req, this.#parts.settings);
    visit.attempt.step = stepOf(factor);
    visit.attempt.factor = factorOf(factor);
    switch (factor.type) {
      case 'missing':
        return failMissing(factor);
      case 'password':
        visit.attempt.username = factor.username;
        return this.#start(visit, factor);
      case 'choice':
        return this.#choose(visit, factor);
      case 'otp':
      case 'assertion':
      case 'poll':
        return this.#secondStep.resume(visit, factor);
    }
  }

  async #choose(visit: Visit, choice: Choice): Promise<Action> {
    const refusal = this.#challenger.refuse(visit, choice);
    if (refusal !== undefined) return refusal;
    const transaction = await this.#secondStep.current(visit);
    if ('type' in transaction) return transaction;
    return await this.#challenger.choose(visit, choice, transaction);
  }

  async #start(visit: Visit, factor: PasswordFactor): Promise<Action> {
    const { req, attempt } = visit;
    const { transactions, okta, settings } = this.#parts;
    // Before the password is sent: an app without a session finds out without wasting it.
    const previous = await transactions.peek(req);
    const factors = [...offeredFactors(req, settings)];
    const state = await visit.ask((headers, onGrant) =>
      okta.start(passwordGrant(factor), headers, onGrant),
    );
    switch (state.type) {
      case 'authenticated':
        attempt.sub = state.profile.id;
        return await complete(this.#parts, visit, state, previous);
      case 'mfa_required':
        return await this.#begin(visit, factor, state, previous);
      case 'rejected':
        // A new password, right or wrong, ends the transaction that there was.
        if (FAILURES[state.reason].transaction === 'keep') await transactions.read(req);
        else await transactions.drop(req, previous);
        return failRejected(state, { attemptsRemaining: 0, factor: 'otp', factors });
    }
  }

  async #begin(
    { req, linking }: Visit,
    { username }: PasswordFactor,
    { mfaToken, challengeTypes }: MfaRequired,
    previous: Transaction | undefined,
  ): Promise<Action> {
    const { transactions, settings } = this.#parts;
    const password = { mfaToken, username, ...supportedBy(challengeTypes) };
    const begun = await transactions.begin(req, password, previous, linking);
    const factors = factorsLeft(req, settings, begun);
    return fail('mfa_required', { expiresAt: begun.expiresAt, factors });
  }
}

/** As the event has it. */
function factorOf(factor: Factor | Missing): OktaDirectMfaFactor | undefined {
  switch (factor.type) {
    case 'missing':
    case 'choice':
      return factor.factor;
    case 'password':
    case 'otp':
      return factor.type;
    case 'assertion':
      return 'webauthn';
    case 'poll':
      return 'push';
  }
}

/** Where a browser goes when a second factor is wanted or waited for. */
function redirecting(action: Action, mfaRedirect: string | undefined): Action {
  if (action.type !== 'fail' || mfaRedirect === undefined || action.refusedBy !== undefined) {
    return action;
  }
  const { code } = action.info as OktaDirectMfaInfo;
  const isWaiting = code === 'mfa_required' || isChallenged(code);
  return isWaiting ? { type: 'redirect', url: mfaRedirect, code } : action;
}
