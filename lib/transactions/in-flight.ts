import { now } from '../clock.js';

/**
 * What this process knows of a transaction beyond the session. Requests that come at the same time
 * each have a copy of the session of their own, as old as their arrival; this is what they share.
 */
export interface InFlightLogin<Grant> {
  /** Wrong passcodes seen by this process. */
  attempts: number;
  /** Used up, cancelled, or replaced by another password step: nothing of it may be saved. */
  invalidated: boolean;
  /** Okta's grant, for a second request with the same passcode (a double click). */
  granted: Grant | undefined;
  /** The choice of a factor that is at Okta, for a double click on it. */
  choosing: { factor: string; outcome: Promise<unknown> } | undefined;
  /** The poll for a challenge: the one that is at Okta, and when the next may be. */
  poll: { challenge: string; outcome: Promise<unknown> | undefined; nextAt: number } | undefined;
  /** The last change in the store that was begun, until it has ended. */
  saving: Promise<unknown> | undefined;
}

/**
 * Milliseconds for which a grant is kept for the second click of a double click: a request that loaded
 * its session before the first one ended and reaches the strategy after it. Also the interval of the
 * sweep.
 */
const GRANT_TTL_MS = 500;

interface Entry<Grant> extends InFlightLogin<Grant> {
  /** The last in the queue; absent when nobody is in it. */
  last: Promise<unknown> | undefined;
  holders: number;
  /** Milliseconds since the epoch, once nobody holds it. */
  forgetAt: number;
}

/**
 * What is done in the queue.
 * @param hasWaited whether another was before it
 */
type Task<Grant, T> = (login: InFlightLogin<Grant>, hasWaited: boolean) => Promise<T>;

/** The transactions that requests of this process are working on, by id. */
export class InFlightLogins<Grant> {
  readonly #entries = new Map<string, Entry<Grant>>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * Runs `task` after every earlier request on the same transaction, so that no two count as one
   * attempt. If the earlier one failed through no fault of the user (Okta unreachable, too slow, rate
   * limited), those queued behind it get its outcome instead of repeating the wait.
   *
   * @param shareIf whether a fulfilled outcome is of that kind; a rejection always is
   */
  async runExclusive<T>(
    id: string,
    task: Task<Grant, T>,
    shareIf: (value: T) => boolean,
  ): Promise<T> {
    const entry = this.#get(id);
    const { last } = entry;
    // Only calls of the same function for the same transaction are ever in this queue.
    const run =
      last === undefined
        ? task(entry, false)
        : (last as Promise<T>).then((earlier) => (shareIf(earlier) ? earlier : task(entry, true)));
    entry.last = run;
    try {
      return await run;
    } finally {
      // Nobody is queued behind it: whoever comes next asks again.
      if (entry.last === run) entry.last = undefined;
    }
  }

  /**
   * Keeps what is known of a transaction until the returned function is called.
   * @param expiresAt milliseconds since the epoch
   */
  retain(id: string, expiresAt: number): () => void {
    const entry = this.#get(id);
    entry.holders += 1;
    return () => {
      entry.holders -= 1;
      if (entry.holders > 0) return;
      if (entry.granted !== undefined) entry.forgetAt = now() + GRANT_TTL_MS;
      // The count of wrong passcodes outlives the requests: one with an old copy of the session may
      // still be on its way.
      else if (entry.attempts > 0 || entry.invalidated) entry.forgetAt = expiresAt;
      else if ((entry.poll?.nextAt ?? 0) > now()) entry.forgetAt = entry.poll?.nextAt ?? 0;
      else this.#entries.delete(id);
      this.#sweepLater();
    };
  }

  /**
   * Tells requests that are under way with an old copy of the session that the transaction is over.
   * @param expiresAt milliseconds since the epoch
   */
  invalidate(id: string, expiresAt: number): void {
    const entry = this.#get(id);
    entry.invalidated = true;
    if (entry.holders === 0) entry.forgetAt = expiresAt;
    this.#sweepLater();
  }

  /** What is shared about a transaction; to be held on to with `retain`. */
  get(id: string): InFlightLogin<Grant> {
    return this.#get(id);
  }

  #get(id: string): Entry<Grant> {
    let entry = this.#entries.get(id);
    // The sweep may be late.
    if (entry === undefined || (entry.forgetAt > 0 && isOver(entry))) {
      entry = {
        attempts: 0,
        invalidated: false,
        granted: undefined,
        choosing: undefined,
        poll: undefined,
        saving: undefined,
        last: undefined,
        holders: 0,
        forgetAt: 0,
      };
      this.#entries.set(id, entry);
    }
    return entry;
  }

  /** One timer for all, which keeps no process alive; none when there is nothing to forget. */
  #sweepLater(): void {
    if (this.#timer !== undefined || this.#entries.size === 0) return;
    this.#timer = setTimeout(() => this.#sweep(), GRANT_TTL_MS).unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    for (const [id, entry] of this.#entries) {
      if (!isOver(entry)) continue;
      this.#entries.delete(id);
      // The Map's outgrown tables keep an entry alive until a full collection: not with tokens in it.
      entry.granted = undefined;
    }
    this.#sweepLater();
  }
}

function isOver({ holders, forgetAt }: Entry<unknown>): boolean {
  return holders === 0 && forgetAt <= now();
}
