import { closeSync, openSync, writeFileSync } from 'node:fs';
import type { OktaDirectMfaSecondFactor } from '../../transactions/transaction.js';
import { UsageError } from '../io.js';
import { readVersion } from '../run.js';
import type { Target } from '../settings.js';
import { ASSUMPTIONS, type Assumption, type Verdict } from './assumptions.js';
import type { Check } from './check.js';
import type { Call } from './observer.js';
import type { SignInResult } from './sign-in.js';

/**
 * What an org answered, fit to be attached to a bug report: no username, password, code, token, secret,
 * client ID or name, and of the issuer only its kind.
 */
export interface FidelityReport {
  package: string;
  node: string;
  issuer: { server: 'org' | 'custom'; host: 'okta' | 'custom domain' | 'loopback' };
  clientAuthentication: string;
  factors: readonly OktaDirectMfaSecondFactor[];
  checks: Pick<Check, 'id' | 'status'>[];
  signIn: SignInResult['outcome'];
  assumptions: (Pick<Assumption, 'document' | 'row' | 'assumed'> & Verdict)[];
  calls: readonly Call[];
}

export function reportOf(
  { issuer, credentials }: Pick<Target, 'issuer' | 'credentials'>,
  factors: readonly OktaDirectMfaSecondFactor[],
  checks: readonly Check[],
  result: SignInResult,
): FidelityReport {
  return {
    package: readVersion(),
    node: process.version,
    issuer: kindOf(new URL(issuer)),
    clientAuthentication: credentials.method,
    factors,
    checks: checks.map(({ id, status }) => ({ id, status })),
    signIn: result.outcome,
    assumptions: ASSUMPTIONS.map(({ document, row, assumed, judge }) => ({
      document,
      row,
      assumed,
      ...judge(result),
    })),
    calls: result.calls,
  };
}

function kindOf({ pathname, hostname }: URL): FidelityReport['issuer'] {
  const isLoopback = /^(127\.|\[::1\]$|(.+\.)?localhost$)/.test(hostname);
  const isOkta = /\.(okta(preview|-emea|-gov|-miltest)?|trexcloud)\.(com|mil)$/.test(hostname);
  return {
    server: pathname === '/' ? 'org' : 'custom',
    host: isLoopback ? 'loopback' : isOkta ? 'okta' : 'custom domain',
  };
}

/**
 * Opened before anybody signs in: a path that cannot be written to is said while it costs nothing.
 * @throws UsageError
 */
export function openReport(file: string): { write(report: FidelityReport): void } {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new UsageError(`--report: ${file} cannot be written (${code}).`);
  }
  return { write: (report) => writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`) };
}

/** For the terminal: what was confirmed, what differs and in which row. */
export function printVerdicts({ assumptions }: FidelityReport): string {
  const lines = assumptions.map(({ document, row, assumed, verdict, seen = '' }) => {
    const where = verdict === 'different' ? ` (assumed: ${assumed}; a row of ${document})` : '';
    return `${verdict.padEnd(9)}  ${row}${seen === '' ? '' : `: ${seen}`}${where}`;
  });
  return `\nWhat Okta's documents leave open, and what this org answered:\n${lines.join('\n')}\n`;
}
