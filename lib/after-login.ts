import type { IncomingMessage, ServerResponse } from 'node:http';
import { publishingCall } from './events.js';
import type { OktaClient } from './okta/client.js';
import type { Revocable } from './okta/revocation-endpoint.js';
import type { OktaKeptTokens, OktaRefreshedTokens } from './okta/tokens.js';
import type { Settings } from './options/index.js';
import { hasLoginFailed } from './passport.js';
import type { Visit } from './visit.js';

/** What becomes of the tokens of a login. */
export class AfterLogin {
  readonly #okta: OktaClient;
  readonly #client: Pick<Settings, 'issuer' | 'clientID'>;

  constructor(okta: OktaClient, { issuer, clientID }: Pick<Settings, 'issuer' | 'clientID'>) {
    this.#okta = okta;
    this.#client = { issuer, clientID };
  }

  async refresh(tokens: OktaKeptTokens | string): Promise<OktaRefreshedTokens> {
    const { refresh_token: refreshToken, scope } =
      typeof tokens === 'string' ? { refresh_token: tokens } : (tokens ?? {});
    if (!isText(refreshToken)) {
      throw new TypeError(
        'refresh() needs a refresh token, or tokens with a refresh_token. Okta gives one with the scope offline_access.',
      );
    }
    const sub = subjectOf(tokens);
    const about = { ...this.#client, step: 'refresh', sub } as const;
    return await publishingCall(about, () =>
      this.#okta.refresh({ refreshToken, scope: isText(scope) ? scope : undefined, sub }),
    );
  }

  async revoke(tokens: OktaKeptTokens | string): Promise<void> {
    const revocable = revocableOf(tokens);
    if (revocable === undefined) {
      throw new TypeError(
        'revoke() needs a token, or tokens with a refresh_token or access_token.',
      );
    }
    const about = { ...this.#client, step: 'revoke', sub: subjectOf(tokens) } as const;
    await publishingCall(about, () => this.#okta.revoke(revocable));
  }

  /** Once, after the response, so that nobody waits for it; what it comes to is only an event. */
  revokeUnused({ req, grants, attempt, logsIn }: Visit): void {
    const res = responseOf(req);
    // Passport's own part of the login may fail yet.
    const isDecided = !logsIn || res === undefined;
    if (grants.all.length === 0 || (isDecided && grants.unused.length === 0)) return;
    const { sub } = attempt;
    const about = { ...this.#client, step: 'revoke', sub, request: req } as const;
    afterResponse(res, () => {
      const granted = logsIn && hasLoginFailed(req) ? grants.all : grants.unused;
      for (const revocable of granted.map(revocableOf)) {
        if (revocable === undefined) continue;
        publishingCall(about, () => this.#okta.revoke(revocable)).catch(() => undefined);
      }
    });
  }
}

/** A refresh token takes its access tokens along, and not the reverse (Okta: guides/revoke-tokens). */
function revocableOf(tokens: OktaKeptTokens | string): Revocable | undefined {
  if (typeof tokens === 'string') return isText(tokens) ? { token: tokens } : undefined;
  const { refresh_token, access_token } = tokens ?? {};
  if (isText(refresh_token)) return { token: refresh_token, hint: 'refresh_token' };
  return isText(access_token) ? { token: access_token, hint: 'access_token' } : undefined;
}

/** Whose tokens they are, as far as the app has kept it. The ID token was verified when it came. */
function subjectOf(tokens: OktaKeptTokens | string): string | undefined {
  if (typeof tokens === 'string') return undefined;
  const subs = [tokens.claims, payloadOf(tokens.id_token)].map((claims) => claims?.sub);
  return subs.find(isText);
}

function payloadOf(jwt: unknown): { sub?: unknown } | undefined {
  try {
    const [, payload = ''] = String(jwt).split('.');
    return Object(JSON.parse(Buffer.from(payload, 'base64url').toString())) as object;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

/** That of the request, unless it is over. Express puts it there. */
function responseOf(req: IncomingMessage): ServerResponse | undefined {
  const { res } = req as { res?: ServerResponse };
  return typeof res?.once !== 'function' || res.writableFinished || res.destroyed ? undefined : res;
}

/** Without a response to wait for, on the next turn of the event loop. */
function afterResponse(res: ServerResponse | undefined, run: () => void): void {
  if (res === undefined) setImmediate(run);
  // It comes after `finish`, too.
  else res.once('close', run);
}
