import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { FACTORS } from '../../example/express/demo.js';
import { startSample, type Sample } from '../apps/example/support.js';
import { enterPassword, launchChromium, newPage, picture } from './support.js';

let browser: Browser;
let sample: Sample;

before(async () => {
  browser = await launchChromium();
  sample = await startSample({ demo: true, strategy: { factors: FACTORS } });
});
after(async () => {
  await browser?.close();
  await sample?.close();
});

const withPush = () => sample.okta.addUser({ factors: { push: { numberChallenge: true } } });

describe('a person with a second factor on another device', () => {
  it('taps in one window, the phone, the number that another shows', async () => {
    const person = sample.okta.users.erin;
    const { page, problems } = await newPage(browser, sample.origin, { deviceScaleFactor: 2 });
    const phone = await newPage(browser, sample.okta.origin);
    await enterPassword(page, person);
    await page.getByRole('button', { name: /Okta Verify/ }).click();
    await page.locator('.number').waitFor();
    await picture(page, 'push');
    const number = (await page.locator('.number').textContent())?.trim() ?? '';
    assert.match(number, /^\d\d$/);
    assert.match((await page.getByRole('status').first().textContent()) ?? '', /Waiting/);

    await phone.page.goto(`/phone/${encodeURIComponent(person.username)}`);
    await phone.page.locator(`button[value="${number}"]`).click();
    await page.waitForURL('**/profile');
    assert.deepEqual([...problems, ...phone.problems], []);
    await Promise.all([page, phone.page].map((each) => each.context().close()));
  });

  it('says no there, and learns here that the sign-in was declined', async () => {
    const person = withPush();
    const { page } = await newPage(browser, sample.origin);
    const phone = await newPage(browser, sample.okta.origin);
    await enterPassword(page, person);
    await page.getByRole('button', { name: /Okta Verify/ }).click();
    await page.locator('.number').waitFor();
    await phone.page.goto(`/phone/${encodeURIComponent(person.username)}`);
    await phone.page.locator('button[value="no"]').click();
    await page.locator('.number').waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).pathname, '/login/otp');
    await Promise.all([page, phone.page].map((each) => each.context().close()));
  });

  it('needs no script: a button asks whether it is approved', async () => {
    const person = withPush();
    const { page } = await newPage(browser, sample.origin, { javaScriptEnabled: false });
    await enterPassword(page, person);
    await page.getByRole('button', { name: /Okta Verify/ }).click();
    await page.locator('.number').waitFor();
    sample.okta.phone(person).approve();
    await page.getByRole('button', { name: 'I have approved it' }).click();
    await page.waitForURL('**/profile');
    await page.context().close();
  });
});

describe('a person with a passkey', () => {
  it('enrols it with the stand-in and signs in with it', async () => {
    const { judy } = sample.okta.users;
    // Passkeys belong to a domain, and an address is none.
    const local = (origin: string) => origin.replace('127.0.0.1', 'localhost');
    const { page } = await newPage(browser, local(sample.origin));
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('WebAuthn.enable');
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await page.goto(`${local(sample.okta.origin)}/passkeys`);
    await page.getByLabel('Username').fill(judy.username);
    await page.getByLabel('Password').fill(judy.password);
    await page.getByRole('button', { name: 'Enrol' }).click();
    await page.getByText('is enrolled').waitFor();

    await enterPassword(page, judy);
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByRole('button', { name: 'Continue with your passkey' }).click();
    await page.waitForURL('**/profile');
    await page.context().close();
  });
});
