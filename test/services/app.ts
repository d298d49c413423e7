/**
 * One process of an app that runs on several machines: the sample of the README with its session in
 * Redis or in PostgreSQL. Prints its address.
 */
import type { AddressInfo } from 'node:net';
import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import { createClient } from 'redis';
import { OktaDirectMfaStrategy } from 'passport-okta-direct-mfa';

const { ISSUER, CLIENT_ID, STORE, STORE_PORT } = process.env as Record<string, string>;

async function connect(): Promise<session.Store> {
  if (STORE === 'redis') {
    const client = createClient({
      url: `redis://127.0.0.1:${STORE_PORT}`,
      // While Redis is away a request is to fail at once, and the client to keep trying.
      disableOfflineQueue: true,
      socket: { reconnectStrategy: 50 },
    });
    client.on('error', () => undefined);
    await client.connect();
    return new RedisStore({ client });
  }
  const PostgresStore = connectPgSimple(session);
  return new PostgresStore({
    conObject: {
      host: '127.0.0.1',
      port: Number(STORE_PORT),
      user: 'postgres',
      database: 'postgres',
    },
    createTableIfMissing: true,
    pruneSessionInterval: false,
    errorLog: () => undefined,
  });
}

async function main(): Promise<void> {
  const store = await connect();
  passport.use(
    new OktaDirectMfaStrategy(
      {
        issuer: ISSUER!,
        clientID: CLIENT_ID!,
        allowInsecureIssuer: true,
        factors: ['otp', 'push', 'sms'],
      },
      (_tokens, profile, done) => done(null, { id: profile.id }),
    ),
  );
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user: Express.User, done) => done(null, user));

  const app = express();
  app.use(express.json());
  app.use(session({ store, secret: 'shared', resave: false, saveUninitialized: false }));
  app.use(passport.session());
  app.post('/login', (req, res, next) => {
    const authenticate = passport.authenticate(
      'okta-direct-mfa',
      (error: unknown, user: Express.User | false, info: object, status: number) => {
        if (error) return next(error);
        if (!user) return res.status(status).json(info);
        req.logIn(user, (error) => (error ? next(error) : res.json({ user })));
      },
    ) as express.RequestHandler;
    authenticate(req, res, next);
  });
  app.get('/me', (req, res) => {
    res.json({ user: req.user ?? null });
  });
  app.use(((error: { status?: number; code?: string }, _req, res, _next) => {
    res.status(error.status ?? 500).json({ code: error.code ?? 'error' });
  }) as express.ErrorRequestHandler);

  const server = app.listen(0, '127.0.0.1', () => {
    process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  process.on('disconnect', () => process.exit(0));
}

void main();
