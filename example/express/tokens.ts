import type { Request } from 'express';
import {
  OktaRefreshError,
  type OktaDirectMfaStrategy,
  type OktaTokens,
} from 'passport-okta-direct-mfa';

/** What is kept of a login's tokens: what a refresh, a revocation and a call to an API need. */
export interface KeptTokens {
  access_token: string;
  /** With scope `offline_access`. */
  refresh_token?: string | undefined;
  scope?: string | undefined;
  claims: { sub: string };
  /** Of the access token: milliseconds since the epoch. */
  expiresAt: number;
}

declare module 'express-session' {
  interface SessionData {
    /** On the server only: the browser has the session's id. */
    tokens?: KeptTokens;
  }
}

/** What the strategy does after a login. */
type Strategy = Pick<OktaDirectMfaStrategy, 'refresh' | 'revoke'>;

/** Milliseconds before its end at which an access token is no longer used. */
const MARGIN = 60_000;

/** The tokens of the people who are signed in, each in their session. */
export class SessionTokens {
  readonly #strategy: Strategy;
  readonly #userInfoUrl: string;

  constructor(strategy: Strategy, issuer: string) {
    this.#strategy = strategy;
    const { origin, pathname } = new URL(issuer);
    // The org server's issuer has no path, its endpoints do.
    const path = pathname === '/' ? '/oauth2' : pathname.replace(/\/$/, '');
    this.#userInfoUrl = `${origin}${path}/v1/userinfo`;
  }

  /** After `req.logIn`, which has begun a new session. */
  async keep(req: Request, tokens: OktaTokens): Promise<void> {
    const { claims, ...rest } = tokens;
    req.session.tokens = toKept(rest, claims.sub);
    await save(req);
  }

  /**
   * The claims of `/userinfo`, asked with an access token that is good; `undefined` when they cannot be
   * had now, which is no reason to sign anybody out.
   * @throws OktaRefreshError when the person has to sign in again
   */
  async userInfo(req: Request): Promise<Record<string, unknown> | undefined> {
    const { tokens } = req.session;
    if (tokens === undefined) return undefined;
    try {
      const isExpiring = tokens.expiresAt - MARGIN <= Date.now();
      if (isExpiring && tokens.refresh_token === undefined) return undefined;
      const current = isExpiring ? await this.#refresh(req, tokens) : tokens;
      const response = await this.#ask(current);
      // The access token was revoked: whether the login was too, the refresh token shows.
      if (response.status !== 401 || current !== tokens) return await claimsOf(response);
      return await claimsOf(await this.#ask(await this.#refresh(req, tokens)));
    } catch (error) {
      if (error instanceof OktaRefreshError) throw error;
      // What Okta failed with is in the audit log.
      return undefined;
    }
  }

  /** At the sign-out. Nobody waits for it, and a failure is in the audit log. */
  end(tokens: KeptTokens | undefined): void {
    if (tokens !== undefined) this.#strategy.revoke(tokens).catch(() => undefined);
  }

  #ask({ access_token }: KeptTokens): Promise<Response> {
    const headers = { authorization: `Bearer ${access_token}` };
    return fetch(this.#userInfoUrl, { headers, signal: AbortSignal.timeout(10_000) });
  }

  async #refresh(req: Request, old: KeptTokens): Promise<KeptTokens> {
    const fresh = toKept(await this.#strategy.refresh(old), old.claims.sub);
    // The old ones may be good no longer: before anything else. A session that has ended meanwhile is
    // not brought back by saving it.
    if (await reload(req)) {
      req.session.tokens = fresh;
      await save(req);
    } else this.end(fresh);
    return fresh;
  }
}

function toKept(
  { access_token, refresh_token, scope, expires_in = 0 }: Omit<OktaTokens, 'claims' | 'id_token'>,
  sub: string,
): KeptTokens {
  const expiresAt = Date.now() + expires_in * 1000;
  return { access_token, refresh_token, scope, claims: { sub }, expiresAt };
}

async function claimsOf(response: Response): Promise<Record<string, unknown> | undefined> {
  return response.ok ? ((await response.json()) as Record<string, unknown>) : undefined;
}

/** The session as the store has it now; false when it has ended, or cannot be saved anyway. */
function reload(req: Request): Promise<boolean> {
  return new Promise((resolve) => {
    req.session.reload((error: unknown) => resolve(!error && req.session.tokens !== undefined));
  });
}

function save(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.save((error: unknown) => {
      if (error) reject(error instanceof Error ? error : new Error('The session store failed'));
      else resolve();
    });
  });
}
