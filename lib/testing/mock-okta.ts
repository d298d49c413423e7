import { randomBytes } from 'node:crypto';
import type { MockAgent } from 'undici';
import { readOptions } from '../options/index.js';
import { loadMockAgent } from '../undici.js';
import {
  answers,
  createAuthorizationServer,
  type MockOktaResponse,
} from './authorization-server.js';
import { toForm, toRecord } from './request.js';
import { checkUsers, type MockOktaUser } from './user.js';

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

/** Which endpoint fails. */
export type MockOktaEndpoint = 'token' | 'keys' | 'userinfo';

/**
 * What happens instead of Okta's response, and what the app sees of it:
 *
 * - `rate_limited`: HTTP 429 with 30 seconds to go; the info `rate_limited`.
 * - `mfa_token_expired`: Okta has forgotten the login; the info `mfa_transaction_expired` of the
 *   passcode step.
 * - `unavailable`: HTTP 503 of a proxy; an `OktaResponseError`.
 * - `unreachable`: the connection is lost; an `OktaUnreachableError`.
 * - `timeout`: no response; an `OktaTimeoutError` after the strategy's `timeout`, which a test should
 *   keep short.
 * - a response that the test makes up.
 */
export type MockOktaFailure =
  | 'rate_limited'
  | 'mfa_token_expired'
  | 'unavailable'
  | 'unreachable'
  | 'timeout'
  | MockOktaResponse;

/** An Okta for tests, without a network. */
export interface MockOkta {
  /**
   * For the strategy's `dispatcher` option. An undici 7 `MockAgent` that lets nothing out: a request
   * to any other host fails. A test may give it further interceptors, for other hosts.
   */
  readonly dispatcher: MockAgent;
  /** Who can sign in: the objects that were given, to be changed, removed or added to. */
  readonly users: MockOktaUser[];
  /** What reached it, in order, secrets and all. Empty it with `length = 0`. */
  readonly requests: MockOktaRequest[];
  /**
   * Makes the next request fail; called again, the one after. By default the next to the token
   * endpoint, the one both steps of a login ask. The keys are fetched by the first login
   * and cached.
   *
   * @throws TypeError for a failure or an endpoint that it does not know
   * @example
   * okta.failNext('rate_limited');
   * okta.failNext({ status: 400, body: { error: 'invalid_scope' } });
   * okta.failNext('unavailable', 'keys');
   */
  failNext(failure: MockOktaFailure, endpoint?: MockOktaEndpoint): void;
  /** Closes it: from now on every request fails. Calling it again does nothing. */
  close(): Promise<void>;
}

/**
 * Makes a mock that responds as Okta does for the users that a test names: keys, both steps of a
 * login, signed ID tokens and `/userinfo`. It is for the tests of an app that uses this package; it
 * opens no port and reaches no network. Its logins do not expire by themselves, passcodes may be used
 * again, and it has no rate limit except through `failNext`.
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
  const server = createAuthorizationServer({ issuer, clientID, users });
  const requests: MockOktaRequest[] = [];
  const failures: Record<MockOktaEndpoint, MockOktaFailure[]> = {
    token: [],
    keys: [],
    userinfo: [],
  };
  const routes = new Map<string, MockOktaEndpoint>([
    [`POST ${endpoints.token.pathname}`, 'token'],
    [`GET ${endpoints.keys.pathname}`, 'keys'],
    [`GET ${endpoints.userInfo.pathname}`, 'userinfo'],
  ]);

  function answerTo({ method, path, headers, form }: Omit<MockOktaRequest, 'status'>): Outcome {
    const endpoint = routes.get(`${method} ${path}`);
    if (endpoint === undefined) return answers.notFound(path);
    const failure = failures[endpoint].shift();
    if (failure !== undefined) return toOutcome(failure);
    switch (endpoint) {
      case 'token':
        return server.token(form, headers);
      case 'keys':
        return server.keys();
      case 'userinfo':
        return server.userInfo(headers);
    }
  }

  let closing: Promise<void> | undefined;
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
      if (
        !(typeof failure === 'object' ? typeof failure?.status === 'number' : NAMED.has(failure))
      ) {
        throw new TypeError(
          `mockOkta: failNext() takes an answer with a status, or one of ${[...NAMED].join(', ')}`,
        );
      }
      if (!Object.hasOwn(failures, endpoint)) {
        throw new TypeError(
          `mockOkta: failNext() knows the endpoints ${Object.keys(failures).join(', ')}`,
        );
      }
      failures[endpoint].push(failure);
    },
    async close() {
      await (closing ??= dispatcher.close());
    },
  };
}

/** What a request ends in: a response, or none. */
type Outcome = MockOktaResponse | 'unreachable' | 'timeout';

const NAMED: ReadonlySet<string> = new Set(
  Object.keys({
    rate_limited: 0,
    mfa_token_expired: 0,
    unavailable: 0,
    unreachable: 0,
    timeout: 0,
  } satisfies Record<Extract<MockOktaFailure, string>, 0>),
);

function toOutcome(failure: MockOktaFailure): Outcome {
  if (typeof failure === 'object') return failure;
  switch (failure) {
    case 'rate_limited':
      return answers.rateLimited();
    case 'mfa_token_expired':
      return answers.mfaTokenExpired();
    case 'unavailable':
      return answers.unavailable();
    case 'unreachable':
    case 'timeout':
      return failure;
  }
}

function toReply({ status, headers, body = '' }: MockOktaResponse) {
  const isText = typeof body === 'string';
  return {
    statusCode: status,
    data: isText ? body : JSON.stringify(body),
    responseOptions: {
      headers: {
        'content-type': isText ? 'text/plain' : 'application/json',
        // The clock that Okta's rate limit headers are read against.
        date: new Date().toUTCString(),
        'x-okta-request-id': randomBytes(15).toString('base64url'),
        ...headers,
      },
    },
  };
}
