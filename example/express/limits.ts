import { createHash } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { rateLimit, type AugmentedRequest, type Options, type Store } from 'express-rate-limit';
import { isPoll, usernameOf } from './request.js';

export interface RateLimit {
  windowMs: number;
  limit: number;
}

export interface LimitOptions {
  /** Sign-in requests allowed from one address; 100 in 15 minutes by default. */
  rateLimit?: RateLimit | undefined;
  /** Sign-in requests allowed for one username, from all addresses; 20 in 15 minutes by default. */
  usernameLimit?: RateLimit | undefined;
  /** Where the requests are counted, one store for each prefix; in this process by default. */
  limitStore?: ((prefix: string) => Store) | undefined;
}

export type OnLimit = (
  req: Request,
  res: Response,
  limit: { message: string; retryAfter: number },
  next: NextFunction,
) => void;

const notCounted = (req: Request) => req.method !== 'POST' || isPoll(req);

/*
 * express-rate-limit counts: years old, released every few weeks, and with a store for Redis from
 * the same hands (rate-limit-redis, which has no dependencies and counts in one script, so that two
 * processes never both take the last request). rate-limiter-flexible does as much in one package,
 * but leaves the middleware, and the subnets of IPv6 that are one address, to the app.
 *
 * Only POSTs count: pages of other sites can make a visitor's browser GET anything, as an image.
 * The polls of a push do not: there are dozens in one login, and the strategy spaces them.
 */
function limiter(
  { windowMs, limit }: RateLimit,
  onLimit: OnLimit,
  message: string,
  options: Partial<Options>,
): RequestHandler {
  return rateLimit({
    windowMs,
    limit,
    standardHeaders: false,
    legacyHeaders: false,
    skip: notCounted,
    handler: (req, res, next) => {
      const { resetTime } = (req as AugmentedRequest)['rateLimit']!;
      const milliseconds = resetTime ? resetTime.getTime() - Date.now() : windowMs;
      onLimit(req, res, { message, retryAfter: Math.max(1, Math.ceil(milliseconds / 1000)) }, next);
    },
    ...options,
  });
}

/** Limits the sign-in requests from one address, which could otherwise try many usernames. */
export const limitAddresses = (
  { rateLimit = { windowMs: 15 * 60_000, limit: 100 }, limitStore }: LimitOptions,
  onLimit: OnLimit,
): RequestHandler =>
  limiter(rateLimit, onLimit, 'Too many sign-in attempts from this address.', {
    ...(limitStore && { store: limitStore('limit:address:') }),
  });

/**
 * Limits the sign-in requests for one username, which many addresses could otherwise try until Okta
 * locks the account. Whoever knows a username can use up its requests: keep the window short. Needs
 * the body and the session.
 */
export const limitUsernames = (
  { usernameLimit = { windowMs: 15 * 60_000, limit: 20 }, limitStore }: LimitOptions,
  onLimit: OnLimit,
): RequestHandler =>
  limiter(usernameLimit, onLimit, 'Too many sign-in attempts for this username.', {
    skip: (req) => notCounted(req) || spellingOf(req) === undefined,
    // Hashed: as short as any other, and people type passwords there.
    keyGenerator: (req) => createHash('sha256').update(spellingOf(req)!).digest('base64url'),
    ...(limitStore && { store: limitStore('limit:username:') }),
  });

/** The username in the one spelling that stands for all that Okta takes for the same. */
function spellingOf(req: Request): string | undefined {
  const same = usernameOf(req)?.normalize('NFKC').trim().toLowerCase();
  // Nothing that Okta would be asked about.
  return same === '' ? undefined : same;
}
