import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Client } from './clients.js';

interface Entry {
  payload: AdapterPayload;
  expiresAt: number;
}

/** A login has two or three entries; the oldest are deleted, so that long runs do not grow. */
export const MAX_ENTRIES = 6_000;
const SWEEP_EVERY = 1_000;

/**
 * The state of one authorization server: grants, tokens, used client assertions. It outlives the
 * Provider, which is created anew when keys rotate. oidc-provider's own in-memory adapter keeps
 * only 1,000 entries, too few for a load test, and prints a warning.
 */
export class Storage {
  readonly #entries = new Map<string, Entry>();
  readonly #clients: ReadonlyMap<string, Client>;
  readonly #now: () => number;
  #inserts = 0;

  /** oidc-provider uses the machine's clock, so only unit tests set `now`. */
  constructor(clients: ReadonlyMap<string, Client>, now: () => number = Date.now) {
    this.#clients = clients;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The adapter of one of oidc-provider's models (`AccessToken`, `Grant`, …). */
  adapter(model: string): Adapter {
    const key = (id: string): string => `${model}:${id}`;
    const done = Promise.resolve();
    return {
      upsert: (id, payload, expiresIn) => {
        this.#set(key(id), payload, expiresIn);
        return done;
      },
      find: (id) => Promise.resolve(model === 'Client' ? this.#client(id) : this.#get(key(id))),
      // Sessions and device codes are for redirect sign-in, which the stand-in does not support.
      findByUid: () => done,
      findByUserCode: () => done,
      consume: (id) => {
        const payload = this.#get(key(id));
        if (payload) payload['consumed'] = Math.floor(this.#now() / 1000);
        return done;
      },
      destroy: (id) => {
        this.#entries.delete(key(id));
        return done;
      },
      revokeByGrantId: (grantId) => {
        for (const [entryKey, { payload }] of this.#entries) {
          if (payload.grantId === grantId) this.#entries.delete(entryKey);
        }
        return done;
      },
    };
  }

  /** What an administrator does with "Clear sessions & revoke tokens". */
  revokeByAccountId(accountId: string): void {
    for (const [entryKey, { payload }] of this.#entries) {
      if (payload.accountId === accountId) this.#entries.delete(entryKey);
    }
  }

  #client(id: string): AdapterPayload | undefined {
    const client = this.#clients.get(id);
    if (!client) return undefined;
    const { client_id, client_secret, token_endpoint_auth_method, grant_types, jwks } = client;
    return {
      client_id,
      ...(client_secret === undefined ? {} : { client_secret }),
      token_endpoint_auth_method,
      grant_types,
      ...(jwks === undefined ? {} : { jwks }),
      response_types: [],
      application_type: 'native',
    };
  }

  #get(key: string): AdapterPayload | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.expiresAt > this.#now()) return entry.payload;
    this.#entries.delete(key);
    return undefined;
  }

  #set(key: string, payload: AdapterPayload, expiresIn: number | undefined): void {
    const expiresAt = expiresIn === undefined ? Infinity : this.#now() + expiresIn * 1000;
    this.#entries.delete(key);
    this.#entries.set(key, { payload, expiresAt });
    this.#inserts += 1;
    if (this.#inserts % SWEEP_EVERY === 0) this.#sweep();
    if (this.#entries.size > MAX_ENTRIES) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
  }

  #sweep(): void {
    const now = this.#now();
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt <= now) this.#entries.delete(key);
    }
  }
}
