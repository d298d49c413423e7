import { MFA_OTP } from '../okta/grant-types.js';
import type { Grant } from '../okta/request.js';
import type { Challenge, Transaction } from '../transactions/transaction.js';
import { cleanCode, readField, type Body, type Fields, type Missing } from './body.js';
import { CODE_REJECTION_CODES, oobCodeGrant } from './oob.js';

/** A one-time code: of an authenticator app, or the one that a challenge has sent. */
export interface OtpFactor {
  type: 'otp';
  otp: string;
  /** The challenge that the page speaks of, if it says so. */
  challenge?: string;
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

/** The challenge that waits for a code, if one does: else a code is the authenticator's. */
export function codeChallenge({
  challenge,
}: Pick<Transaction, 'challenge'>): Challenge | undefined {
  return challenge?.awaits === 'code' ? challenge : undefined;
}

/**
 * `TokenRequestDirectAuthenticationMfaOtp` in Okta's OpenAPI, and Okta's guide "Direct
 * authentication, MFA OTP"; for the code of a text, call or mail see `oobCodeGrant`.
 */
export function otpGrant(
  { otp }: OtpFactor,
  transaction: Pick<Transaction, 'mfaToken' | 'challenge'>,
): Grant {
  const challenge = codeChallenge(transaction);
  if (challenge !== undefined) return oobCodeGrant(otp, challenge, transaction);
  return {
    grantType: MFA_OTP,
    parameters: { mfa_token: transaction.mfaToken, otp },
    loggable: [],
    rejection: 'invalid_otp',
    rejectionCodes: CODE_REJECTION_CODES,
  };
}
