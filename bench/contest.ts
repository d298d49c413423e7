/**
 * The contestants, each in a process of its own, in turn. What else the machine does only ever adds to
 * what a round costs, so that the least tenth of many short rounds says what the code costs, and the median
 * what it cost here. A process that was started anew has other addresses and other optimised code: the whole
 * is repeated with new ones.
 */
import { CONTESTANTS, type ContestantName } from './contestants.js';
import type { Result } from './measure.js';
import { startClient, type Client } from './processes.js';

export interface Size {
  /** How often all processes are started anew. */
  generations: number;
  rounds: number;
  /** In a round. */
  logins: number;
  /** Fewer leave much of the code uncompiled, which costs twice as much. */
  warmUp: number;
}

export interface Row {
  name: string;
  title: string;
  /** Microseconds for one login: the least tenth of the rounds, of each generation. */
  least: number[];
  /** The median of all rounds. */
  median: number;
  loginsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Bytes, where they can be counted. */
  allocated: number | undefined;
  sessionBytes: number | undefined;
}

export const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const leastTenth = (values: number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 10)]!;

export type EntrantName = ContestantName | 'express';

/** Logs in under one name in a process of its own; the whole app is asked over HTTP. */
const entrantOf = (name: EntrantName) =>
  name === 'express'
    ? { name, title: 'the whole Express app', file: 'express-client.js' }
    : { name, title: CONTESTANTS[name].title, file: 'client.js' };
type Entrant = ReturnType<typeof entrantOf>;

const CONCURRENCY = { concurrency: 50 };

export async function contest(
  origin: string,
  names: readonly EntrantName[],
  size: Size,
): Promise<Row[]> {
  const entrants = names.map(entrantOf);
  const generations: Map<string, Result[]>[] = [];
  for (let count = 0; count < size.generations; count += 1) {
    generations.push(await runGeneration(origin, entrants, size));
  }
  const rows: Row[] = [];
  for (const { name, title, file } of entrants) {
    const all = generations.map((results) => results.get(name)!);
    const of = (key: 'cpu' | 'loginsPerSecond' | 'p50' | 'p99') =>
      median(all.flat().map((result) => result[key]));
    rows.push({
      name,
      title,
      least: all.map((results) => leastTenth(results.map(({ cpu }) => cpu))),
      median: of('cpu'),
      loginsPerSecond: of('loginsPerSecond'),
      p50: of('p50'),
      p99: of('p99'),
      allocated: file === 'client.js' ? await allocatedBy(name, origin, size) : undefined,
      sessionBytes: all[0]![0]!.sessionBytes,
    });
  }
  return rows;
}

async function runGeneration(
  origin: string,
  entrants: Entrant[],
  { rounds, logins, warmUp }: Size,
): Promise<Map<string, Result[]>> {
  const clients = new Map<string, Client>();
  const results = new Map<string, Result[]>();
  for (const { name, file } of entrants) {
    const client = await startClient(name, origin, { file });
    await client.run({ logins: warmUp, ...CONCURRENCY });
    clients.set(name, client);
    results.set(name, []);
  }
  for (let round = 0; round < rounds; round += 1) {
    // Forwards and backwards, since whoever comes after a long round finds the machine warmer.
    const turns = [...clients];
    if (round % 2 === 1) turns.reverse();
    for (const [name, client] of turns) {
      results.get(name)!.push(await client.run({ logins, ...CONCURRENCY }));
    }
  }
  for (const client of clients.values()) client.end();
  return results;
}

async function allocatedBy(name: string, origin: string, { warmUp }: Size): Promise<number> {
  // A young generation that a whole round fits into, so that nothing is collected in it.
  const execArgv = ['--min-semi-space-size=256', '--max-semi-space-size=256'];
  const client = await startClient(name, origin, { execArgv });
  await client.run({ logins: warmUp, ...CONCURRENCY });
  const bytes: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const result = await client.run({ logins: 1000, ...CONCURRENCY, allocation: true });
    bytes.push(result.allocated!);
  }
  client.end();
  return median(bytes);
}

/** How many times another's CPU one takes: the median over the generations. */
export function ratio(one: Row, other: Row): number {
  return median(one.least.map((cpu, generation) => cpu / other.least[generation]!));
}

/** Microseconds for one login. */
export const cpuOf = ({ least }: Row) => median(least);

export function printContest(rows: Row[], say: (line: string) => void): void {
  const [base, floor] = ['limit', 'floor'].map((wanted) =>
    rows.find(({ name }) => name === wanted),
  );
  say(
    '\n| contestant | CPU a login (µs): least tenth | median | × floor | logins/s | p50 / p99 (ms) | allocated (kB) |',
  );
  say('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const row of rows) {
    say(
      `| ${[
        row.title,
        cpuOf(row).toFixed(0),
        row.median.toFixed(0),
        ratio(row, floor!).toFixed(2),
        row.loginsPerSecond.toFixed(0),
        `${row.p50.toFixed(0)} / ${row.p99.toFixed(0)}`,
        row.allocated === undefined ? '–' : (row.allocated / 1000).toFixed(0),
      ].join(' | ')} |`,
    );
  }
  if (base === undefined) return;
  say(
    `
The floor makes the two calls, verifies one signature with iss, aud and exp, and has Passport and the session.
It leaves out: what reads the answers of Okta that are none of these two; the time limit of a call and the size
limit of a response; the headers that keep caches and encodings out; the second read of the transaction before
success; azp, at_hash, iat, crit and the choice of a key by its id; what keeps parallel requests of one login
apart; the username's and the code's clean-up; what is withheld from messages; events; the tokens' revocation.`,
  );
}
