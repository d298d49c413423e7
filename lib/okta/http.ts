import { EventEmitter } from 'node:events';
import { Dispatcher, getGlobalDispatcher } from 'undici';
import { OktaResponseError, OktaTimeoutError, OktaUnreachableError } from '../errors.js';

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

/** 1 MiB. Okta's responses are a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024;

const USER_AGENT = 'passport-okta-direct-mfa';

/**
 * The only way to Okta. No redirect is followed (undici's default); a call is repeated, once, only
 * when it was certainly never sent.
 */
export function createHttpClient({ dispatcher, timeout }: HttpClientOptions): HttpClient {
  const send = createSend(dispatcher);
  return (request) =>
    new Promise((resolve, reject) => {
      // An EventEmitter and one timer that also covers the body: undici's own `bodyTimeout` starts
      // anew with every byte, and an AbortController costs many times as much CPU.
      const signal = new EventEmitter();
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        reject(
          new OktaTimeoutError(
            `Okta did not answer ${describe(request)} within ${timeout} ms. If this persists, check the network and the timeout option.`,
          ),
        );
        signal.emit('abort');
      }, timeout);
      const settle = (action: () => void) => {
        clearTimeout(timer);
        action();
      };
      const attempt = (mayRepeat: boolean): void => {
        send(request, signal).then(
          ({ statusCode, headers, body }) =>
            readBody(body, (failure, text) =>
              settle(() => {
                if (failure !== undefined) reject(toInvalidResponse(failure, request));
                else resolve({ status: statusCode, headers, json: toJson(text) });
              }),
            ),
          (error: unknown) => {
            if (mayRepeat && !timedOut && wasNeverSent(error)) attempt(false);
            else settle(() => reject(toUnreachable(error, request)));
          },
        );
      };
      attempt(true);
    });
}

type Send = (
  request: HttpRequest,
  signal: EventEmitter,
) => Promise<Dispatcher.ResponseData<unknown>>;

function createSend(dispatcher: Dispatcher | undefined): Send {
  // async, so that a dispatcher that throws synchronously is a rejection like any other.
  return async ({ method, url, headers, body }, signal) => {
    const options = {
      method,
      headers: { accept: 'application/json', 'user-agent': USER_AGENT, ...headers },
      body: body ?? null,
      signal,
      // Also where the app's dispatcher has undici's redirect interceptor: a 307 would take the
      // password to another host.
      maxRedirections: 0,
      headersTimeout: 0,
      bodyTimeout: 0,
      origin: url.origin,
      path: url.pathname,
    };
    const target = dispatcher ?? getGlobalDispatcher();
    // A dispatcher sends through its own copy of undici, whatever its major version, also Node's built-in
    // one; one that an app has written may have dispatch() alone.
    const sender = typeof target.request === 'function' ? target : Dispatcher.prototype;
    return sender.request.call(target, options);
  };
}

type BodyFailure = 'too-large' | 'cut-off';

function readBody(
  body: Dispatcher.ResponseData['body'],
  done: (failure: BodyFailure | undefined, text: string) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  body.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) {
      // Closes the connection rather than reading the rest.
      body.destroy();
      done('too-large', '');
      return;
    }
    chunks.push(chunk);
  });
  body.on('end', () => done(undefined, Buffer.concat(chunks, length).toString('utf8')));
  body.on('error', () => done('cut-off', ''));
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

/** A dispatcher may reject with anything, such as a DOMException, whose code is a number. */
function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}

function toUnreachable(
  error: unknown,
  request: HttpRequest,
): OktaUnreachableError | OktaResponseError {
  const code = codeOf(error);
  if (/^(HPE_|HTTPParserError$|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_)/.test(code)) {
    return new OktaResponseError(
      'invalid_response',
      `The response to ${describe(request)} is not valid HTTP/1.1 (${code}).`,
    );
  }
  // Only the code: the messages of HTTP mocks quote the request's body, which holds the password.
  return new OktaUnreachableError(
    `Okta could not be reached for ${describe(request)} (${code}). Check the issuer option, DNS, the network and, for a certificate, TLS.`,
  );
}

function toInvalidResponse(failure: BodyFailure, request: HttpRequest): OktaResponseError {
  return new OktaResponseError(
    'invalid_response',
    failure === 'too-large'
      ? `The response to ${describe(request)} is larger than ${MAX_BODY_BYTES} bytes.`
      : `The response to ${describe(request)} was cut off.`,
  );
}

function describe({ method, url }: HttpRequest): string {
  return `${method} ${url.origin}${url.pathname}`;
}
