import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp, type AppOptions } from '../../../example/express/app.js';
import { demoAccount } from '../../../example/express/demo.js';
import { startOkta, type Okta } from '../../../example/okta/index.js';

/** The sample app before a stand-in of its own, on free ports. */
export async function startSample({
  demo = false,
  ...options
}: Omit<Partial<AppOptions>, 'demo'> & { demo?: boolean } = {}) {
  const okta = await startOkta();
  const lines: string[] = [];
  const app = createApp({
    okta: publicClient(okta),
    sessionSecret: 'a secret for tests',
    log: (line) => lines.push(line),
    demo: demo ? demoAccount(okta) : undefined,
    ...options,
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    okta,
    origin,
    server,
    /** What the app wrote to its log. */
    lines,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await okta.close();
    },
  };
}

/** The strategy's options for the stand-in's org server and its native app. */
export const publicClient = ({ issuers, clients }: Okta) => ({
  issuer: issuers.org,
  clientID: clients.native.client_id,
  allowInsecureIssuer: true,
});

/** One page load: no redirect is followed. */
export interface Page {
  status: number;
  headers: Headers;
  text: string;
}

/** A browser without scripts: keeps cookies, fills in forms with the hidden fields of the page. */
export class Browser {
  readonly cookies = new Map<string, string>();
  private lastPage = '';

  constructor(readonly origin: string) {}

  get(path: string): Promise<Page> {
    return this.send(path);
  }

  /** Posts a form of the page loaded last. */
  submit(path: string, fields: Record<string, string> = {}): Promise<Page> {
    const token = /name="_csrf" value="([^"]+)"/.exec(this.lastPage)?.[1] ?? '';
    return this.post(path, { _csrf: token, ...fields });
  }

  post(path: string, fields: Record<string, string>): Promise<Page> {
    return this.send(path, { method: 'POST', body: new URLSearchParams(fields) });
  }

  async send(path: string, init: RequestInit = {}): Promise<Page> {
    const headers = new Headers(init.headers);
    const cookie = Array.from(this.cookies, ([name, value]) => `${name}=${value}`).join('; ');
    if (cookie) headers.set('cookie', cookie);
    const response = await fetch(new URL(path, this.origin), {
      ...init,
      headers,
      redirect: 'manual',
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name = '', value = ''] = pair.split('=');
      this.cookies.set(name, value);
    }
    const text = await response.text();
    if (response.headers.get('content-type')?.startsWith('text/html')) this.lastPage = text;
    return { status: response.status, headers: response.headers, text };
  }
}
