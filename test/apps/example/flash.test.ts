import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import express from 'express';
import { MemoryStore, type SessionData } from 'express-session';
import { setFlash, takeFlash } from '../../../example/express/flash.js';
import { sessions } from '../../../example/express/sessions.js';
import { Browser } from '../../support/browser.js';
import { gate, type Gate } from '../../support/promises.js';

/** Requests of one session that overlap: `/slow/…` waits between reading the session and the flash. */
describe('the flash', () => {
  const store = new MemoryStore();
  const stored = () =>
    Object.values((store as unknown as { sessions: Record<string, string> }).sessions).map(
      (json) => JSON.parse(json) as SessionData,
    );
  let server: Server;
  let browser: Browser;
  let arrived: Gate;
  let proceed: Gate;

  before(async () => {
    const app = express();
    app.use(sessions({ sessionSecret: 'x', store }));
    app.get('/set', async (req, res) => {
      await setFlash(req, { notice: 'first' });
      res.send();
    });
    app.get('/take', async (req, res) => void res.json(await takeFlash(req)));
    app.get('/slow/:what', async (req, res) => {
      arrived.open();
      await proceed.opened;
      if (req.params.what === 'set') await setFlash(req, { notice: 'second' });
      else await takeFlash(req);
      res.send();
    });
    app.get('/change', (req, res) => {
      req.session['okta-direct-mfa'] = { username: 'ada' };
      res.send();
    });
    app.get('/end', (req, res) => void req.session.destroy(() => res.send()));
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(async () => {
    store.clear();
    [arrived, proceed] = [gate(), gate()];
    browser = new Browser(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    assert.equal((await browser.get('/set')).status, 200);
  });

  it('is there once, in a session that it begins if there is none', async () => {
    assert.deepEqual((await browser.get('/take')).body, { notice: 'first' });
    assert.deepEqual((await browser.get('/take')).body, {});
    assert.equal(stored().length, 1);
  });

  for (const what of ['set', 'take']) {
    /** Answers after the other request, whose session it had read before that. */
    async function overlapped(other: string) {
      const slow = browser.get(`/slow/${what}`);
      await arrived.opened;
      await browser.get(other);
      proceed.open();
      return slow;
    }

    it(`leaves what another request has changed meanwhile, when it is ${what === 'set' ? 'set' : 'taken'}`, async () => {
      await overlapped('/change');
      const [session, ...others] = stored();
      assert.deepEqual(others, []);
      assert.deepEqual(session?.['okta-direct-mfa'], { username: 'ada' });
      assert.deepEqual(session?.flash, what === 'set' ? { notice: 'second' } : undefined);
    });

    it(`brings back no session that another request has ended meanwhile, when it is ${what === 'set' ? 'set' : 'taken'}`, async () => {
      const { status, headers } = await overlapped('/end');
      assert.equal(status, 200);
      assert.deepEqual(stored(), []);
      assert.equal(headers['set-cookie'], undefined);
    });
  }
});
