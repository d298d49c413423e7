import { unguessable } from './ids.js';
import type { Factor } from './authenticators.js';
import type { User } from './users.js';

/** A login between the password and the last factor. */
export interface MfaTransaction {
  readonly user: User;
  readonly clientId: string;
  /** The scopes of the password request; they apply if the next request names none. */
  readonly scope: string;
  /** What has been verified after the password: one, while the policy wants a third factor. */
  readonly verified: readonly Factor[];
}

interface Entry extends MfaTransaction {
  readonly expiresAt: number;
  wrongCodes: number;
}

const MAX_WRONG_CODES = 5;
export const MAX_TRANSACTIONS = 6_000;

/** The `mfa_token`s of one authorization server. */
export class MfaTransactions {
  readonly #lifetimeMs: number;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(lifetimeSeconds: number, now: () => number) {
    this.#lifetimeMs = lifetimeSeconds * 1000;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Returns the `mfa_token`. */
  start(transaction: MfaTransaction): string {
    this.#deleteOld();
    const mfaToken = unguessable();
    const expiresAt = this.#now() + this.#lifetimeMs;
    this.#entries.set(mfaToken, { ...transaction, expiresAt, wrongCodes: 0 });
    return mfaToken;
  }

  /** Of whichever client. */
  find(mfaToken: string): MfaTransaction | undefined {
    const entry = this.#entries.get(mfaToken);
    if (!entry) return undefined;
    if (entry.expiresAt > this.#now()) return entry;
    this.#entries.delete(mfaToken);
    return undefined;
  }

  wrongCode(mfaToken: string): void {
    const entry = this.#entries.get(mfaToken);
    if (!entry) return;
    entry.wrongCodes += 1;
    if (entry.wrongCodes >= MAX_WRONG_CODES) this.#entries.delete(mfaToken);
  }

  end(mfaToken: string): void {
    this.#entries.delete(mfaToken);
  }

  /** All have the same lifetime, so the first inserted is the first to expire. */
  #deleteOld(): void {
    for (const [mfaToken, { expiresAt }] of this.#entries) {
      if (expiresAt > this.#now() && this.#entries.size < MAX_TRANSACTIONS) return;
      this.#entries.delete(mfaToken);
    }
  }
}
