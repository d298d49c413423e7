/**
 * Packs the package as `npm publish` would, outside the repository, and checks what a user gets:
 * `npm run check:package`. Needs the npm registry, for the TypeScript versions and types of the users.
 * The directory is kept with `KEEP=1`.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(__dirname, '..');
const CONSUMERS = join(ROOT, 'test/package');
const MAX_UNPACKED_BYTES = 250_000;

/** Every one is a line of reasoning in the README's table. */
const DEPENDENCIES = ['jsonwebtoken', 'passport-strategy', 'undici'];
const PEER_DEPENDENCIES = ['passport'];

const TYPESCRIPT = { 5: '5.9.3', 6: '6.0.3', 7: '7.0.2' };
/** TypeScript 7 has no node10 (TS5108); 6 wants to be told that this is known (TS5107). */
const RESOLUTIONS = {
  node10: { module: 'commonjs', versions: [5, 6] },
  node16: { module: 'node16', versions: [5, 7] },
  bundler: { module: 'esnext', versions: [5, 7] },
} as const;
type Version = keyof typeof TYPESCRIPT;

/** What the users have installed, one after the other in one directory. */
const USERS = {
  bare: ['@types/node@20.19.43'],
  express: [
    '@types/node@26.6.6',
    '@types/express@5.0.6',
    '@types/express-session@1.19.0',
    '@types/passport@1.0.17',
  ],
};

interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  bundleDependencies?: unknown;
}

const failures: string[] = [];
function fail(what: string, todo: string): void {
  failures.push(`${what}\n  → ${todo}`);
}

/** One complaint for all of a kind. */
function failForEach(names: string[], complaint: string, todo: string): void {
  if (names.length > 0) fail(names.map((name) => `${name} ${complaint}`).join('\n  '), todo);
}

interface Run {
  failed: boolean;
  output: string;
}

async function run(command: string, args: string[], cwd: string): Promise<Run> {
  const path = `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH']}`;
  // What `npm run` has told this process is not for the npm that it starts.
  const own = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name),
  );
  const env = { ...Object.fromEntries(own), PATH: path, NO_COLOR: '1', FORCE_COLOR: '0' };
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, {
      cwd,
      env,
      maxBuffer: 2 ** 25,
    });
    return { failed: false, output: stdout + stderr };
  } catch (error) {
    const {
      stdout = '',
      stderr = '',
      message,
    } = error as Partial<Run> & { stdout?: string; stderr?: string; message: string };
    return { failed: true, output: (stdout + stderr).trim() || message };
  }
}

