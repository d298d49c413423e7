import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from './config.js';

export interface Listening {
  port: number;
  /** Stops the servers, and closes the connections that browsers keep open. */
  close(): Promise<void>;
}

/** Serves `app` on the same port of each host. `command` is what the user typed to start it. */
export async function listen(
  app: RequestListener,
  port: number,
  hosts: string[],
  command = 'npm start',
): Promise<Listening> {
  const servers: Server[] = [];

  const close = async () => {
    await Promise.all(
      servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  };

  for (const host of hosts) {
    try {
      const server = await listenOn(host);
      servers.push(server);
      port = (server.address() as AddressInfo).port;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // On a machine without IPv6, the first address is enough.
      if (servers.length > 0 && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) continue;
      await close();
      throw new ConfigError(explain(code, host));
    }
  }
  return { port, close };

  function listenOn(host: string): Promise<Server> {
    return new Promise((resolve, reject) => {
      const server = createServer(app);
      server.once('error', reject);
      server.listen(port, host, () => resolve(server));
    });
  }

  function explain(code: string | undefined, host: string): string {
    if (code === 'EADDRINUSE') {
      const other = port === 65_535 ? 3000 : port + 1;
      return `Port ${port} is taken by another program. Stop it, or choose another port: PORT=${other} ${command}`;
    }
    if (code === 'EACCES')
      return `This user may not listen on port ${port}. Choose a port above 1023: PORT=3000 ${command}`;
    return `Cannot listen on ${host}, port ${port} (${code}).`;
  }
}
