import type { RequestListener } from 'node:http';
import { ConfigError, readConfig } from '../express/config.js';
import { demoAccount, describeDemo, standInOptions } from '../express/demo.js';
import { listen } from '../express/listen.js';
import { connectRedis } from '../express/redis.js';
import { startOkta } from '../okta/index.js';
import { createApp, type AppOptions } from './app.js';

async function main() {
  const { okta: org, port, hosts, redisUrl, ...settings } = readConfig(process.env);
  const redis = redisUrl ? await connectRedis(redisUrl, console.error) : undefined;
  if (settings.production && !redis) console.warn(inMemory);

  // Without a real org, the app uses a stand-in for Okta on this machine.
  const standIn = org ? undefined : await startOkta();
  const okta = standIn ? standInOptions(standIn) : org!;
  const app = await createOrExplain({ ...settings, ...redis, okta });
  await app.init();

  const listener = app.getHttpAdapter().getInstance() as RequestListener;
  const listening = await listen(listener, port, hosts, 'npm run start:nest').catch(
    async (error: unknown) => {
      await standIn?.close();
      throw error;
    },
  );

  const close = async () => {
    await Promise.all([listening.close(), app.close(), standIn?.close()]);
    process.exit(0);
  };
  // Ctrl-C may arrive more than once: from the terminal and from npm.
  process.on('SIGINT', () => void close());
  process.on('SIGTERM', () => void close());

  const account = standIn && demoAccount(standIn);
  if (standIn && account) console.log(await describeDemo(standIn, account));
  else console.log(`\nSigning in with ${org?.issuer}\n`);
  console.log(howToSignIn(listening.port, account));
  console.log(`The Nest app: http://localhost:${listening.port}  (Ctrl-C stops it)\n`);
}

const inMemory =
  'Sessions and limits are in the memory of this process: set REDIS_URL for more than one, or to keep them over a restart.';

/** The app has no pages: these commands use both variants; `jar` is the cookie file. */
function howToSignIn(port: number, account = { username: '…', password: '…' }): string {
  const { username, password } = account;
  const curl = `curl -sb jar -c jar http://localhost:${port}`;
  const json = (body: object) => `--json '${JSON.stringify(body)}'`;
  return `With a session:

  ${curl}/auth/login ${json({ username, password })}
  ${curl}/auth/otp ${json({ otp: '123456' })}
  ${curl}/auth/profile
  ${curl}/auth/logout ${json({})}

The other factors, in the place of {"otp":…}; \`challenge\` is in the answer to \`factor\`:

  ${curl}/auth/mfa ${json({ factor: 'push' })}
  ${curl}/auth/mfa ${json({ challenge: '…' })}
  ${curl}/auth/mfa ${json({ factor: 'sms' })}
  ${curl}/auth/mfa ${json({ challenge: '…', otp: '123456' })}
  ${curl}/auth/pending

With the app's own token:

  ${curl}/api/auth/login ${json({ username, password })}
  ${curl}/api/auth/otp ${json({ otp: '123456' })}
  ${curl}/api/profile -H 'Authorization: Bearer …'
`;
}

/** The strategy's constructor throws a TypeError that names the option that cannot work. */
async function createOrExplain(options: AppOptions) {
  try {
    return await createApp(options);
  } catch (error) {
    throw error instanceof TypeError ? new ConfigError(error.message) : error;
  }
}

main().catch((error: unknown) => {
  // What the user can correct needs no stack trace; anything else is a bug.
  console.error(error instanceof ConfigError ? `\n${error.message}\n` : error);
  process.exitCode = 1;
});
