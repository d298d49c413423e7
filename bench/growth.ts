/** How the cost of a login grows, and what does not show in the cost of one. */
import { spawnSync } from 'node:child_process';
import { Agent, request } from 'undici';
import { selfSigned } from '../test/login/faults/certificate.js';
import { median, type Size } from './contest.js';
import type { Line } from './picture.js';
import { startClient, startEndpoint, type Client } from './processes.js';

/** The strategy's CPU for a login in its own process. */
async function strategyCpu(
  origin: string,
  concurrency: number,
  { warmUp, logins }: Size,
  env = {},
): Promise<number> {
  const client = await startClient('strategy', origin, { env });
  await client.run({ logins: warmUp, concurrency });
  const round = { logins: Math.max(logins, 2 * concurrency), concurrency };
  const rounds = [];
  for (let i = 0; i < 5; i += 1) rounds.push((await client.run(round)).cpu);
  client.end();
  return median(rounds);
}

/** @param most transactions in the store */
export async function growth(origin: string, size: Size, most: number): Promise<Line[]> {
  const byConcurrency: Line = { title: 'concurrent logins', points: [], unit: 'µs CPU' };
  for (const concurrency of [1, 10, 100, 1000]) {
    byConcurrency.points.push([concurrency, await strategyCpu(origin, concurrency, size)]);
  }
  const byTransactions: Line = { title: 'transactions', points: [], unit: 'µs CPU' };
  for (const transactions of [1, 100, 1000, 10_000, most]) {
    const env = { BENCH_TRANSACTIONS: String(transactions) };
    byTransactions.points.push([transactions, await strategyCpu(origin, 50, size, env)]);
  }
  const byProcesses: Line = { title: 'processes', points: [], unit: 'logins/s' };
  for (const processes of [1, 2]) {
    const clients: Client[] = [];
    for (let i = 0; i < processes; i += 1) clients.push(await startClient('strategy', origin));
    const run = (logins: number) =>
      Promise.all(clients.map((client) => client.run({ logins, concurrency: 50 })));
    await run(size.warmUp);
    const results = await run(5 * size.logins);
    const perSecond = results.reduce((sum, { loginsPerSecond }) => sum + loginsPerSecond, 0);
    byProcesses.points.push([processes, perSecond]);
    for (const client of clients) client.end();
  }
  return [byConcurrency, byTransactions, byProcesses];
}

async function count(origin: string, ca: string): Promise<{ keys: number; connections: number }> {
  const dispatcher = new Agent({ connect: { ca } });
  const { body } = await request(`${origin}/count`, { dispatcher });
  const counts = (await body.json()) as { keys: number; connections: number };
  await dispatcher.close();
  return { ...counts, connections: counts.connections - 1 };
}

/** From a cold start, over TLS, with answers that take 40 ms. */
export async function overTls(logins: number): Promise<{
  connectionsPerLogin: number;
  keysForFirst: number;
  keysForAll: number;
}> {
  const { key, cert } = selfSigned('localhost');
  const env = { BENCH_TLS: key + cert, BENCH_DELAY: '40' };
  const cold = await startEndpoint(env);
  const client = await startClient('strategy', cold.origin, { env: { BENCH_CA: cert } });
  await client.run({ logins: 50, concurrency: 50 });
  const { connections, keys } = await count(cold.origin, cert);
  client.end();
  cold.end();
  const fast = await startEndpoint({ BENCH_TLS: key + cert });
  const many = await startClient('strategy', fast.origin, { env: { BENCH_CA: cert } });
  await many.run({ logins, concurrency: 50 });
  const { keys: keysForAll } = await count(fast.origin, cert);
  many.end();
  fast.end();
  return { connectionsPerLogin: connections / 50, keysForFirst: keys, keysForAll };
}

/** The package's own part of a login's time when the process has nothing else to do, in milliseconds. */
export async function ownLatency(origin: string, logins: number): Promise<number> {
  const times: Record<string, number> = {};
  for (const name of ['limit', 'strategy']) {
    const client = await startClient(name, origin);
    await client.run({ logins: 500, concurrency: 10 });
    times[name] = (await client.run({ logins, concurrency: 1, pace: 50 })).p50;
    client.end();
  }
  return times['strategy']! - times['limit']!;
}

/** Megabytes. */
export async function heapGrowth(origin: string, logins: number): Promise<number> {
  const client = await startClient('strategy', origin);
  await client.run({ logins: 5000, concurrency: 50 });
  const before = await client.run({ logins: 200, concurrency: 50, allocation: true });
  await client.run({ logins, concurrency: 50 });
  // Long enough for the process to forget the last ones.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const after = await client.run({ logins: 200, concurrency: 50, allocation: true });
  client.end();
  return (after.heap! - before.heap!) / 1e6;
}

/** Milliseconds that `require` takes beyond undici and jsonwebtoken in its own process. */
export function requireTime(): number {
  const script = `
    require('undici'); require('jsonwebtoken');
    const start = performance.now(); require(${JSON.stringify(process.cwd())});
    console.log(performance.now() - start);`;
  return median(
    Array.from({ length: 7 }, () =>
      Number(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout),
    ),
  );
}
