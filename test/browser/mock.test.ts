import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { createApp } from '../../example/express/app.js';
import { mockOkta } from '../../lib/testing/index.js';
import { program } from '../apps/cli/support.js';
import { listen } from '../support/servers.js';
import { FACTORS } from '../support/second-factors.js';
import { enterPassword, launchChromium, newPage, picture } from './support.js';

const ADA = {
  username: 'ada@example.com',
  password: 'pw',
  ...{ push: true, sms: true, voice: true, inbox: true },
};
const BOB = { ...ADA, username: 'bob@example.com', otp: '123456' };

let browser: Browser;
before(async () => (browser = await launchChromium()));
after(() => browser?.close());

/** The sample app on a mock that listens; Ada behind her password, and the page with the phones. */
async function open(t: TestContext) {
  const okta = await mockOkta({ clientID: '0oa1', users: [ADA, BOB] }).listen();
  t.after(() => okta.close());
  const origin = await listen(
    t,
    createApp({
      okta: {
        issuer: okta.issuer,
        clientID: '0oa1',
        allowInsecureIssuer: true,
        factors: FACTORS,
      },
      sessionSecret: 'a secret for tests',
      log: () => {},
    }),
  );
  const app = await newPage(browser, origin);
  const phones = await newPage(browser, okta.url);
  for (const { page } of [app, phones]) t.after(() => page.context().close());
  await phones.page.goto('/');
  await enterPassword(app.page, ADA);
  const problems = () => [...app.problems, ...phones.problems];
  return { okta, page: app.page, phones: phones.page, problems };
}

const phoneOf = (page: Page, { username }: { username: string }) =>
  page.getByRole('region', { name: username });

async function push(page: Page): Promise<string> {
  await page.getByRole('button', { name: /Okta Verify/ }).click();
  return (await page.locator('.number').textContent())?.trim() ?? '';
}

describe('the sample app on a mock that listens', () => {
  it('lets a person in who taps the number, by keyboard, on the page with the phones', async (t) => {
    const { okta, page, phones, problems } = await open(t);
    const number = await push(page);
    assert.match(number, /^\d\d$/);
    const phone = phoneOf(phones, ADA);
    await phone.getByRole('group', { name: 'Did you just try to sign in?' }).waitFor();
    assert.match(
      (await phones.getByRole('status').textContent()) ?? '',
      /push for ada@example\.com/,
    );
    assert.equal(await phoneOf(phones, BOB).getByRole('button').count(), 0);
    await phone.getByRole('button', { name: number, exact: true }).press('Enter');
    await page.waitForURL('**/profile');
    await phone.getByText('Nothing has arrived.').waitFor();
    assert.equal(await phones.getByRole('status').textContent(), 'Answered.');
    assert.equal(await phones.locator('h1:focus').count(), 1);
    assert.deepEqual(problems(), []);
    const posts = okta.requests.filter(({ method }) => method === 'POST');
    const sent = posts.map(({ path, status }) => `${path} ${status}`);
    assert.deepEqual(sent.slice(0, 2), ['/oauth2/v1/token 403', '/oauth2/v1/challenge 200']);
    assert.equal(sent.at(-1), '/oauth2/v1/token 200');
  });

  it('tells a person who says no there that the sign-in was declined', async (t) => {
    const { page, phones, problems } = await open(t);
    await push(page);
    await phoneOf(phones, ADA).getByRole('button', { name: "No, it's not me" }).click();
    await page.locator('.number').waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).pathname, '/login/otp');
    assert.deepEqual(problems(), []);
  });

  it('takes the code that the inbox shows', async (t) => {
    const { page, phones, problems } = await open(t);
    await page.getByRole('button', { name: /e-?mail/i }).click();
    const phone = phoneOf(phones, ADA);
    const code =
      (await phone.locator('li', { hasText: 'E-mail' }).locator('code').textContent()) ?? '';
    assert.match(code, /^[A-Z\d]{8}$/);
    await page.locator('[name=otp]').fill(code);
    await page.locator('[name=otp]').press('Enter');
    await page.waitForURL('**/profile');
    assert.deepEqual(problems(), []);
  });

  it("approves nothing for another site's page", async (t) => {
    const { okta, page, phones } = await open(t);
    await push(page);
    await phoneOf(phones, ADA).getByRole('button').first().waitFor();
    // Of the same site, another port; as a page that has no policy of its own.
    const other = await newPage(browser, new URL(page.url()).origin, { bypassCSP: true });
    t.after(() => other.page.context().close());
    await other.page.goto('/login');
    const approve = (init: string) =>
      other.page.evaluate(
        `fetch('${okta.url}control/approve', { method: 'POST', body: '${JSON.stringify({ username: ADA.username })}', ${init} })
          .then(({ type }) => type, () => 'blocked')`,
      );
    assert.equal(await approve("headers: { 'content-type': 'application/json' }"), 'blocked');
    assert.equal(await approve("mode: 'no-cors'"), 'opaque');
    assert.equal(okta.phone(ADA.username).pushes.length, 1);
  });
});

it('The doctor finds nothing to fix at the mock', async (t) => {
  const okta = await mockOkta({ clientID: '0oa1', users: [BOB] }).listen();
  t.after(() => okta.close());
  const args = `doctor --issuer ${okta.issuer} --client-id 0oa1 --factors otp,push --allow-insecure-issuer`;
  const { status, stdout } = await program(args.split(' '));
  assert.equal(status, 0, stdout);
  assert.doesNotMatch(stdout, /^(fix|unknown)/m);

  const { page } = await newPage(browser, okta.url, {
    viewport: { width: 1000, height: 300 },
    deviceScaleFactor: 2,
  });
  t.after(() => page.context().close());
  const text = `$ npx passport-okta-direct-mfa ${args}\n${stdout}`.replaceAll('<', '&lt;');
  await page.setContent(
    `<style>body{margin:0;background:#1c2733}pre{margin:0;padding:20px;font:14px/1.5 monospace;color:#e8eef5;white-space:pre-wrap}</style><pre>${text}</pre>`,
  );
  await picture(page, 'doctor');
});
