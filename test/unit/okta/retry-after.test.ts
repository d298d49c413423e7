import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRetryAfter } from '../../../lib/okta/retry-after.js';

const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT';
const EPOCH = Date.parse(DATE) / 1000;

describe('readRetryAfter', () => {
  for (const [what, headers, seconds] of [
    ['nothing without headers', {}, undefined],
    ['Retry-After in seconds', { 'retry-after': '17' }, 17],
    ['Retry-After 0 as one second', { 'retry-after': '0' }, 1],
    ['Retry-After with spaces', { 'retry-after': ' 5 ' }, 5],
    ['a whole day', { 'retry-after': '86400' }, 86_400],
    ['nothing for more than a day', { 'retry-after': '86401' }, undefined],
    [
      'Retry-After as a date, by the Date of the response',
      { date: DATE, 'retry-after': 'Thu, 01 Jan 2026 00:01:30 GMT' },
      90,
    ],
    [
      'nothing for a date that is over',
      { date: DATE, 'retry-after': 'Wed, 31 Dec 2025 23:59:59 GMT' },
      undefined,
    ],
    [
      'X-Rate-Limit-Reset, by the Date of the response',
      { date: DATE, 'x-rate-limit-reset': String(EPOCH + 42) },
      42,
    ],
    [
      'at least one second for a reset that is now',
      { date: DATE, 'x-rate-limit-reset': String(EPOCH) },
      1,
    ],
    [
      'nothing for a reset that is over',
      { date: DATE, 'x-rate-limit-reset': String(EPOCH - 1) },
      undefined,
    ],
    [
      'nothing for a reset far away',
      { date: DATE, 'x-rate-limit-reset': String(EPOCH + 86_401) },
      undefined,
    ],
    [
      'Retry-After before X-Rate-Limit-Reset',
      { date: DATE, 'retry-after': '3', 'x-rate-limit-reset': String(EPOCH + 42) },
      3,
    ],
    [
      'X-Rate-Limit-Reset when Retry-After is garbage',
      { date: DATE, 'retry-after': 'soon', 'x-rate-limit-reset': String(EPOCH + 42) },
      42,
    ],
    [
      'nothing for garbage',
      { date: DATE, 'retry-after': '-5', 'x-rate-limit-reset': 'tomorrow' },
      undefined,
    ],
    [
      'nothing for numbers in another notation',
      { date: DATE, 'retry-after': '1e3', 'x-rate-limit-reset': '0x7fffffff' },
      undefined,
    ],
    ['nothing for sixteen digits', { 'retry-after': '9'.repeat(16) }, undefined],
    ['nothing for a header that comes twice', { 'retry-after': ['7', '9'] }, undefined],
  ] as [string, Record<string, string | string[]>, number | undefined][]) {
    it(`gives ${what}`, () => {
      assert.equal(readRetryAfter(headers), seconds);
    });
  }

  it('takes the clock of this machine when the response has no date, and rounds up', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: EPOCH * 1000 + 100 });
    for (const date of [{}, { date: 'garbage' }] as Record<string, string>[]) {
      assert.equal(readRetryAfter({ ...date, 'x-rate-limit-reset': String(EPOCH + 30) }), 30);
    }
  });
});
