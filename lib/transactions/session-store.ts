import type { IncomingMessage } from 'node:http';
import { OktaConfigurationError } from '../errors.js';
import type { Transaction, TransactionStore } from './transaction.js';

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

/** Keeps the transaction in `req.session`. */
export class SessionTransactionStore implements TransactionStore {
  constructor(private readonly key: string) {}

  read(req: IncomingMessage): Transaction | undefined {
    const session = requireSession(req);
    return Object.hasOwn(session, this.key) ? (session[this.key] as Transaction) : undefined;
  }

  /**
   * Under a new session id: an id that somebody planted in the browser before the login is worth
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
      await promisified((callback) => requireSession(req).regenerate(callback));
    } finally {
      // Also when the store failed: express-session has an empty session in place by then.
      Object.assign(requireSession(req), Object.fromEntries(others));
    }
    if (sessionID(req) === previousID) {
      throw new OktaConfigurationError(
        'session_in_browser',
        'req.session.regenerate() left the session its id, so the session cannot be protected against fixation. Use express-session (with Fastify: @fastify/session), or give the strategy a store.',
      );
    }
    requireSession(req)[this.key] = transaction;
    try {
      await save(req);
    } catch (error) {
      // The app is told that the step failed, so nothing of it may be saved later.
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
  return promisified((callback) => requireSession(req).save(callback));
}

function promisified(start: (callback: (error?: unknown) => void) => unknown): Promise<void> {
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
    throw new OktaConfigurationError(
      'session_missing',
      'OktaDirectMfaStrategy needs a session between password and passcode. Did you forget express-session (with Fastify: @fastify/session), or to use it before passport.authenticate()?',
    );
  }
  // A session with an id is kept on the server. cookie-session has none, even where an app has given
  // it the regenerate() and save() that passport 0.6 requires.
  if (
    typeof session.regenerate !== 'function' ||
    typeof session.save !== 'function' ||
    sessionID(req) === undefined
  ) {
    throw new OktaConfigurationError(
      'session_in_browser',
      "This session seems to be kept in the browser (such as cookie-session's): the mfa_token would be readable and the count of wrong passcodes could be rolled back. Use express-session (with Fastify: @fastify/session) with a store on the server, or give the strategy a store.",
    );
  }
  return session;
}
