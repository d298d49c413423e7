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
      if ('otp' in body) return { otp: 'Enter the six digits that your authenticator app shows.' };
      const username = isBlank(body['username']) && 'Enter your username.';
      const password = isBlank(body['password']) && 'Enter your password.';
      if (!username && !password) return { form: 'Enter your username and your password.' };
      return { ...(username && { username }), ...(password && { password }) };
    }
    case 'invalid_credentials':
      return {
        // The same message for every reason: it must not reveal which accounts exist or are locked.
        password: 'The username or the password is not right. Check both and try again.',
      };
    case 'invalid_otp':
      return {
        otp: `That passcode is not right. Wait for the next one, then enter that. You have ${
          info.attemptsRemaining === 1 ? '1 try' : `${info.attemptsRemaining} tries`
        } left.`,
      };
    case 'otp_attempts_exceeded':
      return { form: 'Too many wrong passcodes. Enter your password to start again.' };
    case 'mfa_transaction_missing':
      return { form: 'There is no sign-in that waits for a passcode. Enter your password first.' };
    case 'mfa_transaction_expired':
      return { form: 'Your sign-in took too long. Enter your password to start again.' };
    case 'access_denied':
      return {
        form: 'You may not sign in here, or not from where you are. Ask your administrator for access.',
      };
    case 'mfa_not_enforced':
      return {
        form: 'Your account has no second step, and this site asks for one. Ask your administrator to turn it on.',
      };
    case 'rate_limited':
      return info.retryAfter === undefined
        ? { form: 'Too many tries. Wait a moment, then try again.' }
        : {
            form: `Too many tries. Wait ${duration(info.retryAfter)}, then try again.`,
            retryAfter: info.retryAfter,
          };
    case 'mfa_required': // not shown on a form: the browser is redirected to the passcode page
      return {};
  }
}
