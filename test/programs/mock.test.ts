import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printed, runProgram } from '../support/program.js';

const SCRIPT =
  "void require('./lib/cli/mock.ts').runMock(process.argv.slice(1), process).then((status) => { process.exitCode = status; });";

const mock = (...args: string[]) =>
  runProgram(['--require', 'tsx/cjs', '-e', SCRIPT, '--', ...args]);

describe('mock as a program', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends by ${signal} with status 0, whatever is still waited for`, async () => {
      const program = mock('--port', '0');
      await program.until(/Ctrl-C stops the mock/);
      const issuer = printed(program.output.stdout, 'issuer');
      assert.equal(printed(program.output.stdout, 'client id'), 'mock-client');
      const failed = await fetch(`${issuer}/control/fail`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ failure: 'timeout', endpoint: 'keys' }),
      });
      assert.equal(failed.status, 200);
      const waiting = assert.rejects(fetch(`${issuer}/oauth2/v1/keys`));
      const reached = async () =>
        ((await (await fetch(`${issuer}/control/requests`)).json()) as unknown[]).length > 0;
      while (!(await reached()));
      const { code, stderr } = await program.stop(signal);
      assert.deepEqual([code, stderr], [0, '']);
      await waiting;
    });
  }
});
