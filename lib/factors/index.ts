import type { IncomingMessage } from 'node:http';
import type { Grant } from '../okta/request.js';
import type { Challenge, Transaction } from '../transactions/transaction.js';
import { readBody, type Fields, type Missing, type OktaDirectMfaStep } from './body.js';
import { readChoice, type Choice } from './choice.js';
import { readChallengeId, type PollFactor } from './oob.js';
import { codeChallenge, otpGrant, readOtp, type OtpFactor } from './otp.js';
import { readPassword, type PasswordFactor } from './password.js';
import { assertionGrant, readAssertion, type AssertionFactor } from './webauthn.js';

export type { Fields, Missing, OktaDirectMfaFactor, OktaDirectMfaStep } from './body.js';
export { challengeRequest, type Choice } from './choice.js';
export { OOB_FACTORS, pollGrant, type PollFactor } from './oob.js';
export { passwordGrant, type PasswordFactor } from './password.js';
export { isOwnAssertion, type AssertionFactor } from './webauthn.js';

/**
 * The only list of what proves a second factor. A new one is a file beside this one, a member of
 * `SecondFactor`, its reader in `readFactor`, and its cases below.
 */
export type SecondFactor = OtpFactor | AssertionFactor | PollFactor;
export type Factor = PasswordFactor | Choice | SecondFactor;

/**
 * What a request presents: the first whose field is in the body.
 * @throws OktaConfigurationError `body_parser_missing`
 */
export function readFactor(req: IncomingMessage, fields: Fields): Factor | Missing {
  const body = readBody(req);
  const first = readPassword(body, fields) ?? readChoice(body, fields);
  if (first !== undefined) return first;
  const proof = readAssertion(body, fields) ?? readOtp(body, fields);
  const challenge = readChallengeId(body, fields);
  if (proof === undefined) {
    return challenge ?? { type: 'missing', step: 'none', field: fields.passwordField };
  }
  if (challenge === undefined || proof.type === 'missing') return proof;
  return challenge.type === 'missing' ? challenge : { ...proof, challenge: challenge.challenge };
}

/** The challenge that a factor is the answer to, if one is out that waits for such an answer. */
export function challengeOf(factor: SecondFactor, transaction: Transaction): Challenge | undefined {
  switch (factor.type) {
    case 'otp':
      return codeChallenge(transaction);
    case 'assertion':
      return transaction.challenge?.awaits === 'assertion' ? transaction.challenge : undefined;
    case 'poll':
      return transaction.challenge;
  }
}

/** What Okta is asked for a second factor. */
export function secondFactorGrant(
  factor: OtpFactor | AssertionFactor,
  transaction: Transaction,
): Grant {
  switch (factor.type) {
    case 'otp':
      return otpGrant(factor, transaction);
    case 'assertion':
      return assertionGrant(factor, transaction);
  }
}

/** The step of the login in which a factor is presented. */
export function stepOf(factor: Factor | Missing): OktaDirectMfaStep {
  switch (factor.type) {
    case 'password':
    case 'poll':
    case 'assertion':
      return factor.type;
    case 'choice':
      return 'challenge';
    case 'otp':
      return 'code';
    case 'missing':
      return factor.step;
  }
}
