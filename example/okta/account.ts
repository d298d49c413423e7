import { randomBytes } from 'node:crypto';
import type { Account } from 'oidc-provider';
import type { User } from './users.js';

/** The claims of each scope, in ID tokens and at `/userinfo`. */
export const CLAIMS = {
  openid: ['sub', 'ver', 'jti', 'idp', 'amr', 'auth_time'],
  profile: [
    'name',
    'given_name',
    'family_name',
    'preferred_username',
    'locale',
    'zoneinfo',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
};

/** The identity provider (`idp`) of every user here: the org itself. */
const IDP = '00oexampleorg0000000';

/** A user in the form that oidc-provider needs; it selects the claims that the scopes allow. */
export function account(user: User): Account {
  return {
    accountId: user.id,
    claims: (use) => ({
      sub: user.id,
      ...(use === 'id_token'
        ? { ver: 1, idp: IDP, jti: `ID.${randomBytes(32).toString('base64url')}` }
        : {}),
      name: `${user.givenName} ${user.familyName}`,
      given_name: user.givenName,
      family_name: user.familyName,
      preferred_username: user.username,
      locale: 'en_US',
      zoneinfo: 'America/Los_Angeles',
      email: user.username,
      email_verified: true,
    }),
  };
}
