import 'reflect-metadata';
import type { LoggerService, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import passport from 'passport';
import {
  limitAddresses,
  limitUsernames,
  type LimitOptions,
  type OnLimit,
} from '../express/limits.js';
import { noStore, secureHeaders } from '../express/security.js';
import { sessions, type SessionOptions } from '../express/sessions.js';
import { AppModule, type AppModuleOptions } from './app.module.js';
import { jsonOnly } from './json-only.js';

export interface AppOptions extends AppModuleOptions, SessionOptions, LimitOptions {
  /** Express's `trust proxy`: the proxies whose `X-Forwarded-*` headers are trusted. */
  trustProxy?: number | string | undefined;
  logger?: LoggerService | LogLevel[] | undefined;
}

/** The Nest app, not yet listening. */
export async function createApp(options: AppOptions): Promise<NestExpressApplication> {
  const { logger = ['error', 'warn'] } = options;
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
  // Before the session is read: a body may arrive slowly, and the session change meanwhile.
  app.useBodyParser('json', { limit: '16kb' });
  app.use(SIGN_IN_PATHS, limitAddresses(options, onLimit));
  app.use(sessions(options), passport.session());
  app.use(SIGN_IN_PATHS, limitUsernames(options, onLimit));
  return app;
}

const SIGN_IN_PATHS = ['/auth/login', '/auth/otp', '/auth/mfa', '/api/auth'];

const onLimit: OnLimit = (_req, res, limit) => {
  res.status(429).set('Retry-After', String(limit.retryAfter));
  res.json({ code: 'rate_limited', ...limit });
};
