import type { IncomingMessage } from 'node:http';
import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import session, { type SessionOptions } from 'express-session';
import passport, { type AuthenticateOptions } from 'passport';
import { Agent } from 'undici';
import {
  OktaDirectMfaStrategy,
  type OktaDirectMfaAuthenticateOptions,
  type OktaDirectMfaStrategyOptions,
  type OktaProfile,
  type OktaTokens,
  type VerifyCallback,
} from '../../lib/index.js';
import { addSecrets, collect } from './collector.js';
import { listen, type Teardown } from './servers.js';
import { HookedStore } from './session-store.js';

type Options = OktaDirectMfaStrategyOptions;

/** What a verify function gets, by name. */
export interface Login {
  req: Request;
  tokens: OktaTokens;
  profile: OktaProfile;
}

export interface AppOptions {
  strategyOptions: Options;
  /** Default: accepts everybody. */
  verify?: (login: Login, done: VerifyCallback) => unknown;
  /**
   * `callback`: Passport's custom callback, which answers with the `info` as JSON.
   * `plain`: passport.authenticate() decides alone. `authorize`: the same, with passport.authorize(),
   * which links an account to whoever is signed in. Default: `callback`.
   */
  style?: 'callback' | 'plain' | 'authorize';
  authenticateOptions?: AuthenticateOptions & OktaDirectMfaAuthenticateOptions;
  /** Hand the instance itself to passport.authenticate(), instead of its name. */
  byInstance?: boolean;
  /** Options of express-session, another middleware, or none. */
  session?: Partial<SessionOptions> | RequestHandler | false;
  /** Shared with another app, as two processes share one. Default: one of its own. */
  store?: HookedStore | undefined;
  /** Another copy of the package, as another process has. */
  Strategy?: typeof OktaDirectMfaStrategy;
  /** Make the strategy anew for each request, as apps with tenants do. */
  strategyPerRequest?: boolean;
  /** Prepares the app's Passport. */
  prepare?: (authenticator: passport.Authenticator) => void;
  /** Runs behind the session, before the routes. */
  withSession?: RequestHandler;
  /** Default: true. */
  bodyParsers?: boolean;
  /** Before everything else. */
  before?: RequestHandler;
  /** Sees each action before Passport does. */
  onAction?: (action: Action) => void;
  /** A second strategy on the same session, behind `POST /login/other`. */
  other?: Options;
}

/** One of Passport's actions, as the strategy called it. */
export interface Action {
  name: 'success' | 'fail' | 'redirect' | 'pass' | 'error';
  args: unknown[];
  req: IncomingMessage;
}

/** Tells which actions a strategy calls. */
interface Observer {
  note: (action: Action) => void;
  entered: IncomingMessage[];
}

/** The strategy under test, observed. */
function observe(strategy: OktaDirectMfaStrategy, { note, entered }: Observer): void {
  type Authenticate = (this: OktaDirectMfaStrategy, ...args: unknown[]) => void;
  const authenticate = Reflect.get(strategy, 'authenticate') as Authenticate;
  strategy.authenticate = function (req, options) {
    for (const name of ['success', 'fail', 'redirect', 'pass', 'error'] as const) {
      const action = this[name] as (...args: unknown[]) => void;
      this[name] = (...args: unknown[]) => {
        note({ name, args, req });
        action(...args);
      };
    }
    authenticate.call(this, req, options);
    entered.push(req);
  };
}

/**
 * A running Express app with `POST /login`, `GET /me`, `POST /cart`, `POST /cancel`, and two ways to
 * sign out: `POST /logout` (Passport's) and `POST /destroy` (the session's).
 */
export interface App {
  readonly url: string;
  readonly strategy: OktaDirectMfaStrategy;
  readonly store: HookedStore;
  /** The requests that have reached the strategy. */
  readonly entered: IncomingMessage[];
  /** In order. */
  readonly actions: Action[];
  /** What the verify function got. */
  readonly logins: Login[];
  /** What reached Express's error handler. */
  readonly errors: unknown[];
  /** Requests that got past `passport.authenticate()`; only in the style `plain`. */
  readonly passed: Request[];
}

