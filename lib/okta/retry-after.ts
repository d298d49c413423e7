import type { HttpResponse } from './http.js';

/** Seconds. Okta's rate-limit windows last a minute; a longer wait cannot be one and is ignored. */
const MAX_RETRY_AFTER = 24 * 60 * 60;

/**
 * Seconds until Okta accepts requests again, at least 1. `X-Rate-Limit-Reset` (epoch seconds) is what
 * Okta documents, and is compared with Okta's own clock, the `Date` header; `Retry-After` is RFC
 * 9110's (§10.2.3).
 *
 * @returns undefined when no header tells
 */
export function readRetryAfter(headers: HttpResponse['headers']): number | undefined {
  const now = Date.parse(String(headers['date']));
  const clock = (Number.isNaN(now) ? Date.now() : now) / 1000;
  const candidates = [
    toNumber(headers['retry-after']),
    Date.parse(String(headers['retry-after'])) / 1000 - clock,
    toNumber(headers['x-rate-limit-reset']) - clock,
  ];
  const seconds = candidates.find((value) => value >= 0 && value <= MAX_RETRY_AFTER);
  return seconds === undefined ? undefined : Math.max(1, Math.ceil(seconds));
}

function toNumber(header: string | string[] | undefined): number {
  return typeof header === 'string' && /^\d{1,15}$/.test(header.trim()) ? Number(header) : NaN;
}
