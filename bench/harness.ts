import session from 'express-session';
import { Passport } from 'passport';
import type { Strategy } from 'passport';

/** Express-session's parts without an HTTP server, so that a login costs what Passport and a session cost. */
interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Record<string, string>;
  sessionID: string;
  sessionStore: session.Store;
  session: session.Session;
}

/**
 * A whole login through `passport.authenticate` with a real session in a real store: the password
 * request, then the passcode request with the session loaded anew, as a second HTTP request has it.
 */
export function passportLogin(
  strategy: Strategy,
): (
  credentials: { username: string; password: string; otp: string },
  between?: () => Promise<void>,
) => Promise<{ sessionBytes: number }> {
  const passport = new Passport();
  passport.use('bench', strategy);
  passport.serializeUser((user, done) => done(null, (user as { id: string }).id));
  const store = new session.MemoryStore() as session.MemoryStore & {
    generate(req: Request): void;
    sessions: Record<string, string>;
  };
  let count = 0;
  let others = Number(process.env['BENCH_TRANSACTIONS'] ?? 0);
  store.generate = (req) => {
    count += 1;
    req.sessionID = `session-${count}`;
    const Session = (session as unknown as { Session: new (req: Request) => session.Session })
      .Session;
    const Cookie = (session as unknown as { Cookie: new () => session.Cookie }).Cookie;
    req.session = new Session(req);
    req.session.cookie = new Cookie();
  };

  function request(body: Record<string, string>): Request {
    return {
      method: 'POST',
      url: '/login',
      headers: {},
      body,
      sessionStore: store,
    } as unknown as Request;
  }

  function authenticate(req: Request): Promise<string> {
    return new Promise((resolve, reject) => {
      const handler = passport.authenticate(
        'bench',
        (error: unknown, user: Express.User | false, info: { code?: string } | undefined) => {
          if (error) return reject(new Error('the login failed', { cause: error }));
          if (!user) return resolve(info?.code ?? 'refused');
          (req as unknown as Express.Request).logIn(user, (error) =>
            error ? reject(error as Error) : resolve('authenticated'),
          );
        },
      ) as (req: unknown, res: unknown, next: (error: Error) => void) => void;
      handler(req, {}, (error: Error) => reject(error));
    });
  }

  return async ({ username, password, otp }, between) => {
    const first = request({ username, password });
    store.generate(first);
    if ((await authenticate(first)) !== 'mfa_required')
      throw new Error('no passcode was asked for');
    // What the transaction adds to a session that holds nothing else.
    const empty = JSON.stringify({ cookie: first.session.cookie });
    const sessionBytes = Buffer.byteLength(store.sessions[first.sessionID]!) - empty.length;

    // For the growth measurement: as many more transactions in the same store.
    for (; others > 0; others -= 1) {
      store.sessions[`other-${others}`] = `${store.sessions[first.sessionID]!} `;
    }

    await between?.();
    const second = request({ otp });
    second.sessionID = first.sessionID;
    await new Promise<void>((resolve, reject) => {
      store.get(first.sessionID, (error, data) => {
        if (error || !data) return reject(new Error('the session is not in the store'));
        store.createSession(second as never, data);
        resolve();
      });
    });
    const outcome = await authenticate(second);
    if (outcome !== 'authenticated') throw new Error(`the login ended in ${outcome}`);
    // A logged-in session is not what is measured; leave nothing behind.
    store.destroy(second.sessionID);
    return { sessionBytes };
  };
}
