import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = resolve(__dirname, '../..');

/** The tarball that `npm publish` would send, and the directory in which it was built. */
export async function pack(directory: string): Promise<{ tarball: string; staged: string }> {
  const staged = join(directory, 'stage');
  stage(staged);
  await execute('npm', ['pack', '--silent', '--pack-destination', directory], staged);
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${directory}`);
  return { tarball: join(directory, tarball), staged };
}

/**
 * A clean checkout, as far as building and packing need one: nothing is left over in its dist/, and
 * the one in the repository stays as it is.
 */
function stage(directory: string): void {
  mkdirSync(directory);
  const { files = [] } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    files?: string[];
  };
  const wanted = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'lib', 'etc'];
  const alwaysPacked = readdirSync(ROOT).filter((name) => /^(readme|licen[cs]e)/i.test(name));
  for (const name of new Set([...wanted, ...alwaysPacked, ...files])) {
    if (name !== 'dist') cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
}

/** Runs `npm install` with these arguments. */
export function install(directory: string, ...args: string[]): Promise<string> {
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  return execute('npm', ['install', ...flags, ...args], directory);
}

/** Resolves to all that the command printed; rejects with it if the command fails. */
export async function execute(
  command: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv = environment(),
): Promise<string> {
  try {
    const options = { cwd, env, maxBuffer: 2 ** 25 };
    const { stdout, stderr } = await promisify(execFile)(command, args, options);
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & Record<string, string>;
    throw new Error((stdout + stderr).trim() || message, { cause: error });
  }
}

/** Without what `npm run`, tsx and a coverage run have set for this process. */
export function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle|config_local_prefix)|NODE_(?!EXTRA_CA_CERTS)|TSX|OKTA_)/.test(
        name,
      ),
  );
  return { ...Object.fromEntries(inherited), NO_COLOR: '1', FORCE_COLOR: '0' };
}
