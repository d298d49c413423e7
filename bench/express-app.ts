/** The whole Express app that is measured: HTTP, cookies, body parser and session around the strategy. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import session from 'express-session';
import { Passport } from 'passport';
import type { Strategy } from 'passport-strategy';
import { OktaDirectMfaStrategy } from 'passport-okta-direct-mfa';
import { CLIENT_ID } from './constants.js';

export interface AppOptions {
  /** Default: express-session's own, in memory. */
  store?: session.Store;
  /** Behind `/alone`: a login without this package. */
  alone?: Strategy;
}

/** @returns its address */
export function startExpress(origin: string, { store, alone }: AppOptions = {}): Promise<string> {
  const passport = new Passport();
  passport.use(
    new OktaDirectMfaStrategy(
      {
        issuer: origin,
        clientID: CLIENT_ID,
        allowInsecureIssuer: true,
        factors: ['otp', 'push', 'sms'],
      },
      (_tokens, profile, done) => done(null, { id: profile.id }),
    ),
  );
  passport.serializeUser((user, done) => done(null, (user as { id: string }).id));
  passport.deserializeUser((id: string, done) => done(null, { id }));

  const app = express();
  app.use(express.urlencoded({ extended: false }));
  const common = { secret: 'bench', resave: false, saveUninitialized: false };
  app.use(session({ ...common, ...(store !== undefined && { store }) }));
  app.use(passport.session());
  const login =
    (strategy: string | Strategy): express.RequestHandler =>
    (req, res, next) => {
      const authenticate = passport.authenticate(
        strategy,
        (error: unknown, user: Express.User | false, info: object, status: number) => {
          if (error) return next(error);
          if (!user) return res.status(status).json(info);
          req.logIn(user, (error) => (error ? next(error) : res.json({})));
        },
      ) as express.RequestHandler;
      void authenticate(req, res, next);
    };
  app.post('/login', login('okta-direct-mfa'));
  if (alone !== undefined) app.post('/alone', login(alone));
  app.post('/visit', (req, res) => {
    Object.assign(req.session, { visits: 1 });
    res.json({});
  });
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}
