import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startOkta, type Client, type Okta } from '../../../example/okta/index.js';
import type { Check } from '../../../lib/cli/doctor/check.js';
import { selfSigned } from '../../login/faults/certificate.js';
import { listen, type Teardown } from '../../support/servers.js';
import {
  CHALLENGE_STEP,
  MFA_OOB,
  MFA_OTP,
  MFA_WEBAUTHN,
  OTP_STEP,
  PASSWORD_STEP,
} from '../../support/okta.js';
import { diagnose, program } from './support.js';

const ALL_FACTORS = 'otp,push,sms,voice,email,webauthn';

describe('doctor', () => {
  let okta: Okta;
  let directory: string;
  before(async () => {
    okta = await startOkta({ record: true });
    directory = mkdtempSync(join(tmpdir(), 'doctor-'));
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await okta.close();
  });

  const asking = (client: Pick<Client, 'client_id'>, ...args: string[]) => [
    `--issuer=${okta.issuers.default}`,
    '--allow-insecure-issuer',
    `--client-id=${client.client_id}`,
    ...args,
  ];
  const nativeArgs = (...args: string[]) => asking(okta.clients.native, ...args);

  /** The grants that a client has, but for one. */
  const clientWithout = (grant: string): Client =>
    okta.addClient({
      grant_types: ['password', MFA_OTP, MFA_OOB, MFA_WEBAUTHN].filter((name) => name !== grant),
    });

  describe('with a set-up that is right', () => {
    for (const server of ['org', 'default'] as const) {
      it(`finds nothing to fix at the ${server} server, with every factor`, async () => {
        const { status, ok, checks, stderr } = await diagnose([
          `--issuer=${okta.issuers[server]}`,
          '--allow-insecure-issuer',
          `--client-id=${okta.clients.native.client_id}`,
          `--factors=${ALL_FACTORS}`,
        ]);
        assert.deepEqual({ status, ok, stderr }, { status: 0, ok: true, stderr: '' });
        assert.deepEqual(
          checks.map(({ id, status }) => [id, status]),
          [
            'issuer',
            'connection',
            'metadata',
            'keys',
            'clock',
            'client',
            'dpop',
            'scope',
            'grant:password',
            'grant:otp',
            'grant:push',
            'grant:sms',
            'grant:voice',
            'grant:email',
            'grant:webauthn',
          ].map((id) => [id, 'ok']),
        );
      });
    }

    it('proves the client by each method', async () => {
      const { basic, post, jwt } = okta.clients;
      const jwtClient = okta.addClient({ token_endpoint_auth_method: 'client_secret_jwt' });
      const pem = join(directory, 'key.pem');
      const jwk = join(directory, 'key.json');
      writeFileSync(pem, jwt.privateKeys.RS256.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(
        jwk,
        JSON.stringify({ ...jwt.privateKeys.ES256.export({ format: 'jwk' }), kid: 'demo-es256' }),
      );
      const methods: [Client, string[], Record<string, string>][] = [
        [basic, [], { OKTA_CLIENT_SECRET: basic.client_secret }],
        [
          post,
          ['--client-authentication=client_secret_post'],
          { OKTA_CLIENT_SECRET: post.client_secret },
        ],
        [
          jwtClient,
          ['--client-authentication=client_secret_jwt'],
          { OKTA_CLIENT_SECRET: jwtClient.client_secret ?? '' },
        ],
        [jwt, [], { OKTA_PRIVATE_KEY_FILE: pem, OKTA_KEY_ID: 'demo-rs256' }],
        [jwt, [], { OKTA_PRIVATE_KEY_FILE: jwk, OKTA_CLIENT_SECRET: 'of another app' }],
      ];
      // What another app on the server has is not used.
      methods.push([
        okta.clients.native,
        ['--client-authentication=none'],
        { OKTA_CLIENT_SECRET: 'x', OKTA_PRIVATE_KEY_FILE: pem },
      ]);
      for (const [client, args, env] of methods) {
        const { bad } = await diagnose(asking(client, ...args), { env });
        assert.deepEqual(bad, [], client.token_endpoint_auth_method);
      }
    });

    it('takes every setting from the environment, and options before it', async () => {
      const env = {
        OKTA_ISSUER: okta.issuers.org,
        OKTA_CLIENT_ID: okta.clients.native.client_id,
        OKTA_SCOPE: 'openid email',
        OKTA_FACTORS: 'push sms',
      };
      const first = await diagnose(['--allow-insecure-issuer'], { env });
      assert.deepEqual(
        first.checks.slice(-4).map(({ id, seen }) => (id === 'scope' ? seen : id)),
        ['openid email', 'grant:password', 'grant:push', 'grant:sms'],
      );
      const second = await diagnose(
        [
          '--allow-insecure-issuer',
          '--scope=openid',
          '--factors=otp',
          `--issuer=${okta.issuers.default}`,
        ],
        { env },
      );
      assert.deepEqual(
        second.checks.slice(-3).map(({ id, seen }) => (id === 'scope' ? seen : id)),
        ['openid', 'grant:password', 'grant:otp'],
      );
      assert.match(
        second.checks[0]?.seen ?? '',
        /oauth2\/default \(custom authorization server\)$/,
      );
    });

    it('asks for a username that cannot exist, says so, and gives no code to anybody', async () => {
      const start = okta.requests.length;
      const { status, stdout } = await program([
        'doctor',
        ...nativeArgs(`--factors=${ALL_FACTORS}`),
      ]);
      assert.equal(status, 0);
      const requests = okta.requests.slice(start);
      const names = requests.flatMap(({ form }) => form['username'] ?? []);
      assert.equal(names.length, 1);
      assert.match(names[0] ?? '', /^doctor-[0-9a-f-]{36}@passport-okta-direct-mfa\.invalid$/);
      assert.ok(stdout.includes(names[0] ?? ''), stdout);
      assert.match(stdout, /cannot succeed[\s\S]*System Log/);
      assert.deepEqual(
        requests.filter(({ method, status }) => method === 'POST' && status === 200),
        [],
      );
      assert.equal(requests.filter(({ form }) => form['grant_type'] === MFA_OOB).length, 1);
    });

    it('prints a line for each check without colours in a pipe, and what it cannot see', async () => {
      const { stdout } = await program(['doctor', ...nativeArgs()]);
      assert.match(stdout, /^ok {7}issuer {10}http:/m);
      assert.match(
        stdout,
        /^ok {7}connection {6}(DNS \d+ ms, )?TCP \d+ ms, first byte \d+ ms; no proxy$/m,
      );
      assert.match(stdout, /^ok {7}grant:otp {7}on/m);
      assert.match(stdout, /trusted proxies[\s\S]*X-Forwarded-For/);
      assert.ok(!stdout.includes('\u001b'), stdout);
    });
  });

  describe('with one thing wrong', () => {
    /** Each with what has to be found, alone, and a word of what to do. */
    interface Case {
      name: string;
      id: Check['id'] | Check['id'][];
      seen: RegExp;
      todo: RegExp;
      args: () => string[];
      env?: () => Record<string, string>;
      status?: Check['status'];
    }
    const oauth = (status: number, error: string, error_description = 'Why.') => ({
      status,
      body: { error, error_description },
    });
    const isDiscovery = ({ path }: { path: string }) => path.includes('.well-known');

    const cases: Case[] = [
      {
        name: 'a client ID that Okta does not know',
        id: 'client',
        seen: /^none: 401 invalid_client /,
        todo: /client ID.*public client/,
        args: () => asking({ client_id: '0oaunknown' }),
      },
      {
        name: 'a wrong client secret',
        id: 'client',
        seen: /^client_secret_basic: 401 invalid_client /,
        todo: /OKTA_CLIENT_SECRET/,
        args: () => asking(okta.clients.basic),
        env: () => ({ OKTA_CLIENT_SECRET: 'wrong-secret-4711' }),
      },
      {
        name: 'no client secret',
        id: 'client',
        seen: /^none: 401 invalid_client/,
        todo: /without OKTA_CLIENT_SECRET/,
        args: () => asking(okta.clients.basic),
      },
      {
        name: 'the password grant off for the app',
        id: 'grant:password',
        seen: /^off for the app: 400 unauthorized_client/,
        todo: /"Resource Owner Password"\. Only a native app/,
        args: () => asking(clientWithout('password')),
      },
      {
        name: 'MFA OTP off for the app',
        id: 'grant:otp',
        seen: /^off for the app: 400 unauthorized_client/,
        todo: /"MFA OTP"/,
        args: () => asking(clientWithout(MFA_OTP)),
      },
      {
        name: 'MFA OOB off for the app',
        id: ['grant:push', 'grant:sms', 'grant:voice', 'grant:email'],
        seen: /^off for the app: 400 unauthorized_client/,
        todo: /"MFA OOB"/,
        args: () => asking(clientWithout(MFA_OOB), `--factors=${ALL_FACTORS}`),
      },
      {
        name: 'passkeys off for the app',
        id: 'grant:webauthn',
        seen: /^off for the app: 400 unauthorized_client/,
        todo: /"MFA WebAuthn"/,
        args: () => asking(clientWithout(MFA_WEBAUTHN), `--factors=${ALL_FACTORS}`),
      },
      {
        name: 'a grant that the server does not offer',
        id: 'grant:otp',
        seen: /^off at the authorization server: 400 unsupported_grant_type/,
        todo: /Access Policies.*"MFA OTP"/,
        args: () => {
          okta.respondNext(oauth(400, 'unsupported_grant_type'), OTP_STEP);
          return nativeArgs();
        },
      },
      {
        name: 'a grant that the policy of the server refuses',
        id: 'grant:otp',
        seen: /^off in the policy: 401 access_denied Policy evaluation failed/,
        todo: /Access Policies.*"MFA OTP"/,
        args: () => {
          okta.respondNext(
            oauth(
              401,
              'access_denied',
              'Policy evaluation failed for this request, please check the policy configurations.',
            ),
            OTP_STEP,
          );
          return nativeArgs();
        },
      },
      {
        name: 'the password refused by the policy of the server',
        id: 'grant:password',
        seen: /^off in the policy: 403 access_denied/,
        todo: /"Resource Owner Password"/,
        args: () => {
          okta.respondNext(oauth(403, 'access_denied'), PASSWORD_STEP);
          return nativeArgs();
        },
      },
      {
        name: 'a channel that Okta does not have',
        id: 'grant:email',
        seen: /^not available: 400 invalid_request/,
        todo: /Direct Authentication/,
        args: () => {
          okta.respondNext(
            oauth(400, 'invalid_request', "'email' is not supported as a 'channel_hint'."),
            CHALLENGE_STEP,
          );
          return nativeArgs('--factors=email');
        },
      },
      {
        name: 'an org without /challenge',
        id: 'grant:push',
        seen: /^not available: 404 E0000007/,
        todo: /Identity Engine/,
        args: () => {
          okta.respondNext(
            { status: 404, body: { errorCode: 'E0000007', errorSummary: 'Not found' } },
            CHALLENGE_STEP,
          );
          return nativeArgs('--factors=push');
        },
      },
      {
        name: 'a scope that is not there',
        id: 'scope',
        seen: /^openid orders:read: 400 invalid_scope/,
        todo: /Take out/,
        args: () => nativeArgs('--scope=openid orders:read'),
      },
      ...(['invalid_dpop_proof', 'use_dpop_nonce'] as const).map((code) => ({
        name: `DPoP (${code})`,
        id: 'dpop' as const,
        seen: new RegExp(`^required: 400 ${code}`),
        todo: /uncheck "Require Demonstrating Proof of Possession/,
        args: () => {
          okta.respondNext(oauth(400, code), PASSWORD_STEP);
          return nativeArgs();
        },
      })),
      {
        name: 'a rate limit',
        id: 'grant:otp',
        status: 'unknown',
        seen: /rate limit/,
        todo: /Try again/,
        args: () => {
          okta.respondNext(
            { status: 429, body: { errorCode: 'E0000047', errorSummary: 'Too many' } },
            OTP_STEP,
          );
          return nativeArgs();
        },
      },
      {
        name: 'a failure of Okta',
        id: 'grant:otp',
        status: 'unknown',
        seen: /500/,
        todo: /Try again/,
        args: () => {
          okta.respondNext(oauth(500, 'server_error'), OTP_STEP);
          return nativeArgs();
        },
      },
      {
        name: 'an authorization server that does not exist',
        id: 'metadata',
        seen: /^HTTP 404 without an issuer/,
        todo: /Security > API/,
        args: () => nativeArgs(`--issuer=${okta.origin}/oauth2/nosuch`),
      },
      {
        name: 'a web page in place of Okta',
        id: 'metadata',
        seen: /^HTTP 200 with text\/html, and not Okta's metadata: a web page\?$/,
        todo: /Check the issuer/,
        args: () => {
          okta.respondNext(
            {
              headers: { 'content-type': 'text/html; charset=utf-8' },
              body: '<html>Welcome</html>',
            },
            isDiscovery,
          );
          return nativeArgs();
        },
      },
      {
        name: 'a redirect',
        id: 'metadata',
        seen: /^HTTP 302: a redirect to https:\/\/login\.example\.com, which is not followed$/,
        todo: /Check the issuer/,
        args: () => {
          okta.respondNext(
            { status: 302, headers: { location: 'https://login.example.com/?a=b' } },
            isDiscovery,
          );
          return nativeArgs();
        },
      },
      {
        name: 'metadata of another issuer, as under a custom domain',
        id: 'metadata',
        seen: /^Okta calls itself https:\/\/acme\.okta\.com\/oauth2\/default/,
        todo: /Make that the issuer/,
        args: () => {
          changeMetadata({ issuer: 'https://acme.okta.com/oauth2/default' });
          return nativeArgs();
        },
      },
      {
        name: 'another signature than RS256',
        id: 'metadata',
        seen: /not signed with RS256/,
        todo: /RS256/,
        args: () => {
          changeMetadata({ id_token_signing_alg_values_supported: ['ES256'] });
          return nativeArgs();
        },
      },
      {
        name: 'another token endpoint',
        id: 'metadata',
        status: 'unknown',
        seen: /^token_endpoint is https:\/\/acme\.okta\.com\/token; what is asked is http:/,
        todo: /./,
        args: () => {
          changeMetadata({ token_endpoint: 'https://acme.okta.com/token' });
          return nativeArgs();
        },
      },
      {
        name: 'no keys',
        id: 'keys',
        seen: /^There is no RS256 key/,
        todo: /keys/,
        args: () => {
          okta.respondNext({ body: { keys: [] } }, { endpoint: 'keys' });
          return nativeArgs();
        },
      },
      {
        name: 'keys that fail',
        id: 'keys',
        status: 'unknown',
        seen: /HTTP 503/,
        todo: /Try again/,
        args: () => {
          okta.respondNext({ status: 503, body: {} }, { endpoint: 'keys' });
          return nativeArgs();
        },
      },
      ...(
        [
          ['behind', 3600],
          ['ahead of', -3600],
        ] as const
      ).map(([word, seconds]) => ({
        name: `a clock that is ${word} Okta's`,
        id: 'clock' as const,
        seen: new RegExp(`^this machine is 3(599|600|601) s ${word} Okta$`),
        todo: /NTP/,
        args: () => {
          okta.respondNext(async (_request, proceed) => {
            const response = await proceed();
            const date = new Date(Date.now() + seconds * 1000).toUTCString();
            return { ...response, headers: { ...response.headers, date } };
          }, isDiscovery);
          return nativeArgs();
        },
      })),
    ];

    function changeMetadata(change: Record<string, unknown>): void {
      okta.respondNext(async (_request, proceed) => {
        const response = await proceed();
        return { ...response, body: { ...(response.body as object), ...change } };
      }, isDiscovery);
    }

    for (const { name, id, seen, todo, args, env, status = 'fix' } of cases) {
      it(`names ${name}, and nothing else`, async () => {
        const outcome = await diagnose(args(), env === undefined ? {} : { env: env() });
        assert.deepEqual({ status: outcome.status, ok: outcome.ok }, { status: 1, ok: false });
        assert.deepEqual(
          outcome.bad.map((check) => [check.id, check.status]),
          [id].flat().map((found) => [found, status]),
        );
        for (const check of outcome.bad) {
          assert.match(check.seen, seen);
          assert.match(check.todo ?? '', todo);
        }
        assert.ok(!outcome.stdout.includes('wrong-secret-4711'));
      });
    }

    it('sends nothing secret to what is not Okta', async () => {
      const start = okta.requests.length;
      okta.respondNext({ headers: { 'content-type': 'text/html' }, body: '<html>' }, isDiscovery);
      const { checks } = await diagnose(asking(okta.clients.basic), {
        env: { OKTA_CLIENT_SECRET: okta.clients.basic.client_secret },
      });
      assert.equal(okta.requests.length, start + 1);
      assert.ok(
        checks
          .slice(3)
          .every(({ status, seen }) => status === 'skipped' && /see metadata/.test(seen)),
      );
    });

    it('prints nothing that steers a terminal', async () => {
      changeMetadata({ issuer: 'https://a.example\u001b]0;owned\u0007\u202e' });
      const { stdout } = await program(['doctor', ...nativeArgs()]);
      assert.match(stdout, /Okta calls itself https:\/\/a\.example/);
      assert.doesNotMatch(stdout.replaceAll('\n', ''), /\p{C}/u);
    });
  });

  describe('with a network that is wrong', () => {
    const one = async (args: string[], env: Record<string, string> = {}) => {
      const outcome = await diagnose(args, { env });
      assert.equal(outcome.status, 1);
      assert.deepEqual(
        outcome.bad.map(({ id }) => id),
        ['connection'],
      );
      assert.ok(outcome.checks.slice(2).every(({ status }) => status === 'skipped'));
      const [check] = outcome.bad;
      assert.ok(check?.todo);
      return check;
    };
    const at = (issuer: string, ...args: string[]) => [
      `--issuer=${issuer}`,
      '--client-id=x',
      '--allow-insecure-issuer',
      ...args,
    ];
    const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

    async function serve(
      t: Teardown,
      server: ReturnType<typeof createTcpServer> | ReturnType<typeof createTlsServer>,
    ): Promise<number> {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => server.close());
      return portOf(server);
    }

    it('names a host without an address', async () => {
      const { seen } = await one(at('https://nobody.invalid'));
      assert.match(seen, /^DNS: nobody\.invalid has no address \((ENOTFOUND|EAI_AGAIN)\)$/);
    });

    it('names a port where nobody listens', async () => {
      const server = createTcpServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const port = portOf(server);
      await new Promise((resolve) => server.close(resolve));
      const { seen, todo } = await one(at(`https://127.0.0.1:${port}`));
      assert.equal(seen, `TCP: 127.0.0.1:${port} takes no connection (ECONNREFUSED)`);
      assert.match(todo ?? '', /firewall.*HTTPS_PROXY/);
    });

    it('names a certificate that nobody has signed, of another host, and one that has expired', async (t) => {
      for (const [certificate, seen, todo] of [
        [
          selfSigned('127.0.0.1'),
          /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
          /NODE_EXTRA_CA_CERTS/,
        ],
        [
          selfSigned('127.0.0.1', [-3, -2]),
          /\((CERT_HAS_EXPIRED|DEPTH_ZERO_SELF_SIGNED_CERT)\)/,
          /./,
        ],
      ] as const) {
        const port = await serve(t, createTlsServer(certificate));
        const check = await one(at(`https://127.0.0.1:${port}`));
        assert.match(
          check.seen,
          new RegExp(`^TLS: the certificate of 127\\.0\\.0\\.1:${port} is not`),
        );
        assert.match(check.seen, seen);
        assert.match(check.todo ?? '', todo);
      }
    });

    it('names a server without TLS', async (t) => {
      const port = await serve(
        t,
        createTcpServer((socket) =>
          socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
        ),
      );
      const { seen } = await one(at(`https://127.0.0.1:${port}`));
      assert.match(seen, /^TLS: no secure connection to 127\.0\.0\.1:\d+ \(\w+\)$/);
    });

    it('names a connection that is closed without an answer, and one that never answers', async (t) => {
      const closing = await listen(t, (req) => req.socket.destroy());
      assert.match((await one(at(closing))).seen, /^HTTP: .*could not be reached/);
      const silent = await listen(t, () => undefined);
      assert.match(
        (await one(at(silent, '--timeout=50'))).seen,
        /^HTTP: Okta did not answer .* within 50 ms$/,
      );
    });

    it('names a proxy that refuses, without its password', async (t) => {
      for (const [status, todo] of [
        [403, /allows this host/],
        [407, /username and password/],
      ] as const) {
        const proxy = createTcpServer((socket) =>
          socket
            .on('error', () => undefined)
            .once('data', () => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)),
        );
        const port = await serve(t, proxy);
        const check = await one(at('https://acme.okta.com'), {
          HTTPS_PROXY: `http://joe:hunter2@127.0.0.1:${port}`,
        });
        assert.match(
          check.seen,
          new RegExp(
            `^through the proxy http://127\\.0\\.0\\.1:${port}: The proxy .* refused .*HTTP ${status}$`,
          ),
        );
        assert.match(check.todo ?? '', todo);
        assert.doesNotMatch(JSON.stringify(check), /hunter2|joe/);
      }
    });

    it('names a proxy that is not there', async () => {
      const check = await one(at('https://acme.okta.com'), { https_proxy: 'http://127.0.0.1:1' });
      assert.match(check.seen, /^through the proxy http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
    });
  });

  describe('behind a proxy', () => {
    /** Tunnels, as RFC 9110 §9.3.6 says. */
    async function startProxy(t: Teardown): Promise<{ port: number; targets: string[] }> {
      const targets: string[] = [];
      const { createServer } = await import('node:http');
      const { connect } = await import('node:net');
      const server = createServer();
      server.on('connect', (req, socket, head) => {
        targets.push(req.url ?? '');
        const [host, port] = (req.url ?? '').split(':');
        const upstream = connect(Number(port), host, () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          upstream.write(head);
          upstream.pipe(socket).pipe(upstream);
        });
        for (const side of [upstream, socket]) side.on('error', () => undefined);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => {
        server.close();
        server.closeAllConnections();
      });
      return { port: (server.address() as AddressInfo).port, targets };
    }

    it('goes through it, and names it without its password', async (t) => {
      const { port, targets } = await startProxy(t);
      const { status, checks, stdout } = await diagnose(nativeArgs(), {
        env: { HTTP_PROXY: `http://joe:hunter2@127.0.0.1:${port}` },
      });
      assert.equal(status, 0);
      assert.match(
        checks[1]?.seen ?? '',
        new RegExp(
          `^through the proxy http://127\\.0\\.0\\.1:${port} \\(HTTP_PROXY\\), answered after \\d+ ms$`,
        ),
      );
      assert.doesNotMatch(stdout, /hunter2|joe/);
      assert.ok(targets.length > 0);
      assert.deepEqual([...new Set(targets)], [new URL(okta.origin).host]);
    });

    it('goes past it where NO_PROXY says so', async (t) => {
      const { port, targets } = await startProxy(t);
      const env = { HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: 'localhost,127.0.0.1' };
      const { status, checks } = await diagnose(nativeArgs(), { env });
      assert.equal(status, 0);
      assert.match(checks[1]?.seen ?? '', /; not through the proxy http:\S+, because of NO_PROXY$/);
      assert.deepEqual(targets, []);
    });
  });
});
