import type { OktaDirectMfaInfo } from 'passport-okta-direct-mfa';
import type { Errors } from './pages.js';

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;

const isBlank = (value: unknown) => typeof value !== 'string' || value.trim() === '';

/** A wait in words: in minutes if it is over two minutes. */
const duration = (seconds: number) =>
  seconds > 120 ? plural(Math.ceil(seconds / 60), 'minute') : plural(seconds, 'second');

/** What to tell the user about a failure: what happened, and what to do now. */
export function explain(info: OktaDirectMfaInfo, body: Record<string, unknown> = {}): Errors {
  switch (info.code) {
    case 'missing_credentials': {
      if ('otp' in body)
        return { otp: 'Enter the six-digit passcode from your authenticator app.' };
      const username = isBlank(body['username']) && 'Enter your username.';
      const password = isBlank(body['password']) && 'Enter your password.';
      if (!username && !password) return { form: 'Enter your username and password.' };
      return { ...(username && { username }), ...(password && { password }) };
    }
    case 'invalid_credentials':
      return {
        // The same message for every reason: it must not reveal which accounts exist or are locked.
        password: 'Wrong username or password. Check both and try again.',
      };
    case 'invalid_otp':
      return {
        otp: `Wrong passcode. Wait for a new one, then try again. You have ${plural(info.attemptsRemaining, 'attempt')} left.`,
      };
    case 'otp_attempts_exceeded':
      return { form: 'Too many wrong passcodes. Enter your password to start again.' };
    case 'mfa_transaction_missing':
      return { form: 'There is no sign-in in progress. Enter your password first.' };
    case 'mfa_transaction_expired':
      return { form: 'Your sign-in has expired. Enter your password to start again.' };
    case 'access_denied':
      return {
        form: 'You are not allowed to sign in to this application, or not from your location. Contact your administrator.',
      };
    case 'mfa_not_enforced':
      return {
        form: 'This application requires a second sign-in step, but your account has none. Contact your administrator.',
      };
    case 'rate_limited':
      return info.retryAfter === undefined
        ? { form: 'Too many attempts. Wait a moment, then try again.' }
        : {
            form: `Too many attempts. Wait ${duration(info.retryAfter)}, then try again.`,
            retryAfter: info.retryAfter,
          };
    case 'mfa_required': // not shown on a form: the browser is redirected to the passcode page
      return {};
  }
}
