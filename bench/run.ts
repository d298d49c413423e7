/**
 * What one login costs, beside what it could cost at best and what people would otherwise use. Prints
 * tables and draws docs/images/bench.svg; with `--polls` only what waiting for a push costs, with
 * `--connections` only what a kept connection saves. Everything runs on this machine, over loopback;
 * `--quick` for a first impression.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { selfSigned } from '../test/login/faults/certificate.js';
import { CONTESTANTS } from './contestants.js';
import type { Result } from './measure.js';
import { PASSCODE } from './constants.js';
import { measureConnections, printConnections } from './connections.js';
import { measurePolls, printPolls } from './polls.js';
import { drawPicture, type Line } from './picture.js';
import { startClient, startEndpoint, type Client } from './processes.js';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 3 : 25;
const LOGINS = quick ? 400 : 500;
/** Fewer leave much of the code uncompiled, which costs twice as much. */
const WARM_UP = quick ? 400 : 3000;

export interface Row {
  name: string;
  title: string;
  /** Microseconds for one login: the median of the rounds. */
  cpu: number;
  /** The same, of each round. */
  rounds: number[];
  loginsPerSecond: number;
  p50: number;
  p99: number;
  allocated: number;
  sessionBytes: number | undefined;
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const say = (line: string) => console.log(line);
const find = (rows: Row[], wanted: string) => rows.find(({ name }) => name === wanted)!;

async function contest(origin: string): Promise<Row[]> {
  const entrants = [
    ...Object.entries(CONTESTANTS).map(([name, { title }]) => ({ name, title, file: 'client.js' })),
    { name: 'express', title: 'the whole Express app', file: 'express-client.js' },
  ];
  const clients = new Map<string, Client>();
  const results = new Map<string, Result[]>();
  const allocated = new Map<string, number>();
  for (const { name, file } of entrants) {
    // A young generation that a whole allocation round fits into, so that nothing is collected in it.
    const client = await startClient(name, origin, {
      file,
      execArgv: ['--min-semi-space-size=256', '--max-semi-space-size=256'],
    });
    await client.run({ logins: LOGINS, concurrency: 50 });
    allocated.set(
      name,
      (await client.run({ logins: 500, concurrency: 50, allocation: true })).allocated ?? NaN,
    );
    client.end();
  }
  for (const { name, file } of entrants) {
    const client = await startClient(name, origin, { file });
    await client.run({ logins: WARM_UP, concurrency: 50 });
    clients.set(name, client);
    results.set(name, []);
  }
  // In turn, so that what else the machine does falls on all alike.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, client] of clients) {
      results.get(name)!.push(await client.run({ logins: LOGINS, concurrency: 50 }));
    }
  }
  for (const client of clients.values()) client.end();
  return entrants.map(({ name, title }) => {
    const rounds = results.get(name)!;
    const of = (key: 'cpu' | 'loginsPerSecond' | 'p50' | 'p99') =>
      rounds.map((round) => round[key]);
    return {
      name,
      title,
      cpu: median(of('cpu')),
      rounds: of('cpu'),
      loginsPerSecond: median(of('loginsPerSecond')),
      p50: median(of('p50')),
      p99: median(of('p99')),
      allocated: name === 'express' ? NaN : allocated.get(name)!,
      sessionBytes: rounds[0]!.sessionBytes,
    };
  });
}

/**
 * How many times another's CPU one takes: the median over the rounds, each compared with the other's in
 * the same round, since what else the machine does comes and goes.
 */
function ratio(one: Row, other: Row): number {
  return median(one.rounds.map((cpu, round) => cpu / other.rounds[round]!));
}

function printContest(rows: Row[]): void {
  const floor = find(rows, 'floor');
  const limit = find(rows, 'limit');
  say(
    '\n| contestant | CPU a login (µs) | × floor | least–most | logins/s | p50 / p99 added (ms) | allocated (kB) |',
  );
  say('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const row of rows) {
    say(
      `| ${[
        row.title,
        row.cpu.toFixed(0),
        ratio(row, floor).toFixed(2),
        `${Math.min(...row.rounds).toFixed(0)}–${Math.max(...row.rounds).toFixed(0)}`,
        row.loginsPerSecond.toFixed(0),
        `${(row.p50 - limit.p50).toFixed(1)} / ${(row.p99 - limit.p99).toFixed(1)}`,
        Number.isNaN(row.allocated) ? '–' : (row.allocated / 1000).toFixed(0),
      ].join(' | ')} |`,
    );
  }
}

/** A goal, what was measured, and whether it is met. */
function goal(text: string, value: number, most: number, unit = ''): void {
  const met = value <= most ? 'met' : 'NOT MET';
  say(`| ${text} | ${most.toFixed(2)}${unit} | ${value.toFixed(2)}${unit} | ${met} |`);
}

async function count(origin: string, ca: string): Promise<{ keys: number; connections: number }> {
  const { Agent } = await import('undici');
  const dispatcher = new Agent({ connect: { ca } });
  const { body } = await request(`${origin}/count`, { dispatcher });
  const counts = (await body.json()) as { keys: number; connections: number };
  await dispatcher.close();
  return { ...counts, connections: counts.connections - 1 };
}

/** From a cold start, over TLS, with answers that take 40 ms. */
async function overTls(): Promise<{
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
  await many.run({ logins: quick ? 1000 : 10_000, concurrency: 50 });
  const { keys: keysForAll } = await count(fast.origin, cert);
  many.end();
  fast.end();
  return { connectionsPerLogin: connections / 50, keysForFirst: keys, keysForAll };
}

