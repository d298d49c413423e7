import type { ChallengeRequest } from '../okta/request.js';
import {
  SECOND_FACTORS,
  type OktaDirectMfaSecondFactor,
  type Transaction,
} from '../transactions/transaction.js';
import { readField, type Body, type Fields, type Missing } from './body.js';
import { oobChallengeRequest } from './oob.js';
import { webauthnChallengeRequest } from './webauthn.js';

/** Chooses a second factor for the transaction. */
export interface Choice {
  type: 'choice';
  factor: OktaDirectMfaSecondFactor;
}

const MAX_LENGTH = 64;

export function readChoice(body: Body, { factorField }: Fields): Choice | Missing | undefined {
  if (!Object.hasOwn(body, factorField)) return undefined;
  const name = readField(body, factorField, MAX_LENGTH)?.trim();
  const factor = SECOND_FACTORS.find((known) => known === name);
  return factor === undefined
    ? { type: 'missing', step: 'challenge', field: factorField }
    : { type: 'choice', factor };
}

/** What Okta is asked for a choice; nothing for a passcode, which the person has already. */
export function challengeRequest(
  factor: OktaDirectMfaSecondFactor,
  transaction: Transaction,
): ChallengeRequest | undefined {
  switch (factor) {
    case 'otp':
      return undefined;
    case 'push':
    case 'sms':
    case 'voice':
    case 'email':
      return oobChallengeRequest(factor, transaction);
    case 'webauthn':
      return webauthnChallengeRequest(transaction);
  }
}
