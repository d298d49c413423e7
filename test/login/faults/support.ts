import assert from 'node:assert/strict';
import { after, before, it, type TestContext } from 'node:test';
import { Agent, interceptors, type buildConnector } from 'undici';
import type { Okta, OktaOptions, User } from '../../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions, Transaction } from '../../../lib/index.js';
import {
  addSecrets,
  Browser,
  currentOkta,
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  soon,
  startApp,
  until,
  useOkta,
  watchTokenRequests,
  whoIs,
  type Answer,
  type App,
} from '../../support/index.js';
import { FaultProxy, isPasscode, isPassword, type Matcher } from './proxy.js';

/** Milliseconds: an unusual number, by which the strategy's own timers are recognized. */
export const TIMEOUT = 54_321;

/**
 * The stand-in for a test file. When its tests have run, no error or rejection has gone uncaught, and
 * nothing is left that keeps the process alive.
 */
export function useOktaUnderFaults(started: (okta: Okta) => void, options: OktaOptions = {}): void {
  const escaped: unknown[] = [];
  const note = (error: unknown) => void escaped.push(error);
  let resources: string[];
  const active = () => process.getActiveResourcesInfo().filter((name) => name !== 'Immediate');
  before(() => {
    resources = active();
    process.on('unhandledRejection', note);
    process.on('uncaughtException', note);
  });
  useOkta(started, { rateLimitPerSecond: Infinity, ...options });
  after(async () => {
    await until('all that was started to end', () => active().length <= resources.length);
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
    assert.deepEqual(escaped, []);
  });
}

/** The strategy's timers, which expire when the test says so. */
export class Timeouts {
  readonly #running = new Map<unknown, () => void>();

