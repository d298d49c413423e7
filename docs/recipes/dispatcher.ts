import { Agent } from 'undici';

export const dispatcherOptions = {
  // Milliseconds that an idle connection is kept, while the person looks for the passcode. undici's
  // default is 4,000.
  keepAliveTimeout: 60_000,
  // Not longer than this either, when the server says how long it keeps it.
  keepAliveMaxTimeout: 60_000,
} satisfies Agent.Options;

/** For the `dispatcher` option of the strategy, or of all strategies of the process. */
export const dispatcher = new Agent(dispatcherOptions);
