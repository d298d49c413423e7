import type { OktaDirectMfaInfo, OktaDirectMfaSecondFactor } from 'passport-okta-direct-mfa';
import type { Errors } from './layout.js';

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;

export const attemptsLeft = (count: number) => `You have ${plural(count, 'attempt')} left.`;

const isBlank = (value: unknown) => typeof value !== 'string' || value.trim() === '';

/** A wait in words: in minutes if it is over two minutes. */
const duration = (seconds: number) =>
  seconds > 120 ? plural(Math.ceil(seconds / 60), 'minute') : plural(seconds, 'second');

const names: Record<OktaDirectMfaSecondFactor, string> = {
  otp: 'A passcode',
  push: 'A notification on your phone',
  sms: 'A text message',
  voice: 'A phone call',
  email: 'An email',
  webauthn: 'A passkey',
};

/** On a page of the second step that is opened too late, or without a first one. */
export const EXPIRED = 'Your sign-in has expired. Enter your password to start again.';
export const NOT_STARTED = 'There is no sign-in in progress. Enter your password first.';

/** What to tell the user about a failure: what happened, and what to do now. */
export function explain(info: OktaDirectMfaInfo, body: Record<string, unknown> = {}): Errors {
  switch (info.code) {
    case 'missing_credentials': {
      if ('factor' in body) return { form: 'This way is not available. Choose another one.' };
      if ('assertion' in body) return { form: 'No passkey was used. Try again.' };
      if ('otp' in body) {
        return 'challenge' in body
          ? { otp: 'Enter the code that we sent you.' }
          : { otp: 'Enter the six-digit passcode from your authenticator app.' };
      }
      if ('challenge' in body) return { form: 'This way is not available. Choose another one.' };
      const username = isBlank(body['username']) && 'Enter your username.';
      const password = isBlank(body['password']) && 'Enter your password.';
      if (!username && !password) return { form: 'Enter your username and password.' };
      return { ...(username && { username }), ...(password && { password }) };
    }
    case 'invalid_credentials':
      return {
        // The same message for every reason: it must not reveal which accounts exist or are locked.
        password:
          'Wrong username or password. Check both and try again. If you are sure of both, your password may have expired, or your account may be locked.',
      };
    case 'invalid_otp':
      return {
        otp: `${'challenge' in body ? 'Wrong code. Check it' : 'Wrong passcode. Wait for a new one'}, then try again. ${attemptsLeft(info.attemptsRemaining)}`,
      };
    case 'otp_attempts_exceeded':
      return { form: 'Too many wrong passcodes. Enter your password to start again.' };
    case 'mfa_transaction_missing':
      return { form: NOT_STARTED };
    case 'mfa_transaction_expired':
      return { form: EXPIRED };
    case 'access_denied':
      return {
        form: 'You are not allowed to sign in to this application, or not from your location. Contact your administrator.',
      };
    case 'mfa_not_enforced':
      return {
        form: 'This application requires a second sign-in step, but your account has none. Set one up in your Okta account, or contact your administrator.',
      };
    case 'rate_limited':
      return info.retryAfter === undefined
        ? { form: 'Too many attempts. Wait a moment, then try again.' }
        : {
            form: `Too many attempts. Wait ${duration(info.retryAfter)}, then try again.`,
            retryAfter: info.retryAfter,
          };
    case 'push_rejected':
      return {
        form: 'The sign-in was refused on your phone, or another number was tapped. If that was you, try again. If not, somebody else may know your password: change it.',
      };
    case 'challenge_expired':
      return { form: 'What we sent you has expired. Send it again, or use another way.' };
    case 'challenge_replaced':
      return { form: 'That page was out of date. Continue here.' };
    case 'webauthn_failed':
      return {
        form: `The passkey was not accepted. Try again, or use another way. ${attemptsLeft(info.attemptsRemaining)}`,
      };
    case 'factor_unavailable':
      return { form: `${names[info.factor]} is not possible for your account. Use another way.` };
    case 'number_challenge_required':
      return {
        form: 'Your phone shows no number to compare, which this application requires. Ignore the notification, and use another way.',
      };
    case 'too_many_challenges':
      return {
        form:
          info.retryAfter === undefined
            ? 'We have sent as much as we can for this sign-in. Use what has arrived, or start over.'
            : `Wait ${duration(info.retryAfter)} before you send again.`,
      };
    // Not shown on a form: the browser is redirected to the page of the second step.
    case 'mfa_required':
    case 'authorization_pending':
    case 'code_sent':
    case 'webauthn_required':
      return {};
  }
}
