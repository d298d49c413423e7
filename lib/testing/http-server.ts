import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReceivedRequest } from './endpoints.js';
import { toReply, type Outcome } from './failures.js';
import { toForm, toRecord } from './request.js';
import { refusal } from './responses.js';

/** A request that came over HTTP. */
export interface HttpRequest extends ReceivedRequest {
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface HttpServer {
  /** Such as `http://127.0.0.1:51234`. */
  readonly origin: string;
  close(): Promise<void>;
}

const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

/** Bytes of a request's body. */
const MAX_BODY = 2 ** 20;

/**
 * Serves on loopback alone: who reaches it reads every code and approves every push.
 *
 * @param createRespond is given the server's origin
 * @throws TypeError, Error as `MockOkta.listen` does
 */
export async function listen(
  { port = 0, host = '127.0.0.1' }: { port?: number | undefined; host?: string | undefined },
  createRespond: (origin: string) => (request: HttpRequest) => Outcome,
): Promise<HttpServer> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError('mockOkta: listen() takes a port from 0 to 65535');
  }
  if (!LOOPBACK_HOSTS.includes(host)) {
    throw new TypeError(
      `mockOkta: listen() takes a loopback host (${LOOPBACK_HOSTS.join(', ')}): no other machine may reach the mock`,
    );
  }
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, port, host)));
    server.listen(port, host, resolve);
  });
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const origin = `http://${shownHost}:${(server.address() as AddressInfo).port}`;
  const respond = createRespond(origin);
  server.on('request', (req, res) => void handle(req, res, respond));
  return {
    origin,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        // Also those that were promised no response.
        server.closeAllConnections();
      }),
  };
}

function explain(error: NodeJS.ErrnoException, port: number, host: string): Error {
  const { code = error.message } = error;
  const why =
    code === 'EADDRINUSE'
      ? `port ${port} of ${host} is taken`
      : `cannot listen on port ${port} of ${host} (${code})`;
  return Object.assign(new Error(`mockOkta: ${why}`), { code });
}

async function handle(
  req: IncomingMessage,
  res: ServerResponse,
  respond: (request: HttpRequest) => Outcome,
): Promise<void> {
  try {
    send(res, await outcomeOf(req, respond));
  } catch (error) {
    // The client has gone, or a test's own response is none that HTTP can send.
    if (!res.headersSent) send(res, refusal(500, `The mock cannot respond: ${String(error)}`));
  }
}

async function outcomeOf(
  req: IncomingMessage,
  respond: (request: HttpRequest) => Outcome,
): Promise<Outcome> {
  const headers = toRecord(req.headers);
  if (!isLoopbackName(headers['host'])) {
    return refusal(421, 'The mock is asked for under a loopback name only, such as 127.0.0.1.');
  }
  const body = await readBody(req);
  if (body === undefined) return refusal(413, `The mock takes at most ${MAX_BODY} bytes.`);
  const [path = '', search] = (req.url ?? '').split('?');
  return respond({
    method: req.method === 'HEAD' ? 'GET' : (req.method ?? ''),
    path,
    query: new URLSearchParams(search),
    headers,
    body,
    form: toForm(headers, body),
  });
}

/**
 * A web page whose own name has come to lead to 127.0.0.1 (DNS rebinding) is of the same origin as the
 * mock, but says its name here. Any port: the one that a tunnel or a container has may differ.
 */
function isLoopbackName(host = ''): boolean {
  return /^(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?$/i.test(host);
}

async function readBody(req: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  }
  return size > MAX_BODY ? undefined : Buffer.concat(chunks).toString();
}

function send(res: ServerResponse, outcome: Outcome): void {
  switch (outcome) {
    case 'unreachable':
      res.socket?.resetAndDestroy();
      return;
    case 'timeout':
      return;
  }
  const { statusCode, data, responseOptions } = toReply(outcome);
  res.writeHead(statusCode, responseOptions.headers);
  res.end(data);
}
