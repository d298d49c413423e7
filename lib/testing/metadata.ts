import type { Settings } from '../options/index.js';
import { MFA_OOB, MFA_OTP, MFA_WEBAUTHN } from './factors.js';

/** What the issuer says about itself (RFC 8414 §2, OpenID Connect Discovery §3): what is there, and no more. */
export function metadata(
  issuer: string,
  { token, keys, userInfo, revoke }: Settings['endpoints'],
): object {
  const methods = [
    'none',
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt',
  ];
  return {
    issuer,
    token_endpoint: token,
    userinfo_endpoint: userInfo,
    revocation_endpoint: revoke,
    jwks_uri: keys,
    grant_types_supported: ['password', 'refresh_token', MFA_OTP, MFA_OOB, MFA_WEBAUTHN],
    response_types_supported: [],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    claims_supported: ['iss', 'aud', 'sub', 'iat', 'exp', 'auth_time', 'amr', 'name', 'email'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: ['HS256', 'RS256', 'ES256'],
  };
}
