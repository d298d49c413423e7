import type { Grant } from '../okta/request.js';
import type { Transaction } from '../transactions/transaction.js';
import { cleanCode, readField, type Body, type Fields, type Missing } from './body.js';

/** A one-time passcode of an authenticator app. */
export interface OtpFactor {
  type: 'otp';
  otp: string;
}

/** In characters. */
const MAX_LENGTH = 64;

/** As people paste it: see `cleanCode`. */
export function readOtp(body: Body, { otpField }: Fields): OtpFactor | Missing | undefined {
  if (!Object.hasOwn(body, otpField)) return undefined;
  const otp = cleanCode(readField(body, otpField, MAX_LENGTH) ?? '');
  return otp === ''
    ? { type: 'missing', factor: 'otp', step: 'code', field: otpField }
    : { type: 'otp', otp };
}

/**
 * `TokenRequestDirectAuthenticationMfaOtp` in Okta's OpenAPI, and Okta's guide "Direct
 * authentication, MFA OTP".
 */
export function otpGrant({ otp }: OtpFactor, { mfaToken }: Pick<Transaction, 'mfaToken'>): Grant {
  return {
    grantType: 'http://auth0.com/oauth/grant-type/mfa-otp',
    parameters: { mfa_token: mfaToken, otp },
    loggable: [],
    rejection: 'invalid_otp',
    rejectionCodes: REJECTION_CODES,
  };
}

/** `invalid_grant` is not documented for a wrong passcode; E0000068 is "Invalid Passcode/Answer". */
const REJECTION_CODES = new Set(['invalid_grant', 'E0000068']);
