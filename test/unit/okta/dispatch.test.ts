import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Agent, interceptors, ProxyAgent, RetryAgent, type Dispatcher } from 'undici';
import {
  OktaDirectMfaError,
  OktaResponseError,
  OktaTimeoutError,
  OktaUnreachableError,
} from '../../../lib/errors.js';
import { createHttpClient, type HttpRequest, type HttpResponse } from '../../../lib/okta/http.js';
import { createJwks } from '../../../lib/okta/jwks.js';
import { CLIENT_ID, everyPrint, rsaKeyPair, settle, toJwk } from '../../support/fixtures.js';

/** A test that would wait for ever when the code is wrong ends here instead. */
const LIMIT = { timeout: 20_000 };
const SECRET = 'password=hunter2hunter2';
const MFA_REQUIRED = { error: 'mfa_required', mfa_token: 'mfa-1' };

type Answer = (res: ServerResponse, url: string) => void;
const reply =
  (status: number, json: unknown, headers: Record<string, string> = {}): Answer =>
  (res) =>
    res
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(json));
/** After the request has come, the connection is lost. */
const lost: Answer = (res) => res.socket?.destroy();

/** A server that has read the request by the time it answers. */
let answer: Answer;
const received: { line: string; body: string; headers: NodeJS.Dict<string | string[]> }[] = [];
let origin: string;
const server = createServer((req, res) => {
  let body = '';
  req.on('data', (chunk: Buffer) => (body += chunk.toString()));
  req.on('end', () => {
    received.push({ line: `${req.method} ${req.url}`, body, headers: req.headers });
    answer(res, req.url ?? '');
  });
});
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  received.length = 0;
  if (server.listening) return;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
after(() => {
  server.close();
  server.closeAllConnections();
});

function agent(): Agent {
  const made = new Agent();
  closing.push(() => made.destroy());
  return made;
}

const post = (path = '/token', at = origin): HttpRequest => ({
  method: 'POST',
  url: new URL(path, at),
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: SECRET,
});
const call = (dispatcher: Dispatcher, request = post()): Promise<HttpResponse> =>
  createHttpClient({ dispatcher, timeout: 10_000 })(request);

async function failure(response: Promise<HttpResponse>): Promise<OktaDirectMfaError> {
  try {
    assert.fail(`expected an error, but got ${JSON.stringify(await response)}`);
  } catch (error) {
    assert.ok(error instanceof OktaDirectMfaError, String(error));
    assert.doesNotMatch(everyPrint(error), /hunter2/);
    return error;
  }
}

/** As an app may have it that means to be helpful. */
const EAGER = {
  maxRetries: 3,
  minTimeout: 1,
  maxTimeout: 1,
  methods: ['GET', 'POST'] as Dispatcher.HttpMethod[],
  statusCodes: [400, 403, 429, 500, 503],
};
const lookup = ((_origin: unknown, _options: unknown, callback: (...args: unknown[]) => void) =>
  callback(null, [{ address: '127.0.0.1', family: 4, ttl: 60_000 }])) as never;

const DISPATCHERS: Record<string, () => Dispatcher> = {
  'an Agent': agent,
  redirect: () => agent().compose(interceptors.redirect({ maxRedirections: 5 })),
  retry: () => agent().compose(interceptors.retry(EAGER)),
  'a RetryAgent that leaves POST alone': () =>
    new RetryAgent(agent(), { ...EAGER, methods: ['GET'], statusCodes: [502] }),
  responseError: () => agent().compose(interceptors.responseError()),
  dns: () => agent().compose(interceptors.dns({ lookup })),
  cache: () => agent().compose(interceptors.cache()),
  decompress: () => agent().compose(interceptors.decompress()),
  deduplicate: () => agent().compose(interceptors.deduplicate()),
  'all of them': () =>
    agent().compose(
      interceptors.dns({ lookup }),
      interceptors.decompress(),
      interceptors.deduplicate(),
      interceptors.cache(),
      interceptors.redirect({ maxRedirections: 5 }),
      interceptors.retry(EAGER),
      interceptors.responseError(),
    ),
  'responseError, inside retry': () =>
    agent().compose(interceptors.responseError(), interceptors.retry(EAGER)),
};

