import { now } from '../clock.js';
import { unguessable } from './responses.js';
import type { MockOktaUser } from './user.js';

/** The login that tokens belong to: with rotation all of them end when a used refresh token comes again. */
export interface Grant {
  readonly user: MockOktaUser;
  readonly scope: string;
  readonly amr: readonly string[];
  /** Seconds since the epoch. */
  readonly authTime: number;
  ended: boolean;
}

interface RefreshToken {
  grant: Grant;
  usedAt?: number;
}

/** What the mock has given out. */
export interface Tokens {
  issue(grant: Grant, scope: string, refreshToken?: string): { access: string; refresh?: string };
  /** The login of an access token that is good, with the scopes of the token. */
  bearer(accessToken: string): { user: MockOktaUser; scope: string } | undefined;
  /** Takes a refresh token; undefined when it is not good. */
  use(refreshToken: string | undefined): Grant | undefined;
  /** RFC 7009: a refresh token takes its access tokens along, and not the reverse. */
  revoke(token: string | undefined): void;
}

/** Milliseconds for which a used refresh token still works: Okta's default. */
const GRACE_PERIOD = 30_000;

/** @param rotates - whether a refresh token is replaced when it is used */
export function createTokens(users: readonly MockOktaUser[], rotates: boolean): Tokens {
  const access = new Map<string, { grant: Grant; scope: string }>();
  const refresh = new Map<string, RefreshToken>();
  return {
    issue(grant, scope, refreshToken) {
      const accessToken = unguessable();
      access.set(accessToken, { grant, scope });
      if (!grant.scope.split(' ').includes('offline_access')) return { access: accessToken };
      if (refreshToken !== undefined && !rotates) {
        return { access: accessToken, refresh: refreshToken };
      }
      const next = unguessable();
      refresh.set(next, { grant });
      return { access: accessToken, refresh: next };
    },
    bearer(accessToken) {
      const found = access.get(accessToken);
      if (found === undefined || found.grant.ended) return undefined;
      return { user: found.grant.user, scope: found.scope };
    },
    use(refreshToken = '') {
      const token = refresh.get(refreshToken);
      if (token === undefined || token.grant.ended) return undefined;
      const { grant, usedAt } = token;
      if (usedAt !== undefined && now() >= usedAt + GRACE_PERIOD) {
        grant.ended = true;
        return undefined;
      }
      const { user } = grant;
      if (!users.includes(user) || user.locked === true || user.assigned === false)
        return undefined;
      if (rotates) token.usedAt ??= now();
      return grant;
    },
    revoke(token = '') {
      const found = refresh.get(token);
      if (found !== undefined) found.grant.ended = true;
      access.delete(token);
    },
  };
}
