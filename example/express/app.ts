import { join } from 'node:path';
import express from 'express';
import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';
import { Passport, type AuthenticateOptions } from 'passport';
import { OktaDirectMfaStrategy, OktaRefreshError } from 'passport-okta-direct-mfa';
import type {
  OktaDirectMfaAuthenticateOptions,
  OktaDirectMfaInfo,
  OktaDirectMfaStrategyOptions,
  OktaTokens,
  PendingTransaction,
} from 'passport-okta-direct-mfa';
import { toDataURL } from 'qrcode';
import { errorHandler } from './errors.js';
import { factorPage } from './factor-pages.js';
import { setFlash, takeFlash } from './flash.js';
import type { DemoAccount } from './layout.js';
import { limitAddresses, limitUsernames, type LimitOptions, type OnLimit } from './limits.js';
import { explain, EXPIRED, NOT_STARTED } from './messages.js';
import { recoveryLinks, type RecoveryLinks } from './recovery.js';
import { fields, isApi, pendingTransaction, usernameOf } from './request.js';
import * as pages from './pages.js';
import { csrfProtection, csrfToken, noStore, secureHeaders } from './security.js';
import { sessions, type SessionOptions } from './sessions.js';
import { SessionTokens } from './tokens.js';

export interface AppOptions extends SessionOptions, LimitOptions {
  /** The strategy's own options: `issuer`, `clientID`, `clientSecret`, … */
  okta: Omit<OktaDirectMfaStrategyOptions, 'passReqToCallback'>;
  /** Express's `trust proxy`: the proxies whose `X-Forwarded-*` headers are trusted. */
  trustProxy?: number | string | undefined;
  /** Where the sign-in page links to; the org's own pages by default. */
  recovery?: Partial<RecoveryLinks> | undefined;
  /** The account shown on the demo's pages. None with a real org. */
  demo?: DemoAccount | undefined;
  /** Receives one line for each server error; `console.error` by default. */
  log?: (line: string) => void;
}

/** What this app stores about a signed-in user. */
interface User {
  name: string;
  username?: string | undefined;
  claims: Record<string, unknown>;
}

