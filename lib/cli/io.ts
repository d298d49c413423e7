import type { Readable, Writable } from 'node:stream';

/** What a command reads and writes: `process`, or a test's own streams. */
export interface Io {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean };
  env: Readonly<Record<string, string | undefined>>;
}

/** The program is not usable as it was called: exit status 2. */
export class UsageError extends Error {}

/** The person has ended a dialogue, by Ctrl-C or by closing the input. */
export class Interrupted extends Error {}
