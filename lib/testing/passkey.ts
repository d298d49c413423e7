import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

/** `PublicKeyCredential.toJSON()` of an answer (WebAuthn §5.1); all binary is base64url. */
export interface MockOktaAssertion {
  /** Of the passkey. */
  id: string;
  /** The same. */
  rawId: string;
  /** Of the credential. */
  type: 'public-key';
  /** What is signed, and the signature. */
  response: {
    /** The challenge, the origin and what was done with them. */
    clientDataJSON: string;
    /** The domain's hash, flags, a counter. */
    authenticatorData: string;
    /** ES256, over both. */
    signature: string;
    /** The person's id at Okta. */
    userHandle: string;
  };
  /** None. */
  clientExtensionResults: Record<string, never>;
  /** The passkey is on the person's own device. */
  authenticatorAttachment: 'platform';
}

/** What a browser does with a person's passkey. */
export interface MockOktaPasskey {
  /**
   * The passkey's answer. Whether a page of this origin may ask for it, which a browser checks, is not
   * checked.
   *
   * @param publicKey - the options, as the app's page has them from the strategy
   * @param page - its `origin`, such as `https://app.example.com`
   * @throws TypeError for options without a challenge, or an origin that is none
   * @throws Error when the options ask for other passkeys than this one
   */
  answer(publicKey: object, page: { origin: string }): MockOktaAssertion;
}

/** The part of an answer that Okta is sent. */
export type Assertion = Omit<MockOktaAssertion['response'], 'userHandle'> & { userHandle?: string };

/** A passkey, with its private key. */
export interface Passkey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The passkeys of all people, by username, each made when it is first needed. */
export function createPasskeys(): { of(username: string): Passkey } {
  const passkeys = new Map<string, Passkey>();
  return {
    of(username) {
      const key = username.toLowerCase();
      let passkey = passkeys.get(key);
      if (passkey === undefined) {
        const id = randomBytes(16).toString('base64url');
        passkey = { id, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
        passkeys.set(key, passkey);
      }
      return passkey;
    },
  };
}

/** The options of Okta's for {@link MockOktaPasskey.answer}, as far as they are looked at. */
interface RequestOptions {
  challenge?: unknown;
  rpId?: unknown;
  allowCredentials?: readonly { id?: unknown }[];
}

/** The person was there, and proved who it is. */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/** WebAuthn §7.2, from the side of browser and authenticator. */
export function signAssertion(
  { id, privateKey }: Passkey,
  publicKey: RequestOptions,
  { origin, userId }: { origin: string; userId: string },
): MockOktaAssertion {
  const { challenge, allowCredentials = [] } = publicKey;
  if (typeof challenge !== 'string' || challenge === '') {
    throw new TypeError('mockOkta: answer() takes the options of a passkey, with a challenge');
  }
  if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
    throw new TypeError('mockOkta: answer() takes an origin, such as https://app.example.com');
  }
  if (allowCredentials.length > 0 && !allowCredentials.some((allowed) => allowed.id === id)) {
    throw new Error('mockOkta: the options ask for another passkey');
  }
  // As in a browser, which takes the page's own host where no domain is named.
  const rpId = typeof publicKey.rpId === 'string' ? publicKey.rpId : new URL(origin).hostname;
  const clientData = Buffer.from(
    JSON.stringify({ type: 'webauthn.get', challenge, origin, crossOrigin: false }),
  );
  // The counter stays 0, as with passkeys that are kept on several devices.
  const authenticatorData = Buffer.concat([
    sha256(rpId),
    Buffer.from([USER_PRESENT | USER_VERIFIED, 0, 0, 0, 0]),
  ]);
  const signature = sign('sha256', toBeSigned(authenticatorData, clientData), privateKey);
  return {
    id,
    rawId: id,
    type: 'public-key',
    response: {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: Buffer.from(userId).toString('base64url'),
    },
    clientExtensionResults: {},
    authenticatorAttachment: 'platform',
  };
}

/** What the page was asked; `undefined` for what is no client data. */
export function readClientData(
  clientDataJSON: string,
): { type: unknown; challenge: string } | undefined {
  try {
    const text = Buffer.from(clientDataJSON, 'base64url').toString();
    const { type, challenge } = JSON.parse(text) as { type?: unknown; challenge?: unknown };
    return typeof challenge === 'string' ? { type, challenge } : undefined;
  } catch {
    return undefined;
  }
}

/** WebAuthn §7.2, from the side of the relying party. The challenge has been compared before. */
export function isValid(
  { publicKey }: Passkey,
  assertion: Assertion,
  { rpId, userId }: { rpId: string; userId: string },
): boolean {
  const [clientData, authenticatorData, signature] = [
    assertion.clientDataJSON,
    assertion.authenticatorData,
    assertion.signature,
  ].map((text) => Buffer.from(text, 'base64url')) as [Buffer, Buffer, Buffer];
  const { userHandle } = assertion;
  return (
    readClientData(assertion.clientDataJSON)?.type === 'webauthn.get' &&
    authenticatorData.subarray(0, 32).equals(sha256(rpId)) &&
    ((authenticatorData[32] ?? 0) & USER_PRESENT) !== 0 &&
    (userHandle === undefined || Buffer.from(userHandle, 'base64url').toString() === userId) &&
    verify('sha256', toBeSigned(authenticatorData, clientData), publicKey, signature)
  );
}

function toBeSigned(authenticatorData: Buffer, clientData: Buffer): Buffer {
  return Buffer.concat([authenticatorData, sha256(clientData)]);
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
