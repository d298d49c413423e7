import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, before, describe, it } from 'node:test';
import { Agent, request } from 'undici';
import { startOkta, type Okta } from '../../../example/okta/index.js';
import { ask, askToken, endpoint, sendPassword } from './support.js';

describe('what is in front of the authorization servers', () => {
  let okta: Okta;
  before(async () => {
    okta = await startOkta({ record: true, rateLimitPerSecond: Infinity });
  });
  afterEach(() => {
    okta.requests.length = 0;
  });
  after(() => okta.close());

  it('puts an X-Okta-Request-Id and a Date on every answer', async () => {
    const replies = [
      await sendPassword(okta, okta.users.alice),
      await sendPassword(okta, okta.users.bob),
      await ask(`${okta.origin}/nowhere`),
      await ask(endpoint(okta, 'default', 'keys')),
    ];
    const ids = replies.map(({ headers }) => String(headers['x-okta-request-id']));

    assert.equal(new Set(ids).size, replies.length);
    for (const id of ids) assert.match(id, /^[\w-]{20}$/);
    for (const { headers } of replies) assert.ok(Date.parse(String(headers['date'])) > 0);
  });

  it('answers unknown paths with E0000007', async () => {
    for (const path of [
      '/',
      '/nowhere?x=1',
      '/oauth2/default',
      '/oauth2/default/v1/nowhere',
      '/oauth2/other/v1/token',
    ]) {
      const { status, body } = await ask(`${okta.origin}${path}`);
      assert.equal(status, 404, path);
      assert.equal(body['errorCode'], 'E0000007', path);
      assert.equal(body['errorSummary'], `Not found: Resource not found: ${path}`);
    }
  });

  it('shows the same URLs to who comes by another host name', async () => {
    const { body } = await ask(`${okta.issuers.default}/.well-known/openid-configuration`, {
      headers: { host: 'elsewhere.example' },
    });

    assert.equal(body['token_endpoint'], endpoint(okta, 'default', 'token'));
  });

  it('answers in JSON whatever is accepted', async () => {
    const headers = { accept: 'text/html' };
    const form = { grant_type: 'x', client_id: okta.clients.native.client_id };
    const replies = [
      await askToken(okta, form, { headers }),
      await ask(endpoint(okta, 'org', 'userinfo'), { headers }),
    ];

    for (const reply of replies) {
      assert.match(String(reply.headers['content-type']), /^application\/json/);
    }
  });

  it('records what reached it, in order, with its form and the status of the answer', async () => {
    const { client_id } = okta.clients.native;
    await askToken(okta, [
      ['grant_type', 'a'],
      ['grant_type', 'b c+d&é'],
      ['client_id', client_id],
    ]);
    await ask(`${endpoint(okta, 'default', 'keys')}?x=1`, { headers: { 'x-device-token': 'd' } });
    const [first, second] = okta.requests;

    assert.equal(okta.requests.length, 2);
    assert.equal(first?.method, 'POST');
    assert.equal(first.path, '/oauth2/v1/token');
    assert.equal(first.authorizationServer, 'org');
    assert.deepEqual(first.form, { grant_type: 'b c+d&é', client_id });
    assert.deepEqual(first.params.getAll('grant_type'), ['a', 'b c+d&é']);
    assert.equal(first.status, 400);
    assert.equal(second?.method, 'GET');
    assert.equal(second.path, '/oauth2/default/v1/keys?x=1');
    assert.equal(second.authorizationServer, 'default');
    assert.equal(second.headers['x-device-token'], 'd');
    assert.equal(second.status, 200);
  });

  it('answers the next request as a test says, once', async () => {
    okta.respondNext({ status: 502, headers: { 'x-a': 'b' }, body: 'Bad gateway' });
    const url = endpoint(okta, 'org', 'keys');
    const scripted = await request(url);

    assert.equal(scripted.statusCode, 502);
    assert.equal(scripted.headers['x-a'], 'b');
    assert.ok(scripted.headers['x-okta-request-id']);
    assert.equal(await scripted.body.text(), 'Bad gateway');
    assert.equal((await ask(url)).status, 200);
    assert.deepEqual(
      okta.requests.map(({ status }) => status),
      [502, 200],
    );
  });

  it('answers only the request that matches, in the order given', async () => {
    const here = { endpoint: 'token', grantType: 'password' } as const;
    okta.respondNext({ status: 500 }, { ...here, authorizationServer: 'default' });
    okta.respondNext({ status: 501, body: { n: 1 } }, here);
    okta.respondNext({ status: 503 }, ({ form }) => form['username'] === okta.users.bob.username);

    assert.equal((await ask(endpoint(okta, 'org', 'keys'))).status, 200);
    const first = await sendPassword(okta, okta.users.alice);
    assert.deepEqual([first.status, first.body], [501, { n: 1 }]);
    assert.match(String(first.headers['content-type']), /^application\/json/);
    assert.equal((await sendPassword(okta, okta.users.alice)).status, 403);
    assert.equal((await sendPassword(okta, okta.users.bob)).status, 503);
    assert.equal((await sendPassword(okta, okta.users.bob, { server: 'default' })).status, 500);
    assert.equal((await sendPassword(okta, okta.users.bob, { server: 'default' })).status, 200);
  });

  it('lets a test change the real answer, or leave it', async () => {
    okta.respondNext(async (_, proceed) => {
      const answer = await proceed();
      return { ...answer, body: { ...(answer.body as object), id_token: 'changed' } };
    });
    okta.respondNext(() => undefined);

    const { status, body } = await sendPassword(okta, okta.users.bob);
    assert.equal(status, 200);
    assert.equal(body['id_token'], 'changed');
    assert.equal(body['token_type'], 'Bearer');
    assert.match(
      String((await sendPassword(okta, okta.users.bob)).body['id_token']),
      /^ey[\w-]+\.ey/,
    );
  });

  it('sends a body piece by piece', async () => {
    async function* pieces(): AsyncGenerator<string> {
      yield '{"a":';
      await new Promise((resolve) => setImmediate(resolve));
      yield '1}';
    }
    okta.respondNext({ body: pieces() });

    assert.deepEqual((await ask(`${okta.origin}/`)).body, { a: 1 });
  });

  it('closes the connection, or never answers', async () => {
    okta.respondNext('reset');
    await assert.rejects(request(okta.origin), { code: 'UND_ERR_SOCKET' });

    const received = new Promise<void>((resolve) => {
      okta.respondNext(() => {
        resolve();
        return 'hang';
      });
    });
    const aborter = new AbortController();
    const waiting = request(okta.origin, { signal: aborter.signal });
    await received;
    // A later request is answered, the one before it still is not.
    assert.equal((await ask(okta.origin)).status, 404);
    assert.deepEqual(
      okta.requests.map(({ status }) => status),
      [0, 0, 404],
    );
    aborter.abort();
    assert.equal(await waiting.catch((err: Error) => err.name), 'AbortError');
  });
});

