import { toErrorObject } from './errors.js';
import type { PassportStrategy } from './passport.js';

/** What a request ends in: one of Passport's actions. `pass` is not among them. */
export type Action =
  | { type: 'success'; user: Express.User; info: object | string | undefined }
  | { type: 'fail'; info: object | string | undefined; status?: number; refusedBy?: 'verify' }
  | { type: 'redirect'; url: string; code?: string }
  | { type: 'error'; error: unknown };

/**
 * Takes Passport's action functions off the strategy. Call it before the first `await`: where the app
 * hands the instance itself to `passport.authenticate()`, the next request puts its own actions on
 * this very object.
 *
 * @returns a function that performs one action. What that throws becomes the error action, whose own
 *   throw reaches the process, as from any callback.
 */
export function bindActions(strategy: PassportStrategy): (action: Action) => void {
  const { success, fail, redirect, error } = strategy;
  const perform = (action: Action): void => {
    switch (action.type) {
      case 'success':
        return success(action.user, action.info);
      case 'fail':
        return fail(action.info, action.status);
      case 'redirect':
        return redirect(action.url);
      case 'error':
        return error(action.error);
    }
  };
  return (action) => {
    try {
      perform(action);
    } catch (thrown) {
      // By the app's callback, or by a response that something else has already sent. The request
      // gets the error, as it would from a synchronous handler, rather than the whole process.
      error(toErrorObject(thrown, 'The app'));
    }
  };
}
