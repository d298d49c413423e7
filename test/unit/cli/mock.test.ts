import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Agent, request } from 'undici';
import { runMock } from '../../../lib/cli/mock.js';
import { startServer } from '../../support/servers.js';

/** Starts `mock` with these arguments. */
function start(args: string[], env: Record<string, string> = {}) {
  const output = { stdout: '', stderr: '' };
  const abort = new AbortController();
  let printed = (_: unknown) => {};
  const printing = new Promise<unknown>((resolve) => (printed = resolve));
  const status = runMock(args, {
    stdout: { write: (text) => printed((output.stdout += text)) },
    stderr: { write: (text) => (output.stderr += text) },
    env,
    signal: abort.signal,
  });
  return { output, abort, status, printing: Promise.race([printing, status]) };
}

/** The value on its own line, as a program would read it. */
const valueOf = (stdout: string, name: string) =>
  new RegExp(`^ *${name}: +(.+)$`, 'm').exec(stdout)?.[1] ?? '';

/** A mock that runs until the test ends. */
async function running(t: TestContext, args: string[], env: Record<string, string> = {}) {
  const { output, abort, status, printing } = start(['--port', '0', ...args], env);
  t.after(() => abort.abort());
  await printing;
  assert.equal(output.stderr, '');
  const read = (name: string) => valueOf(output.stdout, name);
  const issuer = read('issuer');
  const clientID = read('client id');
  const password = async (username: string, password: string) => {
    const { protocol, host, pathname } = new URL(issuer);
    const path = pathname === '/' ? '/oauth2' : pathname;
    const { body } = await request(`${protocol}//${host}${path}/v1/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: clientID,
        username,
        password,
      }).toString(),
    });
    const { error, id_token } = (await body.json()) as Record<string, string | undefined>;
    return error ?? (id_token === undefined ? 'nothing' : 'tokens');
  };
  const factorsOf = async (username: string) => {
    const { origin } = new URL(issuer);
    const { body } = await request(`${origin}/control/phone?username=${username}`);
    return ((await body.json()) as { factors: string[] }).factors;
  };
  return { output, abort, status, read, issuer, clientID, password, factorsOf };
}

function file(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mock-users-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'users.json');
  writeFileSync(path, text);
  return path;
}

describe('mock', () => {
  it('says where it listens and that it is not Okta, and ends with status 0', async (t) => {
    const { output, abort, status, read, issuer, clientID, password, factorsOf } = await running(
      t,
      [],
    );
    assert.match(issuer, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(clientID, 'mock-client');
    assert.match(output.stdout, /It is not Okta/);
    assert.equal(read('phones and inboxes'), `${issuer}/`);
    assert.equal((await request(`${issuer}/`)).statusCode, 200);
    assert.equal(await password(read('username'), read('password')), 'mfa_required');
    assert.deepEqual(await factorsOf(read('username')), ['otp', 'push', 'sms', 'voice', 'email']);
    abort.abort();
    assert.equal(await status, 0);
    await assert.rejects(request(issuer, { dispatcher: new Agent() }), { code: 'ECONNREFUSED' });
  });

  it('lets in who is named, and nobody else', async (t) => {
    const args = ['--user', 'ada@example.com:a:b:c:123456', '--user', 'bob@example.com:pw'];
    const users = file(
      t,
      JSON.stringify([{ username: 'eve', password: 'x', push: 'without-number' }]),
    );
    const { output, password, factorsOf, clientID, issuer } = await running(t, [
      ...[...args, '--users', users, '--client-id', '0oa1', '--authorization-server', 'default'],
    ]);
    assert.match(issuer, /\/oauth2\/default$/);
    assert.equal(clientID, '0oa1');
    assert.match(output.stdout, /who can sign in: ada@example\.com, bob@example\.com, eve$/m);
    assert.doesNotMatch(output.stdout, /a:b:c|123456|correct horse/);
    assert.equal(await password('ada@example.com', 'a:b:c'), 'mfa_required');
    assert.deepEqual(await factorsOf('ada@example.com'), ['otp', 'push', 'sms', 'voice', 'email']);
    assert.equal(await password('bob@example.com', 'pw'), 'tokens');
    assert.deepEqual(await factorsOf('eve'), ['push']);
  });

  it('takes the client id of the environment, unless that is empty', async (t) => {
    assert.equal((await running(t, [], { OKTA_CLIENT_ID: '0oa2' })).clientID, '0oa2');
    assert.equal((await running(t, [], { OKTA_CLIENT_ID: '' })).clientID, 'mock-client');
  });

  it('has a help text', async () => {
    for (const option of ['--help', '-h']) {
      const { status, output } = start([option, '--port', '0']);
      assert.equal(await status, 0);
      assert.match(output.stdout, /^Usage: passport-okta-direct-mfa mock/);
      for (const line of output.stdout.split('\n')) assert.ok(line.length <= 110, line);
    }
  });

  it('says what is wrong with how it was called, with status 2', async (t) => {
    for (const [args, message] of [
      [['--port', 'x'], '--port must be a number from 0 to 65535, not x'],
      [['--port', '65536'], '--port must be a number from 0 to 65535, not 65536'],
      [['--client-id', ''], '--client-id must not be empty'],
      [
        ['--authorization-server', 'v1'],
        '--authorization-server must be the ID of one, such as default',
      ],
      [
        ['--authorization-server', '../x'],
        '--authorization-server must be the ID of one, such as default',
      ],
      [['--user', 'ada'], '--user must be username:password or username:password:otp'],
      [['--user', ':pw'], '--user must be username:password or username:password:otp'],
      [
        ['--user', 'a:b', '--user', 'A:c'],
        '--user and --users: users[1] has the username of another user',
      ],
      [['--host', '0.0.0.0'], /^Unknown option '--host'/],
      [['--port'], /^Option '--port <value>' argument missing/],
      [['doctor'], /^Unexpected argument 'doctor'/],
      [['--users', '/no/such/file'], '--users: /no/such/file cannot be read (ENOENT)'],
      [['--users', file(t, '{')], /^--users: .*users\.json is not JSON$/],
      [['--users', file(t, '{}')], /^--users: .*users\.json: users must be an array$/],
      [
        ['--users', file(t, '[{"username":"a"}]')],
        /users\[0\]\.password must be a non-empty string$/,
      ],
    ] as const) {
      const { status, output } = start([...args]);
      assert.equal(await status, 2, args.join(' '));
      const [line = '', help] = output.stderr.split('\n');
      if (typeof message === 'string') assert.equal(line, message);
      else assert.match(line, message);
      assert.equal(help, 'For help: passport-okta-direct-mfa mock --help');
      assert.equal(output.stdout, '');
    }
  });

  it('says that a port is taken, with status 1 and no stack', async (t) => {
    const { port } = new URL((await startServer(t)).url);
    const { status, output } = start(['--port', port]);
    assert.equal(await status, 1);
    assert.equal(output.stderr, `port ${port} of 127.0.0.1 is taken\n`);
    assert.equal(output.stdout, '');
  });

  it('ends at once when it is interrupted before it listens', async () => {
    const { status, abort } = start(['--port', '0']);
    abort.abort();
    assert.equal(await status, 0);
  });
});
