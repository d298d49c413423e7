/**
 * What each step of a login asks of the session store, beside Passport's own login, with a store that takes
 * five milliseconds for each operation. The session middleware's own `get` at the beginning is in all.
 */
import session, { type SessionData } from 'express-session';
import { Strategy } from 'passport-strategy';
import { request } from 'undici';
import { startExpress } from './express-app.js';
import { PASSCODE } from './constants.js';

const DELAY = 5;

type Callback = (error?: unknown) => void;

class SlowStore extends session.MemoryStore {
  seen: string[] = [];

  override get(sid: string, callback: (error: unknown, data?: SessionData | null) => void): void {
    this.later('get', () => super.get(sid, callback));
  }
  override set(sid: string, data: SessionData, callback?: Callback): void {
    this.later('set', () => super.set(sid, data, callback));
  }
  override destroy(sid: string, callback?: Callback): void {
    this.later('destroy', () => super.destroy(sid, callback));
  }
  private later(name: string, operation: () => void): void {
    this.seen.push(name);
    setTimeout(operation, DELAY);
  }
}

class Alone extends Strategy {
  override authenticate(this: Alone & { success(user: object): void }): void {
    this.success({ id: 'bench' });
  }
}

export interface StoreStep {
  what: string;
  operations: string[];
  /** Of the whole request. */
  milliseconds: number;
}

export async function measureStore(
  origin: string,
  user: { username: string; password: string },
): Promise<StoreStep[]> {
  const store = new SlowStore();
  const url = await startExpress(origin, { store, alone: new Alone() });
  let cookie = '';
  let challenge = '';
  async function post(path: string, form: Record<string, string>): Promise<void> {
    const { headers, body } = await request(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
      body: new URLSearchParams(form).toString(),
    });
    challenge = ((await body.json()) as { challenge?: string }).challenge ?? challenge;
    if (headers['set-cookie'] !== undefined) cookie = String(headers['set-cookie']).split(';')[0]!;
  }
  const steps: StoreStep[] = [];
  /** The last save ends the response, whose text the client has by then. */
  const rest = () => new Promise((resolve) => setTimeout(resolve, 10 * DELAY));
  async function step(what: string, path: string, form: () => Record<string, string>) {
    await rest();
    store.seen = [];
    const start = performance.now();
    await post(path, form());
    const milliseconds = performance.now() - start;
    await rest();
    steps.push({ what, operations: store.seen, milliseconds });
    store.seen = [];
  }
  // Compiled, and with the keys.
  for (let times = 0; times < 20; times += 1) {
    await post('/login', user);
    await post('/login', { otp: PASSCODE });
  }
  const visit = async () => {
    cookie = '';
    await post('/visit', {});
  };
  await visit();
  await step("Passport's own login", '/alone', () => ({}));
  await visit();
  await step('password', '/login', () => user);
  await step('passcode', '/login', () => ({ otp: PASSCODE }));
  await visit();
  await post('/login', user);
  await step('wrong passcode', '/login', () => ({ otp: '000000' }));
  await step('push, sent', '/login', () => ({ factor: 'push' }));
  await step('poll, at Okta', '/login', () => ({ challenge }));
  await step('poll, too early', '/login', () => ({ challenge }));
  return steps;
}

/** How many more operations a step has than Passport's own login. */
export function moreThanAlone(steps: StoreStep[], wanted: string): number {
  const count = (name: string) => steps.find(({ what }) => what === name)!.operations.length;
  return count(wanted) - count("Passport's own login");
}

export function printStore(steps: StoreStep[], say: (line: string) => void): void {
  say(`\n| step | operations of the session store, ${DELAY} ms each | milliseconds |`);
  say('| --- | --- | ---: |');
  for (const { what, operations, milliseconds } of steps) {
    say(`| ${what} | ${operations.join(' ')} | ${milliseconds.toFixed(0)} |`);
  }
}
