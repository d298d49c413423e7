import type { Agent, Dispatcher } from 'undici';
import { loadAgent, type OktaDispatcher, type OktaDispatchOptions } from '../undici.js';

/** A response whose body has been read. */
export interface RawResponse {
  statusCode: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Why there is no response, beside what a dispatcher reports itself. */
export class DispatchError extends Error {
  /** @param status of the response, 0 where it is not known */
  constructor(
    readonly reason: 'too-large' | 'cut-off' | 'given-up' | 'sent-twice',
    readonly status: number,
  ) {
    super(reason);
  }
}

/** 1 MiB. Okta's responses are a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Sends a request and reads the whole response.
 *
 * @param done called once: with the response, or with the error of the dispatcher or a DispatchError
 * @returns a function that gives up on it
 */
export function dispatch(
  dispatcher: OktaDispatcher,
  options: OktaDispatchOptions,
  done: (error: unknown, response?: RawResponse) => void,
): () => void {
  const collector = new Collector(options.method === 'POST', done);
  try {
    dispatcher.dispatch(options, collector);
  } catch (error) {
    collector.onError(error);
  }
  return () => collector.abort();
}

type Abort = (reason: Error) => void;

/**
 * An undici dispatch handler. Reading the response without a stream costs a fraction of what
 * `undici.request()` does. It has the methods of both of undici's handler interfaces, since the app's
 * dispatcher may be of any major version, also Node's built-in one.
 */
class Collector {
  readonly #mustNotRepeat: boolean;
  #done: ((error: unknown, response?: RawResponse) => void) | undefined;
  #abort: Abort | undefined;
  #gaveUp = false;
  #started = 0;
  #statusCode = 0;
  #headers: RawResponse['headers'] = {};
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(mustNotRepeat: boolean, done: (error: unknown, response?: RawResponse) => void) {
    this.#mustNotRepeat = mustNotRepeat;
    this.#done = done;
  }

  abort(): void {
    this.#gaveUp = true;
    this.#abort?.(new Error('aborted'));
  }

  onRequestStart({ abort }: { abort: Abort }, _context: unknown, controller?: unknown): void;
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.onConnect((reason) => controller.abort(reason));
  }

  onResponseStart(_controller: unknown, statusCode: number, headers: RawResponse['headers']): void {
    // 1xx is not the response.
    if (statusCode < 200) return;
    this.#statusCode = statusCode;
    this.#headers = headers;
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length <= MAX_BODY_BYTES) {
      this.#chunks.push(chunk);
      return;
    }
    // Closes the connection rather than reading the rest.
    this.#settle(new DispatchError('too-large', this.#statusCode));
    this.#abort?.(new Error('too large'));
  }

  onResponseEnd(): void {
    const [only] = this.#chunks;
    const bytes =
      this.#chunks.length === 1 && only !== undefined
        ? only
        : Buffer.concat(this.#chunks, this.#length);
    const body = bytes.toString('utf8');
    this.#settle(undefined, { statusCode: this.#statusCode, headers: this.#headers, body });
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.onError(error);
  }

  // The interface of undici 6, which is Node 20's and 22's own.

  onConnect(abort: Abort): void {
    this.#started += 1;
    this.#abort = abort;
    if (this.#gaveUp) abort(new Error('aborted'));
    // A retry interceptor of the app's dispatcher: a passcode that may have been used is not sent again.
    if (this.#started > 1 && this.#mustNotRepeat) {
      this.#settle(new DispatchError('sent-twice', 0));
      abort(new Error('sent twice'));
    }
  }

  onHeaders(statusCode: number, rawHeaders: Buffer[]): boolean {
    const headers: RawResponse['headers'] = {};
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      headers[String(rawHeaders[index]).toLowerCase()] = String(rawHeaders[index + 1]);
    }
    this.onResponseStart(undefined, statusCode, headers);
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.onResponseData(undefined, chunk);
    return true;
  }

  onComplete(): void {
    this.onResponseEnd();
  }

  onError(error: unknown): void {
    // An interceptor's error carries the response that it did not let through.
    if (isResponseError(error)) this.#settle(error);
    else if (isAbort(error)) this.#settle(new DispatchError('given-up', this.#statusCode));
    else
      this.#settle(this.#statusCode === 0 ? error : new DispatchError('cut-off', this.#statusCode));
  }

  #settle(error: unknown, response?: RawResponse): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error, response);
  }
}

function isResponseError(error: unknown): boolean {
  return typeof (error as { statusCode?: unknown } | null)?.statusCode === 'number';
}

/** By an interceptor: after an abort of its own the Collector has settled. A ProxyAgent has the same code. */
function isAbort(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return code === 'UND_ERR_ABORTED' && !String(message).startsWith('Proxy response');
}

/** undici 7 and 8 set both; Node 20's and 22's own sets the first alone. */
const GLOBALS = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`));
let ownAgent: Agent | undefined;

/** undici's global dispatcher, where the app or Node has set one, else an Agent of this package's own. */
export function globalDispatcher(): OktaDispatcher {
  for (const symbol of GLOBALS) {
    const set = (globalThis as Record<symbol, unknown>)[symbol] as OktaDispatcher | undefined;
    if (set !== undefined) return set;
  }
  return (ownAgent ??= new (loadAgent())());
}
