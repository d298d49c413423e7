import { randomUUID, type KeyObject } from 'node:crypto';
import { sign, type SignOptions } from 'jsonwebtoken';

/** How the client proves itself to Okta's endpoints (RFC 6749 §2.3, OIDC Core §9). */
export type OktaClientAuthenticationMethod =
  'client_secret_basic' | 'client_secret_post' | 'client_secret_jwt' | 'private_key_jwt' | 'none';

/** What a method needs, already checked. */
export type ClientCredentials =
  | { method: 'none' }
  | {
      method: 'client_secret_basic' | 'client_secret_post' | 'client_secret_jwt';
      clientSecret: string;
    }
  | { method: 'private_key_jwt'; privateKey: KeyObject; keyID: string | undefined };

/**
 * Adds the client's proof to one request: to its form or to its headers.
 * @param endpoint which is asked: the audience of an assertion
 */
export type ClientAuthentication = (
  form: URLSearchParams,
  headers: Record<string, string>,
  endpoint: URL,
) => void;

/** Seconds. Okta accepts up to an hour; the assertion is used at once. */
const ASSERTION_LIFETIME = 300;

/** The secret stays in the function's scope: no object that holds it can be printed. */
export function createClientAuthentication(
  clientID: string,
  credentials: ClientCredentials,
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

    case 'client_secret_jwt': {
      const { clientSecret } = credentials;
      return assertionBy(clientID, clientSecret, { algorithm: 'HS256' });
    }

    case 'private_key_jwt': {
      const { privateKey, keyID } = credentials;
      const algorithm = privateKey.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256';
      const options: SignOptions =
        keyID === undefined ? { algorithm } : { algorithm, keyid: keyID };
      return assertionBy(clientID, privateKey, options);
    }
  }
}

/** RFC 7523 §2.2 and §3; Okta's guide "Build a JWT for client authentication". */
function assertionBy(
  clientID: string,
  key: string | KeyObject,
  options: SignOptions,
): ClientAuthentication {
  return (form, _headers, endpoint) => {
    const assertion = sign({}, key, {
      ...options,
      issuer: clientID,
      subject: clientID,
      audience: endpoint.href,
      expiresIn: ASSERTION_LIFETIME,
      jwtid: randomUUID(),
    });
    form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    form.set('client_assertion', assertion);
  };
}

/** `application/x-www-form-urlencoded`, of one value. */
function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
