import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';

describe('example/okta/main.ts', () => {
  it('prints issuers, clients and users and nothing else, and ends when told to', async () => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(__dirname, '../../../example/okta/main.ts')],
      { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      child.kill('SIGTERM');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(child, 'close')) as [number | null];

    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.match(stdout, /^issuer \(org server\): +http:\/\/127\.0\.0\.1:\d+$/m);
    assert.match(stdout, /^username: +alice@example\.com$/m);
    assert.match(stdout, /^client_id: +0oanative/m);
  });
});