async function must(what: string, todo: string, ...[command, args, cwd]: Parameters<typeof run>) {
  const started = performance.now();
  const { failed, output } = await run(command, args, cwd);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${failed ? '✖' : '✔'} ${what} (${seconds} s)\n`);
  if (failed) fail(`${what}\n${output.replaceAll(/^/gm, '    ')}`, todo);
  return { failed, output };
}

/** A clean checkout, as far as building and packing need one: nothing is left over in its dist/. */
function stage(directory: string): void {
  mkdirSync(directory);
  const { files = [] } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    files?: string[];
  };
  const built = new Set(['dist']);
  const wanted = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'lib', 'etc'];
  const alwaysPacked = readdirSync(ROOT).filter((name) => /^(readme|licen[cs]e)/i.test(name));
  for (const name of new Set([...wanted, ...alwaysPacked, ...files])) {
    if (!built.has(name)) cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
}

function checkFiles(packed: string): void {
  const found = readdirSync(packed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(packed.length + 1));
  const sources = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `dist/${name.slice(0, -'.ts'.length)}`);
  const expected = new Set([
    'LICENSE',
    'README.md',
    'package.json',
    ...sources.flatMap((name) => [`${name}.js`, `${name}.d.ts`]),
  ]);
  failForEach(
    found.filter((name) => !expected.has(name)),
    'is in the tarball',
    'Nobody who installs the package needs it: take it out of "files" in package.json or out of lib/, or allow for it in scripts/check-package.ts.',
  );
  failForEach(
    [...expected].filter((name) => !found.includes(name)),
    'is not in the tarball',
    'Look at "files" in package.json and at tsconfig.build.json.',
  );
  failForEach(
    found.filter((name) => /\.(js|d\.ts)$/.test(name) && !isSourceMapSound(packed, name)),
    'names a source map that leads to no shipped source',
    'Set "sourceMap" and "declarationMap" to false in tsconfig.build.json, or ship lib/ too.',
  );
  const bytes = found.reduce((sum, name) => sum + readFileSync(join(packed, name)).length, 0);
  process.stdout.write(`  ${found.length} files, ${Math.round(bytes / 1000)} kB unpacked\n`);
  if (bytes >= MAX_UNPACKED_BYTES) {
    fail(
      `The package has ${bytes} bytes unpacked, ${MAX_UNPACKED_BYTES} are allowed`,
      'Find what has grown: npm pack --dry-run lists the sizes.',
    );
  }
}

/** A map that leads nowhere makes debuggers and bundlers warn. */
function isSourceMapSound(packed: string, name: string): boolean {
  const text = readFileSync(join(packed, name), 'utf8');
  const [, url] = /^\/\/# sourceMappingURL=(.+)$/m.exec(text) ?? [];
  if (url === undefined) return true;
  const map = join(packed, dirname(name), url);
  if (!existsSync(map)) return false;
  const { sources, sourcesContent } = JSON.parse(readFileSync(map, 'utf8')) as {
    sources: string[];
    sourcesContent?: string[];
  };
  return (
    sourcesContent !== undefined ||
    sources.every((source) => existsSync(resolve(dirname(map), source)))
  );
}

function checkDependencies(manifest: Manifest): void {
  const { dependencies, peerDependencies, optionalDependencies, bundleDependencies } = manifest;
  const check = (field: string, given: object | undefined, allowed: string[]) => {
    const names = Object.keys(given ?? {}).sort();
    if (names.join() === allowed.join()) return;
    fail(
      `package.json has the ${field} ${names.join(', ') || '(none)'}, and not ${allowed.join(', ') || '(none)'}`,
      'A dependency that an app has to trust is a decision: it belongs into the table of the README, then into scripts/check-package.ts. What only tests need is a devDependency.',
    );
  };
  check('dependencies', dependencies, DEPENDENCIES);
  check('peerDependencies', peerDependencies, PEER_DEPENDENCIES);
  check('optionalDependencies', optionalDependencies, []);
  if (bundleDependencies !== undefined)
    fail('package.json bundles dependencies', 'Take bundleDependencies out.');
}

/** Compiles the sources with every TypeScript in every resolution, strictly, and with all libraries. */
async function compile(user: string, sources: string[], app: string): Promise<void> {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023'],
    esModuleInterop: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    skipLibCheck: false,
    // Only TypeScript's own lib.*.d.ts, which are no business of this package, and take a while.
    skipDefaultLibCheck: true,
    noEmit: true,
  };
  const jobs: (() => Promise<unknown>)[] = [];
  for (const [moduleResolution, { module, versions }] of Object.entries(RESOLUTIONS)) {
    for (const version of versions as readonly Version[]) {
      // node16 tells CommonJS from ES modules, so it compiles both.
      const files = sources.flatMap((name) => {
        const names = [`${name}.ts`, ...(moduleResolution === 'node16' ? [`${name}.mts`] : [])];
        for (const copy of names) cpSync(join(CONSUMERS, `${name}.ts`), join(app, copy));
        return names;
      });
      const project = `tsconfig.${user}.${moduleResolution}.${version}.json`;
      const silenced =
        version === 6 && moduleResolution === 'node10' ? { ignoreDeprecations: '6.0' } : {};
      writeFileSync(
        join(app, project),
        JSON.stringify({
          compilerOptions: { ...compilerOptions, module, moduleResolution, ...silenced },
          files,
        }),
      );
      const args = [`node_modules/typescript-${version}/bin/tsc`, '-p', project];
      jobs.push(() =>
        must(
          `TypeScript ${TYPESCRIPT[version]}, ${moduleResolution}, ${user}`,
          'Mend the types in lib/ (or test/package/, if the public API has changed on purpose). KEEP=1 keeps the directory.',
          process.execPath,
          args,
          app,
        ),
      );
    }
  }
  await inParallel(jobs);
}

async function inParallel(jobs: (() => Promise<unknown>)[], lanes = 2): Promise<void> {
  const waiting = [...jobs];
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function install(app: string, ...packages: string[]): Promise<boolean> {
  const { failed } = await must(
    `npm install ${packages.map((name) => name.split('/').slice(-2).join('/')).join(' ')}`,
    'Is the npm registry within reach?',
    'npm',
    [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      '--ignore-scripts',
      '--loglevel=error',
      ...packages,
    ],
    app,
  );
  return !failed;
}

async function check(directory: string): Promise<void> {
  const staged = join(directory, 'stage');
  stage(staged);
  const pack = await must(
    'npm pack',
    'npm run build has to succeed first.',
    'npm',
    ['pack', '--silent', '--pack-destination', directory],
    staged,
  );
  if (pack.failed) return;
  const tarball = join(
    directory,
    readdirSync(directory).find((name) => name.endsWith('.tgz')) ?? '',
  );
  const unpacked = await run('tar', ['-xzf', tarball, '-C', directory], directory);
  if (unpacked.failed) return fail(unpacked.output, 'tar has to be installed.');
  const packed = join(directory, 'package');
  const manifest = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as Manifest;
  checkFiles(packed);
  checkDependencies(manifest);

  const app = join(directory, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'commonjs' }));
  const compilers = Object.entries(TYPESCRIPT).map(
    ([major, version]) => `typescript-${major}@npm:typescript@${version}`,
  );
  const [installed] = await Promise.all([
    install(app, tarball, 'passport@0.7.0', ...USERS.bare, ...compilers),
    inParallel(
      [
        () =>
          must(
            'publint --strict',
            'Each complaint links to its explanation.',
            'publint',
            ['run', tarball, '--strict'],
            directory,
          ),
        () =>
          must(
            'attw',
            'Look at "exports" and "typesVersions" in package.json.',
            'attw',
            [tarball, '--no-emoji', '--format', 'table-flipped'],
            directory,
          ),
        ...['', '.testing'].map(
          (entry) => () =>
            must(
              `API report etc/${manifest.name}${entry}.api.md`,
              'The public API has changed. If that is wanted: npm run api, and commit etc/ with the change.',
              'api-extractor',
              ['run', '--print-api-report-diff', '-c', `etc/api-extractor${entry}.json`],
              staged,
            ),
        ),
      ],
      1,
    ),
  ]);
  if (!installed) return;

  for (const script of ['import.mjs', 'require.cjs']) {
    cpSync(join(CONSUMERS, script), join(app, script));
    await must(
      `node ${script}`,
      `Look at test/package/${script} and at "exports".`,
      process.execPath,
      [script],
      app,
    );
  }
  await compile('bare', ['bare'], app);
  if (await install(app, ...USERS.express)) await compile('express', ['bare', 'express'], app);
}

async function main(): Promise<void> {
  const started = performance.now();
  const directory = mkdtempSync(join(tmpdir(), 'check-package-'));
  try {
    await check(directory);
  } finally {
    if (process.env['KEEP'] === undefined) rmSync(directory, { recursive: true, force: true });
    else process.stdout.write(`Kept ${directory}\n`);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  if (failures.length === 0) {
    process.stdout.write(`\nThe package is fit to be published (${seconds} s)\n`);
    return;
  }
  process.stdout.write(`\n${failures.map((failure) => `✖ ${failure}`).join('\n\n')}\n`);
  process.stdout.write(`\n${failures.length} of the package checks failed (${seconds} s)\n`);
  process.exitCode = 1;
}

void main();
