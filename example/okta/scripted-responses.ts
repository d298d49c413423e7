import type { RecordedRequest, ServerName } from './front.js';

/** A test's own response. A body that is an object is sent as JSON, an iterable piece by piece. */
export interface OktaResponse {
  /** Default: 200. */
  status?: number;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array | Record<string, unknown> | AsyncIterable<string | Uint8Array>;
}

/**
 * Creates the response. `proceed` passes the request to the authorization server and returns its
 * response (a JSON body parsed), to be changed and returned. `hang` never responds, `reset` closes
 * the connection without a response, `undefined` leaves the request to the authorization server.
 */
export type Responder = (
  request: RecordedRequest,
  proceed: () => Promise<OktaResponse>,
) => ScriptedResponse | undefined | Promise<ScriptedResponse | undefined>;

export type ScriptedResponse = OktaResponse | 'hang' | 'reset';

/** Selects a request; a property that is left out matches every request. */
export interface RequestFilter {
  endpoint?: 'token' | 'challenge' | 'keys' | 'userinfo' | 'revoke' | 'introspect' | 'logout';
  /** The form's `grant_type`. */
  grantType?: string;
  authorizationServer?: ServerName;
}

export type RequestMatcher = RequestFilter | ((request: RecordedRequest) => boolean);

interface Scripted {
  response: ScriptedResponse | Responder;
  matches: (request: RecordedRequest) => boolean;
}

/** Responses for the next matching requests, each used once, in order. */
export class ScriptedResponses {
  readonly #pending: Scripted[] = [];

  add(response: ScriptedResponse | Responder, matcher: RequestMatcher): void {
    const matches =
      typeof matcher === 'function'
        ? matcher
        : (request: RecordedRequest) => matchesFilter(request, matcher);
    this.#pending.push({ response, matches });
  }

  async take(
    request: RecordedRequest,
    proceed: () => Promise<OktaResponse>,
  ): Promise<ScriptedResponse | undefined> {
    const index = this.#pending.findIndex(({ matches }) => matches(request));
    if (index === -1) return undefined;
    const [scripted] = this.#pending.splice(index, 1);
    const response = scripted?.response;
    return typeof response === 'function' ? response(request, proceed) : response;
  }
}

function matchesFilter(request: RecordedRequest, filter: RequestFilter): boolean {
  const { endpoint, grantType, authorizationServer } = filter;
  const [path = ''] = request.path.split('?');
  return (
    (endpoint === undefined || path.endsWith(`/v1/${endpoint}`)) &&
    (grantType === undefined || request.form['grant_type'] === grantType) &&
    (authorizationServer === undefined || request.authorizationServer === authorizationServer)
  );
}
