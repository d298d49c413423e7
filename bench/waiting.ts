/**
 * People who wait for a push, each of whose pages asks every five seconds: how long one process of the
 * whole Express app lets them wait for an answer, with every poll forwarded to Okta, as pages that keep
 * to the interval have it. Requests come at fixed times, whether or not the ones before were answered.
 */
import { Agent, request } from 'undici';
import { startScript } from './processes.js';

const INTERVAL = 5000;

export interface Waiting {
  people: number;
  polls: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

export async function measureWaiting(
  origin: string,
  user: { username: string; password: string },
  { people, seconds }: { people: number; seconds: number },
): Promise<Waiting> {
  const app = await startScript('waiting-app.js', [origin]);
  const dispatcher = new Agent({ connections: 100 });

  async function post(form: Record<string, string>, cookie = '') {
    const { headers, body } = await request(`${app.origin}/login`, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
      body: new URLSearchParams(form).toString(),
    });
    const info = (await body.json()) as { code: string; challenge?: string };
    return { info, cookie: String(headers['set-cookie']).split(';')[0]! };
  }

  const waiting: { cookie: string; challenge: string }[] = [];
  const arrive = async () => {
    const { cookie } = await post(user);
    const { info } = await post({ factor: 'push' }, cookie);
    if (info.challenge === undefined) throw new Error(`no push was sent, but ${info.code}`);
    waiting.push({ cookie, challenge: info.challenge });
  };
  while (waiting.length < people) await Promise.all(Array.from({ length: 50 }, arrive));

  const times: number[] = [];
  const poll = async (due: number, index: number) => {
    const { cookie, challenge } = waiting[index % people]!;
    const { info } = await post({ challenge }, cookie);
    if (info.code !== 'authorization_pending') throw new Error(`a poll ended in ${info.code}`);
    times.push(performance.now() - due);
  };
  const gap = INTERVAL / people;
  const polls = Math.round((seconds * 1000) / gap);
  const running: Promise<void>[] = [];
  const start = performance.now();
  while (running.length < polls) {
    const elapsed = performance.now() - start;
    while (running.length < polls && running.length * gap <= elapsed) {
      running.push(poll(start + running.length * gap, running.length));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  app.end();
  await dispatcher.destroy();
  times.sort((a, b) => a - b);
  return { people, polls, p50: times[polls >> 1]!, p99: times[Math.floor(polls * 0.99)]! };
}

export function printWaiting({ people, polls, p50, p99 }: Waiting, say: (line: string) => void) {
  say(
    `\n${people} people who wait, each with a poll in ${INTERVAL / 1000} s, all forwarded to Okta, at one process: ${polls} polls, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms.`,
  );
}
