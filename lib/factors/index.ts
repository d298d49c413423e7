import type { IncomingMessage } from 'node:http';
import type { Grant } from '../okta/request.js';
import type { Transaction } from '../transactions/transaction.js';
import { readBody, type Fields, type Missing, type OktaDirectMfaStep } from './body.js';
import { otpGrant, readOtp, type OtpFactor } from './otp.js';
import { readPassword, type PasswordFactor } from './password.js';

export type { Fields, Missing, OktaDirectMfaFactor, OktaDirectMfaStep } from './body.js';
export { passwordGrant, type PasswordFactor } from './password.js';

/**
 * The only list of factors. A new one is a file beside this one, a member of `SecondFactor`, its
 * reader in `readFactor`, and its cases below.
 */
export type SecondFactor = OtpFactor;
export type Factor = PasswordFactor | SecondFactor;

/**
 * The factor that a request presents: the first whose field is in the body.
 * @throws OktaConfigurationError `body_parser_missing`
 */
export function readFactor(req: IncomingMessage, fields: Fields): Factor | Missing {
  const body = readBody(req);
  return (
    readPassword(body, fields) ??
    readOtp(body, fields) ?? { type: 'missing', step: 'none', field: fields.passwordField }
  );
}

/** What Okta is asked for a second factor. */
export function secondFactorGrant(factor: SecondFactor, transaction: Transaction): Grant {
  switch (factor.type) {
    case 'otp':
      return otpGrant(factor, transaction);
  }
}

/** The step of the login in which a factor is presented. */
export function stepOf(factor: Factor | Missing): OktaDirectMfaStep {
  switch (factor.type) {
    case 'password':
      return 'password';
    case 'otp':
      return 'code';
    case 'missing':
      return factor.step;
  }
}
