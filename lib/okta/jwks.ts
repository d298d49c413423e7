import { createPublicKey, type KeyObject } from 'node:crypto';
import { OktaResponseError } from '../errors.js';
import type { OktaDispatcher } from '../undici.js';
import { globalDispatcher } from './dispatch.js';
import type { HttpClient } from './http.js';

/** The issuer's public keys (RFC 7517), cached. */
export interface Jwks {
  /**
   * Fetches the keys, unless there are some to verify with: then it costs nothing, not even a promise.
   * @throws (rejects with) the typed error of the call to the keys endpoint
   */
  ready(): Promise<void> | undefined;
  /** The key with this id; an unknown id fetches the keys again, at most once in ten seconds. */
  find(kid: string): Promise<KeyObject | undefined> | KeyObject;
}

/** Milliseconds after which the keys are fetched again. */
const MAX_AGE = 60 * 60 * 1000;
/** While the keys endpoint is down, keys stay valid up to this age, also a key that Okta has withdrawn. */
const MAX_STALE_AGE = 24 * 60 * 60 * 1000;
/** Milliseconds between two fetches for an unknown `kid`, and after a failed one while old keys are there. */
const COOLDOWN = 10 * 1000;

/**
 * The caches of this process: an app with tenants may make a strategy for each, or for each request.
 * By dispatcher, since what one of them answers is not for another: a test's mock, a tenant's proxy.
 */
const caches = new WeakMap<OktaDispatcher, Map<string, KeyCache>>();

/**
 * The keys of one client. Fetches nothing until the first login.
 * @param url of the keys endpoint
 * @param clientID asked for, since an app may sign with a key of its own, which is listed only then
 *   (Okta's OpenAPI: `oauthKeys`)
 */
export function createJwks(
  http: HttpClient,
  {
    url,
    clientID,
    dispatcher,
  }: { url: URL; clientID: string; dispatcher: OktaDispatcher | undefined },
): Jwks {
  const ofClient = new URL(url);
  ofClient.searchParams.set('client_id', clientID);
  const cache = (): KeyCache => cacheOf(dispatcher ?? globalDispatcher(), ofClient.href);
  return {
    ready: () => cache().ready(http, ofClient),
    find: (kid) => cache().find(kid, http, ofClient),
  };
}

function cacheOf(dispatcher: OktaDispatcher, href: string): KeyCache {
  const ofDispatcher = caches.get(dispatcher) ?? new Map<string, KeyCache>();
  caches.set(dispatcher, ofDispatcher);
  let cache = ofDispatcher.get(href);
  if (cache === undefined) ofDispatcher.set(href, (cache = new KeyCache()));
  return cache;
}

class KeyCache {
  #keys: ReadonlyMap<string, KeyObject> = new Map();
  #fetchedAt = -Infinity;
  #failedAt = -Infinity;
  #soughtUnknownAt = -Infinity;
  #pending: Promise<void> | undefined;

  ready(http: HttpClient, url: URL): Promise<void> | undefined {
    const now = Date.now();
    const age = now - this.#fetchedAt;
    if (age < MAX_AGE) return undefined;
    if (age >= MAX_STALE_AGE) return this.#refresh(http, url);
    if (now - this.#failedAt < COOLDOWN) return undefined;
    return this.#refresh(http, url).catch(() => undefined);
  }

  find(kid: string, http: HttpClient, url: URL): Promise<KeyObject | undefined> | KeyObject {
    const fetching = this.ready(http, url);
    const key = fetching === undefined ? this.#keys.get(kid) : undefined;
    return key ?? this.#seek(kid, http, url, fetching);
  }

  async #seek(
    kid: string,
    http: HttpClient,
    url: URL,
    fetching: Promise<void> | undefined,
  ): Promise<KeyObject | undefined> {
    await fetching;
    const key = this.#keys.get(kid);
    if (key !== undefined) return key;
    const now = Date.now();
    if (this.#pending === undefined && now - this.#soughtUnknownAt < COOLDOWN) return undefined;
    await this.#refresh(http, url);
    // Only after a fetch that succeeded: while the endpoint is down every login tries again.
    this.#soughtUnknownAt = now;
    return this.#keys.get(kid);
  }

  /** Requests that need the keys at the same time share one fetch. */
  #refresh(http: HttpClient, url: URL): Promise<void> {
    this.#pending ??= fetchKeys(http, url)
      .then(
        (fetched) => {
          this.#keys = fetched;
          this.#fetchedAt = Date.now();
        },
        (error: unknown) => {
          this.#failedAt = Date.now();
          throw error;
        },
      )
      .finally(() => {
        this.#pending = undefined;
      });
    return this.#pending;
  }
}

async function fetchKeys(http: HttpClient, url: URL): Promise<ReadonlyMap<string, KeyObject>> {
  const { status, json } = await http({ method: 'GET', url, headers: {} });
  if (status !== 200 || !Array.isArray(json?.['keys'])) {
    throw new OktaResponseError(
      status === 200 ? 'invalid_response' : 'okta_error',
      `Okta's keys could not be read from ${url.href} (HTTP ${status}). Check the issuer option.`,
    );
  }
  const keys = new Map<string, KeyObject>();
  for (const jwk of json['keys'] as unknown[]) {
    const { kid, kty, use, alg } = (jwk ?? {}) as Record<string, unknown>;
    if (typeof kid !== 'string' || kty !== 'RSA') continue;
    if ((use ?? 'sig') !== 'sig' || (alg ?? 'RS256') !== 'RS256') continue;
    try {
      const key = createPublicKey({ key: jwk as never, format: 'jwk' });
      // jsonwebtoken would reject shorter ones, after the passcode is spent.
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) keys.set(kid, key);
    } catch {
      // A key that cannot be read verifies nothing; the others still do.
    }
  }
  if (keys.size === 0) {
    throw new OktaResponseError('invalid_response', `There is no RS256 key at ${url.href}.`);
  }
  return keys;
}
