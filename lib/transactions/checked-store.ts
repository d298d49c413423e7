import type { IncomingMessage } from 'node:http';
import { OktaDirectMfaError, OktaTransactionStoreError, toErrorObject } from '../errors.js';
import { SessionTransactionStore } from './session-store.js';
import { isTransaction, type Transaction, type TransactionStore } from './transaction.js';

/**
 * Where a login asks for its transaction: the session, or the app's own store. Nothing that has ended
 * or been replaced is written again, and no error holds a secret. A store's error may quote what it
 * was to save (Redis clients do), what it has read (`JSON.parse` does) or the session id: its message
 * is not passed on.
 *
 * All methods throw OktaTransactionStoreError and OktaConfigurationError.
 */
export class CheckedStore {
  readonly #session: SessionTransactionStore | undefined;
  readonly #store: TransactionStore;

  /** @param store the app's own, if it has one */
  constructor(store: TransactionStore | undefined, sessionKey: string) {
    this.#session = store === undefined ? new SessionTransactionStore(sessionKey) : undefined;
    this.#store = store ?? (this.#session as TransactionStore);
  }

  /** The transaction as it was when the request arrived, where that costs nothing. */
  peek(req: IncomingMessage): Promise<Transaction | undefined> | Transaction | undefined {
    const session = this.#session;
    return session === undefined ? this.read(req) : only(session.peek(req));
  }

  /** The transaction as it is kept now. */
  async read(req: IncomingMessage): Promise<Transaction | undefined> {
    return only(await checked('read', () => this.#store.read(req)));
  }

  /** @param linking see `SessionTransactionStore.create` */
  create(req: IncomingMessage, transaction: Transaction, linking: boolean): Promise<void> {
    return checked('create', () =>
      this.#session === undefined
        ? this.#store.create(req, transaction)
        : this.#session.create(req, transaction, linking),
    );
  }

  /**
   * Saves a change of what is kept now, not of the request's copy.
   * @returns what is kept now; undefined, and nothing is written, when it has ended or been replaced
   */
  async modify(
    req: IncomingMessage,
    id: string,
    change: (kept: Transaction) => Transaction,
  ): Promise<Transaction | undefined> {
    const kept = await this.read(req);
    if (kept?.id !== id) return undefined;
    const changed = change(kept);
    if (changed === kept) return kept;
    const isSaved = (await checked('update', () => this.#store.update(req, changed))) !== false;
    return isSaved ? changed : undefined;
  }

  /**
   * @param logsIn whether Passport's `logIn()` comes next
   * @returns false, and nothing is written, when it has ended or been replaced
   */
  async remove(req: IncomingMessage, id: string, logsIn = false): Promise<boolean> {
    if ((await this.read(req))?.id !== id) return false;
    const session = this.#session;
    const isRemoved = await checked('remove', () =>
      logsIn && session !== undefined
        ? session.removeBeforeLogin(req)
        : this.#store.remove(req, id),
    );
    return isRemoved !== false;
  }

  /** Removes it from the request's copy of the session, after another request has removed it. */
  forget(req: IncomingMessage): void {
    this.#session?.forget(req);
  }
}

/** A session outlives deployments, and a store may say null for nothing. */
function only(value: unknown): Transaction | undefined {
  return isTransaction(value) ? value : undefined;
}

async function checked<T>(method: keyof TransactionStore, call: () => T): Promise<Awaited<T>> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof OktaDirectMfaError) throw error;
    const { name, code } = toErrorObject(error, 'The store') as NodeJS.ErrnoException;
    const reason = [code, name].find((word) => typeof word === 'string' && /^\w{1,40}$/.test(word));
    throw new OktaTransactionStoreError(
      `The TransactionStore's ${method}() failed (${reason ?? 'Error'}; its message is withheld because it may quote secrets).`,
    );
  }
}
