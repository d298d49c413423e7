import { createPrivateKey, KeyObject, type webcrypto } from 'node:crypto';
import { inspect } from 'node:util';
import type { Dispatcher } from 'undici';
import type {
  ClientAuthenticationMethod,
  ClientCredentials,
} from '../okta/client-authentication.js';
import type { AuthenticateRequest, Bivariant } from '../request.js';
import type { TransactionStore } from '../transactions/session-store.js';

/** A private key as JWK (RFC 7517). */
export type PrivateJwk = webcrypto.JsonWebKey & {
  /** Becomes `kid` in the assertion's header, unless `keyID` is given. */
  kid?: string | undefined;
};

/** Reads something off the request; may declare it as the framework's own type of request. */
export type RequestReader = Bivariant<[req: AuthenticateRequest], string | undefined>;

/** Options of the strategy. The constructor throws a `TypeError` for a value that cannot work. */
export interface OktaDirectMfaStrategyOptions extends CommonOptions {
  /** Call `verify(req, tokens, profile, done)` instead of `verify(tokens, profile, done)`. Default: `false`. */
  passReqToCallback?: false | undefined;
}

/** The same, for a verify function that gets the request. */
export interface OktaDirectMfaStrategyOptionsWithRequest extends CommonOptions {
  /** Call `verify(req, tokens, profile, done)`. */
  passReqToCallback: true;
}

/** The options that do not depend on the verify function. */
export interface CommonOptions {
  /**
   * The authorization server: the org server `https://acme.okta.com`, a custom server
   * `https://acme.okta.com/oauth2/default`, or the same on a custom domain. Okta: concepts/auth-servers.
   */
  issuer: string;
  /** The app's client ID in the Okta admin console. */
  clientID: string;
  /** The app's client secret, for `client_secret_basic` and `client_secret_post`. */
  clientSecret?: string | undefined;
  /**
   * How the app proves itself to Okta, as set for it in the Okta admin console.
   * Default: `client_secret_basic` with a `clientSecret`, else `none`. RFC 6749 §2.3, OIDC Core §9.
   */
  clientAuthentication?: ClientAuthenticationMethod | undefined;
  /**
   * For `private_key_jwt`: an RSA key of at least 2048 bits (RS256) or an EC key on P-256 (ES256),
   * as PEM, `KeyObject` or JWK. RFC 7523.
   */
  privateKey?: string | Buffer | KeyObject | PrivateJwk | undefined;
  /** `kid` of the private key. Default: the JWK's own, if it is a JWK. */
  keyID?: string | undefined;
  /** Scopes, as an array or separated by spaces; `openid` must be among them. Default: `openid profile`. */
  scope?: string | readonly string[] | undefined;
  /** Name of the username's field in `req.body`. Default: `username`. */
  usernameField?: string | undefined;
  /** Name of the password's field in `req.body`. Default: `password`. */
  passwordField?: string | undefined;
  /** Name of the passcode's field in `req.body`. Default: `otp`. */
  otpField?: string | undefined;
  /**
   * Where to send the browser when a passcode is needed; also an option of `authenticate()`.
   * Default: no redirect, but `fail` with the code `mfa_required`.
   */
  mfaRedirect?: string | undefined;
  /** Key of the waiting login in `req.session`. Default: `okta-direct-mfa`. */
  sessionKey?: string | undefined;
  /** A store of the app's own for waiting logins. Default: the session. */
  store?: TransactionStore | undefined;
  /**
   * When Okta grants tokens for the password alone, because of its sign-on policy: `true` fails with
   * `mfa_not_enforced`, `false` logs in. Default: `true`.
   */
  requireMfa?: boolean | undefined;
  /** Seconds for which a password step stays good. Default: 300. */
  transactionMaxAge?: number | undefined;
  /** Wrong passcodes before the password is needed again. Default: 5. */
  maxOtpAttempts?: number | undefined;
  /** Also read the `/userinfo` endpoint into the profile. Default: `false`. OIDC Core §5.3. */
  userInfo?: boolean | undefined;
  /**
   * The person's IP address, sent as `X-Forwarded-For`, so that Okta's policies judge it and not the
   * server's. It counts only from a trusted proxy (Okta: reference/core-okta-api). What is not an IP
   * address is not sent. Default: none sent.
   */
  clientIP?: RequestReader | undefined;
  /**
   * A stable id of the person's device, sent as `X-Device-Token`: at most 32 printable ASCII
   * characters (Okta: guides/device-context); anything else is not sent. Default: none sent.
   */
  deviceToken?: RequestReader | undefined;
  /** Milliseconds for one call to Okta, body included. Default: 10 000. */
  timeout?: number | undefined;
  /** An undici `Dispatcher`, for a proxy, TLS settings or tests. Default: undici's global one. */
  dispatcher?: Dispatcher | undefined;
  /** Seconds of clock difference allowed for the ID token's times. Default: 60. */
  clockTolerance?: number | undefined;
  /** Let an issuer on a loopback host be `http:`, for development. Default: `false`. */
  allowInsecureIssuer?: boolean | undefined;
}

