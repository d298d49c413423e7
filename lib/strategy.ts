import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { BaseStrategy } from './passport.js';
import { readCredentials, readOtp, readStep } from './factors/body.js';
import { createClientAuthentication } from './okta/client-authentication.js';
import { createDirectAuthentication } from './okta/client.js';
import { OktaDirectMfaError, toErrorObject, TransactionStoreError } from './errors.js';
import { outcomes, publishOutcome, type Subject } from './events.js';
import { createHttpClient } from './okta/http.js';
import { MESSAGES, STATUS, type OktaDirectMfaInfo } from './failures.js';
import { createJwks } from './okta/jwks.js';
import {
  readOptions,
  type OktaDirectMfaAuthenticateOptions,
  type OktaDirectMfaStrategyOptions,
  type OktaDirectMfaStrategyOptionsWithRequest,
  type Settings,
} from './options/index.js';
import { redact } from './redact.js';
import type { AuthenticateRequest } from './request.js';
import type { Authenticated, Rejected } from './okta/state.js';
import { createTokenEndpoint } from './okta/token-endpoint.js';
import {
  isTransaction,
  SessionTransactionStore,
  type Transaction,
  type TransactionStore,
} from './transactions/session-store.js';
import { callVerify, type VerifyFunction, type VerifyFunctionWithRequest } from './verify.js';
import { createWaitingLogins, type WaitingLogin } from './transactions/in-flight.js';

/** What a request ends in: one of Passport's actions. `pass` is not among them. */
type Action =
  | { type: 'success'; user: Express.User; info: object | string | undefined }
  | { type: 'fail'; info: object | string | undefined; status?: number; refusedBy?: 'verify' }
  | { type: 'redirect'; url: string }
  | { type: 'error'; error: unknown };

/** What an instance does, kept in functions whose scopes hold the secrets. */
interface Login {
  decide(req: IncomingMessage, mfaRedirect: string | undefined): Promise<Action>;
  cancel(req: IncomingMessage): Promise<void>;
}

/** Not a `#private` field: Passport works on an `Object.create()` of the instance, which has none. */
const LOGIN = Symbol('okta-direct-mfa');

/**
 * Passport strategy `okta-direct-mfa`: password, then one-time passcode, on the app's own form, by
 * Okta's Direct Authentication. Both requests of the browser go through the same
 * `passport.authenticate('okta-direct-mfa')`: a body with the password field is the first step, one
 * with only the passcode field is the second.
 *
 * It fails with an `OktaDirectMfaInfo` when it is up to the person, and has an error, usually an
 * `OktaDirectMfaError`, when it is up to the app or to Okta.
 *
 * @see https://developer.okta.com/docs/guides/configure-direct-auth-grants/
 */
export class OktaDirectMfaStrategy extends BaseStrategy {
  /** For `passport.authenticate('okta-direct-mfa')`. */
  override name = 'okta-direct-mfa';
  /** @internal */
  declare readonly [LOGIN]: Login;

  /** @throws TypeError that names the option that cannot work, and what it got */
  constructor(options: OktaDirectMfaStrategyOptions, verify: VerifyFunction);
  constructor(options: OktaDirectMfaStrategyOptionsWithRequest, verify: VerifyFunctionWithRequest);
  constructor(
    options: OktaDirectMfaStrategyOptions | OktaDirectMfaStrategyOptionsWithRequest,
    verify: VerifyFunction | VerifyFunctionWithRequest,
  ) {
    super();
    const settings = readOptions(options);
    if (typeof verify !== 'function') {
      throw new TypeError(
        `OktaDirectMfaStrategy needs a verify function as its second argument, but got ${typeof verify}`,
      );
    }
    // Not enumerable, so that printing an instance stays short.
    Object.defineProperty(this, LOGIN, { value: createLogin(settings, verify) });
  }

