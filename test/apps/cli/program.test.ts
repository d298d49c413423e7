import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import manifest from '../../../package.json';
import { runProgram } from '../../support/program.js';
import { diagnose, program } from './support.js';

const ISSUER = '--issuer=https://acme.okta.com';
const CLIENT = '--client-id=0oaclient';

describe('the program', () => {
  it('prints its help and its version on standard output', async () => {
    for (const args of [['--help'], ['-h'], ['doctor', '--help'], ['doctor', '-h']]) {
      const { status, stdout, stderr } = await program(args);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, args.join(' '));
      assert.match(stdout, /^Usage: passport-okta-direct-mfa /);
    }
    assert.deepEqual(await program(['--version']), {
      status: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    });
  });

  it('says in its help every option, variable and exit status', async () => {
    const { stdout } = await program(['doctor', '--help']);
    const named =
      '--issuer --client-id --scope --factors --client-authentication --timeout --allow-insecure-issuer --json --sign-in --report OKTA_ISSUER OKTA_CLIENT_ID OKTA_SCOPE OKTA_FACTORS OKTA_CLIENT_SECRET OKTA_PRIVATE_KEY_FILE OKTA_KEY_ID HTTPS_PROXY NO_PROXY';
    for (const name of named.split(' ')) assert.ok(stdout.includes(name), name);
    assert.match(stdout, /Exit status: 0 .*; 1 .*; 2 /);
  });

  it('runs as a program of its own', async () => {
    const { code, stdout, stderr } = await runProgram(
      ['--require', 'tsx/cjs', 'lib/cli/main.ts', 'doctor', '--issuer=ftp://acme.okta.com', CLIENT],
      {},
    ).ended;
    assert.deepEqual({ code, stderr }, { code: 2, stderr: '' });
    assert.match(stdout, /^fix {6}issuer {10}The issuer .* must begin with https/m);
  });

  describe('called in a way that cannot work', () => {
    let directory: string;
    before(() => {
      directory = mkdtempSync(join(tmpdir(), 'program-'));
      writeFileSync(join(directory, 'bad.json'), '{"d": "private-part"');
      writeFileSync(join(directory, 'bad.pem'), 'private-part');
    });
    after(() => rmSync(directory, { recursive: true }));

    const cases: [string, string[], RegExp, Record<string, string>?][] = [
      ['no command', [], /^Usage/],
      ['an unknown command', ['docter'], /^There is no command docter\.\n\nUsage/],
      ['the name of a member of objects', ['constructor'], /^There is no command constructor/],
      ['an unknown option', ['doctor', '--isuer=x'], /isuer/],
      ['a positional argument', ['doctor', 'https://acme.okta.com'], /acme/],
      ['no issuer', ['doctor', CLIENT], /--issuer or set OKTA_ISSUER/],
      ['an empty issuer', ['doctor', CLIENT], /OKTA_ISSUER/, { OKTA_ISSUER: '' }],
      ['no client ID', ['doctor', ISSUER], /--client-id or set OKTA_CLIENT_ID/],
      [
        'an unknown factor',
        ['doctor', ISSUER, CLIENT, '--factors=otp,fax'],
        /^The factors \(--factors or OKTA_FACTORS\) must be a list/,
      ],
      [
        'a scope without openid',
        ['doctor', ISSUER, CLIENT, '--scope=profile'],
        /^The scope .* must include openid/,
      ],
      [
        'a timeout that is no number',
        ['doctor', ISSUER, CLIENT, '--timeout=soon'],
        /^--timeout must be a positive number/,
      ],
      [
        'an unknown client authentication',
        ['doctor', ISSUER, CLIENT, '--client-authentication=magic'],
        /^--client-authentication must be|client_secret_basic/,
      ],
      [
        'a method without its secret',
        ['doctor', ISSUER, CLIENT, '--client-authentication=client_secret_post'],
        /^client_secret_post needs OKTA_CLIENT_SECRET/,
      ],
      [
        'private_key_jwt without a key',
        ['doctor', ISSUER, CLIENT, '--client-authentication=private_key_jwt'],
        /OKTA_PRIVATE_KEY_FILE/,
      ],
      [
        'a key file that is not there',
        ['doctor', ISSUER, CLIENT],
        /OKTA_PRIVATE_KEY_FILE cannot be read \(ENOENT\)/,
        { OKTA_PRIVATE_KEY_FILE: '/nonexistent' },
      ],
      [
        'a secret as an option',
        ['doctor', ISSUER, CLIENT, '--client-secret=private-part'],
        /OKTA_CLIENT_SECRET/,
      ],
      [
        'a report without a sign-in',
        ['doctor', ISSUER, CLIENT, '--report=x.json'],
        /--report goes with --sign-in/,
      ],
      [
        'a report that cannot be written',
        ['doctor', ISSUER, CLIENT, '--sign-in', '--report=/nonexistent/x.json'],
        /--report: .* cannot be written \(ENOENT\)/,
      ],
      [
        'a proxy that is no URL',
        ['doctor', ISSUER, CLIENT],
        /^HTTPS_PROXY must be the URL of a proxy/,
        { HTTPS_PROXY: 'joe:private-part@proxy' },
      ],
    ];
    for (const [name, args, message, env = {}] of cases) {
      it(`ends with 2 for ${name}`, async () => {
        const { status, stdout, stderr } = await program(args, { env });
        assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
        assert.match(stderr, message);
        assert.doesNotMatch(stderr, /private-part/);
      });
    }

    it('ends with 2 for a file that is not a key, of which it prints nothing', async () => {
      for (const [file, message] of [
        ['bad.json', /not valid JSON/],
        ['bad.pem', /^OKTA_PRIVATE_KEY_FILE must be an RSA/],
      ] as const) {
        const env = { OKTA_PRIVATE_KEY_FILE: join(directory, file) };
        const { status, stderr } = await program(['doctor', ISSUER, CLIENT], { env });
        assert.equal(status, 2);
        assert.match(stderr, message);
        assert.doesNotMatch(stderr, /private-part/);
      }
    });

    it('ends with 2 for an issuer of the wrong form, which is the first check', async () => {
      for (const issuer of [
        'acme.okta.com',
        'http://acme.okta.com',
        'https://{yourOktaDomain}',
        'https://acme-admin.okta.com',
        'https://acme.okta.com/oauth2/default/v1/token',
        'https://acme.okta.com?x=1',
        'http://127.0.0.1:8080',
      ]) {
        const { status, ok, checks, bad } = await diagnose([`--issuer=${issuer}`, CLIENT]);
        assert.deepEqual({ status, ok }, { status: 2, ok: false }, issuer);
        assert.deepEqual(
          bad.map(({ id, status }) => [id, status]),
          [['issuer', 'fix']],
        );
        assert.ok(checks.slice(1).every(({ status }) => status === 'skipped'));
        assert.match(bad[0]?.seen ?? '', /^The issuer \(--issuer or OKTA_ISSUER\) /);
      }
    });
  });
});
