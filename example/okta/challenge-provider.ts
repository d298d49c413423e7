import { randomBytes } from 'node:crypto';
import type * as OidcProvider from 'oidc-provider';
import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { Storage } from './adapter.js';
import {
  challenge,
  parameters,
  type ChallengeParameters,
  type ChallengeParts,
} from './challenge-endpoint.js';
import {
  clientAuthentication,
  respondAsOkta,
  respondFailed,
  respondNotFound,
} from './provider-common.js';
import type { SigningKey } from './signing-key.js';

/** Never on the wire; see below. */
const GRANT = 'challenge';

/**
 * `/challenge` authenticates its clients as `/token` does, which oidc-provider offers no part for. So
 * this is a second provider whose token endpoint is `/challenge`, with a single grant that is put into
 * each request. The audience of client assertions is then the URL of `/challenge`, and the storage
 * that it shares with the other provider takes no assertion twice.
 */
export function createChallengeProvider(
  oidc: typeof OidcProvider,
  key: SigningKey,
  parts: ChallengeParts & { issuer: string; endpoints: string; storage: Storage },
): Provider {
  const { endpoints, storage } = parts;
  const provider = new oidc.Provider(parts.issuer, {
    adapter: (model) => {
      const adapter = storage.adapter(model);
      if (model !== 'Client') return adapter;
      const find = async (id: string) => {
        const client = await adapter.find(id);
        return client && { ...client, grant_types: [GRANT] };
      };
      return { ...adapter, find };
    },
    jwks: { keys: [key.jwk] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    routes: { token: `${endpoints}/challenge` },
    ...clientAuthentication(oidc),
    features: { devInteractions: { enabled: false }, dPoP: { enabled: false } },
    clientBasedCORS: () => false,
    findAccount: () => undefined,
  });
  provider.registerGrantType(
    GRANT,
    async (ctx: TokenEndpointGrantContext<ChallengeParameters>) => {
      ctx.body = await challenge(parts, ctx.oidc.client.clientId, ctx.oidc.params);
    },
    parameters,
  );
  provider.on('grant.error', respondAsOkta);
  provider.on('server_error', respondFailed);
  provider.use(async ({ req }, next) => {
    const field = `grant_type=${GRANT}&`;
    const { headers } = req;
    headers['content-type'] ??= 'application/x-www-form-urlencoded';
    if (headers['transfer-encoding'] === undefined) {
      headers['content-length'] = String(Number(headers['content-length'] ?? 0) + field.length);
    }
    req.unshift(field);
    await next();
  });
  provider.use(respondNotFound);
  return provider;
}
