import { createHash } from 'node:crypto';

/** The refreshes of this process that are at Okta, by a digest: no refresh token stays in memory for it. */
const underWay = new Map<string, Promise<unknown>>();

/**
 * Calls for the same refresh token that overlap share one request, whichever strategy of the process
 * they come from: with rotation the second would look like a theft to Okta, which then ends all tokens
 * of the login (Okta: guides/refresh-tokens, "Refresh token reuse detection").
 */
export function sharedRefresh<T>(
  { issuer, clientID, refreshToken }: { issuer: string; clientID: string; refreshToken: string },
  refresh: () => Promise<T>,
): Promise<T> {
  const text = JSON.stringify([issuer, clientID, refreshToken]);
  const key = createHash('sha256').update(text).digest('base64url');
  const earlier = underWay.get(key) as Promise<T> | undefined;
  if (earlier !== undefined) return earlier;
  const call = refresh().finally(() => underWay.delete(key));
  underWay.set(key, call);
  return call;
}
