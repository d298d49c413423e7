import type { RequestHandler } from 'express';

/**
 * The protection against CSRF, together with the cookie's `SameSite=Lax`. A page on another site
 * can make a browser post a form or plain text here, but not JSON: for that the browser sends a
 * CORS preflight first, which this app never grants. So such a page can neither use a session nor
 * sign somebody in with an account of the attacker's choice. This holds as long as no route accepts
 * forms and CORS stays off; pages that post forms need CSRF tokens, as in the Express example.
 */
export const jsonOnly: RequestHandler = (req, res, next) => {
  if (SAFE_METHODS.has(req.method) || JSON_TYPE.test(req.get('content-type') ?? '')) return next();
  res.status(415).json({
    code: 'unsupported_media_type',
    message: 'Send the header Content-Type: application/json, even if the body is empty.',
  });
};

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const JSON_TYPE = /^application\/json\s*(;|$)/i;
