import { RedisStore as SessionStore } from 'connect-redis';
import { RedisStore as LimitStore } from 'rate-limit-redis';
import { createClient } from 'redis';
import { ConfigError } from './config.js';

/** Sessions and limits in Redis, for an app that runs as several processes or restarts. */
export async function connectRedis(url: string, log: (line: string) => void) {
  let connected = false;
  const create = () =>
    createClient({
      url,
      // While Redis is away, requests fail at once rather than wait for it.
      disableOfflineQueue: true,
      socket: {
        // At the start, an address that does not work is a setting to correct.
        reconnectStrategy: (retries) => connected && Math.min(retries * 50, 2000),
      },
    });
  let client: ReturnType<typeof create>;
  try {
    client = create();
    client.on('error', (error: Error) => {
      if (connected) log(`Redis: ${error.message}`);
    });
    await client.connect();
  } catch (error) {
    // Not the URL, which may hold a password.
    throw new ConfigError(`Cannot use the Redis of REDIS_URL: ${(error as Error).message}`);
  }
  connected = true;
  // The server keeps the process running; this connection need not.
  client.unref();

  return {
    store: new SessionStore({ client, prefix: 'session:' }),
    limitStore: (prefix: string) =>
      new LimitStore({ prefix, sendCommand: (...args) => client.sendCommand(args) }),
  };
}
