import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { Agent, getGlobalDispatcher, setGlobalDispatcher, type Dispatcher } from 'undici';
import {
  OktaDirectMfaError,
  OktaResponseError,
  OktaTimeoutError,
  OktaUnreachableError,
} from '../../../lib/errors.js';
import { createHttpClient, type HttpRequest } from '../../../lib/okta/http.js';
import { everyPrint, mockOkta, ORIGIN, settle, TOKEN_PATH } from '../../support/fixtures.js';
import { gate } from '../../support/promises.js';

const SECRET = 'password=hunter2hunter2';

const post = (url: string): HttpRequest => ({
  method: 'POST',
  url: new URL(url),
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: SECRET,
});

/** A test that would wait for ever when the code is wrong ends here instead. */
const LIMIT = { timeout: 5000 };

const hasNoSecret = (error: unknown): true => {
  assert.ok(error instanceof OktaDirectMfaError);
  assert.doesNotMatch(everyPrint(error), /hunter2/);
  assert.ok(!('cause' in error));
  return true;
};

describe('createHttpClient, with what is sent', () => {
  let okta: ReturnType<typeof mockOkta>;
  beforeEach(() => (okta = mockOkta()));
  afterEach(() => okta.end());

  it('posts the body with its headers, asks for JSON and names itself', async () => {
    okta.token(200, { a: 1 }, { 'x-okta-request-id': 'r1' });
    const http = createHttpClient({ dispatcher: okta.agent, timeout: 1000 });
    const reply = await http(post(ORIGIN + TOKEN_PATH));
    assert.deepEqual(reply, {
      status: 200,
      headers: { 'x-okta-request-id': 'r1' },
      json: { a: 1 },
    });
    assert.deepEqual(okta.sent, [
      {
        method: 'POST',
        path: TOKEN_PATH,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          'cache-control': 'no-store',
          'user-agent': 'passport-okta-direct-mfa',
          'content-type': 'application/x-www-form-urlencoded',
        },
        form: { password: 'hunter2hunter2' },
      },
    ]);
  });

  it("uses undici's global dispatcher of the time of the call when it is given none", async () => {
    const http = createHttpClient({ dispatcher: undefined, timeout: 1000 });
    const previous = getGlobalDispatcher();
    setGlobalDispatcher(okta.agent);
    try {
      okta.token(200, { a: 1 });
      assert.equal((await http(post(ORIGIN + TOKEN_PATH))).status, 200);
    } finally {
      setGlobalDispatcher(previous);
    }
  });

  it('works with a dispatcher that only has dispatch()', async () => {
    okta.token(200, { a: 1 });
    const dispatcher = {
      dispatch: okta.agent.dispatch.bind(okta.agent),
    } as unknown as Dispatcher;
    const http = createHttpClient({ dispatcher, timeout: 1000 });
    assert.deepEqual((await http(post(ORIGIN + TOKEN_PATH))).json, { a: 1 });
  });

  it('repeats nothing of what a mock says about the request it did not expect', async () => {
    const http = createHttpClient({ dispatcher: okta.agent, timeout: 1000 });
    await assert.rejects(http(post(ORIGIN + TOKEN_PATH)), (error: unknown) => {
      assert.ok(error instanceof OktaUnreachableError);
      assert.match(error.message, /UND_MOCK_ERR_MOCK_NOT_MATCHED/);
      return hasNoSecret(error);
    });
  });

  for (const [what, text] of [
    ['HTML', '<!doctype html><title>Sign in</title>'],
    ['an array', '[{"error":"mfa_required"}]'],
    ['a string', '"mfa_required"'],
    ['a number', '7'],
    ['null', 'null'],
    ['nothing', ''],
    ['half of a JSON object', '{"error":"mfa_requ'],
    ['two JSON objects', '{} {}'],
  ] as const) {
    it(`gives no json for a body that is ${what}`, async () => {
      okta.token(200, text);
      const http = createHttpClient({ dispatcher: okta.agent, timeout: 1000 });
      const reply = await http(post(ORIGIN + TOKEN_PATH));
      assert.equal(reply.status, 200);
      assert.equal(reply.json, undefined);
    });
  }

  it('gives the json of an error answer too, whatever its content type', async () => {
    okta.token(403, '{"error":"mfa_required"}', { 'content-type': 'text/plain' });
    const http = createHttpClient({ dispatcher: okta.agent, timeout: 1000 });
    const reply = await http(post(ORIGIN + TOKEN_PATH));
    assert.deepEqual([reply.status, reply.json], [403, { error: 'mfa_required' }]);
  });

  it('lets a key named __proto__ reach no prototype', async () => {
    okta.token(403, '{"__proto__":{"error":"mfa_required","mfa_token":"x"}}');
    const http = createHttpClient({ dispatcher: okta.agent, timeout: 1000 });
    const { json } = await http(post(ORIGIN + TOKEN_PATH));
    assert.equal(json?.['error'], undefined);
    assert.equal(({} as Record<string, unknown>)['error'], undefined);
  });
});

