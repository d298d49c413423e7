import type { Authenticated } from '../okta/state.js';

/**
 * What this process knows of a login that waits, beyond the session. Requests that come at once
 * each have a copy of the session of their own, as old as their arrival; here they meet.
 */
export interface WaitingLogin {
  /** Wrong passcodes seen by this process. */
  attempts: number;
  /** Used up, cancelled, or replaced by another password step: nothing of it is to be saved. */
  dropped: boolean;
  /** Okta's grant, for a second request with the same passcode (a double click). */
  granted: { otp: string; status: Authenticated } | undefined;
}

export interface WaitingLogins {
  /**
   * Runs a passcode request when those before it on the same login have ended, so that no two count
   * as one. When the request before came to nothing (Okta unreachable, too slow, rate limited), those
   * that waited behind it share its outcome, rather than wait for the same once more each.
   *
   * @param cameToNothing whether an outcome is of that kind; a rejection always is
   */
  inTurn<T>(
    id: string,
    turn: (login: WaitingLogin) => Promise<T>,
    cameToNothing: (outcome: T) => boolean,
  ): Promise<T>;
  /** Holds on to the knowledge of a login until the returned function is called. */
  hold(id: string, expiresAt: number): () => void;
  /** Marks a login as dropped, for requests that are under way with an old copy of the session. */
  drop(id: string, expiresAt: number): void;
}

/**
 * Milliseconds for which a grant is kept for the second half of a double click, and the pace of
 * forgetting. It is for a request that has read its session before the first one ended, and comes to
 * the strategy after that; one that comes later finds its session gone.
 */
const LINGER = 500;

interface Entry extends WaitingLogin {
  /** The outcome that the next in line shares, if it is one to be shared. */
  tail: Promise<Outcome<unknown> | undefined>;
  holders: number;
  /** Milliseconds since the epoch, once nobody holds it. */
  forgetAt: number;
}

export function createWaitingLogins(): WaitingLogins {
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;

  function forget(): void {
    timer = undefined;
    const now = Date.now();
    for (const [id, entry] of entries) {
      if (entry.holders > 0 || entry.forgetAt > now) continue;
      entries.delete(id);
      // The Map's outgrown tables keep an entry alive until a full collection: not with tokens in it.
      entry.granted = undefined;
    }
    forgetLater();
  }

  /** One timer for all, which keeps no process alive, and none when there is nothing to forget. */
  function forgetLater(): void {
    if (timer === undefined && entries.size > 0) timer = setTimeout(forget, LINGER).unref();
  }

  function get(id: string): Entry {
    let entry = entries.get(id);
    if (entry === undefined) {
      const tail = Promise.resolve(undefined);
      entry = { attempts: 0, dropped: false, granted: undefined, tail, holders: 0, forgetAt: 0 };
      entries.set(id, entry);
    }
    return entry;
  }

  return {
    hold(id, expiresAt) {
      const entry = get(id);
      entry.holders += 1;
      return () => {
        entry.holders -= 1;
        if (entry.holders > 0) return;
        if (entry.granted !== undefined) entry.forgetAt = Date.now() + LINGER;
        // The count of wrong passcodes outlives the requests: one with an old copy of the session
        // may still be on its way.
        else if (entry.attempts > 0 || entry.dropped) entry.forgetAt = expiresAt;
        else entries.delete(id);
        forgetLater();
      };
    },

    async inTurn<T>(
      id: string,
      turn: (login: WaitingLogin) => Promise<T>,
      cameToNothing: (outcome: T) => boolean,
    ): Promise<T> {
      const entry = get(id);
      const own = entry.tail.then(async (shared): Promise<Outcome<T>> => {
        // Only what the same function gave for the same login is ever in this chain.
        if (shared !== undefined) return shared as Outcome<T>;
        try {
          const value = await turn(entry);
          return { value, shared: cameToNothing(value) };
        } catch (error) {
          return { error, shared: true };
        }
      });
      const tail = own.then((outcome) => (outcome.shared ? outcome : undefined));
      entry.tail = tail;
      const outcome = await own;
      // Nobody waits behind: whoever comes next asks anew.
      if (entry.tail === tail) entry.tail = Promise.resolve(undefined);
      if ('error' in outcome) throw outcome.error;
      return outcome.value;
    },

    drop(id, expiresAt) {
      const entry = get(id);
      entry.dropped = true;
      if (entry.holders === 0) entry.forgetAt = expiresAt;
      forgetLater();
    },
  };
}

type Outcome<T> = { value: T; shared: boolean } | { error: unknown; shared: boolean };
