import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { userHandle } from './passkeys.js';
import type { User } from './users.js';

/** A passkey without a browser: ES256, always with the person present and verified. */
export interface SoftwarePasskey {
  /** The credential's id. */
  readonly id: string;
  /** What `PublicKeyCredential.toJSON()` gives in the browser, for the `publicKey` of `/challenge`. */
  answer(publicKey: { challenge: string }, page: AnswerOptions): AuthenticationResponseJSON;
}

/** What else the browser puts under the signature; the last two only to be wrong. */
export interface AnswerOptions {
  origin: string;
  /** Default: false. */
  crossOrigin?: boolean;
  /** Default: `webauthn.get`. */
  type?: string;
  /** Default: that of `publicKey`. */
  challenge?: string;
}

/** The authenticator data's flags: present, verified. */
const PRESENT_AND_VERIFIED = 0x05;

/** A new passkey, which the user has enrolled. */
export function createPasskey(user: User, rpID: string): SoftwarePasskey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const id = randomBytes(16).toString('base64url');
  user.passkeys.push({
    id,
    publicKey: coseKey(Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')),
    counter: 0,
    transports: ['internal'],
    displayName: 'Software passkey',
    aaguid: '00000000-0000-0000-0000-000000000000',
  });
  return {
    id,
    answer(options, { origin, crossOrigin = false, type = 'webauthn.get', challenge }) {
      const clientData = { type, challenge: challenge ?? options.challenge, origin, crossOrigin };
      const clientDataJSON = Buffer.from(JSON.stringify(clientData));
      const authenticatorData = Buffer.concat([
        sha256(rpID),
        Buffer.from([PRESENT_AND_VERIFIED, 0, 0, 0, 0]),
      ]);
      const signed = Buffer.concat([authenticatorData, sha256(clientDataJSON)]);
      return {
        id,
        rawId: id,
        type: 'public-key',
        authenticatorAttachment: 'platform',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientDataJSON.toString('base64url'),
          authenticatorData: authenticatorData.toString('base64url'),
          signature: sign('sha256', signed, privateKey).toString('base64url'),
          userHandle: userHandle(user),
        },
      };
    },
  };
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();

/** An EC2 key of P-256 in COSE, RFC 9053 §7.1: `{ 1: 2, 3: -7, -1: 1, -2: x, -3: y }`. */
export function coseKey(x: Buffer, y: Buffer): Uint8Array<ArrayBuffer> {
  const head = Buffer.from('a5010203262001215820', 'hex');
  return Uint8Array.from(Buffer.concat([head, x, Buffer.from('225820', 'hex'), y]));
}
