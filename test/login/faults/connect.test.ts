import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { Agent, buildConnector } from 'undici';
import type { Okta } from '../../../example/okta/index.js';
import {
  Browser,
  finishLogin,
  gate,
  passPassword,
  scene,
  sceneAtPasscode,
  soon,
  until,
  watchTokenRequests,
  type App,
} from '../../support/index.js';
import { selfSigned } from './certificate.js';
import { STEPS, Timeouts, TIMEOUT, useOktaUnderFaults, type Step } from './support.js';

const good = selfSigned('127.0.0.1');
const wrongName = selfSigned('acme.okta.example');
const expired = selfSigned('127.0.0.1', [-9, -1]);
const future = selfSigned('127.0.0.1', [1, 9]);
const unknown = selfSigned('127.0.0.1');
/** Only the last of them is not trusted; what is wrong with the others is something else. */
const ca = [good, wrongName, expired, future].map(({ cert }) => cert);

let okta: Okta;
useOktaUnderFaults((started) => (okta = started), { tls: good });

/** A server that is not Okta, and what it received. */
interface Impostor {
  port: number;
  connections: number;
  /** Bytes of HTTP; those of a TLS handshake are not counted. */
  received: number;
  sockets: Set<Socket>;
  close(): Promise<void>;
}

async function listen(server: ReturnType<typeof createServer>): Promise<Impostor> {
  const sockets = new Set<Socket>();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const impostor: Impostor = {
    port: (server.address() as AddressInfo).port,
    connections: 0,
    received: 0,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('connection', (socket: Socket) => {
    impostor.connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  return impostor;
}

async function impostorWith(options: TlsOptions): Promise<Impostor> {
  const server = createTlsServer(options);
  const impostor = await listen(server);
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (impostor.received += chunk.length));
  });
  return impostor;
}

const impostorThat = (act: (socket: Socket) => unknown) => () =>
  listen(createServer((socket) => void act(socket.on('end', () => socket.end()))));

interface Detoured {
  app: App;
  agent: Agent;
  /** Ports to which connections to come go, instead of Okta's; the first is next. */
  detours: number[];
  attempts: () => number;
  /** Connections that have been made, their handshake included. */
  connected: () => number;
  timeouts: Timeouts;
}

function detourIt(name: string, body: (detoured: Detoured) => Promise<void>): void {
  it(name, async (t) => {
    const detours: number[] = [];
    let attempts = 0;
    let connected = 0;
    const dial = buildConnector({ ca, timeout: 0 });
    const agent = new Agent({
      // Each request comes on a new connection.
      pipelining: 0,
      connect: (target, callback) => {
        attempts += 1;
        const port = String(detours.shift() ?? target.port);
        dial({ ...target, port }, (...result) => {
          if (result[0] === null) connected += 1;
          callback(...result);
        });
      },
    });
    const timeouts = new Timeouts(t);
    try {
      const { app } = await scene(t, { options: { dispatcher: agent, timeout: TIMEOUT } });
      await body({
        app,
        agent,
        detours,
        attempts: () => attempts,
        connected: () => connected,
        timeouts,
      });
      assert.equal(timeouts.running, 0, 'no timer is left');
    } finally {
      await agent.destroy();
    }
  });
}

/** As `assertFault`, where something else than Okta is at the other end. */
async function assertDetour(
  detoured: Detoured,
  step: Step,
  impostor: Impostor,
  expected: { status: number; says: RegExp },
  during: () => unknown = () => undefined,
): Promise<void> {
  const { app, detours, attempts } = detoured;
  const user = okta.addUser();
  const browser = new Browser(app.url);
  await passPassword(browser, user);
  // The keys have been asked for too: their connection is not the one that goes astray.
  await until('the connection for the keys', () => attempts() === 2);
  const transaction = app.store.waiting(browser.sessionID);
  assert.ok(transaction);
  app.actions.length = 0;
  const reached = watchTokenRequests(okta);
  const before = attempts();
  detours.push(impostor.port);
  const sent = step.send({ browser, user, okta });
  await during();
  const { status, body, text } = await soon('the answer', sent);
  assert.equal(status, expected.status, text);
  assert.match(String(body['message']), expected.says);
  assert.deepEqual(
    app.actions.map(({ name }) => name),
    ['error'],
  );
  assert.deepEqual([attempts() - before, impostor.connections], [1, 1], 'not tried again');
  assert.equal(impostor.received, 0, 'no byte of the request has left');
  assert.equal(reached().length, 0);
  assert.deepEqual(app.store.waiting(browser.sessionID), transaction);
  await finishLogin(browser, okta, user);
}

