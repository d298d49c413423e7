import type { IncomingMessage } from 'node:http';
import { deviceHeaders, type DeviceOptions } from './device.js';
import type { Attempt } from './events.js';
import type { Rejected } from './okta/state.js';
import type { OnGrant } from './okta/tokens.js';
import { Grants } from './grants.js';

export interface VisitParts {
  req: IncomingMessage;
  /** `passport.authorize()`: links an account to whoever is signed in. */
  linking: boolean;
  attempt: Attempt;
  /** Lets the request's copy of the session follow what is kept. */
  read: () => Promise<unknown>;
}

/** One request of the browser, with what it came to so far. */
export class Visit {
  readonly req: IncomingMessage;
  readonly linking: boolean;
  readonly attempt: Attempt;
  /** What Okta has granted to this request. */
  readonly grants = new Grants();
  readonly #read: () => Promise<unknown>;
  readonly #deviceOptions: DeviceOptions;

  constructor({ req, linking, attempt, read }: VisitParts, options: DeviceOptions) {
    this.req = req;
    this.linking = linking;
    this.attempt = attempt;
    this.#read = read;
    this.#deviceOptions = options;
  }

  /**
   * Asks Okta, on behalf of the person's device. Unless the login goes on, the request's copy of the
   * session then follows what is kept: what has ended while Okta was asked would come back with
   * whatever the app writes into the session next.
   */
  async ask<State extends { type: string }>(
    call: (headers: Record<string, string>, onGrant: OnGrant) => Promise<State | Rejected>,
  ): Promise<State | Rejected> {
    try {
      const state = await this.#timed(call);
      if (isRejected(state)) {
        this.attempt.okta = state.okta;
        await this.#read();
      }
      return state;
    } catch (error) {
      await this.#read().catch(() => undefined);
      throw error;
    }
  }

  async #timed<State>(
    call: (headers: Record<string, string>, onGrant: OnGrant) => Promise<State>,
  ): Promise<State> {
    const headers = deviceHeaders(this.req, this.#deviceOptions);
    const start = performance.now();
    try {
      return await call(headers, (granted) => this.grants.add(granted));
    } finally {
      this.attempt.oktaDuration += performance.now() - start;
    }
  }
}

function isRejected(state: { type: string }): state is Rejected {
  return state.type === 'rejected';
}
