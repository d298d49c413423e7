/** The content of the `X-Rate-Limit-*` headers. */
export interface RateLimitState {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** Epoch seconds at which a rejected request would be allowed. */
  reset: number;
}

/** Allows `limit` requests in any window of time for each name. Rejected requests do not count. */
export class RateLimit {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #recent = new Map<string, number[]>();

  constructor(limit: number, windowMs: number, now: () => number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#now = now;
  }

  /** The number of names with recent requests. */
  get size(): number {
    return this.#recent.size;
  }

  take(name: string): RateLimitState {
    const now = this.#now();
    this.#deleteBefore(now - this.#windowMs);
    const key = name.toLowerCase();
    const times = (this.#recent.get(key) ?? []).filter((time) => time > now - this.#windowMs);
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
      reset: Math.ceil(((times[0] ?? now) + this.#windowMs) / 1000),
    };
  }

  #deleteBefore(time: number): void {
    for (const [name, times] of this.#recent) {
      if ((times.at(-1) ?? 0) > time) return;
      this.#recent.delete(name);
    }
  }
}
