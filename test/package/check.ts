/**
 * Packs the package as `npm publish` would, outside the repository, and checks what a user gets:
 * `npm run test:package`. Needs the npm registry, for the TypeScript versions and types of the users.
 * The directory is kept with `KEEP=1`.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { execute, install, pack, ROOT } from './pack.js';

/**
 * Of the code, two fifths of which are the program and the mock of Okta, which no app loads; and of the
 * documents with their pictures.
 */
const MAX_CODE_BYTES = 650_000;
const MAX_DOCS_BYTES = 900_000;
const DOCUMENTS = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md'];

/** The README's table gives the reason for each. */
const DEPENDENCIES = ['jsonwebtoken', 'passport-strategy', 'undici'];
const PEER_DEPENDENCIES = ['passport'];

/** Types that the public API uses, and that no app has to name. */
const NOT_EXPORTED = ['BaseStrategy', 'Bivariant'];

const TYPESCRIPT = { 5: '5.9.3', 6: '6.0.3', 7: '7.0.2' };
/** TypeScript 7 has no node10 (TS5108); 6 needs `ignoreDeprecations` for it (TS5107). */
const RESOLUTIONS = {
  node10: { module: 'commonjs', versions: [5, 6] },
  node16: { module: 'node16', versions: [5, 7] },
  bundler: { module: 'esnext', versions: [5, 7] },
} as const;
type Version = keyof typeof TYPESCRIPT;

/** What the users have installed; `express` is installed on top of `bare`. */
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

/** Resolves to what the task did, or to `undefined` if it failed. */
async function must<T>(what: string, todo: string, task: () => Promise<T>): Promise<T | undefined> {
  const started = performance.now();
  let failed = false;
  try {
    return await task();
  } catch (error) {
    failed = true;
    const { message } = error as Error;
    fail(`${what}\n${message.replaceAll(/^/gm, '    ')}`, todo);
    return undefined;
  } finally {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`${failed ? '✖' : '✔'} ${what} (${seconds} s)\n`);
  }
}

/** One of the repository's own development tools. */
function tool(name: string, args: string[], cwd: string): Promise<string> {
  return execute(join(ROOT, 'node_modules/.bin', name), args, cwd);
}

function checkFiles(packed: string): void {
  const found = readdirSync(packed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(packed.length + 1));
  const sources = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `dist/${name.slice(0, -'.ts'.length)}`);
  const documents = readdirSync(join(ROOT, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
  const expected = new Set([
    ...DOCUMENTS,
    ...documents,
    'package.json',
    ...sources.flatMap((name) => [`${name}.js`, `${name}.d.ts`]),
  ]);
  failForEach(
    found.filter((name) => !expected.has(name)),
    'is in the tarball',
    'Nobody who installs the package needs it: take it out of "files" in package.json or out of lib/, or allow for it in test/package/check.ts.',
  );
  failForEach(
    [...expected].filter((name) => !found.includes(name)),
    'is not in the tarball',
    'Check "files" in package.json and tsconfig.build.json.',
  );
  failForEach(
    found.filter((name) => /\.(js|d\.ts)$/.test(name) && !isSourceMapSound(packed, name)),
    'names a source map that leads to no shipped source',
    'Set "sourceMap" and "declarationMap" to false in tsconfig.build.json, or ship lib/ too.',
  );
  const bytesOf = (names: string[]) =>
    names.reduce((sum, name) => sum + readFileSync(join(packed, name)).length, 0);
  const isDocument = (name: string) => DOCUMENTS.includes(name) || name.startsWith('docs/');
  for (const [what, names, allowed] of [
    ['code', found.filter((name) => !isDocument(name)), MAX_CODE_BYTES],
    ['documents', found.filter(isDocument), MAX_DOCS_BYTES],
  ] as const) {
    const bytes = bytesOf(names);
    process.stdout.write(`  ${what}: ${names.length} files, ${Math.round(bytes / 1000)} kB\n`);
    if (bytes < allowed) continue;
    fail(
      `The ${what} of the package are ${bytes} bytes, ${allowed} are allowed`,
      'Find what has grown: npm pack --dry-run lists the sizes.',
    );
  }
  // What a registry and an editor show: a link that leads out of the package leads nowhere.
  const readme = readFileSync(join(packed, 'README.md'), 'utf8');
  const linked = [...readme.matchAll(/(?:\]\(|src=")(?!\w+:)([^)#"\s]+)/g)].map(
    ([, to]) => to ?? '',
  );
  failForEach(
    linked.filter((to) => !existsSync(join(packed, to))),
    'is linked by the README and not in the tarball',
    'Ship it ("files" in package.json), or do not link to it.',
  );
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
      'A dependency that an app has to trust is a decision: it belongs in the table of the README, then in test/package/check.ts. What only tests need is a devDependency.',
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
    // TypeScript's own lib.*.d.ts only: they take a while, and do not depend on this package.
    skipDefaultLibCheck: true,
    noEmit: true,
  };
  const jobs: (() => Promise<unknown>)[] = [];
  for (const [moduleResolution, { module, versions }] of Object.entries(RESOLUTIONS)) {
    for (const version of versions as readonly Version[]) {
      // node16 distinguishes CommonJS from ES modules, so both are compiled.
      const files = sources.flatMap((name) => {
        const names = [`${name}.ts`, ...(moduleResolution === 'node16' ? [`${name}.mts`] : [])];
        for (const copy of names) cpSync(join(__dirname, `${name}.ts`), join(app, copy));
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
          'Fix the types in lib/, or test/package/ if the public API is meant to change. KEEP=1 keeps the directory.',
          () => execute(process.execPath, args, app),
        ),
      );
    }
  }
  await inParallel(jobs);
}

