import type { IncomingMessage } from 'node:http';
import { Strategy } from 'passport-strategy';

/**
 * Passport's contract with a strategy. Passport puts the actions in place for each request; a
 * strategy calls exactly one of them. Declared here, so that the package's types need no others;
 * with `this: void`, since Passport's actions are closures over their request.
 */
export interface PassportStrategy {
  /** What `passport.authenticate()` knows it by. */
  name?: string;
  /** Called by Passport for each request. */
  authenticate(req: IncomingMessage, options?: unknown): void;
  /** The person is logged in as this user. */
  success(this: void, user: Express.User, info?: object | string): void;
  /** The person is not logged in, for a reason that they can correct. */
  fail(this: void, challenge?: object | string, status?: number): void;
  /** Sends the browser elsewhere; 302 unless a status is given. */
  redirect(this: void, url: string, status?: number): void;
  /** The request goes on without a login. This package never calls it. */
  pass(this: void): void;
  /** The login could not be completed, for a reason that the app or Okta must correct. */
  error(this: void, error: unknown): void;
}

/** Passport's base class, with types. */
export const BaseStrategy = Strategy as unknown as abstract new () => PassportStrategy;

/** What Passport's `authenticate()` and `logIn()` leave on a request. */
interface PassportRequest {
  /** @fastify/passport has its own, elsewhere. */
  _sessionManager?: unknown;
  /** Where the app has the user; Passport's default is `user`. */
  _userProperty?: string;
}

/**
 * Whether Passport itself handles the request: its `logIn()` (0.6 and later) ends the session that there
 * is, with all that is stored in it, and begins another.
 */
export function isHandledByPassport(req: IncomingMessage): boolean {
  return (req as PassportRequest)._sessionManager !== undefined;
}

/** Whether `logIn()` has failed, as it does with its session store: then there is null for a user. */
export function hasLoginFailed(req: IncomingMessage): boolean {
  const { _userProperty = 'user' } = req as PassportRequest;
  return (req as unknown as Record<string, unknown>)[_userProperty] === null;
}

// Without `@types/passport` there is nothing to add to, which must not be an error in the app.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- an error here only in such an app
/** @ts-ignore -- where @types/passport is not installed */
declare module 'passport' {
  interface AuthenticateOptions {
    /** Of `okta-direct-mfa`: where to send the browser when a second factor is wanted. */
    mfaRedirect?: string | undefined;
  }
}
