import { readOptions } from '../options/index.js';
import { loadMockAgent } from '../undici.js';
import { moveClock } from '../clock.js';
import { createAuthorizationServer } from './authorization-server.js';
import { createControl } from './control.js';
import { createEndpoints, type ReceivedRequest } from './endpoints.js';
import { isEnrolled } from './factors.js';
import { createFailures, toReply, type Outcome } from './failures.js';
import { listen, type HttpServer } from './http-server.js';
import { respondWithPage } from './page.js';
import { createPasskeys, signAssertion } from './passkey.js';
import { createPhones } from './phone.js';
import { toForm, toRecord } from './request.js';
import type { MockOkta, MockOktaOptions, MockOktaRequest } from './types.js';
import { checkUsers, findUser, idOf, type MockOktaUser } from './user.js';

/**
 * Makes a mock that responds as Okta does for the users that a test names: keys, both steps of a
 * login with every second factor, signed ID tokens, refresh, revocation and `/userinfo`. It is for the
 * tests of an app that uses this package; it reaches no network, and opens no port unless it is told to
 * `listen()`. Pushes, codes and passkeys' challenges last 300 seconds, by the clock that `advance` moves.
 * Its logins do not expire by themselves, passcodes may be used again, and it has no rate limit except
 * through `failNext`.
 *
 * The RSA signing key is made once per process, by the first login, which takes 50 to 150 ms longer.
 *
 * @throws TypeError for an issuer or a user that cannot work
 * @example
 * const okta = mockOkta({
 *   issuer: 'https://acme.okta.com',
 *   clientID: '0oa1',
 *   users: [{ username: 'ada@example.com', password: 'pw', otp: '123456' }],
 * });
 * const strategy = new OktaDirectMfaStrategy(
 *   { issuer: 'https://acme.okta.com', clientID: '0oa1', dispatcher: okta.dispatcher },
 *   verify,
 * );
 */
export function mockOkta(options: MockOktaOptions): MockOkta {
  const { issuer: givenIssuer = 'https://okta.example', clientID } = options;
  const issuerAt = (issuer: string) => readOptions({ issuer, clientID, allowInsecureIssuer: true });
  const settings = issuerAt(givenIssuer);
  checkUsers(options.users);
  const users = [...options.users];
  let advanced = 0;
  let http: Promise<HttpServer> | undefined;
  let closing: Promise<void> | undefined;

  function advance(seconds: number): void {
    if (!Number.isFinite(seconds) || seconds < 0) {
      throw new TypeError('mockOkta: advance() takes a number of seconds, from 0 on');
    }
    if (closing !== undefined) throw new Error('mockOkta: the mock is closed');
    moveClock(seconds * 1000);
    advanced += seconds * 1000;
  }

  function person(username: string): MockOktaUser {
    const user = findUser(users, username);
    if (user === undefined) throw new Error(`mockOkta: nobody has the username ${username}`);
    return user;
  }

  const phones = createPhones(advance);
  const passkeys = createPasskeys();
  const server = createAuthorizationServer({
    ...{ clientID, users, phones, passkeys },
    rotateRefreshTokens: options.rotateRefreshTokens ?? false,
  });
  const failures = createFailures();
  const requests: MockOktaRequest[] = [];

  /** What answers for an issuer, and notes what reached it. */
  function endpointsOf(which: ReturnType<typeof issuerAt>) {
    const respond = createEndpoints(which, { server, failures });
    return ({ method, path, headers, form }: ReceivedRequest): Outcome => {
      const request = { method, path, headers, form };
      const outcome = respond(request);
      requests.push({ ...request, status: typeof outcome === 'string' ? 0 : outcome.status });
      return outcome;
    };
  }

  const dispatcher = new (loadMockAgent())();
  dispatcher.disableNetConnect();
  const respond = endpointsOf(settings);
  dispatcher
    .get(settings.endpoints.token.origin)
    .intercept({ path: () => true, method: () => true })
    .reply(({ method, path: pathAndQuery, headers: given, body }) => {
      const headers = toRecord(given);
      const [path = ''] = pathAndQuery.split('?');
      const outcome = respond({ method, path, headers, form: toForm(headers, body) });
      if (typeof outcome === 'object') return toReply(outcome);
      switch (outcome) {
        case 'unreachable':
          throw Object.assign(new Error('The mock of Okta lost the connection'), {
            code: 'ECONNRESET',
          });
        case 'timeout':
          return { statusCode: 200, data: new Promise<never>(() => {}) };
      }
    })
    .persist();

  const okta: MockOkta = {
    dispatcher,
    users,
    requests,
    failNext: (failure, endpoint = 'token') => failures.add(failure, endpoint),
    phone: (username) => phones.of(person(username).username).hands,
    passkey(username) {
      const user = person(username);
      if (!isEnrolled(user, 'webauthn')) {
        throw new Error(`mockOkta: ${username} has no passkey`);
      }
      const passkey = passkeys.of(user.username);
      return {
        answer: (publicKey, { origin }) =>
          signAssertion(passkey, publicKey, { origin, userId: idOf(user) }),
      };
    },
    advance,
    async listen(where = {}) {
      if (closing !== undefined) throw new Error('mockOkta: the mock is closed');
      if (http !== undefined) throw new Error('mockOkta: the mock listens already');
      let issuer = '';
      const { pathname } = new URL(settings.issuer);
      const control = createControl({ okta, phones });
      http = listen(where, (origin) => {
        issuer = origin + pathname.replace(/\/$/, '');
        const endpoints = endpointsOf(issuerAt(issuer));
        return (request) => respondWithPage(request) ?? control(request) ?? endpoints(request);
      });
      http.catch(() => (http = undefined));
      const { origin } = await http;
      return { ...okta, issuer, url: `${origin}/`, [Symbol.asyncDispose]: () => okta.close() };
    },
    async close() {
      if (closing === undefined) {
        moveClock(-advanced);
        closing = Promise.all([
          dispatcher.close(),
          http?.then(
            (server) => server.close(),
            () => {},
          ),
        ]).then(() => {});
      }
      await closing;
    },
  };
  return okta;
}
