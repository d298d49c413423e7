import type { IncomingMessage } from 'node:http';
import { OktaConfigurationError } from '../errors.js';

type Callback = (error?: unknown) => void;

/** What express-session and @fastify/session have in common. */
export interface ServerSession {
  regenerate(callback: Callback): unknown;
  save(callback: Callback): unknown;
  reload?(callback: Callback): unknown;
  [key: string]: unknown;
}

/** A session's keys and values, without methods. */
export type Content = Record<string, unknown>;

interface RequestWithSession {
  session?: ServerSession | null;
  sessionID?: unknown;
  /** express-session: the store that the session is kept in. */
  sessionStore?: {
    get?: (id: string, callback: (error: unknown, content?: Content | null) => void) => unknown;
    /** Puts an empty session with a new id on the request. */
    generate?: (req: IncomingMessage) => void;
  };
  user?: unknown;
  /** Passport's; knows by what property the app has the user on the request. */
  isAuthenticated?: () => boolean;
  /** Passport's, whose key in the session an app may have changed. */
  _sessionManager?: { _key?: unknown };
  /** The same of @fastify/passport. */
  passport?: { sessionManager?: { key?: unknown } };
}

/**
 * The session as it is now: `regenerate` puts another object in place.
 * @throws OktaConfigurationError `session_missing`, `session_in_browser`
 */
export function requireSession(req: IncomingMessage): ServerSession {
  const { session } = req as RequestWithSession;
  if (typeof session !== 'object' || session === null) {
    throw new OktaConfigurationError(
      'session_missing',
      'OktaDirectMfaStrategy needs a session between password and second factor. Did you forget express-session (with Fastify: @fastify/session), or to use it before passport.authenticate()?',
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

export function sessionID(req: IncomingMessage): string | undefined {
  const { session, sessionID: id } = req as RequestWithSession;
  const candidate = id ?? session?.['id'] ?? session?.['sessionId'];
  return typeof candidate === 'string' && candidate !== '' ? candidate : undefined;
}

/** Whether the browser sent this session's id, rather than being given a new session just now. */
export function cameFromBrowser(req: IncomingMessage): boolean {
  const { cookie = '' } = req.headers;
  const id = sessionID(req);
  return id !== undefined && cookie.includes(encodeURIComponent(id));
}

/** Keys under which Passport keeps who is signed in. */
export function passportKeys(req: IncomingMessage): Set<string> {
  const { _sessionManager: express, passport: fastify } = req as RequestWithSession;
  const keys = ['passport', express?._key, fastify?.sessionManager?.key];
  return new Set(keys.filter((key) => typeof key === 'string'));
}

export function isSignedIn(req: IncomingMessage): boolean {
  const { isAuthenticated, user } = req as RequestWithSession;
  if (typeof isAuthenticated === 'function') return isAuthenticated.call(req);
  return user !== undefined && user !== null;
}

/** Its keys and values; not a spread, since @fastify/session keeps fields of its own under symbols. */
export function contentOf(session: ServerSession): Content {
  const content: Content = {};
  for (const key of Object.keys(session)) {
    // Assigned, __proto__ would become the session's prototype.
    if (key !== 'cookie' && key !== '__proto__') content[key] = session[key];
  }
  return content;
}

/**
 * What the store has of this session now; `req.session` stays as it is.
 * @returns `null` when it is gone, `undefined` when this kind of session cannot be asked
 */
export function storedContent(req: IncomingMessage): Promise<Content | null | undefined> {
  const { sessionStore } = req as RequestWithSession;
  const session = requireSession(req);
  const id = sessionID(req);
  if (id === undefined || typeof sessionStore?.get !== 'function') return reloaded(req, session);
  return promisified<Content | null>((callback) =>
    sessionStore.get?.(id, (error, content) => callback(error, content ?? null)),
  );
}

async function reloaded(
  req: IncomingMessage,
  session: ServerSession,
): Promise<Content | undefined> {
  if (typeof session.reload !== 'function') return undefined;
  try {
    await promisified((callback) => session.reload?.(callback));
    return contentOf(requireSession(req));
  } finally {
    (req as RequestWithSession).session = session;
  }
}

export function save(req: IncomingMessage): Promise<void> {
  return promisified((callback) => requireSession(req).save(callback));
}

/** Puts an empty session with another id in place. */
export function regenerate(req: IncomingMessage): Promise<void> {
  return promisified((callback) => requireSession(req).regenerate(callback));
}

/** Whether an empty session can be put in place without asking the store, as express-session can. */
export function isRenewable(req: IncomingMessage): boolean {
  return typeof (req as RequestWithSession).sessionStore?.generate === 'function';
}

/**
 * Nothing is stored under the id of a session that was made just now, so its `regenerate()` need not have
 * the store destroy anything: until it is saved.
 */
export function renewWithoutStore(req: IncomingMessage): void {
  const session = requireSession(req);
  const regenerate = session.regenerate.bind(session);
  const save = session.save.bind(session);
  let isStored = false;
  // Not enumerable: they are no content.
  Object.defineProperties(session, {
    regenerate: {
      configurable: true,
      value: (callback: Callback): unknown => {
        if (isStored) return regenerate(callback);
        (req as RequestWithSession).sessionStore?.generate?.(req);
        return callback();
      },
    },
    save: {
      configurable: true,
      value: (callback: Callback): unknown => {
        isStored = true;
        return save(callback);
      },
    },
  });
}

function promisified<T = void>(
  start: (callback: (error?: unknown, value?: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (!error) resolve(value as T);
      else reject(error instanceof Error ? error : new Error('The session store failed'));
    });
  });
}
