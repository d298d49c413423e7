/** Milliseconds by which the tests of an app have moved the clock of its logins. */
let offset = 0;

/**
 * Milliseconds since the epoch, for everything that a login waits for. Not for tokens: their times are
 * those of Okta.
 */
export function now(): number {
  return Date.now() + offset;
}

/** For `mockOkta` alone, which moves the clock back when it is closed. */
export function moveClock(milliseconds: number): void {
  offset += milliseconds;
}
