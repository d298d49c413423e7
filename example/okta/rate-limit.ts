/** The content of the `X-Rate-Limit-*` headers. */
export interface RateLimitState {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** Epoch seconds at which a rejected request would be allowed. */
  reset: number;
}

const WINDOW_MS = 1000;

/** Allows `limit` requests in any one second for each name. Rejected requests do not count. */
export class RateLimit {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #recent = new Map<string, number[]>();

  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** The number of names with recent requests. */
  get size(): number {
    return this.#recent.size;
  }

  take(name: string): RateLimitState {
    const now = this.#now();
    this.#deleteBefore(now - WINDOW_MS);
    const key = name.toLowerCase();
    const times = (this.#recent.get(key) ?? []).filter((time) => time > now - WINDOW_MS);
    const allowed = times.length < this.#limit;
    if (allowed) {
      times.push(now);
      // Re-inserted, so that the map stays ordered by the latest request.
      this.#recent.delete(key);
      this.#recent.set(key, times);
    }
    return {
      allowed,
      limit: this.#limit,
      remaining: Math.max(0, this.#limit - times.length),
      reset: Math.ceil(((times[0] ?? now) + WINDOW_MS) / 1000),
    };
  }

  #deleteBefore(time: number): void {
    for (const [name, times] of this.#recent) {
      if ((times.at(-1) ?? 0) > time) return;
      this.#recent.delete(name);
    }
  }
}
