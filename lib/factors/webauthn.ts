import { createHash } from 'node:crypto';
import { toBase64url } from '../base64url.js';
import { MFA_WEBAUTHN } from '../okta/grant-types.js';
import type { ChallengeRequest, Grant } from '../okta/request.js';
import type { Transaction } from '../transactions/transaction.js';
import type { Body, Fields, Missing } from './body.js';

/** A passkey's answer, in base64url without padding. */
export interface AssertionFactor {
  type: 'assertion';
  clientDataJSON: string;
  authenticatorData: string;
  signature: string;
  /** Absent when the authenticator gives none. */
  userHandle?: string;
  /** The challenge that the page speaks of, if it says so. */
  challenge?: string;
}

/** Characters of base64url: far above what authenticators give. */
const MAX_LENGTH = {
  clientDataJSON: 8192,
  authenticatorData: 16_384,
  signature: 8192,
  userHandle: 256,
};
const MAX_TEXT_LENGTH = 65_536;

/** `PublicKeyCredential.toJSON()` (WebAuthn §5.1), as an object or as JSON in a form's field. */
export function readAssertion(
  body: Body,
  { assertionField }: Fields,
): AssertionFactor | Missing | undefined {
  if (!Object.hasOwn(body, assertionField)) return undefined;
  const response = toObject(toObject(body[assertionField])?.['response']);
  const read = (name: keyof typeof MAX_LENGTH) => {
    const value = response?.[name];
    const isTooLong = typeof value === 'string' && value.length > MAX_LENGTH[name];
    return isTooLong ? undefined : toBase64url(value);
  };
  const clientDataJSON = read('clientDataJSON');
  const authenticatorData = read('authenticatorData');
  const signature = read('signature');
  const givenHandle = response?.['userHandle'] ?? '';
  const userHandle = givenHandle === '' ? '' : read('userHandle');
  if (!clientDataJSON || !authenticatorData || !signature || userHandle === undefined) {
    return { type: 'missing', factor: 'webauthn', step: 'assertion', field: assertionField };
  }
  return {
    type: 'assertion',
    clientDataJSON,
    authenticatorData,
    signature,
    ...(userHandle === '' ? {} : { userHandle }),
  };
}

function toObject(value: unknown): Record<string, unknown> | undefined {
  let object = value;
  if (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH) {
    try {
      object = JSON.parse(value);
    } catch {
      return undefined;
    }
  }
  return typeof object === 'object' && object !== null
    ? (object as Record<string, unknown>)
    : undefined;
}

/** In no guide of Okta's; as Okta's Kotlin SDK asks it. */
export function webauthnChallengeRequest({
  mfaToken,
}: Pick<Transaction, 'mfaToken'>): ChallengeRequest {
  return {
    parameters: { mfa_token: mfaToken, challenge_types_supported: MFA_WEBAUTHN },
    loggable: ['challenge_types_supported'],
  };
}

/** In no guide of Okta's; as both of Okta's mobile SDKs ask it. */
export function assertionGrant(
  factor: AssertionFactor,
  { mfaToken }: Pick<Transaction, 'mfaToken'>,
): Grant {
  const { clientDataJSON, authenticatorData, signature, userHandle } = factor;
  return {
    grantType: MFA_WEBAUTHN,
    parameters: {
      mfa_token: mfaToken,
      clientDataJSON,
      authenticatorData,
      signature,
      ...(userHandle === undefined ? {} : { userHandle }),
    },
    loggable: [],
    rejection: 'webauthn_failed',
    rejectionCodes: REJECTION_CODES,
  };
}

const REJECTION_CODES = new Set(['invalid_grant']);

/** What the app's page is, for a passkey. */
export interface RelyingParty {
  /** What the browser was told. */
  rpId: string;
  /** The `webauthn` option. */
  rpID: string | undefined;
  origins: readonly string[] | undefined;
}

/**
 * Whether the answer is to this challenge, on a page of this app, before Okta is asked (WebAuthn §7.2,
 * steps 10 to 15). The signature is Okta's to verify.
 */
export function isOwnAssertion(
  { clientDataJSON, authenticatorData }: AssertionFactor,
  challenge: string,
  { rpId, rpID, origins }: RelyingParty,
): boolean {
  const client = toObject(Buffer.from(clientDataJSON, 'base64url').toString());
  if (client?.['type'] !== 'webauthn.get' || client['crossOrigin'] === true) return false;
  if (toBase64url(client['challenge']) !== challenge) return false;
  const { origin } = client;
  if (typeof origin !== 'string') return false;
  if (!(origins === undefined ? isWithin(origin, rpId) : origins.includes(origin))) return false;
  if (rpID === undefined) return true;
  const rpIdHash = Buffer.from(authenticatorData, 'base64url').subarray(0, 32);
  return rpIdHash.equals(createHash('sha256').update(rpID).digest());
}

/** A page of the relying party itself, or of a host below it (WebAuthn §5.1.4.1). */
function isWithin(origin: string, rpId: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  const isSecure = protocol === 'https:' || (protocol === 'http:' && hostname === 'localhost');
  return isSecure && (hostname === rpId || hostname.endsWith(`.${rpId}`));
}
