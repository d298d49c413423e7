import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runProgram } from '../support/program.js';

describe('example/okta/main.ts', () => {
  it('prints issuers, clients and users and nothing else, and ends when told to', async () => {
    const program = runProgram(['--import', 'tsx', 'example/okta/main.ts']);
    await program.until(/./);
    const { code, stdout, stderr } = await program.stop('SIGTERM');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^issuer \(org server\): +http:\/\/127\.0\.0\.1:\d+$/m);
    assert.match(stdout, /^username: +alice@example\.com$/m);
    assert.match(stdout, /^client_id: +0oanative/m);
  });
});
