import { OktaResponseError, OktaTimeoutError, type OktaUnreachableError } from '../errors.js';
import type { OktaDispatcher, OktaDispatchOptions } from '../undici.js';
import { codeOf, proxyHint, unreachable, wasNeverSent } from './connection.js';
import { dispatch, DispatchError, globalDispatcher, type RawResponse } from './dispatch.js';

/** A call to Okta. */
export interface HttpRequest {
  method: 'GET' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** A 200 says it all: its body may be anything, or missing. */
  ignoresBody?: true;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** The JSON object of the body, `undefined` when the body is something else. */
  json: Readonly<Record<string, unknown>> | undefined;
}

export type HttpClient = (request: HttpRequest) => Promise<HttpResponse>;

export interface HttpClientOptions {
  /** Without one: undici's global dispatcher at the time of the call. */
  dispatcher: OktaDispatcher | undefined;
  /** Milliseconds for the whole call: connection, repetition and body included. */
  timeout: number;
}

const HEADERS = {
  accept: 'application/json',
  // An interceptor or a proxy must not leave the body in a form that is not read here.
  'accept-encoding': 'identity',
  // No cache of the app's dispatcher answers for the keys: one kept withdrawn keys for weeks.
  'cache-control': 'no-store',
  'user-agent': 'passport-okta-direct-mfa',
};

/**
 * What an interceptor of the app's dispatcher may be told for one request: no redirect is followed (a
 * 307 would take the password to another host), nothing is repeated, and an error status is a response
 * like any other.
 */
const INTERCEPTORS = {
  maxRedirections: 0,
  retryOptions: { maxRetries: 0, statusCodes: [], errorCodes: [], throwOnError: false },
};

/**
 * The only way to Okta. No redirect is followed; a call is repeated, once, only when it was certainly
 * never sent.
 *
 * @throws (rejects with) OktaResponseError, OktaTimeoutError, OktaUnreachableError
 */
export function createHttpClient({ dispatcher, timeout }: HttpClientOptions): HttpClient {
  return (request) =>
    new Promise((resolve, reject) => {
      let giveUp: (() => void) | undefined;
      let timedOut = false;
      const via = dispatcher ?? globalDispatcher();
      // One timer that also covers the body: undici's own `bodyTimeout` starts again with every byte.
      const timer = setTimeout(() => {
        timedOut = true;
        reject(
          new OktaTimeoutError(
            `Okta did not answer ${describe(request)} within ${timeout} ms. If this persists, check the network and the timeout option.${proxyHint(via)}`,
          ),
        );
        giveUp?.();
      }, timeout);
      const attempt = (mayRepeat: boolean): void => {
        const options = toDispatchOptions(request);
        giveUp = dispatch(via, options, (error, response) => {
          if (mayRepeat && !timedOut && wasNeverSent(error)) {
            // Not before dispatch() has returned: a dispatcher may fail at once.
            return queueMicrotask(() => attempt(false));
          }
          clearTimeout(timer);
          const outcome = toOutcome(response ?? hiddenResponse(error), error, request, via);
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        });
      };
      attempt(true);
    });
}

function toDispatchOptions({ method, url, headers, body }: HttpRequest): OktaDispatchOptions {
  const options: OktaDispatchOptions & typeof INTERCEPTORS = {
    method,
    headers: { ...HEADERS, ...headers },
    body: body ?? null,
    headersTimeout: 0,
    bodyTimeout: 0,
    origin: url.origin,
    path: url.pathname + url.search,
    ...INTERCEPTORS,
  };
  return options;
}

function toOutcome(
  response: RawResponse | undefined,
  error: unknown,
  request: HttpRequest,
  dispatcher: OktaDispatcher,
): HttpResponse | OktaResponseError | OktaUnreachableError {
  if (request.ignoresBody === true && statusOf(response, error) === 200) {
    return { status: 200, headers: {}, json: undefined };
  }
  if (response === undefined) return toTypedError(error, request, dispatcher);
  const { statusCode, headers, body } = response;
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return unusable(
      request,
      statusCode,
      `The response to ${describe(request)} has a content-encoding although none was accepted. Check the proxy between the app and Okta.`,
    );
  }
  // A 429 and a 5xx say enough without one.
  if (body === '' && announcesBody(headers) && statusCode !== 429 && statusCode < 500) {
    return unusable(
      request,
      statusCode,
      `The response to ${describe(request)} lost its body. Does the dispatcher have undici's dump interceptor, or a RetryAgent that retries HTTP ${statusCode}?`,
    );
  }
  return { status: statusCode, headers, json: toJson(body) };
}

/** Also of a response whose body was too large, or cut off. */
function statusOf(response: RawResponse | undefined, error: unknown): number | undefined {
  return error instanceof DispatchError ? error.status : response?.statusCode;
}

function announcesBody(headers: RawResponse['headers']): boolean {
  return Number(headers['content-length']) > 0 || headers['transfer-encoding'] !== undefined;
}

/** The response that an interceptor turned into an error, as undici's responseError and retry do. */
function hiddenResponse(error: unknown): RawResponse | undefined {
  const { statusCode, headers, body } = (error ?? {}) as Partial<Record<string, unknown>>;
  if (typeof statusCode !== 'number') return undefined;
  return {
    statusCode,
    headers: typeof headers === 'object' && headers !== null ? { ...headers } : {},
    body: typeof body === 'string' ? body : (JSON.stringify(body) ?? ''),
  };
}

function toJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function toTypedError(
  error: unknown,
  request: HttpRequest,
  dispatcher: OktaDispatcher,
): OktaResponseError | OktaUnreachableError {
  const where = describe(request);
  if (error instanceof DispatchError) return unusableResponse(error, request);
  const code = codeOf(error);
  if (/^(HPE_|HTTPParserError$|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_)/.test(code)) {
    return new OktaResponseError(
      'invalid_response',
      `The response to ${where} is not valid HTTP/1.1 (${code}).${proxyHint(dispatcher)}`,
    );
  }
  return unreachable(error, { where, url: request.url, dispatcher });
}

function unusableResponse(
  { reason, status: statusCode }: DispatchError,
  request: HttpRequest,
): OktaResponseError {
  const where = describe(request);
  switch (reason) {
    case 'too-large':
      return unusable(request, statusCode, `The response to ${where} is larger than 1 MiB.`);
    case 'cut-off': {
      const message = `The response to ${where} was cut off.`;
      // A 200 may have been a grant.
      return statusCode === 200
        ? new OktaResponseError('invalid_response', message)
        : unusable(request, statusCode, message);
    }
    case 'given-up':
      return unusable(
        request,
        statusCode,
        `The dispatcher gave up on the response to ${where}. Does it have undici's dump interceptor?`,
      );
    case 'sent-twice':
      // What Okta answered the first time never came here: it may have been a wrong passcode.
      return unusable(
        request,
        statusCode,
        `The dispatcher was about to send ${where} a second time, which was prevented. Leave POST out of its retry interceptor.`,
      );
  }
}

/** Okta has answered a POST, whatever it was: that counts as an attempt, unless the status says more. */
function unusable({ method }: HttpRequest, statusCode: number, message: string): OktaResponseError {
  const reference = method === 'POST' ? { oktaStatus: statusCode } : {};
  return new OktaResponseError('invalid_response', message, reference);
}

function describe({ method, url }: HttpRequest): string {
  return `${method} ${url.origin}${url.pathname}`;
}
