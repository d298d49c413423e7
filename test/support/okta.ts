import { after, before } from 'node:test';
import {
  startOkta,
  type Okta,
  type OktaOptions,
  type RecordedRequest,
  type RequestFilter,
} from '../../example/okta/index.js';
import { assertNoSecretSeen } from './collector.js';
import { gate, soon } from './promises.js';

export const MFA_OTP = 'http://auth0.com/oauth/grant-type/mfa-otp';
export const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
export const MFA_WEBAUTHN = 'urn:okta:params:oauth:grant-type:mfa-webauthn';

let current: Okta | undefined;

/**
 * The stand-in for a test file; when the tests have run, none of its secrets may have got out. Without
 * Okta's limit of five passcodes in five minutes, so that the strategy's own limits can be seen.
 */
export function useOkta(started: (okta: Okta) => void, options: OktaOptions = {}): void {
  let okta: Okta;
  before(async () => {
    okta = await startOkta({ record: true, otpLimit: Infinity, ...options });
    current = okta;
    started(okta);
  });
  after(async () => {
    await okta.close();
    assertNoSecretSeen(okta);
  });
}

/** The stand-in that `useOkta` has started. */
export function currentOkta(): Okta {
  if (current === undefined) throw new Error('This test file has not called useOkta()');
  return current;
}

/** From now on: what reaches `/token`. The returned function gives it, in order. */
export function watchTokenRequests(okta: Okta): () => RecordedRequest[] {
  const start = okta.requests.length;
  return () =>
    okta.requests
      .slice(start)
      .filter(({ method, path }) => method === 'POST' && path.endsWith('/v1/token'));
}

/** From now on: what reaches `/challenge`. The returned function gives it, in order. */
export function watchChallengeRequests(okta: Okta): () => RecordedRequest[] {
  const start = okta.requests.length;
  return () =>
    okta.requests
      .slice(start)
      .filter(({ method, path }) => method === 'POST' && path.endsWith('/v1/challenge'));
}

/** From now on: every request, as `GET /oauth2/v1/keys`. */
export function watchAllRequests(okta: Okta): () => string[] {
  const start = okta.requests.length;
  return () => okta.requests.slice(start).map(({ method, path }) => `${method} ${path}`);
}

/** The next such request waits at Okta until it is let go, and says when it has arrived. */
export function hold(okta: Okta, filter: RequestFilter) {
  const arrived = gate<RecordedRequest>();
  const letGo = gate();
  okta.respondNext(async (request) => {
    arrived.open(request);
    await letGo.opened;
    return undefined;
  }, filter);
  return {
    arrived: () => soon('a request at Okta', arrived.opened),
    letGo: () => letGo.open(),
  };
}

export const PASSWORD_STEP = { endpoint: 'token', grantType: 'password' } as const;
export const OOB_STEP = { endpoint: 'token', grantType: MFA_OOB } as const;
export const WEBAUTHN_STEP = { endpoint: 'token', grantType: MFA_WEBAUTHN } as const;
export const CHALLENGE_STEP = { endpoint: 'challenge' } as const;
export const OTP_STEP = { endpoint: 'token', grantType: MFA_OTP } as const;
