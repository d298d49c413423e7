import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { now } from '../clock.js';
import { CheckedStore } from './checked-store.js';
import { type InFlightLogins, type InFlightLogin } from './in-flight.js';
import { clientDigestOf, type Transaction, type TransactionStore } from './transaction.js';

export { InFlightLogins, type InFlightLogin } from './in-flight.js';
export type { Challenge, OktaDirectMfaSecondFactor, Transaction } from './transaction.js';

export interface TransactionSettings {
  issuer: string;
  clientID: string;
  store: TransactionStore | undefined;
  sessionKey: string;
  /** Seconds. */
  transactionMaxAge: number;
}

/** The life of a transaction: in its store, and in what this process knows beyond that. */
export class Transactions<Grant> {
  readonly #store: CheckedStore;
  readonly #inFlight: InFlightLogins<Grant>;
  readonly #maxAge: number;
  readonly #clientDigest: string;

  /** @param inFlight of the process: an app with tenants may make a strategy for each request */
  constructor(settings: TransactionSettings, inFlight: InFlightLogins<Grant>) {
    this.#store = new CheckedStore(settings.store, settings.sessionKey);
    this.#inFlight = inFlight;
    this.#maxAge = Math.round(settings.transactionMaxAge * 1000);
    this.#clientDigest = clientDigestOf(settings);
  }

  /** As it was when the request arrived. */
  async peek(req: IncomingMessage): Promise<Transaction | undefined> {
    return this.#own(await this.#store.peek(req));
  }

  /** As it is kept now. The request's copy of the session follows it. */
  async read(req: IncomingMessage): Promise<Transaction | undefined> {
    return this.#own(await this.#store.read(req));
  }

  /**
   * After the password.
   * @param previous ends
   * @param linking `passport.authorize()`: whoever is signed in stays signed in
   */
  async begin(
    req: IncomingMessage,
    password: Pick<Transaction, 'mfaToken' | 'username' | 'supported'>,
    previous: Transaction | undefined,
    linking: boolean,
  ): Promise<Transaction> {
    if (previous !== undefined) this.#inFlight.invalidate(previous.id, previous.expiresAt);
    const transaction = {
      id: randomUUID(),
      ...password,
      expiresAt: this.expiry(),
      attempts: 0,
      clientDigest: this.#clientDigest,
    };
    await this.#store.create(req, transaction, linking);
    return transaction;
  }

  /** Milliseconds since the epoch, for a transaction that begins now. */
  expiry(): number {
    return now() + this.#maxAge;
  }

  /** See `InFlightLogins.runExclusive`. What is known is kept until `use` has ended. */
  exclusively<T, R>(
    transaction: Transaction,
    task: (login: InFlightLogin<Grant>, hasWaited: boolean) => Promise<T>,
    shareIf: (value: T) => boolean,
    use: (value: T) => Promise<R>,
  ): Promise<R> {
    return this.knowing(
      transaction,
      async () => await use(await this.#inFlight.runExclusive(transaction.id, task, shareIf)),
    );
  }

  /** What this process knows of it, until `use` has ended. */
  async knowing<R>(
    { id, expiresAt }: Transaction,
    use: (login: InFlightLogin<Grant>) => Promise<R>,
  ): Promise<R> {
    const release = this.#inFlight.retain(id, expiresAt);
    try {
      return await use(this.#inFlight.get(id));
    } finally {
      release();
    }
  }

  /**
   * Saves a change of what is kept now.
   * @returns what is kept now; undefined when it has ended or been replaced
   */
  modify(
    req: IncomingMessage,
    transaction: Transaction,
    change: (kept: Transaction) => Transaction,
  ): Promise<Transaction | undefined> {
    return this.#inTurn(transaction, () => this.#store.modify(req, transaction.id, change));
  }

  /**
   * Without a transaction to drop the request's copy of the session still follows what is kept.
   * @param logsIn see `CheckedStore.remove`
   * @returns false when it had ended or been replaced before
   */
  async drop(
    req: IncomingMessage,
    transaction: Transaction | undefined,
    { logsIn = false } = {},
  ): Promise<boolean> {
    if (transaction === undefined) {
      await this.read(req);
      return true;
    }
    this.#inFlight.invalidate(transaction.id, transaction.expiresAt);
    return await this.#inTurn(transaction, () => this.#store.remove(req, transaction.id, logsIn));
  }

  /** Removes it from the request's copy of the session, after another request has removed it. */
  forget(req: IncomingMessage): void {
    this.#store.forget(req);
  }

  /** One change after the other: of two that had read the same, the second would undo the first. */
  #inTurn<T>(transaction: Transaction, change: () => Promise<T>): Promise<T> {
    return this.knowing(transaction, async (login) => {
      const saved = login.saving?.then(change, change) ?? change();
      login.saving = saved;
      try {
        return await saved;
      } finally {
        if (login.saving === saved) login.saving = undefined;
      }
    });
  }

  /** Two strategies may share a session key; a transaction is only ever resumed by its own. */
  #own(transaction: Transaction | undefined): Transaction | undefined {
    return transaction?.clientDigest === this.#clientDigest ? transaction : undefined;
  }
}
