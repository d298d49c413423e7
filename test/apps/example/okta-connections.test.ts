import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Agent, request } from 'undici';
import { oktaConnections } from '../../../example/express/okta-connections.js';

describe('the connections to Okta', () => {
  let server: Server;
  let connections = 0;
  before(async () => {
    server = createServer((_req, res) => res.end());
    server.keepAliveTimeout = 0; // says nothing of when it closes them, as Okta may
    server.on('connection', () => (connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  /** How many connections two requests take, with so many seconds between them. */
  async function taken(t: TestContext, dispatcher: Agent, seconds: number): Promise<number> {
    connections = 0;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    try {
      for (const wait of [seconds, 0]) {
        const { body } = await request(url, { dispatcher });
        await body.dump();
        await new Promise((resolve) => setImmediate(resolve)); // undici sets the timer
        t.mock.timers.tick(wait * 1000);
      }
      return connections;
    } finally {
      t.mock.timers.reset();
      await dispatcher.close();
    }
  }

  it('outlive the time that people take between password and passcode', async (t) => {
    assert.equal(await taken(t, oktaConnections(), 60), 1);
    assert.equal(await taken(t, new Agent(), 60), 2, 'with the defaults they do not');
  });

  it('are not kept for ever', async (t) => {
    assert.equal(await taken(t, oktaConnections(), 600), 2);
  });
});