type AnyOptions = OktaDirectMfaStrategyOptions | OktaDirectMfaStrategyOptionsWithRequest;

/**
 * Options of `passport.authenticate('okta-direct-mfa', options)`, beside Passport's own. In TypeScript
 * say `{ … } as OktaDirectMfaAuthenticateOptions`: Passport's types know only Passport's options.
 */
export interface OktaDirectMfaAuthenticateOptions {
  /** Where to send the browser when a passcode is needed. Default: the strategy's `mfaRedirect`. */
  mfaRedirect?: string | undefined;
  /** Passport's own: `false` logs in for this request only, as for an app that gives out tokens. */
  session?: boolean | undefined;
}

/** The options, checked and with their defaults. */
export interface Settings {
  issuer: string;
  endpoints: { token: URL; keys: URL; userInfo: URL };
  clientID: string;
  credentials: ClientCredentials;
  scope: string;
  usernameField: string;
  passwordField: string;
  otpField: string;
  mfaRedirect: string | undefined;
  sessionKey: string;
  store: TransactionStore | undefined;
  requireMfa: boolean;
  transactionMaxAge: number;
  maxOtpAttempts: number;
  userInfo: boolean;
  clientIP: RequestReader | undefined;
  deviceToken: RequestReader | undefined;
  timeout: number;
  dispatcher: Dispatcher | undefined;
  clockTolerance: number;
  passReqToCallback: boolean;
}

/** Every option, so that a misspelt one is told from a left-out one also without TypeScript. */
const OPTION_NAMES = Object.keys({
  issuer: 0,
  clientID: 0,
  clientSecret: 0,
  clientAuthentication: 0,
  privateKey: 0,
  keyID: 0,
  scope: 0,
  usernameField: 0,
  passwordField: 0,
  otpField: 0,
  mfaRedirect: 0,
  sessionKey: 0,
  store: 0,
  requireMfa: 0,
  transactionMaxAge: 0,
  maxOtpAttempts: 0,
  userInfo: 0,
  clientIP: 0,
  deviceToken: 0,
  timeout: 0,
  dispatcher: 0,
  clockTolerance: 0,
  allowInsecureIssuer: 0,
  passReqToCallback: 0,
} satisfies Record<keyof AnyOptions, 0>);

