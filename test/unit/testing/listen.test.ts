import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { request } from 'undici';
import type { OktaDirectMfaStrategyOptions } from '../../../lib/index.js';
import {
  mockOkta,
  type MockOktaListenOptions,
  type MockOktaOptions,
  type MockOktaServer,
} from '../../../lib/testing/index.js';
import { startApp, type App } from '../../support/app.js';
import { Browser, type Answer } from '../../support/browser.js';
import { startServer } from '../../support/servers.js';
import { FACTORS } from '../../support/second-factors.js';
import { claims, CLIENT_ID, OTP, type Reply } from './wire.js';

const ADA = {
  username: 'ada@example.com',
  password: 'pw',
  otp: '123456',
  ...{ push: true, sms: true, voice: true, inbox: true, passkey: { rpId: 'localhost' } },
};

/** A mock that listens until the test ends. */
async function serve(
  t: TestContext,
  options: Partial<MockOktaOptions> = {},
  where?: MockOktaListenOptions,
): Promise<MockOktaServer> {
  const okta = mockOkta({ clientID: CLIENT_ID, users: [ADA], ...options });
  t.after(() => okta.close());
  return okta.listen(where);
}

interface Setting {
  app: App;
  browser: Browser;
  login: (json: object) => Promise<Answer>;
}

/** An app whose strategy asks the mock over HTTP, and a browser behind the password. */
async function signingIn(
  t: TestContext,
  { issuer }: MockOktaServer,
  given: Partial<OktaDirectMfaStrategyOptions> = {},
): Promise<Setting> {
  const app = await startApp(t, {
    strategyOptions: {
      issuer,
      clientID: CLIENT_ID,
      allowInsecureIssuer: true,
      factors: FACTORS,
      ...given,
    },
  });
  const browser = new Browser(app.url);
  const login = (json: object) => browser.post('/login', { json });
  const { username, password } = ADA;
  assert.equal((await login({ username, password })).body['code'], 'mfa_required');
  return { app, browser, login };
}

async function post(url: string, form: Record<string, string>): Promise<Reply> {
  const { statusCode, body } = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id: CLIENT_ID, ...form }).toString(),
  });
  const text = await body.text();
  return { status: statusCode, body: text === '' ? {} : (JSON.parse(text) as Reply['body']) };
}

async function get(url: string, headers: Record<string, string> = {}) {
  const { statusCode, headers: given, body } = await request(url, { headers });
  return { status: statusCode, headers: given, text: await body.text() };
}

