import { createPublicKey, type KeyObject } from 'node:crypto';
import { OktaResponseError } from '../errors.js';
import type { HttpClient } from './http.js';

/** The issuer's public keys (RFC 7517), cached. */
export interface Jwks {
  /**
   * Resolves once there are keys to verify with. Costs nothing while they are cached.
   * @throws the typed error of the call to the keys endpoint
   */
  ready(): Promise<void>;
  /** The key with this id; an unknown id fetches the keys again, at most once in ten seconds. */
  find(kid: string): Promise<KeyObject | undefined>;
}

/** Milliseconds after which the keys are fetched again. */
const MAX_AGE = 60 * 60 * 1000;
/** While the keys endpoint is down, keys stay valid up to this age, also a key that Okta has withdrawn. */
const MAX_STALE_AGE = 24 * 60 * 60 * 1000;
/** Milliseconds between two fetches for an unknown `kid`, and after a failed one while old keys are there. */
const COOLDOWN = 10 * 1000;

/** Fetches nothing until the first login. */
export function createJwks(http: HttpClient, url: URL): Jwks {
  let keys: ReadonlyMap<string, KeyObject> = new Map();
  let fetchedAt = -Infinity;
  let failedAt = -Infinity;
  let soughtUnknownAt = -Infinity;
  let pending: Promise<void> | undefined;

  /** Requests that need the keys at the same time share one fetch. */
  function refresh(): Promise<void> {
    pending ??= fetchKeys(http, url)
      .then(
        (fetched) => {
          keys = fetched;
          fetchedAt = Date.now();
        },
        (error: unknown) => {
          failedAt = Date.now();
          throw error;
        },
      )
      .finally(() => {
        pending = undefined;
      });
    return pending;
  }

  async function ready(): Promise<void> {
    const now = Date.now();
    const age = now - fetchedAt;
    if (age < MAX_AGE) return;
    if (age >= MAX_STALE_AGE) return refresh();
    if (now - failedAt < COOLDOWN) return;
    await refresh().catch(() => undefined);
  }

  async function find(kid: string): Promise<KeyObject | undefined> {
    await ready();
    const key = keys.get(kid);
    if (key !== undefined) return key;
    const now = Date.now();
    if (pending === undefined && now - soughtUnknownAt < COOLDOWN) return undefined;
    await refresh();
    // Only after a fetch that succeeded: while the endpoint is down every login tries again.
    soughtUnknownAt = now;
    return keys.get(kid);
  }

  return { ready, find };
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
