import type { KeyObject, webcrypto } from 'node:crypto';
import type { OktaClientAuthenticationMethod } from '../okta/client-authentication.js';
import type { Bivariant, OktaDirectMfaRequest, OktaDirectMfaRequestReader } from '../request.js';
import type { OktaDirectMfaSecondFactor, TransactionStore } from '../transactions/transaction.js';
import type { OktaDispatcher } from '../undici.js';

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
  /** The app's client secret, for the three methods `client_secret_…`. */
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
  /** Name of the field in `req.body` that chooses a second factor. Default: `factor`. */
  factorField?: string | undefined;
  /** Name of the field in `req.body` with the id of the challenge that is out. Default: `challenge`. */
  challengeField?: string | undefined;
  /** Name of the field in `req.body` with a passkey's answer. Default: `assertion`. */
  assertionField?: string | undefined;
  /**
   * The second factors that the app's pages offer, in the order to offer them; or a function of the
   * request that gives such a list, which should give the same in all requests of a login. Nothing is
   * ever sent to a person who has not chosen it. Default: `['otp']`.
   */
  factors?:
    | readonly OktaDirectMfaSecondFactor[]
    | Bivariant<[req: OktaDirectMfaRequest], readonly OktaDirectMfaSecondFactor[]>
    | undefined;
  /**
   * Whether a push that comes without a number to compare is given up: `number_challenge_required`.
   * Without one, a person who is asked to approve cannot tell whose sign-in it is. In the Okta admin
   * console: Security > Authenticators > Okta Verify > Number challenge > All push challenges.
   * Default: `true`.
   */
  requireNumberChallenge?: boolean | undefined;
  /** Pushes, texts, calls and mails for one password step. Default: 5. */
  maxChallenges?: number | undefined;
  /** Seconds before the same factor is challenged again in one login. Default: 30. */
  resendAfter?: number | undefined;
  /**
   * Experimental, as Okta documents no passkeys here. What a passkey's answer must say before Okta is
   * asked: `rpID`, the domain that the passkeys belong to (default: what Okta says, else the domain of
   * the issuer), and `origins`, the app's own pages (default: `https:` pages of that domain and of
   * those below it). WebAuthn §7.2.
   */
  webauthn?: { rpID?: string | undefined; origins?: readonly string[] | undefined } | undefined;
  /**
   * Where to send the browser whenever a second factor is wanted or waited for; also an option of
   * `authenticate()`. Default: no redirect, but `fail` with the codes `mfa_required`,
   * `authorization_pending`, `code_sent` and `webauthn_required`.
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
  /** Wrong codes, of all factors together, after which the password is needed again. Default: 5. */
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
  /**
   * An undici `Dispatcher`, for a proxy, TLS settings or tests: an `Agent`, `Pool`, `ProxyAgent`,
   * `EnvHttpProxyAgent` or `MockAgent` of any major version. Default: undici's global one.
   */
  dispatcher?: OktaDispatcher | undefined;
  /** Seconds of clock difference allowed for the ID token's times. Default: 60. */
  clockTolerance?: number | undefined;
  /**
   * Revoke the tokens that Okta granted and the login does not use: it was cancelled meanwhile, the
   * verify function refused it or failed, it ended in `mfa_not_enforced`, the ID token or `/userinfo`
   * was refused, or the store failed. Once, after the response; a failure of that is only an event.
   * Default: `true`.
   */
  revokeUnused?: boolean | undefined;
  /** Let an issuer on a loopback host be `http:`, for development. Default: `false`. */
  allowInsecureIssuer?: boolean | undefined;
}

/** What the constructor gets. */
export type AnyOptions = OktaDirectMfaStrategyOptions | OktaDirectMfaStrategyOptionsWithRequest;

/**
 * Options of `passport.authenticate('okta-direct-mfa', options)`, beside Passport's own. With
 * `@types/passport`, `mfaRedirect` is among the options that Passport's types know.
 */
export interface OktaDirectMfaAuthenticateOptions {
  /** Where to send the browser when a second factor is wanted. Default: the strategy's `mfaRedirect`. */
  mfaRedirect?: string | undefined;
  /** Passport's own, as `passport.authorize()` sets it: whoever is signed in stays signed in. */
  assignProperty?: string | undefined;
  /** Passport's own: `false` logs in for this request only, as for an app that gives out tokens. */
  session?: boolean | undefined;
}
