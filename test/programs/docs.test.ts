import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Okta } from '../../example/okta/index.js';
import { FAILURES } from '../../lib/failures.js';
import { Browser, useOkta } from '../support/index.js';
import { root, runProgram } from '../support/program.js';

let okta: Okta;
useOkta((started) => (okta = started));

/** The first block of TypeScript after this text in a page, as a file that can be run. */
async function snippet(page: string, after: string): Promise<string> {
  const text = await readFile(join(root, page), 'utf8');
  const [, code] = /^```ts\n(.*?)^```$/ms.exec(text.slice(text.indexOf(after))) ?? [];
  assert.ok(code, `no snippet in ${page} after "${after}"`);
  const path = join(root, '.tmp', 'run', `${page.replaceAll(/\W/g, '-')}.ts`);
  await mkdir(join(root, '.tmp', 'run'), { recursive: true });
  await writeFile(path, code);
  return path;
}

/** Starts it as pasted, with nothing but Okta's address and client set. */
async function start(t: TestContext, path: string): Promise<Browser> {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  const { issuers, clients } = okta;
  const app = runProgram(['--import', 'tsx', path], {
    OKTA_ISSUER: issuers.default,
    OKTA_CLIENT_ID: clients.native.client_id,
    PORT: String(port),
  });
  t.after(() => app.stop());
  await app.until(/http:\/\/localhost:\d+/);
  return new Browser(`http://localhost:${port}`);
}

it('Every option and every code is in the reference', async () => {
  const source = await readFile(join(root, 'lib', 'options', 'types.ts'), 'utf8');
  const errors = await readFile(join(root, 'lib', 'errors.ts'), 'utf8');
  const ofStrategy = source.replace(/interface OktaDirectMfaAuthenticateOptions.*?^}/ms, '');
  const options = [...ofStrategy.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
  const codes = [...errors.matchAll(/^ {2}(?:\||readonly code =) '(\w+)'/gm)].map(
    ([, code]) => code,
  );
  assert.ok(options.length > 20 && codes.length > 10, 'they were found');
  const reference = await readFile(join(root, 'docs', 'reference.md'), 'utf8');
  const missing = [...options, ...codes, ...Object.keys(FAILURES)].filter(
    (name) => !new RegExp(`\`${name}\``).test(reference),
  );
  assert.deepEqual(missing, []);
});

describe('What is pasted from the documents runs:', () => {
  it('the app of the README, with pages', async (t) => {
    const browser = await start(t, await snippet('README.md', '## Use it'));
    const user = okta.addUser();
    const { username, password } = user;
    const see = async () => (await browser.get('/login')).text;
    const submit = async (form: Record<string, string>, path = '/login') => {
      const { status, location } = await browser.post(path, { form });
      assert.ok([302, 303].includes(status), `HTTP ${status}`);
      return location;
    };

    assert.match(await see(), /name="password"/);
    assert.equal(await submit({ username, password: 'not-it-4711' }), '/login');
    assert.match(await see(), /The username or password is wrong\./);
    assert.doesNotMatch(await see(), /wrong/, 'said once');

    assert.equal(await submit({ username, password }), '/login');
    assert.match(await see(), /name="otp"/);
    assert.equal(await submit({ otp: okta.wrongOtp(user) }), '/login');
    const again = await see();
    assert.match(again, /The passcode is wrong\. 4 attempts left\./);
    assert.match(again, /name="otp"/);

    assert.equal(await submit({}, '/start-over'), '/login');
    assert.match(await see(), /name="password"/);
    await submit({ username, password });
    assert.equal(await submit({ otp: okta.otp(user) }), '/');
    assert.match((await browser.get('/')).text, new RegExp(user.id));
    await submit({}, '/logout');
    assert.equal((await browser.get('/')).location, '/login');
  });

  it('the app for a single-page app, with a push', async (t) => {
    const page = await snippet('docs/express.md', '## JSON, for a single-page app');
    const browser = await start(t, page);
    const user = okta.addUser({ factors: { push: { numberChallenge: true } } });
    const post = (json: object) => browser.post('/api/login', { json });

    const { username, password } = user;
    const first = await post({ username, password });
    assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required']);
    const sent = await post({ factor: 'push' });
    assert.equal(sent.body['code'], 'authorization_pending');
    const { factors, challenge } = (await browser.get('/api/login')).body;
    assert.deepEqual(factors, ['push', 'sms', 'otp']);
    assert.equal((challenge as { id: string }).id, sent.body['challenge']);
    okta.phone(user).approve();
    const done = await post({ challenge: sent.body['challenge'] });
    assert.deepEqual([done.status, (done.body['user'] as { id: string }).id], [200, user.id]);
    assert.equal((await browser.get('/api/me')).status, 200);
    await browser.post('/api/logout', { json: {} });
    assert.equal((await browser.get('/api/me')).status, 401);
  });

  it('the app of Fastify, with forms and JSON', async (t) => {
    const browser = await start(t, await snippet('docs/fastify.md', '# Fastify'));
    const user = okta.addUser();
    const { username, password } = user;
    const submit = async (form: Record<string, string>) =>
      (await browser.post('/login', { form })).location;

    assert.match((await browser.get('/login')).text, /name="password"/);
    assert.equal(await submit({ username, password: 'not-it-4711' }), '/login');
    assert.equal(await submit({ username, password }), '/login/otp');
    assert.match((await browser.get('/login/otp')).text, /name="otp"/);
    assert.equal((await browser.get('/profile')).status, 401, 'not yet');
    assert.equal(await submit({ otp: okta.wrongOtp(user) }), '/login/otp');
    assert.equal(await submit({ otp: okta.otp(user) }), '/profile');
    assert.match((await browser.get('/profile')).text, new RegExp(user.id));
    await browser.post('/logout', { json: {} });
    assert.equal((await browser.get('/profile')).status, 401);

    const post = (json: object) => browser.post('/api/login', { json });
    const first = await post({ username, password });
    assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required']);
    const done = await post({ otp: okta.otp(user) });
    assert.deepEqual([done.status, (done.body['user'] as { id: string }).id], [200, user.id]);
  });

  it('the test with the mock', async () => {
    const path = await snippet('docs/testing.md', '# Testing your app');
    // A run of its own, not a part of this one.
    const env = { NODE_TEST_CONTEXT: '' };
    const { code, stdout, stderr } = await runProgram(['--import', 'tsx', path], env).ended;
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /pass 1$/m);
  });
});
