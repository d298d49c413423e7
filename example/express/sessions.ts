import type { Request, RequestHandler } from 'express';
import session, { Store, type SessionData } from 'express-session';

declare module 'express-session' {
  interface SessionData {
    /** When the session began; the login begins a new one. Milliseconds. */
    startedAt?: number;
  }
}

/** Seconds. ASVS 5.0, 7.3: how long suits the app is for its owner to decide and to write down. */
export interface SessionLifetime {
  /** Without a request; half an hour by default. */
  idle: number;
  /** In all, however busy; twelve hours by default. */
  absolute: number;
}

export interface SessionOptions {
  /** Signs the session cookie. */
  sessionSecret: string;
  /** The session store; express-session's memory store by default, which is for development. */
  store?: Store | undefined;
  /** When a session ends by itself. */
  sessionLifetime?: Partial<SessionLifetime> | undefined;
  /** Behind TLS: the cookie is `Secure` and has the `__Host-` prefix. */
  production?: boolean;
}

/** Whether the request's session came from the store; else it is new, and no other request has it. */
export const isStored = (req: Request): boolean => req.session.startedAt !== undefined;

/** express-session, with lifetimes. */
export function sessions(options: SessionOptions): RequestHandler {
  const { store = new session.MemoryStore(), production = false, sessionLifetime } = options;
  return session({
    name: production ? '__Host-session' : 'session',
    secret: options.sessionSecret,
    store: new LifetimeStore(store, { idle: 30 * 60, absolute: 12 * 3600, ...sessionLifetime }),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: production, path: '/' },
  });
}

/**
 * Gives the sessions in a store two lifetimes, on the server: a cookie that was stolen or kept stops
 * working too.
 *
 * The idle lifetime is the store's own expiry, which express-session moves with `touch` at the end
 * of each request. `rolling: true` would move the cookie's as well, and then a slow response could
 * bring back the cookie of before the login. A time of the last request in the session would have to
 * be saved by each request, and saving brings back a session that has been destroyed meanwhile;
 * `touch` does not.
 */
export class LifetimeStore extends Store {
  readonly #store: Store & Required<Pick<Store, 'touch'>>;
  readonly #idleMs: number;
  readonly #absoluteMs: number;

  constructor(store: Store, { idle, absolute }: SessionLifetime) {
    super();
    if (!hasTouch(store)) throw new TypeError('The session store needs a touch method.');
    for (const [name, seconds] of Object.entries({ idle, absolute })) {
      if (!(seconds > 0)) throw new TypeError(`sessionLifetime.${name} must be over 0: ${seconds}`);
    }
    this.#store = store;
    this.#idleMs = idle * 1000;
    this.#absoluteMs = absolute * 1000;
  }

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void) {
    this.#store.get(id, (error: unknown, session) => {
      if (error || !session) return callback(error, session);
      // Not left to the store: some go by the age of the session's last change, or by none.
      const { startedAt = -Infinity, cookie } = session;
      if (Date.now() >= startedAt + this.#absoluteMs) {
        return this.#store.destroy(id, (error: unknown) => callback(error, null));
      }
      // The expiry is the store's: the cookie is to last as long as the browser's own session.
      const { expires: _, ...rest } = cookie;
      callback(null, { ...session, cookie: { ...rest, originalMaxAge: null } });
    });
  }

  override set(id: string, session: SessionData, callback?: (error?: unknown) => void) {
    this.#store.set(id, this.#dated(session), callback);
  }

  override touch(id: string, session: SessionData, callback?: () => void) {
    this.#store.touch(id, this.#dated(session), callback);
  }

  override destroy(id: string, callback?: (error?: unknown) => void) {
    this.#store.destroy(id, callback);
  }

  #dated(session: SessionData): SessionData {
    const now = Date.now();
    const { startedAt = now, cookie } = session;
    const expires = new Date(Math.min(now + this.#idleMs, startedAt + this.#absoluteMs));
    return { ...session, startedAt, cookie: { ...plain(cookie), expires } };
  }
}

const hasTouch = (store: Store): store is Store & Required<Pick<Store, 'touch'>> =>
  typeof store.touch === 'function';

/** express-session's cookie has its fields behind accessors. */
const plain = (cookie: SessionData['cookie']): SessionData['cookie'] =>
  (cookie as { toJSON?: () => SessionData['cookie'] }).toJSON?.() ?? cookie;