describe('the life of the stand-in', () => {
  it('records nothing unless asked to', async () => {
    const okta = await startOkta();
    try {
      await ask(`${okta.origin}/`);
      assert.deepEqual(okta.requests, []);
    } finally {
      await okta.close();
    }
  });

  it('ends the connections that are open when it closes', async () => {
    const okta = await startOkta();
    const received = new Promise<void>((resolve) => {
      okta.respondNext(() => {
        resolve();
        return 'hang';
      });
    });
    const waiting = assert.rejects(request(okta.origin));
    await received;
    await okta.close();
    await waiting;
    await assert.rejects(request(okta.origin), { code: 'ECONNREFUSED' });
  });

  it('takes a port, and says when it is taken', async () => {
    const first = await startOkta();
    try {
      const port = Number(new URL(first.origin).port);
      await assert.rejects(startOkta({ port }), { code: 'EADDRINUSE' });
    } finally {
      await first.close();
    }
  });

  it('serves https with the certificate that it is given', async (t) => {
    let pem: string;
    try {
      // Made on the spot, since no private key belongs into a repository.
      const options = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1';
      const files = '-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout - -out -';
      const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'ignore'];
      pem = execFileSync('openssl', `${options} ${files}`.split(' '), { stdio }).toString();
    } catch {
      t.skip('there is no openssl to make a certificate');
      return;
    }
    const okta = await startOkta({ tls: { key: pem, cert: pem } });
    const dispatcher = new Agent({ connect: { ca: pem } });
    try {
      const url = `${okta.issuers.default}/.well-known/openid-configuration`;
      const { body } = await request(url, { dispatcher });
      const { jwks_uri } = (await body.json()) as Record<string, unknown>;
      assert.equal(jwks_uri, `${okta.origin}/oauth2/default/v1/keys`);
      assert.match(okta.origin, /^https:/);
    } finally {
      await dispatcher.close();
      await okta.close();
    }
  });

  it('takes users and clients beside those of the demo', async () => {
    const model = await startOkta();
    const [user, client] = [model.addUser(), model.addClient()];
    await model.close();
    const okta = await startOkta({ users: [user], clients: [client] });
    try {
      assert.equal((await sendPassword(okta, user, { client })).body['error'], 'mfa_required');
      assert.throws(() => okta.addUser(user), /There is a user .* already/);
    } finally {
      await okta.close();
    }
  });
});
