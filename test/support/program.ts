import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const root = join(__dirname, '..', '..');

/** c8 would have every child process write its own report. */
export function withoutCoverage(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_V8')),
  );
}

/** Runs a program of example/ as a person would, with only these variables set for it. */
export function runProgram(args: string[], env: Record<string, string> = {}) {
  const inherited = Object.entries(withoutCoverage()).filter(
    ([name]) =>
      !/^(OKTA_|PORT$|HOST$|NODE_ENV$|SESSION_|TRUST_PROXY$|REDIS_URL$|(NO|FORCE)_COLOR$)/.test(
        name,
      ),
  );
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...Object.fromEntries(inherited), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk));
  const ended = once(child, 'close').then(([code]: (number | null)[]) => ({ code, ...output }));

  return {
    output,
    ended,
    stop: (signal: NodeJS.Signals = 'SIGINT') => {
      child.kill(signal);
      return ended;
    },
    /** Resolves with what it has printed once this is there, or rejects when it ends without. */
    async until(line: RegExp): Promise<RegExpExecArray> {
      const printed = new Promise<void>((resolve) => {
        const check = () => void (line.test(output.stdout) && resolve());
        child.stdout.on('data', check);
        check();
      });
      await Promise.race([printed, ended]);
      const found = line.exec(output.stdout);
      assert.ok(found, `It did not start: ${output.stdout}${output.stderr}`);
      return found;
    },
  };
}

/** The value on its own line, as in "username: alice@example.com". */
export function printed(stdout: string, name: string): string {
  const value = new RegExp(`^ *${name}: +(\\S+)$`, 'm').exec(stdout)?.[1];
  assert.ok(value, `no line "${name}:" in ${stdout}`);
  return value;
}
