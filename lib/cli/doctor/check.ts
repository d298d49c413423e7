import type { OktaDirectMfaSecondFactor } from '../../transactions/transaction.js';

/** In the order in which things fail; then `grant:<factor>` for each factor. */
export const FIRST_CHECKS = [
  'issuer',
  'connection',
  'metadata',
  'keys',
  'clock',
  'client',
  'dpop',
  'scope',
  'grant:password',
] as const;

export type CheckId = (typeof FIRST_CHECKS)[number] | `grant:${OktaDirectMfaSecondFactor}`;

/** One thing that has to be right. */
export interface Check {
  id: CheckId;
  /**
   * `fix`: wrong, and `todo` says what to do. `unknown`: Okta's answer does not tell. `skipped`: what
   * comes before it has to be right first.
   */
  status: 'ok' | 'fix' | 'unknown' | 'skipped';
  /** What was seen. */
  seen: string;
  todo?: string;
}

export const ok = (id: CheckId, seen: string): Check => ({ id, status: 'ok', seen });
export const fix = (id: CheckId, seen: string, todo: string): Check => ({
  id,
  status: 'fix',
  seen,
  todo,
});
export const unknown = (id: CheckId, seen: string, todo: string): Check => ({
  id,
  status: 'unknown',
  seen,
  todo,
});
export const skipped = (id: CheckId, seen: string): Check => ({ id, status: 'skipped', seen });

/** The checks of a run. */
export function allChecks(factors: readonly OktaDirectMfaSecondFactor[]): CheckId[] {
  return [...FIRST_CHECKS, ...factors.map((factor) => `grant:${factor}` as const)];
}

/** A message of this package's errors: what is wrong, then what to do about it. */
export function sentences(message: string): { seen: string; todo: string } {
  const [seen = '', ...rest] = message.split(/(?<=[.?]) (?=[A-Z])/);
  return { seen: seen.replace(/\.$/, ''), todo: rest.join(' ') };
}