describe('a login over HTTP at a mock that listens', () => {
  const [sms, voice, email] = (['sms', 'voice', 'email'] as const).map((channel) => ({
    factor: channel,
    amr: { sms: 'sms', voice: 'tel', email: 'email' }[channel],
    finish: (okta: MockOktaServer, { body }: Answer): object => ({
      challenge: body['challenge'],
      otp: okta.phone(ADA.username).code,
    }),
  }));
  for (const { factor, amr, finish } of [
    { factor: 'otp', amr: 'otp', finish: (): object => ({ otp: ADA.otp }) },
    {
      factor: 'push',
      amr: 'okta_verify',
      finish: (okta: MockOktaServer, { body }: Answer): object => {
        okta.phone(ADA.username).approve(String(body['numberChallenge']));
        return { challenge: body['challenge'] };
      },
    },
    sms!,
    voice!,
    email!,
    {
      factor: 'webauthn',
      amr: 'pop',
      finish: (okta: MockOktaServer, { body }: Answer): object => ({
        assertion: okta
          .passkey(ADA.username)
          .answer(body['publicKey'] as object, { origin: 'http://localhost:3000' }),
      }),
    },
  ]) {
    it(`takes the second factor ${factor}`, async (t) => {
      const okta = await serve(t);
      const { app, browser, login } = await signingIn(t, okta);
      const chosen = await login({ factor });
      const done = await login(finish(okta, chosen));
      assert.equal(done.status, 200, done.text);
      const { user } = (await browser.get('/me')).body;
      assert.equal((user as { username?: string }).username, ADA.username);
      assert.deepEqual(app.logins[0]?.tokens.claims['amr'], ['mfa', amr, 'pwd']);
      assert.equal(app.logins[0]?.tokens.claims.iss, okta.issuer);
      assert.deepEqual(
        okta.requests.filter(({ method }) => method === 'POST').map(({ path }) => path),
        ['token', ...(factor === 'otp' ? [] : ['challenge']), 'token'].map(
          (name) => `/oauth2/v1/${name}`,
        ),
      );
    });
  }

  it('takes the path of a custom authorization server', async (t) => {
    const okta = await serve(t, { issuer: 'https://acme.okta.com/oauth2/default' });
    assert.match(okta.issuer, /^http:\/\/127\.0\.0\.1:\d+\/oauth2\/default$/);
    const { login } = await signingIn(t, okta);
    assert.equal((await login({ otp: ADA.otp })).status, 200);
    assert.equal(okta.requests.at(-1)?.path, '/oauth2/default/v1/token');
  });

  it('takes every kind of client authentication, and no other client', async (t) => {
    const okta = await serve(t);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    for (const given of [
      { clientSecret: 's3cret' },
      { clientSecret: 's3cret', clientAuthentication: 'client_secret_post' },
      { clientSecret: 's3cret'.repeat(8), clientAuthentication: 'client_secret_jwt' },
      { privateKey, clientAuthentication: 'private_key_jwt' },
    ] as const) {
      const { login } = await signingIn(t, okta, given);
      assert.equal((await login({ otp: ADA.otp })).status, 200);
    }
    for (const endpoint of ['token', 'challenge', 'revoke']) {
      const refused = await post(`${okta.issuer}/oauth2/v1/${endpoint}`, { client_id: 'other' });
      assert.deepEqual([refused.status, refused.body['error']], [401, 'invalid_client']);
    }
  });

  it('fails as it is told to', async (t) => {
    const okta = await serve(t);
    const { login } = await signingIn(t, okta, { timeout: 100 });
    for (const [failure, status, code] of [
      ['rate_limited', 429, 'rate_limited'],
      ['unavailable', 502, 'okta_error'],
      ['unreachable', 503, 'okta_unreachable'],
      ['timeout', 504, 'okta_timeout'],
      [
        { status: 400, headers: { 'x-mine': '1' }, body: { error: 'invalid_grant' } },
        401,
        'invalid_otp',
      ],
      // Not even Node can send this.
      [{ status: 400, headers: { 'x-mine': '\n' } }, 502, 'okta_error'],
    ] as const) {
      okta.failNext(failure);
      const { status: given, body } = await login({ otp: ADA.otp });
      assert.equal(given, status, JSON.stringify([failure, body]));
      assert.equal(body['code'], code);
    }
    assert.deepEqual(
      okta.requests.slice(-6).map(({ status }) => status),
      [429, 503, 0, 0, 400, 400],
    );
    assert.equal((await login({ otp: ADA.otp })).status, 200);
  });
});

