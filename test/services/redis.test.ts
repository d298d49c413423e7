import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { createClient } from 'redis';
import { startOkta, type Okta } from '../../example/okta/index.js';
import { runProgram } from '../support/program.js';
import { Browser } from '../support/browser.js';
import { startRedis, type Server } from './servers.js';

/** The sample app as `npm start` runs it, in processes that share one Redis. */
describe('the sample app with REDIS_URL', () => {
  let okta: Okta;
  let redis: Server;
  let client: ReturnType<typeof createClient>;
  let programs: ReturnType<typeof runProgram>[] = [];

  before(async () => {
    [okta, redis] = await Promise.all([startOkta({ rateLimitPerSecond: Infinity }), startRedis()]);
    client = createClient({ url: `redis://127.0.0.1:${redis.port}` });
    await client.connect();
  });
  after(async () => {
    client.destroy();
    await okta.close();
    await redis.end();
  });
  afterEach(async () => {
    await Promise.all(programs.map((program) => program.stop()));
    programs = [];
    await client.flushAll();
  });

  async function startApp(): Promise<string> {
    const program = runProgram(['--import', 'tsx', 'example/express/main.ts'], {
      OKTA_ISSUER: okta.issuers.org,
      OKTA_CLIENT_ID: okta.clients.native.client_id,
      SESSION_SECRET: 'shared',
      SESSION_IDLE_SECONDS: '600',
      SESSION_MAX_SECONDS: '3600',
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    });
    programs.push(program);
    const [, port = ''] = await program.until(/The sample app: http:\/\/localhost:(\d+)/);
    return `http://127.0.0.1:${port}`;
  }

  async function post(browser: Browser, json: object) {
    const { csrfToken } = (await browser.get('/api/csrf')).body;
    return browser.post('/api/login', { json, headers: { 'x-csrf-token': String(csrfToken) } });
  }
  const wrong = (username: string) => ({ username, password: 'Quite-Wrong-99' });

  it('takes one step in each process, and keeps the session for the idle time and no longer', async () => {
    const [one, other] = await Promise.all([startApp(), startApp()]);
    const { username, password, ...user } = okta.addUser();
    const browser = new Browser(one);
    assert.equal((await post(browser, { username, password })).body['code'], 'mfa_required');
    const second = new Browser(other, browser.cookies);
    const otp = okta.otp({ username, password, ...user });
    assert.equal((await post(second, { otp })).status, 200);

    const [key = '', ...rest] = await client.keys('session:*');
    assert.deepEqual(rest, []);
    const ttl = await client.ttl(key);
    assert.ok(ttl > 0 && ttl <= 600, String(ttl));
    await client.expire(key, 60);
    assert.equal((await new Browser(one, second.cookies).get('/profile')).status, 200);
    assert.ok((await client.ttl(key)) > 60, 'a request moves it');
    await client.del(key);
    assert.equal((await second.get('/profile')).location, '/login');
  });

  it('counts a username in all processes together, also over a restart', async () => {
    const [one, other] = await Promise.all([startApp(), startApp()]);
    const browsers = [new Browser(one), new Browser(other)] as const;
    for (let count = 0; count < 10; count += 1) {
      assert.equal((await post(browsers[0], wrong('ann@example.com'))).status, 401);
      assert.equal((await post(browsers[1], wrong(' ANN@example.com '))).status, 401);
    }
    browsers[0].cookies.clear();
    for (const browser of [...browsers, new Browser(await startApp())]) {
      const { status, body } = await post(browser, wrong('ann@example.com'));
      assert.deepEqual([status, body['code']], [429, 'rate_limited']);
      assert.match(String(body['message']), /username/);
      const seconds = Number(body['retryAfter']);
      assert.ok(seconds > 800 && seconds <= 900, String(seconds));
    }
    assert.equal((await post(browsers[1], wrong('bob@example.com'))).status, 401);
    const keys = await client.keys('limit:*');
    assert.equal(keys.length, 3, 'an address and two usernames');
    assert.ok(keys.every((key) => !key.includes('example')));
  });

  it('counts an address in all processes together, and two at once never both take the last', async () => {
    const apps = await Promise.all([startApp(), startApp()]);
    const browsers = apps.map((app) => new Browser(app));
    const tokens = await Promise.all(browsers.map((browser) => browser.get('/api/csrf')));
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, index) => {
        const headers = { 'x-csrf-token': String(tokens[index % 2]?.body['csrfToken']) };
        return browsers[index % 2]!.post('/api/login', { json: {}, headers });
      }),
    );
    const counts = [400, 429].map((code) => answers.filter(({ status }) => status === code).length);
    assert.deepEqual(counts, [100, 20]);
  });

  it('fails while Redis is away rather than sign in uncounted, and goes on when it is back', async () => {
    const browser = new Browser(await startApp());
    assert.equal((await post(browser, wrong('ann@example.com'))).status, 401);
    const { csrfToken } = (await browser.get('/api/csrf')).body;
    const headers = { 'x-csrf-token': String(csrfToken) };
    const json = wrong('ann@example.com');
    client.destroy();
    await redis.stop();
    assert.equal((await browser.post('/api/login', { json, headers })).status, 500);
    await redis.start();
    client = createClient({ url: `redis://127.0.0.1:${redis.port}` });
    await client.connect();
    let status = 0;
    for (let tries = 0; tries < 200 && status !== 401; tries += 1) {
      ({ status } = await browser.post('/api/login', { json, headers }));
      if (status !== 401) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(status, 401);
  });
});
