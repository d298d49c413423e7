import type { ErrorRequestHandler, Request } from 'express';
import { setFlash } from './flash.js';
import { errorPage } from './pages.js';
import { printable, printableStack } from './printable.js';
import { isApi, pendingTransaction, usernameOf } from './request.js';

/** What an error may contain; in JavaScript, anything can be thrown. */
type Thrown = { status?: number; code?: string; message?: string; stack?: string } | undefined;

/**
 * Tells the user what to do, and the log what happened; no details go to the browser. What can be
 * tried again is said on the form, after a redirect; anything else has a page of its own, with the
 * status.
 */
export const errorHandler =
  (log: (line: string) => void): ErrorRequestHandler =>
  async (error: Thrown, req, res, next) => {
    if (res.headersSent) return next(error);
    const { status, code, retryAt, ...page } = describeError(error, req);
    // The strategy's messages contain no secrets; an error without a code is a bug in this app.
    if (status >= 500) {
      log(
        error?.code
          ? printable(`${error.code}: ${error.message}`)
          : printableStack(String(error?.stack)),
      );
    }
    res.status(status);
    if (isApi(req)) return res.json({ code, message: page.text });
    if (retryAt !== undefined) {
      try {
        await setFlash(req, { errors: { form: page.text }, username: usernameOf(req) });
        return res.redirect(retryAt);
      } catch {
        // The session store does not work either.
      }
    }
    res.send(errorPage(page));
  };

interface Described {
  status: number;
  code: string;
  title: string;
  text: string;
  action: { href: string; label: string };
  /** The page of the form that was posted, if it can be tried again there. */
  retryAt?: string;
}

function describeError(error: Thrown, req: Request): Described {
  const { status: given = 500 } = error ?? {};
  const status = given >= 400 && given < 600 ? given : 500;
  const back = { href: '/', label: 'Back to sign-in' };

  if (error?.code === 'invalid_csrf_token') {
    const code = 'invalid_csrf_token';
    const title = 'This form has expired';
    if (isOwnForm(req)) {
      const text = 'That form had been open for too long, so nothing was done. Try again.';
      const retryAt = req.path === '/login/otp' ? req.path : '/';
      return { status, code, title, text, action: back, retryAt };
    }
    return {
      status,
      code,
      title,
      text: 'It was open for too long, or your browser blocks cookies from this site. Go back and try again.',
      action: back,
    };
  }
  if (status < 500) {
    return {
      status,
      code: 'bad_request',
      title: 'The request could not be read',
      text: 'Your browser sent something that this site does not understand. Go back and try again.',
      action: back,
    };
  }
  if (status === 500) {
    return {
      status,
      code: 'server_error',
      title: 'Something went wrong',
      text: 'This is a problem with the site, and trying again will not help. Please contact the people who run it.',
      action: back,
    };
  }
  // Okta cannot be reached, or its response is unusable (502 to 504). The transaction is kept.
  const transaction = pendingTransaction(req);
  const retryAt = transaction ? '/login/otp' : '/login';
  return {
    status,
    code: 'sign_in_unavailable',
    title: 'Sign-in is unavailable',
    text: transaction
      ? 'Okta cannot complete your sign-in right now. Your password was accepted: wait a moment, then try again.'
      : 'Okta cannot sign you in right now. Wait a moment, then try again.',
    action: { href: retryAt, label: 'Try again' },
    ...(req.method === 'POST' && { retryAt }),
  };
}

/**
 * A form of this site that a person has submitted, with cookies: the browser says so, which no other
 * site can make it say (https://www.w3.org/TR/fetch-metadata/). Older browsers say nothing.
 */
const isOwnForm = (req: Request) =>
  req.get('sec-fetch-site') === 'same-origin' &&
  req.get('sec-fetch-mode') === 'navigate' &&
  Boolean(req.get('cookie'));
