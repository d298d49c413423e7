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
  drawnColors,
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

    await enterPasscode(page, sample.okta.otp(user));
    await page.waitForURL('**/profile');
  });

  it('reloads the page after a wrong passcode, which costs no try', async () => {
    const page = await open();
    const posts = countPosts();
    const user = sample.okta.addUser();
    await enterPassword(page, user);
    await enterPasscode(page, sample.okta.wrongOtp(user));
    await page.getByRole('alert').getByText('You have 4 attempts left').waitFor();
    for (let count = 0; count < 5; count += 1) await page.reload();
    await page.getByText('You have 4 attempts left').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    assert.equal(posts.stop(), 1);
    await enterPasscode(page, sample.okta.otp(user));
    await page.waitForURL('**/profile');
  });

  it('goes back after signing in, through all mistakes, and is asked to submit no form again', async () => {
    const page = await open();
    const user = sample.okta.addUser();
    await page.goto('/');
    for (const password of ['wrong', user.password]) {
      await page.getByLabel('Username').fill(user.username);
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText(password === 'wrong' ? 'Check both' : 'Enter your passcode').waitFor();
    }
    await enterPasscode(page, sample.okta.wrongOtp(user));
    await page.getByRole('alert').waitFor();
    await enterPasscode(page, sample.okta.otp(user));
    await page.waitForURL('**/profile');
    const length = Number(await page.evaluate('history.length'));
    assert.ok(length >= 4, String(length));
    // As far as the page that the browser began with, which is about:blank.
    for (let steps = 1; steps < length - 1; steps += 1) {
      await page.goBack();
      assert.equal(new URL(page.url()).pathname, '/profile', `${steps} steps back`);
      await page.getByText('Signed in', { exact: true }).waitFor();
    }
  });

  it('submits a form that has expired, and reads that it has', async () => {
    const page = await open();
    await page.goto('/login');
    await page.getByLabel('Username').fill('ada@example.com');
    await page.getByLabel('Password').fill('Green-Kettle-42');
    await page.evaluate(`document.forms[0].elements._csrf.value = 'of another session'`);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').getByText('so nothing was done').waitFor();
    assert.equal(new URL(page.url()).pathname, '/login');
    assert.equal(await page.getByLabel('Username').inputValue(), 'ada@example.com');
    await page.reload();
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  it('shows the password with the keyboard, and hides it again', async () => {
    const page = await open();
    await page.goto('/login');
    const password = page.getByLabel('Password');
    const button = page.getByRole('button', { name: 'Show password' });
    await password.fill('Green-Kettle-42');
    assert.equal(await button.getAttribute('aria-pressed'), 'false');
    await page.keyboard.press('Tab');
    for (const [key, type, pressed] of [
      ['Space', 'text', 'true'],
      ['Enter', 'password', 'false'],
      ['Space', 'text', 'true'],
    ] as const) {
      await page.keyboard.press(key);
      assert.equal(await password.getAttribute('type'), type);
      assert.equal(await button.getAttribute('aria-pressed'), pressed);
      assert.equal(await password.inputValue(), 'Green-Kettle-42');
    }
    // What is sent is a password again, so that the browser remembers it as one.
    await page.evaluate(`document.forms[0].addEventListener('submit', (event) => {
      event.preventDefault();
    })`);
    await page.getByLabel('Username').fill('ada');
    await page.getByRole('button', { name: 'Continue' }).click();
    assert.equal(await password.getAttribute('type'), 'password');
  });

  it('finds no button to show the password without scripts', async () => {
    const page = await open({ javaScriptEnabled: false });
    await page.goto('/login');
    assert.equal(await page.getByRole('button').count(), 1);
    assert.equal(await page.locator('.reveal').isVisible(), false);
  });

  it('starts over as somebody else', async () => {
    const page = await open();
    const first = sample.okta.addUser();
    await enterPassword(page, first);
    await page.getByRole('button', { name: 'Start over' }).click();
    await page.waitForURL('**/login');
    await focused(page, 'password');
    assert.equal(await page.getByLabel('Username').inputValue(), first.username);

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
      await page.goto('/login/otp');
      await page.getByText('There is no sign-in in progress').waitFor();
      await look('nothing-in-progress');
      await page.getByLabel('Username').fill(user.username);
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('alert').getByText('Check both').waitFor();
      await look('wrong-password');
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

  it('keep the step bar and the mark of a wrong field in forced colours', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ forcedColors: 'active', colorScheme });
      const user = sample.okta.addUser();
      /** Whether the halves of the bar are drawn: its upper rows, then its lowest. */
      const bar = async () => {
        const { x, y, width, height } = (await page.locator('.step').boundingBox())!;
        const at = (share: number, above: number): [number, number] => [
          x + width * share,
          y + height - above,
        ];
        const [behind, ...drawn] = await drawnColors(page, [
          ...[at(0.25, 8), at(0.25, 3), at(0.75, 3), at(0.25, 1), at(0.75, 1)],
        ]);
        return drawn.map((color) => color !== behind);
      };
      /** Whether the border is thicker than two pixels. */
      const isMarked = async (label: string) => {
        const { x, y, height } = (await page.getByLabel(label).boundingBox())!;
        const [border, inside] = await drawnColors(page, [
          [x + 2, y + height / 2],
          [x + 6, y + height / 2],
        ]);
        return border !== inside;
      };

      await page.goto('/login');
      assert.deepEqual(await bar(), [true, false, true, true], `step 1, ${colorScheme}`);
      assert.equal(await isMarked('Password'), false);
      await page.getByLabel('Username').fill(user.username);
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('alert').waitFor();
      assert.equal(await isMarked('Password'), true, colorScheme);
      assert.equal(await isMarked('Username'), false);

      await enterPassword(page, user);
      assert.deepEqual(await bar(), [true, true, true, true], `step 2, ${colorScheme}`);
    }
  });

  it('look right in the dark', async () => {
    const page = await open({ colorScheme: 'dark', deviceScaleFactor: 2 });
    await enterPassword(page, sample.okta.users.alice);
  });
});