/** Two at a time. */
async function inParallel(jobs: (() => Promise<unknown>)[]): Promise<void> {
  const waiting = [...jobs];
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  await Promise.all([lane(), lane()]);
}

async function installInto(app: string, ...packages: string[]): Promise<boolean> {
  const names = packages.map((name) => (isAbsolute(name) ? basename(name) : name)).join(' ');
  const done = await must(`npm install ${names}`, 'Is the npm registry within reach?', () =>
    install(app, '--ignore-scripts', ...packages),
  );
  return done !== undefined;
}

async function check(directory: string): Promise<void> {
  const made = await must('npm pack', 'npm run build has to succeed first.', () => pack(directory));
  if (made === undefined) return;
  const { tarball, staged } = made;
  await execute('tar', ['-xzf', tarball, '-C', directory], directory);
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
    installInto(app, tarball, 'passport@0.7.0', ...USERS.bare, ...compilers),
    checkTarball(tarball, directory).then(() => checkApi(manifest, staged)),
  ]);
  if (!installed) return;

  for (const script of ['import.mjs', 'require.cjs']) {
    cpSync(join(__dirname, script), join(app, script));
    await must(`node ${script}`, `Check test/package/${script} and "exports".`, () =>
      execute(process.execPath, [script], app),
    );
  }
  await compile('bare', ['bare'], app);
  if (await installInto(app, ...USERS.express)) await compile('express', ['bare', 'express'], app);
}

async function checkTarball(tarball: string, directory: string): Promise<void> {
  await must('publint --strict', 'Each complaint links to its explanation.', () =>
    tool('publint', ['run', tarball, '--strict'], directory),
  );
  await must('attw', 'Check "exports" and "typesVersions" in package.json.', () =>
    tool('attw', [tarball, '--no-emoji', '--format', 'table-flipped'], directory),
  );
}

/** The public API is as reported in etc/, and no declaration of it names a type that is not exported. */
async function checkApi({ name }: Manifest, staged: string): Promise<void> {
  for (const entry of ['', '.testing']) {
    const report = `etc/${name}${entry}.api.md`;
    await must(
      `API report ${report}`,
      'What is undocumented needs a docstring. If the public API is meant to change: npm run api, and commit etc/ with the change.',
      () =>
        tool(
          'api-extractor',
          ['run', '--print-api-report-diff', '-c', `etc/api-extractor${entry}.json`],
          staged,
        ),
    );
    const forgotten = [
      ...readFileSync(join(staged, report), 'utf8').matchAll(/ae-forgotten-export\) .*?"(\w+)"/g),
    ].map(([, type = '']) => type);
    failForEach(
      forgotten.filter((type) => !NOT_EXPORTED.includes(type)),
      `is used in ${report} and not exported`,
      'Export it, or allow for it in test/package/check.ts.',
    );
  }
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
