/**
 * Compiles the unit tests with what they test into .tmp/unit, for `npm run test:unit`: what tsx adds to each
 * module would be counted as branches that no test can take, and once takes less time than in each process.
 */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const outdir = join(ROOT, '.tmp', 'unit');

rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: ['lib', 'test/unit', 'test/support', 'example/okta', 'example/express'].map(
    (folder) => `./${folder}/**/*.ts`,
  ),
  outbase: '.',
  outdir,
  format: 'cjs',
  platform: 'node',
  target: 'es2022',
  sourcemap: 'inline',
  logLevel: 'warning',
});
