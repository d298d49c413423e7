import { generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { grantType as mfaOob } from './grants/mfa-oob.js';
import { grantType as mfaOtp } from './grants/mfa-otp.js';
import { grantType as mfaWebauthn } from './grants/mfa-webauthn.js';
import { grantType as password } from './grants/password.js';
import { oktaId } from './ids.js';
import type { RefreshTokenSetting } from './refresh-tokens.js';
import type { SigningKey } from './signing-key.js';

export type ClientAuthenticationMethod =
  'none' | 'client_secret_basic' | 'client_secret_post' | 'client_secret_jwt' | 'private_key_jwt';

/** An app's registration, in the names of RFC 7591 §2. */
export interface Client {
  client_id: string;
  client_secret?: string;
  token_endpoint_auth_method: ClientAuthenticationMethod;
  grant_types: string[];
  /** Public keys for `private_key_jwt`. */
  jwks?: { keys: JsonWebKey[] };
  /** Default: `ROTATE` with a leeway of 30 seconds. */
  refresh_token?: RefreshTokenSetting;
  /**
   * The org server signs this client's ID tokens with this key, which it lists only when asked for
   * the keys with this `client_id`. Default: the server's key.
   */
  signing_key?: SigningKey;
}

/** A public key in a client's `jwks`. */
export type JsonWebKey = Record<string, unknown>;

export interface DemoClients {
  /** A native app without a secret (`none`). */
  readonly native: Client;
  /** Id and secret change when form-encoded: a client that ignores RFC 6749 §2.3.1 is rejected. */
  readonly basic: Client & { client_secret: string };
  readonly post: Client & { client_secret: string };
  /** `private_key_jwt`; new keys at each start, with the `kid`s `demo-rs256` and `demo-es256`. */
  readonly jwt: Client & { privateKeys: { RS256: KeyObject; ES256: KeyObject } };
}

const generate = promisify(generateKeyPair);

export async function demoClients(): Promise<DemoClients> {
  const [rsa, ec] = await Promise.all([
    generate('rsa', { modulusLength: 2048 }),
    generate('ec', { namedCurve: 'P-256' }),
  ]);
  const publicJwk = (key: KeyObject, alg: string): JsonWebKey => ({
    ...key.export({ format: 'jwk' }),
    kid: `demo-${alg.toLowerCase()}`,
    alg,
    use: 'sig',
  });
  return {
    native: newClient({ client_id: '0oanative00000000001' }),
    basic: {
      ...newClient({
        client_id: '0oa basic:100%+&=/?',
        token_endpoint_auth_method: 'client_secret_basic',
      }),
      client_secret: 'a secret: 50%+25% & "more" /?=~',
    },
    post: {
      ...newClient({
        client_id: '0oapost0000000000001',
        token_endpoint_auth_method: 'client_secret_post',
      }),
      client_secret: 'posted secret: 50%+25% & more',
    },
    jwt: {
      ...newClient({
        client_id: '0oajwt00000000000001',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [publicJwk(rsa.publicKey, 'RS256'), publicJwk(ec.publicKey, 'ES256')] },
      }),
      privateKeys: { RS256: rsa.privateKey, ES256: ec.privateKey },
    },
  };
}

/** A client with all grants of this flow, public by default; what is not given is random. */
export function newClient(given: Partial<Client> = {}): Client {
  const method = given.token_endpoint_auth_method ?? 'none';
  return {
    client_id: oktaId('0oa'),
    token_endpoint_auth_method: method,
    grant_types: [password, mfaOtp, mfaOob, mfaWebauthn, 'refresh_token'],
    ...(method.startsWith('client_secret')
      ? { client_secret: randomBytes(24).toString('base64url') }
      : {}),
    ...given,
  };
}
