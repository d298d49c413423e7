/**
 * Runs the tests of one group or more: `node scripts/test.mjs unit login`. A group is a folder of
 * test/, with all `*.test.ts` below it, and the script `test:<group>` of package.json. Refuses to run
 * while a test file belongs to no group, a group has no script, or a group that was asked for is empty,
 * so that no test is silently left out. (Node 20 expands no globs, and a shell's differ.)
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** How many processes run at once. Browsers and services share a machine badly. */
const GROUPS = { unit: 3, login: 3, apps: 3, property: 3, programs: 2, browser: 1, services: 1 };

const files = readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
  .map((entry) => join(entry.parentPath, entry.name).slice(join(ROOT, 'test').length + 1))
  .sort();
const groupOf = (file) => file.split(sep)[0];

const lost = files.filter((file) => !Object.hasOwn(GROUPS, groupOf(file)));
if (lost.length > 0) {
  fail(`These tests are in no group (${Object.keys(GROUPS).join(', ')}) and never run:`, lost);
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const unscripted = Object.keys(GROUPS).filter((group) => !scripts[`test:${group}`]);
if (unscripted.length > 0) fail('These groups have no script test:<group>:', unscripted);

const wanted = process.argv.slice(2);
if (wanted.length === 0 || wanted.some((group) => !Object.hasOwn(GROUPS, group))) {
  fail(`usage: node scripts/test.mjs <${Object.keys(GROUPS).join(' | ')}> ...`);
}
const empty = wanted.filter((group) => !files.some((file) => groupOf(file) === group));
if (empty.length > 0) fail('These groups have no tests:', empty);

/** The unit tests are run as `compile-unit.mjs` has compiled them, all others by tsx. */
function toRun(file) {
  return groupOf(file) === 'unit'
    ? join(ROOT, '.tmp', 'unit', 'test', file.replace(/\.ts$/, '.js'))
    : join(ROOT, 'test', file);
}

/**
 * Deals the files out to a few processes: most of the time of a small file is Node loading Express, the
 * OpenID provider and the rest. Each file is a suite of its own, so that its hooks hold for itself only.
 */
function batches(files, count) {
  const folder = join(ROOT, '.tmp', 'batches');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: Math.min(count, files.length) }, (_, index) => {
    const path = join(folder, `${wanted.join('-')}-${index + 1}.cjs`);
    const suites = files
      .filter((_, place) => place % count === index)
      .map(
        (file) =>
          `describe(${JSON.stringify(file)}, () => void require(${JSON.stringify(toRun(file))}));`,
      );
    writeFileSync(path, ["const { describe } = require('node:test');", ...suites, ''].join('\n'));
    return path;
  });
}

const atOnce = Math.min(...wanted.map((group) => GROUPS[group]));
const { status } = spawnSync(
  process.execPath,
  [
    ...(wanted.every((group) => group === 'unit')
      ? ['--enable-source-maps']
      : ['--require', 'tsx/cjs']),
    '--test',
    `--test-concurrency=${atOnce}`,
    '--test-reporter=spec',
    ...batches(
      files.filter((file) => wanted.includes(groupOf(file))),
      3 * atOnce,
    ),
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
process.exit(status ?? 1);

function fail(message, items = []) {
  console.error([message, ...items].join('\n  '));
  process.exit(1);
}
