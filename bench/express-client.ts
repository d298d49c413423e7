/**
 * The whole Express app in the process that is measured, asked over HTTP by a driver in another: what
 * a login costs with HTTP parsing, cookies, body parser and session on top of the strategy.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import session from 'express-session';
import { Passport } from 'passport';
import { OktaDirectMfaStrategy } from 'passport-okta-direct-mfa';
import type { Result, Round } from './measure.js';
import { CLIENT_ID } from './constants.js';

const origin = process.argv[3]!;
const passport = new Passport();
passport.use(
  new OktaDirectMfaStrategy(
    { issuer: origin, clientID: CLIENT_ID, allowInsecureIssuer: true },
    (_tokens, profile, done) => done(null, { id: profile.id }),
  ),
);
passport.serializeUser((user, done) => done(null, (user as { id: string }).id));
passport.deserializeUser((id: string, done) => done(null, { id }));

const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(session({ secret: 'bench', resave: false, saveUninitialized: false }));
app.use(passport.session());
app.post('/login', (req, res, next) => {
  const authenticate = passport.authenticate(
    'okta-direct-mfa',
    (error: unknown, user: Express.User | false, info: object, status: number) => {
      if (error) return next(error);
      if (!user) return res.status(status).json(info);
      req.logIn(user, (error) => (error ? next(error) : res.json({})));
    },
  ) as express.RequestHandler;
  authenticate(req, res, next);
});

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const driver = fork(join(__dirname, 'driver.js'), [`http://127.0.0.1:${port}`], {
    execArgv: process.execArgv.filter((arg) => arg !== '--expose-gc'),
  });
  driver.once('exit', (code) => process.exit(code ?? 1));
  process.on('disconnect', () => driver.kill());
  driver.once('message', () => process.send!('ready'));
  process.on('message', (round: Round) => {
    const cpu = process.cpuUsage();
    driver.send(round);
    void once(driver, 'message').then(([result]) => {
      const { user, system } = process.cpuUsage(cpu);
      process.send!({ ...(result as Result), cpu: (user + system) / round.logins });
    });
  });
});
