import { unguessable } from './ids.js';
import type { User } from './users.js';

/** A login that has passed the password and waits for its passcode. */
export interface MfaTransaction {
  readonly user: User;
  readonly clientId: string;
  /** The scopes of the password request; they stand if the passcode request names none. */
  readonly scope: string;
}

interface Waiting extends MfaTransaction {
  readonly expiresAt: number;
  wrongCodes: number;
}

const MAX_WRONG_CODES = 5;
export const MAX_WAITING = 6_000;

/** The `mfa_token`s of one authorization server. */
export class MfaTransactions {
  readonly #lifetimeMs: number;
  readonly #now: () => number;
  readonly #waiting = new Map<string, Waiting>();

  constructor(lifetimeSeconds: number, now: () => number) {
    this.#lifetimeMs = lifetimeSeconds * 1000;
    this.#now = now;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Returns the `mfa_token`. */
  start(transaction: MfaTransaction): string {
    this.#forgetOld();
    const mfaToken = unguessable();
    const expiresAt = this.#now() + this.#lifetimeMs;
    this.#waiting.set(mfaToken, { ...transaction, expiresAt, wrongCodes: 0 });
    return mfaToken;
  }

  find(mfaToken: string, clientId: string): MfaTransaction | undefined {
    const waiting = this.#waiting.get(mfaToken);
    if (!waiting || waiting.clientId !== clientId) return undefined;
    if (waiting.expiresAt > this.#now()) return waiting;
    this.#waiting.delete(mfaToken);
    return undefined;
  }

  wrongCode(mfaToken: string): void {
    const waiting = this.#waiting.get(mfaToken);
    if (!waiting) return;
    waiting.wrongCodes += 1;
    if (waiting.wrongCodes >= MAX_WRONG_CODES) this.#waiting.delete(mfaToken);
  }

  end(mfaToken: string): void {
    this.#waiting.delete(mfaToken);
  }

  /** All live equally long, so the first inserted is the first to expire. */
  #forgetOld(): void {
    for (const [mfaToken, { expiresAt }] of this.#waiting) {
      if (expiresAt > this.#now() && this.#waiting.size < MAX_WAITING) return;
      this.#waiting.delete(mfaToken);
    }
  }
}
