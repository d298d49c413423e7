import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { EnvHttpProxyAgent, ProxyAgent, type Dispatcher } from 'undici';
import type { Okta } from '../../../example/okta/index.js';
import {
  addSecrets,
  Browser,
  finishLogin,
  logIn,
  passPassword,
  scene,
  soon,
  until,
  watchTokenRequests,
} from '../../support/index.js';
import { selfSigned } from './certificate.js';
import { ConnectProxy, type Refusal } from './connect-proxy.js';
import { STEPS, Timeouts, TIMEOUT, useOktaUnderFaults } from './support.js';

const trusted = selfSigned('127.0.0.1');
const CREDENTIALS = 'acme:proxy-password-of-acme';
addSecrets('proxy-password-of-acme', Buffer.from(CREDENTIALS).toString('base64'));

let okta: Okta;
useOktaUnderFaults((started) => (okta = started), { tls: trusted });

/** A proxy, and an app of which each request goes through it on a connection of its own. */
async function behindProxy(
  t: TestContext,
  dispatcherFor: (proxy: ConnectProxy, options: object) => Dispatcher = (proxy, options) =>
    new ProxyAgent({ ...options, uri: proxy.url }),
) {
  const proxy = new ConnectProxy(CREDENTIALS);
  await proxy.start();
  const dispatcher = dispatcherFor(proxy, {
    pipelining: 0,
    requestTls: { ca: trusted.cert },
    connect: { ca: trusted.cert },
  });
  t.after(async () => {
    await dispatcher.destroy();
    await proxy.stop();
  });
  const timeouts = new Timeouts(t);
  const given = await scene(t, { options: { dispatcher, timeout: TIMEOUT } });
  return { proxy, timeouts, ...given };
}

const answers =
  (text: string): Refusal =>
  (socket) =>
    socket.end(text);

interface Wrong {
  refusal: Refusal | 'stopped';
  status: number;
  says: (proxy: ConnectProxy) => RegExp;
  /** CONNECTs to wait for, where the answer is the strategy's timeout. */
  connects?: number;
}

const WRONG: Record<string, Wrong> = {
  'takes no connection': {
    refusal: 'stopped',
    status: 503,
    says: ({ address }) =>
      new RegExp(`^The proxy of the dispatcher, ${address}, could not be reached .*ECONNREFUSED`),
  },
  'answers 407': {
    refusal: answers('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n'),
    status: 503,
    says: () => /^The proxy .* refused the connection .* HTTP 407.*username and password/,
  },
  'answers 502': {
    refusal: answers('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'),
    status: 503,
    says: () => /^The proxy .* refused the connection .* HTTP 502.*can reach it/,
  },
  'resets the connection': {
    refusal: (socket) => socket.resetAndDestroy(),
    status: 503,
    says: () => /\(ECONNRESET\).*The dispatcher is a ProxyAgent: check its proxy/,
  },
  'is no proxy': {
    refusal: answers('220 mail.example.com ESMTP\r\n'),
    status: 502,
    says: () => /not valid HTTP.*The dispatcher is a ProxyAgent: check its proxy/,
  },
  'never answers': {
    refusal: () => undefined,
    status: 504,
    says: () => /did not answer .*The dispatcher is a ProxyAgent: check its proxy/,
  },
  // undici 7 asks it again and again, until it is told to stop.
  'hangs up': {
    refusal: (socket) => socket.end(),
    status: 504,
    connects: 3,
    says: () => /did not answer .*The dispatcher is a ProxyAgent: check its proxy/,
  },
};

