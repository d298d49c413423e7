import { IncomingMessage, ServerResponse, type IncomingHttpHeaders } from 'node:http';
import type { AuthorizationServer } from './authorization-server.js';
import { internalError } from './errors.js';
import { unguessable } from './ids.js';
import type { Pages } from './pages.js';
import type { OktaResponse, ScriptedResponses } from './scripted-responses.js';

export type ServerName = 'org' | 'default';

/** A request that reached one of Okta's endpoints: the stand-in's own pages are not recorded. */
export interface RecordedRequest {
  readonly method: string;
  /** As requested, with the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The form's fields; if a field was sent twice, the last value. */
  readonly form: Readonly<Record<string, string>>;
  /** The form as sent, with repeated fields. */
  readonly params: URLSearchParams;
  readonly authorizationServer: ServerName;
  /** The response's HTTP status; 0 until there is a response. */
  status: number;
}

/** Records each request, and passes it to its authorization server unless a test responds. */
export class Front {
  readonly #servers: Readonly<Record<ServerName, AuthorizationServer>>;
  readonly #pages: Pages;
  readonly #scripted: ScriptedResponses;
  readonly #requests: RecordedRequest[] | undefined;
  readonly #now: () => number;

  constructor(parts: {
    servers: Readonly<Record<ServerName, AuthorizationServer>>;
    pages: Pages;
    scripted: ScriptedResponses;
    /** Where to record requests; they are not recorded if undefined. */
    requests: RecordedRequest[] | undefined;
    now: () => number;
  }) {
    this.#servers = parts.servers;
    this.#pages = parts.pages;
    this.#scripted = parts.scripted;
    this.#requests = parts.requests;
    this.#now = parts.now;
  }

  readonly listener = (req: IncomingMessage, res: ServerResponse): void => {
    res.setHeader('X-Okta-Request-Id', unguessable());
    // The test's clock, if it has set one: clients compare X-Rate-Limit-Reset with this header.
    res.setHeader('Date', new Date(this.#now()).toUTCString());
    this.#handle(req, res).catch((err: unknown) => {
      // Either the client went away, or a test's response function threw, which must be reported.
      if (!req.destroyed || req.complete) console.error('The stand-in for Okta failed:', err);
      if (res.headersSent) res.destroy();
      else void send(res, { status: 500, body: internalError().body });
    });
  };

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await readBody(req);
    if (this.#pages.owns(req)) return this.#pages.handle(req, res, body);
    const name = serverOf(req);
    const request = describe(req, body, name);
    this.#record(request, res);

    const server = this.#servers[name];
    const response = await this.#scripted.take(request, () =>
      capture((captured) => server.handle(replay(req, body, server.issuer), captured)),
    );
    if (response === undefined) server.handle(replay(req, body, server.issuer), res);
    else if (response === 'reset') req.socket.destroy();
    else if (response !== 'hang') await send(res, response);
  }

  #record(request: RecordedRequest, res: ServerResponse): void {
    if (!this.#requests) return;
    this.#requests.push(request);
    // Set when the head is written, so that it is there before the client reads the response.
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => ServerResponse;
    res.writeHead = (status: number, ...rest: unknown[]) => {
      request.status = status;
      return writeHead(status, ...rest);
    };
  }
}

function serverOf(req: IncomingMessage): ServerName {
  return /^\/oauth2\/default(?:[/?]|$)/.test(req.url ?? '') ? 'default' : 'org';
}

function describe(req: IncomingMessage, body: Buffer, name: ServerName): RecordedRequest {
  const isForm = req.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  const params = new URLSearchParams(isForm ? body.toString() : '');
  return {
    method: req.method ?? '',
    path: req.url ?? '',
    headers: req.headers,
    form: Object.fromEntries(params),
    params,
    authorizationServer: name,
    status: 0,
  };
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * A copy of the request with its body unread: oidc-provider reads the body itself and prints a
 * warning if something else has. The URL is relative to the issuer's path, as under any mount, and
 * the host is the issuer's, so that discovery shows the same URLs whichever host name the client
 * used.
 */
function replay(req: IncomingMessage, body: Buffer, issuer: string): IncomingMessage {
  const { host, pathname } = new URL(issuer);
  const url = req.url ?? '/';
  const copy = new IncomingMessage(req.socket);
  copy.httpVersion = req.httpVersion;
  copy.httpVersionMajor = req.httpVersionMajor;
  copy.httpVersionMinor = req.httpVersionMinor;
  copy.method = req.method ?? 'GET';
  copy.headers = { ...req.headers, host };
  copy.url = pathname === '/' ? url : url.slice(pathname.length) || '/';
  Object.assign(copy, { originalUrl: url });
  copy.complete = true;
  if (body.length > 0) copy.push(body);
  copy.push(null);
  return copy;
}

/** Captures the response that a handler writes, instead of sending it. */
function capture(handle: (res: ServerResponse) => void): Promise<OktaResponse> {
  return new Promise((resolve) => {
    const res = new ServerResponse(new IncomingMessage(undefined as never));
    const chunks: Buffer[] = [];
    const take = (chunk: unknown): void => {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
    };
    res.write = ((chunk: unknown) => {
      take(chunk);
      return true;
    }) as typeof res.write;
    res.end = ((chunk: unknown) => {
      take(chunk);
      const { 'content-length': _, ...headers } = res.getHeaders();
      const text = Buffer.concat(chunks).toString();
      const isJson = String(headers['content-type']).includes('json');
      resolve({
        status: res.statusCode,
        headers: headers as Record<string, string>,
        body: isJson ? (JSON.parse(text) as Record<string, unknown>) : text,
      });
      return res;
    }) as typeof res.end;
    handle(res);
  });
}

async function send(res: ServerResponse, response: OktaResponse): Promise<void> {
  const { status = 200, headers = {}, body = '' } = response;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.statusCode = status;
  if (typeof body === 'string' || body instanceof Uint8Array) {
    res.end(body);
    return;
  }
  if (Symbol.asyncIterator in body) {
    for await (const chunk of body) {
      if (res.destroyed) return;
      res.write(chunk);
    }
    res.end();
    return;
  }
  if (!res.hasHeader('Content-Type')) res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify(body));
}
