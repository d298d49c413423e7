import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import jwt from 'jsonwebtoken';
import { Storage } from './adapter.js';
import { AuthorizationServer, type AuthorizationServerParts } from './authorization-server.js';
import { demoClients, newClient, type Client, type DemoClients } from './clients.js';
import { Front, type RecordedRequest, type ServerName } from './front.js';
import { MfaTransactions } from './mfa-transactions.js';
import { loadOidcProvider } from './oidc-provider.js';
import { Passcodes } from './passcodes.js';
import { RateLimit } from './rate-limit.js';
import {
  ScriptedResponses,
  type Responder,
  type RequestMatcher,
  type ScriptedResponse,
} from './scripted-responses.js';
import { newSigningKey } from './signing-key.js';
import { demoUsers, Directory, newUser, type DemoUsers, type User } from './users.js';

export { otpauthUri } from './passcodes.js';
export { newSigningKey, type SigningKey } from './signing-key.js';
export type { Client, DemoClients } from './clients.js';
export type { RecordedRequest, ServerName } from './front.js';
export type {
  OktaResponse,
  Responder,
  RequestFilter,
  RequestMatcher,
  ScriptedResponse,
} from './scripted-responses.js';
export type { DemoUsers, User } from './users.js';

export interface OktaOptions {
  /** Default: 0, a free port. */
  port?: number;
  /** Default: `127.0.0.1`. */
  host?: string;
  /** Users in addition to those of the demo. */
  users?: User[];
  /** Clients in addition to those of the demo. */
  clients?: Client[];
  /**
   * The clock, in milliseconds, for passcodes, `mfa_token`s, the rate limit and the `Date` header.
   * The times in tokens always come from the machine's clock: oidc-provider uses no other.
   * Default: `Date.now`.
   */
  now?: () => number;
  /** Seconds. Default: 300. */
  mfaTokenLifetime?: number;
  /** Password requests per second for one username; `Infinity` for load tests. Default: 4. */
  rateLimitPerSecond?: number;
  /**
   * Passcodes, right or wrong, in five minutes for the authenticator of one user; `Infinity` for load
   * tests. Default: 5, which cannot be changed at Okta.
   */
  otpLimit?: number;
  /** Whether to fill `requests`. Default: false, so that long runs do not grow. */
  record?: boolean;
  /** Serves https, with this key and certificate (PEM). Default: http. */
  tls?: { key: string | Buffer; cert: string | Buffer };
}

/** A running stand-in. */
export interface Okta {
  /** `http://127.0.0.1:{port}`. */
  readonly origin: string;
  readonly issuers: Readonly<Record<ServerName, string>>;
  /** One for each method of client authentication. Both authorization servers know every client. */
  readonly clients: DemoClients;
  readonly users: DemoUsers;
  /** All requests received, in order, with `record: true`. Clear it with `length = 0`. */
  readonly requests: RecordedRequest[];

  /**
   * Adds an active, assigned user with MFA; username, password and TOTP secret are random unless
   * given. A test that adds its own user has its own passcodes and its own rate limit. The returned
   * object is the record itself: `user.locked = true` locks the account.
   */
  addUser(given?: Partial<User>): User;
  /** Deletes the account; its MFA transactions and refresh tokens end with it. */
  removeUser(user: User): void;
  /** Adds a client with all grants, public by default; id and secret are random unless given. */
  addClient(given?: Partial<Client>): Client;

  /**
   * A passcode that is valid now and that this user has not used: that of the current 30-second
   * step, else of the next, else of the previous; or only that of `step`. Calling it does not use
   * the code.
   * @throws Error if the user has used them all, or has no authenticator.
   */
  otp(user: User, options?: { step?: -1 | 0 | 1 }): string;
  /** A passcode that is certain to be wrong now. */
  wrongOtp(user: User): string;

  /**
   * Signs with a new key from now on. The previous key stays published, as at Okta, unless
   * `keepPrevious` is false. Resolves with the new `kid`.
   */
  rotateKeys(server: ServerName, options?: { keepPrevious?: boolean }): Promise<string>;
  /**
   * An ID token with a test's own claims, signed with the server's current key. `iss`, `iat`, `exp`
   * (one hour), `ver` and `sub` have defaults; `undefined` leaves one out. `header` overrides
   * `{ alg: 'RS256', kid }`.
   */
  signIdToken(
    server: ServerName,
    claims: Record<string, unknown>,
    header?: { alg?: jwt.Algorithm; kid?: string },
  ): string;

