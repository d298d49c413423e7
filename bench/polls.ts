/**
 * What a push costs while it is waited for, in CPU of this process, and what each factor adds to a
 * session. Under Passport, with a session in memory; the endpoint is another process.
 */
import type { IncomingMessage } from 'node:http';
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

export interface Polls {
  /** Microseconds of CPU. */
  login: number;
  /** The first step of one. */
  password: number;
  answered: number;
  forwarded: number;
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
  return {
    login: await cpuOf(count, login),
    password: await cpuOf(count, passwordStep),
    // The first poll may come at once; those after it are too early.
    forwarded: await cpuOf(count, poll),
    answered: await cpuOf(count, poll),
    bytes,
  };
}

export function printPolls(
  { login, password, answered, forwarded, bytes }: Polls,
  say: (line: string) => void,
) {
  say('\n| while a push is waited for | CPU (µs) | × a login with a passcode |');
  say('| --- | ---: | ---: |');
  for (const [what, cpu] of Object.entries({ login, password, answered, forwarded })) {
    say(`| ${what} | ${cpu.toFixed(0)} | ${(cpu / login).toFixed(2)} |`);
  }
  const share = (cpu: number) => ((10_000 / 5) * cpu) / 1e4;
  say(
    `\n10,000 people at an interval of five seconds: ${share(forwarded).toFixed(0)} % of a core when each poll goes to Okta, ${share(answered).toFixed(0)} % when none does.`,
  );
  say('\n| factor | bytes of the transaction |');
  say('| --- | ---: |');
  for (const [factor, size] of Object.entries(bytes)) say(`| ${factor} | ${size} |`);
}
