import type { Settings } from '../options/index.js';
import type { AuthorizationServer } from './authorization-server.js';
import { toOutcome, type Failures, type MockOktaEndpoint, type Outcome } from './failures.js';
import { metadata } from './metadata.js';
import type { OAuthRequest } from './request.js';
import { answers } from './responses.js';

/** A request to an issuer, whatever brought it. */
export interface ReceivedRequest extends Omit<OAuthRequest, 'issuer'> {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

/** The issuer's endpoints, by method and path. A failure that was asked for comes first. */
export function createEndpoints(
  { issuer, endpoints }: Pick<Settings, 'issuer' | 'endpoints'>,
  { server, failures }: { server: AuthorizationServer; failures: Failures },
): (request: ReceivedRequest) => Outcome {
  const { pathname } = new URL(issuer);
  const wellKnown = `GET ${pathname.replace(/\/$/, '')}/.well-known`;
  const routes = new Map<string, MockOktaEndpoint>([
    [`POST ${endpoints.token.pathname}`, 'token'],
    [`POST ${endpoints.challenge.pathname}`, 'challenge'],
    [`POST ${endpoints.revoke.pathname}`, 'revoke'],
    [`GET ${endpoints.keys.pathname}`, 'keys'],
    [`GET ${endpoints.userInfo.pathname}`, 'userinfo'],
    [`${wellKnown}/openid-configuration`, 'metadata'],
    [`${wellKnown}/oauth-authorization-server`, 'metadata'],
  ]);

  return ({ method, path, headers, form }) => {
    const endpoint = routes.get(`${method} ${path}`);
    if (endpoint === undefined) return answers.notFound(path);
    const failure = failures.next(endpoint);
    if (failure !== undefined) return toOutcome(failure);
    const request = { issuer, headers, form };
    switch (endpoint) {
      case 'token':
        return server.token(request);
      case 'challenge':
        return server.challenge(request);
      case 'revoke':
        return server.revoke(request);
      case 'keys':
        return server.keys(request);
      case 'userinfo':
        return server.userInfo(request);
      case 'metadata':
        return { status: 200, body: metadata(issuer, endpoints) };
    }
  };
}
