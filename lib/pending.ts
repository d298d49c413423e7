import { now } from './clock.js';
import { fail, type FailAction } from './failures.js';
import type {
  Challenge,
  OktaDirectMfaSecondFactor,
  OktaPublicKeyOptions,
  Transaction,
} from './transactions/transaction.js';

/** A login that waits for its second factor: what the next page needs to show, without a secret. */
export interface PendingTransaction {
  /** As the person gave it in the password step. */
  username: string;
  /** Milliseconds since the epoch: until then a second factor is accepted. */
  expiresAt: number;
  /** What the person can choose from, in the order of the `factors` option. */
  factors: OktaDirectMfaSecondFactor[];
  /** Wrong codes and passkeys left before the password is needed again. */
  attemptsRemaining: number;
  /** What is out, unless it has expired. */
  challenge?: PendingChallenge;
}

/** A push, a code or a passkey that is waited for. */
export interface PendingChallenge {
  /** To be sent along as the body's `challenge`. */
  id: string;
  /** The factor that is asked for. */
  factor: OktaDirectMfaSecondFactor;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** What the person taps on the phone, to be shown on this page alone; a leading zero counts. */
  numberChallenge?: string;
  /** Seconds between two requests that ask how a push stands. */
  interval?: number;
  /** Milliseconds since the epoch: from then on another push, text, call or mail may be asked for. */
  resendAt?: number;
  /** For `PublicKeyCredential.parseRequestOptionsFromJSON`. */
  publicKey?: OktaPublicKeyOptions;
}

/**
 * When the factor may be challenged again, in milliseconds since the epoch.
 * @param resendAfter seconds
 * @returns undefined when it has not been challenged
 */
export function resendAtOf(
  factor: OktaDirectMfaSecondFactor,
  { challengedAt }: Transaction,
  resendAfter: number,
): number | undefined {
  const sentAt = challengedAt?.[factor];
  return sentAt === undefined ? undefined : sentAt + resendAfter * 1000;
}

/** @param resendAfter seconds */
export function pendingChallenge(
  transaction: Transaction,
  resendAfter: number,
): PendingChallenge | undefined {
  const { challenge } = transaction;
  if (challenge === undefined || challenge.expiresAt <= now()) return undefined;
  const { id, factor, expiresAt, numberChallenge, interval, publicKey } = challenge;
  const resendAt = resendAtOf(factor, transaction, resendAfter);
  return {
    id,
    factor,
    expiresAt,
    ...(numberChallenge === undefined ? {} : { numberChallenge }),
    ...(interval === undefined ? {} : { interval }),
    ...(resendAt === undefined ? {} : { resendAt }),
    ...(publicKey === undefined ? {} : { publicKey }),
  };
}

/** What the app sees of a challenge that is out. */
export function failChallenge(
  challenge: Challenge,
  transaction: Transaction,
  resendAfter: number,
): FailAction {
  const { id, factor, awaits, expiresAt, numberChallenge, interval = 0, publicKey } = challenge;
  switch (awaits) {
    case 'approval': {
      const number = numberChallenge === undefined ? {} : { numberChallenge };
      return fail('authorization_pending', {
        factor,
        challenge: id,
        ...number,
        interval,
        expiresAt,
      });
    }
    case 'code': {
      const resendAt = resendAtOf(factor, transaction, resendAfter) ?? 0;
      return fail('code_sent', { factor, challenge: id, expiresAt, resendAt });
    }
    case 'assertion':
      return fail('webauthn_required', {
        challenge: id,
        publicKey: publicKey as OktaPublicKeyOptions,
        expiresAt,
      });
  }
}
