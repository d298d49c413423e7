import { createHash, type KeyObject } from 'node:crypto';
import { JsonWebTokenError, verify, type JwtPayload } from 'jsonwebtoken';
import { OktaResponseError } from '../errors.js';
import { quoter } from '../redact.js';
import type { Jwks } from './jwks.js';

/**
 * The claims of a verified ID token: `iss`, `aud`, `sub`, `exp`, `iat` and what else Okta puts in,
 * under their wire names (OpenID Connect Core §2 and §5.1).
 */
export interface OktaIdTokenClaims {
  /** The issuer, as the `issuer` option has it. */
  iss: string;
  /** Okta's id of the user, such as `00u5t60iloOHN9pBi0g7`. */
  sub: string;
  /** The client ID. */
  aud: string | string[];
  /** Seconds since the epoch. */
  exp: number;
  /** Seconds since the epoch. */
  iat: number;
  /** What else Okta puts in, unchecked. */
  [claim: string]: unknown;
}

export interface IdTokenExpectations {
  issuer: string;
  clientID: string;
  /** Seconds. */
  clockTolerance: number;
  jwks: Jwks;
}

/**
 * Verifies an ID token as OpenID Connect Core §3.1.3.7 and Okta's guide "Validate ID tokens" say:
 * RS256 with a key of the issuer, then `iss`, `aud`, `azp`, `exp`, `iat`, and `at_hash` where it is
 * there (§3.1.3.6).
 *
 * @param accessToken that came with it
 * @throws OktaResponseError `invalid_id_token`
 */
export async function verifyIdToken(
  idToken: string,
  accessToken: string,
  { issuer, clientID, clockTolerance, jwks }: IdTokenExpectations,
): Promise<OktaIdTokenClaims> {
  const header = decodeHeader(idToken);
  if (header?.['alg'] !== 'RS256') throw invalid('it is not a JWT signed with RS256');
  // RFC 7515 §4.1.11: an extension that is not understood must be rejected, and none is understood. jsonwebtoken
  // does not check it.
  if ('crit' in header) throw invalid('its header has "crit"');
  // Where a header says that the key can be found (jku, x5u, jwk, x5c) is never read.
  if (typeof header['kid'] !== 'string') throw invalid('its header has no "kid"');

  const key = await jwks.find(header['kid']);
  if (key === undefined) throw invalid('its "kid" is not among the keys of the issuer');

  const claims = verifySignatureAndTimes(idToken, key, clientID, clockTolerance);
  if (claims.iss !== issuer) {
    throw invalid(
      `its "iss" is ${show(claims.iss, accessToken)}, but the issuer option is ${issuer}`,
    );
  }
  if (typeof claims.sub !== 'string' || claims.sub === '') throw invalid('it has no "sub"');
  if (!isTime(claims.exp)) throw invalid('it has no "exp"');
  if (!isTime(claims.iat)) throw invalid('it has no "iat"');
  if (claims.iat > Date.now() / 1000 + clockTolerance) {
    throw invalid('its "iat" is in the future. Check the clock of this machine.');
  }
  // §3.1.3.7, 3 to 5: no audience besides this client, unless the token names it as its party.
  if (claims['azp'] === undefined) {
    if (Array.isArray(claims.aud) && claims.aud.length > 1) {
      throw invalid('it has further audiences and no "azp"');
    }
  } else if (claims['azp'] !== clientID) throw invalid('its "azp" is another client');
  const atHash: unknown = claims['at_hash'];
  if (atHash !== undefined && atHash !== hashOf(accessToken)) {
    throw invalid('its "at_hash" is of another access token');
  }
  return claims as OktaIdTokenClaims;
}

function verifySignatureAndTimes(
  idToken: string,
  key: KeyObject,
  clientID: string,
  clockTolerance: number,
): JwtPayload {
  let claims: JwtPayload | string;
  try {
    claims = verify(idToken, key, {
      algorithms: ['RS256'],
      audience: clientID,
      clockTolerance,
    });
  } catch (error) {
    // Such as "jwt expired". Anything else may quote the token: it is a SyntaxError of JSON.
    throw invalid(error instanceof JsonWebTokenError ? error.message : 'it cannot be decoded');
  }
  if (typeof claims === 'string') throw invalid('its payload is not a JSON object');
  return claims;
}

/** The left half of the hash that RS256 uses, OIDC Core §3.1.3.6. */
function hashOf(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
}

/** The token is signed by then, but its issuer may still be anybody's. */
function show(value: unknown, accessToken: string): string {
  return typeof value === 'string' ? (quoter([accessToken])(value) ?? 'withheld') : typeof value;
}

/** Seconds since the epoch, RFC 7519 §2 NumericDate; a number beyond every calendar is not one. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(Math.trunc(value));
}

/** Not yet verified, and perhaps not even an object. */
function decodeHeader(jwt: string): Record<string, unknown> | null | undefined {
  try {
    return JSON.parse(
      Buffer.from(jwt.slice(0, jwt.indexOf('.')), 'base64url').toString('utf8'),
    ) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
}

function invalid(reason: string): OktaResponseError {
  return new OktaResponseError('invalid_id_token', `Okta's ID token was rejected: ${reason}`);
}
