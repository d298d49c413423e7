import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { OktaDirectMfaRequest, OktaDirectMfaRequestReader } from './request.js';

/** The options that say whose device it is. */
export interface DeviceOptions {
  clientIP: OktaDirectMfaRequestReader | undefined;
  deviceToken: OktaDirectMfaRequestReader | undefined;
}

/**
 * The headers by which Okta's policies judge the person's device and not the server's
 * (Okta: reference/core-okta-api, guides/device-context).
 */
export function deviceHeaders(
  req: IncomingMessage,
  options: DeviceOptions,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const clientIP = options.clientIP?.(req as OktaDirectMfaRequest);
  // isIP() would convert an object to a string.
  if (typeof clientIP === 'string' && isIP(clientIP) !== 0) headers['x-forwarded-for'] = clientIP;
  const deviceToken = options.deviceToken?.(req as OktaDirectMfaRequest);
  if (typeof deviceToken === 'string' && /^[\x21-\x7e]{1,32}$/.test(deviceToken)) {
    headers['x-device-token'] = deviceToken;
  }
  return headers;
}