it('no interceptor of undici is forgotten here', () => {
  assert.deepEqual(
    Object.keys(interceptors)
      .filter((name) => !(name in DISPATCHERS))
      .sort(),
    ['dump'],
  );
});

for (const [name, create] of Object.entries(DISPATCHERS)) {
  describe(`a dispatcher with ${name}`, () => {
    for (const [what, status, json, headers] of [
      ['tokens', 200, { access_token: 'at', id_token: 'it' }, {}],
      ['mfa_required', 403, MFA_REQUIRED, {}],
      ['mfa_required with 400', 400, MFA_REQUIRED, {}],
      ['a wrong passcode', 400, { error: 'invalid_grant' }, {}],
      ['a rate limit', 429, { errorCode: 'E0000047' }, { 'retry-after': '17' }],
      ['an error of Okta', 500, { errorCode: 'E0000009', errorId: 'oae1' }, {}],
      ['an outage', 503, { error: 'server_error' }, { 'x-okta-request-id': 'req-1' }],
    ] as [string, number, object, Record<string, string>][]) {
      it(`gives ${what} as Okta has said it, and posts once`, LIMIT, async () => {
        answer = reply(status, json, headers);
        const response = await call(create());
        assert.deepEqual([response.status, response.json], [status, json]);
        for (const [header, value] of Object.entries(headers)) {
          assert.equal(response.headers[header], value);
        }
        assert.deepEqual(
          received.map(({ line, body }) => [line, body]),
          [['POST /token', SECRET]],
        );
      });
    }

    it('asks for an uncompressed response, from no cache', LIMIT, async () => {
      answer = reply(200, {});
      await call(create());
      const { headers } = received[0] ?? {};
      assert.equal(headers?.['accept-encoding'], 'identity');
      assert.equal(headers['cache-control'], 'no-store');
    });

    for (const status of [301, 302, 303, 307, 308]) {
      it(`follows no redirect (${status})`, LIMIT, async () => {
        answer = (res, url) =>
          res.writeHead(url === '/token' ? status : 200, { location: '/elsewhere' }).end('{}');
        assert.equal((await call(create())).status, status);
        assert.deepEqual(
          received.map(({ line }) => line),
          ['POST /token'],
        );
      });
    }

    it('posts once where the connection is lost before the response', LIMIT, async () => {
      answer = lost;
      const error = await failure(call(create()));
      assert.ok([502, 503].includes(error.status), String(error));
      await settle();
      assert.equal(received.length, 1);
    });

    it('posts once where the connection is lost within the response', LIMIT, async () => {
      answer = (res) => {
        res.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        res.write('{"access_token":"at"', () => res.socket?.destroy());
      };
      const error = await failure(call(create()));
      assert.equal(error.code, 'invalid_response');
      await settle();
      assert.equal(received.length, 1);
    });

    it('posts twice what two people send at once', LIMIT, async () => {
      answer = reply(403, MFA_REQUIRED);
      const dispatcher = create();
      await Promise.all([call(dispatcher), call(dispatcher)]);
      assert.equal(received.length, 2);
    });

    it('finds a key that has come, and none that has gone', LIMIT, async () => {
      const { publicKey } = rsaKeyPair();
      const keys = (kid: string) =>
        reply(200, { keys: [toJwk(publicKey, { kid })] }, { 'cache-control': 'max-age=5184000' });
      const dispatcher = create();
      const http = createHttpClient({ dispatcher, timeout: 10_000 });
      const find = (kid: string) =>
        // A dispatcher of its own, and so an empty cache of keys.
        createJwks(http, {
          url: new URL('/keys', origin),
          clientID: CLIENT_ID,
          dispatcher: agent(),
        }).find(kid);
      answer = keys('old');
      assert.ok(await find('old'));
      answer = keys('new');
      assert.ok(await find('new'));
      assert.equal(await find('old'), undefined);
      assert.deepEqual(
        [...new Set(received.map(({ line }) => line))],
        ['GET /keys?client_id=0oa1client'],
      );
    });
  });
}

