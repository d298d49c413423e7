import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * What is kept between the password and the second factor: Okta's multifactor transaction. JSON, at
 * most about 250 bytes with a username and an `mfa_token` of usual length.
 */
export interface Transaction {
  /** Random, of this transaction alone. */
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
  clientDigest: string;
}

/**
 * Keeps the transaction between the two steps: in the session, unless the app gives a store of its
 * own.
 *
 * A store is responsible for three things. Nobody but the browser that proved the password may reach
 * the transaction. The browser must not be able to read it or to roll it back: it has to be kept on
 * the server. And nothing comes back: `read` gives what is kept now, and `update` and `remove` change
 * nothing once the transaction has ended or been replaced. A rejected promise (or a throw) becomes an
 * `OktaTransactionStoreError`.
 */
export interface TransactionStore {
  /** This browser's transaction as it is kept now, not as it was when the request arrived. */
  read(
    req: IncomingMessage,
  ): Promise<Transaction | null | undefined> | Transaction | null | undefined;
  /** Keeps a new one in place of any other. It must be saved when this resolves. */
  create(req: IncomingMessage, transaction: Transaction): Promise<void> | void;
  /**
   * Saves the same transaction again, with one attempt more.
   * @returns `false`, having done nothing, when what is kept has another id or is gone
   */
  update(req: IncomingMessage, transaction: Transaction): Promise<boolean | void> | boolean | void;
  /**
   * Forgets the transaction with this id.
   * @returns `false`, having done nothing, when what is kept has another id or is gone
   */
  remove(req: IncomingMessage, id: string): Promise<boolean | void> | boolean | void;
}

/** Whether what a store gave is a transaction, and not what an older version or another program wrote. */
export function isTransaction(value: unknown): value is Transaction {
  if (typeof value !== 'object' || value === null) return false;
  const { id, mfaToken, username, expiresAt, attempts, clientDigest } = value as Record<
    string,
    unknown
  >;
  return (
    typeof id === 'string' &&
    typeof mfaToken === 'string' &&
    mfaToken !== '' &&
    typeof username === 'string' &&
    typeof expiresAt === 'number' &&
    Number.isSafeInteger(attempts) &&
    (attempts as number) >= 0 &&
    typeof clientDigest === 'string'
  );
}

/** Of the issuer and client that a transaction belongs to. */
export function clientDigestOf({ issuer, clientID }: { issuer: string; clientID: string }): string {
  const text = JSON.stringify([issuer, clientID]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
