import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** What ID tokens are signed with. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** As the keys endpoint publishes it. */
  readonly jwk: object;
}

let key: SigningKey | undefined;

/**
 * The one key of this process, made when it is first needed. RSA takes its time (50 to 150 ms), and
 * tests may make a mock each.
 */
export function signingKey(): SigningKey {
  key ??= newSigningKey();
  return key;
}

function newSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = 'mock-okta';
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  return { kid, privateKey, jwk: { ...jwk, kid, use: 'sig', alg: 'RS256' } };
}
