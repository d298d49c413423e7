/** What the parts of the load run, each a process, say to each other. */
export type ToOkta = { type: 'add users'; count: number };
export type FromOkta =
  { type: 'ready'; issuer: string; clientID: string } | { type: 'users'; users: Person[] };

export type ToApp = { type: 'measure' } | { type: 'forget sessions' };
export type FromApp =
  { type: 'ready'; origin: string } | { type: 'measured'; measured: Measured } | { type: 'forgot' };

export interface Person {
  id: string;
  username: string;
  password: string;
  totpSecret: string;
}

/** What a process holds on to, after its garbage is gone. */
export interface Measured {
  heapMiB: number;
  /** `process.getActiveResourcesInfo()`, counted by kind. */
  resources: Record<string, number>;
  /** Timers that were set and have neither run nor been cleared, `unref()` or not. */
  timers: number;
  /** Open sockets of the process, in use or idle. */
  sockets: number;
  sessions: number;
  loggedIn: number;
  transactions: number;
  errors: number;
}
