import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as doctor from './doctor/index.js';
import { Interrupted, UsageError, type Io } from './io.js';
import type * as mock from './mock.js';

type Command = (args: string[], io: Io) => Promise<number>;

/** Loaded when they are called: neither needs what the other loads. */
/* eslint-disable @typescript-eslint/no-require-imports -- import() would bypass the loaders of CommonJS */
const COMMANDS: Readonly<Record<string, () => Command>> = {
  doctor: () => (require('./doctor/index.js') as typeof doctor).runDoctor,
  mock: () => (require('./mock.js') as typeof mock).runMock,
};
/* eslint-enable @typescript-eslint/no-require-imports */

const HELP = `Usage: passport-okta-direct-mfa <command> [options]

Commands:
  doctor   checks an app's set-up at Okta, and tries a sign-in with --sign-in
  mock     serves a mock of Okta on 127.0.0.1, for an app's tests and for development

Options:
  --help     this text, or that of a command
  --version  the version of the package
`;

/**
 * The program.
 * @returns the exit status: 0 all well, 1 something to fix, unknown or failed, 2 not usable as called
 */
export async function run([name, ...args]: string[], io: Io): Promise<number> {
  if (name === '--help' || name === '-h') {
    io.stdout.write(HELP);
    return 0;
  }
  if (name === '--version' || name === '-v') {
    io.stdout.write(`${readVersion()}\n`);
    return 0;
  }
  const load = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    io.stderr.write(`${name === undefined ? '' : `There is no command ${name}.\n\n`}${HELP}`);
    return 2;
  }
  try {
    return await load()(args, io);
  } catch (error) {
    io.stderr.write(`${error instanceof Error ? error.message : 'failed'}\n`);
    if (error instanceof Interrupted || !(error instanceof UsageError)) return 1;
    io.stderr.write(`For help: passport-okta-direct-mfa ${name} --help\n`);
    return 2;
  }
}

export function readVersion(): string {
  const manifest = readFileSync(join(__dirname, '../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
