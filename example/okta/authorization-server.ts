import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import jwt from 'jsonwebtoken';
import type * as OidcProvider from 'oidc-provider';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { account, CLAIMS } from './account.js';
import type { Storage } from './adapter.js';
import { createChallengeProvider } from './challenge-provider.js';
import {
  clientAuthentication,
  respondAsOkta,
  respondFailed,
  respondNotFound,
} from './provider-common.js';
import type { ChallengeParts } from './challenge-endpoint.js';
import * as mfaOob from './grants/mfa-oob.js';
import * as mfaOtp from './grants/mfa-otp.js';
import * as mfaWebauthn from './grants/mfa-webauthn.js';
import * as password from './grants/password.js';
import { SCOPES } from './grants/scope.js';
import type { Passcodes } from './passcodes.js';
import type { RateLimit } from './rate-limit.js';
import { rotates, withGracePeriod } from './refresh-tokens.js';
import { newSigningKey, publicJwk, type SigningKey } from './signing-key.js';

export interface AuthorizationServerParts extends ChallengeParts {
  readonly issuer: string;
  /** `/oauth2/v1` below the org's issuer, `/v1` below a custom server's. */
  readonly endpoints: string;
  readonly passcodes: Passcodes;
  /** Of passwords, by username. */
  readonly rateLimit: RateLimit;
  readonly storage: Storage;
  /** Seconds. */
  readonly accessTokenLifetime: number;
  /** For the grace period of refresh tokens. */
  readonly now: () => number;
  /** A client's own key, if this server signs with it. */
  readonly clientKey: (clientId: string) => SigningKey | undefined;
}

type Callback = (req: IncomingMessage, res: ServerResponse) => unknown;

/** One of Okta's authorization servers: oidc-provider with more grants, `/challenge` and Okta's wording. */
export class AuthorizationServer {
  readonly issuer: string;
  readonly #oidc: typeof OidcProvider;
  readonly #parts: AuthorizationServerParts;
  #keys: [SigningKey, ...SigningKey[]];
  #callback: Callback;
  readonly #challengeCallback: Callback;

  constructor(oidc: typeof OidcProvider, key: SigningKey, parts: AuthorizationServerParts) {
    this.issuer = parts.issuer;
    this.#oidc = oidc;
    this.#parts = parts;
    this.#keys = [key];
    this.#callback = createProvider(oidc, this.#keys, parts).callback();
    this.#challengeCallback = createChallengeProvider(oidc, key, parts).callback();
  }

  /** The current signing key. */
  get signingKey(): SigningKey {
    return this.#keys[0];
  }

  handle(req: IncomingMessage, res: ServerResponse): void {
    const [path] = (req.url ?? '').split('?');
    const isChallenge = path === `${this.#parts.endpoints}/challenge`;
    void (isChallenge ? this.#challengeCallback : this.#callback)(req, res);
  }

  /** Signs with a new key from now on. With `keepPrevious`, the previous one stays published. */
  async rotateKeys(keepPrevious: boolean): Promise<SigningKey> {
    const key = await newSigningKey();
    this.#keys = keepPrevious ? [key, this.#keys[0]] : [key];
    // oidc-provider reads its keys once, so a new provider takes over, with the same storage.
    this.#callback = createProvider(this.#oidc, this.#keys, this.#parts).callback();
    return key;
  }
}

function createProvider(
  oidc: typeof OidcProvider,
  keys: readonly SigningKey[],
  parts: AuthorizationServerParts,
): Provider {
  const { clientKey, clients, directory, endpoints, now, storage } = parts;
  const provider = new oidc.Provider(parts.issuer, {
    adapter: (model) => {
      const adapter = storage.adapter(model);
      return model === 'RefreshToken' ? withGracePeriod(adapter, clients, now) : adapter;
    },
    jwks: { keys: keys.map((key) => key.jwk) },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    routes: {
      authorization: `${endpoints}/authorize`,
      token: `${endpoints}/token`,
      jwks: `${endpoints}/keys`,
      userinfo: `${endpoints}/userinfo`,
      revocation: `${endpoints}/revoke`,
      introspection: `${endpoints}/introspect`,
      end_session: `${endpoints}/logout`,
    },
    scopes: SCOPES,
    claims: CLAIMS,
    // Okta puts the profile's claims into the ID token too, not only at /userinfo.
    conformIdTokenClaims: false,
    ...clientAuthentication(oidc),
    rotateRefreshToken: ({ oidc: { client } }) => rotates(clients.get(client?.clientId ?? '')),
    ttl: {
      AccessToken: parts.accessTokenLifetime,
      IdToken: 3600,
      RefreshToken: 7 * 24 * 3600,
      Grant: 7 * 24 * 3600,
      Interaction: 300,
      Session: 3600,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      revocation: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => {
          if (token.clientId !== client.clientId) return false;
          if (token.kind !== 'AccessToken') return true;
          // At Okta an access token ends alone; oidc-provider would end its refresh token too.
          await token.destroy();
          return false;
        },
      },
    },
    clientBasedCORS: () => false,
    // Okta's endpoints send JSON to browsers too.
    renderError: (ctx, out) => {
      ctx.body = out;
    },
    findAccount: (_ctx, id) => {
      const user = directory.findById(id);
      return user && account(user);
    },
  });

  provider.registerGrantType(password.grantType, password.handler(parts), password.parameters);
  for (const grant of [mfaOtp, mfaOob, mfaWebauthn]) {
    provider.registerGrantType(grant.grantType, grant.handler(parts), grant.parameters);
  }

  // These events come after oidc-provider has written its own response, before it is sent.
  provider.on('grant.error', respondAsOkta);
  provider.on('introspection.error', respondAsOkta);
  provider.on('revocation.error', respondAsOkta);
  provider.on('server_error', respondFailed);
  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    useClientKey(ctx, clientKey);
  });
  provider.use(respondNotFound);
  return provider;
}

/** Signs an ID token again with the key of its client, and lists that key for who asks for it. */
function useClientKey(
  ctx: KoaContextWithOIDC,
  clientKey: AuthorizationServerParts['clientKey'],
): void {
  if (ctx.status !== 200) return;
  const body = ctx.body as Record<string, unknown>;
  const { route, client } = ctx.oidc ?? {};
  if (route === 'jwks') {
    const key = clientKey(String(ctx.query['client_id']));
    if (key) ctx.body = { keys: [...(body['keys'] as object[]), publicJwk(key)] };
  }
  const key = client && clientKey(client.clientId);
  if (route === 'token' && key && typeof body['id_token'] === 'string') {
    const claims = jwt.decode(body['id_token']) as jwt.JwtPayload;
    const id_token = jwt.sign(claims, key.privateKey, { algorithm: 'RS256', keyid: key.kid });
    ctx.body = { ...body, id_token };
  }
}
