import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { OktaDirectMfaRequest, OktaDirectMfaRequestReader } from './request.js';

/** The options that say whose device it is. */
export interface DeviceOptions {
  clientIP: OktaDirectMfaRequestReader | undefined;
  deviceToken: OktaDirectMfaRequestReader | undefined;
  userAgent: OktaDirectMfaRequestReader | undefined;
}

/** Each option with the header it is sent in, and how it is read from what the app's function gave. */
const HEADERS = {
  clientIP: { header: 'x-forwarded-for', read: bareAddress, form: 'an IP address' },
  deviceToken: {
    header: 'x-device-token',
    read: matching(/^[\x21-\x7e]{1,32}$/),
    form: 'at most 32 printable ASCII characters',
  },
  userAgent: {
    header: 'user-agent',
    read: matching(/^[\x20-\x7e]{1,512}$/),
    form: 'at most 512 printable ASCII characters',
  },
} as const satisfies Record<keyof DeviceOptions, unknown>;

/**
 * The headers by which Okta's policies judge the person's device and not the server's
 * (Okta: reference/core-okta-api, guides/device-context).
 */
export function deviceHeaders(
  req: IncomingMessage,
  options: DeviceOptions,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of Object.keys(HEADERS) as (keyof DeviceOptions)[]) {
    const value: unknown = options[name]?.(req as OktaDirectMfaRequest);
    if (value === undefined || value === null) continue;
    const { header, read, form } = HEADERS[name];
    const sendable = typeof value === 'string' ? read(value) : undefined;
    if (sendable === undefined) warnOnce(name, form);
    else headers[header] = sendable;
  }
  return headers;
}

function matching(pattern: RegExp): (value: string) => string | undefined {
  return (value) => (pattern.test(value) ? value : undefined);
}

/** Without port, brackets or the prefix of an IPv4 address in IPv6, as proxies and sockets write them. */
function bareAddress(value: string): string | undefined {
  const trimmed = value.trim();
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(trimmed) ?? [];
  const [, beforePort] = /^([\d.]+):\d{1,5}$/.exec(trimmed) ?? [];
  const address = (bracketed ?? beforePort ?? trimmed).replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address;
}

const warned = new Set<string>();

/** Not the value: what cannot be sent may be anything. */
function warnOnce(name: string, form: string): void {
  if (warned.has(name)) return;
  warned.add(name);
  process.emitWarning(
    `The ${name} option of OktaDirectMfaStrategy returned something that is not ${form}; it was not sent to Okta.`,
  );
}