  /**
   * Called by Passport. Never throws, and ends in exactly one action, unless the verify function
   * never decides.
   */
  override authenticate(
    req: IncomingMessage,
    options: OktaDirectMfaAuthenticateOptions = {},
  ): void {
    // Taken before anything is awaited: where the app hands the instance itself to
    // passport.authenticate(), the next request puts its own actions on this very object.
    const { success, fail, redirect, error } = this;
    const act = (action: Action): void => {
      switch (action.type) {
        case 'success':
          return success(action.user, action.info);
        case 'fail':
          return fail(action.info, action.status);
        case 'redirect':
          return redirect(action.url);
        case 'error':
          return error(action.error);
      }
    };
    void this[LOGIN].decide(req, options?.mfaRedirect).then((action) => {
      try {
        act(action);
      } catch (thrown) {
        // Of the app's callback, or of a response that has been sent by something else. The request
        // gets the error, as it would from a synchronous handler, rather than the whole process.
        error(toErrorObject(thrown, 'The app'));
      }
    });
  }

  /**
   * Drops the login that waits in this browser for its passcode: for a "start over" link or a logout.
   * Without one it does nothing.
   *
   * @returns when the session (or the `store`) has been saved
   * @throws (rejects with) ConfigurationError without a session, TransactionStoreError
   */
  cancel(req: IncomingMessage | { raw: IncomingMessage }): Promise<void> {
    // A request of Fastify is taken as it is: its session is on it, not on the raw one.
    return this[LOGIN].cancel(req as IncomingMessage);
  }
}