/** Runs until the test ends. */
export async function startApp(t: Teardown, options: AppOptions): Promise<App> {
  const { strategyOptions, style = 'callback', authenticateOptions = {} } = options;
  const entered: IncomingMessage[] = [];
  const actions: Action[] = [];
  const logins: Login[] = [];
  const errors: unknown[] = [];
  const passed: Request[] = [];
  const store = options.store ?? new HookedStore();
  const authenticator = new passport.Passport();
  authenticator.serializeUser((user, done) => done(null, user));
  authenticator.deserializeUser((user: Express.User, done) => done(null, user));

  // Of its own, and with it the keys of the issuer: the process keeps them for each dispatcher.
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());

  options.prepare?.(authenticator);
  const note = (action: Action) => {
    if (action.name !== 'success') collect(`the action ${action.name}`, action.args[0]);
    actions.push(action);
    options.onAction?.(action);
  };

  const newStrategy = (given: Options): OktaDirectMfaStrategy => {
    const { Strategy = OktaDirectMfaStrategy } = options;
    const strategy = construct(Strategy, { dispatcher, ...given }, (login, done) => {
      const { tokens, profile } = login;
      addSecrets(tokens.access_token, tokens.id_token, tokens.refresh_token);
      logins.push(login);
      return options.verify ? options.verify(login, done) : done(null, toUser(profile));
    });
    observe(strategy, { note, entered });
    return strategy;
  };
  const strategy = newStrategy(strategyOptions);
  authenticator.use(strategy);
  if (options.other) authenticator.use('other', newStrategy(options.other));

  const login = (which: string | OktaDirectMfaStrategy): RequestHandler[] =>
    style !== 'callback'
      ? [
          (style === 'plain'
            ? authenticator.authenticate(which, authenticateOptions)
            : authenticator.authorize(which as string, authenticateOptions)) as RequestHandler,
          (req, res) => {
            passed.push(req);
            res.json({ user: req.user, account: accountOf(req) });
          },
        ]
      : [withCallback(authenticator, which, authenticateOptions)];

  const app = express();
  if (options.before) app.use(options.before);
  if (options.bodyParsers !== false) app.use(express.json(), express.urlencoded());
  if (typeof options.session === 'function') app.use(options.session);
  else if (options.session !== false) {
    const defaults = { secret: 'for the tests', resave: false, saveUninitialized: false };
    app.use(session({ ...defaults, store, ...options.session }));
    app.use(authenticator.session() as RequestHandler);
  }

  if (options.withSession) app.use(options.withSession);
  if (options.strategyPerRequest) {
    app.use((_req, _res, next) => {
      authenticator.use(newStrategy(strategyOptions));
      next();
    });
  }

  app.post('/login', login(options.byInstance ? strategy : 'okta-direct-mfa'));
  app.post('/login/other', login('other'));
  app.get('/me', (req, res) => {
    res.json({ user: req.user ?? null, cart: sessionOf(req)['cart'] ?? null });
  });
  app.post('/cart', (req, res) => {
    sessionOf(req)['cart'] = 'two tins of tea';
    res.json({});
  });
  app.post('/cancel', async (req, res) => {
    await strategy.cancel(req);
    res.json({});
  });
  app.post('/logout', (req, res, next) => {
    req.logout((error) => (error ? next(error) : res.json({})));
  });
  app.post('/destroy', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.json({})));
  });
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    errors.push(error);
    collect('an error', error);
    if (res.headersSent) return;
    const { name, code, message, status } = error as Partial<Record<string, unknown>>;
    res.status(typeof status === 'number' ? status : 500).json({ name, code, message });
  });

  const url = await listen(t, app);
  return { url, strategy, store, entered, actions, logins, errors, passed };
}

/** Passport's custom callback, as an app with a JSON interface writes it. */
function withCallback(
  authenticator: passport.Authenticator,
  which: string | OktaDirectMfaStrategy,
  options: AuthenticateOptions,
): RequestHandler {
  return (req, res, next) => {
    const callback = (
      error: unknown,
      user?: Express.User | false | null,
      info?: object,
      status?: number,
    ) => {
      if (error) return next(error);
      if (!user) return void res.status(status ?? 401).json(info ?? {});
      const { keepSessionInfo = false, session: keep = true } = options;
      req.logIn(user, { keepSessionInfo, session: keep }, (failure: unknown) => {
        if (failure) return next(failure);
        res.json({ user });
      });
    };
    const middleware = authenticator.authenticate(which, options, callback) as RequestHandler;
    void middleware(req, res, next);
  };
}

function construct(
  Strategy: typeof OktaDirectMfaStrategy,
  options: Options,
  verify: (login: Login, done: VerifyCallback) => unknown,
): OktaDirectMfaStrategy {
  if (options.passReqToCallback === false) {
    return new Strategy(
      { ...options, passReqToCallback: false },
      (tokens, profile, done) => verify({ req: undefined as never, tokens, profile }, done) as void,
    );
  }
  return new Strategy(
    { ...options, passReqToCallback: true },
    (req, tokens, profile, done) => verify({ req: req as Request, tokens, profile }, done) as void,
  );
}

export function toUser(profile: OktaProfile): Express.User & { id: string; username?: string } {
  const { id, username } = profile;
  return username === undefined ? { id } : { id, username };
}

/** What passport.authorize() has linked. */
function accountOf(req: Request): unknown {
  return (req as { account?: unknown }).account;
}

export function sessionOf(req: Request): Record<string, unknown> {
  return (req.session ?? {}) as unknown as Record<string, unknown>;
}
