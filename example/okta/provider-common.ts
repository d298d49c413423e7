import type * as OidcProvider from 'oidc-provider';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { internalError, notFound, OktaError, toOktaError } from './errors.js';

/** Client authentication of `/token` and its neighbours, and of `/challenge`. */
export const clientAuthentication = (
  oidc: typeof OidcProvider,
): Pick<Configuration, 'clientAuthMethods' | 'assertJwtClientAuthClaimsAndHeader'> => ({
  clientAuthMethods: [
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt',
    'none',
  ],
  assertJwtClientAuthClaimsAndHeader: (ctx, claims) => {
    assertClientAssertion(oidc, ctx, claims);
  },
});

/** Replaces the error of oidc-provider, or of one of the grants, with Okta's. */
export function respondAsOkta(ctx: KoaContextWithOIDC, err: Error): void {
  const grantTypes = ctx.oidc.client?.grantTypes ?? [];
  const error = err instanceof OktaError ? err : toOktaError(err, grantTypes);
  if (!error) return;
  ctx.status = error.statusCode;
  ctx.body = error.body;
}

export function respondFailed(ctx: KoaContextWithOIDC, err: Error): void {
  console.error('The stand-in for Okta failed:', err);
  ctx.body = internalError().body;
}

/** After everything else: no route has responded. */
export async function respondNotFound(
  ctx: KoaContextWithOIDC,
  next: () => Promise<void>,
): Promise<void> {
  await next();
  if (ctx.status !== 404 || ctx.body !== undefined) return;
  const { originalUrl = ctx.path } = ctx.req as { originalUrl?: string };
  const { statusCode, body } = notFound(originalUrl);
  ctx.status = statusCode;
  ctx.body = body;
}

/**
 * The rules of Okta's guide `build-self-signed-jwt` that oidc-provider leaves to the server: `sub`
 * is the client, `aud` the URL of the endpoint (oidc-provider would also accept the issuer), `exp`
 * at most one hour from now.
 */
function assertClientAssertion(
  oidc: typeof OidcProvider,
  ctx: KoaContextWithOIDC,
  claims: Record<string, unknown>,
): void {
  const endpoint = ctx.oidc.urlFor(ctx.oidc.route);
  const hourFromNow = Math.floor(Date.now() / 1000) + 3600;
  if (claims['sub'] !== claims['iss']) {
    throw new oidc.errors.InvalidClientAuth('sub (JWT subject) must be the client_id');
  }
  if (claims['aud'] !== endpoint) {
    throw new oidc.errors.InvalidClientAuth(`audience (aud) must be ${endpoint}`);
  }
  if (Number(claims['exp']) > hourFromNow) {
    throw new oidc.errors.InvalidClientAuth('exp must be at most one hour from now');
  }
}
