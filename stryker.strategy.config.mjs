import { base } from './stryker.config.mjs';

/** `npm run mutate`, second half: what ties the modules together, against the tests of whole steps. */
export default {
  ...base,
  tap: {
    testFiles: [
      'build/test/strategy.test.js',
      'build/test/direct-authentication.test.js',
      'build/test/flow/events.test.js',
      'build/test/secrets.test.js',
    ],
  },
  mutate: [
    'lib/strategy.ts',
    'lib/direct-authentication.ts',
    'lib/events.ts',
    'lib/base-strategy.ts',
    'lib/request.ts',
    'lib/info.ts',
    'lib/status.ts',
  ],
};
