import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryStore } from 'express-session';
import { createApp } from '../../example/express/app.js';
import { countTimers, measure } from './measure.js';
import type { FromApp, Measured, ToApp } from './messages.js';

/** The sample app in its own process, which reports what it holds on to. */
countTimers();
const [issuer = '', clientID = ''] = process.argv.slice(2);
const store = new MemoryStore();
const { sessions } = store as unknown as { sessions: Record<string, string> };
let errors = 0;
const app = createApp({
  okta: { issuer, clientID, allowInsecureIssuer: true },
  sessionSecret: 'for the load run',
  store,
  rateLimit: { windowMs: 3_600_000, limit: Number.MAX_SAFE_INTEGER },
  usernameLimit: { windowMs: 3_600_000, limit: Number.MAX_SAFE_INTEGER },
  log: (line) => {
    errors += 1;
    process.stderr.write(`the app: ${line}\n`);
  },
});
const server = createServer(app);
const send = (message: FromApp) => process.send?.(message);

async function measured(): Promise<Measured> {
  const all = Object.values(sessions);
  return {
    ...(await measure()),
    sessions: all.length,
    loggedIn: all.filter((json) => json.includes('"passport"')).length,
    transactions: all.filter((json) => json.includes('"mfaToken"')).length,
    errors,
  };
}

process.on('message', ({ type }: ToApp) => {
  if (type === 'measure') {
    void measured().then((measured) => send({ type: 'measured', measured }));
    return;
  }
  for (const id of Object.keys(sessions)) delete sessions[id];
  send({ type: 'forgot' });
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  send({ type: 'ready', origin: `http://127.0.0.1:${port}` });
});
