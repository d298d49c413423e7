import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Result, Round } from './measure.js';

/** The Okta that all ask. It ends with this process, or when `end` is called. */
export async function startEndpoint(
  env: Record<string, string> = {},
): Promise<{ origin: string; end: () => void }> {
  const child = spawn(process.execPath, [join(__dirname, 'endpoint.js')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { origin } = JSON.parse(line) as { origin: string };
  return { origin, end: () => child.stdin.end() };
}

export interface Client {
  run(round: Round): Promise<Result>;
  end(): void;
}

/** A contestant in its own process, ready for rounds. */
export async function startClient(
  name: string,
  origin: string,
  { file = 'client.js', execArgv = [] as string[], env = {} } = {},
): Promise<Client> {
  const child: ChildProcess = fork(join(__dirname, file), [name, origin], {
    execArgv: ['--expose-gc', ...execArgv],
    env: { ...process.env, ...env },
  });
  const failed = new Promise<never>((_resolve, reject) =>
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`))),
  );
  failed.catch(() => undefined);
  await Promise.race([once(child, 'message'), failed]);
  return {
    async run(round) {
      child.send(round);
      const [result] = (await Promise.race([once(child, 'message'), failed])) as [Result];
      return result;
    },
    end: () => void child.kill(),
  };
}
