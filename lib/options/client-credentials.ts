import { createPrivateKey, KeyObject } from 'node:crypto';
import type { ClientCredentials } from '../okta/client-authentication.js';
import { invalid, nonEmptyString } from './checks.js';
import type { OktaDirectMfaCommonOptions } from './types.js';

/**
 * The options `clientAuthentication`, `clientSecret`, `privateKey` and `keyID`, which depend on each
 * other.
 * @throws TypeError
 */
export function readClientCredentials(options: OktaDirectMfaCommonOptions): ClientCredentials {
  const { clientSecret, privateKey, keyID } = options;
  const method =
    options.clientAuthentication ?? (clientSecret === undefined ? 'none' : 'client_secret_basic');
  const usesSecret =
    method === 'client_secret_basic' ||
    method === 'client_secret_post' ||
    method === 'client_secret_jwt';
  if (!usesSecret && method !== 'private_key_jwt' && method !== 'none') {
    throw invalid(
      'clientAuthentication',
      'must be client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none',
      method,
    );
  }
  if (clientSecret !== undefined && !usesSecret) {
    throw invalid('clientSecret', `is not used with clientAuthentication ${method}: leave it out`);
  }
  if (method !== 'private_key_jwt') {
    for (const [name, value] of Object.entries({ privateKey, keyID })) {
      if (value !== undefined) {
        throw invalid(name, "is only used with clientAuthentication: 'private_key_jwt'");
      }
    }
  }
  if (usesSecret) return { method, clientSecret: secret(clientSecret, method) };
  if (method === 'none') return { method };
  return { method, ...readPrivateKey(privateKey, keyID) };
}

/** The message gives the type of a secret, never its value. */
function secret(value: unknown, method: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid('clientSecret', `must be a non-empty string for ${method}, but got ${kind(value)}`);
}

function readPrivateKey(value: OktaDirectMfaCommonOptions['privateKey'], keyID: unknown) {
  const wanted =
    'must be an RSA private key of at least 2048 bits or an EC private key on P-256, as PEM, KeyObject or JWK';
  let key: KeyObject;
  try {
    if (value instanceof KeyObject) key = value;
    else if (typeof value === 'string' || Buffer.isBuffer(value)) key = createPrivateKey(value);
    else key = createPrivateKey({ key: value as never, format: 'jwk' });
  } catch {
    // The error of node:crypto is not passed on: it may describe the key.
    throw invalid('privateKey', `${wanted}, but the ${kind(value)} is not one`);
  }
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  const suits =
    key.type === 'private' &&
    ((key.asymmetricKeyType === 'rsa' && modulusLength >= 2048) ||
      (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1'));
  if (!suits) {
    throw invalid(
      'privateKey',
      `${wanted}, but got a ${[key.type, key.asymmetricKeyType].filter(Boolean).join(' ')} key`,
    );
  }
  const kid = keyID ?? (value as { kid?: unknown }).kid;
  return { privateKey: key, keyID: kid === undefined ? undefined : nonEmptyString(kid, 'keyID') };
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  return value === '' ? 'an empty string' : typeof value;
}
