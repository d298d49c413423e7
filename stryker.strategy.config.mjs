import { base, mutate } from './stryker.config.mjs';

/** `npm run mutate`, second half: what ties the modules together, against the tests of whole steps. */
export default {
  ...base,
  tap: {
    testFiles: [
      'build/test/unit/strategy.test.js',
      'build/test/unit/okta/client.test.js',
      'build/test/unit/events.test.js',
      'build/test/unit/secrets.test.js',
    ],
  },
  // All that the first half leaves, so that a new file is in one of them.
  mutate: ['lib/**/*.ts', '!lib/testing/**', ...mutate.map((files) => `!${files}`)],
};
