import type jwt from 'jsonwebtoken';
import type { Client, DemoClients } from './clients.js';
import type { DemoUsers } from './demo-users.js';
import type { RecordedRequest, ServerName } from './front.js';
import type { PasskeySettings } from './passkeys.js';
import type { Phone } from './phones.js';
import type { Responder, RequestMatcher, ScriptedResponse } from './scripted-responses.js';
import type { SoftwarePasskey } from './software-passkey.js';
import type { User } from './users.js';

export interface OktaOptions {
  /** Default: 0, a free port. */
  port?: number;
  /** Default: `127.0.0.1`. */
  host?: string;
  /** Users in addition to those of the demo. */
  users?: User[];
  /** Clients in addition to those of the demo. */
  clients?: Client[];
  /**
   * The clock, in milliseconds, for passcodes, `mfa_token`s, the rate limit, the grace period
   * of refresh tokens and the `Date` header.
   * The times in tokens always come from the machine's clock: oidc-provider uses no other.
   * Default: `Date.now`.
   */
  now?: () => number;
  /** Seconds. Default: 3600. */
  accessTokenLifetime?: number;
  /** Seconds. Default: 300. */
  mfaTokenLifetime?: number;
  /** Password requests per second for one username; `Infinity` for load tests. Default: 4. */
  rateLimitPerSecond?: number;
  /**
   * Codes, right or wrong, and challenges in five minutes for one authenticator of one user (polls do
   * not count); `Infinity` for load tests. Default: 5, which cannot be changed at Okta.
   */
  otpLimit?: number;
  /** Passkeys: the RP ID, the origins, and whether `publicKey` says the RP ID. */
  webauthn?: PasskeySettings;
  /** Whether to fill `requests`. Default: false, so that long runs do not grow. */
  record?: boolean;
  /** Serves https, with this key and certificate (PEM). Default: http. */
  tls?: { key: string | Buffer; cert: string | Buffer };
}

/** A running stand-in. */
export interface Okta {
  /** `http://127.0.0.1:{port}`. */
  readonly origin: string;
  readonly issuers: Readonly<Record<ServerName, string>>;
  /** One for each method of client authentication. Both authorization servers know every client. */
  readonly clients: DemoClients;
  readonly users: DemoUsers;
  /** All requests to the endpoints, in order, with `record: true`. Clear it with `length = 0`. */
  readonly requests: RecordedRequest[];

  /**
   * Adds an active, assigned user with MFA; username, password and TOTP secret are random unless
   * given. A test that adds its own user has its own passcodes and its own rate limit. The returned
   * object is the record itself: `user.locked = true` locks the account, `user.factors.sms = '+1…'`
   * gives it a phone.
   */
  addUser(given?: Partial<User>): User;
  /** Deletes the account; its MFA transactions and refresh tokens end with it. */
  removeUser(user: User): void;
  /** Ends all tokens of a user at both servers, as an administrator may; the account stays. */
  revokeTokens(user: User): void;
  /** Adds a client with all grants, public by default; id and secret are random unless given. */
  addClient(given?: Partial<Client>): Client;

  /**
   * A passcode that is valid now and that this user has not used: that of the current 30-second
   * step, else of the next, else of the previous; or only that of `step`. Calling it does not use
   * the code.
   * @throws Error if the user has used them all, or has no authenticator.
   */
  otp(user: User, options?: { step?: -1 | 0 | 1 }): string;
  /** A passcode that is certain to be wrong now. */
  wrongOtp(user: User): string;
  /** What a push, text, call or mail is answered with; the same as at `/phone`. */
  phone(user: User): Phone;
  /** A passkey without a browser, which the user has enrolled. `rpID` is that of the options unless given. */
  createPasskey(user: User, options?: { rpID?: string }): SoftwarePasskey;

  /**
   * Signs with a new key from now on. The previous key stays published, as at Okta, unless
   * `keepPrevious` is false. Resolves with the new `kid`.
   */
  rotateKeys(server: ServerName, options?: { keepPrevious?: boolean }): Promise<string>;
  /**
   * An ID token with a test's own claims, signed with the server's current key. `iss`, `iat`, `exp`
   * (one hour), `ver` and `sub` have defaults; `undefined` leaves one out. `header` overrides
   * `{ alg: 'RS256', kid }`.
   */
  signIdToken(
    server: ServerName,
    claims: Record<string, unknown>,
    header?: { alg?: jwt.Algorithm; kid?: string },
  ): string;

  /**
   * Responds to the next request that matches (by default the very next one) instead of the
   * authorization server. Another call responds to the one after. For unusual responses, errors,
   * and hanging or broken connections.
   * @example
   * okta.respondNext({ status: 502, body: 'Bad gateway' }, { endpoint: 'token' });
   * okta.respondNext('hang');
   * okta.respondNext(async (request, proceed) => {
   *   const response = await proceed();
   *   return { ...response, body: { ...(response.body as object), id_token: undefined } };
   * }, { grantType: 'password', authorizationServer: 'org' });
   */
  respondNext(response: ScriptedResponse | Responder, matcher?: RequestMatcher): void;

  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}
