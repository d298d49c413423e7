import { readdirSync } from 'node:fs';
import { posix } from 'node:path';

/**
 * Mutation tests of lib/, in two halves. `npm run mutate` runs both; `MUTATE=modules` or `MUTATE=flow`
 * chooses one for `npx stryker run`, and `MUTATE=okta/http` that module alone.
 *
 * modules: the modules that have a unit test of their own, against these tests.
 * flow: all other modules, and those of FLOW, against the other tests in test/unit. A new file of lib/ or
 * of test/unit is thus always part of one half. Only lib/testing/ is left out, and lib/cli/, whose
 * tests are in test/apps/cli.
 */
const FLOW = ['strategy', 'login', 'events', 'okta/client'];

/** Paths without extension: `okta/http` for lib/okta/http.ts and for test/unit/okta/http.test.ts. */
const modules = list('lib', '.ts');
const tests = list('test/unit', '.test.ts');

const ofModules = modules.filter((name) => !FLOW.includes(name) && testOf(name) !== undefined);
const testsOfModules = [...new Set(ofModules.map(testOf))];
const halves = {
  modules: { mutated: ofModules, against: testsOfModules },
  flow: {
    mutated: modules.filter((name) => !ofModules.includes(name)),
    against: tests.filter((name) => !testsOfModules.includes(name)),
  },
};

const wanted = process.env.MUTATE ?? 'modules';
const { mutated, against } = halves[wanted] ?? { mutated: [wanted], against: [testOf(wanted)] };
if (against.includes(undefined)) throw new Error(`MUTATE: ${wanted} has no unit test of its own`);

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'tap',
  // Compiled once for all mutants: the tests run in a process for each file and mutant, of which tsx
  // would take a third of the time.
  buildCommand: [
    'esbuild --bundle --packages=external --platform=node --target=node20 --outbase=. --outdir=build',
    ...against.map((name) => `test/unit/${name}.test.ts`),
  ].join(' '),
  tap: { testFiles: against.map((name) => `build/test/unit/${name}.test.js`) },
  mutate: mutated.map((name) => `lib/${name}.ts`),
  coverageAnalysis: 'perTest',
  // A mutant in what runs as a module loads would need all tests for itself.
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 20_000,
  tempDirName: '.tmp/stryker',
  ignorePatterns: ['dist', 'coverage', 'docs', 'bench', '.tmp', '.git'],
  reporters: ['clear-text', 'progress'],
  clearTextReporter: { allowColor: false, logTests: false },
  thresholds: { high: 95, low: 90, break: 90 },
};

function list(directory, extension) {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith(extension) && !/^(testing|cli)[./]/.test(name))
    .map((name) => name.slice(0, -extension.length))
    .sort();
}

/** A module's own, or that of its folder's index: options/index.test.ts covers options/checks.ts too. */
function testOf(name) {
  return [name, `${posix.dirname(name)}/index`].find((test) => tests.includes(test));
}
