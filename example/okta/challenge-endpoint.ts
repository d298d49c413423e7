import { CHANNELS, isEnrolled, type Channel } from './authenticators.js';
import { badChallengeType, badChannel, grantDisabled } from './challenge-errors.js';
import { CHALLENGE_LIFETIME } from './challenges.js';
import type { Client } from './clients.js';
import { missingParameter } from './errors.js';
import { grantType as mfaOob } from './grants/mfa-oob.js';
import { grantType as mfaOtp } from './grants/mfa-otp.js';
import { grantType as mfaWebauthn } from './grants/mfa-webauthn.js';
import {
  assertUsable,
  countTry,
  findTransaction,
  type SecondFactorParts,
} from './grants/second-factor.js';
import type { MfaTransaction } from './mfa-transactions.js';
import { requestOptions, type PasskeySettings } from './passkeys.js';
import type { Phones } from './phones.js';

export const parameters = ['mfa_token', 'challenge_types_supported', 'channel_hint'];

export interface ChallengeParameters {
  mfa_token?: string;
  challenge_types_supported?: string;
  channel_hint?: string;
}

export type ChallengeParts = SecondFactorParts & {
  readonly clients: ReadonlyMap<string, Client>;
  readonly phones: Phones;
  readonly webauthn: PasskeySettings;
};

/** Seconds between two polls for a push. */
const INTERVAL = 5;

/**
 * Asks for a second factor; OpenAPI `challenge`. Resolves with the response.
 * @throws OktaError with Okta's response
 */
export async function challenge(
  parts: ChallengeParts,
  clientId: string,
  params: ChallengeParameters,
): Promise<Record<string, unknown>> {
  const { mfa_token: mfaToken, channel_hint: channel } = params;
  const transaction = findTransaction(parts, mfaToken, clientId);
  if (mfaToken === undefined) throw missingParameter('mfa_token');

  const type = chooseType(params, transaction);
  const grantTypes = parts.clients.get(clientId)?.grant_types ?? [];
  if (!grantTypes.includes(type)) throw grantDisabled(grantTypes);

  if (type === mfaOob) return sendOutOfBand(parts, mfaToken, transaction, channel);
  const factor = type === mfaOtp ? 'otp' : 'webauthn';
  assertUsable(transaction, factor);
  if (type === mfaOtp) {
    parts.challenges.end(mfaToken);
    return { challenge_type: mfaOtp };
  }
  countTry(parts, transaction.user, 'webauthn');
  const options = await requestOptions(transaction.user, parts.webauthn);
  parts.challenges.start(transaction.user, mfaToken, 'webauthn', options.publicKey.challenge);
  // In camel case, unlike everything else.
  return { challengeType: mfaWebauthn, ...options };
}

function sendOutOfBand(
  parts: ChallengeParts,
  mfaToken: string,
  transaction: MfaTransaction,
  channel: string | undefined,
): Record<string, unknown> {
  if (channel === undefined) throw missingParameter('channel_hint');
  if (!isChannel(channel)) throw badChannel(channel);
  const { user } = transaction;
  assertUsable(transaction, channel);
  countTry(parts, user, channel);
  const sent = parts.challenges.start(user, mfaToken, channel);
  parts.phones.deliver(sent);
  const response = {
    challenge_type: mfaOob,
    oob_code: sent.key,
    expires_in: CHALLENGE_LIFETIME,
    channel,
  };
  if (channel !== 'push') return { ...response, binding_method: 'prompt' };
  return {
    ...response,
    interval: INTERVAL,
    ...(sent.number === undefined
      ? { binding_method: 'none' }
      : { binding_method: 'transfer', binding_code: sent.number }),
  };
}

/** One of the types that the client supports: a channel asks for one, else what is enrolled. */
function chooseType(params: ChallengeParameters, { user }: MfaTransaction): string {
  const known = [mfaOob, mfaWebauthn, mfaOtp];
  const listed = params.challenge_types_supported?.split(' ').filter(Boolean) ?? [];
  const unknown = listed.find((type) => !known.includes(type));
  if (unknown !== undefined) throw badChallengeType(unknown);
  const supported = listed.length === 0 ? known : listed;

  if (supported.includes(mfaOob) && params.channel_hint !== undefined) return mfaOob;
  if (supported.includes(mfaWebauthn) && isEnrolled(user, 'webauthn')) return mfaWebauthn;
  if (supported.includes(mfaOtp) && isEnrolled(user, 'otp')) return mfaOtp;
  return supported[0] ?? mfaOob;
}

const isChannel = (channel: string): channel is Channel =>
  (CHANNELS as readonly string[]).includes(channel);
