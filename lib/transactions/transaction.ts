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
 * A store is responsible for two things. Nobody but the browser that proved the password may reach
 * the transaction, and the browser must not be able to read it or to roll it back: it has to be kept
 * on the server. A rejected promise (or a throw) becomes an `OktaTransactionStoreError`.
 */
export interface TransactionStore {
  /** This browser's transaction, if any. */
  read(
    req: IncomingMessage,
  ): Promise<Transaction | null | undefined> | Transaction | null | undefined;
  /** Keeps a new one in place of any other. It must be saved when this resolves. */
  create(req: IncomingMessage, transaction: Transaction): Promise<void> | void;
  /** Saves the same transaction again, with one attempt more. */
  update(req: IncomingMessage, transaction: Transaction): Promise<void> | void;
  /** Forgets it. */
  remove(req: IncomingMessage): Promise<void> | void;
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

/** Two strategies may share a session key; a transaction is only ever resumed by its own. */
export function clientDigestOf({ issuer, clientID }: { issuer: string; clientID: string }): string {
  const text = JSON.stringify([issuer, clientID]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
