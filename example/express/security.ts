import { csrfSync } from 'csrf-sync';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import { fields } from './request.js';

/** Only this server's own files, no inline code, no framing, and forms only to this server. */
export const secureHeaders = (): RequestHandler =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    xFrameOptions: { action: 'deny' },
  });

/** Pages contain names and tokens: after sign-out, "back" must not show them from a cache. */
export const noStore: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store');
  next();
};

/** The token is in the session; forms send it as `_csrf`, scripts as the `X-CSRF-Token` header. */
export const { csrfSynchronisedProtection: csrfProtection, generateToken: csrfToken } = csrfSync({
  getTokenFromRequest: (req) => (fields(req)['_csrf'] as string) ?? req.get('x-csrf-token'),
  errorConfig: { code: 'invalid_csrf_token' },
});