/** The longest delay of `setTimeout`. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** @throws TypeError that names the option and what it got; secrets are not repeated */
export function readOptions(options: AnyOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`OktaDirectMfaStrategy needs an options object, but got ${show(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.includes(name));
  if (unknown !== undefined) {
    const meant = OPTION_NAMES.find((name) => name.toLowerCase() === unknown.toLowerCase());
    throw new TypeError(
      `OktaDirectMfaStrategy has no option ${unknown}${meant === undefined ? `. It has: ${OPTION_NAMES.join(', ')}` : `. Did you mean ${meant}?`}`,
    );
  }

  const issuer = readIssuer(
    options.issuer,
    flag('allowInsecureIssuer', options.allowInsecureIssuer, false),
  );
  const usernameField = text('usernameField', options.usernameField ?? 'username');
  const passwordField = text('passwordField', options.passwordField ?? 'password');
  const otpField = text('otpField', options.otpField ?? 'otp');
  if (new Set([usernameField, passwordField, otpField]).size < 3) {
    throw invalid('usernameField, passwordField and otpField', 'must differ');
  }
  const clientID = text('clientID', options.clientID);

  return {
    issuer: issuer.href.replace(/\/$/, ''),
    endpoints: endpointsOf(issuer),
    clientID,
    credentials: readCredentials(options),
    scope: readScope(options.scope),
    usernameField,
    passwordField,
    otpField,
    mfaRedirect:
      options.mfaRedirect === undefined ? undefined : text('mfaRedirect', options.mfaRedirect),
    sessionKey: readSessionKey(options.sessionKey),
    store: readStore(options.store),
    requireMfa: flag('requireMfa', options.requireMfa, true),
    transactionMaxAge: amount('transactionMaxAge', options.transactionMaxAge, 300),
    maxOtpAttempts: amount('maxOtpAttempts', options.maxOtpAttempts, 5, { whole: true }),
    userInfo: flag('userInfo', options.userInfo, false),
    clientIP: func('clientIP', options.clientIP),
    deviceToken: func('deviceToken', options.deviceToken),
    timeout: Math.min(amount('timeout', options.timeout, 10_000), MAX_TIMEOUT),
    dispatcher: readDispatcher(options.dispatcher),
    clockTolerance: amount('clockTolerance', options.clockTolerance, 60, { zero: true }),
    passReqToCallback: flag('passReqToCallback', options.passReqToCallback, false),
  };
}

const ISSUER_FORMS =
  'must be https://{org}.okta.com or https://{org}.okta.com/oauth2/{authorization server id}, or the same on a custom domain';

function readIssuer(value: unknown, allowInsecure: boolean): URL {
  const issuer = text('issuer', value);
  // First, since the other complaints repeat the issuer.
  if (issuer.includes('@')) {
    throw invalid('issuer', 'must hold no username or password');
  }
  if (/[{}<>]|yourOktaDomain/i.test(issuer)) {
    throw invalid('issuer', 'still has a placeholder: put in the domain of your Okta org', issuer);
  }
  let url: URL;
  try {
    url = new URL(issuer);
  } catch {
    throw invalid('issuer', ISSUER_FORMS, issuer);
  }
  if (/[?#]/.test(issuer)) throw invalid('issuer', 'must have no query and no fragment', issuer);
  const insecureButAllowed = url.protocol === 'http:' && allowInsecure && isLoopback(url.hostname);
  if (url.protocol !== 'https:' && !insecureButAllowed) {
    throw invalid(
      'issuer',
      'must begin with https:// (http:// only on a loopback host, with allowInsecureIssuer: true)',
      issuer,
    );
  }
  if (/^[^.]+-admin\.(okta[^.]*|trexcloud)\./i.test(url.hostname)) {
    throw invalid('issuer', 'must be the address of the org without -admin', issuer);
  }
  // /oauth2/v1 is where the org server has its endpoints, not an issuer.
  if (!/^\/(oauth2\/(?!v1\/?$)[^/]+\/?)?$/.test(url.pathname)) {
    throw invalid('issuer', ISSUER_FORMS, issuer);
  }
  return url;
}

/** `url.hostname` is normalised: every way to write an IPv4 address has become four numbers. */
function isLoopback(hostname: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[::1\]|(.+\.)?localhost)$/.test(hostname);
}

/** Okta: concepts/auth-servers. The org server's issuer has no path, its endpoints do. */
function endpointsOf(issuer: URL): Settings['endpoints'] {
  const path = issuer.pathname === '/' ? '/oauth2' : issuer.pathname.replace(/\/$/, '');
  const endpoint = (name: string) => new URL(`${path}/v1/${name}`, issuer);
  return { token: endpoint('token'), keys: endpoint('keys'), userInfo: endpoint('userinfo') };
}

function readCredentials(options: CommonOptions): ClientCredentials {
  const { clientSecret, privateKey, keyID } = options;
  const method =
    options.clientAuthentication ?? (clientSecret === undefined ? 'none' : 'client_secret_basic');
  const usesSecret = method === 'client_secret_basic' || method === 'client_secret_post';
  if (!usesSecret && method !== 'private_key_jwt' && method !== 'none') {
    throw invalid(
      'clientAuthentication',
      'must be client_secret_basic, client_secret_post, private_key_jwt or none',
      method,
    );
  }
  if (clientSecret !== undefined && !usesSecret) {
    throw invalid('clientSecret', `is not used with clientAuthentication ${method}: leave it out`);
  }
  if (method !== 'private_key_jwt') {
    for (const [name, value] of Object.entries({ privateKey, keyID })) {
      if (value !== undefined) {
        throw invalid(name, "is only used with clientAuthentication: 'private_key_jwt'");
      }
    }
  }
  if (usesSecret) return { method, clientSecret: secret(clientSecret, method) };
  if (method === 'none') return { method };
  return { method, ...readPrivateKey(privateKey, keyID) };
}

/** A secret's value stands in no message, only what kind of thing it is. */
function secret(value: unknown, method: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(
    'clientSecret',
    `must be a string that is not empty, for ${method}, but got ${kind(value)}`,
  );
}

function readPrivateKey(value: CommonOptions['privateKey'], keyID: unknown) {
  const wanted =
    'must be an RSA private key of at least 2048 bits or an EC private key on P-256, as PEM, KeyObject or JWK';
  let key: KeyObject;
  try {
    if (value instanceof KeyObject) key = value;
    else if (typeof value === 'string' || Buffer.isBuffer(value)) key = createPrivateKey(value);
    else key = createPrivateKey({ key: value as never, format: 'jwk' });
  } catch {
    // The error of node:crypto is not passed on: it may describe the key.
    throw invalid('privateKey', `${wanted}, but got ${kind(value)} that is none`);
  }
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  const suits =
    key.type === 'private' &&
    ((key.asymmetricKeyType === 'rsa' && modulusLength >= 2048) ||
      (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1'));
  if (!suits) {
    throw invalid(
      'privateKey',
      `${wanted}, but got a ${key.type} ${key.asymmetricKeyType ?? ''} key`,
    );
  }
  const kid = keyID ?? (value as { kid?: unknown }).kid;
  return { privateKey: key, keyID: kid === undefined ? undefined : text('keyID', kid) };
}

function readScope(value: unknown): string {
  const scopes: unknown[] = Array.isArray(value)
    ? value
    : text('scope', value ?? 'openid profile')
        .split(' ')
        .filter((scope) => scope !== '');
  for (const scope of scopes) {
    // RFC 6749 §3.3
    if (typeof scope !== 'string' || !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) {
      throw invalid('scope', 'must be scopes separated by spaces, or an array of scopes', value);
    }
  }
  if (!scopes.includes('openid')) {
    throw invalid('scope', 'must have openid: without it Okta gives no ID token to verify', value);
  }
  return scopes.join(' ');
}

/** What express-session, @fastify/session and Passport keep in the session themselves. */
const SESSION_NAMES =
  'cookie passport id req save regenerate destroy reload touch resetMaxAge get set delete options sessionId encryptedSessionId isModified isSaved'.split(
    ' ',
  );

function readSessionKey(value: unknown): string {
  const key = text('sessionKey', value ?? 'okta-direct-mfa');
  if (key in Object.prototype || SESSION_NAMES.includes(key)) {
    throw invalid('sessionKey', 'must not be a name that the session uses itself', key);
  }
  return key;
}

function readStore(store: Partial<TransactionStore> | null | undefined) {
  if (store === undefined) return undefined;
  for (const method of ['read', 'create', 'update', 'remove'] as const) {
    if (typeof store?.[method] !== 'function') {
      throw invalid('store', `must be a TransactionStore; it has no method ${method}`);
    }
  }
  return store as TransactionStore;
}

function readDispatcher(dispatcher: Dispatcher | null | undefined): Dispatcher | undefined {
  if (dispatcher === undefined || typeof dispatcher?.dispatch === 'function') return dispatcher;
  throw invalid('dispatcher', 'must be an undici Dispatcher, such as an Agent', dispatcher);
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw invalid(name, 'must be a string that is not empty', value);
}

function flag(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw invalid(name, 'must be true or false', value);
}

function amount(
  name: string,
  value: unknown,
  fallback: number,
  { whole = false, zero = false } = {},
) {
  if (value === undefined) return fallback;
  const fits =
    typeof value === 'number' &&
    (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    (zero ? value >= 0 : value > 0);
  if (fits) return value;
  throw invalid(
    name,
    `must be a ${whole ? 'whole ' : ''}number ${zero ? 'of at least' : 'above'} 0`,
    value,
  );
}

function func<F>(name: string, value: F): F {
  if (value === undefined || typeof value === 'function') return value;
  throw invalid(name, 'must be a function', value);
}

function invalid(name: string, complaint: string, ...got: [] | [unknown]): TypeError {
  const end = got.length === 0 ? '' : `, but got ${show(got[0])}`;
  return new TypeError(`OktaDirectMfaStrategy: ${name} ${complaint}${end}`);
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 100 });
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  return value === '' ? 'an empty string' : typeof value;
}
