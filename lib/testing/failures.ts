import { randomBytes } from 'node:crypto';
import { answers, type MockOktaResponse } from './responses.js';

/** Which endpoint fails. */
export type MockOktaEndpoint = 'token' | 'challenge' | 'revoke' | 'keys' | 'userinfo' | 'metadata';

/**
 * What happens instead of Okta's response, and what the app sees of it:
 *
 * - `rate_limited`: HTTP 429 with 30 seconds to go; the info `rate_limited`, or an
 *   `OktaRateLimitError` of `refresh()` and `revoke()`.
 * - `mfa_token_expired`: Okta has forgotten the login; the info `mfa_transaction_expired` of a second
 *   step.
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

/** What a request ends in: a response, or none. */
export type Outcome = MockOktaResponse | 'unreachable' | 'timeout';

const NAMED: ReadonlySet<string> = new Set(
  Object.keys({
    rate_limited: 0,
    mfa_token_expired: 0,
    unavailable: 0,
    unreachable: 0,
    timeout: 0,
  } satisfies Record<Extract<MockOktaFailure, string>, 0>),
);

/** The failures that a test has asked for, by endpoint, each for one request. */
export interface Failures {
  /** @throws TypeError for a failure or an endpoint that it does not know */
  add(failure: MockOktaFailure, endpoint: MockOktaEndpoint): void;
  next(endpoint: MockOktaEndpoint): MockOktaFailure | undefined;
}

export function createFailures(): Failures {
  const waiting: Record<MockOktaEndpoint, MockOktaFailure[]> = {
    token: [],
    challenge: [],
    revoke: [],
    keys: [],
    userinfo: [],
    metadata: [],
  };
  return {
    add(failure, endpoint) {
      if (typeof failure === 'object' ? !isResponse(failure) : !NAMED.has(failure)) {
        throw new TypeError(
          `mockOkta: failNext() takes an answer with a status, or one of ${[...NAMED].join(', ')}`,
        );
      }
      if (!Object.hasOwn(waiting, endpoint)) {
        throw new TypeError(
          `mockOkta: failNext() knows the endpoints ${Object.keys(waiting).join(', ')}`,
        );
      }
      waiting[endpoint].push(failure);
    },
    next: (endpoint) => waiting[endpoint].shift(),
  };
}

/** As HTTP can send it. */
function isResponse(response: MockOktaResponse | null): boolean {
  const { status, headers = {} } = response ?? {};
  return (
    Number.isInteger(status) &&
    Number(status) >= 200 &&
    Number(status) <= 599 &&
    Object.values(Object(headers) as object).every((value) => typeof value === 'string')
  );
}

export function toOutcome(failure: MockOktaFailure): Outcome {
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

export function toReply({ status, headers, body = '' }: MockOktaResponse) {
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
