/**
 * Runs the tests of one group or more: `node scripts/test.mjs unit login`. A group is a folder of
 * test/, with all `*.test.ts` below it. Refuses to run while a test file belongs to no group, so that
 * none is silently left out. (Node 20 expands no globs, and a shell's differ.)
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** How many files run at once. Browsers and services share a machine badly. */
const GROUPS = { unit: 3, login: 3, apps: 3, property: 3, browser: 1, services: 1 };

const files = readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
  .map((entry) => join(entry.parentPath, entry.name).slice(join(ROOT, 'test').length + 1))
  .sort();
const groupOf = (file) => file.split(sep)[0];

const lost = files.filter((file) => !Object.hasOwn(GROUPS, groupOf(file)));
if (lost.length > 0) {
  console.error(`These tests are in no group (${Object.keys(GROUPS).join(', ')}) and never run:`);
  for (const file of lost) console.error(`  test/${file}`);
  process.exit(1);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((group) => !Object.hasOwn(GROUPS, group));
if (wanted.length === 0 || unknown.length > 0) {
  console.error(`usage: node scripts/test.mjs <${Object.keys(GROUPS).join(' | ')}> ...`);
  process.exit(2);
}

const { status } = spawnSync(
  process.execPath,
  [
    '--require',
    'tsx/cjs',
    '--test',
    `--test-concurrency=${Math.min(...wanted.map((group) => GROUPS[group]))}`,
    '--test-reporter=spec',
    ...files.filter((file) => wanted.includes(groupOf(file))).map((file) => join('test', file)),
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
process.exit(status ?? 1);
