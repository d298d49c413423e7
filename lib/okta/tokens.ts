import type { OktaIdTokenClaims } from './id-token.js';

/** Okta's response to a granted request (RFC 6749 §5.1, OIDC Core §3.1.3.3), under its wire names. */
export interface OktaTokenSet {
  /** For Okta's APIs or the app's own, as a bearer token (RFC 6750). */
  access_token: string;
  /** As it came; its verified claims are in `claims` of `OktaTokens`. */
  id_token: string;
  /** `Bearer` */
  token_type?: string;
  /** Seconds. */
  expires_in?: number;
  /** The scopes granted, space separated. */
  scope?: string;
  /** With scope `offline_access`. */
  refresh_token?: string;
  /** With scope `device_sso`. */
  device_secret?: string;
}

/** What the verify function gets: Okta's tokens, and the verified claims of the ID token. */
export interface OktaTokens extends OktaTokenSet {
  /** The verified claims of the ID token. */
  claims: OktaIdTokenClaims;
}
