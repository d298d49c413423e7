import fc from 'fast-check';
import { runFactorCase } from './factors/login.js';
import { anyFactorCase } from './factors/steps.js';
import { anyCase, runCase } from './flow.js';
import * as parsers from './parsers.js';

export interface Property {
  name: string;
  /** Of a hundred cases, so many are its own. */
  share: number;
  property: fc.IRawProperty<unknown>;
}

const property = (name: string, share: number, it: unknown): Property => ({
  name,
  share,
  property: it as fc.IRawProperty<unknown>,
});

export const PROPERTIES: readonly Property[] = [
  property('whole logins', 34, fc.asyncProperty(anyCase, runCase)),
  property('logins with every factor', 12, fc.asyncProperty(anyFactorCase, runFactorCase)),
  property('redacted strings', 12, parsers.redaction),
  property('answers of the token endpoint', 12, parsers.tokenAnswers),
  property('ID tokens', 12, parsers.idTokens),
  property('bodies', 12, parsers.bodies),
  property('transactions from a store', 6, parsers.transactions),
  property('options', 6, parsers.options),
  property('key sets', 6, parsers.keySets),
];

export interface Run {
  runs: number;
  seed: number;
  /** Of a failure, to see it again. */
  path?: string;
}

/**
 * Runs a property.
 * @returns what failed, with its seed and path; `undefined` when all went well
 */
export async function falsify(
  { property }: Property,
  { runs, seed, path }: Run,
): Promise<string | undefined> {
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    ...(path === undefined ? {} : { path }),
  });
  if (!details.failed) return undefined;
  const { errorInstance } = details;
  const stack = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
  return [
    `seed ${details.seed}, path ${details.counterexamplePath}, after ${details.numRuns} cases`,
    fc.stringify(details.counterexample),
    stack,
  ].join('\n');
}
