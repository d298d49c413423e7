import type { ClientCredentials } from '../okta/client-authentication.js';
import type { OktaDirectMfaRequestReader } from '../request.js';
import type { TransactionStore } from '../transactions/transaction.js';
import type { OktaDispatcher } from '../undici.js';
import {
  booleanOr,
  functionOf,
  invalid,
  nonEmptyString,
  nonNegativeNumberOr,
  objectWith,
  optional,
  positiveIntegerOr,
  positiveNumberOr,
  show,
  stringOr,
  type Reader,
} from './checks.js';
import { readClientCredentials } from './client-credentials.js';
import { readFactors, readWebAuthn } from './factors.js';
import { endpointsOf, readIssuer, type Endpoints } from './issuer.js';
import type { AnyOptions } from './types.js';

/** The longest delay of `setTimeout`. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** Checked together with others, in `readOptions`; nothing of it is kept here. */
const together: Reader<undefined> = () => undefined;

/** Every option, with its check and its default. */
const READERS = {
  issuer: together,
  allowInsecureIssuer: booleanOr(false),
  clientID: nonEmptyString,
  clientAuthentication: together,
  clientSecret: together,
  privateKey: together,
  keyID: together,
  scope: readScope,
  usernameField: stringOr('username'),
  passwordField: stringOr('password'),
  otpField: stringOr('otp'),
  factorField: stringOr('factor'),
  challengeField: stringOr('challenge'),
  assertionField: stringOr('assertion'),
  factors: readFactors,
  requireNumberChallenge: booleanOr(true),
  maxChallenges: positiveIntegerOr(5),
  resendAfter: nonNegativeNumberOr(30),
  webauthn: readWebAuthn,
  mfaRedirect: optional(nonEmptyString),
  sessionKey: readSessionKey,
  store: optional(
    objectWith<TransactionStore>('a TransactionStore', 'read', 'create', 'update', 'remove'),
  ),
  requireMfa: booleanOr(true),
  transactionMaxAge: positiveNumberOr(300),
  maxOtpAttempts: positiveIntegerOr(5),
  userInfo: booleanOr(false),
  clientIP: optional(functionOf<OktaDirectMfaRequestReader>()),
  deviceToken: optional(functionOf<OktaDirectMfaRequestReader>()),
  userAgent: optional(functionOf<OktaDirectMfaRequestReader>()),
  timeout: (value, name) => Math.min(positiveNumberOr(10_000)(value, name), MAX_TIMEOUT),
  dispatcher: optional(
    objectWith<OktaDispatcher>('an undici Dispatcher, such as an Agent', 'dispatch'),
  ),
  clockTolerance: nonNegativeNumberOr(60),
  revokeUnused: booleanOr(true),
  passReqToCallback: booleanOr(false),
} as const satisfies { [Name in keyof AnyOptions]-?: Reader<unknown> };

const FIELDS = [
  'usernameField',
  'passwordField',
  'otpField',
  'factorField',
  'challengeField',
  'assertionField',
] as const;

type Together = {
  [Name in keyof typeof READERS]: (typeof READERS)[Name] extends typeof together ? Name : never;
}[keyof typeof READERS];

type Values = { [Name in keyof typeof READERS]: ReturnType<(typeof READERS)[Name]> };

/** The options, checked and with their defaults. */
export interface Settings extends Omit<Values, Together | 'allowInsecureIssuer'> {
  /** Without a slash at its end, as Okta's tokens have it. */
  issuer: string;
  endpoints: Endpoints;
  credentials: ClientCredentials;
}

/** @throws TypeError that names the option and what it got; secrets are not repeated */
export function readOptions(options: AnyOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`OktaDirectMfaStrategy needs an options object, but got ${show(options)}`);
  }
  refuseUnknown(options);
  const values = Object.fromEntries(
    Object.entries(READERS).map(([name, read]) => [
      name,
      read(options[name as keyof AnyOptions], name),
    ]),
  ) as unknown as Values;
  for (const name of FIELDS) {
    const same = FIELDS.filter((other) => values[other] === values[name]);
    if (same.length > 1) throw invalid(same.join(' and '), 'must differ', values[name]);
  }
  const issuer = readIssuer(options.issuer, values.allowInsecureIssuer);
  return {
    ...values,
    issuer: issuer.href.replace(/\/$/, ''),
    endpoints: endpointsOf(issuer),
    credentials: readClientCredentials(options),
  };
}

/** So that plain JavaScript gets an error for a misspelt option, not its default. */
function refuseUnknown(options: object): void {
  const names = Object.keys(READERS);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const meant = names.find((name) => name.toLowerCase() === unknown.toLowerCase());
  throw new TypeError(
    `OktaDirectMfaStrategy has no option ${unknown}${meant === undefined ? `. It has: ${names.join(', ')}` : `. Did you mean ${meant}?`}`,
  );
}

function readScope(value: unknown, name: string): string {
  const scopes: unknown[] = Array.isArray(value)
    ? value
    : nonEmptyString(value ?? 'openid profile', name)
        .split(' ')
        .filter((scope) => scope !== '');
  for (const scope of scopes) {
    // RFC 6749 §3.3
    if (typeof scope !== 'string' || !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) {
      throw invalid(name, 'must be scopes separated by spaces, or an array of scopes', value);
    }
  }
  if (!scopes.includes('openid')) {
    throw invalid(name, 'must include openid: without it Okta gives no ID token to verify', value);
  }
  return scopes.join(' ');
}

/** What express-session, @fastify/session and Passport keep in the session themselves. */
const SESSION_NAMES =
  'cookie passport id req save regenerate destroy reload touch resetMaxAge get set delete options sessionId encryptedSessionId isModified isSaved'.split(
    ' ',
  );

function readSessionKey(value: unknown, name: string): string {
  const key = nonEmptyString(value ?? 'okta-direct-mfa', name);
  if (key in Object.prototype || SESSION_NAMES.includes(key)) {
    throw invalid(name, 'must not be a name that the session itself uses', key);
  }
  return key;
}
