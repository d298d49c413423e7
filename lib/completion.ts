import type { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Action } from './actions.js';
import { fail, FAILURES, failRejected, type FailAction, type Fate } from './failures.js';
import type { OktaClient } from './okta/client.js';
import type { Authenticated, MfaRequired, Rejected } from './okta/state.js';
import type { Settings } from './options/index.js';
import type { OktaDirectMfaRequest } from './request.js';
import { actionOf, callVerify, type VerifyFunctionWithRequest } from './verify.js';
import { factorsLeft, supportedBy } from './offer.js';
import type {
  InFlightLogin,
  OktaDirectMfaSecondFactor,
  Transaction,
  Transactions,
} from './transactions/index.js';
import type { SecondFactor } from './factors/index.js';
import type { Visit } from './visit.js';

/** What Okta has said yes to, and what becomes of it. */
export interface Granted {
  type: 'granted';
  /** Of the step that it granted. */
  mfaToken: string;
  factor: SecondFactor;
  /** Absent where Okta wants another factor on top. */
  sub?: string;
  /** The one call of the verify function, and the action it led to. */
  action: Promise<Action>;
}

export type Login = InFlightLogin<Granted>;

/** What the steps of a login share. */
export interface Parts {
  settings: Settings;
  okta: OktaClient;
  transactions: Transactions<Granted>;
  verify: VerifyFunctionWithRequest;
}

/** Okta has accepted the person; now the app decides. */
export async function complete(
  { verify, transactions }: Parts,
  visit: Visit,
  { tokens, profile }: Authenticated,
  transaction: Transaction | undefined,
): Promise<Action> {
  const { req, grants } = visit;
  const verdict = await callVerify((done) =>
    verify(req as OktaDirectMfaRequest, tokens, profile, done),
  );
  // Before success(), since Passport may be told to keep the session's content: none that has ended.
  const logsIn = verdict.type === 'accepted' && visit.logsIn;
  const isKept = await transactions.drop(req, transaction, { logsIn });
  if (verdict.type === 'accepted') {
    if (!isKept) return fail('mfa_transaction_missing');
    grants.use(tokens);
  }
  return actionOf(verdict);
}

/** It may still be kept, where the store failed to remove it. */
export async function lost(
  { transactions }: Parts,
  req: IncomingMessage,
  transaction: Transaction,
): Promise<FailAction> {
  await transactions.drop(req, transaction);
  return fail('mfa_transaction_missing');
}

/** What an earlier request has come to with this very factor: for the second click of a double click. */
export function settled(
  { granted }: Login,
  factor: SecondFactor,
  { mfaToken }: Transaction,
): Granted | FailAction | undefined {
  if (granted?.mfaToken !== mfaToken) return undefined;
  return isDeepStrictEqual(granted.factor, factor) ? granted : fail('mfa_transaction_missing');
}

/** Okta takes the factor and wants another one on top: the next begins, with what was counted. */
export async function advance(
  { settings, transactions }: Parts,
  req: IncomingMessage,
  { mfaToken, challengeTypes }: MfaRequired,
  transaction: Transaction,
): Promise<FailAction> {
  const expiresAt = transactions.expiry();
  const kept = await transactions.modify(req, transaction, (kept) => {
    const { supported: _, ...rest } = withoutChallenge(kept);
    return { ...rest, mfaToken, expiresAt, ...supportedBy(challengeTypes) };
  });
  if (kept === undefined) return fail('mfa_transaction_missing');
  const factors = factorsLeft(req, settings, kept);
  return fail('mfa_required', { expiresAt, factors });
}

/** What a rejection does to the transaction is in the table of failures. */
export async function reject(
  { settings, transactions }: Parts,
  req: IncomingMessage,
  rejected: Rejected,
  transaction: Transaction,
  about: { factor: OktaDirectMfaSecondFactor; attempts: number; login: Login },
): Promise<FailAction> {
  const { factor, attempts, login } = about;
  const { transaction: fate, challenge }: Fate = FAILURES[rejected.reason];
  const attemptsRemaining = settings.maxOtpAttempts - attempts;
  const told = (left: Transaction) =>
    failRejected(rejected, {
      attemptsRemaining,
      factor,
      factors: factorsLeft(req, settings, left),
    });

  const isUsedUp = fate === 'count' && attemptsRemaining <= 0;
  if (isUsedUp || fate === 'drop') {
    await transactions.drop(req, transaction);
    return isUsedUp ? fail('otp_attempts_exceeded') : told(transaction);
  }
  const isRefused = rejected.reason === 'factor_unavailable';
  if (fate === 'keep' && challenge === undefined && !isRefused) {
    // Nothing to write.
    await transactions.read(req);
    return told(transaction);
  }

  if (fate === 'count') login.attempts = Math.max(login.attempts, attempts);
  const kept = await transactions.modify(req, transaction, (kept) => {
    if (isRefused) return { ...kept, refused: [...(kept.refused ?? []), factor] };
    const left = challenge === 'forget' ? withoutChallenge(kept, transaction.challenge?.id) : kept;
    return fate === 'count' ? { ...left, attempts } : left;
  });
  return kept === undefined ? fail('mfa_transaction_missing') : told(kept);
}

/** @param id of the challenge to be forgotten: another that is out stays. Default: whichever is out */
export function withoutChallenge(transaction: Transaction, id?: string): Transaction {
  const { challenge, ...rest } = transaction;
  if (challenge === undefined || (id !== undefined && challenge.id !== id)) return transaction;
  return rest;
}
