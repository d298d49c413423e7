/**
 * An app with the types of Express, Passport and express-session: compiled against the packed tarball
 * by `npm run test:package`, and against lib/ by `npm run typecheck`.
 */
import express, { type NextFunction, type Request, type Response } from 'express';
import session from 'express-session';
import passport from 'passport';
import {
  OktaDirectMfaError,
  OktaDirectMfaStrategy,
  type OktaDirectMfaInfo,
} from 'passport-okta-direct-mfa';
import { mockOkta } from 'passport-okta-direct-mfa/testing';

const issuer = 'https://acme.okta.com';
const clientID = '0oa1';
const okta = mockOkta({ issuer, clientID, users: [{ username: 'ada', password: 'pw' }] });

const strategy = new OktaDirectMfaStrategy(
  { issuer, clientID, dispatcher: okta.dispatcher, passReqToCallback: true },
  async (req: Request, _tokens, profile) => ({ id: profile.id, ip: req.ip }),
);
passport.use(strategy);
passport.use(
  'by-callback',
  new OktaDirectMfaStrategy(
    { issuer, clientID, clientIP: (req: Request) => req.ip, deviceToken: (req) => req.ip },
    (tokens, profile, done) => {
      done(null, { id: profile.id, groups: tokens.claims['groups'] });
    },
  ),
);

export const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(session({ secret: 'secret', resave: false, saveUninitialized: false }));
app.use(passport.session());

app.post(
  '/login',
  passport.authenticate('okta-direct-mfa', {
    successRedirect: '/',
    mfaRedirect: '/login/otp',
  }) as express.RequestHandler,
);
// @ts-expect-error -- misspelt
passport.authenticate('okta-direct-mfa', { mfaRedirekt: '/login/otp' });
// @ts-expect-error -- an address
passport.authenticate(strategy, { mfaRedirect: true });

app.post('/login/otp', (req, res, next) => {
  const answer = (
    error: unknown,
    user: Express.User | false | null,
    info?: OktaDirectMfaInfo,
    status?: number,
  ): void => {
    if (error) return next(error);
    if (!user) return void res.status(status ?? 401).json(info);
    req.logIn(user, (failure: unknown) => (failure ? next(failure) : res.redirect('/')));
  };
  void (passport.authenticate(strategy, answer) as express.RequestHandler)(req, res, next);
});

app.post('/login/cancel', async (req, res) => {
  await strategy.cancel(req);
  res.redirect('/login');
});

app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
  const isOurs = error instanceof OktaDirectMfaError;
  res.status(isOurs ? error.status : 500).json({ code: isOurs ? error.code : 'unknown' });
});
