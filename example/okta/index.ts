import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import jwt from 'jsonwebtoken';
import { Storage } from './adapter.js';
import { AuthorizationServer, type AuthorizationServerParts } from './authorization-server.js';
import type { Okta, OktaOptions } from './api.js';
import { Challenges } from './challenges.js';
import { demoClients, newClient, type Client } from './clients.js';
import { demoUsers } from './demo-users.js';
import { Front, type RecordedRequest } from './front.js';
import { MfaTransactions } from './mfa-transactions.js';
import { loadOidcProvider } from './oidc-provider.js';
import { Pages } from './pages.js';
import { PasskeyPages } from './passkey-pages.js';
import { DEFAULT_RP_ID } from './passkeys.js';
import { Passcodes } from './passcodes.js';
import { PhonePages } from './phone-pages.js';
import { Phones } from './phones.js';
import { RateLimit } from './rate-limit.js';
import { ScriptedResponses } from './scripted-responses.js';
import { newSigningKey } from './signing-key.js';
import { createPasskey } from './software-passkey.js';
import { Directory, newUser, type User } from './users.js';

export { otpauthUri } from './passcodes.js';
export { newSigningKey, type SigningKey } from './signing-key.js';
export type { Okta, OktaOptions } from './api.js';
export type { Client, DemoClients } from './clients.js';
export type { RecordedRequest, ServerName } from './front.js';
export type {
  OktaResponse,
  Responder,
  RequestFilter,
  RequestMatcher,
  ScriptedResponse,
} from './scripted-responses.js';
export type { DemoUsers } from './demo-users.js';
export type { PasskeySettings } from './passkeys.js';
export type { Message, Phone, Push } from './phones.js';
export type { AnswerOptions, SoftwarePasskey } from './software-passkey.js';
export type { User, UserFactors } from './users.js';

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
  for (const user of [...Object.values<User>({ ...users }), ...(options.users ?? [])])
    directory.add(user);
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
  const phones = new Phones(now);
  const webauthn = options.webauthn ?? {};
  const otpLimit = new RateLimit(options.otpLimit ?? 5, 5 * 60_000, now);
  const storages = [new Storage(registered), new Storage(registered)] as const;
  const authorizationServer = (
    key: typeof orgKey,
    place: Pick<AuthorizationServerParts, 'issuer' | 'endpoints' | 'clientKey' | 'storage'>,
  ): AuthorizationServer =>
    new AuthorizationServer(oidc, key, {
      ...place,
      directory,
      passcodes,
      rateLimit,
      otpLimit,
      phones,
      webauthn,
      clients: registered,
      challenges: new Challenges(now),
      transactions: new MfaTransactions(options.mfaTokenLifetime ?? 300, now),
      accessTokenLifetime: options.accessTokenLifetime ?? 3600,
      now,
    });
  const servers = {
    org: authorizationServer(orgKey, {
      issuer: issuers.org,
      endpoints: '/oauth2/v1',
      storage: storages[0],
      clientKey: (clientId) => registered.get(clientId)?.signing_key,
    }),
    default: authorizationServer(defaultKey, {
      issuer: issuers.default,
      endpoints: '/v1',
      storage: storages[1],
      clientKey: () => undefined,
    }),
  };
  const scripted = new ScriptedResponses();
  const recorded = options.record === true ? requests : undefined;
  const pages = new Pages(
    new PhonePages(directory, phones),
    new PasskeyPages(directory, webauthn, now),
  );
  server.on('request', new Front({ servers, pages, scripted, requests: recorded, now }).listener);

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
    revokeTokens(user) {
      for (const storage of storages) storage.revokeByAccountId(user.id);
    },
    addClient(given) {
      const client = newClient(given);
      registered.set(client.client_id, client);
      return client;
    },
    otp: (user, { step } = {}) => passcodes.unused(user, step),
    wrongOtp: (user) => passcodes.wrong(user),
    phone: (user) => phones.of(user),
    createPasskey: (user, { rpID = webauthn.rpID ?? DEFAULT_RP_ID } = {}) =>
      createPasskey(user, rpID),
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
