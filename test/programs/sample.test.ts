import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { TOTP } from 'otpauth';
import { create } from 'qrcode';
import { demoAccount, describeDemo } from '../../example/express/demo.js';
import { startOkta } from '../../example/okta/index.js';
import { printed, runProgram } from '../support/program.js';
import { assertRedirect, FormBrowser } from '../apps/example/support.js';

/** Starts the sample app, and gives the address that it prints. */
function run(env: Record<string, string> = {}) {
  const program = runProgram(['--import', 'tsx', 'example/express/main.ts'], env);
  const started = async () => {
    const [, url = ''] = await program.until(/The sample app: (http:\/\/localhost:\d+)/);
    return url;
  };
  return { ...program, started };
}

describe('npm start', () => {
  it('prints all that a login needs, logs in with it, and Ctrl-C ends it without noise', async () => {
    const app = run();
    try {
      const origin = await app.started();
      const { stdout } = app.output;
      const secret = printed(stdout, 'TOTP secret');
      assert.match(stdout, new RegExp(`^ *otpauth://totp/\\S*secret=${secret}`, 'm'));
      assert.match(stdout, /[▀▄█]{5}/, 'QR code');
      assert.ok(!stdout.includes('\u001b['), 'no colour codes in a pipe');
      assert.ok(!stdout.includes('\u001b'), 'no colour codes in a pipe');
      for (const name of ['bob', 'carol', 'dave', 'erin', 'judy'])
        assert.match(stdout, new RegExp(`${name}@`));
      for (const page of ['phone', 'passkeys'])
        assert.equal((await fetch(printed(stdout, page))).status, 200, page);

      // 127.0.0.1 is as good as localhost.
      const browser = new FormBrowser(origin.replace('localhost', '127.0.0.1'));
      const page = await browser.get('/login');
      assert.match(page.text, /Try the demo/);
      const username = printed(stdout, 'username');
      const password = printed(stdout, 'password');
      await browser.submit('/login', { username, password });
      await browser.get('/login/otp');
      const login = await browser.submit('/login/otp', { otp: new TOTP({ secret }).generate() });
      assertRedirect(login, '/profile');
      assert.match((await browser.get('/profile')).text, /alice@example\.com/);
      assert.equal((await new FormBrowser(origin).get('/login')).status, 200);
    } finally {
      const { code, stderr } = await app.stop();
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    }
  });

  it('ends on SIGTERM too, also with connections that stay open; has colours where they are asked for', async () => {
    const app = run({ FORCE_COLOR: '1' });
    const origin = await app.started();
    assert.ok(app.output.stdout.includes('\u001b['));
    await new FormBrowser(origin).get('/login'); // undici keeps its connection
    assert.equal((await app.stop('SIGTERM')).code, 0);
  });

  it('says which port is taken, and how to choose another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const { code, stderr, stdout } = await run({ PORT: String(port) }).ended;
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, new RegExp(`Port ${port} is taken.*PORT=${port + 1} npm start`));
      assert.doesNotMatch(stderr, /\n {4}at /);
    } finally {
      other.close();
    }
  });

  it('signs in against the org of OKTA_ISSUER, and starts no stand-in', async () => {
    const okta = await startOkta({ record: true });
    const user = okta.addUser();
    const app = run({
      OKTA_ISSUER: okta.issuers.default,
      OKTA_CLIENT_ID: okta.clients.basic.client_id,
      OKTA_CLIENT_SECRET: okta.clients.basic.client_secret,
    });
    try {
      const origin = await app.started();
      assert.doesNotMatch(app.output.stdout, /stand-in|alice|TOTP|otpauth/);
      assert.ok(app.output.stdout.includes(okta.issuers.default));

      const browser = new FormBrowser(origin);
      assert.doesNotMatch((await browser.get('/login')).text, /demo/i);
      await browser.submit('/login', { username: user.username, password: user.password });
      await browser.get('/login/otp');
      const login = await browser.submit('/login/otp', { otp: okta.otp(user) });
      assertRedirect(login, '/profile');
      assert.ok(okta.requests.some(({ path }) => path.endsWith('/v1/token')));
    } finally {
      assert.equal((await app.stop()).code, 0);
      await okta.close();
    }
  });
});

describe('the QR code that npm start prints', () => {
  it('is without them the same code, dark on light on a dark terminal, with a margin', async () => {
    const okta = await startOkta();
    try {
      const account = demoAccount(okta);
      const text = await describeDemo(okta, account, false);
      // Each character is two modules, one above the other; what it paints is light.
      const light = text
        .split('\n')
        .filter((line) => /^[▀▄█ ]{20,}$/.test(line))
        .flatMap((line) =>
          ['█▀', '█▄'].map((painting) => Array.from(line, (each) => painting.includes(each))),
        );
      const { modules } = create(account.otpauth, { errorCorrectionLevel: 'L' });
      const margin = 2;
      const expected = Array.from({ length: light.length }, (_, y) =>
        Array.from({ length: modules.size + 2 * margin }, (_, x) => {
          const [row, column] = [y - margin, x - margin];
          const inside = [row, column].every((each) => each >= 0 && each < modules.size);
          return !(inside && modules.get(row, column));
        }),
      );
      assert.deepEqual(light, expected);
      assert.ok(light.length >= modules.size + 2 * margin);
    } finally {
      await okta.close();
    }
  });
});

describe('settings that cannot work are a message and no stack', () => {
  for (const [name, env, message] of [
    [
      'a Redis that is not there',
      { REDIS_URL: 'redis://:pw@127.0.0.1:1' },
      /^\n.*REDIS_URL: (?!.*pw)/,
    ],
    [
      'an issuer that the strategy refuses',
      { OKTA_ISSUER: 'https://acme-admin.okta.com', OKTA_CLIENT_ID: 'x' },
      /admin/,
    ],
  ] as const) {
    it(name, async () => {
      const { code, stderr, stdout } = await run(env).ended;
      assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /);
    });
  }
});
