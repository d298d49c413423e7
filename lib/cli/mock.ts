import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { mockOkta } from '../testing/mock-okta.js';
import type { MockOktaServer } from '../testing/types.js';
import { readUsers, type MockOktaUser } from '../testing/user.js';
import { UsageError } from './io.js';

/** What the program has of the outside. */
export interface MockIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends it. Default: SIGINT (Ctrl-C) and SIGTERM do. */
  readonly signal?: AbortSignal | undefined;
}

const HELP = `Usage: passport-okta-direct-mfa mock [options]

Serves a mock of Okta on 127.0.0.1, for an app's tests in a browser and for local development. It is
not Okta: it has invented people only, and no other machine can reach it.

Options:
  --port PORT                     default: 8082; 0 for a free one
  --client-id ID                  default: OKTA_CLIENT_ID, else mock-client
  --authorization-server ID       a custom authorization server, such as default; without it the org's own
  --user USERNAME:PASSWORD[:OTP]  somebody who can sign in; may be repeated. With a passcode they can also be
                                  sent pushes, texts, calls and mails; without, the password is enough
  --users FILE                    more of them: a JSON array of { "username", "password", "otp", "push", … }
  -h, --help                      this text

Without --user and --users there is one person, whose password and passcode are printed.
The address of a page with all phones and inboxes is printed too, and that of a control API for tests
(approve a push, read a code, fail the next request, move the clock), which lists what it has.
`;

/** Whoever has a phone. */
const PHONE = { push: true, sms: true, voice: true, inbox: true } as const;

const DEMO_USER: MockOktaUser & { otp: string } = {
  username: 'ada@example.com',
  password: 'correct horse',
  otp: '123456',
  name: 'Ada Lovelace',
  ...PHONE,
};

/**
 * `mock`: serves the mock until it is interrupted.
 *
 * @returns the exit status: 0 after an interrupt, 1 when it cannot listen, 2 when it was called wrongly
 */
export async function runMock(args: string[], io: MockIo): Promise<number> {
  try {
    const options = readArguments(args, io.env);
    if (options === undefined) {
      io.stdout.write(HELP);
      return 0;
    }
    const { port, ...mock } = options;
    const okta = await start(mock).listen({ port });
    // Before anything is printed: the reader of the output may interrupt at once.
    const ended = interruption(io.signal);
    io.stdout.write(describe(okta, mock.clientID));
    await ended;
    await okta.close();
    return 0;
  } catch (error) {
    const { message } = error as Error;
    const isUsage = error instanceof UsageError;
    io.stderr.write(`${message.replace(/^mockOkta: /, '')}\n`);
    if (isUsage) io.stderr.write('For help: passport-okta-direct-mfa mock --help\n');
    return isUsage ? 2 : 1;
  }
}

interface Arguments {
  port: number;
  clientID: string;
  issuer: string;
  users: MockOktaUser[];
}

/** @returns `undefined` when help was asked for */
function readArguments(args: string[], env: MockIo['env']): Arguments | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const { port = '8082', 'authorization-server': server } = values;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new UsageError(`--port must be a number from 0 to 65535, not ${port}`);
  }
  if (server !== undefined && !/^(?!v1$)[\w-]+$/.test(server)) {
    throw new UsageError('--authorization-server must be the ID of one, such as default');
  }
  const clientID = values['client-id'] ?? (env['OKTA_CLIENT_ID'] || 'mock-client');
  if (clientID.trim() === '') throw new UsageError('--client-id must not be empty');
  const users = [...(values.user ?? []).map(readUser), ...readFile(values.users)];
  return {
    port: Number(port),
    clientID,
    // The path alone matters.
    issuer: `http://127.0.0.1${server === undefined ? '' : `/oauth2/${server}`}`,
    users: users.length === 0 ? [DEMO_USER] : users,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string' },
        'client-id': { type: 'string' },
        'authorization-server': { type: 'string' },
        user: { type: 'string', multiple: true },
        users: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A password may have colons, if there is a passcode behind it. */
function readUser(text: string): MockOktaUser {
  const [, username, password, otp] = /^([^:]+):(.+?)(?::([^:]+))?$/s.exec(text) ?? [];
  if (username === undefined || password === undefined) {
    // Not repeated: what was meant for a password may be in it.
    throw new UsageError('--user must be username:password or username:password:otp');
  }
  return { username, password, ...(otp === undefined ? {} : { otp, ...PHONE }) };
}

function readFile(path: string | undefined): MockOktaUser[] {
  if (path === undefined) return [];
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`--users: ${path} cannot be read (${code})`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UsageError(`--users: ${path} is not JSON`);
  }
  return explained(`--users: ${path}: `, () => readUsers(json));
}

/** The mock itself checks what comes from several options. */
function start(options: Omit<Arguments, 'port'>) {
  return explained('--user and --users: ', () => mockOkta(options));
}

function explained<T>(prefix: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(prefix + message.replace(/^mockOkta: /, ''));
  }
}

function interruption(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal !== undefined) {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
      return;
    }
    // Once: a second Ctrl-C ends a program that does not end.
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

function describe({ issuer, url, users }: MockOktaServer, clientID: string): string {
  const demo = users.includes(DEMO_USER)
    ? [
        `  username: ${DEMO_USER.username}`,
        `  password: ${DEMO_USER.password}`,
        `  passcode: ${DEMO_USER.otp}`,
      ]
    : [`  who can sign in: ${users.map(({ username }) => username).join(', ')}`];
  return [
    'A mock of Okta is running. It is not Okta: it is for tests and development, on this machine only.',
    '',
    `issuer: ${issuer}`,
    `client id: ${clientID}`,
    '',
    ...demo,
    '',
    `  phones and inboxes: ${url}`,
    `  control API:        ${url}control/`,
    '',
    'The strategy needs allowInsecureIssuer: true. Ctrl-C stops the mock.',
    '',
  ].join('\n');
}