for (const step of STEPS) {
  describe(`A proxy at the ${step.name} step is named without its password, and nothing is lost, when it`, () => {
    for (const [name, { refusal, status, says, connects = 1 }] of Object.entries(WRONG)) {
      it(`${name}: ${status}`, async (t) => {
        const { app, browser, user, proxy, timeouts } = await behindProxy(t);
        if (step.name === 'passcode') {
          await passPassword(browser, user);
          await until('the keys', () => proxy.targets.length === 2 && proxy.sockets.size === 0);
        }
        const before = app.store.waiting(browser.sessionID);
        const asked = proxy.targets.length;
        if (refusal === 'stopped') await proxy.stop();
        else proxy.refusal = refusal;
        const reached = watchTokenRequests(okta);

        const sent = step.send({ browser, user, okta });
        if (status === 504) {
          await until('the CONNECT', () => proxy.targets.length >= asked + connects);
          timeouts.runOut();
        }
        const answer = await soon('the answer', sent);

        assert.equal(answer.status, status, answer.text);
        assert.match(String(answer.body['message']), says(proxy));
        assert.equal(reached().length, 0);
        assert.deepEqual(app.store.waiting(browser.sessionID), before);
        proxy.refusal = undefined;
        if (refusal === 'stopped') await proxy.start();
        if (step.name === 'password') await passPassword(browser, user);
        await finishLogin(browser, okta, user);
        assert.equal(reached().length, step.name === 'password' ? 2 : 1);
      });
    }
  });
}

describe('A proxy', () => {
  const withName = (name: string): Dispatcher => {
    const lookup = (_host: string, _options: unknown, callback: (error: Error) => void) => {
      const error = new Error(`getaddrinfo ENOTFOUND ${name}`);
      callback(Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name }));
    };
    // Node's own look-up would ask the machine's name server.
    const proxyTls = { lookup } as ProxyAgent.Options['proxyTls'];
    return new ProxyAgent({
      uri: `http://${CREDENTIALS}@${name}:3128`,
      ...(proxyTls && { proxyTls }),
    });
  };

  it('whose name is unknown is told from an unknown issuer', async (t) => {
    const { browser, user } = await behindProxy(t, () => withName('proxy.acme.invalid'));
    const { status, body } = await STEPS[0]!.send({ browser, user, okta });
    assert.equal(status, 503);
    assert.match(
      String(body['message']),
      /^The proxy of the dispatcher, proxy\.acme\.invalid, could not be reached .*ENOTFOUND/,
    );
  });

  it('that works is not seen: a login, by ProxyAgent', async (t) => {
    const { app, proxy } = await behindProxy(t);
    await logIn(new Browser(app.url), okta, okta.addUser());
    const { host } = new URL(okta.origin);
    // The password, the keys, the passcode.
    assert.deepEqual(proxy.targets, [host, host, host]);
  });

  it('of the environment is used by EnvHttpProxyAgent, and a wrong one is named', async (t) => {
    const { browser, user, proxy } = await behindProxy(
      t,
      ({ url }, options) => new EnvHttpProxyAgent({ ...options, httpsProxy: url, noProxy: '' }),
    );
    await logIn(browser, okta, user);
    assert.equal(proxy.targets.length, 3);
    await proxy.stop();
    const { body } = await STEPS[0]!.send({ browser, user, okta });
    assert.match(String(body['message']), new RegExp(`proxy of the dispatcher, ${proxy.address}`));
  });

  it('that NO_PROXY leaves out is not asked', async (t) => {
    const { browser, user, proxy } = await behindProxy(
      t,
      ({ url }, options) =>
        new EnvHttpProxyAgent({ ...options, httpsProxy: url, noProxy: '127.0.0.1' }),
    );
    await logIn(browser, okta, user);
    assert.deepEqual(proxy.targets, []);
  });

  it('before a host with a certificate of its own authority: NODE_EXTRA_CA_CERTS is named', async (t) => {
    const { browser, user } = await behindProxy(t, ({ url }) => new ProxyAgent(url));
    const { status, body } = await STEPS[0]!.send({ browser, user, okta });
    assert.equal(status, 503);
    assert.match(String(body['message']), /DEPTH_ZERO_SELF_SIGNED_CERT.*NODE_EXTRA_CA_CERTS/);
  });
});
