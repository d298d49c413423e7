import { OktaResponseError } from '../errors.js';
import type { HttpClient } from './http.js';

export interface UserInfoRequest {
  accessToken: string;
  /** `sub` of the verified ID token. */
  sub: string;
}

/**
 * Reads `/userinfo` (OIDC Core §5.3).
 *
 * @throws OktaResponseError `invalid_userinfo`, also if `sub` differs from the ID token's: the access
 *   token is somebody else's (§5.3.2)
 */
export async function readUserInfo(
  http: HttpClient,
  url: URL,
  { accessToken, sub }: UserInfoRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const headers = { authorization: `Bearer ${accessToken}` };
  const { status, json } = await http({ method: 'GET', url, headers });
  if (status !== 200 || json === undefined) {
    throw new OktaResponseError(
      'invalid_userinfo',
      `Okta's userinfo endpoint gave no claims (HTTP ${status}).`,
    );
  }
  if (json['sub'] !== sub) {
    throw new OktaResponseError(
      'invalid_userinfo',
      "Okta's userinfo endpoint answered with another sub than the ID token's.",
    );
  }
  return json;
}