describe('createHttpClient, when a call fails before an answer', () => {
  const failure = (code: unknown, more: object = {}) =>
    Object.assign(new Error(`failed with ${SECRET}`), { code, ...more });

  type Dispatch = (options: object, handler: Required<Dispatcher.DispatchHandler>) => void;

  function clientOf(dispatch: Dispatch, timeout = 1000) {
    return createHttpClient({ dispatcher: { dispatch } as unknown as Dispatcher, timeout });
  }

  const CONTROLLER = { abort: () => undefined } as unknown as Dispatcher.DispatchController;
  const succeed: Dispatch = (_options, handler) => {
    handler.onRequestStart(CONTROLLER, {});
    handler.onResponseStart(CONTROLLER, 200, {}, 'OK');
    handler.onResponseData(CONTROLLER, Buffer.from('{"ok":true}'));
    handler.onResponseEnd(CONTROLLER, {});
  };

  /** A dispatcher that fails as told, one failure a call, and then answers. */
  function failing(...failures: unknown[]) {
    const request = mock.fn<Dispatch>((options, handler) => {
      if (failures.length === 0) return succeed(options, handler);
      const [next] = failures.splice(0, 1);
      setImmediate(() => handler.onResponseError(CONTROLLER, next as Error));
    });
    return { request, http: clientOf(request) };
  }

  /** As of a host with several addresses, of which none could be connected to. */
  function severalAddresses(...codes: string[]) {
    const errors = codes.map((code) => failure(code));
    return Object.assign(new AggregateError(errors, SECRET), { code: codes[0] });
  }

  const NEVER_SENT = [
    failure('ECONNREFUSED'),
    failure('EHOSTUNREACH'),
    failure('ENETUNREACH'),
    failure('ENOTFOUND'),
    failure('EAI_AGAIN'),
    failure('UND_ERR_CONNECT_TIMEOUT'),
    failure('ETIMEDOUT', { syscall: 'connect' }),
    severalAddresses('ECONNREFUSED', 'EHOSTUNREACH'),
  ];
  const named = (error: unknown): string => {
    const {
      code = 'no code',
      syscall = '',
      errors,
    } = error as NodeJS.ErrnoException & Partial<AggregateError>;
    return errors === undefined ? `${code} ${syscall}`.trim() : errors.map(named).join(' and ');
  };
  for (const error of NEVER_SENT) {
    it(`repeats a POST that was never sent (${named(error)})`, async () => {
      const { http, request } = failing(error);
      assert.deepEqual((await http(post(ORIGIN))).json, { ok: true });
      assert.equal(request.mock.callCount(), 2);
    });

    it(`repeats it once only (${named(error)})`, async () => {
      const { http, request } = failing(error, error, error);
      await assert.rejects(http(post(ORIGIN)), (thrown: unknown) => {
        assert.ok(thrown instanceof OktaUnreachableError);
        assert.match(thrown.message, new RegExp(String(error.code)));
        return hasNoSecret(thrown);
      });
      assert.equal(request.mock.callCount(), 2);
    });
  }

  for (const error of [
    failure('ECONNRESET'),
    failure('EPIPE'),
    failure('UND_ERR_SOCKET'),
    failure('UND_ERR_HEADERS_TIMEOUT'),
    failure('ETIMEDOUT', { syscall: 'read' }),
    failure('ETIMEDOUT'),
    failure('DEPTH_ZERO_SELF_SIGNED_CERT'),
    failure('UND_ERR_CLOSED'),
    severalAddresses('ECONNREFUSED', 'ECONNRESET'),
    failure(undefined),
  ]) {
    const { code } = error as NodeJS.ErrnoException;
    it(`never repeats a POST that may have been sent (${named(error)})`, async () => {
      const { http, request } = failing(error);
      await assert.rejects(http(post(ORIGIN)), (thrown: unknown) => {
        assert.ok(thrown instanceof OktaUnreachableError);
        assert.match(thrown.message, new RegExp(code ?? '\\(Error\\)'));
        return hasNoSecret(thrown);
      });
      assert.equal(request.mock.callCount(), 1);
    });
  }

  it('reads the response that an interceptor has put on its error, as far as there is one', async () => {
    for (const [body, headers, json] of [
      ['{"a":1}', { 'retry-after': '7' }, { a: 1 }],
      [{ a: 1 }, { 'retry-after': '7' }, { a: 1 }],
      ['<html>', undefined, undefined],
      [undefined, null, undefined],
    ]) {
      const error = failure('UND_ERR_RESPONSE', { statusCode: 403, body, headers });
      const response = await failing(error).http(post(ORIGIN));
      assert.deepEqual(response, { status: 403, headers: headers ?? {}, json });
    }
  });

  for (const code of ['HPE_INVALID_CONSTANT', 'UND_ERR_HEADERS_OVERFLOW']) {
    it(`calls it an invalid response when what answers does not speak HTTP (${code})`, async () => {
      const { http } = failing(failure(code));
      await assert.rejects(http(post(ORIGIN)), (thrown: unknown) => {
        assert.ok(thrown instanceof OktaResponseError);
        assert.equal(thrown.code, 'invalid_response');
        return hasNoSecret(thrown);
      });
    });
  }

  for (const code of ['X_HPE_INVALID', 'HTTPParserErrors', 'UND_ERR_HEADERS_OVERFLOWS']) {
    it(`does not take every code for that (${code})`, async () => {
      await assert.rejects(failing(failure(code)).http(post(ORIGIN)), OktaUnreachableError);
    });
  }

  for (const [what, thrown] of [
    ['an error whose code is a number, as a DOMException has', new DOMException('x', 'AbortError')],
    ['nothing', null],
  ] as const) {
    it(`is unreachable when the dispatcher fails with ${what}`, LIMIT, async () => {
      const { http } = failing(thrown);
      await assert.rejects(http(post(ORIGIN)), OktaUnreachableError);
    });
  }

  it('is unreachable when the dispatcher throws', async () => {
    const http = clientOf(() => {
      throw failure('ECONNRESET');
    });
    await assert.rejects(http(post(ORIGIN)), (thrown: unknown) => {
      assert.ok(thrown instanceof OktaUnreachableError);
      return hasNoSecret(thrown);
    });
  });

  it('repeats nothing once the time is over, whatever stopping it leads to', LIMIT, async () => {
    let calls = 0;
    const http = clientOf((_options, handler) => {
      calls += 1;
      const abort = () => handler.onResponseError(CONTROLLER, failure('ECONNREFUSED'));
      handler.onRequestStart({ abort } as unknown as Dispatcher.DispatchController, {});
    }, 30);
    await assert.rejects(http(post(ORIGIN)), OktaTimeoutError);
    await settle();
    assert.equal(calls, 1);
  });

  it('counts the repetition into the same deadline, and tells undici to stop', LIMIT, async () => {
    const aborted = gate();
    let calls = 0;
    const http = clientOf((_options, handler) => {
      calls += 1;
      if (calls === 1) return handler.onResponseError(CONTROLLER, failure('ECONNREFUSED'));
      const abort = () => aborted.open();
      handler.onRequestStart({ abort } as unknown as Dispatcher.DispatchController, {});
    }, 30);
    await assert.rejects(http(post(ORIGIN)), (thrown: unknown) => {
      assert.ok(thrown instanceof OktaTimeoutError);
      assert.match(thrown.message, /POST https:\/\/acme\.okta\.com\/ within 30 ms/);
      return hasNoSecret(thrown);
    });
    await aborted.opened;
    assert.equal(calls, 2);
  });

  it('stops a request whose connection is there only after the time is over', LIMIT, async () => {
    const aborted = gate();
    let connect: () => void = assert.fail;
    const http = clientOf((_options, handler) => {
      const abort = () => aborted.open();
      connect = () =>
        handler.onRequestStart({ abort } as unknown as Dispatcher.DispatchController, {});
    }, 30);
    await assert.rejects(http(post(ORIGIN)), OktaTimeoutError);
    connect();
    await aborted.opened;
  });

  it('leaves no timer behind, whether the call succeeds or fails', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const abort = t.mock.fn();
    for (const outcome of [undefined, failure('ECONNRESET')]) {
      const http = clientOf((options, handler) => {
        if (outcome === undefined) succeed(options, handler);
        else {
          handler.onRequestStart({ abort } as unknown as Dispatcher.DispatchController, {});
          handler.onResponseError(CONTROLLER, outcome);
        }
      });
      await http(post(ORIGIN)).catch(() => undefined);
      t.mock.timers.tick(5000);
    }
    assert.equal(abort.mock.callCount(), 0);
  });
});