/** The sample app, not yet listening. */
export function createApp(options: AppOptions): Express {
  const { demo, production = false, log = console.error } = options;
  const { maxOtpAttempts: maxAttempts = 5 } = options.okta;
  const app = express();
  app.disable('x-powered-by');
  if (options.trustProxy !== undefined) app.set('trust proxy', options.trustProxy);

  // 1. The strategy. `verify` receives what Okta vouches for and returns the app's own user.
  const passport = new Passport();
  const strategy = new OktaDirectMfaStrategy(options.okta, (tokens, profile, done) => {
    const user: User = {
      name: profile.displayName || profile.username || profile.id,
      username: profile.username,
      claims: { ...tokens.claims },
    };
    // The tokens are for the session, not for the user, whom responses show.
    done(null, user, tokens);
  });
  passport.use(strategy);
  const sessionTokens = new SessionTokens(strategy, options.okta.issuer);
  const recovery = { ...recoveryLinks(options.okta.issuer), ...options.recovery };

  // The user in the session. With a database: store the id, and look the user up by it.
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user: Express.User, done) => done(null, user));

  // 2. Middleware for every request, in this order.
  app.use(secureHeaders());
  app.use(express.static(join(__dirname, 'public'), { maxAge: production ? '1h' : 0 }));
  app.use(noStore);
  // Before the session is read: a body may arrive slowly, and the session change meanwhile.
  app.use(express.urlencoded({ extended: false, limit: '16kb' }), express.json({ limit: '16kb' }));
  app.use(sessions(options));
  app.use(passport.session());

  // 3. Sign-in: one handler for every step. The strategy distinguishes them by the body's fields.
  // Every form is answered with a redirect, and what there is to say is on the page that it leads to:
  // a reload does not send a passcode again, and "back" asks for no form to be submitted again.
  const signIn: RequestHandler = (req, res, next) => {
    // The transaction may end here, and its username is to be kept.
    const username = usernameOf(req);
    // Browsers are redirected to the page of the second step; scripts get the code, `mfa_required`
    // for example, instead.
    const mfaRedirect = fields(req)['factor'] === 'otp' ? '/login/otp?factor=otp' : '/login/otp';
    const options: AuthenticateOptions & OktaDirectMfaAuthenticateOptions = isApi(req)
      ? {}
      : { mfaRedirect };

    const authenticate = passport.authenticate(
      'okta-direct-mfa',
      options,
      (error: unknown, user?: Express.User | false | null, info?: unknown, status?: unknown) => {
        if (error) return next(error);
        // A verify function that refuses without an info gives no status either.
        if (!user) {
          const refusal = (info as OktaDirectMfaInfo) ?? notAllowed;
          return fail(req, res, refusal, status as number, username).catch(next);
        }
        // Changes the session id, and saves the session before the callback.
        req.logIn(user, (error) => {
          if (error) return next(error);
          sessionTokens
            .keep(req, info as OktaTokens)
            .then(() => (isApi(req) ? res.json({ user }) : res.redirect('/profile')))
            .catch(next);
        });
      },
    ) as RequestHandler;
    authenticate(req, res, next);
  };

  const onLimit: OnLimit = (req, res, limit, next) => {
    fail(req, res, { code: 'rate_limited', ...limit }, 429, usernameOf(req)).catch(next);
  };
  // The address first: one that is over its limit does not use up other people's.
  const limit = [limitAddresses(options, onLimit), limitUsernames(options, onLimit)];

  // The CSRF check comes first: requests forged by other sites must not use up a user's attempts.
  app.post('/login', csrfProtection, limit, signIn);
  // The second click of a double click may arrive after the first has signed the user in.
  app.post('/login/otp', guestsOnly, csrfProtection, limit, signIn);

  /** Leads back to the page of the failed step, which says what to do next to the field. */
  async function fail(
    req: Request,
    res: Response,
    info: OktaDirectMfaInfo,
    status = 403,
    username?: string,
  ): Promise<unknown> {
    if (isApi(req)) {
      if ('retryAfter' in info && info.retryAfter !== undefined)
        res.set('Retry-After', String(info.retryAfter));
      return res.status(status).json(info);
    }
    await setFlash(req, { errors: explain(info, fields(req)), username });
    const pending = req.path === '/login/otp' ? await strategy.pending(req) : undefined;
    return res.redirect(pending ? factorPath(req, pending) : '/login');
  }

  app.post('/login/restart', csrfProtection, async (req, res) => {
    const username = usernameOf(req);
    await strategy.cancel(req);
    await setFlash(req, { username });
    res.redirect('/login');
  });

  app.post('/logout', csrfProtection, async (req, res, next) => {
    await strategy.cancel(req);
    const { tokens } = req.session;
    signOut(req, res, next, 'You have signed out.', () => sessionTokens.end(tokens));
  });

  /** Begins a new session, which has no user and no tokens. */
  function signOut(
    req: Request,
    res: Response,
    next: NextFunction,
    notice: string,
    then = () => {},
  ) {
    req.logout((error) => {
      if (error) return next(error);
      then();
      setFlash(req, { notice }).then(() => res.redirect('/login'), next);
    });
  }

  // 4. The pages.
  app.get('/', (req, res) => res.redirect(req.isAuthenticated() ? '/profile' : '/login'));

  app.get('/login', guestsOnly, async (req, res) => {
    const flash = await takeFlash(req);
    res.send(pages.loginPage({ csrf: csrfToken(req), ...flash, recovery, demo }));
  });

  app.get('/login/otp', guestsOnly, async (req, res) => {
    const pending = await strategy.pending(req);
    if (!pending) return leadToPassword(req, res);
    const { errors } = await takeFlash(req);
    const page = { csrf: csrfToken(req), pending, maxAttempts, errors, demo };
    res.send(factorPage(page, req.query['factor'] === 'otp'));
  });

  /** From a page of the second step when none is due, or no longer. */
  async function leadToPassword(req: Request, res: Response) {
    // A transaction that has expired stays in the session until the next password.
    const expired = pendingTransaction(req);
    const errors = { form: expired ? EXPIRED : NOT_STARTED };
    if (!req.session.flash) await setFlash(req, { errors, username: expired?.username });
    res.redirect('/login');
  }

  app.get('/profile', async (req, res, next) => {
    if (!req.isAuthenticated()) return res.redirect('/login');
    const { claims, ...user } = req.user as User;
    try {
      // As they are now; those of the ID token are from the sign-in.
      const current = { ...claims, ...(await sessionTokens.userInfo(req)) };
      const { errors } = await takeFlash(req);
      res.send(pages.profilePage({ csrf: csrfToken(req), errors, ...user, claims: current }));
    } catch (error) {
      if (!(error instanceof OktaRefreshError)) throw error;
      // Okta no longer knows the login: expired, or ended by an administrator.
      signOut(req, res, next, 'Your sign-in has ended. Sign in again.');
    }
  });

  if (demo) {
    app.get('/login/authenticator', async (req, res) => {
      const qr = await toDataURL(demo.otpauth, { scale: 6, margin: 2 });
      const back = (await strategy.pending(req)) ? '/login/otp' : '/login';
      res.send(pages.authenticatorPage({ demo, qr, back }));
    });
  }

  // 5. The same login for scripts. The token from GET /api/csrf goes into the X-CSRF-Token header;
  // it changes with the session at the login.
  app.get('/api/csrf', (req, res) => res.json({ csrfToken: csrfToken(req) }));
  app.post('/api/login', csrfProtection, limit, signIn);
  app.get('/api/login', async (req, res) => {
    res.json({ pending: (await strategy.pending(req)) ?? null });
  });

  // 6. Everything else.
  app.use((_req, res) => {
    const text = 'There is no page at this address. Check the address for typos.';
    const action = { href: '/', label: 'Go to the home page' };
    res.status(404).send(pages.errorPage({ title: 'Page not found', text, action }));
  });
  app.use(errorHandler(log));

  return app;
}

const notAllowed = {
  code: 'access_denied',
  message: 'You are not allowed to sign in here.',
} as const;

/** The page of the second step. After a passcode it is the passcode's, also if another is the first. */
function factorPath(req: Request, { factors }: PendingTransaction): string {
  const { otp, challenge } = fields(req);
  const passcode = otp !== undefined && challenge === undefined && factors[0] !== 'otp';
  return passcode ? '/login/otp?factor=otp' : '/login/otp';
}

/** Lets guests through; redirects signed-in users to their profile. */
function guestsOnly(req: Request, res: Response, next: NextFunction) {
  if (req.isAuthenticated()) res.redirect('/profile');
  else next();
}
