import { toBase64url } from '../base64url.js';
import { OktaResponseError } from '../errors.js';
import { Endpoint, type EndpointOptions } from './endpoint.js';
import { MFA_OTP } from './grant-types.js';
import type { HttpResponse } from './http.js';
import { interpretError, referenceOf } from './oauth-error.js';
import type { ChallengeRequest } from './request.js';
import type { Rejected } from './state.js';

/** Okta has sent something out, or has options for a passkey. */
export interface Challenged {
  type: 'challenged';
  challenge: OutOfBand | PublicKeyChallenge | { binding: 'passcode' };
}

/** `ChallengeResponse` in Okta's OpenAPI. */
export interface OutOfBand {
  binding: 'none' | 'transfer' | 'prompt';
  oobCode: string;
  /** Seconds. */
  expiresIn: number;
  /** Seconds between two polls. */
  interval: number;
  /** What was used, where Okta says so. */
  channel: string | undefined;
  /** What the person taps on the phone, with `transfer`. */
  number: string | undefined;
}

/** In no document of Okta's; as its SDKs read it. */
export interface PublicKeyChallenge {
  binding: 'passkey';
  publicKey: { challenge: string; rpId: string | undefined; [member: string]: unknown };
}

/** `/challenge`, in Okta's OpenAPI. */
export class ChallengeEndpoint {
  readonly #endpoint: Endpoint;

  constructor(options: EndpointOptions) {
    this.#endpoint = new Endpoint(options);
  }

  /**
   * One POST, without a scope: Okta refuses one where none is taken.
   * @param deviceHeaders about the person's device, beside those of the client
   * @throws OktaConfigurationError, OktaResponseError, OktaUnreachableError, OktaTimeoutError
   */
  async request(
    request: ChallengeRequest,
    deviceHeaders: Record<string, string>,
  ): Promise<Challenged | Rejected> {
    const form = new URLSearchParams(request.parameters);
    const { sent, response: answer } = this.#endpoint.post(form, deviceHeaders, request.loggable);
    const response = await answer;
    if (response.status !== 200) {
      // Okta documents 403 for a factor that this person cannot use, and 400 for a person without the app.
      const rejectionCodes = response.status === 403 ? FORBIDDEN : UNSUPPORTED;
      const meaning = { ...request, rejection: 'factor_unavailable', rejectionCodes } as const;
      return interpretError(response, meaning, sent);
    }
    const challenge = readChallenge(response);
    if (challenge !== undefined) return { type: 'challenged', challenge };
    throw new OktaResponseError(
      'invalid_response',
      "Okta's answer to a challenge request lacks a field that is needed, or has a value that is not known.",
      referenceOf(response, sent),
    );
  }
}

/** As Okta's Swift SDK knows it. */
const UNSUPPORTED = new Set(['invalid_challenge_types_supported']);
const FORBIDDEN = new Set(['access_denied', ...UNSUPPORTED]);

/** Seconds, where Okta does not say: what its guides have. */
const DEFAULT_INTERVAL = 5;
const DEFAULT_EXPIRES_IN = 300;
/** Seconds: a longer wait between two polls cannot be meant. */
const MAX_INTERVAL = 60;
/** What is longer has no place in a session. */
const MAX_OOB_CODE_LENGTH = 4096;
const MAX_PUBLIC_KEY_LENGTH = 16_384;

function readChallenge({ json = {} }: HttpResponse): Challenged['challenge'] | undefined {
  if (json['publicKey'] !== undefined) return readPublicKey(json['publicKey']);
  const { challenge_type: type, oob_code: oobCode, channel, expires_in, interval } = json;
  if (type === MFA_OTP) return { binding: 'passcode' };
  const isCode = typeof oobCode === 'string' && oobCode !== '';
  if (!isCode || oobCode.length > MAX_OOB_CODE_LENGTH) return undefined;
  const binding = json['binding_method'] ?? (channel === 'push' ? 'none' : 'prompt');
  if (binding !== 'none' && binding !== 'transfer' && binding !== 'prompt') return undefined;
  return {
    binding,
    oobCode,
    expiresIn: positive(expires_in) ?? DEFAULT_EXPIRES_IN,
    interval: Math.min(Math.max(positive(interval) ?? DEFAULT_INTERVAL, 1), MAX_INTERVAL),
    channel: typeof channel === 'string' ? channel : undefined,
    number: binding === 'transfer' ? readNumber(json['binding_code']) : undefined,
  };
}

/** A string in Okta's schema, a number in its example. */
function readNumber(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^[\p{L}\p{N}]{1,16}$/u.test(text) ? text : undefined;
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

function readPublicKey(value: unknown): PublicKeyChallenge | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (JSON.stringify(value).length > MAX_PUBLIC_KEY_LENGTH) return undefined;
  const { challenge, rpId, allowCredentials, ...members } = value as Record<string, unknown>;
  const text = toBase64url(challenge);
  if (text === undefined) return undefined;
  return {
    binding: 'passkey',
    publicKey: {
      ...members,
      challenge: text,
      rpId: typeof rpId === 'string' && rpId !== '' ? rpId : hostOf(members['extensions']),
      ...(Array.isArray(allowCredentials)
        ? { allowCredentials: allowCredentials.map(readCredential) }
        : {}),
    },
  };
}

function readCredential(credential: unknown): unknown {
  const { id, ...members } = (credential ?? {}) as Record<string, unknown>;
  return { ...members, id: toBase64url(id) ?? id };
}

/** Of `extensions.appid`, as Okta's Kotlin SDK has it. */
function hostOf(extensions: unknown): string | undefined {
  const { appid } = (extensions ?? {}) as { appid?: unknown };
  return typeof appid === 'string' && URL.canParse(appid)
    ? new URL(appid).hostname || undefined
    : undefined;
}
