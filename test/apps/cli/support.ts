import { PassThrough } from 'node:stream';
import type { Check } from '../../../lib/cli/doctor/check.js';
import { run } from '../../../lib/cli/run.js';

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  env?: Record<string, string>;
  /** Called with each question; what it gives is typed. Nothing: the input ends. */
  answer?: (question: string, output: string) => string | undefined;
  /** Whether the input is a terminal, which echoes what is typed. Default: a pipe. */
  isTerminal?: boolean;
}

/** The end of what is printed, when something is asked. */
const QUESTION = /(?:^|\n)([A-Z][^\n]*(?:: |\? \([^)]*\) ))$/;

/** The program in this process, with streams of its own and no environment but this. */
export async function program(
  args: readonly string[],
  { env = {}, answer, isTerminal = false }: ProgramOptions = {},
): Promise<Outcome> {
  const stdin = Object.assign(new PassThrough(), { isTTY: isTerminal, setRawMode: () => stdin });
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const output = { stdout: '', stderr: '' };
  let asked = 0;
  let failure: unknown;
  for (const [name, stream] of Object.entries({ stdout, stderr })) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output[name as 'stdout' | 'stderr'] += chunk;
      const text = withoutEscapes(output.stdout + output.stderr);
      const question = QUESTION.exec(text.slice(asked))?.[1];
      if (question === undefined || answer === undefined) return;
      asked = text.length;
      let typed: string | undefined;
      try {
        typed = answer(question, text);
      } catch (error) {
        failure ??= error;
      }
      if (typed === undefined) stdin.end();
      else stdin.write(`${typed}\n`);
    });
  }
  if (answer === undefined) stdin.end();
  const status = await run([...args], { stdin, stdout, stderr, env });
  // What is written last is read a turn later.
  await new Promise((resolve) => setImmediate(resolve));
  if (failure !== undefined) throw failure as Error;
  return { status, ...output };
}

/** What steers a terminal. */
export function withoutEscapes(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}

export interface Diagnosis {
  ok: boolean;
  checks: Check[];
}

/** `doctor --json`, and what it says about what is not good. */
export async function diagnose(
  args: readonly string[],
  options?: ProgramOptions,
): Promise<Outcome & Diagnosis & { bad: Check[] }> {
  const outcome = await program(['doctor', '--json', ...args], options);
  const { ok, checks } = JSON.parse(outcome.stdout) as Diagnosis;
  const bad = checks.filter(({ status }) => status === 'fix' || status === 'unknown');
  return { ...outcome, ok, checks, bad };
}
