import session, { type SessionData } from 'express-session';
import type { IncomingMessage } from 'node:http';
import type { PassportStrategy } from '../../lib/passport.js';
import { OktaDirectMfaStrategy } from '../../lib/index.js';
import { CLIENT_ID, ISSUER } from '../support/fixtures.js';
import { KEYS } from '../property/id-tokens.js';
import { fakeOkta } from '../property/okta.js';
import { countTimers, measure } from './measure.js';

/**
 * Transactions in express-session's own MemoryStore, without HTTP: each begins with a right password;
 * then it is left alone, gets a wrong passcode, or is cancelled. When they have expired nothing is left.
 */
const COUNT = Number(process.argv[2] ?? 100_000);
const WARM_UP = 1000;
const AGE = 300;

countTimers();
let ahead = 0;
const { now } = Date;
Date.now = () => now() + ahead;

const store = new session.MemoryStore();
const { sessions } = store as unknown as { sessions: Record<string, string> };
let ids = 0;
/** What express-session's middleware puts into its store, for `regenerate`. */
function generate(req: object): void {
  const own = new (session.Session as unknown as new (req: object) => SessionData)(req);
  Object.assign(req, { sessionID: `sid-${++ids}`, session: own });
  own.cookie = new (session.Cookie as unknown as new (options: object) => session.Cookie)({
    maxAge: AGE * 1000,
  });
}
Object.assign(store, { generate });

let tokens = 0;
const strategy = new OktaDirectMfaStrategy(
  {
    issuer: ISSUER,
    clientID: CLIENT_ID,
    transactionMaxAge: AGE,
    dispatcher: fakeOkta(
      ({ method, form }) => {
        if (method === 'GET') return { status: 200, body: KEYS };
        const body =
          form.get('grant_type') === 'password'
            ? { error: 'mfa_required', mfa_token: `mfa-token-${++tokens}` }
            : { error: 'invalid_grant' };
        return { status: 403, body: JSON.stringify(body) };
      },
      () => 0,
    ),
  },
  async () => ({ id: 'nobody' }),
);

function send(req: object, body: object): Promise<string> {
  return new Promise((resolve) => {
    const instance = Object.create(strategy) as PassportStrategy;
    instance.fail = (info) => resolve((info as { code: string }).code);
    instance.error = (error) => resolve(String(error));
    instance.success = () => resolve('success');
    instance.authenticate(Object.assign(req, { body }) as unknown as IncomingMessage);
  });
}

/** @returns whether it went as it should */
async function wait(index: number): Promise<boolean> {
  const req = { headers: {}, sessionStore: store };
  generate(req);
  const first = await send(req, { username: `person-${index}`, password: 'Green-Kettle-42' });
  if (first !== 'mfa_required') return false;
  if (index % 3 === 1) return (await send(req, { otp: '123456' })) === 'invalid_otp';
  if (index % 3 === 2) await strategy.cancel(req as unknown as IncomingMessage);
  return true;
}

async function run(count: number) {
  let lost = 0;
  for (let at = 0; at < count; at += 100) {
    const batch = Array.from({ length: Math.min(100, count - at) }, (_, index) => wait(at + index));
    lost += (await Promise.all(batch)).filter((fine) => !fine).length;
  }
  const full = { sessions: Object.keys(sessions).length, ...(await measure()) };
  ahead += (AGE + 1) * 1000;
  // MemoryStore throws away what has expired when it is looked through.
  await new Promise((resolve) => store.all(resolve));
  // What is known of them in the process is forgotten by a timer.
  const deadline = performance.now() + 20_000;
  let over = await measure();
  while (over.timers > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    over = await measure();
  }
  return { lost, full, over: { sessions: Object.keys(sessions).length, ...over } };
}

async function main(): Promise<void> {
  const warm = await run(WARM_UP);
  const { lost, full, over } = await run(COUNT);
  process.send?.({ warm: warm.over, lost: lost + warm.lost, full, over });
  process.disconnect?.();
}

void main();
