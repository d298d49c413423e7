import assert from 'node:assert/strict';
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp, type AppOptions } from '../../../example/express/app.js';
import { demoAccount } from '../../../example/express/demo.js';
import { startOkta, type User } from '../../../example/okta/index.js';
import { Browser, type Answer } from '../../support/browser.js';
import { optionsFor } from '../../support/login.js';

/** The sample app before its own stand-in for Okta, on free ports. */
export async function startSample({
  demo = false,
  strategy = {},
  accessTokenLifetime,
  ...options
}: Omit<Partial<AppOptions>, 'demo'> & {
  demo?: boolean;
  strategy?: Partial<AppOptions['okta']>;
  accessTokenLifetime?: number;
} = {}) {
  const okta = await startOkta({
    record: true,
    ...(accessTokenLifetime && { accessTokenLifetime }),
  });
  const lines: string[] = [];
  const app = createApp({
    okta: optionsFor(okta, strategy),
    sessionSecret: 'a secret for tests',
    log: (line) => lines.push(line),
    demo: demo ? demoAccount(okta) : undefined,
    ...options,
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const newBrowser = () => new FormBrowser(origin);

  /** A browser on the passcode page. */
  async function afterPassword(user: User, browser = newBrowser()): Promise<FormBrowser> {
    await browser.get('/login');
    assertRedirect(await browser.submit('/login', credentials(user)), '/login/otp');
    await browser.get('/login/otp');
    return browser;
  }

  async function signedIn(user: User, browser = newBrowser()): Promise<FormBrowser> {
    await afterPassword(user, browser);
    assertRedirect(await browser.submit('/login/otp', { otp: okta.otp(user) }), '/profile');
    return browser;
  }

  return {
    okta,
    origin,
    server,
    /** What the app wrote to its log. */
    lines,
    newBrowser,
    afterPassword,
    signedIn,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await okta.close();
    },
  };
}

export type Sample = Awaited<ReturnType<typeof startSample>>;

/** The fields of the first step. */
export const credentials = ({ username, password }: User) => ({ username, password });

export function assertRedirect({ status, location, text }: Answer, to: string): void {
  assert.deepEqual([status, location], [302, to], text);
}

/** The CSRF token in the form of a page. */
export const tokenOf = ({ text }: Answer) => /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';

/** A browser without scripts: it submits forms with the hidden field of the page that it loaded last. */
export class FormBrowser extends Browser {
  #token = '';

  /** Submits a form of the page loaded last. */
  async submit(path: string, fields: Record<string, string> = {}): Promise<Answer> {
    return this.post(path, { form: { _csrf: this.#token, ...fields } });
  }

  /** Submits a form, and gives the page that the redirect leads to. */
  async send(path: string, fields?: Record<string, string>): Promise<Answer> {
    const { status, location, text } = await this.submit(path, fields);
    assert.equal(status, 302, text);
    return this.get(location!);
  }

  override async get(path: string): Promise<Answer> {
    return this.#show(await super.get(path));
  }

  override async post(...args: Parameters<Browser['post']>): Promise<Answer> {
    return this.#show(await super.post(...args));
  }

  #show(page: Answer): Answer {
    if (String(page.headers['content-type']).startsWith('text/html')) this.#token = tokenOf(page);
    return page;
  }
}

/** A request byte for byte, as no browser would send it. */
export function raw(
  origin: string,
  path: string,
  method: string,
  headers: Record<string, string> = {},
  body = '',
) {
  const { hostname, port } = new URL(origin);
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>(
    (resolve, reject) => {
      const req = request({ hostname, port, path, method, headers }, (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }));
      });
      req.on('error', reject);
      req.end(body);
    },
  );
}
