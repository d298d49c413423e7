import type { RequestHandler } from 'express';

/**
 * The protection against CSRF, together with the cookie's `SameSite=Lax`. A page of another site can
 * make a browser post a form or plain text here, but not JSON: for that the browser asks first (CORS),
 * and this app never says yes. So a foreign page can neither use a session nor sign somebody in
 * under an account of its own choice. It holds while no route takes forms and CORS stays off; pages
 * that post forms need CSRF tokens, as the Express example has them.
 */
export const jsonOnly: RequestHandler = (req, res, next) => {
  if (SAFE_METHODS.has(req.method) || JSON_TYPE.test(req.get('content-type') ?? '')) return next();
  res.status(415).json({
    code: 'unsupported_media_type',
    message: 'Send the header Content-Type: application/json, also with an empty body.',
  });
};

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const JSON_TYPE = /^application\/json\s*(;|$)/i;
