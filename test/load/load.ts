import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Pool } from 'undici';
import { signIn } from './client.js';
import type { FromApp, FromOkta, Measured, Person, ToApp, ToOkta } from './messages.js';

/**
 * `npm run test:load`: 10,000 whole logins, a hundred at a time, through the sample app's stack, and
 * 100,000 transactions that expire. Ends with 1 if one is lost, or if the app holds on to something
 * afterwards. The clients are in this process, the app and the stand-in for Okta in one each.
 */
const LOGINS = Number(process.env['LOAD_LOGINS'] ?? 10_000);
const TRANSACTIONS = Number(process.env['LOAD_TRANSACTIONS'] ?? 100_000);
const CONCURRENCY = 100;
const WARM_UP = 1000;
/** Of the heap, for what V8 keeps compiled and cached; a leak of 1 KiB a login would be 10 MiB. */
const TOLERANCE_MIB = 4;
const BOUND = 4 * 60_000;

const print = (line: string) => process.stdout.write(`${line}\n`);
const children: ChildProcess[] = [];
let failures = 0;

function expect(what: string, holds: boolean): void {
  print(`${holds ? 'ok  ' : 'LOST'}  ${what}`);
  if (!holds) failures += 1;
}

function start(file: string, args: string[] = []): ChildProcess {
  const child = fork(join(__dirname, file), args, {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  children.push(child);
  return child;
}

/** The next message of a process, which must come before it ends. */
function next<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`A part ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

async function ask<T>(child: ChildProcess, message: ToOkta | ToApp): Promise<T> {
  const answer = next<T>(child);
  child.send(message);
  return answer;
}

async function measured(app: ChildProcess): Promise<Measured> {
  const answer = await ask<FromApp>(app, { type: 'measure' });
  if (answer.type !== 'measured') throw new Error('not measured');
  return answer.measured;
}

/** What is left when the browsers have gone and the short-lived timers have run. */
async function settled(app: ChildProcess, idle: Measured): Promise<Measured> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const now = await measured(app);
    // The app's own connections to Okta are kept for a few seconds; a browser's end with the browser.
    const done = now.timers === 0 && now.sockets <= idle.sockets;
    if (done || performance.now() > deadline) return now;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function signInAll(origin: string, people: Person[]): Promise<string[]> {
  const pool = new Pool(origin, { connections: CONCURRENCY });
  const lost: string[] = [];
  const queue = people.values();
  const worker = async () => {
    for (const person of queue) {
      await signIn(pool, person).catch((error: unknown) => lost.push(String(error)));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  await pool.close();
  return lost;
}

type Figures = Pick<Measured, 'heapMiB' | 'resources' | 'timers' | 'sockets' | 'sessions'>;

const show = ({ heapMiB, resources, timers, sockets, sessions }: Figures) =>
  `heap ${heapMiB.toFixed(1)} MiB, ${sessions} sessions, ${timers} timers, ${sockets} sockets, ${JSON.stringify(resources)}`;

async function logins(): Promise<void> {
  const okta = start('okta.ts');
  const ready = await next<FromOkta>(okta);
  if (ready.type !== 'ready') throw new Error('no stand-in');
  const app = start('app.ts', [ready.issuer, ready.clientID]);
  const listening = await next<FromApp>(app);
  if (listening.type !== 'ready') throw new Error('no app');

  const idle = await measured(app);
  const round = async (count: number) => {
    const answer = await ask<FromOkta>(okta, { type: 'add users', count });
    if (answer.type !== 'users') throw new Error('no users');
    const started = performance.now();
    const lost = await signInAll(listening.origin, answer.users);
    const seconds = (performance.now() - started) / 1000;
    const full = await measured(app);
    await ask(app, { type: 'forget sessions' });
    return { lost, seconds, full, after: await settled(app, idle) };
  };

  const warm = await round(WARM_UP);
  print(`after ${WARM_UP} logins: ${show(warm.after)}`);
  const { lost, seconds, full, after } = await round(LOGINS);
  print(`after ${LOGINS} more: ${show(full)}`);
  print(`and with its sessions forgotten: ${show(after)}`);
  print(
    `${LOGINS} logins, ${CONCURRENCY} at a time: ${seconds.toFixed(1)} s, ${(LOGINS / seconds).toFixed(0)} a second`,
  );

  expect(
    `${LOGINS - lost.length} of ${LOGINS} logins ended on the right profile`,
    lost.length === 0,
  );
  for (const reason of new Set(lost)) print(`      ${reason}`);
  expect('the app had no error', after.errors === 0);
  expect(
    `one session a login and none besides: ${full.sessions}, ${full.loggedIn} logged in`,
    full.sessions === LOGINS && full.loggedIn === LOGINS,
  );
  expect(`no transaction is left: ${full.transactions}`, full.transactions === 0);
  const growth = after.heapMiB - warm.after.heapMiB;
  expect(`the heap grew by ${growth.toFixed(1)} MiB since the warm-up`, growth < TOLERANCE_MIB);
  expect(
    `no socket is left: ${after.sockets}, as before the first login`,
    after.sockets <= idle.sockets,
  );
  expect(
    `nothing else keeps it alive: ${JSON.stringify(after.resources)}`,
    Object.keys(after.resources).every((kind) => kind in idle.resources),
  );
  expect(`no timer is left: ${after.timers}`, after.timers <= idle.timers);
}

async function transactions(): Promise<void> {
  const child = start('transactions.ts', [String(TRANSACTIONS)]);
  const started = performance.now();
  const result = await next<{ warm: Figures; lost: number; full: Figures; over: Figures }>(child);
  const { warm, lost, full, over } = result;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  print(`\n${TRANSACTIONS} transactions (${seconds} s): ${show(full)}`);
  print(`when their time is over: ${show(over)}`);
  expect(`each went as it should, ${lost} did not`, lost === 0);
  expect(`all were in the store: ${full.sessions}`, full.sessions === TRANSACTIONS);
  expect(`no session is left: ${over.sessions}`, over.sessions === 0);
  expect(`no timer is left: ${over.timers}`, over.timers === 0);
  const growth = over.heapMiB - warm.heapMiB;
  expect(`the heap grew by ${growth.toFixed(1)} MiB since the warm-up`, growth < TOLERANCE_MIB);
}

async function main(): Promise<void> {
  const late = setTimeout(() => {
    print(`Not done after ${BOUND / 1000} s`);
    for (const child of children) child.kill();
    process.exit(1);
  }, BOUND);
  try {
    await logins();
    await transactions();
  } finally {
    clearTimeout(late);
    for (const child of children) child.kill();
  }
  print(
    failures === 0 ? '\nNothing is lost, nothing grew.' : `\n${failures} of these do not hold.`,
  );
  process.exitCode = failures === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  print(String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
});
