import type { Agent, MockAgent } from 'undici';

/**
 * An undici `Dispatcher` of any major version, or anything else with its one method that is used here.
 * Declared here since undici's own declarations of two majors do not accept each other's classes.
 */
export interface OktaDispatcher {
  /** Sends a request, and tells the handler what becomes of it. */
  dispatch(options: OktaDispatchOptions, handler: object): boolean;
}

/** A request, as a dispatcher gets it. */
export interface OktaDispatchOptions {
  /** Such as `https://acme.okta.com`. */
  origin: string;
  /** With the query. */
  path: string;
  /** The HTTP method. */
  method: 'GET' | 'POST';
  /** Under lower-case names. */
  headers: Record<string, string>;
  /** A form. */
  body: string | null;
  /** Milliseconds; 0 is none, since the strategy has a `timeout` of its own. */
  headersTimeout: number;
  /** The same. */
  bodyTimeout: number;
}

/**
 * undici's classes, each loaded by its own path and when it is first needed: `require('undici')` would
 * put undici 7 under Node's own `fetch` for the whole process. The paths have been the same since
 * undici 5, and a test loads them.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- the paths have no types of their own */
export function loadAgent(): typeof Agent {
  return require('undici/lib/dispatcher/agent.js') as typeof Agent;
}

export function loadMockAgent(): typeof MockAgent {
  return require('undici/lib/mock/mock-agent.js') as typeof MockAgent;
}