describe('createHttpClient, over real connections', () => {
  let agent: Agent;
  const closing: (() => Promise<unknown>)[] = [];
  beforeEach(() => {
    agent = new Agent();
    closing.push(() => agent.destroy());
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function listen(server: Server | net.Server): Promise<string> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket));
    closing.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  }

  /** An HTTP server that has read the request by the time it answers. */
  function http(answer: (res: ServerResponse, url: string) => void): Server {
    return createServer((req, res) => {
      req.resume().on('end', () => answer(res, req.url ?? ''));
    });
  }

  const call = (url: string, timeout = 2000) =>
    createHttpClient({ dispatcher: agent, timeout })(post(url));

  const isInvalidResponse = (text: RegExp) => (error: unknown) => {
    assert.ok(error instanceof OktaResponseError);
    assert.equal(error.code, 'invalid_response');
    assert.match(error.message, text);
    return hasNoSecret(error);
  };

  for (const status of [301, 302, 303, 307, 308]) {
    it(`follows no redirect (${status})`, LIMIT, async () => {
      const asked: string[] = [];
      const url = await listen(
        http((res, path) => {
          asked.push(path);
          res.writeHead(path === '/token' ? status : 200, { location: '/elsewhere' }).end('{}');
        }),
      );
      assert.equal((await call(url)).status, status);
      assert.deepEqual(asked, ['/token']);
    });
  }

  for (const [what, status, body] of [
    ['JSON', 200, '{"a":1}'],
    ['HTML', 200, '<html>'],
    ['an error', 500, 'oops'],
    ['a redirect', 302, 'moved'],
  ] as const) {
    it(`keeps the connection for the next call after ${what}`, LIMIT, async () => {
      let connections = 0;
      const server = http((res) => res.writeHead(status).end(body));
      server.on('connection', () => (connections += 1));
      const url = await listen(server);
      await call(url);
      // undici takes a connection into use again one turn of the event loop later.
      await settle();
      await call(url);
      assert.equal(connections, 1);
    });
  }

  it(
    "switches the dispatcher's own timeouts off, so that its own alone counts",
    LIMIT,
    async () => {
      const seen: Dispatcher.DispatchOptions[] = [];
      const watched = agent.compose((dispatch) => (options, handler) => {
        seen.push(options);
        return dispatch(options, handler);
      });
      const url = await listen(http((res) => res.end('{"a":1}')));
      const client = createHttpClient({ dispatcher: watched, timeout: 2000 });
      assert.deepEqual((await client(post(url))).json, { a: 1 });
      assert.deepEqual(
        seen.map(({ headersTimeout, bodyTimeout }) => [headersTimeout, bodyTimeout]),
        [[0, 0]],
      );
    },
  );

  it('gives up on a body that only drips, and closes the connection', LIMIT, async () => {
    const closed = gate();
    const url = await listen(
      http((res) => {
        res.writeHead(200, { 'content-type': 'application/json' }).write('{"a":"');
        const drip = setInterval(() => res.write('x'), 10);
        res.on('close', () => {
          clearInterval(drip);
          closed.open();
        });
      }),
    );
    await assert.rejects(call(url, 120), (error: unknown) => {
      assert.ok(error instanceof OktaTimeoutError);
      return hasNoSecret(error);
    });
    await closed.opened;
  });

  it('gives up on headers that never come, and closes the connection', LIMIT, async () => {
    const closed = gate();
    const url = await listen(http((res) => res.on('close', () => closed.open())));
    await assert.rejects(call(url, 60), OktaTimeoutError);
    await closed.opened;
  });

  it('gives up on a host that takes no connection', LIMIT, async () => {
    agent = new Agent({ connect: () => undefined });
    await assert.rejects(call('http://127.0.0.1:9/token', 30), OktaTimeoutError);
  });

  for (const how of ['ends', 'resets'] as const) {
    it(
      `is unreachable, and sends nothing again, when the server ${how} the connection`,
      LIMIT,
      async () => {
        let requests = 0;
        const url = await listen(
          net.createServer((socket) => {
            socket.on('error', () => undefined);
            socket.once('data', () => {
              requests += 1;
              if (how === 'ends') socket.destroy();
              else socket.resetAndDestroy();
            });
          }),
        );
        await assert.rejects(call(url), (error: unknown) => {
          assert.ok(error instanceof OktaUnreachableError);
          assert.match(error.message, /UND_ERR_SOCKET|ECONNRESET/);
          return hasNoSecret(error);
        });
        await settle();
        assert.equal(requests, 1);
      },
    );
  }

  for (const [what, head] of [
    ['content-length', 'content-length: 100\r\n\r\n{"a":1}'],
    ['chunks', 'transfer-encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n'],
  ] as const) {
    it(`refuses an answer that is cut off (${what})`, LIMIT, async () => {
      const url = await listen(
        net.createServer((socket) => {
          socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${head}`));
        }),
      );
      await assert.rejects(call(url), isInvalidResponse(/was cut off/));
    });
  }

  it('refuses what does not speak HTTP', LIMIT, async () => {
    const url = await listen(
      net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
      }),
    );
    await assert.rejects(call(url), isInvalidResponse(/is not valid HTTP\/1\.1/));
  });

  it('refuses headers without an end', LIMIT, async () => {
    const url = await listen(
      net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`));
      }),
    );
    await assert.rejects(call(url), isInvalidResponse(/UND_ERR_HEADERS_OVERFLOW/));
  });

  it('takes an answer of exactly 1 MiB', LIMIT, async () => {
    const url = await listen(http((res) => res.end(`{"a":"${'x'.repeat(1024 * 1024 - 8)}"}`)));
    assert.equal(String((await call(url)).json?.['a']).length, 1024 * 1024 - 8);
  });

  it('refuses an answer of one byte more', LIMIT, async () => {
    const url = await listen(http((res) => res.end(`{"a":"${'x'.repeat(1024 * 1024 - 7)}"}`)));
    await assert.rejects(call(url), isInvalidResponse(/larger than 1 MiB/));
  });

  it(
    'refuses an answer without an end as soon as it is too large, and closes the connection',
    LIMIT,
    async () => {
      const closed = gate();
      const url = await listen(
        http((res) => {
          const more = () => {
            while (!res.destroyed && res.write(Buffer.alloc(65_536, 0x20)));
          };
          res.on('drain', more).on('close', () => closed.open());
          more();
        }),
      );
      await assert.rejects(call(url, 60_000), isInvalidResponse(/larger than/));
      await closed.opened;
    },
  );

  it('puts a character together whose bytes come in two parts', LIMIT, async () => {
    const url = await listen(
      http((res) => {
        const bytes = Buffer.from('{"a":"🔑"}');
        res.write(bytes.subarray(0, 8), () => setImmediate(() => res.end(bytes.subarray(8))));
      }),
    );
    assert.deepEqual((await call(url)).json, { a: '🔑' });
  });

  it('is unreachable when the connection is refused, after one repetition', LIMIT, async () => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));

    let connections = 0;
    agent = new Agent({
      connect: (_options, callback) => {
        connections += 1;
        net.connect(port, '127.0.0.1').on('error', (error) => callback(error, null));
      },
    });
    await assert.rejects(call(`http://127.0.0.1:${port}/token`), (error: unknown) => {
      assert.ok(error instanceof OktaUnreachableError);
      assert.match(error.message, /ECONNREFUSED/);
      return hasNoSecret(error);
    });
    assert.equal(connections, 2);
  });

  it(
    'goes through when only the first connection is refused, and is sent once',
    LIMIT,
    async () => {
      const bodies: string[] = [];
      const server = createServer((req, res) => {
        let body = '';
        req.on('data', (chunk: Buffer) => (body += chunk.toString()));
        req.on('end', () => {
          bodies.push(body);
          res.end('{"a":1}');
        });
      });
      const url = await listen(server);
      let connections = 0;
      agent = new Agent({
        connect: (_options, callback) => {
          connections += 1;
          if (connections === 1) {
            const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
            setImmediate(() => callback(refused, null));
            return;
          }
          const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
          socket.once('connect', () => callback(null, socket));
        },
      });
      assert.deepEqual((await call(url)).json, { a: 1 });
      assert.deepEqual([connections, bodies], [2, [SECRET]]);
    },
  );
});
