/**
 * What one login costs, beside what it could cost at best and what people would otherwise use. Prints
 * tables, each goal as met or not, and draws docs/images/bench.svg; with `--polls` only what waiting for a
 * push costs, with `--store` only what the session store is asked, with `--connections` only what a kept
 * connection saves. Everything runs on this machine, over loopback; `--quick` for a first impression.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { measureConnections, printConnections } from './connections.js';
import { PASSCODE } from './constants.js';
import {
  contest,
  median,
  printContest,
  ratio,
  type EntrantName,
  type Row,
  type Size,
} from './contest.js';
import { growth, heapGrowth, overTls, ownLatency, requireTime } from './growth.js';
import { drawPicture } from './picture.js';
import { measurePolls, printPolls } from './polls.js';
import { startEndpoint } from './processes.js';
import { measureStore, moreThanAlone, printStore } from './session-store.js';

const quick = process.argv.includes('--quick');
const only = ['--polls', '--store', '--connections'].find((part) => process.argv.includes(part));
const OWN = ['limit', 'floor', 'protocol', 'strategy'] as const;
const PEERS = [
  'floor',
  'strategy',
  'oauth-calls',
  'oauth-strategy',
  'oauth4webapi',
  'openid-client',
  'openid-strategy',
  'fetch',
  'express',
] as const;
const SIZE: Size = quick
  ? { generations: 1, rounds: 6, logins: 300, warmUp: 1500 }
  : { generations: 5, rounds: 30, logins: 500, warmUp: 3000 };
const PEERS_SIZE: Size = { ...SIZE, generations: quick ? 1 : 2, rounds: quick ? 4 : 16 };
const USER = { username: 'bench@example.com', password: 'correct horse battery', otp: PASSCODE };

const say = (line: string) => console.log(line);

/** A goal, what was measured, and whether it is met. */
function goal(text: string, value: number, most: number, unit = ''): void {
  const met = value <= most ? 'met' : 'NOT MET';
  say(`| ${text} | ${most.toFixed(2)}${unit} | ${value.toFixed(2)}${unit} | ${met} |`);
}

function goals(): void {
  say('\n| goal | at most | measured | |\n| --- | ---: | ---: | --- |');
}

async function connections(): Promise<() => void> {
  const steps = await measureConnections(USER, quick ? 1 : 3);
  printConnections(steps, say);
  const kept = median(steps.documented.map(({ roundTrips }) => roundTrips));
  return () => goal('round trips of a passcode step after 20 s, on a kept connection', kept, 1.2);
}

async function store(origin: string): Promise<() => void> {
  const steps = await measureStore(origin, USER);
  printStore(steps, say);
  return () => {
    for (const step of ['password', 'passcode']) {
      const more = moreThanAlone(steps, step);
      goal(`operations of the session store beyond Passport's own, ${step} step`, more, 1);
    }
  };
}

async function polls(origin: string): Promise<() => void> {
  const costs = await measurePolls(origin, USER, quick ? 2000 : 10_000);
  printPolls(costs, say);
  return () => {
    goal('a poll that is answered / a password step, CPU', costs.answered / costs.password, 1 / 4);
    const { people, p99 } = costs.waiting;
    goal(`p99 of the polls of ${people} people who wait, one process`, p99, 50, ' ms');
  };
}

async function logins(origin: string, machine: string): Promise<() => void> {
  const own = await contest(origin, OWN, SIZE);
  printContest(own, say);
  const peers = await contest(origin, PEERS, PEERS_SIZE);
  printContest(peers, say);
  const lines = await growth(origin, SIZE, quick ? 20_000 : 100_000);
  for (const { title, unit, points } of lines) {
    say(`\n${title}: ${points.map(([x, y]) => `${x}: ${y.toFixed(0)} ${unit}`).join(', ')}`);
  }
  const images = join(process.cwd(), 'docs', 'images');
  mkdirSync(images, { recursive: true });
  // One group alone: in the other one the same login costs less, with fewer processes in turn.
  if (!quick) writeFileSync(join(images, 'bench.svg'), drawPicture(peers, lines, machine));

  const find = (rows: Row[], wanted: EntrantName) => rows.find(({ name }) => name === wanted)!;
  const strategy = find(own, 'strategy');
  const floor = find(own, 'floor');
  const tls = await overTls(quick ? 1000 : 10_000);
  const latency = await ownLatency(origin, quick ? 40 : 200);
  const heap = await heapGrowth(origin, quick ? 5000 : 100_000);
  return () => {
    goal('strategy / floor, CPU', ratio(strategy, floor), 1.25);
    goal('strategy / floor, bytes allocated', strategy.allocated! / floor.allocated!, 1.5);
    const openid = find(peers, 'openid-strategy');
    const versus = ratio(find(peers, 'strategy'), openid);
    goal('strategy / bare strategy on openid-client, CPU', versus, 1 / 5);
    goal('own latency over two answers, p50, under 20 logins/s', latency, 1, ' ms');
    goal('TLS connections for each concurrent login, cold', tls.connectionsPerLogin, 1.2);
    goal('fetches of the keys for 50 first logins at once', tls.keysForFirst, 1);
    goal('fetches of the keys in 10,000 logins', tls.keysForAll, 1);
    goal('session bytes of a transaction', strategy.sessionBytes!, 300);
    goal('heap growth over 100,000 logins', heap, 2, ' MB');
    goal('require, beyond undici and jsonwebtoken', requireTime(), 60, ' ms');
  };
}

async function main(): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, undici ${version('undici')}, jsonwebtoken ${version('jsonwebtoken')}`;
  say(machine);
  const { origin, end } = await startEndpoint();
  const reached = [];
  if (only === undefined) reached.push(await logins(origin, machine));
  if (only === undefined || only === '--polls') reached.push(await polls(origin));
  if (only === undefined || only === '--store') reached.push(await store(origin));
  if (only === undefined || only === '--connections') reached.push(await connections());
  end();
  goals();
  for (const tell of reached) tell();
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