function createLogin(
  settings: Settings,
  verify: VerifyFunction | VerifyFunctionWithRequest,
): Login {
  const { issuer, clientID, endpoints, credentials } = settings;
  const http = createHttpClient(settings);
  const jwks = createJwks(http, endpoints.keys);
  const direct = createDirectAuthentication({
    ...settings,
    http,
    jwks,
    userInfo: settings.userInfo ? endpoints.userInfo : undefined,
    tokenEndpoint: createTokenEndpoint({
      http,
      url: endpoints.token,
      scope: settings.scope,
      authenticateClient: createClientAuthentication(clientID, credentials, endpoints.token),
    }),
  });
  const store = withTypedErrors(settings.store ?? new SessionTransactionStore(settings.sessionKey));
  const waitingLogins = createWaitingLogins();
  // Two strategies may share a session key; a login that waits is only ever resumed by its own.
  const boundTo = createHash('sha256')
    .update(JSON.stringify([issuer, clientID]))
    .digest('base64url')
    .slice(0, 22);

  async function decide(req: IncomingMessage, mfaRedirect: string | undefined): Promise<Action> {
    const subject: Subject = { step: 'none' };
    if (!outcomes.hasSubscribers) return judge(req, mfaRedirect, subject);
    const start = performance.now();
    const action = await judge(req, mfaRedirect, subject);
    const duration = performance.now() - start;
    publishOutcome(req, action, subject, { issuer, clientID, duration });
    return action;
  }

  async function judge(
    req: IncomingMessage,
    mfaRedirect: string | undefined,
    subject: Subject,
  ): Promise<Action> {
    try {
      const step = readStep(req, settings);
      subject.step = step.type;
      switch (step.type) {
        case 'password': {
          const credentials = readCredentials(step.body, settings);
          if (typeof credentials === 'string') return missing(credentials);
          subject.username = credentials.username;
          return await startWith(req, credentials, mfaRedirect ?? settings.mfaRedirect);
        }
        case 'otp': {
          const otp = readOtp(step.body, settings);
          if (otp === undefined) return missing(settings.otpField);
          return await resumeWith(req, otp, subject);
        }
        case 'none':
          return missing(`${settings.passwordField} or ${settings.otpField}`);
      }
    } catch (error) {
      return { type: 'error', error: toErrorObject(error, 'A function of the app') };
    }
  }

  /** The password step. */
  async function startWith(
    req: IncomingMessage,
    credentials: { username: string; password: string },
    mfaRedirect: string | undefined,
  ): Promise<Action> {
    // Before the password leaves: an app without a session finds out without one.
    const waiting = await store.read(req);
    const status = await direct.start(credentials, deviceHeaders(req));
    switch (status.type) {
      case 'mfa_required': {
        if (waiting !== undefined) waitingLogins.drop(waiting.id, waiting.expiresAt);
        const { mfaToken } = status;
        const { username } = credentials;
        const expiresAt = Date.now() + Math.round(settings.transactionMaxAge * 1000);
        const id = randomUUID();
        await store.create(req, { id, mfaToken, username, expiresAt, attempts: 0, boundTo });
        if (mfaRedirect !== undefined) return { type: 'redirect', url: mfaRedirect };
        return fail({ code: 'mfa_required', message: MESSAGES.mfa_required, expiresAt });
      }
      case 'authenticated':
        return finish(req, status, waiting);
      case 'rejected':
        if (status.reason !== 'rate_limited') await drop(req, waiting);
        return reject(status);
    }
  }

  /** The passcode step. */
  async function resumeWith(req: IncomingMessage, otp: string, subject: Subject): Promise<Action> {
    const transaction = await store.read(req);
    if (transaction === undefined || transaction.boundTo !== boundTo) {
      return failWith('mfa_transaction_missing');
    }
    const { id, expiresAt } = transaction;
    subject.username = transaction.username;
    if (expiresAt <= Date.now()) {
      await drop(req, transaction);
      return failWith('mfa_transaction_expired');
    }
    const release = waitingLogins.hold(id, expiresAt);
    try {
      const outcome = await waitingLogins.inTurn(
        id,
        (login) => tryOtp(req, login, transaction, otp),
        (outcome) => outcome.type === 'fail' && outcome.status === STATUS.rate_limited,
      );
      return outcome.type === 'authenticated' ? await finish(req, outcome, transaction) : outcome;
    } finally {
      release();
    }
  }

  async function tryOtp(
    req: IncomingMessage,
    login: WaitingLogin,
    transaction: Transaction,
    otp: string,
  ): Promise<Authenticated | Action> {
    const { mfaToken } = transaction;
    if (login.granted?.otp === otp) return login.granted.status;
    if (login.granted !== undefined) return failWith('mfa_transaction_missing');
    if (login.dropped) return forgotten(req, transaction);

    // The session's count is of all processes, but may be older than this process's.
    const attempts = Math.max(login.attempts, transaction.attempts) + 1;
    if (attempts > settings.maxOtpAttempts) {
      await drop(req, transaction);
      return failWith('otp_attempts_exceeded');
    }

    const status = await direct.resume({ mfaToken, otp }, deviceHeaders(req));
    // Cancelled or replaced while Okta was asked: not even a right passcode brings it back.
    if (login.dropped) return forgotten(req, transaction);
    if (status.type === 'authenticated') {
      login.granted = { otp, status };
      return status;
    }
    switch (status.reason) {
      case 'rate_limited':
        return reject(status);
      case 'invalid_otp':
        login.attempts = attempts;
        if (attempts < settings.maxOtpAttempts) {
          await store.update(req, { ...transaction, attempts });
          return invalidOtp(settings.maxOtpAttempts - attempts);
        }
        await drop(req, transaction);
        return failWith('otp_attempts_exceeded');
      default:
        await drop(req, transaction);
        return reject(status);
    }
  }

  /** This request's copy of the session still has it; saved again, as `resave` does, it would be back. */
  async function forgotten(req: IncomingMessage, transaction: Transaction): Promise<Action> {
    await store.remove(req, transaction);
    return failWith('mfa_transaction_missing');
  }

  /** Okta has accepted the person; now the app decides. */
  async function finish(
    req: IncomingMessage,
    { tokens, profile }: Authenticated,
    waiting: Transaction | undefined,
  ): Promise<Action> {
    const verdict = await callVerify((done) =>
      settings.passReqToCallback
        ? (verify as VerifyFunctionWithRequest)(req as AuthenticateRequest, tokens, profile, done)
        : (verify as VerifyFunction)(tokens, profile, done),
    );
    // Before success(), also where Passport is told to keep the session's content.
    await drop(req, waiting);
    switch (verdict.type) {
      case 'accepted':
        return { type: 'success', user: verdict.user, info: verdict.info };
      case 'refused':
        return { type: 'fail', info: verdict.info, refusedBy: 'verify' };
      case 'failed':
        return { type: 'error', error: verdict.error };
    }
  }

  async function drop(req: IncomingMessage, waiting: Transaction | undefined): Promise<void> {
    if (waiting === undefined) return;
    waitingLogins.drop(waiting.id, waiting.expiresAt);
    await store.remove(req, waiting);
  }

  function deviceHeaders(req: IncomingMessage): Record<string, string> {
    const headers: Record<string, string> = {};
    const clientIP = settings.clientIP?.(req as AuthenticateRequest);
    // isIP() would make a text of an object.
    if (typeof clientIP === 'string' && isIP(clientIP) !== 0) {
      headers['x-forwarded-for'] = clientIP;
    }
    const deviceToken = settings.deviceToken?.(req as AuthenticateRequest);
    if (typeof deviceToken === 'string' && /^[\x21-\x7e]{1,32}$/.test(deviceToken)) {
      headers['x-device-token'] = deviceToken;
    }
    return headers;
  }

  return {
    decide,
    cancel: async (req) => drop(req, await store.read(req)),
  };
}

