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

/**
 * What `refresh()` and `revoke()` need of the tokens that an app has kept: those of the verify function,
 * or some of their fields.
 */
export interface OktaKeptTokens {
  /** What is refreshed, and what is revoked where there is one. */
  refresh_token?: string | undefined;
  /** What is revoked where there is no refresh token. */
  access_token?: string | undefined;
  /** The scopes to ask for, as Okta granted them. */
  scope?: string | undefined;
  /** Whose tokens they are: a refresh that gives another person's is refused (OIDC Core §12.2). */
  claims?: { sub?: unknown } | undefined;
  /** The same, where `claims` was not kept. */
  id_token?: string | undefined;
}

/**
 * What `refresh()` gives, to be laid over what the app has kept (`{ ...kept, ...fresh }`): Okta may
 * leave the ID token out, and whose tokens they are must stay known.
 */
export interface OktaRefreshedTokens extends Omit<OktaTokenSet, 'id_token'> {
  /** To be used from now on: Okta's new one, or the old one where Okta gave none. */
  refresh_token: string;
  /** Absent where Okta gave none. */
  id_token?: string;
  /** The verified claims of the new ID token; absent where Okta gave none. */
  claims?: OktaIdTokenClaims;
}

/** Tells at once of what Okta has granted, whatever becomes of the rest of its response. */
export type OnGrant = (granted: Pick<OktaKeptTokens, 'access_token' | 'refresh_token'>) => void;

/** What the verify function gets: Okta's tokens, and the verified claims of the ID token. */
export interface OktaTokens extends OktaTokenSet {
  /** The verified claims of the ID token. */
  claims: OktaIdTokenClaims;
}
