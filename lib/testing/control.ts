import { factorsOf } from './factors.js';
import type { MockOktaEndpoint, MockOktaFailure } from './failures.js';
import type { HttpRequest } from './http-server.js';
import type { Phone } from './phone.js';
import { refusal, type MockOktaResponse } from './responses.js';
import type { MockOkta } from './types.js';
import { findUser, readUsers, type MockOktaUser } from './user.js';

type Json = Record<string, unknown>;

interface Parts {
  okta: MockOkta;
  phones: { of(username: string): Phone };
}

/**
 * The control API, below `/control/`: what a test in another process, and the page with the phones, do
 * with the mock. JSON in and out; the values are those of {@link MockOkta}.
 *
 * @returns `undefined` for what is not below `/control/`
 */
export function createControl({
  okta,
  phones,
}: Parts): (request: HttpRequest) => MockOktaResponse | undefined {
  /** What a person holds in their hands, all of it. */
  function phoneOf(user: MockOktaUser): object {
    const phone = phones.of(user.username);
    return {
      username: user.username,
      factors: factorsOf(user),
      otp: user.otp,
      pushes: phone.waiting().map(({ id, number, numbers }) => ({ id, number, numbers })),
      messages: phone.hands.messages,
      code: phone.hands.messages.at(-1)?.code,
    };
  }

  function find(username: string): MockOktaUser {
    const user = findUser(okta.users, username);
    if (user === undefined) throw new NotFound(`nobody has the username ${username}`);
    return user;
  }

  const reads: Record<string, (query: URLSearchParams) => object> = {
    phones: () => okta.users.map(phoneOf),
    phone: (query) => phoneOf(find(text(Object.fromEntries(query), 'username'))),
    requests: () => okta.requests,
  };

  const actions: Record<string, { fields: string[]; act: (json: Json) => object | void }> = {
    approve: {
      fields: ['username', 'number', 'push'],
      act: (json) =>
        phones
          .of(find(text(json, 'username')).username)
          .approve(optionalText(json, 'number'), optionalText(json, 'push')),
    },
    deny: {
      fields: ['username', 'push'],
      act: (json) =>
        phones.of(find(text(json, 'username')).username).deny(optionalText(json, 'push')),
    },
    passkey: {
      fields: ['username', 'publicKey', 'origin'],
      act: (json) => {
        const { username } = find(text(json, 'username'));
        const publicKey = Object(json['publicKey']) as object;
        return okta.passkey(username).answer(publicKey, { origin: text(json, 'origin') });
      },
    },
    fail: {
      fields: ['failure', 'endpoint'],
      act: ({ failure, endpoint }) =>
        okta.failNext(failure as MockOktaFailure, endpoint as MockOktaEndpoint | undefined),
    },
    advance: {
      fields: ['seconds'],
      act: ({ seconds }) => okta.advance(seconds as number),
    },
    users: {
      fields: ['users'],
      act: ({ users }) => {
        // All are read before any is replaced.
        okta.users.splice(0, Infinity, ...readUsers(users));
      },
    },
  };

  const contents = {
    GET: Object.keys(reads),
    POST: Object.fromEntries(Object.entries(actions).map(([name, { fields }]) => [name, fields])),
  };

  function respond(name: string, { method, query, headers, body }: HttpRequest): MockOktaResponse {
    const [read, action] = [own(reads, name), own(actions, name)];
    if (read === undefined && action === undefined) {
      return name === '' && method === 'GET'
        ? { status: 200, body: contents }
        : refusal(404, `The control API has no ${name}. GET /control/ lists what it has.`);
    }
    if (method === 'GET' && read !== undefined) return { status: 200, body: read(query) };
    if (method !== 'POST' || action === undefined) {
      return refusal(405, `${name} takes ${action === undefined ? 'GET' : 'POST'}.`);
    }
    // A page of another site cannot send this type without asking first, and is told no.
    if (!/^application\/json(;|$)/i.test(headers['content-type'] ?? '')) {
      return refusal(415, 'The control API takes the content type application/json.');
    }
    return { status: 200, body: action.act(readJson(body, action.fields)) ?? {} };
  }

  return (request) => {
    const [, name] = /^\/control\/([^/]*)$/.exec(request.path) ?? [];
    if (name === undefined) return undefined;
    if (isFromAnotherSite(request.headers)) {
      return refusal(403, 'The control API is not for web pages of other sites.');
    }
    const response = attempt(() => respond(name, request));
    return { ...response, headers: HEADERS };
  };
}

const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
};

/** What a request names and the mock has not. */
class NotFound extends Error {}

function attempt(respond: () => MockOktaResponse): MockOktaResponse {
  try {
    return respond();
  } catch (error) {
    const { message } = error as Error;
    const status = error instanceof NotFound ? 404 : error instanceof TypeError ? 400 : 409;
    return refusal(status, message.replace(/^mockOkta: /, ''));
  }
}

/** Fetch Metadata and `Origin`: browsers send them, test tools do not. */
function isFromAnotherSite(headers: Readonly<Record<string, string>>): boolean {
  const { origin, host, 'sec-fetch-site': site = 'none' } = headers;
  return (
    !['none', 'same-origin'].includes(site) || (origin ?? `http://${host}`) !== `http://${host}`
  );
}

/** @throws TypeError, also for a field that it does not have: misspelt, it would be missed silently */
function readJson(body: string, fields: readonly string[]): Json {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new TypeError('the body is no JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new TypeError('the body must be a JSON object');
  }
  const unknown = Object.keys(json).find((name) => !fields.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`there is no field ${unknown}. There are: ${fields.join(', ')}`);
  }
  return json as Json;
}

function text(json: Json, name: string): string {
  const value = json[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${name} must be a non-empty string`);
}

function optionalText(json: Json, name: string): string | undefined {
  return json[name] === undefined ? undefined : text(json, name);
}

function own<T>(table: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
