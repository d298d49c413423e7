import type { IncomingMessage } from 'node:http';
import { OOB_FACTORS } from './factors/index.js';
import { MFA_OOB, MFA_OTP, MFA_WEBAUTHN } from './okta/grant-types.js';
import type { Settings } from './options/index.js';
import type { OktaDirectMfaRequest } from './request.js';
import type { OktaDirectMfaSecondFactor, Transaction } from './transactions/index.js';

/** The factors that the app's pages offer for this request. */
export function offeredFactors(
  req: IncomingMessage,
  { factors }: Pick<Settings, 'factors'>,
): readonly OktaDirectMfaSecondFactor[] {
  return factors(req as OktaDirectMfaRequest);
}

/** What is left of them for this person: not what Okta has refused, nor what it does not support. */
export function availableFactors(
  offered: readonly OktaDirectMfaSecondFactor[],
  { refused = [], supported }: Pick<Transaction, 'refused' | 'supported'>,
): OktaDirectMfaSecondFactor[] {
  return offered.filter(
    (factor) => !refused.includes(factor) && (supported?.includes(factor) ?? true),
  );
}

/** What this person can choose from. */
export function factorsLeft(
  req: IncomingMessage,
  settings: Pick<Settings, 'factors'>,
  transaction: Transaction,
): OktaDirectMfaSecondFactor[] {
  return availableFactors(offeredFactors(req, settings), transaction);
}

const BY_CHALLENGE_TYPE: Readonly<Record<string, readonly OktaDirectMfaSecondFactor[]>> = {
  [MFA_OTP]: ['otp'],
  [MFA_OOB]: OOB_FACTORS,
  [MFA_WEBAUTHN]: ['webauthn'],
};

/** What Okta's `supported_challenge_types` leaves; `{}` where Okta sent none. */
export function supportedBy(
  challengeTypes: readonly string[] | undefined,
): Pick<Transaction, 'supported'> {
  if (challengeTypes === undefined) return {};
  return {
    supported: challengeTypes.flatMap((type) =>
      Object.hasOwn(BY_CHALLENGE_TYPE, type) ? (BY_CHALLENGE_TYPE[type] ?? []) : [],
    ),
  };
}
