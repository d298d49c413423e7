/**
 * `npm run mutate`, first half: each module of lib/ against its own unit tests. A mutant that only the
 * test of another module would catch counts as survived here, which is stricter than all against all,
 * and takes a fifth of the time.
 */
const MODULES = [
  'body',
  'client-authentication',
  'errors',
  'http',
  'id-token',
  'jwks',
  'options',
  'profile',
  'redact',
  'token-endpoint',
  'transaction-store',
  'user-info',
  'verify',
  'waiting-logins',
];

export const base = {
  testRunner: 'tap',
  // Compiled once for all mutants: the tests run in a process for each file and mutant, of which tsx
  // would take a third of the time.
  buildCommand:
    'esbuild lib/**/*.ts test/*.ts test/grants/*.ts test/support/*.ts test/flow/events.test.ts example/okta/**/*.ts --outdir=build --format=cjs --platform=node --target=node20',
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

/** What the first half mutates. */
export const mutate = [...MODULES.map((name) => `lib/${name}.ts`), 'lib/grants/*.ts'];

export default {
  ...base,
  tap: {
    testFiles: [
      ...MODULES.map((name) => `build/test/${name}.test.js`),
      'build/test/grants/*.test.js',
    ],
  },
  mutate,
};
