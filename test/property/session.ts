import type { IncomingMessage } from 'node:http';
import type { Transaction, TransactionStore } from '../../lib/index.js';

/** A request as far as the strategy reads it. */
export interface FakeRequest {
  tag: string;
  browser: Browser;
  headers: Record<string, string>;
  body?: unknown;
  session?: Session;
  sessionID?: string;
  sessionStore: Pick<Sessions, 'get'>;
}

/** The sessions of one app, kept as JSON, as express-session's stores do. */
export class Sessions {
  readonly saved = new Map<string, string>();
  #count = 0;

  /** @param pace how many turns of the microtask queue each operation takes */
  constructor(readonly pace: () => number) {}

  /** As express-session's stores do. */
  get(id: string, callback: (error: unknown, content?: object | null) => void): void {
    let content: object | null = null;
    this.later(
      () => {
        const json = this.saved.get(id);
        if (json !== undefined) content = JSON.parse(json) as object;
      },
      (error) => callback(error, content),
    );
  }

  newID(): string {
    return `sid-${++this.#count}`;
  }

  /** Runs an operation after some turns, and calls back. */
  later(operation: () => void, callback: (error?: unknown) => void): void {
    let turns = this.pace();
    const next = (): void => {
      if (turns-- > 0) return queueMicrotask(next);
      operation();
      callback(null);
    };
    queueMicrotask(next);
  }
}

/** One browser: a cookie, and the cookies that it had before. */
export class Browser {
  readonly cookies: string[] = [];

  constructor(readonly sessions: Sessions) {}

  get cookie(): string | undefined {
    return this.cookies.at(-1);
  }

  /** A request with its own copy of the session, as it is now, by the present cookie or an old one. */
  request(tag: string, body: unknown, headers = {}, age = 0): FakeRequest {
    const id = this.cookies.at(-1 - age) ?? this.cookie;
    const saved = id === undefined ? undefined : this.sessions.saved.get(id);
    const cookie = { cookie: `sid=${id ?? ''}` };
    const request: FakeRequest = {
      tag,
      browser: this,
      headers: { ...headers, ...cookie },
      body,
      sessionStore: this.sessions,
    };
    if (id === undefined || saved === undefined) open(request, this.sessions.newID(), {});
    else open(request, id, JSON.parse(saved) as object);
    return request;
  }

  /** What comes back to the browser: the cookie, as the answer sets it. */
  keep({ sessionID, session }: FakeRequest, resave: boolean): void {
    if (sessionID === undefined || session === undefined) return;
    if (resave) this.sessions.saved.set(sessionID, JSON.stringify(session));
    if (this.sessions.saved.has(sessionID) && sessionID !== this.cookie) {
      this.cookies.push(sessionID);
    }
  }

  /** What the store has of this browser. */
  get content(): Record<string, unknown> {
    return JSON.parse(this.sessions.saved.get(this.cookie ?? '') ?? '{}') as Record<
      string,
      unknown
    >;
  }
}

/** express-session's, as far as the strategy uses it. */
class Session {
  [key: string]: unknown;

  constructor(request: FakeRequest, content: object) {
    Object.defineProperty(this, 'request', { value: request });
    Object.assign(this, content);
    this['cookie'] ??= { path: '/' };
  }

  regenerate(callback: (error?: unknown) => void): void {
    const request = this['request'] as FakeRequest;
    const { sessions } = request.browser;
    sessions.later(() => {
      sessions.saved.delete(request.sessionID ?? '');
      open(request, sessions.newID(), {});
    }, callback);
  }

  save(callback: (error?: unknown) => void): void {
    const { browser, sessionID } = this['request'] as FakeRequest;
    // As it is at the time of the call.
    const json = JSON.stringify(this);
    browser.sessions.later(() => browser.sessions.saved.set(sessionID ?? '', json), callback);
  }
}

function open(request: FakeRequest, id: string, content: object): void {
  request.sessionID = id;
  request.session = new Session(request, content);
}

/** An app's own store: JSON by browser. */
export class BrowserStore implements TransactionStore {
  readonly saved = new Map<Browser, string>();

  read(req: IncomingMessage): Transaction | undefined {
    const json = this.saved.get(browserOf(req));
    return json === undefined ? undefined : (JSON.parse(json) as Transaction);
  }
  async create(req: IncomingMessage, transaction: Transaction): Promise<void> {
    await Promise.resolve();
    this.saved.set(browserOf(req), JSON.stringify(transaction));
  }
  async update(req: IncomingMessage, transaction: Transaction): Promise<boolean> {
    await Promise.resolve();
    if (this.read(req)?.id !== transaction.id) return false;
    this.saved.set(browserOf(req), JSON.stringify(transaction));
    return true;
  }
  async remove(req: IncomingMessage, id: string): Promise<boolean> {
    await Promise.resolve();
    return this.read(req)?.id === id && this.saved.delete(browserOf(req));
  }
}

const browserOf = (req: IncomingMessage) => (req as unknown as FakeRequest).browser;
