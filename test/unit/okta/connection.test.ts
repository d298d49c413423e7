import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Agent, EnvHttpProxyAgent, interceptors, ProxyAgent, type Dispatcher } from 'undici';
import { OktaUnreachableError } from '../../../lib/errors.js';
import { proxyHint, unreachable, wasNeverSent } from '../../../lib/okta/connection.js';

const url = new URL('https://acme.okta.com/oauth2/v1/token');
const where = `POST ${url.href}`;

function messageFor(error: object, dispatcher: Dispatcher = new Agent()): string {
  const made = unreachable(error, { where, url, dispatcher });
  assert.ok(made instanceof OktaUnreachableError);
  return made.message;
}

const refused = (address: string, port: number) =>
  Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect', address, port });
const unknown = (hostname: string) =>
  Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname });
const slow = (addresses: string) =>
  Object.assign(new Error(`Connect Timeout Error (${addresses}, timeout: 10000ms)`), {
    code: 'UND_ERR_CONNECT_TIMEOUT',
  });

describe('A connection that could not be made', () => {
  for (const [name, error, proxy] of [
    ['to an address at another port', refused('10.0.0.7', 3128), '10.0.0.7:3128'],
    ['to an IPv6 address at another port', refused('fd00::7', 3128), '[fd00::7]:3128'],
    [
      'to none of several addresses',
      Object.assign(new AggregateError([refused('10.0.0.7', 3128), refused('10.0.0.8', 3128)]), {
        code: 'ECONNREFUSED',
      }),
      '10.0.0.7:3128',
    ],
    ['to an unknown name', unknown('proxy.acme.com'), 'proxy.acme.com'],
    ['in time, to a name', slow('attempted address: proxy.acme.com:443'), 'proxy.acme.com:443'],
    [
      'in time, to one of several addresses',
      slow('attempted addresses: 10.0.0.7:3128, 10.0.0.8:3128'),
      '10.0.0.7:3128',
    ],
  ] as const) {
    it(`${name} is a proxy's when it is not Okta's: ${proxy}`, () => {
      assert.ok(wasNeverSent(error));
      assert.ok(
        messageFor(error).startsWith(
          `The proxy of the dispatcher, ${proxy}, could not be reached for ${where} (${error.code}).`,
        ),
        messageFor(error),
      );
    });
  }

  for (const [name, error] of [
    ['to an address', refused('203.0.113.7', 443)],
    ['to the unknown name', unknown('ACME.okta.com')],
    ['in time', slow('attempted address: acme.okta.com:443')],
    ['in time, without a port', slow('attempted address: acme.okta.com:')],
    ['to one of several addresses in time', slow('attempted addresses: 203.0.113.7:443')],
    ['to something that is no address', unknown('a password\n')],
    ['and that says nothing more', Object.assign(new Error(), { code: 'ENETUNREACH' })],
    ['and had been made before', Object.assign(refused('10.0.0.7', 3128), { code: 'EPIPE' })],
  ] as const) {
    it(`${name} is Okta's`, () => {
      assert.match(messageFor(error), /^Okta could not be reached .* TLS\.$/);
    });
  }

  it('because the proxy speaks another protocol is named', () => {
    for (const code of ['UND_ERR_SOCKS5_VERSION', 'UND_ERR_PRX_TLS', 'UND_ERR_PRX_CONN']) {
      const error = Object.assign(new Error('no'), { code });
      assert.match(messageFor(error), new RegExp(`^The proxy .* failed .*\\(${code}\\)`));
    }
  });

  it('may always have been a proxy, for a dispatcher that is made for them', () => {
    const proxied = new ProxyAgent('http://u:hunter2@127.0.0.1:9');
    assert.match(proxyHint(proxied), /ProxyAgent: check its proxy/);
    const composed = proxied.compose(interceptors.dump());
    assert.match(proxyHint(composed), /ProxyAgent: check its proxy/);
    assert.match(proxyHint(new EnvHttpProxyAgent()), /HTTPS_PROXY, HTTP_PROXY and NO_PROXY/);
    for (const other of [new Agent(), { dispatch: () => true }, Object.create(null) as object]) {
      assert.equal(proxyHint(other as Dispatcher), '');
    }
  });
});
