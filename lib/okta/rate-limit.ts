import { OktaRateLimitError } from '../errors.js';
import type { Rejected } from './state.js';

/** Okta's 429 where there is no person to be told. */
export function rateLimitError({ retryAfter, okta }: Rejected): OktaRateLimitError {
  const when = retryAfter === undefined ? 'later' : `in ${retryAfter} s`;
  return new OktaRateLimitError(
    `Okta's rate limit is reached. Try again ${when}.`,
    retryAfter,
    okta,
  );
}