  constructor(t: TestContext) {
    const { setTimeout, clearTimeout } = globalThis;
    const set = (run: () => void, delay?: number, ...args: unknown[]) => {
      const timer = (setTimeout as (...given: unknown[]) => NodeJS.Timeout)(run, delay, ...args);
      if (delay === TIMEOUT) this.#running.set(timer, run);
      return timer;
    };
    const clear = (timer: NodeJS.Timeout | undefined) => {
      this.#running.delete(timer);
      clearTimeout(timer);
    };
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
    t.after(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
  }

  get running(): number {
    return this.#running.size;
  }

  runOut(): void {
    assert.ok(this.running > 0, 'no call to Okta is under way');
    for (const [timer, run] of [...this.#running]) {
      clearTimeout(timer as NodeJS.Timeout);
      run();
    }
  }
}

export interface Faulty {
  readonly t: TestContext;
  readonly okta: Okta;
  readonly proxy: FaultProxy;
  readonly agent: Agent;
  readonly app: App;
  readonly timeouts: Timeouts;
  readonly user: User;
  readonly browser: Browser;
  /** The transaction that is saved for the browser. */
  transaction: () => Transaction | undefined;
}

/** The same app, with another person at another browser. */
export function withNewBrowser(faulty: Faulty): Faulty {
  const { app, okta } = faulty;
  const browser = new Browser(app.url);
  const transaction = () => app.store.waiting(browser.sessionID);
  return { ...faulty, browser, user: okta.addUser(), transaction };
}

export interface FaultyOptions {
  strategy?: Partial<OktaDirectMfaStrategyOptions>;
  agent?: Agent.Options;
  connect?: Parameters<FaultProxy['connector']>[0];
  /** Instead of the connector of the proxy. */
  connector?: (proxy: FaultProxy) => buildConnector.connector;
  /** The app's dispatcher follows redirects, for the sake of the app's own requests. */
  followsRedirects?: boolean;
  /** The strategy has not been used yet: it has no keys and no connections. */
  cold?: boolean;
}

/** A test with its own app, agent and proxy, none of which leaves anything behind. */
export function faultIt(
  name: string,
  options: FaultyOptions,
  body: (faulty: Faulty) => Promise<void>,
): void {
  const { strategy, agent: agentOptions, connect, connector, followsRedirects, cold } = options;
  it(name, async (t) => {
    const okta = currentOkta();
    const timeouts = new Timeouts(t);
    const proxy = await FaultProxy.start(okta.origin);
    // An idle connection does not expire within a test: one that ends was ended by somebody.
    const kept = { keepAliveTimeout: 600_000, keepAliveMaxTimeout: 600_000 };
    const agent = new Agent({
      ...kept,
      ...agentOptions,
      connect: connector?.(proxy) ?? proxy.connector(connect),
    });
    try {
      const dispatcher = followsRedirects
        ? agent.compose(interceptors.redirect({ maxRedirections: 3 }))
        : agent;
      const given = { dispatcher, timeout: TIMEOUT, ...strategy };
      const app = await startApp(t, { strategyOptions: optionsFor(okta, given) });
      const browser = new Browser(app.url);
      const user = okta.addUser();
      if (!cold) {
        await logIn(new Browser(app.url), okta, okta.addUser());
        app.actions.length = 0;
      }
      const transaction = () => app.store.waiting(browser.sessionID);
      await body({ t, okta, proxy, agent, app, timeouts, user, browser, transaction });

      for (const { form } of proxy.exchanges) {
        addSecrets(
          ...['password', 'otp', 'mfa_token'].map((field) => form.get(field) ?? undefined),
        );
      }
      assert.equal(timeouts.running, 0, 'no timer is left');
      await soon('the agent to close', agent.close());
      await until('the sockets to close', () => proxy.sockets === 0);
      assert.deepEqual(proxy.failures, []);
    } finally {
      await agent.destroy();
      await proxy.close();
    }
  });
}

/** Either step, as seen from the browser and from the proxy. */
export interface Step {
  name: string;
  matches: Matcher;
  send: (from: Pick<Faulty, 'browser' | 'user' | 'okta'>) => Promise<Answer>;
}

export const STEPS: readonly Step[] = [
  {
    name: 'password',
    matches: isPassword,
    send: ({ browser, user }) => sendPassword(browser, user),
  },
  {
    name: 'passcode',
    matches: isPasscode,
    send: ({ browser, user, okta }) => sendOtp(browser, okta.otp(user)),
  },
];

export interface Expected {
  status: number;
  code: string;
  /** POSTs that left the strategy. Default: 1. */
  left?: number;
  /** POSTs that reached Okta. Default: 0. */
  reached?: number;
  /** What else the answer's `info` holds. */
  info?: Record<string, unknown>;
  /** It counts as a wrong passcode, at the passcode step. */
  counts?: boolean;
  /** What the answer's message says. */
  says?: RegExp;
}

/** What a fault leads to, by class. */
export const unreachable = { status: 503, code: 'okta_unreachable' };
export const tooSlow = { status: 504, code: 'okta_timeout' };
export const unusable = { status: 502, code: 'invalid_response' };
export const failing = { status: 502, code: 'okta_error' };

/**
 * With a transaction saved for the browser, a step meets a fault: one action and the expected answer,
 * so many POSTs and no more, the transaction as it was, and nobody logged in.
 */
export async function assertFault(
  faulty: Faulty,
  step: Step,
  expected: Expected,
  during: () => unknown = () => undefined,
): Promise<Answer> {
  const { okta, app, proxy, browser, transaction } = faulty;
  const before = transaction();
  assert.ok(before, 'a transaction is saved');
  app.actions.length = 0;
  app.errors.length = 0;
  const { posts } = proxy;
  const reached = watchTokenRequests(okta);

  const sent = step.send(faulty);
  await during();
  const answer = await soon('the answer', sent);

  const { status, code, left = 1, info = {}, says } = expected;
  assert.deepEqual([answer.status, answer.body['code']], [status, code], answer.text);
  for (const [name, value] of Object.entries(info)) assert.equal(answer.body[name], value, name);
  if (says) assert.match(String(answer.body['message']), says);
  const action = status >= 500 ? 'error' : 'fail';
  assert.deepEqual(
    app.actions.map(({ name }) => name),
    [action],
  );
  assert.equal(app.errors.length, status >= 500 ? 1 : 0);
  assert.equal(proxy.posts - posts, left, 'POSTs that left');
  assert.equal(reached().length, expected.reached ?? 0, 'POSTs that reached Okta');
  const attempts = before.attempts + (expected.counts && step.matches === isPasscode ? 1 : 0);
  assert.deepEqual(transaction(), { ...before, attempts }, 'the transaction is as it was');
  assert.equal(await whoIs(browser), undefined);
  return answer;
}

/** The password step, before a fault: its transaction is saved. */
export async function begin({ browser, user }: Faulty): Promise<void> {
  await passPassword(browser, user);
}

/** The passcode step, after a fault: it logs in. */
export async function finish({ browser, okta, user }: Faulty): Promise<void> {
  await finishLogin(browser, okta, user);
}
