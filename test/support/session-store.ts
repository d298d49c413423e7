import session, { type SessionData } from 'express-session';
import type { Transaction } from '../../lib/index.js';

type Operation = 'get' | 'set' | 'destroy';
type Callback = (error?: unknown) => void;

/** express-session's own MemoryStore, made slow or failing by a hook, and open to inspection. */
export class HookedStore extends session.MemoryStore {
  /** What MemoryStore keeps: JSON by session id. */
  declare sessions: Record<string, string>;

  /** Runs before each operation: a promise delays it, a throw or a rejection makes it fail. */
  before: (operation: Operation, sid: string, data?: SessionData) => unknown = () => undefined;

  /** Runs between a `get` and the answer to it: what it delays is out of date when it arrives. */
  afterGet: (sid: string) => unknown = () => undefined;

  override get(sid: string, callback: (error: unknown, data?: SessionData | null) => void): void {
    const answer: typeof callback = (error, data) => {
      Promise.resolve(this.afterGet(sid)).then(() => callback(error, data), callback);
    };
    this.run('get', sid, undefined, callback, () => super.get(sid, answer));
  }

  override set(sid: string, data: SessionData, callback: Callback = () => undefined): void {
    // As it is at the time of the call, as every store would write it.
    const snapshot = JSON.parse(JSON.stringify(data)) as SessionData;
    this.run('set', sid, snapshot, callback, () => super.set(sid, snapshot, callback));
  }

  override destroy(sid: string, callback: Callback = () => undefined): void {
    this.run('destroy', sid, undefined, callback, () => super.destroy(sid, callback));
  }

  private run(
    operation: Operation,
    sid: string,
    data: SessionData | undefined,
    callback: Callback,
    action: () => void,
  ): void {
    Promise.resolve()
      .then(() => this.before(operation, sid, data))
      .then(action, callback);
  }

  /** What is stored under a session id. */
  content(sid: string | undefined): Record<string, unknown> | undefined {
    const json = this.sessions[sid ?? ''];
    return json === undefined ? undefined : (JSON.parse(json) as Record<string, unknown>);
  }

  /** The transaction saved in a session. */
  waiting(sid: string | undefined, key = 'okta-direct-mfa'): Transaction | undefined {
    return this.content(sid)?.[key] as Transaction | undefined;
  }

  /** Every session, as one string. */
  get text(): string {
    return Object.values(this.sessions).join('\n');
  }
}
