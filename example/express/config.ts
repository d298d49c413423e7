import { randomBytes } from 'node:crypto';
import type { OktaDirectMfaSecondFactor } from 'passport-okta-direct-mfa';
import type { RecoveryLinks } from './recovery.js';

/** An error in the environment that the user can correct. `main.ts` prints the message only. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

export interface Config {
  port: number;
  hosts: string[];
  /** The real org; without it, the local stand-in is started. */
  okta?: {
    issuer: string;
    clientID: string;
    clientSecret?: string;
    allowInsecureIssuer: boolean;
    /** The strategy checks the names. */
    factors?: OktaDirectMfaSecondFactor[];
  };
  sessionSecret: string;
  production: boolean;
  trustProxy?: number | string;
  /** Seconds. */
  sessionLifetime: { idle?: number; absolute?: number };
  /** Instead of the org's own pages; `undefined`: no link. */
  recovery: Partial<RecoveryLinks>;
  /** For the sessions and the limits; without it they are in the memory of this process. */
  redisUrl?: string;
}

type Env = Record<string, string | undefined>;

// Loopback, both families: "localhost" may mean either. The demo's accounts are public, so the demo
// must not be reachable from other machines; with a real org, HOST=0.0.0.0 opens it to the network.
const loopback = ['127.0.0.1', '::1'];

export function readConfig(env: Env): Config {
  const production = env['NODE_ENV'] === 'production';
  const okta = readOkta(env);

  if (production && !okta) {
    throw new ConfigError(
      'NODE_ENV=production needs a real org: set OKTA_ISSUER and OKTA_CLIENT_ID. The demo accounts are public.',
    );
  }
  const sessionSecret = env['SESSION_SECRET'];
  if (production && !sessionSecret) {
    throw new ConfigError(
      'Set SESSION_SECRET to a long random string, the same for every process: openssl rand -base64 32',
    );
  }
  const trustProxy = env['TRUST_PROXY'];
  const redisUrl = env['REDIS_URL'];
  const idle = readSeconds(env, 'SESSION_IDLE_SECONDS');
  const absolute = readSeconds(env, 'SESSION_MAX_SECONDS');

  return {
    port: readPort(env['PORT'] || '3000'),
    hosts: okta && env['HOST'] ? [env['HOST']] : loopback,
    ...(okta && { okta }),
    sessionSecret: sessionSecret || randomBytes(32).toString('base64'),
    production,
    // The number of proxies in front of the app, or their addresses.
    ...(trustProxy && { trustProxy: /^\d+$/.test(trustProxy) ? Number(trustProxy) : trustProxy }),
    sessionLifetime: { ...(idle && { idle }), ...(absolute && { absolute }) },
    recovery: {
      ...readLink(env, 'OKTA_FORGOT_PASSWORD_URL', 'forgotPassword'),
      ...readLink(env, 'OKTA_UNLOCK_URL', 'unlock'),
    },
    ...(redisUrl && { redisUrl }),
  };
}

function readPort(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) {
    throw new ConfigError(`PORT must be a number from 0 to 65535, not "${value}".`);
  }
  return port;
}

function readSeconds(env: Env, name: string): number | undefined {
  const value = env[name];
  if (!value) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(value)) {
    throw new ConfigError(`${name} must be a number of seconds, not "${value}".`);
  }
  return Number(value);
}

/** `none` leaves the link out. */
function readLink(env: Env, name: string, link: keyof RecoveryLinks): Partial<RecoveryLinks> {
  const value = env[name];
  if (!value) return {};
  if (value === 'none') return { [link]: undefined };
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) {
    throw new ConfigError(`${name} must be a URL, or "none" for no link, not "${value}".`);
  }
  return { [link]: value };
}

function readOkta(env: Env): Config['okta'] {
  const issuer = env['OKTA_ISSUER'];
  const clientID = env['OKTA_CLIENT_ID'];
  const clientSecret = env['OKTA_CLIENT_SECRET'];
  const factors = (env['OKTA_FACTORS'] ?? '')
    .split(/[\s,]+/)
    .filter(Boolean) as OktaDirectMfaSecondFactor[];

  if (!issuer && !clientID && !clientSecret) return undefined;
  if (!issuer || !clientID) {
    const missing = [!issuer && 'OKTA_ISSUER', !clientID && 'OKTA_CLIENT_ID'].filter(Boolean);
    throw new ConfigError(
      `${missing.join(' and ')} must be set too. To run the demo instead, unset OKTA_ISSUER, OKTA_CLIENT_ID and OKTA_CLIENT_SECRET.`,
    );
  }
  return {
    issuer,
    clientID,
    ...(clientSecret && { clientSecret }),
    ...(factors.length > 0 && { factors }),
    // For an issuer on this machine only: the strategy refuses plain http for any other.
    allowInsecureIssuer: issuer.startsWith('http:'),
  };
}
