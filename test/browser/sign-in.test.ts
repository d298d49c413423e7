import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startSample, type Sample } from '../apps/example/support.js';
import { OTP_STEP } from '../support/okta.js';
import { gate } from '../support/promises.js';
import {
  enterPasscode,
  enterPassword,
  focused,
  launchChromium,
  newPage,
  picture,
} from './support.js';

/** An expression for the page: its text whose contrast is under WCAG AA's 4.5. */
const lowContrast = readFileSync(join(__dirname, 'low-contrast.js'), 'utf8');
const isDark = `getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 64`;

let browser: Browser;
let sample: Sample;
const opened: { page: Page; problems: string[] }[] = [];

before(async () => {
  browser = await launchChromium();
  sample = await startSample({ demo: true });
});
after(async () => {
  await browser?.close();
  await sample?.close();
});

/** No test leaves a problem in the console of its pages. */
afterEach(async () => {
  const problems = opened.flatMap((each) => each.problems);
  await Promise.all(opened.map(({ page }) => page.context().close()));
  opened.length = 0;
  assert.deepEqual(problems, []);
});

async function open(options?: BrowserContextOptions): Promise<Page> {
  const each = await newPage(browser, sample.origin, options);
  opened.push(each);
  return each.page;
}

/** Counts the passcodes that browsers send. */
function countPosts() {
  let count = 0;
  const [first, second] = [gate(), gate()];
  const listener = (req: IncomingMessage) => {
    if (req.method === 'POST' && req.url === '/login/otp') count += 1;
    if (count >= 1) first.open();
    if (count >= 2) second.open();
  };
  sample.server.on('request', listener);
  const stop = () => {
    sample.server.off('request', listener);
    return count;
  };
  return { first: first.opened, second: second.opened, stop };
}

const heading = (page: Page) => page.getByRole('heading', { level: 1 });

