import type { TokenEndpointGrantContext } from 'oidc-provider';
import { amr, authenticator, isEnrolled, type Factor } from '../authenticators.js';
import { expired, notChallenged, otherClient, scopeChanged } from '../challenge-errors.js';
import type { Challenges } from '../challenges.js';
import {
  authenticatorCannotBeUsed,
  mfaRequired,
  missingParameter,
  tooManyPasscodes,
} from '../errors.js';
import type { MfaTransaction, MfaTransactions } from '../mfa-transactions.js';
import type { RateLimit } from '../rate-limit.js';
import type { Directory, User } from '../users.js';
import { checkScope } from './scope.js';
import { issueTokens } from './tokens.js';

/** What the grants after the password have in common, and `/challenge`. */
export interface SecondFactorParts {
  readonly challenges: Challenges;
  readonly directory: Directory;
  readonly otpLimit: RateLimit;
  readonly transactions: MfaTransactions;
}

/** The login of an `mfa_token`. @throws OktaError with Okta's response */
export function findTransaction(
  { directory, transactions }: SecondFactorParts,
  mfaToken: string | undefined,
  clientId: string,
): MfaTransaction {
  if (mfaToken === undefined) throw missingParameter('mfa_token');
  const transaction = transactions.find(mfaToken);
  if (!transaction || !directory.findById(transaction.user.id)) throw expired('mfa_token');
  if (transaction.clientId !== clientId) throw otherClient();
  return transaction;
}

/** The scope that the first request had, in whatever order. @throws OktaError if it is another */
export function sameScope(transaction: MfaTransaction, scope: string | undefined): string {
  if (scope === undefined) return transaction.scope;
  const requested = checkScope(scope).split(' ').sort().join(' ');
  if (requested !== transaction.scope.split(' ').sort().join(' ')) throw scopeChanged();
  return transaction.scope;
}

/** @throws OktaError if this person cannot give this factor in this login */
export function assertUsable({ user, verified }: MfaTransaction, factor: Factor): void {
  if (!isEnrolled(user, factor)) throw authenticatorCannotBeUsed();
  const used = verified.map(authenticator);
  if (used.includes(authenticator(factor))) throw notChallenged();
}

/** Counts a challenge, or a try at a code. @throws OktaError over the limit */
export function countTry({ otpLimit }: SecondFactorParts, user: User, factor: Factor): void {
  if (!otpLimit.take(`${user.id}:${authenticator(factor)}`).allowed) throw tooManyPasscodes();
}

/** The factor is right: tokens, or `mfa_required` once more where the policy wants a third. */
export async function complete(
  ctx: TokenEndpointGrantContext,
  { challenges, transactions }: SecondFactorParts,
  login: {
    mfaToken: string;
    transaction: MfaTransaction;
    factor: Factor;
    scope: string;
    grantType: string;
  },
): Promise<void> {
  const { mfaToken, transaction, factor, scope, grantType } = login;
  const { user, clientId } = transaction;
  challenges.end(mfaToken);
  transactions.end(mfaToken);
  const verified = [...transaction.verified, factor];
  if (user.thirdFactor && verified.length < 2) {
    throw mfaRequired(transactions.start({ user, clientId, scope, verified }));
  }
  await issueTokens(ctx, user, { scope, amr: amr(verified), grantType });
}
