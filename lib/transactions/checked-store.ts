import type { IncomingMessage } from 'node:http';
import { OktaDirectMfaError, OktaTransactionStoreError, toErrorObject } from '../errors.js';
import { redact } from '../redact.js';
import { isTransaction, type Transaction, type TransactionStore } from './transaction.js';

/**
 * A store whose errors hold no secret, and which only ever gives a transaction. A store's error may
 * quote what it was to save (Redis clients do) or has read (`JSON.parse` does): it is not passed on.
 * Its message is, up to the first quotation, when the transaction is known that it could quote.
 */
export class CheckedStore {
  readonly #store: TransactionStore;

  constructor(store: TransactionStore) {
    this.#store = store;
  }

  /** @throws OktaTransactionStoreError, OktaConfigurationError, as all methods do */
  async read(req: IncomingMessage): Promise<Transaction | undefined> {
    const value: unknown = await checked('read', undefined, () => this.#store.read(req));
    // A session outlives deployments, and a store may say null for nothing.
    return isTransaction(value) ? value : undefined;
  }

  create(req: IncomingMessage, transaction: Transaction): Promise<void> {
    return checked('create', transaction, () => this.#store.create(req, transaction));
  }

  update(req: IncomingMessage, transaction: Transaction): Promise<void> {
    return checked('update', transaction, () => this.#store.update(req, transaction));
  }

  /** @param transaction what is removed */
  remove(req: IncomingMessage, transaction: Transaction): Promise<void> {
    return checked('remove', transaction, () => this.#store.remove(req));
  }
}

async function checked<T>(
  method: keyof TransactionStore,
  transaction: Transaction | undefined,
  call: () => T,
): Promise<Awaited<T>> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof OktaDirectMfaError) throw error;
    throw new OktaTransactionStoreError(
      `The TransactionStore's ${method}() failed (${reasonOf(error, transaction)}).`,
    );
  }
}

function reasonOf(error: unknown, transaction: Transaction | undefined): string {
  const { name, code, message } = toErrorObject(error, 'The store') as NodeJS.ErrnoException;
  if (transaction === undefined || error instanceof SyntaxError) {
    return `${code ?? name}; its message is withheld because it may quote secrets`;
  }
  // A session holds more than this transaction: a quotation, in JSON or in quotes, is cut off.
  return redact(message.replace(/[{["'`].*/s, '…'), [transaction.mfaToken]);
}
