import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Client } from './clients.js';

/** The setting of an app, in the names of Okta's Apps API. */
export interface RefreshTokenSetting {
  /** `STATIC`: a refresh token stays the same. */
  rotation_type: 'ROTATE' | 'STATIC';
  /** Seconds, 0 to 60, for which a used refresh token still works; without meaning for `STATIC`. */
  leeway?: number;
}

/** Okta's default, in seconds. */
const LEEWAY = 30;

export const rotates = (client: Client | undefined): boolean =>
  client?.refresh_token?.rotation_type !== 'STATIC';

/**
 * The adapter of refresh tokens. oidc-provider ends all tokens of a login when a used refresh token
 * comes again; during the grace period it does not get to see that the token was used.
 */
export function withGracePeriod(
  adapter: Adapter,
  clients: ReadonlyMap<string, Client>,
  now: () => number,
): Adapter {
  const leewayOf = ({ clientId = '' }: AdapterPayload): number =>
    clients.get(clientId)?.refresh_token?.leeway ?? LEEWAY;
  return {
    ...adapter,
    async consume(id) {
      const payload = await adapter.find(id);
      // The first use counts: the period grows no longer by another.
      if (payload) payload['usedAt'] ??= now();
      await adapter.consume(id);
    },
    async find(id) {
      const payload = await adapter.find(id);
      if (!payload) return payload;
      const usedAt: unknown = payload['usedAt'];
      const isOver = typeof usedAt === 'number' && now() >= usedAt + leewayOf(payload) * 1000;
      return isOver ? payload : { ...payload, consumed: undefined };
    },
  };
}
