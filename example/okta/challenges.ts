import { randomInt } from 'node:crypto';
import type { Channel } from './authenticators.js';
import { unguessable } from './ids.js';
import type { User } from './users.js';

/** A push, text, call or mail that is out, or a passkey's answer that is awaited. */
export interface Challenge {
  /** For the phone's page: the `oob_code` is the client's alone. */
  readonly id: string;
  readonly kind: Channel | 'webauthn';
  /** The `oob_code`, or what a passkey signs. */
  readonly key: string;
  readonly user: User;
  readonly mfaToken: string;
  readonly sentAt: number;
  readonly expiresAt: number;
  /** The number that the app shows, and those that the phone offers. */
  readonly number?: string;
  readonly numbers?: readonly string[];
  /** Of a text, call or mail. */
  readonly code?: string;
  /** `over`: used, replaced by another, or given up. */
  state: 'waiting' | 'approved' | 'rejected' | 'over';
}

/** Seconds. */
export const CHALLENGE_LIFETIME = 300;
export const MAX_CHALLENGES = 6_000;

/** The challenges of one authorization server: at most one is out for each `mfa_token`. */
export class Challenges {
  readonly #now: () => number;
  readonly #byKey = new Map<string, Challenge>();
  readonly #current = new Map<string, Challenge>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Replaces the challenge that was out for this `mfa_token`. */
  start(user: User, mfaToken: string, kind: Challenge['kind'], key = unguessable()): Challenge {
    this.end(mfaToken);
    this.#deleteOld();
    const sentAt = this.#now();
    const challenge: Challenge = {
      id: unguessable(),
      kind,
      key,
      user,
      mfaToken,
      sentAt,
      expiresAt: sentAt + CHALLENGE_LIFETIME * 1000,
      state: 'waiting',
      ...contents(user, kind),
    };
    this.#byKey.set(key, challenge);
    this.#current.set(mfaToken, challenge);
    return challenge;
  }

  /** Also one that is over. */
  find(key: string): Challenge | undefined {
    return this.#byKey.get(key);
  }

  /** Whether it may still be answered. */
  isGood(challenge: Challenge): boolean {
    return challenge.state !== 'over' && challenge.expiresAt > this.#now();
  }

  /** Ends the challenge that is out for this `mfa_token`, if there is one. */
  end(mfaToken: string): void {
    const challenge = this.#current.get(mfaToken);
    if (!challenge) return;
    challenge.state = 'over';
    this.#current.delete(mfaToken);
  }

  /** All have the same lifetime, so the first inserted is the first to expire. */
  #deleteOld(): void {
    for (const [key, challenge] of this.#byKey) {
      // Kept for as long again: a late answer is told that it is late, not that it is unknown.
      const isOld = challenge.expiresAt + CHALLENGE_LIFETIME * 1000 <= this.#now();
      if (!isOld && this.#byKey.size < MAX_CHALLENGES) return;
      this.#byKey.delete(key);
      if (this.#current.get(challenge.mfaToken) === challenge) {
        this.#current.delete(challenge.mfaToken);
      }
    }
  }
}

function contents(
  { factors }: User,
  kind: Challenge['kind'],
): Pick<Challenge, 'number' | 'numbers' | 'code'> {
  if (kind === 'webauthn') return {};
  if (kind === 'push') return factors.push?.numberChallenge === true ? numberChallenge() : {};
  if (kind !== 'email') return { code: digits(6) };
  const { length = 6, letters = false } = factors.email ?? {};
  return { code: letters ? mixed(length) : digits(length) };
}

function numberChallenge(): { number: string; numbers: string[] } {
  const numbers = new Set<string>();
  while (numbers.size < 3) numbers.add(digits(2));
  const offered = [...numbers];
  return { number: offered[randomInt(3)] ?? '', numbers: offered };
}

const digits = (length: number): string => String(randomInt(10 ** length)).padStart(length, '0');

/** Digits and upper-case letters; always one letter, so that such codes are not taken for numbers. */
function mixed(length: number): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
  const all = `${letters}23456789`;
  const pick = (characters: string): string => characters[randomInt(characters.length)] ?? '';
  return pick(letters) + Array.from({ length: length - 1 }, () => pick(all)).join('');
}
