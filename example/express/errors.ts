import type { ErrorRequestHandler, Request } from 'express';
import { errorPage } from './pages.js';
import { printable, printableStack } from './printable.js';
import { isApi, pendingTransaction } from './request.js';

/** What an error may contain; in JavaScript, anything can be thrown. */
type Thrown = { status?: number; code?: string; message?: string; stack?: string } | undefined;

/** Tells the user what to do, and the log what happened; no details go to the browser. */
export const errorHandler =
  (log: (line: string) => void): ErrorRequestHandler =>
  (error: Thrown, req, res, next) => {
    if (res.headersSent) return next(error);
    const { status, code, ...page } = describeError(error, req);
    // The strategy's messages contain no secrets; an error without a code is a bug in this app.
    if (status >= 500) {
      log(
        error?.code
          ? printable(`${error.code}: ${error.message}`)
          : printableStack(String(error?.stack)),
      );
    }
    res.status(status);
    if (isApi(req)) res.json({ code, message: page.text });
    else res.send(errorPage(page));
  };

function describeError(error: Thrown, req: Request) {
  const { status: given = 500 } = error ?? {};
  const status = given >= 400 && given < 600 ? given : 500;
  const back = { href: '/', label: 'Back to sign-in' };

  if (error?.code === 'invalid_csrf_token') {
    return {
      status,
      code: 'invalid_csrf_token',
      title: 'This form has expired',
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
  return {
    status,
    code: 'sign_in_unavailable',
    title: 'Sign-in is unavailable',
    text: transaction
      ? 'Okta cannot complete your sign-in right now. Your password was accepted: wait a moment, then try again.'
      : 'Okta cannot sign you in right now. Wait a moment, then try again.',
    action: { href: transaction ? '/login/otp' : '/login', label: 'Try again' },
  };
}
