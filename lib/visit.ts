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
  /** Whether Passport logs the person in to the session next, which ends the session that there is. */
  logsIn: boolean;
  attempt: Attempt;
  /** Lets the request's copy of the session follow what is kept. */
  read: () => Promise<unknown>;
}

/** One request of the browser, with what it came to so far. */
export class Visit {
  readonly req: IncomingMessage;
  readonly linking: boolean;
  readonly logsIn: boolean;
  readonly attempt: Attempt;
  /** What Okta has granted to this request. */
  readonly grants = new Grants();
  readonly #read: () => Promise<unknown>;
  readonly #deviceOptions: DeviceOptions;

  constructor({ req, linking, logsIn, attempt, read }: VisitParts, options: DeviceOptions) {
    this.req = req;
    this.linking = linking;
    this.logsIn = logsIn;
    this.attempt = attempt;
    this.#read = read;
    this.#deviceOptions = options;
  }

  /**
   * Asks Okta, on behalf of the person's device. After an error the request's copy of the session follows
   * what is kept, as it must after whatever Okta says: what has ended while Okta was asked would come back
   * with whatever the app writes into the session next.
   */
  async ask<State extends { type: string }>(
    call: (headers: Record<string, string>, onGrant: OnGrant) => Promise<State | Rejected>,
  ): Promise<State | Rejected> {
    const headers = deviceHeaders(this.req, this.#deviceOptions);
    const start = performance.now();
    try {
      const state = await call(headers, (granted) => this.grants.add(granted));
      this.#answered(start);
      if (isRejected(state)) this.attempt.okta = state.okta;
      return state;
    } catch (error) {
      this.#answered(start);
      await this.#read().catch(() => undefined);
      throw error;
    }
  }

  #answered(start: number): void {
    this.attempt.oktaDuration += performance.now() - start;
  }
}

function isRejected(state: { type: string }): state is Rejected {
  return state.type === 'rejected';
}
