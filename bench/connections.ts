/**
 * What the passcode step costs after the person has typed for a while, in round trips to an Okta that is
 * 40 ms away, over TLS: with undici's own Agent, which ends a connection after four idle seconds, and
 * with the one of docs/production.md.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { dispatcherOptions } from '../docs/recipes/dispatcher.js';
import { OktaDirectMfaStrategy } from '../lib/index.js';
import { selfSigned } from '../test/login/faults/certificate.js';
import { CLIENT_ID } from './constants.js';
import { passportLogin } from './harness.js';
import { startEndpoint } from './processes.js';

/** Milliseconds. */
const ROUND_TRIP = 40;
const TYPING = 20_000;

/** A passcode step. */
interface Step {
  /** Waits for the other end: TCP's handshake, TLS's, and the request itself. */
  roundTrips: number;
  milliseconds: number;
}

export type Connections = Record<'undici' | 'documented', Step[]>;

/** A network on which bytes take half a round trip. */
async function startRelay(target: number) {
  let flights = 0;
  const pass = (from: Socket, to: Socket, flown: () => void) => {
    from.on('data', (chunk) => {
      flown();
      setTimeout(() => to.write(chunk), ROUND_TRIP / 2);
    });
    from.on('close', () => to.destroy()).on('error', () => undefined);
  };
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true });
    // What a client sends until it has an answer is one flight.
    let isAnswered = true;
    pass(client, upstream, () => {
      if (isAnswered) flights += 1;
      isAnswered = false;
    });
    pass(upstream, client, () => (isAnswered = true));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    flights: () => flights,
    end: () => server.close(),
  };
}

export async function measureConnections(
  user: { username: string; password: string; otp: string },
  rounds: number,
): Promise<Connections> {
  const { key, cert } = selfSigned('localhost');
  // As far as is known, Okta does not say how long it keeps a connection.
  const endpoint = await startEndpoint({ BENCH_TLS: key + cert, BENCH_KEEP_ALIVE_HINT: 'none' });
  const port = Number(new URL(endpoint.origin).port);

  async function run(options: Agent.Options): Promise<Step[]> {
    const relay = await startRelay(port);
    let made = 0;
    const dial = buildConnector({ ca: cert });
    const dispatcher = new Agent({
      ...options,
      connect: (target, callback) => {
        made += 1;
        // TCP's own handshake, which a relay on loopback cannot delay.
        setTimeout(() => dial({ ...target, port: String(relay.port) }, callback), ROUND_TRIP);
      },
    });
    const strategy = new OktaDirectMfaStrategy(
      { issuer: endpoint.origin, clientID: CLIENT_ID, dispatcher },
      (_tokens, _profile, done) => done(null, { id: 'bench' }),
    );
    const steps: Step[] = [];
    const roundTrips = () => made + relay.flights();
    const login = passportLogin(strategy);
    // Compiled, and with the keys.
    for (let times = 0; times < 20; times += 1) await login(user);
    for (let round = 0; round < rounds; round += 1) {
      let start = 0;
      let before = 0;
      await login(user, async () => {
        await new Promise((resolve) => setTimeout(resolve, TYPING));
        before = roundTrips();
        start = performance.now();
      });
      const milliseconds = performance.now() - start;
      steps.push({ milliseconds, roundTrips: roundTrips() - before });
    }
    await dispatcher.destroy();
    relay.end();
    return steps;
  }

  const undici = run({});
  // Not at the same moment: each would wait for the other's CPU.
  await new Promise((resolve) => setTimeout(resolve, TYPING / 2));
  const steps = { documented: await run(dispatcherOptions), undici: await undici };
  endpoint.end();
  return steps;
}

export function printConnections(connections: Connections, say: (line: string) => void): void {
  say(
    `\n| passcode step after ${TYPING / 1000} s | round trips | milliseconds, at ${ROUND_TRIP} each |`,
  );
  say('| --- | ---: | ---: |');
  for (const [name, steps] of Object.entries(connections)) {
    const all = (key: keyof Step) => steps.map((step) => step[key].toFixed(0)).join(', ');
    say(`| ${name} | ${all('roundTrips')} | ${all('milliseconds')} |`);
  }
}
