import type { EventEmitter } from 'node:events';
import type { Dispatcher } from 'undici';
import { clock } from './clock.js';

/** What a made-up Okta answers: bytes, or no answer at all. */
export type Reply =
  | {
      status: number;
      headers?: Record<string, string | string[]>;
      body: string;
      /** The connection is lost behind the body. */
      cutOff?: boolean;
    }
  | { fails: unknown }
  | 'hang';

export interface Sent {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  form: URLSearchParams;
}

interface Options {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body: string | null;
  signal: EventEmitter;
}

/**
 * An undici Dispatcher as far as `request` goes, without sockets: a call costs microseconds.
 * @param pace how many turns of the microtask queue each answer takes
 */
export function fakeOkta(answer: (sent: Sent) => Reply, pace: () => number): Dispatcher {
  async function request({ method, path, headers, body, signal }: Options) {
    const reply = answer({ method, path, headers, form: new URLSearchParams(body ?? '') });
    for (let turns = pace(); turns > 0; turns--) await Promise.resolve();
    if (reply === 'hang') {
      return new Promise((_, reject) => {
        signal.on('abort', () => reject(Object.assign(new Error('aborted'), { code: 'ABORTED' })));
        clock.move(10_000);
      });
    }

    if ('fails' in reply) throw reply.fails;
    return {
      statusCode: reply.status,
      headers: reply.headers ?? {},
      body: new FakeBody(reply.body, reply.cutOff === true),
    };
  }
  const dispatcher = {
    dispatch: () => {
      throw new Error('not expected');
    },
    request,
  };
  return dispatcher as unknown as Dispatcher;
}

class FakeBody {
  readonly #listeners = new Map<string, (argument?: unknown) => void>();
  #destroyed = false;

  constructor(
    readonly text: string,
    readonly cutOff: boolean,
  ) {}

  on(event: string, listener: (argument?: unknown) => void): this {
    this.#listeners.set(event, listener);
    if (this.#listeners.size === 3) queueMicrotask(() => this.#flow());
    return this;
  }

  destroy(): void {
    this.#destroyed = true;
  }

  #flow(): void {
    const bytes = Buffer.from(this.text);
    // In two pieces, so that a character may be cut in the middle.
    const middle = bytes.length >> 1;
    for (const piece of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
      if (!this.#destroyed && piece.length > 0) this.#listeners.get('data')?.(piece);
    }
    if (this.#destroyed) return;
    if (this.cutOff) this.#listeners.get('error')?.(new Error('aborted'));
    else this.#listeners.get('end')?.();
  }
}
