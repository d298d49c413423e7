import type { OktaIdTokenClaims } from './id-token.js';

/** Passport's normalised profile, read from the verified claims (OIDC Core §5.1). */
export interface OktaProfile {
  /** The name that Passport knows the provider by. */
  provider: 'okta';
  /** `sub`: Okta's id of the user, such as `00u5t60iloOHN9pBi0g7`. The only stable key. */
  id: string;
  /** `preferred_username`: what the person signs in with. */
  username?: string;
  /** `name` */
  displayName?: string;
  /** `family_name`, `given_name`, `middle_name` */
  name?: { familyName?: string; givenName?: string; middleName?: string };
  /** `email`, with scope `email`; `verified` (`email_verified`) where Okta says it. */
  emails?: { value: string; verified?: boolean }[];
  /** All claims: those of the ID token, and those of `/userinfo` when it was read. */
  _json: Record<string, unknown>;
}

/**
 * Makes the profile.
 * @param userInfo claims of `/userinfo`, which go on top of the ID token's
 */
export function toProfile(
  claims: OktaIdTokenClaims,
  userInfo?: Readonly<Record<string, unknown>>,
): OktaProfile {
  const json: Record<string, unknown> = { ...claims, ...userInfo };
  const profile: OktaProfile = { provider: 'okta', id: claims.sub, _json: json };

  const username = nonEmptyString(json['preferred_username']);
  if (username !== undefined) profile.username = username;
  const displayName = nonEmptyString(json['name']);
  if (displayName !== undefined) profile.displayName = displayName;

  const name: NonNullable<OktaProfile['name']> = {};
  const familyName = nonEmptyString(json['family_name']);
  if (familyName !== undefined) name.familyName = familyName;
  const givenName = nonEmptyString(json['given_name']);
  if (givenName !== undefined) name.givenName = givenName;
  const middleName = nonEmptyString(json['middle_name']);
  if (middleName !== undefined) name.middleName = middleName;
  if (Object.keys(name).length > 0) profile.name = name;

  const email = nonEmptyString(json['email']);
  const verified = json['email_verified'];
  if (email !== undefined) {
    profile.emails = [{ value: email, ...(typeof verified === 'boolean' ? { verified } : {}) }];
  }
  return profile;
}

function nonEmptyString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