  /**
   * Responds to the next request that matches (by default the very next one) instead of the
   * authorization server. Another call responds to the one after. For unusual responses, errors,
   * and hanging or broken connections.
   * @example
   * okta.respondNext({ status: 502, body: 'Bad gateway' }, { endpoint: 'token' });
   * okta.respondNext('hang');
   * okta.respondNext(async (request, proceed) => {
   *   const response = await proceed();
   *   return { ...response, body: { ...(response.body as object), id_token: undefined } };
   * }, { grantType: 'password', authorizationServer: 'org' });
   */
  respondNext(response: ScriptedResponse | Responder, matcher?: RequestMatcher): void;

  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

/**
 * Starts a local stand-in for Okta: an org authorization server and a custom one named `default`.
 * All its state is in memory, until `close`.
 * @throws Error from `listen`, such as `EADDRINUSE`.
 */
export async function startOkta(options: OktaOptions = {}): Promise<Okta> {
  const { host = '127.0.0.1', port = 0, now = Date.now, tls } = options;
  const requests: RecordedRequest[] = [];

  const [oidc, clients, orgKey, defaultKey] = await Promise.all([
    loadOidcProvider(),
    demoClients(),
    newSigningKey(),
    newSigningKey(),
  ]);
  const users = demoUsers();
  const directory = new Directory();
  const { alice, bob, carol, dave } = users;
  for (const user of [alice, bob, carol, dave, ...(options.users ?? [])]) directory.add(user);
  const registered = new Map<string, Client>();
  const { native, basic, post, jwt: signing } = clients;
  for (const client of [native, basic, post, signing, ...(options.clients ?? [])]) {
    registered.set(client.client_id, client);
  }

  // The issuers contain the port, so the server listens before it can respond.
  const server = tls ? https.createServer(tls) : http.createServer();
  const origin = await listen(server, port, host, tls ? 'https' : 'http');
  const issuers = { org: origin, default: `${origin}/oauth2/default` };

  const passcodes = new Passcodes(now);
  const rateLimit = new RateLimit(options.rateLimitPerSecond ?? 4, 1000, now);
  const otpLimit = new RateLimit(options.otpLimit ?? 5, 5 * 60_000, now);
  const authorizationServer = (
    key: typeof orgKey,
    place: Pick<AuthorizationServerParts, 'issuer' | 'endpoints' | 'clientKey'>,
  ): AuthorizationServer =>
    new AuthorizationServer(oidc, key, {
      ...place,
      directory,
      passcodes,
      rateLimit,
      otpLimit,
      transactions: new MfaTransactions(options.mfaTokenLifetime ?? 300, now),
      storage: new Storage(registered),
    });
  const servers = {
    org: authorizationServer(orgKey, {
      issuer: issuers.org,
      endpoints: '/oauth2/v1',
      clientKey: (clientId) => registered.get(clientId)?.signing_key,
    }),
    default: authorizationServer(defaultKey, {
      issuer: issuers.default,
      endpoints: '/v1',
      clientKey: () => undefined,
    }),
  };
  const scripted = new ScriptedResponses();
  const recorded = options.record === true ? requests : undefined;
  server.on('request', new Front({ servers, scripted, requests: recorded, now }).listener);

  return {
    origin,
    issuers,
    clients,
    users,
    requests,
    addUser(given) {
      const user = newUser(given);
      directory.add(user);
      return user;
    },
    removeUser(user) {
      directory.remove(user);
    },
    addClient(given) {
      const client = newClient(given);
      registered.set(client.client_id, client);
      return client;
    },
    otp: (user, { step } = {}) => passcodes.unused(user, step),
    wrongOtp: (user) => passcodes.wrong(user),
    async rotateKeys(name, { keepPrevious = true } = {}) {
      const { kid } = await servers[name].rotateKeys(keepPrevious);
      return kid;
    },
    signIdToken(name, claims, { alg = 'RS256', kid } = {}) {
      const { signingKey } = servers[name];
      const iat = Math.floor(Date.now() / 1000);
      const defaults = { ver: 1, iss: issuers[name], sub: users.alice.id, iat, exp: iat + 3600 };
      const payload = Object.fromEntries(
        Object.entries({ ...defaults, ...claims }).filter(([, value]) => value !== undefined),
      );
      return jwt.sign(payload, signingKey.privateKey, {
        algorithm: alg,
        keyid: kid ?? signingKey.kid,
        // Deletes an `iat` in the payload too.
        noTimestamp: payload['iat'] === undefined,
      });
    },
    respondNext(response, matcher = {}) {
      scripted.add(response, matcher);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(
  server: http.Server | https.Server,
  port: number,
  host: string,
  scheme: 'http' | 'https',
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${scheme}://${name}:${address.port}`;
}
