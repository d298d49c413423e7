import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A test, as far as it is needed to clean up after it. */
export interface Teardown {
  after(fn: () => unknown): void;
}

/** Serves on loopback until the test ends; resolves with the address. */
export async function listen(t: Teardown, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server of somebody else's, and what has reached it. */
export async function startServer(
  t: Teardown,
  answer: (req: IncomingMessage, res: ServerResponse) => void = (_, res) => res.end(),
): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const url = await listen(t, (req, res) => {
    requests.push(`${req.method} ${req.url}`);
    answer(req, res);
  });
  return { url, requests };
}
