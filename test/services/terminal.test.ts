import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { startOkta } from '../../example/okta/index.js';
import { root, withoutCoverage } from '../apps/program.js';

/** A pseudo-terminal, which only a program of the system can make: `script` of util-linux. */
describe('doctor --sign-in in a terminal', () => {
  it('shows no password, and ends by itself', async (t) => {
    const okta = await startOkta();
    t.after(() => okta.close());
    const user = okta.addUser();
    const command = `${process.execPath} --require tsx/cjs lib/cli/main.ts doctor --sign-in --allow-insecure-issuer`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: root,
      env: {
        ...withoutCoverage(),
        OKTA_ISSUER: okta.issuers.org,
        OKTA_CLIENT_ID: okta.clients.native.client_id,
        NO_COLOR: '1',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const answers: [string, () => string][] = [
      ['Username: ', () => user.username],
      ['Password: ', () => user.password],
      ['Second factor (1 otp): ', () => '1'],
      ['Passcode of the authenticator: ', () => okta.otp(user)],
    ];
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const [question, answer] = answers[0] ?? [];
      if (question === undefined || !output.includes(question)) return;
      answers.shift();
      child.stdin.write(`${answer?.()}\r`);
    });
    const [status] = (await once(child, 'close')) as [number];
    assert.equal(status, 0, output);
    assert.match(output, /Signed in\./);
    assert.ok(output.includes(user.username), 'what is no secret is shown');
    assert.ok(!output.includes(user.password), 'the password is shown');
  });
});
