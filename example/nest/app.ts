import 'reflect-metadata';
import type { LoggerService, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import session from 'express-session';
import passport from 'passport';
import { limitSignIns, noStore, secureHeaders, type RateLimit } from '../express/security.js';
import { AppModule, type AppModuleOptions } from './app.module.js';
import { jsonOnly } from './json-only.js';

export interface AppOptions extends AppModuleOptions {
  /** The session store; express-session's memory store by default, which is for development. */
  store?: session.Store | undefined;
  /** Behind TLS: the cookie is `Secure` and has the `__Host-` prefix. */
  production?: boolean;
  /** Express's `trust proxy`: the proxies whose `X-Forwarded-*` headers are trusted. */
  trustProxy?: number | string | undefined;
  /** Sign-in requests allowed from one address; 100 in 15 minutes by default. */
  rateLimit?: RateLimit | undefined;
  logger?: LoggerService | LogLevel[] | undefined;
}

/** The Nest app, not yet listening. */
export async function createApp(options: AppOptions): Promise<NestExpressApplication> {
  const { production = false, logger = ['error', 'warn'] } = options;
  const app = await NestFactory.create<NestExpressApplication>(AppModule.register(options), {
    // JSON only, below: Nest's own parsers would accept forms too.
    bodyParser: false,
    // Errors while the app is created are thrown, not printed: main.ts reports them.
    abortOnError: false,
    bufferLogs: true,
    autoFlushLogs: false,
  });
  app.useLogger(logger);
  app.flushLogs();
  app.disable('x-powered-by');
  if (options.trustProxy !== undefined) app.set('trust proxy', options.trustProxy);

  // Middleware for every request, in this order.
  app.use(secureHeaders(), noStore, jsonOnly);
  app.use(
    ['/auth/login', '/auth/otp', '/api/auth'],
    limitSignIns(
      options.rateLimit ?? { windowMs: 15 * 60_000, limit: 100 },
      (_req, res, retryAfter) => {
        const message = 'Too many sign-in attempts from this address.';
        res.status(429).set('Retry-After', String(retryAfter));
        res.json({ code: 'rate_limited', message, retryAfter });
      },
    ),
  );
  app.useBodyParser('json', { limit: '16kb' });
  app.use(
    session({
      name: production ? '__Host-session' : 'session',
      secret: options.sessionSecret,
      ...(options.store && { store: options.store }),
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure: production, path: '/' },
    }),
    passport.session(),
  );
  return app;
}
