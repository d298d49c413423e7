import type { TokenEndpointGrantContext } from 'oidc-provider';
import { account } from '../account.js';
import type { User } from '../users.js';

/** The token response of both grants; signing, storage and claims are oidc-provider's. */
export async function issueTokens(
  ctx: TokenEndpointGrantContext,
  user: User,
  login: { scope: string; amr: string[]; grantType: string },
): Promise<void> {
  const { client, provider } = ctx.oidc;
  const { scope, amr, grantType } = login;
  const scopes = scope.split(' ');
  const authTime = Math.floor(Date.now() / 1000);

  const owner = account(user);
  ctx.oidc.entity('Account', owner);
  const grant = new provider.Grant({ accountId: user.id, clientId: client.clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();

  const issued = { accountId: user.id, client, grantId, gty: grantType, scope };
  const accessToken = new provider.AccessToken(issued);
  ctx.oidc.entity('AccessToken', accessToken);
  const accessTokenValue = await accessToken.save();

  let refreshToken: string | undefined;
  if (scopes.includes('offline_access') && client.grantTypeAllowed('refresh_token')) {
    const token = new provider.RefreshToken({ ...issued, amr, authTime });
    ctx.oidc.entity('RefreshToken', token);
    refreshToken = await token.save();
  }

  let idToken: string | undefined;
  if (scopes.includes('openid')) {
    const claims = await owner.claims('id_token', scope, {}, []);
    const token = new provider.IdToken({ ...claims, amr, auth_time: authTime }, { ctx });
    Object.assign(token, { scope });
    token.set('at_hash', accessTokenValue);
    idToken = await token.issue({ use: 'idtoken' });
  }

  ctx.body = {
    token_type: 'Bearer',
    expires_in: accessToken.expiration,
    access_token: accessTokenValue,
    scope,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(idToken === undefined ? {} : { id_token: idToken }),
  };
}
