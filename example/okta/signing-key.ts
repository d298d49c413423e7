import { generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';

/** A key that signs ID tokens. Made at each start, never written to disk. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** Private, in the form that oidc-provider takes. */
  readonly jwk: JWK;
}

export async function newSigningKey(): Promise<SigningKey> {
  // Off the main thread: several keys are made side by side.
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const kid = randomBytes(32).toString('base64url');
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
  return { kid, privateKey, jwk: jwk };
}
