import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { MemoryStore, type Store, type SessionData } from 'express-session';
import { LifetimeStore } from '../../../example/express/sessions.js';
import { assertRedirect, startSample, tokenOf, type FormBrowser, type Sample } from './support.js';

const MINUTE = 60_000;
const isSignedIn = async (browser: FormBrowser) => (await browser.get('/profile')).status === 200;

describe('the lifetime of a session', () => {
  let sample: Sample;
  let browser: FormBrowser;
  const store = new MemoryStore();
  const { sessions } = store as unknown as { sessions: Record<string, string> };
  before(async () => {
    sample = await startSample({ store });
  });
  after(() => sample.close());
  beforeEach(async () => {
    browser = await sample.signedIn(sample.okta.addUser());
  });

  it('ends after half an hour without a request, and each request begins it anew', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    assert.equal(await isSignedIn(browser), true);
    for (let count = 0; count < 3; count += 1) {
      t.mock.timers.tick(29 * MINUTE);
      assert.equal(await isSignedIn(browser), true, `request ${count}`);
    }
    t.mock.timers.tick(30 * MINUTE);
    assert.equal(await isSignedIn(browser), false);
  });

  it('ends twelve hours after the login, however busy', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    for (let minutes = 20; minutes < 12 * 60; minutes += 20) {
      t.mock.timers.tick(20 * MINUTE);
      assert.equal(await isSignedIn(browser), true, `after ${minutes} minutes`);
    }
    t.mock.timers.tick(20 * MINUTE);
    assert.equal(await isSignedIn(browser), false);
  });

  it('begins with the login, not with the page that was open before it', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const early = sample.newBrowser();
    await early.get('/login');
    for (let count = 0; count < 4; count += 1) {
      t.mock.timers.tick(20 * MINUTE);
      await early.get('/login');
    }
    await sample.signedIn(sample.okta.addUser(), early);
    for (let minutes = 20; minutes < 12 * 60; minutes += 20) {
      t.mock.timers.tick(20 * MINUTE);
      assert.equal(await isSignedIn(early), true, `after ${minutes} minutes`);
    }
  });

  it('leaves nothing in the store, and the cookie lasts as long as the browser', async (t) => {
    const before = Object.keys(sessions).length;
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    t.mock.timers.tick(30 * MINUTE);
    assert.equal(await isSignedIn(browser), false);
    assert.equal(Object.keys(sessions).length, before - 1);
    const { headers } = await sample.newBrowser().get('/login');
    assert.doesNotMatch(String(headers['set-cookie']), /expires|max-age/i);
  });

  it('can be set', async (t) => {
    const short = await startSample({ sessionLifetime: { idle: 60, absolute: 90 } });
    try {
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
      const one = await short.signedIn(short.okta.addUser());
      const other = await short.signedIn(short.okta.addUser());
      t.mock.timers.tick(59_000);
      assert.equal(await isSignedIn(one), true);
      t.mock.timers.tick(30_000);
      assert.deepEqual([await isSignedIn(one), await isSignedIn(other)], [true, false]);
      t.mock.timers.tick(1000);
      assert.equal(await isSignedIn(one), false);
    } finally {
      await short.close();
    }
  });
});

describe('LifetimeStore', () => {
  const lifetime = { idle: 60, absolute: 3600 };
  const session = { cookie: { originalMaxAge: null } } as SessionData;
  const get = (store: Store, id: string) =>
    new Promise<SessionData | null | undefined>((resolve, reject) => {
      store.get(id, (error: unknown, found) =>
        error ? reject(new Error('get failed', { cause: error })) : resolve(found),
      );
    });

  it('does not bring back a session by a touch', async () => {
    const store = new LifetimeStore(new MemoryStore(), lifetime);
    store.set('a', session);
    assert.ok(await get(store, 'a'));
    store.destroy('a');
    store.touch('a', session);
    assert.equal((await get(store, 'a')) ?? null, null);
  });

  it('ends a session by itself in a store that forgets the expiry, and one without a beginning', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1e12 });
    const inner = new MemoryStore();
    const store = new LifetimeStore(inner, lifetime);
    inner.set('old', session);
    inner.set('late', { ...session, startedAt: 1e12 - 3_600_000 });
    inner.set('good', { ...session, startedAt: 1e12 - 3_599_999 });
    assert.equal(await get(store, 'old'), null);
    assert.equal(await get(store, 'late'), null);
    assert.ok(await get(store, 'good'));
    assert.equal((await get(inner, 'late')) ?? null, null, 'destroyed');
  });

  it('refuses a store without touch, and lifetimes that cannot be', () => {
    class Untouched extends MemoryStore {
      override touch = undefined as never;
    }
    assert.throws(() => new LifetimeStore(new Untouched(), lifetime), /touch/);
    for (const idle of [0, -1, Number.NaN]) {
      assert.throws(
        () => new LifetimeStore(new MemoryStore(), { ...lifetime, idle }),
        /sessionLifetime\.idle/,
      );
    }
  });
});

describe('a body that arrives slowly', () => {
  it('is met by the session as it is then, not as it was when the request began', async () => {
    const sample = await startSample();
    try {
      const browser = await sample.signedIn(sample.okta.addUser());
      const { port, hostname } = new URL(sample.origin);
      const socket = connect(Number(port), hostname);
      const body = `_csrf=${tokenOf(await browser.get('/profile'))}&otp=123456`;
      const arrived = once(sample.server, 'request');
      socket.write(
        [
          'POST /login/otp HTTP/1.1',
          `Host: ${hostname}:${port}`,
          `Cookie: session=${browser.cookies.get('session')}`,
          'Content-Type: application/x-www-form-urlencoded',
          `Content-Length: ${body.length}`,
          'Connection: close',
          '',
          body.slice(0, 10),
        ].join('\r\n'),
      );
      await arrived;
      assertRedirect(await browser.submit('/logout'), '/login');
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      socket.write(body.slice(10));
      await once(socket, 'close');
      // Who is signed in would be led to the profile.
      assert.match(answer, /^HTTP\/1\.1 403 /);
    } finally {
      await sample.close();
    }
  });
});
