import type { IncomingMessage, ServerResponse } from 'node:http';
import { html, type Html } from '../express/html.js';
import { PASSKEY_SCRIPT, PHONE_SCRIPT, STYLE } from './page-assets.js';
import type { PasskeyPages } from './passkey-pages.js';
import type { PhonePages } from './phone-pages.js';
import { respondRecovery } from './recovery-pages.js';

/** A request for one of the pages. */
export interface PageRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Of the page, from the `Host` header. */
  readonly origin: URL;
  readonly body: string;
}

export interface PageResponse {
  readonly status: number;
  readonly body?: Html | Record<string, unknown>;
  /** Where to go next, with status 302 or 303. */
  readonly location?: string;
}

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  // Not `no-referrer`: browsers would then send `Origin: null` with forms.
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
};

const ASSETS: Readonly<Record<string, [type: string, text: string]>> = {
  '/stand-in/style.css': ['text/css', STYLE],
  '/stand-in/phone.js': ['text/javascript', PHONE_SCRIPT],
  '/stand-in/passkeys.js': ['text/javascript', PASSKEY_SCRIPT],
};

/** The pages for people, beside Okta's endpoints: phones, enrolment of passkeys, account recovery. */
export class Pages {
  readonly #phone: PhonePages;
  readonly #passkeys: PasskeyPages;

  constructor(phone: PhonePages, passkeys: PasskeyPages) {
    this.#phone = phone;
    this.#passkeys = passkeys;
  }

  /** Whether the request is for a page; else it is for Okta's endpoints. */
  owns(req: IncomingMessage): boolean {
    return /^\/(?:phone|passkeys|signin|stand-in)(?:[/?]|$)/.test(req.url ?? '');
  }

  async handle(req: IncomingMessage, res: ServerResponse, body: Buffer): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) res.setHeader(name, value);
    const [path = ''] = (req.url ?? '').split('?');
    const asset = ASSETS[path];
    if (asset) {
      res.setHeader('Content-Type', `${asset[0]}; charset=utf-8`);
      res.end(asset[1]);
      return;
    }
    send(res, await this.#respond(req, path, body));
  }

  async #respond(req: IncomingMessage, path: string, body: Buffer): Promise<PageResponse> {
    const { method = 'GET', headers } = req;
    const scheme = 'encrypted' in req.socket ? 'https' : 'http';
    const origin = parse(`${scheme}://${headers.host ?? ''}`);
    if (!origin) return message(400, 'The request has no usable host name');
    // Another site's page must not tap "Yes" in the developer's browser.
    if (method === 'POST' && headers.origin !== undefined && headers.origin !== origin.origin) {
      return message(403, 'This form belongs to another site');
    }
    const request = { method, path, origin, body: body.toString() };
    const response =
      respondRecovery(request) ??
      (path.startsWith('/phone')
        ? this.#phone.respond(request)
        : await this.#passkeys.respond(request));
    return response ?? message(404, 'There is no such page');
  }
}

/** The frame of every page. */
export function layout(title: string, content: Html, script?: string): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} – Okta stand-in</title>
        <link rel="stylesheet" href="/stand-in/style.css" />
        ${script !== undefined && html`<script src="${script}" defer></script>`}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
        <footer class="note">
          <p>
            This is a stand-in for Okta, for development. Whoever opens these pages sees every code
            and may answer for everyone: that is what they are for.
          </p>
        </footer>
      </body>
    </html>`;
}

export function message(status: number, text: string): PageResponse {
  const back = html`<p><a href="/phone">Phones</a> · <a href="/passkeys">Passkeys</a></p>`;
  return { status, body: layout(text, back) };
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

function send(res: ServerResponse, { status, body, location }: PageResponse): void {
  res.statusCode = status;
  if (location !== undefined) res.setHeader('Location', location);
  const isPage = body !== undefined && 'text' in body && typeof body.text === 'string';
  if (body !== undefined) {
    res.setHeader('Content-Type', isPage ? 'text/html; charset=utf-8' : 'application/json');
  }
  res.end(body === undefined ? '' : isPage ? body.text : JSON.stringify(body));
}
