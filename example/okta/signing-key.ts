import { createPublicKey, generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';

/** A key that signs ID tokens. Generated at each start, never written to disk. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** The private key, in the format that oidc-provider expects. */
  readonly jwk: JWK;
}

export async function newSigningKey(): Promise<SigningKey> {
  // Asynchronous: several keys are generated in parallel.
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const kid = randomBytes(32).toString('base64url');
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
  return { kid, privateKey, jwk: jwk };
}

export function publicJwk({ kid, privateKey }: SigningKey): Record<string, unknown> {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  return { ...jwk, kid, alg: 'RS256', use: 'sig' };
}
