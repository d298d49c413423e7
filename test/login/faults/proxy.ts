import {
  connect,
  createServer,
  type AddressInfo,
  type LookupFunction,
  type Socket,
} from 'node:net';
import { buildConnector } from 'undici';
import { soon } from '../../support/index.js';

/** A request of the strategy, read to its end. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly form: URLSearchParams;
  /** The connection to the strategy. */
  readonly socket: Socket;
  /** Lets the stand-in have the request; resolves with its whole answer as it is on the wire. */
  readonly ask: () => Promise<Buffer>;
}

/** What is done with a request instead of passing it on. */
export type Fault = (exchange: Exchange) => unknown;
export type Matcher = (exchange: Exchange) => boolean;

/**
 * A network that fails on demand, on plain TCP between the strategy and the stand-in. It knows nothing
 * of Okta: what it does not break is the stand-in's own answer. The strategy keeps the stand-in's
 * address as its issuer; only its connections, made by `connector`, end here.
 */
export class FaultProxy {
  /** Connections that the strategy has asked for, failed ones included. */
  attempts = 0;
  readonly open = new Set<Socket>();
  readonly exchanges: Exchange[] = [];
  /** What went wrong in the proxy itself. */
  readonly failures: unknown[] = [];
  readonly #upstream = new Set<Socket>();
  readonly #faults: { matches: Matcher; fault: Fault; arrived: (exchange: Exchange) => void }[] =
    [];
  readonly #connectionFaults: ((socket: Socket) => unknown)[] = [];
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #target: { host: string; port: number };

  private constructor(origin: string) {
    const { hostname, port } = new URL(origin);
    this.#target = { host: hostname, port: Number(port) };
  }

  static async start(origin: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(origin);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The passwords and passcodes that have left. */
  get posts(): number {
    return this.exchanges.filter(({ method }) => method === 'POST').length;
  }

  /** Sockets on either side. */
  get sockets(): number {
    return this.open.size + this.#upstream.size;
  }

  /** For an undici Agent: whatever it connects to, it ends up here. */
  connector(
    options: buildConnector.BuildOptions & { lookup?: LookupFunction } = {},
  ): buildConnector.connector {
    const dial = buildConnector(options);
    // With a lookup, a name for it to look up.
    const hostname = options.lookup === undefined ? '127.0.0.1' : 'acme.okta.invalid';
    return (target, callback) => {
      this.attempts += 1;
      dial({ ...target, hostname, port: String(this.port) }, callback);
    };
  }

  /** Does this to the next request that matches; resolves when that has arrived. */
  next(matches: Matcher, fault: Fault): Promise<Exchange> {
    const arrived = new Promise<Exchange>((resolve) => {
      this.#faults.push({ matches, fault, arrived: resolve });
    });
    return soon('a request at the proxy', arrived);
  }

  /** Does this to the next connection, of which nothing is read. */
  nextConnection(fault: (socket: Socket) => unknown): void {
    this.#connectionFaults.push(fault);
  }

  async close(): Promise<void> {
    for (const socket of [...this.open, ...this.#upstream]) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.open.add(socket);
    socket.on('close', () => this.open.delete(socket));
    // A strategy that hangs up in the middle of an answer resets the connection.
    socket.on('error', () => undefined);
    const fault = this.#connectionFaults.shift();
    if (fault !== undefined) return void fault(socket);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const exchange = this.#parse(received, socket);
      if (exchange === undefined) return;
      received = Buffer.alloc(0);
      this.#handle(exchange).catch((error: unknown) => this.failures.push(error));
    });
  }

  /** The strategy's agent sends one request at a time, with a length when it has a body. */
  #parse(received: Buffer, socket: Socket): Exchange | undefined {
    const text = received.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const head = text.slice(0, end);
    const body = text.slice(end + 4);
    if (body.length < Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)) return undefined;
    const [method = '', path = ''] = head.split(' ');
    const request = Buffer.from(
      `${head.replace(/^connection:.*$/im, 'connection: close')}\r\n\r\n${body}`,
      'latin1',
    );
    return { method, path, form: new URLSearchParams(body), socket, ask: () => this.#ask(request) };
  }

  async #handle(exchange: Exchange): Promise<void> {
    this.exchanges.push(exchange);
    const index = this.#faults.findIndex(({ matches }) => matches(exchange));
    const [planned] = index === -1 ? [] : this.#faults.splice(index, 1);
    planned?.arrived(exchange);
    await (planned?.fault ?? passOn)(exchange);
  }

  #ask(request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const upstream = connect(this.#target, () => upstream.write(request));
      this.#upstream.add(upstream);
      upstream
        .on('data', (chunk) => chunks.push(chunk))
        .on('end', () => {
          const answer = Buffer.concat(chunks).toString('latin1');
          const kept = answer.replace(/^connection: close$/im, 'Connection: keep-alive');
          resolve(Buffer.from(kept, 'latin1'));
        })
        .on('error', reject)
        .on('close', () => this.#upstream.delete(upstream));
    });
  }
}

const passOn: Fault = async ({ socket, ask }) => socket.write(await ask());

export const isPassword: Matcher = ({ form }) => form.get('grant_type') === 'password';
export const isPasscode: Matcher = ({ form }) => form.has('otp');
export const isKeys: Matcher = ({ path }) => path.includes('/v1/keys?');
export const isUserInfo: Matcher = ({ path }) => path.endsWith('/v1/userinfo');
