import { MFA_OOB, MFA_OTP, MFA_WEBAUTHN } from '../../okta/grant-types.js';
import type { HttpClient, HttpRequest, HttpResponse } from '../../okta/http.js';
import { readError } from '../../okta/oauth-error.js';
import { quoter } from '../../redact.js';
import { SECOND_FACTORS, type OktaDirectMfaSecondFactor } from '../../transactions/transaction.js';

/** The form of a value, without the value. */
export interface Field {
  name: string;
  kind: 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object';
  /** Characters of a string, digits of a number, items of an array. */
  length?: number;
  /** Of an object, or of an array's first item. */
  fields?: Field[];
}

/** Names whose values are the same for everybody: a value is kept only if it is one of these. */
const WORDS = {
  channel: ['push', 'sms', 'voice', 'email'],
  binding_method: ['none', 'transfer', 'prompt'],
  challenge_type: [MFA_OTP, MFA_OOB, MFA_WEBAUTHN],
  challengeType: [MFA_OTP, MFA_OOB, MFA_WEBAUTHN],
  token_type: ['Bearer', 'DPoP'],
} as const;

/** Seconds. */
const NUMBERS = ['expires_in', 'interval'] as const;

/** What is said in "'{expired}' has expired. Use a new '{instead}' and try again." */
export interface Expiry {
  expired: 'mfa_token' | 'oob_code' | 'another';
  instead: ('mfa_token' | 'oob_code')[];
}

/** A request to Okta and its answer: nothing of it is secret or about a person. */
export interface Call {
  request: 'password' | 'passcode' | 'code' | 'poll' | 'assertion' | 'challenge' | 'other';
  /** What a challenge is for. */
  factor?: OktaDirectMfaSecondFactor;
  /** Absent: no answer. */
  status?: number;
  /** Okta's error code. */
  error?: string;
  /** The answer's. */
  fields: Field[];
  /** Values that are the same for everybody. */
  said: Record<string, string | number>;
  /** Kinds of factors, of `supported_challenge_types`. */
  supported?: string[];
  expiry?: Expiry;
  /** Milliseconds since the observer was made, and until the answer. */
  at: number;
  took: number;
}

/**
 * Notes the form of every answer. The answer itself is forgotten here: no later step can print it.
 * @param seen called after each call
 */
export function observe(http: HttpClient, seen: (call: Call) => void): HttpClient {
  const began = performance.now();
  return async (request) => {
    const started = performance.now();
    const note = (response?: HttpResponse) => {
      const at = Math.round(started - began);
      const took = Math.round(performance.now() - started);
      seen({ ...formOf(request, response), at, took });
    };
    try {
      const response = await http(request);
      note(response);
      return response;
    } catch (error) {
      note();
      throw error;
    }
  };
}

function formOf(request: HttpRequest, response?: HttpResponse): Omit<Call, 'at' | 'took'> {
  const form = new URLSearchParams(request.body ?? '');
  const call = requestOf(request.url, form);
  if (response?.json === undefined) {
    return { ...call, ...(response && { status: response.status }), fields: [], said: {} };
  }
  const { status, json } = response;
  // A name or a code that repeats what was sent is not one.
  const quote = quoter([...form].filter(([name]) => !PUBLIC.has(name)).map(([, value]) => value));
  const { code, description } = readError(json);
  const expiry = expiryOf(description);
  const supported = json['supported_challenge_types'];
  return {
    ...call,
    status,
    ...(code === undefined ? {} : { error: safeName(code, quote) }),
    fields: fieldsOf(json, quote),
    said: {
      ...Object.fromEntries(
        Object.entries(WORDS).flatMap(([name, words]) => {
          if (json[name] === undefined) return [];
          return [
            [name, (words as readonly unknown[]).includes(json[name]) ? json[name] : 'another'],
          ];
        }),
      ),
      ...Object.fromEntries(
        NUMBERS.flatMap((name) => (typeof json[name] === 'number' ? [[name, json[name]]] : [])),
      ),
    } as Call['said'],
    ...(expiry === undefined ? {} : { expiry }),
    ...(Array.isArray(supported) ? { supported: supported.map(typeName) } : {}),
  };
}

