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

type Handler = Required<Dispatcher.DispatchHandler>;

/**
 * An undici Dispatcher without sockets: a call costs microseconds.
 * @param answer may take as long as it likes
 * @param pace how many turns of the microtask queue each answer takes
 */
export function fakeOkta(
  answer: (sent: Sent) => Reply | Promise<Reply>,
  pace: () => number,
): Dispatcher {
  async function run(sent: Sent, handler: Handler, controller: Controller): Promise<void> {
    // Tokens that a login does not use are revoked beside it, by nobody's request.
    const isRevocation = sent.path.endsWith('/v1/revoke');
    const reply: Reply = isRevocation ? { status: 200, body: '' } : await answer(sent);
    for (let turns = pace(); turns > 0; turns--) await Promise.resolve();
    if (reply === 'hang') return clock.move(10_000);
    const fails = (error: unknown) => handler.onResponseError(controller, error as Error);
    if ('fails' in reply) return fails(reply.fails);
    handler.onResponseStart(controller, reply.status, reply.headers ?? {}, '');
    const bytes = Buffer.from(reply.body);
    // In two pieces, so that a character may be cut in the middle.
    const middle = bytes.length >> 1;
    for (const piece of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
      if (!controller.aborted && piece.length > 0) handler.onResponseData(controller, piece);
    }
    if (controller.aborted) return;
    if (reply.cutOff) return fails(new Error('aborted'));
    handler.onResponseEnd(controller, {});
  }
  const dispatcher = {
    dispatch(options: Dispatcher.DispatchOptions, handler: Handler) {
      const { method, path, headers, body } = options;
      const controller = new Controller(handler);
      handler.onRequestStart(controller, {});
      const sent = {
        method: method as Sent['method'],
        path,
        headers: headers as Sent['headers'],
        form: new URLSearchParams((body as string | null) ?? ''),
      };
      run(sent, handler, controller).catch((error: unknown) =>
        handler.onResponseError(controller, error as Error),
      );
      return true;
    },
  };
  return dispatcher as unknown as Dispatcher;
}

class Controller implements Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;

  constructor(readonly handler: Handler) {}

  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
    this.handler.onResponseError(this, reason);
  }
  pause = () => undefined;
  resume = () => undefined;
}
