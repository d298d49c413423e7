/**
 * What a push costs while it is waited for, in CPU of this process, and what each factor adds to a
 * session: the strategy alone, with a store in memory; the endpoint is another process.
 */
import type { IncomingMessage } from 'node:http';
import { request } from 'undici';
import { OktaDirectMfaStrategy } from '../lib/index.js';
import type { Transaction, TransactionStore } from '../lib/index.js';
import { CLIENT_ID } from './constants.js';

const FACTORS = ['otp', 'push', 'sms', 'voice', 'email', 'webauthn'] as const;

type Request = IncomingMessage & { body: object; kept: { transaction?: Transaction } };

/** Keeps JSON, as a session does. */
const store: TransactionStore = {
  read: (req) => (req as Request).kept.transaction,
  create: (req, transaction) => {
    (req as Request).kept.transaction = JSON.parse(JSON.stringify(transaction)) as Transaction;
  },
  update: (req, transaction) => {
    (req as Request).kept.transaction = JSON.parse(JSON.stringify(transaction)) as Transaction;
  },
  remove: (req) => {
    delete (req as Request).kept.transaction;
  },
};

function create(origin: string) {
  const strategy = new OktaDirectMfaStrategy(
    {
      issuer: origin,
      clientID: CLIENT_ID,
      allowInsecureIssuer: true,
      factors: FACTORS,
      store,
      resendAfter: 0,
    },
    (_tokens, _profile, done) => done(null, { id: 'bench' }),
  );
  return (kept: Request['kept'], body: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = Object.create(strategy) as OktaDirectMfaStrategy;
      request.success = () => resolve('authenticated');
      request.fail = (info) => resolve((info as { code: string }).code);
      request.error = (error) => reject(error instanceof Error ? error : new Error('no login'));
      request.authenticate({ headers: {}, body, kept } as unknown as Request);
    });
}

/** Microseconds of CPU for one, over `count` of them, 50 at a time. */
async function cpuOf(count: number, task: (index: number) => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  for (let done = 0; done < count; done += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => task(done + index)));
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / count;
}

/** Milliseconds between two polls of a page. */
const INTERVAL = 5000;

/**
 * Polls at fixed times, whether or not the ones before were answered, as so many pages send them.
 * @returns milliseconds from each one's time to its answer, in ascending order, and the CPU of this process,
 *   as a share of a core
 */
async function pollsOf(
  people: number,
  seconds: number,
  poll: (index: number) => Promise<unknown>,
): Promise<{ times: number[]; core: number }> {
  const times: number[] = [];
  const gap = INTERVAL / people;
  const count = Math.round((seconds * 1000) / gap);
  const running: Promise<unknown>[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  while (running.length < count) {
    const due = Math.min(count, (performance.now() - start) / gap);
    while (running.length < due) {
      const at = start + running.length * gap;
      const answered = poll(running.length % people);
      running.push(answered.then(() => times.push(performance.now() - at)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  const { user, system } = process.cpuUsage(cpu);
  const core = (user + system) / 1000 / (performance.now() - start);
  return { times: times.sort((a, b) => a - b), core };
}

/** How many have reached the endpoint. */
async function pollsAt(origin: string): Promise<number> {
  const { body } = await request(`${origin}/count`);
  return ((await body.json()) as { polls: number }).polls;
}

export interface Polls {
  /** Microseconds of CPU. */
  login: number;
  /** The first step of one. */
  password: number;
  answered: number;
  forwarded: number;
  /** Milliseconds, when each of so many people asks every five seconds. */
  waiting: {
    people: number;
    p50: number;
    p99: number;
    core: number;
    polls: number;
    atOkta: number;
  };
  /** Bytes of JSON that a transaction has, by factor. */
  bytes: Record<string, number>;
}

export async function measurePolls(
  origin: string,
  user: { username: string; password: string; otp: string },
  count: number,
): Promise<Polls> {
  const send = create(origin);
  const { otp, ...password } = user;
  const expect = async (wanted: string, kept: Request['kept'], body: object) => {
    const code = await send(kept, body);
    if (code !== wanted) throw new Error(`${code} instead of ${wanted}`);
  };
  const login = async () => {
    const kept = {};
    await expect('mfa_required', kept, password);
    await expect('authenticated', kept, { otp });
  };
  const passwordStep = () => expect('mfa_required', {}, password);
  const waiting: Request['kept'][] = [];
  const push = async () => {
    const kept: Request['kept'] = {};
    await expect('mfa_required', kept, password);
    await expect('authorization_pending', kept, { factor: 'push' });
    waiting.push(kept);
  };
  const poll = (index: number) => {
    const kept = waiting[index]!;
    return expect('authorization_pending', kept, { challenge: kept.transaction?.challenge?.id });
  };

  const bytes: Record<string, number> = {};
  for (const factor of FACTORS) {
    const kept: Request['kept'] = {};
    await send(kept, password);
    await send(kept, { factor });
    bytes[factor] = Buffer.byteLength(JSON.stringify(kept.transaction));
  }
  await cpuOf(2 * count, login);
  await cpuOf(count, push);
  const costs = {
    login: await cpuOf(count, login),
    password: await cpuOf(count, passwordStep),
    // The first poll may come at once; those after it are too early.
    forwarded: await cpuOf(count, poll),
    answered: await cpuOf(count, poll),
  };
  // By then the first poll of each is due.
  await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  const before = await pollsAt(origin);
  const { times, core } = await pollsOf(count, 15, poll);
  const of = (share: number) => times[Math.floor(times.length * share)]!;
  const waits = { people: count, p50: of(0.5), p99: of(0.99), core, polls: times.length };
  return { ...costs, waiting: { ...waits, atOkta: (await pollsAt(origin)) - before }, bytes };
}

export function printPolls(
  { login, password, answered, forwarded, waiting, bytes }: Polls,
  say: (line: string) => void,
) {
  say('\n| while a push is waited for | CPU (µs) | × a login with a passcode |');
  say('| --- | ---: | ---: |');
  for (const [what, cpu] of Object.entries({ login, password, answered, forwarded })) {
    say(`| ${what} | ${cpu.toFixed(0)} | ${(cpu / login).toFixed(2)} |`);
  }
  say(
    `\n${waiting.people} people at an interval of ${INTERVAL / 1000} s, one process, ${waiting.atOkta} of ${waiting.polls} polls forwarded: p50 ${waiting.p50.toFixed(1)} ms, p99 ${waiting.p99.toFixed(1)} ms, ${(100 * waiting.core).toFixed(0)} % of a core.`,
  );
  say('\n| factor | bytes of the transaction |');
  say('| --- | ---: |');
  for (const [factor, size] of Object.entries(bytes)) say(`| ${factor} | ${size} |`);
}
