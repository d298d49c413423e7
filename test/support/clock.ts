import { mock } from 'node:test';
import { moveClock } from '../../lib/clock.js';

/**
 * The clock of the package's logins, and of a stand-in started with its `now`: it stands still between
 * `stop` and `reset`, which belong before and after each test.
 */
export class Clock {
  #moved = 0;

  readonly now = (): number => Date.now() + this.#moved;

  stop(): void {
    const at = Date.now();
    mock.method(Date, 'now', () => at);
  }

  /** Forward. */
  pass(seconds: number): void {
    this.#moved += seconds * 1000;
    moveClock(seconds * 1000);
  }

  reset(): void {
    moveClock(-this.#moved);
    this.#moved = 0;
    mock.restoreAll();
  }
}
