import type { KeyObject, webcrypto } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { OktaClientAuthenticationMethod } from '../okta/client-authentication.js';
import type { OktaDirectMfaRequestReader } from '../request.js';
import type { TransactionStore } from '../transactions/transaction.js';

/** A private key as JWK (RFC 7517). */
export type OktaPrivateJwk = webcrypto.JsonWebKey & {
  /** Becomes `kid` in the assertion's header, unless `keyID` is given. */
  kid?: string | undefined;
};

/** Options of the strategy. The constructor throws a `TypeError` for a value that cannot work. */
export interface OktaDirectMfaStrategyOptions extends OktaDirectMfaCommonOptions {
  /** Call `verify(req, tokens, profile, done)` instead of `verify(tokens, profile, done)`. Default: `false`. */
  passReqToCallback?: false | undefined;
}

/** The same, for a verify function that gets the request. */
export interface OktaDirectMfaStrategyOptionsWithRequest extends OktaDirectMfaCommonOptions {
  /** Call `verify(req, tokens, profile, done)`. */
  passReqToCallback: true;
}

/** The options that do not depend on the verify function. */
export interface OktaDirectMfaCommonOptions {
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
  clientAuthentication?: OktaClientAuthenticationMethod | undefined;
  /**
   * For `private_key_jwt`: an RSA key of at least 2048 bits (RS256) or an EC key on P-256 (ES256),
   * as PEM, `KeyObject` or JWK. RFC 7523.
   */
  privateKey?: string | Buffer | KeyObject | OktaPrivateJwk | undefined;
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
  /** Key of the transaction in `req.session`. Default: `okta-direct-mfa`. */
  sessionKey?: string | undefined;
  /** A store of the app's own for transactions. Default: the session. */
  store?: TransactionStore | undefined;
  /**
   * When Okta grants tokens for the password alone, because of its sign-on policy: `true` fails with
   * `mfa_not_enforced`, `false` logs in. Default: `true`.
   */
  requireMfa?: boolean | undefined;
  /** Seconds for which a password step stays good. Default: 300. */
  transactionMaxAge?: number | undefined;
  /** Wrong passcodes after which the password is needed again. Default: 5. */
  maxOtpAttempts?: number | undefined;
  /** Also read the `/userinfo` endpoint into the profile. Default: `false`. OIDC Core §5.3. */
  userInfo?: boolean | undefined;
  /**
   * The person's IP address, sent as `X-Forwarded-For`, so that Okta's policies judge it and not the
   * server's. It counts only from a trusted proxy (Okta: reference/core-okta-api). Port, brackets and
   * the `::ffff:` of an IPv4 address are left out. What is not an IP address is not sent, and a process
   * warning says so once. Default: none sent.
   */
  clientIP?: OktaDirectMfaRequestReader | undefined;
  /**
   * A stable id of the person's device, sent as `X-Device-Token`: at most 32 printable ASCII
   * characters (Okta: guides/device-context). Anything else is not sent, with a warning. Default: none
   * sent.
   */
  deviceToken?: OktaDirectMfaRequestReader | undefined;
  /**
   * The browser's `User-Agent`, sent in place of this package's own: at most 512 printable ASCII
   * characters (Okta: reference/core-okta-api). Anything else is not sent, with a warning. Default:
   * none sent.
   */
  userAgent?: OktaDirectMfaRequestReader | undefined;
  /** Milliseconds for one call to Okta, body included. Default: 10 000. */
  timeout?: number | undefined;
  /** An undici `Dispatcher`, for a proxy, TLS settings or tests. Default: undici's global one. */
  dispatcher?: Dispatcher | undefined;
  /** Seconds of clock difference allowed for the ID token's times. Default: 60. */
  clockTolerance?: number | undefined;
  /** Let an issuer on a loopback host be `http:`, for development. Default: `false`. */
  allowInsecureIssuer?: boolean | undefined;
}

/** What the constructor gets. */
export type AnyOptions = OktaDirectMfaStrategyOptions | OktaDirectMfaStrategyOptionsWithRequest;

/**
 * Options of `passport.authenticate('okta-direct-mfa', options)`, beside Passport's own. In TypeScript
 * say `{ … } as OktaDirectMfaAuthenticateOptions`: Passport's types know only Passport's options.
 */
export interface OktaDirectMfaAuthenticateOptions {
  /** Where to send the browser when a passcode is needed. Default: the strategy's `mfaRedirect`. */
  mfaRedirect?: string | undefined;
  /** Passport's own, as `passport.authorize()` sets it: whoever is signed in stays signed in. */
  assignProperty?: string | undefined;
  /** Passport's own: `false` logs in for this request only, as for an app that gives out tokens. */
  session?: boolean | undefined;
}