describe('the endpoints of a mock that listens', () => {
  it('say what they are, and nothing of what is not there', async (t) => {
    for (const path of ['', '/oauth2/default']) {
      const okta = await serve(t, { issuer: `https://acme.okta.com${path}` });
      const base = `${new URL(okta.url).origin}${path || '/oauth2'}/v1`;
      const read = async (name: string) => {
        const { text } = await get(`${okta.issuer}/.well-known/${name}`);
        return JSON.parse(text) as Record<string, unknown>;
      };
      const metadata = await read('openid-configuration');
      const same = await read('oauth-authorization-server');
      assert.deepEqual(metadata, same);
      assert.equal(metadata['issuer'], okta.issuer);
      assert.deepEqual(metadata['id_token_signing_alg_values_supported'], ['RS256']);
      assert.ok((metadata['grant_types_supported'] as string[]).includes(OTP));
      assert.deepEqual(
        Object.entries(metadata)
          .filter(([name]) => /_endpoint$|_uri$/.test(name))
          .map(([, url]) => url),
        ['token', 'userinfo', 'revoke', 'keys'].map((name) => `${base}/${name}`),
      );
      const { keys } = JSON.parse((await get(`${base}/keys`)).text) as { keys: object[] };
      assert.equal(keys.length, 1);
      const missing = await get(`${base}/authorize`);
      assert.equal(missing.status, 404);
      assert.equal((JSON.parse(missing.text) as Reply['body'])['errorCode'], 'E0000007');
    }
  });

  it('can be made to fail, each', async (t) => {
    const okta = await serve(t);
    for (const [endpoint, path] of [
      ['metadata', '/.well-known/openid-configuration'],
      ['keys', '/oauth2/v1/keys'],
      ['userinfo', '/oauth2/v1/userinfo'],
    ] as const) {
      okta.failNext({ status: 500 }, endpoint);
      assert.equal((await get(okta.issuer + path)).status, 500);
    }
    okta.failNext({ status: 500 }, 'revoke');
    assert.equal((await post(`${okta.issuer}/oauth2/v1/revoke`, {})).status, 500);
  });

  it('answer HEAD as GET, without the body', async (t) => {
    const okta = await serve(t);
    const { statusCode, body } = await request(`${okta.issuer}/oauth2/v1/keys`, { method: 'HEAD' });
    assert.equal(statusCode, 200);
    assert.equal(await body.text(), '');
  });

  it('renew tokens until they are revoked', async (t) => {
    const user = { username: 'bob@example.com', password: 'pw' };
    const okta = await serve(t, { users: [user] });
    const endpoint = (name: string) => `${okta.issuer}/oauth2/v1/${name}`;
    const token = (form: Record<string, string>) => post(endpoint('token'), form);
    const userInfo = async (accessToken: unknown) =>
      (await get(endpoint('userinfo'), { authorization: `Bearer ${String(accessToken)}` })).status;
    const scope = 'openid email offline_access';
    const granted = await token({ grant_type: 'password', ...user, scope });
    const refresh_token = String(granted.body['refresh_token']);
    const renew = (form = {}) => token({ grant_type: 'refresh_token', refresh_token, ...form });

    const renewed = await renew();
    assert.equal(renewed.status, 200);
    assert.equal(renewed.body['scope'], scope);
    assert.equal(renewed.body['refresh_token'], refresh_token);
    assert.equal(claims(renewed)['sub'], claims(granted)['sub']);
    assert.equal(claims(renewed)['auth_time'], claims(granted)['auth_time']);
    assert.equal(claims(renewed)['email'], user.username);
    const narrow = await renew({ scope: 'openid' });
    assert.equal(narrow.body['scope'], 'openid');
    assert.equal(claims(narrow)['email'], undefined);
    assert.equal((await renew({ scope: 'openid profile' })).body['error'], 'invalid_scope');
    assert.equal((await renew({ refresh_token: 'x' })).body['error'], 'invalid_grant');
    const [person = assert.fail()] = okta.users;
    person.locked = true;
    assert.equal((await renew()).body['error'], 'invalid_grant');
    person.locked = false;

    const access = [granted, renewed, narrow].map(({ body }) => body['access_token']);
    const status = () => Promise.all(access.map(userInfo));
    assert.deepEqual(await status(), [200, 200, 200]);
    const other = await token({ grant_type: 'password', ...user, scope });
    const revoke = async (form = {}) => (await post(endpoint('revoke'), form)).status;
    assert.equal(await revoke({ token: String(access[0]) }), 200);
    assert.deepEqual(await status(), [401, 200, 200]);
    assert.equal((await renew({ scope: 'openid' })).status, 200);
    assert.equal(await revoke({ token: refresh_token }), 200);
    assert.deepEqual(await status(), [401, 401, 401]);
    assert.equal((await renew()).body['error'], 'invalid_grant');
    assert.equal(await userInfo(other.body['access_token']), 200, "another login's");
    assert.deepEqual([await revoke(), await revoke({ token: 'junk' })], [200, 200]);
    okta.users.length = 0;
    const orphan = { refresh_token: String(other.body['refresh_token']) };
    assert.equal((await renew(orphan)).body['error'], 'invalid_grant');
  });
});