const PUBLIC = new Set(['grant_type', 'scope', 'channel_hint', 'challenge_types_supported']);

function requestOf(url: URL, form: URLSearchParams): Pick<Call, 'request' | 'factor'> {
  if (url.pathname.endsWith('/challenge')) {
    const hint = form.get('channel_hint') ?? 'webauthn';
    const factor = SECOND_FACTORS.find((known) => known === hint);
    return { request: 'challenge', ...(factor === undefined ? {} : { factor }) };
  }
  switch (form.get('grant_type')) {
    case 'password':
      return { request: 'password' };
    case MFA_OTP:
      return { request: 'passcode', factor: 'otp' };
    case MFA_OOB:
      return { request: form.has('binding_code') ? 'code' : 'poll' };
    case MFA_WEBAUTHN:
      return { request: 'assertion', factor: 'webauthn' };
    case null:
    default:
      return { request: 'other' };
  }
}

function typeName(type: unknown): string {
  return (
    { [MFA_OTP]: 'mfa-otp', [MFA_OOB]: 'mfa-oob', [MFA_WEBAUTHN]: 'mfa-webauthn' }[String(type)] ??
    'another'
  );
}

type Quote = ReturnType<typeof quoter>;

function safeName(name: string, quote: Quote): string {
  if (KNOWN.has(name)) return name;
  return /^[\w.-]{1,64}$/.test(name) && quote(name) === name ? name : '(withheld)';
}

/** Never withheld, whatever a person is called. */
const KNOWN: ReadonlySet<string> = new Set(
  (
    'error error_description errorCode errorSummary errorLink errorId errorCauses mfa_token ' +
    'supported_challenge_types challenge_type oob_code channel binding_method binding_code expires_in ' +
    'interval challengeType publicKey challenge rpId allowCredentials timeout userVerification extensions ' +
    'authenticatorEnrollments token_type access_token id_token refresh_token scope mfa_required ' +
    'authorization_pending slow_down access_denied invalid_grant invalid_request invalid_client ' +
    'invalid_scope unauthorized_client unsupported_grant_type server_error expired_token'
  ).split(' '),
);

/** Levels below the first: as deep as a passkey's options. */
const MAX_DEPTH = 3;
const MAX_FIELDS = 50;

function fieldsOf(object: object, quote: Quote, depth = 0): Field[] {
  return Object.entries(object)
    .slice(0, MAX_FIELDS)
    .map(([name, value]) => fieldOf(safeName(name, quote), value, quote, depth));
}

function fieldOf(name: string, value: unknown, quote: Quote, depth: number): Field {
  if (value === null) return { name, kind: 'null' };
  const inner = Array.isArray(value) ? (value[0] as unknown) : value;
  const fields =
    typeof inner === 'object' && inner !== null && depth < MAX_DEPTH
      ? { fields: fieldsOf(inner, quote, depth + 1) }
      : {};
  if (Array.isArray(value)) return { name, kind: 'array', length: value.length, ...fields };
  if (typeof value === 'object') return { name, kind: 'object', ...fields };
  if (typeof value === 'boolean') return { name, kind: 'boolean' };
  if (typeof value === 'number') return { name, kind: 'number', length: String(value).length };
  return { name, kind: 'string', length: (value as string).length };
}

const TOKEN_NAMES = ['mfa_token', 'oob_code'] as const;

function expiryOf(description: string): Expiry | undefined {
  const [, before, after] = /^(.{0,200}?)\bexpired\b(.{0,200})/is.exec(description) ?? [];
  if (before === undefined || after === undefined) return undefined;
  return {
    expired: TOKEN_NAMES.find((name) => before.includes(name)) ?? 'another',
    instead: TOKEN_NAMES.filter((name) => after.includes(name)),
  };
}
