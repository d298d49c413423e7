import type { Agent, MockAgent } from 'undici';

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