/** The package's own part of a login's time when the process has nothing else to do. */
async function ownLatency(origin: string): Promise<number> {
  const times: Record<string, number> = {};
  for (const name of ['limit', 'strategy']) {
    const client = await startClient(name, origin);
    await client.run({ logins: 500, concurrency: 10 });
    times[name] = (await client.run({ logins: quick ? 40 : 200, concurrency: 1, pace: 50 })).p50;
    client.end();
  }
  return times['strategy']! - times['limit']!;
}

async function heapGrowth(origin: string): Promise<number> {
  const client = await startClient('strategy', origin);
  await client.run({ logins: 5000, concurrency: 50 });
  const before = await client.run({ logins: 200, concurrency: 50, allocation: true });
  await client.run({ logins: quick ? 5000 : 100_000, concurrency: 50 });
  // Long enough for the process to forget the last ones.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const after = await client.run({ logins: 200, concurrency: 50, allocation: true });
  client.end();
  return (after.heap! - before.heap!) / 1e6;
}

/** Milliseconds that `require` takes beyond undici and jsonwebtoken in its own process. */
function requireTime(): number {
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

/** The strategy's CPU for a login in its own process. */
async function strategyCpu(origin: string, concurrency: number, env = {}): Promise<number> {
  const client = await startClient('strategy', origin, { env });
  await client.run({ logins: WARM_UP, concurrency });
  const logins = Math.max(LOGINS, 2 * concurrency);
  const rounds = [];
  for (let i = 0; i < 5; i += 1) rounds.push((await client.run({ logins, concurrency })).cpu);
  client.end();
  return median(rounds);
}

async function growth(origin: string): Promise<Line[]> {
  const byConcurrency: Line = { title: 'concurrent logins', points: [], unit: 'µs CPU' };
  for (const concurrency of [1, 10, 100, 1000]) {
    byConcurrency.points.push([concurrency, await strategyCpu(origin, concurrency)]);
  }
  const byTransactions: Line = { title: 'transactions', points: [], unit: 'µs CPU' };
  for (const transactions of [1, 100, 1000, 10_000, quick ? 20_000 : 100_000]) {
    const env = { BENCH_TRANSACTIONS: String(transactions) };
    byTransactions.points.push([transactions, await strategyCpu(origin, 50, env)]);
  }
  const byProcesses: Line = { title: 'processes', points: [], unit: 'logins/s' };
  for (const processes of [1, 2]) {
    const clients = [];
    for (let i = 0; i < processes; i += 1) clients.push(await startClient('strategy', origin));
    const round = { logins: LOGINS, concurrency: 50 };
    await Promise.all(clients.map((client) => client.run({ ...round, logins: WARM_UP })));
    const results = await Promise.all(
      clients.map((client) => client.run({ ...round, logins: 3 * LOGINS })),
    );
    byProcesses.points.push([
      processes,
      results.reduce((sum, { loginsPerSecond }) => sum + loginsPerSecond, 0),
    ]);
    for (const client of clients) client.end();
  }
  return [byConcurrency, byTransactions, byProcesses];
}

async function main(): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, undici ${version('undici')}, jsonwebtoken ${version('jsonwebtoken')}`;
  say(machine);
  const user = { username: 'bench@example.com', password: 'correct horse battery', otp: PASSCODE };
  const connections = await measureConnections(user, quick ? 1 : 5);
  printConnections(connections, say);
  if (process.argv.includes('--connections')) return;
  const { origin, end } = await startEndpoint();
  const polls = await measurePolls(origin, user, quick ? 2000 : 10_000);
  printPolls(polls, say);
  if (process.argv.includes('--polls')) return end();
  const rows = await contest(origin);
  printContest(rows);
  const lines = await growth(origin);
  for (const { title, unit, points } of lines) {
    say(`\n${title}: ${points.map(([x, y]) => `${x}: ${y.toFixed(0)} ${unit}`).join(', ')}`);
  }

  const strategy = find(rows, 'strategy');
  const tls = await overTls();
  say('\n| goal | at most | measured | |\n| --- | ---: | ---: | --- |');
  goal('strategy / floor, CPU', ratio(strategy, find(rows, 'floor')), 1.3);
  goal('strategy / openid-client, CPU', ratio(strategy, find(rows, 'openid-client')), 1 / 5);
  goal(
    'strategy / bare strategy on oauth, CPU',
    ratio(strategy, find(rows, 'oauth-strategy')),
    1 / 1.5,
  );
  goal('own latency over two answers, p50, under 20 logins/s', await ownLatency(origin), 1, ' ms');
  goal('TLS connections for each concurrent login, cold', tls.connectionsPerLogin, 1.2);
  goal('fetches of the keys for 50 first logins at once', tls.keysForFirst, 1);
  goal('fetches of the keys in 10,000 logins', tls.keysForAll, 1);
  goal('a poll that is answered / a login, CPU', polls.answered / polls.login, 1 / 4);
  const kept = median(connections.documented.map(({ roundTrips }) => roundTrips));
  goal('round trips of a passcode step after 20 s, on a kept connection', kept, 1.2);
  goal('session bytes of a transaction', strategy.sessionBytes!, 300);
  goal('heap growth over 100,000 logins', await heapGrowth(origin), 2, ' MB');
  goal('require, beyond undici and jsonwebtoken', requireTime(), 60, ' ms');
  end();

  const images = join(process.cwd(), 'docs', 'images');
  mkdirSync(images, { recursive: true });
  if (!quick) writeFileSync(join(images, 'bench.svg'), drawPicture(rows, lines, machine));
}

function version(name: string): string {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- of whichever copy is installed
  return (require(`${name}/package.json`) as { version: string }).version;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