const DETOURS: Record<string, { says: RegExp; start: () => Promise<Impostor> }> = {
  'a certificate for another name': {
    says: /\(ERR_TLS_CERT_ALTNAME_INVALID\)/,
    start: () => impostorWith(wrongName),
  },
  'an expired certificate': { says: /\(CERT_HAS_EXPIRED\)/, start: () => impostorWith(expired) },
  'a certificate of the future': {
    says: /\(CERT_NOT_YET_VALID\)/,
    start: () => impostorWith(future),
  },
  'a self-signed certificate': {
    says: /\(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    start: () => impostorWith(unknown),
  },
  'an answer in plain HTTP': {
    says: /\((ERR_SSL_\w+|EPROTO)\)/,
    start: impostorThat((socket) =>
      socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'),
    ),
  },
  'a reset in the handshake': {
    says: /\(ECONNRESET\)/,
    start: impostorThat((socket) => socket.once('data', () => socket.resetAndDestroy())),
  },
  'a hang-up in the handshake': {
    says: /\(ECONNRESET\)/,
    start: impostorThat((socket) => socket.resume().end()),
  },
};

it('a certificate of these tests is one that Node trusts', async (t) => {
  const impostor = await impostorWith(good);
  t.after(() => impostor.close());
  const socket = connectTls({ host: '127.0.0.1', port: impostor.port, ca: good.cert });
  t.after(() => socket.destroy());
  await soon('the handshake', new Promise((resolve) => socket.once('secureConnect', resolve)));
  assert.equal(socket.authorized, true);
  assert.equal(socket.getPeerCertificate().subjectaltname, 'IP Address:127.0.0.1');
});

describe('Over TLS', () => {
  for (const step of STEPS) {
    for (const [name, { says, start }] of Object.entries(DETOURS)) {
      detourIt(
        `${name} at the ${step.name} step: 503, nothing sent, and the next try logs in`,
        async (detoured) => {
          const impostor = await start();
          try {
            await assertDetour(detoured, step, impostor, { status: 503, says });
            await until('the connection to end', () => impostor.sockets.size === 0);
          } finally {
            await impostor.close();
          }
        },
      );
    }

    detourIt(
      `a handshake that hangs at the ${step.name} step: 504, nothing sent, also when it ends later`,
      async (detoured) => {
        const { app, agent, detours, timeouts, connected } = detoured;
        const arrived = gate();
        const goesOn = gate();
        const impostor = await impostorThat(async (socket) => {
          arrived.open();
          await goesOn.opened;
          const upstream = connect(Number(new URL(okta.origin).port), '127.0.0.1');
          socket.pipe(upstream).pipe(socket);
        })();
        try {
          await assertDetour(
            detoured,
            step,
            impostor,
            { status: 504, says: /within/ },
            async () => {
              await soon('the connection', arrived.opened);
              timeouts.runOut();
            },
          );
          const reached = watchTokenRequests(okta);
          const before = connected();
          goesOn.open();
          await until('the handshake to end', () => connected() > before);
          const user = okta.addUser();
          const browser = new Browser(app.url);
          await passPassword(browser, user);
          await finishLogin(browser, okta, user);
          assert.equal(reached().length, 2);
          assert.deepEqual(detours, []);
          await agent.destroy();
          await until('the connection to end', () => impostor.sockets.size === 0);
        } finally {
          await impostor.close();
        }
      },
    );
  }
});

/** A port at which the kernel takes no more connections: their SYN is dropped. */
class BlackHole {
  port = 0;
  #worker: Worker | undefined;
  readonly #fillers: Socket[] = [];
  readonly #asleep = new Int32Array(new SharedArrayBuffer(4));

  async open(): Promise<void> {
    // It listens, and then its thread sleeps: nobody accepts what queues up.
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const server = require('node:net').createServer();
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        parentPort.postMessage(server.address().port);
        Atomics.wait(workerData, 0, 0);
        server.close();
      });`;
    const worker = new Worker(code, { eval: true, workerData: this.#asleep });
    this.#worker = worker;
    const listening = new Promise<number>((resolve) => worker.once('message', resolve));
    this.port = await soon('the black hole', listening);
    // The queue holds backlog + 1; of so many, some have to wait.
    let connected = 0;
    for (let i = 0; i < 8; i++) {
      const filler = connect(this.port, '127.0.0.1', () => (connected += 1));
      this.#fillers.push(filler.on('error', () => undefined));
    }
    await until('the queue to be full', () => connected >= 2);
  }

  async close(): Promise<void> {
    for (const filler of this.#fillers) filler.destroy();
    Atomics.store(this.#asleep, 0, 1);
    Atomics.notify(this.#asleep, 0);
    await this.#worker?.terminate();
  }
}

describe('A host that takes no connection', () => {
  const hole = new BlackHole();
  before(() => hole.open());
  after(() => hole.close());

  /** An agent of which so many connections to come go to the black hole. */
  function holed(timeout: number, addresses?: string[]) {
    const state = { holes: 0, attempts: 0 };
    const lookup = (_name: string, _options: unknown, callback: (...args: never[]) => void) =>
      (callback as (...args: unknown[]) => void)(
        null,
        addresses?.map((address) => ({ address, family: 4 })),
      );
    const direct = buildConnector({ ca });
    const other = buildConnector({
      ca,
      timeout,
      ...(addresses === undefined
        ? {}
        : { lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 10 }),
    });
    const agent = new Agent({
      pipelining: 0,
      connect: (target, callback) => {
        state.attempts += 1;
        if (state.holes-- <= 0) return direct(target, callback);
        const hostname = addresses === undefined ? '127.0.0.1' : 'acme.okta.invalid';
        other({ ...target, hostname, port: String(hole.port) }, callback);
      },
    });
    return { agent, state };
  }

  for (const [name, times] of [
    ['once: the login goes on, with one POST', 1],
    ['twice: 503, no POST, and the next try logs in', 2],
  ] as const) {
    it(`runs into the connect timeout ${name}`, async (t) => {
      const { agent, state } = holed(50);
      t.after(() => agent.destroy());
      const { app, user, browser } = await sceneAtPasscode(t, { options: { dispatcher: agent } });
      await finishLogin(browser, okta, user);
      await passPassword(browser, user);
      const transaction = app.store.waiting(browser.sessionID);

      const reached = watchTokenRequests(okta);
      Object.assign(state, { holes: times, attempts: 0 });
      if (times === 2) {
        const answer = await STEPS[1]!.send({ browser, user, okta });
        assert.deepEqual([answer.status, answer.body['code']], [503, 'okta_unreachable']);
        assert.match(String(answer.body['message']), /UND_ERR_CONNECT_TIMEOUT/);
        assert.deepEqual([state.attempts, reached().length], [2, 0]);
        assert.deepEqual(app.store.waiting(browser.sessionID), transaction);
      }
      await finishLogin(browser, okta, user);
      assert.deepEqual([state.attempts, reached().length], [times + 1, 1]);
    });
  }

  it('at one address and refuses at the other was never asked: one repetition', async (t) => {
    const { agent, state } = holed(5000, ['127.0.0.1', '127.0.0.2']);
    t.after(() => agent.destroy());
    const { user, browser } = await sceneAtPasscode(t, { options: { dispatcher: agent } });
    await finishLogin(browser, okta, user);
    await passPassword(browser, user);
    Object.assign(state, { holes: 1, attempts: 0 });
    await finishLogin(browser, okta, user);
    assert.equal(state.attempts, 2);
  });
});
