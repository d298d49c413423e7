import type { Action } from './actions.js';
import { OktaConfigurationError, toErrorObject } from './errors.js';
import type { OktaProfile } from './okta/profile.js';
import type { OktaDirectMfaRequest, Bivariant } from './request.js';
import type { OktaTokens } from './okta/tokens.js';

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
 * Either calls `done`, or returns a promise of the user, where `false` or `null` refuses. A promise of
 * `undefined` decides nothing: unless `done` is called within a second of it, the login ends in an
 * `OktaConfigurationError` `verify_undecided`.
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

/** Milliseconds that a verify function has to call `done` after its promise came to `undefined`. */
const UNDECIDED_AFTER = 1000;

/**
 * Calls the verify function and resolves with its first verdict. Never rejects; never resolves if the
 * function neither calls `done` nor settles a promise.
 */
export function callVerify(call: (done: VerifyCallback) => unknown): Promise<Verdict> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const decide = (verdict: Verdict) => {
      clearTimeout(timer);
      resolve(verdict);
    };
    const failed = (error: unknown) =>
      decide({ type: 'failed', error: toErrorObject(error, 'The verify function') });
    const done: VerifyCallback = (error, user, info) => {
      if (error) failed(error);
      else if (user) decide({ type: 'accepted', user, info });
      else decide({ type: 'refused', info });
    };
    try {
      const result = call(done) as PromiseLike<Express.User | false | null | undefined> | undefined;
      if (typeof result?.then !== 'function') return warnOfResult(result);
      result.then((user) => {
        if (user !== undefined) done(null, user);
        else timer = setTimeout(() => failed(undecided()), UNDECIDED_AFTER);
      }, failed);
    } catch (error) {
      failed(error);
    }
  });
}

/** What the verdict comes to. */
export function actionOf(verdict: Verdict): Action {
  switch (verdict.type) {
    case 'accepted':
      return { type: 'success', user: verdict.user, info: verdict.info };
    case 'refused':
      return { type: 'fail', info: verdict.info, refusedBy: 'verify' };
    case 'failed':
      return { type: 'error', error: verdict.error };
  }
}

function undecided(): OktaConfigurationError {
  return new OktaConfigurationError(
    'verify_undecided',
    'The promise of the verify function came to undefined, and done was not called within a second. Return the user, or false where there is none (many look-ups give undefined for "not found").',
  );
}

let warned = false;

/** What is returned besides a promise is no user: `setTimeout` returns an object too. */
function warnOfResult(result: unknown): void {
  if (result === undefined || warned) return;
  warned = true;
  process.emitWarning(
    'The verify function of OktaDirectMfaStrategy returned something other than a promise, which is ignored. Call done(null, user), or return a promise of the user.',
  );
}
