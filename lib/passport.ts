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

// Without `@types/passport` there is nothing to add to, which must not be an error in the app.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- an error here only in such an app
/** @ts-ignore -- where @types/passport is not installed */
declare module 'passport' {
  interface AuthenticateOptions {
    /** Of `okta-direct-mfa`: where to send the browser when a second factor is wanted. */
    mfaRedirect?: string | undefined;
  }
}
