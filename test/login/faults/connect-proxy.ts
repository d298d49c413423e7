import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** What a proxy does with a CONNECT instead of making the tunnel. */
export type Refusal = (socket: Socket) => unknown;

/** A forward proxy for HTTPS (RFC 9110 §9.3.6), which tunnels until it is told to do something else. */
export class ConnectProxy {
  /** The targets that were asked for, as `127.0.0.1:443`, whatever became of them. */
  readonly targets: string[] = [];
  /** Connections of the clients. */
  readonly sockets = new Set<Socket>();
  refusal: Refusal | undefined;
  readonly #credentials: string;
  readonly #server = createServer((socket) => this.#accept(socket));
  #port = 0;

  /** @param credentials of the client, `username:password` */
  constructor(credentials: string) {
    this.#credentials = credentials;
  }

  /** Also again, at the same port, after `stop()`. */
  start(): Promise<void> {
    return new Promise((resolve) =>
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      }),
    );
  }

  /** Ends its connections and takes no more: they are refused by the kernel. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  /** `127.0.0.1:3128`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** With the credentials, as in `HTTPS_PROXY`. */
  get url(): string {
    return `http://${this.#credentials}@${this.address}`;
  }

  #accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    socket.once('data', (head) => {
      const [, target = ''] = /^CONNECT (\S+) /.exec(head.toString('latin1')) ?? [];
      this.targets.push(target);
      if (this.refusal !== undefined) return void this.refusal(socket);
      const basic = Buffer.from(this.#credentials).toString('base64');
      if (!head.toString('latin1').includes(`Basic ${basic}`)) {
        return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      }
      const { hostname, port } = new URL(`https://${target}`);
      const upstream = connect(Number(port || 443), hostname, () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        socket.pipe(upstream).pipe(socket);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('close', () => upstream.destroy());
    });
  }
}
