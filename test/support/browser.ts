import { request } from 'undici';
import { collect } from './collector.js';

export interface Answer {
  status: number;
  /** The `Location` header. */
  location: string | undefined;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The JSON of the body, `{}` when it is none. */
  body: Record<string, unknown>;
}

type Fields = Record<string, string | string[]>;

interface PostOptions {
  /** Sent urlencoded, as by a form. */
  form?: Fields;
  /** Sent as JSON, as by a script. */
  json?: unknown;
  headers?: Record<string, string>;
  /** Gives up on the answer. */
  signal?: AbortSignal;
}

/** A browser as far as a login needs one: it keeps cookies and follows no redirect. */
export class Browser {
  readonly cookies: Map<string, string>;

  constructor(
    readonly url: string,
    cookies: Iterable<[string, string]> = [],
  ) {
    this.cookies = new Map(cookies);
  }

  get(path: string): Promise<Answer> {
    return this.#send('GET', path, {});
  }

  post(path: string, options: PostOptions = {}): Promise<Answer> {
    return this.#send('POST', path, options);
  }

  /** The same browser, as its cookies are now: what it gets in return stays its own. */
  fork(): Browser {
    return new Browser(this.url, this.cookies);
  }

  /** The session id in express-session's cookie. */
  get sessionID(): string | undefined {
    const cookie = decodeURIComponent(this.cookies.get('connect.sid') ?? '');
    return /^s:([^.]+)\./.exec(cookie)?.[1];
  }

  async #send(method: 'GET' | 'POST', path: string, options: PostOptions): Promise<Answer> {
    const { form, json, headers = {}, signal } = options;
    const type =
      form !== undefined
        ? { 'content-type': 'application/x-www-form-urlencoded' }
        : json !== undefined
          ? { 'content-type': 'application/json' }
          : {};
    const reply = await request(this.url + path, {
      method,
      headers: {
        cookie: [...this.cookies].map((pair) => pair.join('=')).join('; '),
        ...type,
        ...headers,
      },
      body:
        form !== undefined ? urlencoded(form) : json !== undefined ? JSON.stringify(json) : null,
      headersTimeout: 10_000,
      signal,
    });
    this.#keepCookies(reply.headers['set-cookie']);
    const text = await reply.body.text();
    const { 'set-cookie': _, ...shown } = reply.headers;
    collect(`the answer to ${method} ${path}`, `${JSON.stringify(shown)}\n${text}`);
    const { location } = reply.headers;
    return {
      status: reply.statusCode,
      location: typeof location === 'string' ? location : undefined,
      headers: reply.headers,
      text,
      body: String(reply.headers['content-type']).includes('json')
        ? (JSON.parse(text) as Record<string, unknown>)
        : {},
    };
  }

  #keepCookies(lines: string | string[] | undefined): void {
    for (const line of [lines ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(name, value);
    }
  }
}

function urlencoded(fields: Fields): string {
  const pairs = Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  return new URLSearchParams(pairs).toString();
}
