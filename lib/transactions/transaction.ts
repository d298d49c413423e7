import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * A second factor of Okta's Direct Authentication: a passcode of an authenticator app, a push to Okta
 * Verify, a code by text message, call or e-mail, a passkey.
 */
export type OktaDirectMfaSecondFactor = 'otp' | 'push' | 'sms' | 'voice' | 'email' | 'webauthn';

/** Every second factor, in no order. */
export const SECOND_FACTORS: readonly OktaDirectMfaSecondFactor[] = [
  'otp',
  'push',
  'sms',
  'voice',
  'email',
  'webauthn',
];

/** What Okta has sent out for this transaction, and what it waits for. */
export interface Challenge {
  /** Random; the page names it, so that a stale page completes nothing. */
  id: string;
  /** The factor that is asked for. */
  factor: Exclude<OktaDirectMfaSecondFactor, 'otp'>;
  /** Whether the person approves it elsewhere, types a code, or uses a passkey. */
  awaits: 'approval' | 'code' | 'assertion';
  /** Milliseconds since the epoch, never later than the transaction's own. */
  expiresAt: number;
  /** Okta's `oob_code`. A secret: with the `mfa_token` it is a login once it is approved. */
  oobCode?: string;
  /** Seconds between two polls. */
  interval?: number;
  /** Milliseconds since the epoch, when Okta wants the next poll later than `interval` says. */
  nextPollAt?: number;
  /** What the person taps on the phone; a leading zero counts. */
  numberChallenge?: string;
  /** Options for the passkey, with `rpId`: JSON for `PublicKeyCredential.parseRequestOptionsFromJSON`. */
  publicKey?: OktaPublicKeyOptions;
}

/** `PublicKeyCredentialRequestOptionsJSON` (WebAuthn §5.5), as Okta gives it, with `rpId`. */
export interface OktaPublicKeyOptions {
  /** base64url without padding. */
  challenge: string;
  /** The domain that the passkey belongs to. */
  rpId: string;
  /** `allowCredentials`, `timeout`, `userVerification`, `hints`, `extensions`. */
  [member: string]: unknown;
}

/**
 * What is kept between the password and the second factor: Okta's multifactor transaction. JSON, about
 * 250 bytes with a username and an `mfa_token` of usual length, and 200 more with a challenge.
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
  /** Wrong codes and passkeys so far, of all factors together. */
  attempts: number;
  /** A digest of the issuer and client that it belongs to. */
  clientDigest: string;
  /** Pushes, texts, calls and mails so far. Absent: none. */
  challenges?: number;
  /** When each of them last went out, in milliseconds since the epoch. */
  challengedAt?: Partial<Record<OktaDirectMfaSecondFactor, number>>;
  /** What Okta has refused for this person. Absent: nothing. */
  refused?: readonly OktaDirectMfaSecondFactor[];
  /** What Okta's `supported_challenge_types` leaves, where Okta sends it. */
  supported?: readonly OktaDirectMfaSecondFactor[];
  /** What is out. */
  challenge?: Challenge;
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
   * Saves the same transaction again, with one attempt more, or with another challenge.
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
  const { id, mfaToken, username, expiresAt, attempts, clientDigest, ...rest } = value as Record<
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
    typeof clientDigest === 'string' &&
    isOptional(rest['challenges'], Number.isSafeInteger) &&
    isOptional(rest['challengedAt'], isTimes) &&
    isOptional(rest['refused'], Array.isArray) &&
    isOptional(rest['supported'], Array.isArray) &&
    isOptional(rest['challenge'], isChallenge)
  );
}

function isOptional(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || is(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isTimes(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(Number.isFinite);
}

function isChallenge(value: unknown): value is Challenge {
  if (!isObject(value)) return false;
  const { id, factor, awaits, expiresAt, oobCode, publicKey, interval, nextPollAt } = value;
  const isKnown = SECOND_FACTORS.some((known) => known === factor && known !== 'otp');
  if (typeof id !== 'string' || !isKnown || typeof expiresAt !== 'number') return false;
  if (!isOptional(interval, Number.isFinite) || !isOptional(nextPollAt, Number.isFinite)) {
    return false;
  }
  return awaits === 'assertion'
    ? isObject(publicKey) && typeof publicKey['challenge'] === 'string'
    : (awaits === 'approval' || awaits === 'code') && typeof oobCode === 'string';
}

/** Of the issuer and client that a transaction belongs to. */
export function clientDigestOf({ issuer, clientID }: { issuer: string; clientID: string }): string {
  const text = JSON.stringify([issuer, clientID]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
