import assert from 'node:assert/strict';
import { after, before, it, type TestContext } from 'node:test';
import { Agent, type Dispatcher, type buildConnector } from 'undici';
import type { Okta, OktaOptions, User } from '../../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions, Transaction } from '../../../lib/index.js';
import { startApp, type App, type AppOptions } from '../../support/app.js';
import { Browser, type Answer } from '../../support/browser.js';
import { addSecrets } from '../../support/collector.js';
import {
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  whoIs,
} from '../../support/login.js';
import { useOkta, watchTokenRequests } from '../../support/okta.js';
import { soon, until } from '../../support/promises.js';
import { FaultProxy, isPasscode, isPassword, type Matcher } from './proxy.js';

/** An unusual number, by which the strategy's own timers are known. */
export const TIMEOUT = 54_321;

/**
 * The stand-in for a test file. When its tests have run, nothing has been thrown or rejected past
 * everybody, and nothing is left that keeps the process alive.
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

/** The strategy's timers, which run out when the test says so. */
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
  /** The login that waits in the browser. */
  waiting: () => Transaction | undefined;
}

/** The same app, with another person at another browser. */
export function withNewBrowser(faulty: Faulty): Faulty {
  const { app, okta } = faulty;
  const browser = new Browser(app.url);
  const waiting = () => app.store.waiting(browser.sessionID);
  return { ...faulty, browser, user: okta.addUser(), waiting };
}

export interface FaultyOptions {
  strategy?: Partial<OktaDirectMfaStrategyOptions>;
  app?: Omit<Partial<AppOptions>, 'strategyOptions'>;
  agent?: Agent.Options;
  connect?: Parameters<FaultProxy['connector']>[0];
  /** Instead of the connector of the proxy. */
  connector?: (proxy: FaultProxy) => buildConnector.connector;
  /** What the strategy gets on top of its agent. */
  compose?: (agent: Agent) => Dispatcher;
  /** The strategy has not been used yet: it has no keys and no connections. */
  cold?: boolean;
  todo?: string;
}

/** A test with an app, an agent and a proxy of its own, none of which leaves anything behind. */
export function faultIt(
  name: string,
  okta: () => Okta,
  options: FaultyOptions,
  body: (faulty: Faulty) => Promise<void>,
): void {
  const {
    strategy,
    app: appOptions,
    agent: agentOptions,
    connect,
    connector,
    cold,
    todo,
  } = options;
  const { compose = (agent: Agent): Dispatcher => agent } = options;
  it(name, todo === undefined ? {} : { todo }, async (t) => {
    const timeouts = new Timeouts(t);
    const proxy = await FaultProxy.start(okta().origin);
    // A kept connection does not end by itself in the time of a test: what ends, is ended.
    const kept = { keepAliveTimeout: 600_000, keepAliveMaxTimeout: 600_000 };
    const agent = new Agent({
      ...kept,
      ...agentOptions,
      connect: connector?.(proxy) ?? proxy.connector(connect),
    });
    try {
      const given = { dispatcher: compose(agent), timeout: TIMEOUT, ...strategy };
      const app = await startApp(t, { ...appOptions, strategyOptions: optionsFor(okta(), given) });
      const browser = new Browser(app.url);
      const user = okta().addUser();
      if (!cold) {
        await logIn(new Browser(app.url), okta(), okta().addUser());
        app.actions.length = 0;
      }
      const waiting = () => app.store.waiting(browser.sessionID);
      await body({ t, okta: okta(), proxy, agent, app, timeouts, user, browser, waiting });

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
  /** Whether the strategy asks for something in the answer's `info`. */
  info?: Record<string, unknown>;
  /** What the answer's message says. */
  says?: RegExp;
}

/**
 * A login waits in the browser, then a step meets a fault: one action and the expected answer, so
 * many POSTs and no more, the waiting login as it was, and nobody logged in.
 */
export async function assertFault(
  faulty: Faulty,
  step: Step,
  expected: Expected,
  during: () => unknown = () => undefined,
): Promise<Answer> {
  const { okta, app, proxy, browser, waiting } = faulty;
  const before = waiting();
  assert.ok(before, 'a login waits');
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
  assert.deepEqual(waiting(), before, 'the waiting login is untouched, its attempts too');
  assert.equal(await whoIs(browser), undefined);
  return answer;
}

/** A login that waits, for a fault to come. */
export async function wait(faulty: Faulty): Promise<void> {
  await passPassword(faulty.browser, faulty.user);
}
