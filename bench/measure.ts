export interface Round {
  logins: number;
  concurrency: number;
  /** Milliseconds between the starts of two logins, for the latency of an idle process. */
  pace?: number;
  /** Collect garbage before, and measure the growth of the heap. */
  allocation?: boolean;
}

export interface Result {
  /** Microseconds of CPU, user and system, for one login. */
  cpu: number;
  loginsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** With `allocation`: bytes for one login. */
  allocated?: number;
  /** With `allocation`: bytes of the heap after a collection at the end. */
  heap?: number;
  /** Bytes in the session store for one transaction. */
  sessionBytes?: number;
}

export type Login = () => Promise<{ sessionBytes: number } | void>;

export async function measure(
  login: Login,
  { logins, concurrency, pace, allocation = false }: Round,
): Promise<Result> {
  const latencies: number[] = [];
  let sessionBytes: number | undefined;
  let started = 0;
  if (allocation) globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (started < logins) {
        started += 1;
        if (pace !== undefined) await new Promise((resolve) => setTimeout(resolve, pace));
        const begin = performance.now();
        sessionBytes = (await login())?.sessionBytes;
        latencies.push(performance.now() - begin);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const grown = process.memoryUsage().heapUsed - heap;
  latencies.sort((a, b) => a - b);
  if (allocation) globalThis.gc?.();
  return {
    cpu: (user + system) / logins,
    loginsPerSecond: logins / seconds,
    p50: latencies[Math.floor(latencies.length * 0.5)]!,
    p99: latencies[Math.floor(latencies.length * 0.99)]!,
    ...(allocation && { allocated: grown / logins, heap: process.memoryUsage().heapUsed }),
    ...(sessionBytes !== undefined && { sessionBytes }),
  };
}
