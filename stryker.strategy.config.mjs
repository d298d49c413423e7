import { base, mutate } from './stryker.config.mjs';

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
  // All that the first half leaves, so that a new file is in one of them.
  mutate: ['lib/**/*.ts', '!lib/testing/**', ...mutate.map((files) => `!${files}`)],
};
