import type { Dispatcher, MockAgent } from 'undici';
import { readOptions } from '../options/index.js';
import { loadMockAgent } from '../undici.js';
import { moveClock } from '../clock.js';
import { createAuthorizationServer } from './authorization-server.js';
import { isEnrolled } from './factors.js';
import {
  checkFailure,
  toOutcome,
  toReply,
  type MockOktaEndpoint,
  type MockOktaFailure,
  type Outcome,
} from './failures.js';
import { createPasskeys, signAssertion, type MockOktaPasskey } from './passkey.js';
import { createPhones, type MockOktaPhone } from './phone.js';
import { toForm, toRecord } from './request.js';
import { answers } from './responses.js';
import { checkUsers, findUser, idOf, type MockOktaUser } from './user.js';

/** The Okta to mock. */
export interface MockOktaOptions {
  /** The strategy's `issuer`; `http:` is allowed on a loopback host. */
  issuer: string;
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
   * Closes it: from now on every request fails, and the clock is as it was. Calling it again does
   * nothing.
   */
  close(): Promise<void>;
}

/**
 * Makes a mock that responds as Okta does for the users that a test names: keys, both steps of a
 * login with every second factor, signed ID tokens, `/userinfo`, refresh and
 * revocation. It is for the tests of an app that
 * uses this package; it opens no port and reaches no network. Pushes, codes and passkeys' challenges
 * last 300 seconds, by the clock that `advance` moves. Its logins do not expire by themselves, passcodes
 * may be used again, and it has no rate limit except through `failNext`.
 *
 * The RSA signing key is made once per process, by the first login, which takes 50 to 150 ms longer.
 *
 * @throws TypeError for an issuer or a user that cannot work
 * @example
 * const okta = mockOkta({
 *   issuer: 'https://acme.okta.com',
 *   clientID: '0oa1',
 *   users: [{ username: 'ada@example.com', password: 'pw', otp: '123456' }],
 * });
 * const strategy = new OktaDirectMfaStrategy(
 *   { issuer: 'https://acme.okta.com', clientID: '0oa1', dispatcher: okta.dispatcher },
 *   verify,
 * );
 */
export function mockOkta(options: MockOktaOptions): MockOkta {
  const { issuer, endpoints, clientID } = readOptions({
    issuer: options.issuer,
    clientID: options.clientID,
    allowInsecureIssuer: true,
  });
  checkUsers(options.users);
  const users = [...options.users];
  let advanced = 0;
  let closing: Promise<void> | undefined;

  function advance(seconds: number): void {
    if (!Number.isFinite(seconds) || seconds < 0) {
      throw new TypeError('mockOkta: advance() takes a number of seconds, from 0 on');
    }
    if (closing !== undefined) throw new Error('mockOkta: the mock is closed');
    moveClock(seconds * 1000);
    advanced += seconds * 1000;
  }

  function person(username: string): MockOktaUser {
    const user = findUser(users, username);
    if (user === undefined) throw new Error(`mockOkta: nobody has the username ${username}`);
    return user;
  }

  const phones = createPhones(advance);
  const passkeys = createPasskeys();
  const server = createAuthorizationServer({
    issuer,
    clientID,
    users,
    phones,
    passkeys,
    rotateRefreshTokens: options.rotateRefreshTokens ?? false,
  });
  const requests: MockOktaRequest[] = [];
  const failures: Record<MockOktaEndpoint, MockOktaFailure[]> = {
    token: [],
    challenge: [],
    keys: [],
    userinfo: [],
    revoke: [],
  };
  const routes = new Map<string, MockOktaEndpoint>([
    [`POST ${endpoints.token.pathname}`, 'token'],
    [`POST ${endpoints.challenge.pathname}`, 'challenge'],
    [`GET ${endpoints.keys.pathname}`, 'keys'],
    [`GET ${endpoints.userInfo.pathname}`, 'userinfo'],
    [`POST ${endpoints.revoke.pathname}`, 'revoke'],
  ]);

  function answerTo({ method, path, headers, form }: Omit<MockOktaRequest, 'status'>): Outcome {
    const endpoint = routes.get(`${method} ${path}`);
    if (endpoint === undefined) return answers.notFound(path);
    const failure = failures[endpoint].shift();
    if (failure !== undefined) return toOutcome(failure);
    switch (endpoint) {
      case 'token':
        return server.token(form, headers);
      case 'challenge':
        return server.challenge(form, headers);
      case 'keys':
        return server.keys();
      case 'userinfo':
        return server.userInfo(headers);
      case 'revoke':
        return server.revoke(form, headers);
    }
  }

  const dispatcher = new (loadMockAgent())();
  dispatcher.disableNetConnect();
  dispatcher
    .get(endpoints.token.origin)
    .intercept({ path: () => true, method: () => true })
    .reply(({ method, path: pathAndQuery, headers: given, body }) => {
      const headers = toRecord(given);
      const [path = ''] = pathAndQuery.split('?');
      const form = toForm(headers, body);
      const request = { method, path, headers, form };
      const outcome = answerTo(request);
      requests.push({ ...request, status: typeof outcome === 'string' ? 0 : outcome.status });
      if (typeof outcome === 'object') return toReply(outcome);
      switch (outcome) {
        case 'unreachable':
          throw Object.assign(new Error('The mock of Okta lost the connection'), {
            code: 'ECONNRESET',
          });
        case 'timeout':
          return { statusCode: 200, data: new Promise<never>(() => {}) };
      }
    })
    .persist();

  return {
    dispatcher,
    users,
    requests,
    failNext(failure, endpoint = 'token') {
      checkFailure(failure);
      if (!Object.hasOwn(failures, endpoint)) {
        throw new TypeError(
          `mockOkta: failNext() knows the endpoints ${Object.keys(failures).join(', ')}`,
        );
      }
      failures[endpoint].push(failure);
    },
    phone: (username) => phones.of(person(username).username).hands,
    passkey(username) {
      const user = person(username);
      if (!isEnrolled(user, 'webauthn')) {
        throw new Error(`mockOkta: ${username} has no passkey`);
      }
      const passkey = passkeys.of(user.username);
      return {
        answer: (publicKey, { origin }) =>
          signAssertion(passkey, publicKey, { origin, userId: idOf(user) }),
      };
    },
    advance,
    async close() {
      if (closing === undefined) {
        moveClock(-advanced);
        closing = dispatcher.close();
      }
      await closing;
    },
  };
}