describe('a person who signs in', () => {
  it('gives the password, then the passcode, and sees the profile', async () => {
    const page = await open({ deviceScaleFactor: 2 });
    const { alice } = sample.okta.users;

    await page.goto('/');
    assert.equal(new URL(page.url()).pathname, '/login');
    assert.match(await page.title(), /^Sign in/);
    await focused(page, 'username');
    await picture(page, 'sign-in');

    await enterPassword(page, alice);
    assert.equal(await heading(page).textContent(), 'Enter your passcode');
    await focused(page, 'otp');
    await page.getByText(alice.username).waitFor();
    await picture(page, 'passcode');

    const otp = sample.okta.otp(alice);
    await enterPasscode(page, `${otp.slice(0, 3)} ${otp.slice(3)}`);
    await page.waitForURL('**/profile');
    await page.getByText('Signed in', { exact: true }).waitFor();
    assert.ok(
      await page
        .getByRole('row', { name: /User ID/ })
        .getByText(alice.id)
        .isVisible(),
    );
    await picture(page, 'profile');
  });

  it('does it with the keyboard alone', async () => {
    const page = await open();
    const user = sample.okta.addUser();
    await page.goto('/login');
    await focused(page, 'username');
    await page.keyboard.type(user.username);
    await page.keyboard.press('Tab');
    await page.keyboard.type(user.password);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/login/otp');
    await focused(page, 'otp');
    await page.keyboard.type(sample.okta.otp(user));
    await page.keyboard.press('Enter');
    await page.waitForURL('**/profile');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter'); // opens the other claims
    await page.getByRole('row', { name: 'jti' }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal((await page.locator(':focus').textContent())?.trim(), 'Sign out');
    assert.notEqual(
      await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'),
      'none',
    );
    await page.keyboard.press('Enter');
    await page.waitForURL('**/login');
  });

  it('does it without scripts', async () => {
    const page = await open({ javaScriptEnabled: false });
    const user = sample.okta.addUser();
    await enterPassword(page, user);
    await enterPasscode(page, sample.okta.otp(user));
    await page.waitForURL('**/profile');
  });

  it('mistypes the password, reads why, and only types the password again', async () => {
    const page = await open();
    const user = sample.okta.addUser();
    await page.goto('/login');
    await page.getByLabel('Username').fill(user.username);
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Continue' }).click();

    await page.getByRole('alert').getByText('Check both and try again').waitFor();
    assert.match(await page.title(), /^Error: /);
    await focused(page, 'password');
    assert.equal(await page.getByLabel('Username').inputValue(), user.username);
    assert.equal(await page.getByLabel('Password').inputValue(), '');

    await page.keyboard.type(user.password);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/login/otp');
  });

  it('mistypes the passcode, and sees how many tries are left', async () => {
    const page = await open({ deviceScaleFactor: 2 });
    const user = sample.okta.addUser({ username: 'nora@example.com' });
    await enterPassword(page, user);
    await enterPasscode(page, sample.okta.wrongOtp(user));

    await page.getByRole('alert').getByText('You have 4 attempts left').waitFor();
    assert.match(await page.title(), /^Error: /);
    await focused(page, 'otp');
    await picture(page, 'wrong-passcode');

    await enterPasscode(page, sample.okta.otp(user));
    await page.waitForURL('**/profile');
  });

  it('starts over as somebody else', async () => {
    const page = await open();
    await enterPassword(page, sample.okta.addUser());
    await page.getByRole('button', { name: 'Start over' }).click();
    await page.waitForURL('**/login');
    await focused(page, 'username');

    const user = sample.okta.addUser();
    await enterPassword(page, user);
    await page.getByText(user.username).waitFor();
  });

  it('signs out, and the back button shows no profile', async () => {
    const page = await open();
    const user = sample.okta.addUser();
    await enterPassword(page, user);
    await enterPasscode(page, sample.okta.otp(user));
    await page.waitForURL('**/profile');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You have signed out.').waitFor();

    await page.goBack();
    await page.waitForURL('**/login');
    assert.equal(await page.getByText(user.id).count(), 0);
  });

  it('goes back to the passcode page after signing in, and is led to the profile', async () => {
    const page = await open();
    const user = sample.okta.addUser();
    await enterPassword(page, user);
    await enterPasscode(page, sample.okta.otp(user));
    await page.waitForURL('**/profile');
    await page.goBack();
    await page.waitForURL('**/profile');
  });

  it('double-clicks the button, and the script sends the form once', async () => {
    const page = await open();
    const posts = countPosts();
    const user = sample.okta.addUser();
    await enterPassword(page, user);
    await page.getByLabel('Passcode').fill(sample.okta.otp(user));
    await page.getByRole('button', { name: 'Sign in' }).dblclick();
    await page.waitForURL('**/profile');
    assert.equal(posts.stop(), 1);
  });

  it('double-clicks the button without scripts, and is signed in all the same', async () => {
    const page = await open({ javaScriptEnabled: false });
    const posts = countPosts();
    const user = sample.okta.addUser();
    await enterPassword(page, user);
    await page.getByLabel('Passcode').fill(sample.okta.otp(user));
    // The second click comes while Okta is still thinking about the first.
    sample.okta.respondNext(async (_request, proceed) => {
      await posts.second;
      return proceed();
    }, OTP_STEP);
    const button = await page.getByRole('button', { name: 'Sign in' }).boundingBox();
    const click = () => page.mouse.click(button!.x + 20, button!.y + 20);
    await click();
    await posts.first;
    await click();
    // Not waitForURL: it takes the first navigation, which the second click aborts, for a failure.
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/profile');
    assert.equal(posts.stop(), 2);
  });

  it('sees the seconds of a rate limit run down on the button', async () => {
    const page = await open();
    await page.clock.install();
    const user = sample.okta.addUser();
    sample.okta.respondNext({
      status: 429,
      headers: { 'X-Rate-Limit-Reset': String(Math.ceil(Date.now() / 1000) + 30) },
      body: { errorCode: 'E0000047' },
    });
    await page.goto('/login');
    await page.getByLabel('Username').fill(user.username);
    await page.getByLabel('Password').fill(user.password);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').getByText('Too many attempts').waitFor();
    // The script comes after the page.
    await page.locator('button', { hasText: /Continue\s*\(\d+\)/ }).waitFor();
    await page.clock.fastForward(40_000);
    await page.locator('button', { hasText: /^\s*Continue\s*$/ }).click();
  });
});

describe('the pages', () => {
  const visit = async (page: Page, look: (name: string) => Promise<void>) => {
    const user = sample.okta.addUser({ username: 'alexandra.montgomery@subsidiary.example.com' });
    try {
      await page.goto('/login/authenticator');
      await look('authenticator');
      await page.goto('/login');
      await look('sign-in');
      await enterPassword(page, user);
      await look('passcode');
      await enterPasscode(page, sample.okta.wrongOtp(user));
      await page.getByRole('alert').waitFor();
      await look('wrong-passcode');
      await enterPasscode(page, sample.okta.otp(user));
      await page.waitForURL('**/profile');
      await look('profile');
      await page.goto('/nothing');
      await look('not-found');
    } finally {
      sample.okta.removeUser(user);
    }
  };

  it('fit a screen 320 pixels wide', async () => {
    const page = await open({ viewport: { width: 320, height: 640 }, deviceScaleFactor: 2 });
    await visit(page, async (name) => {
      const width = await page.evaluate('document.documentElement.scrollWidth');
      assert.equal(width, 320, `${name} scrolls sideways`);
      if (name === 'passcode') await picture(page, 'narrow');
    });
  });

  it('are dark for who prefers that, and readable in both', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ colorScheme });
      await visit(page, async (name) => {
        assert.deepEqual(await page.evaluate(lowContrast), [], `${colorScheme} ${name}`);
        assert.equal(await page.evaluate(isDark), colorScheme === 'dark');
      });
    }
  });

  it('look right in the dark', async () => {
    const page = await open({ colorScheme: 'dark', deviceScaleFactor: 2 });
    await enterPassword(page, sample.okta.users.alice);
    await picture(page, 'dark');
  });
});
