import type { IncomingMessage } from 'node:http';
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

const BY_CHALLENGE_TYPE: Readonly<Record<string, readonly OktaDirectMfaSecondFactor[]>> = {
  'http://auth0.com/oauth/grant-type/mfa-otp': ['otp'],
  'http://auth0.com/oauth/grant-type/mfa-oob': ['push', 'sms', 'voice', 'email'],
  'urn:okta:params:oauth:grant-type:mfa-webauthn': ['webauthn'],
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