describe('a RetryAgent that takes the bodies of failures', () => {
  const create = () => new RetryAgent(agent(), { ...EAGER, methods: ['GET'] });

  for (const status of [400, 403]) {
    it(`is named where it would retry HTTP ${status}`, LIMIT, async () => {
      answer = reply(status, MFA_REQUIRED);
      const error = await failure(call(create()));
      assert.deepEqual([error.code, error.oktaStatus], ['invalid_response', status]);
      assert.match(
        error.message,
        new RegExp(`lost its body.* RetryAgent that retries HTTP ${status}`),
      );
      assert.equal(received.length, 1);
    });
  }

  for (const status of [429, 500, 503]) {
    it(`leaves HTTP ${status} what it is`, LIMIT, async () => {
      answer = reply(status, {}, { 'retry-after': '17', 'x-okta-request-id': 'req-1' });
      const response = await call(create());
      assert.equal(response.status, status);
      assert.equal(response.headers['retry-after'], '17');
      assert.equal(response.headers['x-okta-request-id'], 'req-1');
      assert.equal(received.length, 1);
    });
  }
});

describe('a RetryAgent with POST in its methods', () => {
  const create = () => new RetryAgent(agent(), EAGER);

  it('works for a response that it does not retry', LIMIT, async () => {
    answer = reply(401, { error: 'invalid_client' });
    assert.deepEqual((await call(create())).json, { error: 'invalid_client' });
    assert.equal(received.length, 1);
  });

  for (const status of EAGER.statusCodes) {
    it(
      `is named, and posts once, for a response that it would retry (${status})`,
      LIMIT,
      async () => {
        answer = reply(status, MFA_REQUIRED);
        const error = await failure(call(create()));
        assert.equal(error.code, 'invalid_response');
        assert.match(error.message, /a second time, which was prevented.*POST.*retry interceptor/);
        await settle();
        assert.equal(received.length, 1);
      },
    );
  }

  it(
    'is named, and posts once, where the connection is lost before the response',
    LIMIT,
    async () => {
      answer = lost;
      assert.match((await failure(call(create()))).message, /a second time, which was prevented/);
      await settle();
      assert.equal(received.length, 1);
    },
  );
});

