import { isIP } from 'node:net';
import type { OktaDispatcher } from '../undici.js';
import { OktaUnreachableError } from '../errors.js';

/** Failures of name resolution and of the connection: no byte of the request has left. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export function wasNeverSent(error: unknown): boolean {
  // A host with several addresses, of which none could be connected to.
  if (error instanceof AggregateError) return error.errors.every(wasNeverSent);
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') return (error as NodeJS.ErrnoException).syscall === 'connect';
  return NEVER_SENT.has(code);
}

/** A dispatcher may fail with anything, such as a DOMException, whose code is a number. */
export function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}

/**
 * There was no response; says whether it was Okta or a proxy that could not be reached. Only codes and
 * addresses get into the message: the errors of HTTP mocks quote the request's body, with the password,
 * and a proxy's URL holds its own.
 *
 * @param where the request, as messages name it
 */
export function unreachable(
  error: unknown,
  { where, url, dispatcher }: { where: string; url: URL; dispatcher: OktaDispatcher },
): OktaUnreachableError {
  const code = codeOf(error);
  const status = /^Proxy response \((\d{3})\)/.exec(messageOf(error))?.[1];
  if (status !== undefined) {
    return new OktaUnreachableError(
      `The proxy of the dispatcher refused the connection for ${where} with HTTP ${status}. Check ${status === '407' ? "the proxy's username and password" : 'that the proxy allows this host and can reach it'}.`,
    );
  }
  const proxy = proxyIn(error, url);
  if (proxy !== undefined) {
    return new OktaUnreachableError(
      `The proxy of the dispatcher, ${proxy}, could not be reached for ${where} (${code}). Check its address in the dispatcher or in HTTPS_PROXY, and the network.`,
    );
  }
  if (/^UND_ERR_(PRX|SOCKS5)/.test(code)) {
    return new OktaUnreachableError(
      `The proxy of the dispatcher failed for ${where} (${code}). Check its address and its protocol.`,
    );
  }
  const trust = UNTRUSTED.has(code)
    ? ' For an issuer, a proxy or a firewall with its own certificate authority, start Node with NODE_EXTRA_CA_CERTS.'
    : '';
  return new OktaUnreachableError(
    `Okta could not be reached for ${where} (${code}). Check the issuer option, DNS, the network and, for a certificate, TLS.${trust}${proxyHint(dispatcher)}`,
  );
}

const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Where it was that no connection could be made, when that is not the host of the URL: then the
 * dispatcher goes by way of a proxy, whatever version of undici it is from.
 */
function proxyIn(error: unknown, url: URL): string | undefined {
  if (!wasNeverSent(error)) return undefined;
  const [failure] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const { host, port } = addressIn(failure);
  const isOtherPort = port !== '' && port !== (url.port || DEFAULT_PORTS[url.protocol]);
  // An IP address may be that of the URL's name.
  const isOtherName = isIP(host) === 0 && host.toLowerCase() !== url.hostname;
  if (!/^[\w.:-]{1,255}$/.test(host) || !(isOtherPort || isOtherName)) return undefined;
  if (port === '') return host;
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' };

/** Of Node's error for a name that was looked up, or for an address, or of undici's for a timeout. */
function addressIn(failure: unknown): { host: string; port: string } {
  const { hostname, address, port } = (failure ?? {}) as Partial<Record<string, unknown>>;
  if (typeof hostname === 'string') return { host: hostname, port: '' };
  if (typeof address === 'string' && typeof port === 'number')
    return { host: address, port: `${port}` };
  const [, host = '', attempted = ''] =
    /\(attempted address(?:es)?: ([\w.:-]+?):(\d{0,5}),/.exec(messageOf(failure)) ?? [];
  return { host, port: attempted };
}

/** What else to check when the dispatcher is one of undici's for proxies. */
export function proxyHint(dispatcher: OktaDispatcher): string {
  const { name } = (dispatcher.constructor ?? {}) as { name?: unknown };
  if (name === 'ProxyAgent') return ' The dispatcher is a ProxyAgent: check its proxy, too.';
  // Node 26 and undici 8 wrap their dispatchers for undici 7.
  return name === 'EnvHttpProxyAgent' || name === 'Dispatcher1Wrapper'
    ? ' The dispatcher may go by way of a proxy: check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, too.'
    : '';
}

function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : '';
}
