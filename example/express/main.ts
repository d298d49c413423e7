import { startOkta } from '../okta/index.js';
import { createApp, type AppOptions } from './app.js';
import { auditLog } from './audit.js';
import { ConfigError, readConfig } from './config.js';
import { demoAccount, describeDemo, standInOptions } from './demo.js';
import { listen } from './listen.js';
import { oktaConnections } from './okta-connections.js';
import { connectRedis } from './redis.js';

async function main() {
  const { okta: org, port, hosts, redisUrl, ...settings } = readConfig(process.env);
  const redis = redisUrl ? await connectRedis(redisUrl, console.error) : undefined;
  if (settings.production && !redis) console.warn(inMemory);

  // Without a real org, the app uses a stand-in for Okta on this machine.
  const standIn = org ? undefined : await startOkta();
  const demo = standIn && demoAccount(standIn);

  const dispatcher = oktaConnections();
  const okta = standIn ? standInOptions(standIn) : org!;
  const app = createOrExplain({ ...settings, ...redis, okta: { ...okta, dispatcher }, demo });
  const listening = await listen(app, port, hosts).catch(async (error: unknown) => {
    await standIn?.close();
    throw error;
  });

  const close = async () => {
    await listening.close();
    // What is still being asked of Okta ends first; the strategy's timeout bounds it.
    await dispatcher.close();
    await standIn?.close();
    process.exit(0);
  };
  // Ctrl-C may arrive more than once: from the terminal, from npm and from tsx.
  process.on('SIGINT', () => void close());
  process.on('SIGTERM', () => void close());

  if (standIn && demo) console.log(await describeDemo(standIn, demo));
  else console.log(`\nSigning in with ${org?.issuer}\n`);
  console.log(`The sample app: http://localhost:${listening.port}  (Ctrl-C stops it)\n`);
  auditLog((line) => console.log(line));
}

const inMemory =
  'Sessions and limits are in the memory of this process: set REDIS_URL for more than one, or to keep them over a restart.';

/** The strategy's constructor throws a TypeError that names the option that cannot work. */
function createOrExplain(options: AppOptions) {
  try {
    return createApp(options);
  } catch (error) {
    throw error instanceof TypeError ? new ConfigError(error.message) : error;
  }
}

main().catch((error: unknown) => {
  // What the user can correct needs no stack trace; anything else is a bug.
  console.error(error instanceof ConfigError ? `\n${error.message}\n` : error);
  process.exitCode = 1;
});
