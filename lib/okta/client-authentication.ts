import { randomUUID, type KeyObject } from 'node:crypto';
import { sign } from 'jsonwebtoken';

/** How the client proves itself to Okta's token endpoint (RFC 6749 §2.3, OIDC Core §9). */
export type OktaClientAuthenticationMethod =
  'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';

/** What a method needs, already checked. */
export type ClientCredentials =
  | { method: 'none' }
  | { method: 'client_secret_basic' | 'client_secret_post'; clientSecret: string }
  | { method: 'private_key_jwt'; privateKey: KeyObject; keyID: string | undefined };

/** Adds the client's proof to one request: to its form or to its headers. */
export type ClientAuthentication = (form: URLSearchParams, headers: Record<string, string>) => void;

/** Seconds. Okta accepts up to an hour; the assertion is used at once. */
const ASSERTION_LIFETIME = 300;

/** The secret stays in the function's scope: no object that holds it can be printed. */
export function createClientAuthentication(
  clientID: string,
  credentials: ClientCredentials,
  tokenEndpoint: URL,
): ClientAuthentication {
  switch (credentials.method) {
    case 'none':
      return (form) => form.set('client_id', clientID);

    case 'client_secret_basic': {
      const { clientSecret } = credentials;
      // RFC 6749 §2.3.1: both are form-encoded before they are joined.
      const pair = `${formEncode(clientID)}:${formEncode(clientSecret)}`;
      const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
      return (_form, headers) => {
        headers['authorization'] = authorization;
      };
    }

    case 'client_secret_post': {
      const { clientSecret } = credentials;
      return (form) => {
        form.set('client_id', clientID);
        form.set('client_secret', clientSecret);
      };
    }

    // RFC 7523 §2.2 and §3; Okta's guide "Build a JWT for client authentication".
    case 'private_key_jwt': {
      const { privateKey, keyID } = credentials;
      const algorithm = privateKey.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256';
      return (form) => {
        const assertion = sign({}, privateKey, {
          algorithm,
          issuer: clientID,
          subject: clientID,
          audience: tokenEndpoint.href,
          expiresIn: ASSERTION_LIFETIME,
          jwtid: randomUUID(),
          ...(keyID === undefined ? {} : { keyid: keyID }),
        });
        form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
        form.set('client_assertion', assertion);
      };
    }
  }
}

/** `application/x-www-form-urlencoded`, of one value. */
function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
