import { toErrorObject } from './errors.js';
import type { OktaProfile } from './okta/profile.js';
import type { OktaDirectMfaRequest, Bivariant } from './request.js';
import type { OktaTokens } from './okta/token-endpoint.js';

/**
 * Passport's callback: `done(null, user)` logs in, `done(null, false, info)` refuses,
 * `done(error)` fails. The first call counts.
 */
export type VerifyCallback = (
  error: unknown,
  user?: Express.User | false | null,
  info?: object | string,
) => void;

/**
 * Either calls `done`, or returns a promise of the user, where `false` or `null` refuses. A promise
 * of `undefined` decides nothing: such a function is expected to call `done`.
 */
export type VerifyResult = void | Promise<Express.User | false | null> | Promise<void>;

/** The app's verify function: finds the app's user for a login that Okta has accepted. */
export type VerifyFunction = Bivariant<
  [tokens: OktaTokens, profile: OktaProfile, done: VerifyCallback],
  VerifyResult
>;

/** The verify function with `passReqToCallback: true`. */
export type VerifyFunctionWithRequest = Bivariant<
  [req: OktaDirectMfaRequest, tokens: OktaTokens, profile: OktaProfile, done: VerifyCallback],
  VerifyResult
>;

export type Verdict =
  | { type: 'accepted'; user: Express.User; info: object | string | undefined }
  | { type: 'refused'; info: object | string | undefined }
  | { type: 'failed'; error: unknown };

/**
 * Calls the verify function and resolves with its first verdict. Never rejects; never resolves if
 * the function never decides.
 */
export function callVerify(call: (done: VerifyCallback) => unknown): Promise<Verdict> {
  return new Promise((resolve) => {
    const failed = (error: unknown) =>
      resolve({ type: 'failed', error: toErrorObject(error, 'The verify function') });
    const done: VerifyCallback = (error, user, info) => {
      if (error) failed(error);
      else if (user) resolve({ type: 'accepted', user, info });
      else resolve({ type: 'refused', info });
    };
    try {
      const result = call(done) as PromiseLike<Express.User | false | null | undefined> | undefined;
      if (typeof result?.then === 'function') {
        result.then((user) => {
          if (user !== undefined) done(null, user);
        }, failed);
      }
    } catch (error) {
      failed(error);
    }
  });
}