describe('a dispatcher with dump', () => {
  const create = () => agent().compose(interceptors.dump({ maxSize: 8 }));

  it('is named, since it takes every body', LIMIT, async () => {
    for (const status of [200, 400, 403]) {
      answer = reply(status, { a: 1 }, { 'content-length': '7' });
      const error = await failure(call(create()));
      assert.ok(error instanceof OktaResponseError);
      assert.equal(error.oktaStatus, status);
      assert.match(
        error.message,
        /lost its body\. Does the dispatcher have undici's dump interceptor/,
      );
    }
    assert.equal(received.length, 3);
  });

  it('is named also where the body comes in chunks', LIMIT, async () => {
    answer = (res) => {
      res.write('{"a"');
      res.end(':1}');
    };
    const error = await failure(call(agent().compose(interceptors.dump({ maxSize: 100 }))));
    assert.match(
      error.message,
      /lost its body\. Does the dispatcher have undici's dump interceptor/,
    );
  });

  it('leaves a rate limit what it is', LIMIT, async () => {
    answer = reply(429, {}, { 'retry-after': '17', 'content-length': '2' });
    const { status, headers } = await call(create());
    assert.deepEqual([status, headers['retry-after']], [429, '17']);
  });

  it('is an error where it refuses the size', LIMIT, async () => {
    for (const headers of [{}, { 'content-length': '44' }] as Record<string, string>[]) {
      answer = reply(403, MFA_REQUIRED, headers);
      const error = await failure(call(create()));
      assert.equal(error.code, 'invalid_response');
      assert.match(error.message, /gave up on the response .* undici's dump interceptor/);
    }
    assert.equal(received.length, 2);
  });
});

describe('a dispatcher with another interface', () => {
  type Old = {
    onConnect(abort: (reason?: Error) => void): void;
    onHeaders(status: number, headers: Buffer[], resume: () => void, text: string): boolean;
    onData(chunk: Buffer): boolean;
    onComplete(trailers: Buffer[]): void;
    onError(error: unknown): void;
  };
  /** As undici 6, which is Node 20's and 22's own, calls a handler, and nothing else of it. */
  function old(respond: (handler: Old, aborted: Promise<void>) => void): Dispatcher {
    const dispatch = (_options: unknown, handler: Old): boolean => {
      const only: Record<string, unknown> = {};
      for (const name of ['onConnect', 'onHeaders', 'onData', 'onComplete', 'onError'] as const) {
        only[name] = (handler[name] as (...args: unknown[]) => unknown).bind(handler);
      }
      const aborted = new Promise<void>((resolve) => {
        (only as unknown as Old).onConnect(() => resolve());
      });
      respond(only as unknown as Old, aborted);
      return true;
    };
    return { dispatch } as unknown as Dispatcher;
  }
  const raw = (...pairs: string[]) => pairs.map((text) => Buffer.from(text));
  const resume = () => undefined;

  it('gives the response', LIMIT, async () => {
    const dispatcher = old((handler) => {
      handler.onHeaders(100, [], resume, 'Continue');
      handler.onHeaders(403, raw('X-Okta-Request-Id', 'r1', 'Retry-After', '7'), resume, '');
      assert.equal(handler.onData(Buffer.from('{"error":')), true);
      assert.equal(handler.onData(Buffer.from('"mfa_required"}')), true);
      handler.onComplete([]);
    });
    assert.deepEqual(await call(dispatcher), {
      status: 403,
      headers: { 'x-okta-request-id': 'r1', 'retry-after': '7' },
      json: { error: 'mfa_required' },
    });
  });

  it('is unreachable where it fails', LIMIT, async () => {
    const dispatcher = old((handler) => {
      handler.onError(Object.assign(new Error(SECRET), { code: 'ECONNRESET' }));
    });
    const error = await failure(call(dispatcher));
    assert.ok(error instanceof OktaUnreachableError);
    assert.match(error.message, /ECONNRESET/);
  });

  it('is cut off where it fails within the response', LIMIT, async () => {
    const dispatcher = old((handler) => {
      handler.onHeaders(200, [], resume, 'OK');
      handler.onData(Buffer.from('{'));
      handler.onError(new Error(SECRET));
    });
    assert.match((await failure(call(dispatcher))).message, /was cut off/);
  });

  it('is told to stop where the response is too large', LIMIT, async () => {
    let stopped: Promise<void> | undefined;
    const dispatcher = old((handler, aborted) => {
      stopped = aborted;
      handler.onHeaders(200, [], resume, 'OK');
      for (let times = 0; times < 17; times++) handler.onData(Buffer.alloc(65_536, 0x20));
    });
    assert.match((await failure(call(dispatcher))).message, /larger than 1 MiB/);
    await stopped;
  });

  it('is told to stop when the time is over', LIMIT, async () => {
    let stopped: Promise<void> | undefined;
    const dispatcher = old((_handler, aborted) => void (stopped = aborted));
    const response = createHttpClient({ dispatcher, timeout: 20 })(post());
    assert.ok((await failure(response)) instanceof OktaTimeoutError);
    await stopped;
  });

  it('never posts a second time by itself', LIMIT, async () => {
    let stopped: Promise<void> | undefined;
    const dispatcher = old((handler) => {
      stopped = new Promise((resolve) => handler.onConnect(() => resolve()));
      handler.onHeaders(200, [], resume, 'OK');
      handler.onData(Buffer.from('{}'));
      handler.onComplete([]);
    });
    const error = await failure(call(dispatcher));
    assert.match(error.message, /a second time, which was prevented.*POST.*retry interceptor/);
    await stopped;
  });

  it('may ask for the keys a second time', LIMIT, async () => {
    const dispatcher = old((handler) => {
      handler.onConnect(() => assert.fail());
      handler.onHeaders(200, [], resume, 'OK');
      handler.onData(Buffer.from('{}'));
      handler.onComplete([]);
    });
    const request = { method: 'GET', url: new URL('/keys', origin), headers: {} } as const;
    assert.equal((await call(dispatcher, request)).status, 200);
  });
});

describe('a response in another encoding', () => {
  it('is named as what a proxy has done', LIMIT, async () => {
    answer = (res) => res.writeHead(403, { 'content-encoding': 'br' }).end('x');
    const error = await failure(call(agent()));
    assert.match(error.message, /content-encoding although none was accepted\. Check the proxy/);
    assert.equal(error.oktaStatus, 403);
  });

  it('may be named identity', LIMIT, async () => {
    answer = reply(403, MFA_REQUIRED, { 'content-encoding': 'identity' });
    assert.deepEqual((await call(agent())).json, MFA_REQUIRED);
  });
});

describe('a proxy', () => {
  for (const [status, advice] of [
    [407, /username and password/],
    [403, /allows this host/],
    [502, /allows this host/],
  ] as const) {
    it(`that answers ${status} to CONNECT is named with it`, LIMIT, async () => {
      const sockets = new Set<Socket>();
      const lines: string[] = [];
      const proxy = net.createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.once('data', (head) => {
          lines.push(head.toString().split('\r\n')[0] ?? '');
          socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
        });
      });
      proxy.listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      const { port } = proxy.address() as AddressInfo;
      const dispatcher = new ProxyAgent(`http://user:hunter2@127.0.0.1:${port}`);
      closing.push(
        () => dispatcher.destroy(),
        () => sockets.forEach((socket) => socket.destroy()),
        () => proxy.close(),
      );
      const error = await failure(call(dispatcher, post('/token', 'https://acme.okta.com')));
      assert.ok(error instanceof OktaUnreachableError);
      assert.match(
        error.message,
        new RegExp(`proxy .* refused the connection .* HTTP ${status}\\.`),
      );
      assert.match(error.message, advice);
      assert.deepEqual(lines, ['CONNECT acme.okta.com:443 HTTP/1.1']);
    });
  }
});

