import { MFA_OOB } from '../okta/grant-types.js';
import type { ChallengeRequest, Grant } from '../okta/request.js';
import type {
  Challenge,
  OktaDirectMfaSecondFactor,
  Transaction,
} from '../transactions/transaction.js';
import { readField, type Body, type Fields, type Missing } from './body.js';

/** The out-of-band factors, under the names of their channels. */
export type OobFactor = Extract<OktaDirectMfaSecondFactor, 'push' | 'sms' | 'voice' | 'email'>;

export const OOB_FACTORS: readonly OobFactor[] = ['push', 'sms', 'voice', 'email'];

/** Asks how a push stands. */
export interface PollFactor {
  type: 'poll';
  challenge: string;
}

/** In characters; ids of challenges are UUIDs. */
const MAX_LENGTH = 64;

/** The id of a challenge, alone or beside a code or an assertion. */
export function readChallengeId(
  body: Body,
  { challengeField }: Fields,
): PollFactor | Missing | undefined {
  if (!Object.hasOwn(body, challengeField)) return undefined;
  const challenge = readField(body, challengeField, MAX_LENGTH);
  return challenge === undefined
    ? { type: 'missing', step: 'poll', field: challengeField }
    : { type: 'poll', challenge: challenge.trim() };
}

/** `ChallengeRequest` in Okta's OpenAPI, and Okta's guides "Direct authentication, MFA OOB". */
export function oobChallengeRequest(
  factor: OobFactor,
  { mfaToken }: Pick<Transaction, 'mfaToken'>,
): ChallengeRequest {
  return {
    parameters: {
      mfa_token: mfaToken,
      challenge_types_supported: MFA_OOB,
      channel_hint: factor,
    },
    loggable: ['challenge_types_supported', 'channel_hint'],
  };
}

/** How a push stands: `TokenRequestDirectAuthenticationMfaOob` in Okta's OpenAPI. */
export function pollGrant(
  { oobCode = '' }: Partial<Challenge>,
  { mfaToken }: Pick<Transaction, 'mfaToken'>,
): Grant {
  return {
    grantType: MFA_OOB,
    parameters: { mfa_token: mfaToken, oob_code: oobCode },
    loggable: [],
    rejection: 'push_rejected',
    rejectionCodes: POLL_REJECTION_CODES,
    expiry: 'challenge_expired',
    polls: true,
  };
}

/** The code of a text, call or mail: the same grant with a `binding_code`. */
export function oobCodeGrant(
  code: string,
  { oobCode = '' }: Partial<Challenge>,
  { mfaToken }: Pick<Transaction, 'mfaToken'>,
): Grant {
  return {
    grantType: MFA_OOB,
    parameters: { mfa_token: mfaToken, oob_code: oobCode, binding_code: code },
    loggable: [],
    rejection: 'invalid_otp',
    rejectionCodes: CODE_REJECTION_CODES,
    expiry: 'challenge_expired',
  };
}

/**
 * Okta's error catalogue has `invalid_grant` for a wrong code; E0000068 is "Invalid Passcode/Answer",
 * and Okta's Swift SDK knows `invalid_otp`.
 */
export const CODE_REJECTION_CODES = new Set(['invalid_grant', 'invalid_otp', 'E0000068']);

/** The same catalogue; Okta's Swift SDK knows `oob_rejected`. */
const POLL_REJECTION_CODES = new Set(['invalid_grant', 'oob_rejected']);
