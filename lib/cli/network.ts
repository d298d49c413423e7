import type { TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
// The whole of it, unlike the strategy: a proxy agent needs what only its index puts together, and no
// other code is in this process.
import { buildConnector, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { UsageError, type Io } from './io.js';

/** How far the first direct connection came, and when: milliseconds since it was begun. */
export interface ConnectionTrace {
  /** Absent for an address that needs no look-up. */
  lookup?: number;
  connect?: number;
  secure?: number;
  firstByte?: number;
  /** Such as `TLSv1.3`. */
  protocol?: string;
  /** Such as `192.0.2.1:443`. */
  address?: string;
  /** Of the failure, such as `ECONNREFUSED`. */
  code?: string;
}

/** A proxy that the environment names for the issuer. */
export interface ProxySetting {
  /** Without the username and password that may be in it. */
  url: string;
  /** The variable that names it. */
  variable: string;
}

export interface Network {
  dispatcher: Dispatcher;
  proxy: ProxySetting | undefined;
  /** Of the first direct connection; undefined while there was none, as behind a proxy. */
  trace: () => ConnectionTrace | undefined;
  close(): Promise<void>;
}

/**
 * The way to Okta with `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` as undici reads them, with a stopwatch
 * on the first connection.
 * @throws UsageError for a proxy that is no URL
 */
export function openNetwork(env: Io['env'], { protocol }: URL): Network {
  const http = variable(env, 'http_proxy');
  const https = variable(env, 'https_proxy');
  const named = (protocol === 'https:' ? https : undefined) ?? http;
  const proxy = named && { url: withoutCredentials(named), variable: named.variable };
  let trace: ConnectionTrace | undefined;
  const connector = buildConnector({});
  const dispatcher = new EnvHttpProxyAgent({
    // Empty rather than absent: undici would look into the environment of the process.
    httpProxy: http?.value ?? '',
    httpsProxy: https?.value ?? '',
    noProxy: variable(env, 'no_proxy')?.value ?? '',
    // Only for what goes past the proxy.
    connect: (options, callback) => {
      if (trace !== undefined) return connector(options, callback);
      watch(connector, options, callback, (trace = {}));
    },
  });
  return { dispatcher, proxy, trace: () => trace, close: () => dispatcher.destroy() };
}

function variable(env: Io['env'], name: string): { variable: string; value: string } | undefined {
  for (const spelling of [name, name.toUpperCase()]) {
    const value = env[spelling];
    if (value !== undefined) return value === '' ? undefined : { variable: spelling, value };
  }
  return undefined;
}

function withoutCredentials({ variable, value }: { variable: string; value: string }): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^(https?|socks5?):$/.test(url.protocol)) {
    // Not repeated: it may contain a password.
    throw new UsageError(`${variable} must be the URL of a proxy, such as http://proxy:3128.`);
  }
  return `${url.protocol}//${url.host}`;
}

function watch(
  connector: buildConnector.connector,
  options: buildConnector.Options,
  callback: buildConnector.Callback,
  trace: ConnectionTrace,
): void {
  const started = performance.now();
  const passed = () => performance.now() - started;
  // It returns the socket, which its type does not say.
  const socket = connector(options, (...outcome) => {
    const [error, connected] = outcome;
    if (error !== null) trace.code = (error as NodeJS.ErrnoException).code ?? error.name;
    connected?.once('readable', () => (trace.firstByte = passed()));
    callback(...outcome);
  }) as unknown as Socket | TLSSocket;
  socket
    .once('lookup', (error: Error | null, address: string) => {
      if (error !== null) return;
      trace.lookup = passed();
      trace.address = `${address}:${options.port || (options.protocol === 'https:' ? 443 : 80)}`;
    })
    .once('connect', () => (trace.connect = passed()))
    .once('secureConnect', () => {
      trace.secure = passed();
      trace.protocol = (socket as TLSSocket).getProtocol() ?? 'TLS';
    });
}
