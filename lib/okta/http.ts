import type { Dispatcher } from 'undici';
import { OktaResponseError, OktaTimeoutError, OktaUnreachableError } from '../errors.js';
import { dispatch, DispatchError, globalDispatcher, type RawResponse } from './dispatch.js';

/** A call to Okta. */
export interface HttpRequest {
  method: 'GET' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body?: string;
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
  dispatcher: Dispatcher | undefined;
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
      // One timer that also covers the body: undici's own `bodyTimeout` starts again with every byte.
      const timer = setTimeout(() => {
        timedOut = true;
        reject(
          new OktaTimeoutError(
            `Okta did not answer ${describe(request)} within ${timeout} ms. If this persists, check the network and the timeout option.`,
          ),
        );
        giveUp?.();
      }, timeout);
      const attempt = (mayRepeat: boolean): void => {
        const options = toDispatchOptions(request);
        giveUp = dispatch(dispatcher ?? globalDispatcher(), options, (error, response) => {
          if (mayRepeat && !timedOut && wasNeverSent(error)) {
            // Not before dispatch() has returned: a dispatcher may fail at once.
            return queueMicrotask(() => attempt(false));
          }
          clearTimeout(timer);
          const outcome = toOutcome(response ?? hiddenResponse(error), error, request);
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        });
      };
      attempt(true);
    });
}

function toDispatchOptions({
  method,
  url,
  headers,
  body,
}: HttpRequest): Dispatcher.DispatchOptions {
  const options: Dispatcher.DispatchOptions & typeof INTERCEPTORS = {
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
): HttpResponse | OktaResponseError | OktaUnreachableError {
  if (response === undefined) return toTypedError(error, request);
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

/** Failures of name resolution and of the connection: no byte of the request has left. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function wasNeverSent(error: unknown): boolean {
  // A host with several addresses, of which none could be connected to.
  if (error instanceof AggregateError) return error.errors.every(wasNeverSent);
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') return (error as NodeJS.ErrnoException).syscall === 'connect';
  return NEVER_SENT.has(code);
}

/** A dispatcher may fail with anything, such as a DOMException, whose code is a number. */
function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}

/** Only codes get into the messages: those of HTTP mocks quote the request's body, with the password. */
function toTypedError(
  error: unknown,
  request: HttpRequest,
): OktaResponseError | OktaUnreachableError {
  const where = describe(request);
  if (error instanceof DispatchError) return unusableResponse(error, request);
  const code = codeOf(error);
  if (/^(HPE_|HTTPParserError$|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_)/.test(code)) {
    return new OktaResponseError(
      'invalid_response',
      `The response to ${where} is not valid HTTP/1.1 (${code}).`,
    );
  }
  const proxy = /^Proxy response \((\d{3})\)/.exec(messageOf(error))?.[1];
  if (proxy !== undefined) {
    return new OktaUnreachableError(
      `The proxy of the dispatcher refused the connection for ${where} with HTTP ${proxy}. Check ${proxy === '407' ? "the proxy's username and password" : 'that the proxy allows this host'}.`,
    );
  }
  return new OktaUnreachableError(
    `Okta could not be reached for ${where} (${code}). Check the issuer option, DNS, the network and, for a certificate, TLS.`,
  );
}

function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : '';
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
