import { defineConfig } from 'vitest/config';

// Globals, since the tests are the same as those that Jest runs.
export default defineConfig({ test: { globals: true, include: ['src/**/*.spec.ts'] } });
