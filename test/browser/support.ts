import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import type { User } from '../../example/okta/index.js';

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Playwright gives each launch a new, empty profile directory. */
export async function launchChromium(): Promise<Browser> {
  if (!existsSync(executablePath)) {
    throw new Error(
      `These tests need Chromium, and there is none at ${executablePath}. Install it (Debian: apt-get install chromium), or set CHROMIUM_PATH to one.`,
    );
  }
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page in its own browser profile, and what its console said. */
export async function newPage(
  browser: Browser,
  baseURL: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext({
    baseURL,
    viewport: { width: 760, height: 640 },
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // Chromium counts the 401, 404 or 429 of a page as an error; those of other files are.
    const isStatus = message.text().startsWith('Failed to load resource');
    if (isStatus && message.location().url === page.url()) return;
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  return { page, problems };
}

export async function enterPassword(
  page: Page,
  { username, password }: Pick<User, 'username' | 'password'>,
): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL('**/login/otp');
}

export async function enterPasscode(page: Page, otp: string): Promise<void> {
  await page.getByLabel('Passcode').fill(otp);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Waits until the page has put the focus there, as browsers do when it has loaded. */
export const focused = (page: Page, field: string) =>
  page.locator(`[name=${field}]:focus`).waitFor();

const pixels = readFileSync(join(__dirname, 'pixels.js'), 'utf8');

/** The colours that the page is drawn in, which its styles alone do not tell; points in its viewport. */
export async function drawnColors(page: Page, points: [x: number, y: number][]): Promise<string[]> {
  const picture = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  const blank = await page.context().newPage();
  try {
    const url = `data:image/png;base64,${picture.toString('base64')}`;
    const whole = points.map((point) => point.map(Math.round));
    return await blank.evaluate<string[]>(
      `${pixels} colorsAt(${JSON.stringify(url)}, ${JSON.stringify(whole)})`,
    );
  } finally {
    await blank.close();
  }
}

const images = join(__dirname, '..', '..', 'docs', 'images');

/** Takes a picture; with `UPDATE_IMAGES=1` it is kept for the README. */
export async function picture(page: Page, name: string): Promise<void> {
  const keep = process.env['UPDATE_IMAGES'] === '1';
  if (keep) mkdirSync(images, { recursive: true });
  const path = keep ? { path: join(images, `${name}.png`) } : {};
  await page.screenshot({ ...path, fullPage: true, animations: 'disabled' });
}
