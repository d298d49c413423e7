import type { IncomingMessage } from 'node:http';
import { OktaConfigurationError } from '../errors.js';
import {
  cameFromBrowser,
  contentOf,
  isRenewable,
  isSignedIn,
  passportKeys,
  regenerate,
  renewWithoutStore,
  requireSession,
  save,
  sessionID,
  storedContent,
  type Content,
} from './session.js';
import type { Transaction, TransactionStore } from './transaction.js';

/** Keeps the transaction in `req.session`. */
export class SessionTransactionStore implements TransactionStore {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** The request's own copy, as old as its arrival. */
  peek(req: IncomingMessage): Transaction | undefined {
    return this.#in(requireSession(req));
  }

  /**
   * Asks the store. Where it has another transaction than the request's copy, or the session is gone,
   * the copy follows: saved by the app later on, it would bring back what has ended.
   */
  async read(req: IncomingMessage): Promise<Transaction | undefined> {
    const copy = this.peek(req);
    const stored = await storedContent(req);
    if (stored === undefined) return copy;
    const kept = stored === null ? undefined : this.#in(stored);
    const differs = stored === null ? cameFromBrowser(req) : kept?.id !== copy?.id;
    if (differs) await this.#follow(req, stored);
    else if (kept !== undefined && isOutdated(copy, kept)) requireSession(req)[this.#key] = kept;
    return kept;
  }

  /**
   * Under a new session id: an id that somebody planted in the browser before the login is worth
   * nothing (session fixation). The app's other keys and its settings of the cookie come along; who
   * was signed in does not.
   *
   * @param linking `passport.authorize()`: links an account to whoever is signed in, so that their
   *   session stays
   */
  async create(req: IncomingMessage, transaction: Transaction, linking = false): Promise<void> {
    if (!(linking && isSignedIn(req))) {
      // A session that has ended meanwhile, by a sign-out, leaves nothing to carry over.
      const hasEnded = cameFromBrowser(req) && (await storedContent(req)) === null;
      await this.#renew(req, { without: [this.#key, ...passportKeys(req)], hasEnded });
    }
    requireSession(req)[this.#key] = transaction;
    try {
      await save(req);
    } catch (error) {
      // The app is told that the step failed, so nothing of it may be saved later.
      delete requireSession(req)[this.#key];
      throw error;
    }
  }

  async update(req: IncomingMessage, transaction: Transaction): Promise<void> {
    requireSession(req)[this.#key] = transaction;
    await save(req);
  }

  async remove(req: IncomingMessage): Promise<void> {
    this.forget(req);
    await save(req);
  }

  /**
   * Removes it and, with it, the session's id, for Passport's `logIn()` comes next and would change the id
   * all the same: so the login costs the store no write more.
   */
  async removeBeforeLogin(req: IncomingMessage): Promise<void> {
    if (!isRenewable(req)) return await this.remove(req);
    await this.#renew(req, { without: [this.#key] });
    renewWithoutStore(req);
  }

  /** Removes it from the request's copy alone. */
  forget(req: IncomingMessage): void {
    delete requireSession(req)[this.#key];
  }

  #in(content: Content): Transaction | undefined {
    return Object.hasOwn(content, this.#key) ? (content[this.#key] as Transaction) : undefined;
  }

  async #renew(
    req: IncomingMessage,
    { without, hasEnded = false }: { without: string[]; hasEnded?: boolean },
  ): Promise<void> {
    const session = requireSession(req);
    const { cookie } = session;
    const previousID = sessionID(req);
    const content = hasEnded ? {} : contentOf(session);
    for (const key of without) delete content[key];
    try {
      await regenerate(req);
    } finally {
      // Also when the store failed: express-session has an empty session in place by then.
      const renewed = requireSession(req);
      Object.assign(renewed, content);
      if (!hasEnded) Object.assign(renewed['cookie'] ?? {}, cookie);
    }
    if (sessionID(req) === previousID) {
      throw new OktaConfigurationError(
        'session_in_browser',
        'req.session.regenerate() did not change the session id, so the session cannot be protected against fixation. Use express-session (with Fastify: @fastify/session), or give the strategy a store.',
      );
    }
  }

  async #follow(req: IncomingMessage, stored: Content | null): Promise<void> {
    if (stored === null) return await regenerate(req);
    const session = requireSession(req);
    for (const key of Object.keys(contentOf(session))) delete session[key];
    Object.assign(session, contentOf(stored as never));
  }
}

/** Whether another request has had another challenge sent, or has proved a factor, meanwhile. */
function isOutdated(copy: Transaction | undefined, kept: Transaction): boolean {
  return kept.challenge?.id !== copy?.challenge?.id || kept.mfaToken !== copy?.mfaToken;
}
