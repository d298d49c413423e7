import type { IncomingMessage } from 'node:http';
import { ConfigurationError } from '../errors.js';

/**
 * A login that waits for its passcode. JSON, at most about 250 bytes with a username and an
 * `mfa_token` of usual length.
 */
export interface Transaction {
  /** Random, of this waiting login alone. */
  id: string;
  /** Okta's `mfa_token`. A secret: with a passcode it is a login. */
  mfaToken: string;
  /** As the person gave it in the password step. */
  username: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** Wrong passcodes so far. */
  attempts: number;
  /** A digest of the issuer and client that it belongs to. */
  boundTo: string;
}

/**
 * Where logins wait between the two steps: the session, unless the app gives a store of its own.
 *
 * A store answers for two things. Nobody but the browser that proved the password may reach the
 * transaction, and the browser must not be able to read or to roll it back: it has to live on the
 * server. A rejected promise (or a throw) becomes a `TransactionStoreError`.
 */
export interface TransactionStore {
  /** The login that waits in this browser, if any. */
  read(
    req: IncomingMessage,
  ): Promise<Transaction | null | undefined> | Transaction | null | undefined;
  /** Keeps a new one, instead of any that waited. What comes after may rely on it being saved. */
  create(req: IncomingMessage, transaction: Transaction): Promise<void> | void;
  /** Saves the same login again, with one attempt more. */
  update(req: IncomingMessage, transaction: Transaction): Promise<void> | void;
  /** Forgets it. */
  remove(req: IncomingMessage): Promise<void> | void;
}

/** What express-session and @fastify/session have in common. */
interface ServerSession {
  regenerate(callback: (error?: unknown) => void): unknown;
  save(callback: (error?: unknown) => void): unknown;
  [key: string]: unknown;
}

interface RequestWithSession {
  session?: ServerSession | null;
  sessionID?: unknown;
}

/** Keeps the waiting login in `req.session`. */
export class SessionTransactionStore implements TransactionStore {
  constructor(private readonly key: string) {}

  read(req: IncomingMessage): Transaction | undefined {
    const session = requireSession(req);
    return Object.hasOwn(session, this.key) ? (session[this.key] as Transaction) : undefined;
  }

  /**
   * Under a new session id: an id that somebody planted in the browser before the login leads to
   * nothing (session fixation). The session's other keys stay.
   */
  async create(req: IncomingMessage, transaction: Transaction): Promise<void> {
    // Not a spread: @fastify/session keeps its own fields under symbols.
    const others = Object.entries(requireSession(req)).filter(
      // Assigned, __proto__ would be the session's prototype.
      ([key]) => key !== 'cookie' && key !== this.key && key !== '__proto__',
    );
    const previousID = sessionID(req);
    try {
      await settled((callback) => requireSession(req).regenerate(callback));
    } finally {
      // Also when the store failed: express-session has an empty session in place by then.
      Object.assign(requireSession(req), Object.fromEntries(others));
    }
    if (sessionID(req) === previousID) {
      throw new ConfigurationError(
        'session_in_browser',
        'req.session.regenerate() left the session its id, so the session cannot be protected against fixation. Use express-session (with Fastify: @fastify/session), or give the strategy a store.',
      );
    }
    requireSession(req)[this.key] = transaction;
    try {
      await save(req);
    } catch (error) {
      // The app is told that the step failed, so nothing of it may be saved later on.
      delete requireSession(req)[this.key];
      throw error;
    }
  }

  async update(req: IncomingMessage, transaction: Transaction): Promise<void> {
    requireSession(req)[this.key] = transaction;
    await save(req);
  }

  async remove(req: IncomingMessage): Promise<void> {
    const session = requireSession(req);
    if (!Object.hasOwn(session, this.key)) return;
    delete session[this.key];
    await save(req);
  }
}

function save(req: IncomingMessage): Promise<void> {
  return settled((callback) => requireSession(req).save(callback));
}

function settled(start: (callback: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (!error) resolve();
      else reject(error instanceof Error ? error : new Error('The session store failed'));
    });
  });
}

function sessionID(req: IncomingMessage): string | undefined {
  const { session, sessionID: id } = req as RequestWithSession;
  const candidate = id ?? session?.['id'] ?? session?.['sessionId'];
  return typeof candidate === 'string' && candidate !== '' ? candidate : undefined;
}

/** The session as it is now: `regenerate` puts another object in place. */
function requireSession(req: IncomingMessage): ServerSession {
  const { session } = req as RequestWithSession;
  if (typeof session !== 'object' || session === null) {
    throw new ConfigurationError(
      'session_missing',
      'OktaDirectMfaStrategy needs a session between password and passcode. Did you forget express-session (with Fastify: @fastify/session), or to use it before passport.authenticate()?',
    );
  }
  // A session with an id lives on the server. cookie-session has none, even where an app has given
  // it the regenerate() and save() that passport 0.6 asks for.
  if (
    typeof session.regenerate !== 'function' ||
    typeof session.save !== 'function' ||
    sessionID(req) === undefined
  ) {
    throw new ConfigurationError(
      'session_in_browser',
      "This session seems to live in the browser (such as cookie-session's): the mfa_token would be readable and the count of wrong passcodes could be rolled back. Use express-session (with Fastify: @fastify/session) with a store on the server, or give the strategy a store.",
    );
  }
  return session;
}

/** Whether what a store gave is a login, and not what an older version or another program wrote. */
export function isTransaction(value: unknown): value is Transaction {
  if (typeof value !== 'object' || value === null) return false;
  const { id, mfaToken, username, expiresAt, attempts, boundTo } = value as Record<string, unknown>;
  return (
    typeof id === 'string' &&
    typeof mfaToken === 'string' &&
    mfaToken !== '' &&
    typeof username === 'string' &&
    typeof expiresAt === 'number' &&
    Number.isSafeInteger(attempts) &&
    (attempts as number) >= 0 &&
    typeof boundTo === 'string'
  );
}
