import { noScopes, openidScopeNeeded, unknownScopes } from '../errors.js';

/** The scopes in OpenAPI `OrgASOidcMetadata`. */
export const SCOPES = [
  'openid',
  'email',
  'profile',
  'address',
  'phone',
  'offline_access',
  'groups',
];

const NEED_OPENID = ['email', 'profile', 'address', 'phone'];

/** The requested scopes, without duplicates. @throws OktaError with Okta's response */
export function checkScope(scope: string | undefined): string {
  const requested = new Set((scope ?? '').split(' ').filter(Boolean));
  if (requested.size === 0) throw noScopes();
  if ([...requested].some((name) => !SCOPES.includes(name))) throw unknownScopes();
  if (!requested.has('openid') && NEED_OPENID.some((name) => requested.has(name))) {
    throw openidScopeNeeded();
  }
  return [...requested].join(' ');
}
