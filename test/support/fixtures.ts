import {
  createSign,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  type KeyPairKeyObjectResult,
} from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import { MockAgent } from 'undici';
import type { PassportStrategy } from '../../lib/passport.js';
import { gate, type Gate } from './promises.js';

/** What the unit tests share. None of it goes out to a network. */

export const ORIGIN = 'https://acme.okta.com';
export const ISSUER = `${ORIGIN}/oauth2/default`;
export const TOKEN_PATH = '/oauth2/default/v1/token';
export const KEYS_PATH = '/oauth2/default/v1/keys?client_id=0oa1client';
export const REVOKE_PATH = '/oauth2/default/v1/revoke';
export const USERINFO_PATH = '/oauth2/default/v1/userinfo';
export const CLIENT_ID = '0oa1client';
export const KID = 'key-1';

export const rsaKeyPair = (modulusLength = 2048): KeyPairKeyObjectResult =>
  generateKeyPairSync('rsa', { modulusLength });

export const toJwk = (key: KeyObject, more: Record<string, unknown> = {}): JsonWebKey => ({
  ...key.export({ format: 'jwk' }),
  ...more,
});

const encode = (part: unknown): string =>
  (Buffer.isBuffer(part)
    ? part
    : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part))
  ).toString('base64url');

/** A JWT signed with RS256, whatever its header and payload say. */
export function rs256(header: unknown, payload: unknown, privateKey: KeyObject): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${createSign('RSA-SHA256').update(input).sign(privateKey, 'base64url')}`;
}

export const now = (): number => Math.floor(Date.now() / 1000);

export const idTokenClaims = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: CLIENT_ID,
  sub: '00u1person',
  iat: now(),
  exp: now() + 3600,
  preferred_username: 'ada@example.com',
  name: 'Ada Lovelace',
  ...more,
});

export const idToken = (privateKey: KeyObject, more: Record<string, unknown> = {}): string =>
  rs256({ alg: 'RS256', kid: KID }, idTokenClaims(more), privateKey);

export const parseForm = (body: unknown): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(String(body)));

export interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  form: Record<string, string>;
}

type Headers = Record<string, string>;

/** undici's MockAgent for Okta's endpoints, with what was sent to it in the order of arrival. */
export function mockOkta(origin = ORIGIN) {
  const agent = new MockAgent();
  agent.disableNetConnect();
  const sent: Sent[] = [];
  const reply = (
    method: 'GET' | 'POST',
    path: string,
    status: number,
    data: object | string,
    headers: Headers = {},
  ) =>
    agent
      .get(origin)
      .intercept({ method, path })
      .reply((options) => {
        sent.push({
          method,
          path: options.path,
          headers: options.headers as Record<string, string>,
          form: parseForm(options.body),
        });
        return { statusCode: status, data, responseOptions: { headers } };
      });
  return {
    agent,
    sent,
    /** The next response of the token endpoint. */
    token: (status: number, data: object | string, headers?: Headers) =>
      reply('POST', TOKEN_PATH, status, data, headers),
    keys: (status: number, data: object | string) => reply('GET', KEYS_PATH, status, data),
    revoke: (status: number, data: object | string = '', headers?: Headers) =>
      reply('POST', REVOKE_PATH, status, data, headers),
    userInfo: (status: number, data: object | string) => reply('GET', USERINFO_PATH, status, data),
    /** A response of the token endpoint that waits for `letGo` once the request has arrived. */
    heldToken(status: number, data: object, letGo: Gate): Promise<void> {
      const arrived = gate();
      agent
        .get(origin)
        .intercept({ method: 'POST', path: TOKEN_PATH })
        .reply(status, (async (options: { path: string; headers: object; body?: unknown }) => {
          const { path, headers } = options;
          sent.push({
            method: 'POST',
            path,
            headers: headers as Headers,
            form: parseForm(options.body),
          });
          arrived.open();
          await letGo.opened;
          return JSON.stringify(data);
        }) as never);
      return arrived.opened;
    },
    failToken: (error: Error) =>
      agent.get(origin).intercept({ method: 'POST', path: TOKEN_PATH }).replyWithError(error),
    reply,
    forms: () => sent.filter(({ method }) => method === 'POST').map(({ form }) => form),
    async end() {
      // A persistent one is for an endpoint that may be asked, any number of times or never.
      if (agent.pendingInterceptors().some(({ persist }) => !persist)) {
        agent.assertNoPendingInterceptors();
      }
      await agent.close();
    },
  };
}

/** A value printed in every way that logs do. */
export function everyPrint(value: unknown): string {
  const prints = [
    inspect(value, { showHidden: true, depth: Infinity, maxStringLength: null, getters: true }),
    inspect(value),
    JSON.stringify(value) ?? '',

    String(value),
  ];
  if (value instanceof Error) {
    prints.push(value.stack ?? '', value.message, JSON.stringify({ ...value }));
    prints.push(everyPrint((value as { cause?: unknown }).cause ?? null));
  }
  return prints.join('\n');
}

export interface FakeRequest {
  headers: Record<string, string>;
  body?: unknown;
  query?: unknown;
  ip?: string;
  session?: Record<string, unknown>;
  sessionID?: string;
  /** express-session's, as far as it is asked. */
  sessionStore?: {
    get(id: string, callback: (error: unknown, content?: unknown) => void): void;
    generate?(req: FakeRequest): void;
  };
}

export const asRequest = (req: object): IncomingMessage => req as IncomingMessage;

/**
 * A browser and an express-session with a store that keeps JSON: each request gets its own copy of
 * the session, and `regenerate` puts another object in place.
 */
export function createBrowser(data: Record<string, unknown> = {}) {
  const store = new Map<string, string>();
  let count = 0;
  const failing = new Set<'get' | 'regenerate' | 'save'>();
  let failure: unknown = new Error('ECONNRESET');
  const log: string[] = [];

  class FakeSession {
    [key: string]: unknown;
    constructor(req: FakeRequest, id: string, content: Record<string, unknown>) {
      Object.defineProperty(this, 'req', { value: req });
      Object.defineProperty(this, 'id', { value: id });
      Object.assign(this, content);
      this['cookie'] ??= { path: '/' };
    }
    regenerate(callback: (error?: unknown) => void): void {
      const req = this['req'] as FakeRequest;
      setImmediate(() => {
        log.push('regenerate');
        store.delete(req.sessionID ?? '');
        open(req, {});
        callback(failing.has('regenerate') ? failure : undefined);
      });
    }
    save(callback: (error?: unknown) => void): void {
      setImmediate(() => {
        if (failing.has('save')) return callback(failure);
        log.push('save');
        store.set(this['id'] as string, JSON.stringify(this));
        // As express-session's stores do.
        callback(null);
      });
    }
  }

  const sessionStore: FakeRequest['sessionStore'] = {
    get(id, callback) {
      setImmediate(() => {
        if (failing.has('get')) return callback(failure);
        const content = store.get(id);
        callback(null, content === undefined ? undefined : JSON.parse(content));
      });
    },
    generate(req) {
      log.push('generate');
      open(req, {});
    },
  };

  function open(req: FakeRequest, content: Record<string, unknown>, id = `sid-${++count}`): void {
    req.sessionID = id;
    req.session = new FakeSession(req, id, content);
    // Not printed: it has what all requests have left.
    Object.defineProperty(req, 'sessionStore', { value: sessionStore, configurable: true });
  }

  const first: FakeRequest = { headers: {} };
  open(first, data);
  store.set(first.sessionID ?? '', JSON.stringify(first.session));
  let sid = first.sessionID ?? '';
  return {
    store,
    log,
    /** The session as the store has it. */
    saved: (): Record<string, unknown> =>
      JSON.parse(store.get(sid) ?? 'null') as Record<string, unknown>,
    sid: () => sid,
    /** A request with its copy of the session. */
    request(body?: unknown, more: Partial<FakeRequest> = {}): FakeRequest {
      const cookie = `connect.sid=s%3A${sid}.signature`;
      const req: FakeRequest = { body, ...more, headers: { cookie, ...more.headers } };
      const content = store.get(sid);
      open(
        req,
        content === undefined ? {} : (JSON.parse(content) as Record<string, unknown>),
        ...(content === undefined ? [] : [sid]),
      );
      return req;
    },
    /** Takes the cookie of a response. */
    keep(req: FakeRequest): void {
      sid = req.sessionID ?? '';
    },
    fail(what: 'get' | 'regenerate' | 'save', error: unknown = new Error('ECONNRESET')): void {
      failing.add(what);
      failure = error;
    },
    heal: () => failing.clear(),
  };
}

export type Outcome =
  | { action: 'success'; user: unknown; info: unknown }
  | { action: 'fail'; info: unknown; status: unknown }
  | { action: 'redirect'; url: unknown }
  | { action: 'error'; error: unknown }
  | { action: 'pass' };

/** What Passport does with a strategy: an `Object.create` of it with the request's own actions. */
export async function authenticate(
  strategy: PassportStrategy,
  req: FakeRequest,
  options?: unknown,
): Promise<Outcome> {
  return authenticateOn(Object.create(strategy) as PassportStrategy, req, options);
}

/** What Passport does where the app passes the instance itself: the actions are put on it. */
export async function authenticateOn(
  instance: PassportStrategy,
  req: FakeRequest,
  options?: unknown,
): Promise<Outcome> {
  const calls: Outcome[] = [];
  await new Promise<void>((resolve) => {
    const record = (outcome: Outcome) => {
      calls.push(outcome);
      resolve();
    };
    instance.success = (user, info) => record({ action: 'success', user, info });
    instance.fail = (info, status) => record({ action: 'fail', info, status });
    instance.redirect = (url) => record({ action: 'redirect', url });
    instance.error = (error) => record({ action: 'error', error });
    instance.pass = () => record({ action: 'pass' });
    instance.authenticate(asRequest(req), options);
  });
  // Whatever else would be called has been called by then.
  await new Promise((resolve) => setImmediate(resolve));
  const [outcome, ...more] = calls;
  if (outcome === undefined || more.length > 0) {
    throw new Error(`expected one action, but got ${inspect(calls)}`);
  }
  return outcome;
}

/** Lets everything that is ready run, without any time passing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}
