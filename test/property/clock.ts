/**
 * A clock and timers that only move when they are told to: a case is the same each time it runs, a
 * timeout costs no time, and a timer that is left behind is seen.
 */
const START = Date.UTC(2031, 0, 1);

interface Timer {
  due: number;
  run: () => void;
  unref(): Timer;
  keepsAlive: boolean;
}

const real = { now: Date.now, setTimeout: globalThis.setTimeout, clear: globalThis.clearTimeout };
const timers = new Set<Timer>();
let now = START;

export const clock = {
  START,
  now: () => now,
  /** What keeps no process alive goes on: it may be the process's, and not the case's. */
  reset(): void {
    for (const timer of [...timers]) {
      if (timer.keepsAlive) timers.delete(timer);
      else timer.due += START - now;
    }
    now = START;
  },
  /** Moves on and runs what is due by then. Moving back runs nothing. */
  move(milliseconds: number): void {
    now += milliseconds;
    for (const timer of [...timers]) {
      if (timer.due <= now && timers.delete(timer)) timer.run();
    }
  },
  /** Timers that would keep a process alive: none once every request has ended. */
  holding: () => [...timers].filter(({ keepsAlive }) => keepsAlive).length,
  running: () => timers.size,
  /** Puts it in the place of `Date.now` and `setTimeout`, until the returned function is called. */
  install(): () => void {
    Date.now = () => now;
    globalThis.setTimeout = ((run: () => void, delay = 0) => {
      const timer: Timer = {
        due: now + delay,
        run,
        keepsAlive: true,
        unref: () => Object.assign(timer, { keepsAlive: false }),
      };
      timers.add(timer);
      return timer;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((timer: Timer) =>
      timers.delete(timer)) as unknown as typeof clearTimeout;
    return () => {
      Date.now = real.now;
      globalThis.setTimeout = real.setTimeout;
      globalThis.clearTimeout = real.clear;
    };
  },
};
