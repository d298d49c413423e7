import { Agent, request } from 'undici';
import type { App } from '../../support/app.js';

interface Teardown {
  after(fn: () => unknown): void;
}

/** POSTs of JSON with a given cookie, over so many connections that are kept. */
export function keptConnections(t: Teardown, connections: number) {
  const agent = new Agent({ connections, pipelining: 1 });
  t.after(() => agent.close());
  return async (url: string, cookie: string, json: unknown) => {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify(json),
    });
    return { status: statusCode, body: (await body.json()) as Record<string, unknown> };
  };
}

/** How many actions each request got, in the order of their first. */
export function actionCounts({ actions }: App): number[] {
  return [...new Set(actions.map(({ req }) => req))].map(
    (req) => actions.filter((action) => action.req === req).length,
  );
}