interface TypedStore {
  read(req: IncomingMessage): Promise<Transaction | undefined>;
  create(req: IncomingMessage, transaction: Transaction): Promise<void>;
  update(req: IncomingMessage, transaction: Transaction): Promise<void>;
  /** @param transaction what is to be removed */
  remove(req: IncomingMessage, transaction: Transaction): Promise<void>;
}

/**
 * A store's error may quote what it was to save (Redis clients do) or has read (`JSON.parse` does): it
 * is not passed on. Its message is, without the `mfa_token`, when that is known.
 */
function withTypedErrors(store: TransactionStore): TypedStore {
  async function typed<T>(
    doing: string,
    transaction: Transaction | undefined,
    action: () => T,
  ): Promise<Awaited<T>> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof OktaDirectMfaError) throw error;
      const { name, code, message } = toErrorObject(error, 'The store') as NodeJS.ErrnoException;
      // A session holds more than this login: of a message only what comes before a quotation, in JSON
      // or in quotes, is passed on.
      const quotable = transaction !== undefined && !(error instanceof SyntaxError);
      const reason = quotable
        ? redact(message.replace(/[{["'`].*/s, '…'), [transaction.mfaToken])
        : (code ?? name);
      throw new TransactionStoreError(`The waiting login could not be ${doing}: ${reason}`);
    }
  }
  return {
    async read(req) {
      const value: unknown = await typed('read', undefined, () => store.read(req));
      // A session outlives deployments, and a store may say null for nothing.
      return isTransaction(value) ? value : undefined;
    },
    create: (req, transaction) => typed('saved', transaction, () => store.create(req, transaction)),
    update: (req, transaction) => typed('saved', transaction, () => store.update(req, transaction)),
    remove: (req, transaction) => typed('removed', transaction, () => store.remove(req)),
  };
}

function reject({ reason, retryAfter }: Rejected): Action {
  switch (reason) {
    case 'rate_limited':
      return fail({
        code: 'rate_limited',
        message: `Too many attempts. Try again in ${retryAfter === undefined ? 'a while' : plural(retryAfter, 'second')}.`,
        ...(retryAfter === undefined ? {} : { retryAfter }),
      });
    case 'mfa_token_expired':
      return failWith('mfa_transaction_expired');
    case 'invalid_otp':
      return invalidOtp(0);
    default:
      return failWith(reason);
  }
}

function missing(field: string): Action {
  return fail({
    code: 'missing_credentials',
    message: `Fill in ${field}: it is missing, empty, too long, or not a text.`,
  });
}

function invalidOtp(attemptsRemaining: number): Action {
  return fail({
    code: 'invalid_otp',
    message: `The passcode is wrong. ${plural(attemptsRemaining, 'attempt')} left.`,
    attemptsRemaining,
  });
}

function failWith(
  code: keyof typeof MESSAGES & Exclude<OktaDirectMfaInfo['code'], 'mfa_required'>,
): Action {
  return fail({ code, message: MESSAGES[code] });
}

function fail(info: OktaDirectMfaInfo): Action {
  return { type: 'fail', info, status: STATUS[info.code] };
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
