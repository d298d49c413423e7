import type { Dispatcher, MockAgent } from 'undici';
import type { MockOktaEndpoint, MockOktaFailure } from './failures.js';
import type { MockOktaPasskey } from './passkey.js';
import type { MockOktaPhone } from './phone.js';
import type { MockOktaUser } from './user.js';

/** The Okta to mock. */
export interface MockOktaOptions {
  /**
   * The strategy's `issuer`; `http:` is allowed on a loopback host. Of an issuer that is listened for,
   * only the path matters: `/oauth2/default` is a custom authorization server.
   * Default: `https://okta.example`, for a mock that listens.
   */
  issuer?: string | undefined;
  /**
   * The strategy's `clientID`. A request of another client gets `invalid_client`; client secrets and
   * signatures are not checked.
   */
  clientID: string;
  /** Who can sign in. More may be pushed to `okta.users` later on. */
  users: readonly MockOktaUser[];
  /**
   * Whether a refresh token is replaced when it is used, as Okta can be set to: the used one works for 30
   * seconds, by the clock that `advance` moves, and after that its use ends all tokens of the login.
   * Default: `false`, as for native and web apps at Okta.
   */
  rotateRefreshTokens?: boolean | undefined;
}

/** A request that reached the mock. */
export interface MockOktaRequest {
  /** `POST`, `GET`. */
  readonly method: string;
  /** Such as `/oauth2/v1/token`; without the query. */
  readonly path: string;
  /** Under lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The fields of the form as they were sent, passwords and passcodes among them. */
  readonly form: Readonly<Record<string, string>>;
  /** The HTTP status of the response; 0 when there was none. */
  readonly status: number;
}

/** Where {@link MockOkta.listen} listens. */
export interface MockOktaListenOptions {
  /** Default: 0, a free one. */
  port?: number | undefined;
  /** A loopback host: `127.0.0.1`, `::1` or `localhost`. Default: `127.0.0.1`. */
  host?: string | undefined;
}

/**
 * undici 7's `MockAgent`, for undici of any major version: what it has in common with every other
 * dispatcher is `any`, since the declarations of two majors do not accept each other's classes.
 */
export type MockOktaDispatcher = Omit<MockAgent, keyof Dispatcher> & {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nothing else suits each of them
  [Name in keyof Dispatcher]: any;
};

/** An Okta for tests, without a network. */
export interface MockOkta {
  /**
   * For the strategy's `dispatcher` option, or the `setGlobalDispatcher()` of any undici. An undici 7
   * `MockAgent` that lets nothing out: a request to any other host fails. A test may give it further
   * interceptors, for other hosts.
   */
  readonly dispatcher: MockOktaDispatcher;
  /** Who can sign in: the objects that were given, to be changed, removed or added to. */
  readonly users: MockOktaUser[];
  /** What reached it, in order, secrets and all. Empty it with `length = 0`. */
  readonly requests: MockOktaRequest[];
  /**
   * Makes the next request fail; called again, the one after. By default the next to the token
   * endpoint, the one that a password, a code, a poll and a passkey's answer go to; a `factor` is
   * asked for at `challenge`. The keys are fetched by the first login and cached.
   *
   * @throws TypeError for a failure or an endpoint that it does not know
   * @example
   * okta.failNext('rate_limited');
   * okta.failNext({ status: 400, body: { error: 'invalid_scope' } });
   * okta.failNext('unavailable', 'challenge');
   */
  failNext(failure: MockOktaFailure, endpoint?: MockOktaEndpoint): void;
  /**
   * What this person sees of Okta's pushes, texts, calls and mails, and does with them.
   *
   * @throws Error for a username that nobody has
   * @example
   * // The page has posted `factor=push`.
   * okta.phone('ada@example.com').approve();
   * // The page has posted `factor=sms`, and now posts this.
   * const otp = okta.phone('ada@example.com').code;
   */
  phone(username: string): MockOktaPhone;
  /**
   * What a browser does with this person's passkey.
   *
   * @throws Error for a username that nobody has, or a person without a passkey
   * @example
   * // The page has posted `factor=webauthn`, and got `publicKey`.
   * const origin = 'https://app.example.com';
   * const assertion = okta.passkey('ada@example.com').answer(publicKey, { origin });
   */
  passkey(username: string): MockOktaPasskey;
  /**
   * Moves on the clock by which all strategies of this process wait: between two polls, before the
   * same factor is challenged again, and until a login or a challenge expires. Nothing waits for real,
   * and the times of tokens are not affected. `close()` moves it back.
   *
   * @throws TypeError for anything but a number of seconds from 0 on
   * @throws Error after `close()`
   * @example
   * okta.advance(300);
   */
  advance(seconds: number): void;
  /**
   * Serves the same Okta over HTTP too, for a browser's tests (Playwright, Cypress) and for an app
   * that runs in a process of its own. A strategy reaches it with `allowInsecureIssuer: true` and
   * without a `dispatcher`. Beside Okta's endpoints there are a page with everybody's phone and inbox,
   * at `/`, and the control API, below `/control/`.
   *
   * @throws TypeError for a port that is none, or a host that other machines could reach
   * @throws Error when the port is taken, it listens already, or after `close()`
   * @example
   * const okta = await mockOkta({ clientID: '0oa1', users }).listen();
   * const strategy = new OktaDirectMfaStrategy(
   *   { issuer: okta.issuer, clientID: '0oa1', allowInsecureIssuer: true },
   *   verify,
   * );
   */
  listen(options?: MockOktaListenOptions): Promise<MockOktaServer>;
  /**
   * Closes it: from now on every request fails, and the clock is as it was. Calling it again does
   * nothing.
   */
  close(): Promise<void>;
}

/** A mock that listens. Everything else about it is as without a network. */
export interface MockOktaServer extends MockOkta {
  /** For the strategy, such as `http://127.0.0.1:51234`. */
  readonly issuer: string;
  /** Of the page with everybody's phone and inbox, such as `http://127.0.0.1:51234/`. */
  readonly url: string;
  /** As `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