describe("Node's own fetch, in a process of its own", () => {
  const ROOT = join(__dirname, '../../..');
  const run = promisify(execFile);

  /** Runs a script that has `post()`, Node's own fetch with a `content-length`. */
  async function inProcess(script: string): Promise<string> {
    const whole = `
      const [ONE, TWO] = [1, 2].map((version) => Symbol.for('undici.globalDispatcher.' + version));
      const post = async () => {
        const headers = { 'content-length': '3' };
        const { status } = await fetch('${origin}/own', { method: 'POST', body: 'a=1', headers });
        return status;
      };
      (async () => { ${script} })().catch((error) => { console.error(error); process.exit(1); });`;
    const { stdout } = await run(process.execPath, ['--require', 'tsx/cjs', '-e', whole], {
      cwd: ROOT,
      timeout: 30_000,
    });
    return stdout.trim();
  }

  it('has the dispatcher that it had', { timeout: 60_000 }, async () => {
    answer = reply(200, {});
    const printed = await inProcess(`
      require('./lib/index.js');
      require('./lib/testing/index.js');
      console.log(globalThis[ONE], globalThis[TWO], await post());`);
    assert.equal(printed, 'undefined undefined 200');
  });

  it('has it also after a login has begun', { timeout: 60_000 }, async () => {
    answer = reply(403, MFA_REQUIRED);
    const printed = await inProcess(`
      const { createHttpClient } = require('./lib/okta/http.js');
      const http = createHttpClient({ dispatcher: undefined, timeout: 5000 });
      const url = new URL('${origin}/token');
      const { status } = await http({ method: 'POST', url, headers: {}, body: 'a=1' });
      console.log(status, globalThis[ONE], globalThis[TWO], await post());
      process.exit();`);
    assert.equal(printed, '403 undefined undefined 403');
  });

  it('works for an app that loads undici itself afterwards', { timeout: 60_000 }, async () => {
    answer = reply(200, {});
    const printed = await inProcess(`
      const { createHttpClient } = require('./lib/okta/http.js');
      const undici = require('undici');
      const agent = new undici.MockAgent();
      agent.disableNetConnect();
      agent.get('https://acme.okta.com').intercept({ method: 'POST', path: '/' }).reply(201, {});
      undici.setGlobalDispatcher(agent);
      const http = createHttpClient({ dispatcher: undefined, timeout: 5000 });
      const url = new URL('https://acme.okta.com/');
      console.log((await http({ method: 'POST', url, headers: {}, body: 'a=1' })).status);`);
    assert.equal(printed, '201');
  });
});
