import { noScopes, openidScopeNeeded, unknownScopes } from '../errors.js';

/** The scopes of OpenAPI `OrgASOidcMetadata`. */
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

/** The scopes asked for, without doubles, or the error that Okta answers. */
export function checkScope(scope: string | undefined): string {
  const asked = new Set((scope ?? '').split(' ').filter(Boolean));
  if (asked.size === 0) throw noScopes();
  if ([...asked].some((name) => !SCOPES.includes(name))) throw unknownScopes();
  if (!asked.has('openid') && NEED_OPENID.some((name) => asked.has(name))) {
    throw openidScopeNeeded();
  }
  return [...asked].join(' ');
}