describe('listen()', () => {
  it('serves the same Okta as the dispatcher, each under its own issuer', async (t) => {
    const issuer = 'https://acme.okta.com';
    const okta = await serve(t, { issuer });
    const { username, password } = ADA;
    const form = { grant_type: 'password', username, password };
    const { body } = await post(`${okta.issuer}/oauth2/v1/token`, form);
    const { statusCode, body: tokens } = await request(`${issuer}/oauth2/v1/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        ...{ grant_type: OTP, otp: ADA.otp, client_id: CLIENT_ID },
        mfa_token: String(body['mfa_token']),
      }).toString(),
      dispatcher: okta.dispatcher,
    });
    assert.equal(statusCode, 200);
    const granted = { status: 200, body: (await tokens.json()) as Reply['body'] };
    assert.equal(claims(granted)['iss'], issuer);
    assert.deepEqual(
      okta.requests.map(({ headers, status }) => [headers['host'], status]),
      [
        [new URL(okta.url).host, 403],
        [undefined, 200],
      ],
    );
  });

  it('frees the port when it is closed, whatever is still waited for', async (t) => {
    const okta = await serve(t);
    okta.failNext('timeout');
    const waiting = post(`${okta.issuer}/oauth2/v1/token`, {});
    while (okta.requests.length === 0) await new Promise(setImmediate);
    const rejected = assert.rejects(waiting, { code: 'UND_ERR_SOCKET' });
    await okta[Symbol.asyncDispose]();
    await rejected;
    const port = Number(new URL(okta.url).port);
    const next = await serve(t, {}, { port });
    assert.equal(next.issuer, `http://127.0.0.1:${port}`);
    assert.equal(next.url, `http://127.0.0.1:${port}/`);
    await next.close();
  });

  it('takes loopback hosts only', async (t) => {
    for (const host of ['0.0.0.0', '::', 'example.com', '192.168.0.1', '']) {
      await assert.rejects(serve(t, {}, { host }), {
        name: 'TypeError',
        message: /^mockOkta: listen\(\) takes a loopback host \(127\.0\.0\.1, ::1, localhost\)/,
      });
    }
    const okta = await serve(t, {}, { host: 'localhost' });
    assert.match(okta.issuer, /^http:\/\/localhost:\d+$/);
    assert.equal((await get(okta.url)).status, 200);
  });

  it('says what is wrong with a port, and can be called again after that', async (t) => {
    for (const port of [-1, 65_536, 1.5, NaN, '80']) {
      await assert.rejects(serve(t, {}, { port: port as number }), {
        name: 'TypeError',
        message: 'mockOkta: listen() takes a port from 0 to 65535',
      });
    }
    const { url } = await startServer(t);
    const taken = Number(new URL(url).port);
    const okta = mockOkta({ clientID: CLIENT_ID, users: [] });
    t.after(() => okta.close());
    await assert.rejects(okta.listen({ port: taken }), {
      name: 'Error',
      code: 'EADDRINUSE',
      message: `mockOkta: port ${taken} of 127.0.0.1 is taken`,
    });
    await okta.listen();
    await assert.rejects(okta.listen(), { message: 'mockOkta: the mock listens already' });
    await okta.close();
    await assert.rejects(okta.listen(), { message: 'mockOkta: the mock is closed' });
  });

  it('answers under a loopback name only, so that no web page can rebind its own to it', async (t) => {
    const okta = await serve(t);
    const { port } = new URL(okta.url);
    for (const path of ['', 'control/phones', 'oauth2/v1/keys']) {
      for (const host of [
        'evil.example',
        `evil.example:${port}`,
        '127.0.0.1.evil.example',
        '10.0.0.1',
      ]) {
        const refused = await get(okta.url + path, { host });
        assert.equal(refused.status, 421, `${host} ${path}`);
      }
      for (const host of [`localhost:${port}`, 'LOCALHOST', '[::1]:9000', '127.0.0.1']) {
        assert.equal((await get(okta.url + path, { host })).status, 200, `${host} ${path}`);
      }
    }
    const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
    socket.write('GET / HTTP/1.0\r\n\r\n');
    const [text] = (await once(socket, 'data')) as [string];
    assert.match(text, /^HTTP\/1\.1 421 /, 'no name at all');
    socket.destroy();
    assert.equal(okta.requests.filter(({ status }) => status === 200).length, 4);
  });

  it('refuses a body that is too large', async (t) => {
    const okta = await serve(t);
    const large = await post(`${okta.issuer}/oauth2/v1/token`, { password: 'x'.repeat(2 ** 20) });
    assert.deepEqual(large, {
      status: 413,
      body: { error: 'The mock takes at most 1048576 bytes.' },
    });
  });
});
