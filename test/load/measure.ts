import { readdirSync, readlinkSync } from 'node:fs';
import type { Measured } from './messages.js';

const timers = new Set<unknown>();

/** Counts the timers of everybody in this process who sets them from now on. */
export function countTimers(): void {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const counted = (run: (...args: unknown[]) => void, delay?: number, ...args: unknown[]) => {
    const timer = set(() => {
      timers.delete(timer);
      run(...args);
    }, delay);
    timers.add(timer);
    return timer;
  };
  globalThis.setTimeout = Object.assign(counted, set);
  globalThis.clearTimeout = (timer) => {
    timers.delete(timer);
    clear(timer);
  };
}

/** Needs `--expose-gc`. */
export async function measure(): Promise<
  Pick<Measured, 'heapMiB' | 'resources' | 'timers' | 'sockets'>
> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    resources[kind] = (resources[kind] ?? 0) + 1;
  }
  const heapMiB = process.memoryUsage().heapUsed / 2 ** 20;
  return { heapMiB, resources, timers: timers.size, sockets: countSockets() };
}

/** Also those that keep no process alive, such as undici's idle ones. 0 where there is no /proc. */
function countSockets(): number {
  try {
    return readdirSync('/proc/self/fd').filter((fd) => isSocket(`/proc/self/fd/${fd}`)).length;
  } catch {
    return 0;
  }
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    return false; // the one that the directory was read through
  }
}
