import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MemoryStore } from 'express-session';
import { createApp } from '../../../example/express/app.js';
import type { User } from '../../../example/okta/index.js';
import type { Answer } from '../../support/browser.js';
import {
  assertRedirect,
  credentials,
  FormBrowser,
  raw,
  startSample,
  tokenOf,
  type Sample,
} from './support.js';

let sample: Sample;
before(async () => {
  sample = await startSample({ demo: true });
});
after(() => sample.close());

const newBrowser = () => sample.newBrowser();
const afterPassword = (user: User, browser?: FormBrowser) => sample.afterPassword(user, browser);
const signedIn = (user: User) => sample.signedIn(user);

/** After a redirect it is a page like any other, with status 200. */
function assertErrorPage(page: Answer, text: RegExp, status = 200) {
  assert.equal(page.status, status, page.text);
  assert.match(page.text, /<title>Error: /);
  assert.match(page.text, text);
}

/** The opening tag of the input with this name. */
const inputTag = (page: Answer, name: string) =>
  new RegExp(`<input[^>]*name="${name}"[^>]*>`).exec(page.text)?.[0] ?? '';

describe('signing in', () => {
  it('takes password, then passcode, and shows the verified claims', async () => {
    const user = sample.okta.addUser({ givenName: 'Ada', familyName: 'Lovelace' });
    const browser = await afterPassword(user);
    const passcodePage = await browser.get('/login/otp');
    assert.match(passcodePage.text, new RegExp(`Signing in as <strong>${user.username}`));
    assert.match(inputTag(passcodePage, 'otp'), /autocomplete="one-time-code"/);

    assertRedirect(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }), '/profile');
    const profile = await browser.get('/profile');
    assert.equal(profile.status, 200);
    assert.match(profile.text, /Signed in/);
    assert.match(profile.text, /<h1>Ada Lovelace<\/h1>/);
    assert.ok(profile.text.includes(user.id), 'sub');
    assert.ok(profile.text.includes(sample.okta.issuers.org), 'iss');
  });

  it('accepts a passcode typed as "123 456"', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    const otp = sample.okta.otp(user).replace(/^.../, '$& ');
    assertRedirect(await browser.submit('/login/otp', { otp }), '/profile');
  });

  it('answers a wrong password on the same page after a redirect, with the username kept and the focus on the password', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    await browser.get('/login');
    const page = await browser.send('/login', { username: user.username, password: 'wrong' });
    assertErrorPage(page, /Wrong username or password/);
    assert.ok(inputTag(page, 'username').includes(`value="${user.username}"`));
    assert.match(inputTag(page, 'password'), /aria-describedby="password-error"/);
    assert.match(inputTag(page, 'password'), /aria-invalid="true"/);
    assert.match(inputTag(page, 'password'), /autofocus/);
    assert.match(page.text, /role="alert" id="password-error"/);
    assert.ok(!page.text.includes('value="wrong"'), 'the password is not sent back');
    assertRedirect(await browser.submit('/login', credentials(user)), '/login/otp');
  });

  it('says the same of a locked account and an expired password as of a wrong one', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    const { carol, mia } = sample.okta.users;
    const told = async (fields: Record<string, string>) =>
      /id="password-error"[^>]*>([^<]*)/.exec((await browser.send('/login', fields)).text)?.[1];
    const wrong = await told({ username: carol.username, password: 'Quite-Wrong-99' });
    assert.match(wrong ?? '', /password may have expired, or your account may be locked/);
    assert.equal(await told(credentials(carol)), wrong);
    assert.equal(await told(credentials(mia)), wrong);
  });

  it('names each field that was left empty', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    const page = await browser.send('/login', { username: '', password: '' });
    assertErrorPage(page, /id="username-error"[^<]*>Enter your username/);
    assert.match(page.text, /id="password-error"[^<]*>Enter your password/);
    assert.match(inputTag(page, 'username'), /autofocus/);
  });

  it('says how many tries are left after a wrong passcode, and lets the right one in', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    const page = await browser.send('/login/otp', { otp: sample.okta.wrongOtp(user) });
    assertErrorPage(page, /You have 4 attempts left/);
    assert.match(
      inputTag(page, 'otp'),
      /aria-describedby="otp-hint otp-error"\s+aria-invalid="true"/,
    );
    assertRedirect(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }), '/profile');
  });

  it('asks for the passcode again when it was left empty', async () => {
    const browser = await afterPassword(sample.okta.addUser());
    const page = await browser.send('/login/otp', { otp: ' ' });
    assertErrorPage(page, /Enter the six-digit passcode/);
  });

  it('leads back to the password after too many wrong passcodes', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    const otp = sample.okta.wrongOtp(user);
    const fourth = [];
    for (let i = 0; i < 4; i++) fourth.push(await browser.send('/login/otp', { otp }));
    assertErrorPage(fourth[3]!, /You have 1 attempt left/);
    const fifth = await browser.send('/login/otp', { otp });
    assertErrorPage(fifth, /Too many wrong passcodes\. Enter your password/);
    assert.match(fifth.text, /action="\/login"/);
    assert.ok(inputTag(fifth, 'username').includes(`value="${user.username}"`));
    assertRedirect(await browser.get('/login/otp'), '/login');
  });

  it('refuses with the reason when an account may not use the app or has no second step', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    const { bob, dave } = sample.okta.users;
    assertErrorPage(
      await browser.send('/login', credentials(dave)),
      /You are not allowed to sign in to this application/,
    );
    assertErrorPage(
      await browser.send('/login', credentials(bob)),
      /requires a second sign-in step, but your account has none/,
    );
  });

  it('shows the seconds to wait when Okta limits the rate, and keeps the transaction', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    const reset = Math.floor(Date.now() / 1000) + 30;
    sample.okta.respondNext({
      status: 429,
      headers: { 'X-Rate-Limit-Reset': String(reset) },
      body: { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit', errorId: 'x' },
    });
    const page = await browser.send('/login/otp', { otp: sample.okta.otp(user) });
    assertErrorPage(page, /Too many attempts\. Wait \d+ seconds/);
    const retryAfter = Number(/data-retry-after="(\d+)"/.exec(page.text)?.[1]);
    assert.ok(retryAfter > 25 && retryAfter <= 31, String(retryAfter));
    assertRedirect(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }), '/profile');
  });

  it('starts over on demand, with the username kept', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    assertRedirect(await browser.submit('/login/restart'), '/login');
    const page = await browser.get('/login');
    assert.ok(inputTag(page, 'username').includes(`value="${user.username}"`));
    assert.match(inputTag(page, 'password'), /autofocus/);
    assertRedirect(await browser.get('/login/otp'), '/login');
  });

  it('ends logged in after a double click on the right passcode', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    const otp = sample.okta.otp(user);
    const answers = await Promise.all([
      browser.submit('/login/otp', { otp }),
      browser.submit('/login/otp', { otp }),
    ]);
    for (const answer of answers) assertRedirect(answer, '/profile');
    assert.equal((await browser.get('/profile')).status, 200);
  });

  it('sends a second click that comes late to the profile', async () => {
    const user = sample.okta.addUser();
    const browser = await signedIn(user);
    assertRedirect(await browser.submit('/login/otp', { otp: '123456' }), '/profile');
  });
});

describe('a form that was posted', () => {
  const postedTokens = () =>
    sample.okta.requests.filter(({ path }) => path.endsWith('/token')).length;

  it('is answered with a redirect whatever becomes of it, and the page says it once', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    await browser.get('/login');
    const wrong = { username: user.username, password: 'Quite-Wrong-99' };
    assertRedirect(await browser.submit('/login', wrong), '/login');
    assertErrorPage(await browser.get('/login'), /Wrong username or password/);
    const reloaded = await browser.get('/login');
    assert.doesNotMatch(reloaded.text, /Error:|role="alert"/);

    await afterPassword(user, browser);
    const otp = sample.okta.wrongOtp(user);
    assertRedirect(await browser.submit('/login/otp', { otp }), '/login/otp');
    assertErrorPage(await browser.get('/login/otp'), /id="otp-error"[^]*You have 4 attempts left/);
  });

  it('costs no further try when the page is reloaded, and how many are left is still there', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    assert.doesNotMatch((await browser.get('/login/otp')).text, /attempts? left/);
    await browser.send('/login/otp', { otp: sample.okta.wrongOtp(user) });
    const posted = postedTokens();
    for (let count = 0; count < 3; count += 1) {
      const page = await browser.get('/login/otp');
      assert.doesNotMatch(page.text, /Error:|role="alert"/);
      assert.match(page.text, /id="otp-hint"[^]*You have 4 attempts left/);
    }
    assert.equal(postedTokens(), posted);
    assertRedirect(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }), '/profile');
  });

  it('leads back to the passcode also where that is not the first way', async () => {
    const { close, okta, afterPassword } = await startSample({
      strategy: { factors: ['push', 'otp'] },
    });
    try {
      const user = okta.addUser();
      const browser = await afterPassword(user);
      const { location } = await browser.submit('/login/otp', { otp: okta.wrongOtp(user) });
      assert.equal(location, '/login/otp?factor=otp');
      assertErrorPage(await browser.get(location), /You have 4 attempts left/);
    } finally {
      await close();
    }
  });

  it('leaves neither a password nor a passcode in the session', async () => {
    const store = new MemoryStore();
    const { sessions } = store as unknown as { sessions: Record<string, string> };
    const { close, okta, newBrowser } = await startSample({ store });
    try {
      const user = okta.addUser();
      const browser = newBrowser();
      await browser.get('/login');
      const wrong = { username: user.username, password: 'Quite-Wrong-99' };
      await browser.submit('/login', wrong);
      assert.match(JSON.stringify(sessions), /Wrong username/);
      assert.doesNotMatch(JSON.stringify(sessions), /Quite-Wrong-99/);
      await browser.submit('/login', credentials(user));
      const otp = okta.wrongOtp(user);
      await browser.submit('/login/otp', { otp });
      assert.match(JSON.stringify(sessions), /attempts left/);
      assert.ok(!JSON.stringify(sessions).includes(otp));
    } finally {
      await close();
    }
  });

  it('that has expired in its own browser says so on the page, and is refused from anywhere else', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    const own = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' };
    const form = { _csrf: 'stale', username: 'ada', password: 'x' };
    const posted = postedTokens();
    assertRedirect(await browser.post('/login', { form, headers: own }), '/');
    const page = await browser.get('/login');
    assertErrorPage(page, /had been open for too long, so nothing was done/);
    for (const headers of [
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-mode': 'cors' },
    ]) {
      const refused = await browser.post('/login', { form, headers });
      assertErrorPage(refused, /This form has expired/, 403);
    }
    // Without cookies, the message of a redirect would be lost.
    const blocked = await newBrowser().post('/login', { form, headers: own });
    assertErrorPage(blocked, /your browser blocks cookies/, 403);
    assert.equal(postedTokens(), posted);
  });

  it('that has expired when somebody is signed in is said on the profile', async () => {
    const browser = await signedIn(sample.okta.addUser());
    const headers = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' };
    assertRedirect(await browser.post('/logout', { form: { _csrf: 'stale' }, headers }), '/');
    assertErrorPage(await browser.get('/profile'), /nothing was done\. Try again/);
    assert.doesNotMatch((await browser.get('/profile')).text, /Error:/);
  });
});

describe('a page of the second step', () => {
  it('says that nothing is in progress, and leads to the password', async () => {
    const browser = newBrowser();
    assertRedirect(await browser.get('/login/otp'), '/login');
    assertErrorPage(await browser.get('/login'), /There is no sign-in in progress/);
  });

  it('says that the sign-in has expired, when it is opened as when it is posted, with the username kept', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    for (const open of [
      (browser: FormBrowser) => browser.get('/login/otp'),
      (browser: FormBrowser) => browser.submit('/login/otp', { otp: '123456' }),
    ]) {
      const user = sample.okta.addUser();
      const browser = await afterPassword(user);
      t.mock.timers.tick(301_000);
      assertRedirect(await open(browser), '/login');
      const page = await browser.get('/login');
      assertErrorPage(page, /Your sign-in has expired/);
      assert.ok(inputTag(page, 'username').includes(`value="${user.username}"`));
      assert.match(inputTag(page, 'password'), /autofocus/);
    }
  });
});

describe('starting over', () => {
  it('keeps the username also of a sign-in that has expired, and nothing else', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    t.mock.timers.tick(301_000);
    const page = await browser.send('/login/restart', { username: 'somebody-else' });
    assert.ok(inputTag(page, 'username').includes(`value="${user.username}"`));
    assert.doesNotMatch(page.text, /Error:|role="alert"/);
  });
});

describe('the way to Okta for who cannot sign in', () => {
  const linksOf = ({ text }: Answer) =>
    Array.from(text.matchAll(/<li><a href="([^"]+)">([^<]+)/g), ([, href, label]) => [label, href]);

  it('leads to the pages of the org, where the stand-in says what Okta would do', async () => {
    const { origin, issuers } = sample.okta;
    const links = linksOf(await newBrowser().get('/login'));
    assert.deepEqual(links, [
      ['Forgot your password?', `${origin}/signin/forgot-password`],
      ['Unlock your account', `${origin}/signin/unlock`],
    ]);
    for (const [label = '', href = ''] of links) {
      const response = await fetch(href);
      assert.equal(response.status, 200);
      const text = await response.text();
      assert.ok(text.includes(`<h1>${label}</h1>`) && text.includes('At a real org'), text);
    }
    assert.equal((await fetch(`${origin}/signin/other`)).status, 404);
    const strategy = { issuer: issuers.default };
    const custom = await startSample({ strategy });
    try {
      const { text } = await custom.newBrowser().get('/login');
      assert.match(text, new RegExp(`href="${origin}/signin/unlock"`), 'of a custom server too');
    } finally {
      await custom.close();
    }
  });

  it('can be set, and left out', async () => {
    const { close, newBrowser } = await startSample({
      recovery: { forgotPassword: 'https://help.example.com/password', unlock: undefined },
    });
    try {
      assert.deepEqual(linksOf(await newBrowser().get('/login')), [
        ['Forgot your password?', 'https://help.example.com/password'],
      ]);
    } finally {
      await close();
    }
  });
});

describe('who is where', () => {
  it('asks guests to sign in', async () => {
    const browser = newBrowser();
    assertRedirect(await browser.get('/'), '/login');
    assertRedirect(await browser.get('/profile'), '/login');
    assertRedirect(await browser.get('/login/otp'), '/login');
  });

  it('leads who has signed in to the profile', async () => {
    const browser = await signedIn(sample.okta.addUser());
    for (const path of ['/', '/login', '/login/otp']) {
      assertRedirect(await browser.get(path), '/profile');
    }
  });

  it('signs out', async () => {
    const browser = await signedIn(sample.okta.addUser());
    await browser.get('/profile');
    assertRedirect(await browser.submit('/logout'), '/login');
    assert.match((await browser.get('/login')).text, /You have signed out/);
    assert.doesNotMatch((await browser.get('/login')).text, /You have signed out/, 'said once');
    assertRedirect(await browser.get('/profile'), '/login');
  });

  it('has a page for addresses that do not exist', async () => {
    assertErrorPage(await newBrowser().get('/nothing'), /There is no page at this address/, 404);
  });
});

describe('when Okta does not work', () => {
  it('offers to try again, and the transaction survives', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    sample.lines.length = 0;
    sample.okta.respondNext({ status: 502, body: 'Bad gateway' }, { endpoint: 'token' });
    const page = await browser.send('/login/otp', { otp: sample.okta.otp(user) });
    assertErrorPage(page, /Your password was accepted/);
    assert.match(page.text, /name="otp"/);
    assert.equal(sample.lines.length, 1);
    assert.doesNotMatch(page.text, /gateway|stack|undici/i);
    assert.doesNotMatch((await browser.get('/login/otp')).text, /Error:/, 'said once');
    assertRedirect(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }), '/profile');
  });

  it('says that it is the site and not the person when the client is refused', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    sample.lines.length = 0;
    sample.okta.respondNext({ status: 401, body: { error: 'invalid_client' } });
    const page = await browser.submit('/login', credentials(sample.okta.addUser()));
    assertErrorPage(page, /This is a problem with the site/, 500);
    assert.doesNotMatch(page.text, /invalid_client/);
    assert.match(sample.lines.join('\n'), /^invalid_client: /);
  });

  it('says so when the session store fails, and names nothing', async () => {
    const store = new MemoryStore();
    const { close, origin, okta } = await startSample({ store });
    try {
      const browser = new FormBrowser(origin);
      await browser.get('/login');
      const set = store.set.bind(store);
      store.set = (_id, _session, callback) => {
        store.set = set;
        callback?.(new Error('store down'));
      };
      const page = await browser.submit('/login', credentials(okta.users.alice));
      assertErrorPage(page, /Something went wrong/, 500);
      assert.doesNotMatch(page.text, /store down/);
    } finally {
      await close();
    }
  });
});

describe('security', () => {
  for (const path of ['/login', '/login/otp', '/login/restart', '/logout']) {
    it(`refuses POST ${path} without the CSRF token`, async () => {
      const browser = await afterPassword(sample.okta.addUser());
      const page = await browser.post(path, { form: { otp: '1' } });
      assertErrorPage(page, /This form has expired/, 403);
      const form = { _csrf: 'x'.repeat(64), otp: '1' };
      assertErrorPage(await browser.post(path, { form }), /This form has expired/, 403);
    });
  }

  it('has nothing inline that the policy would block', async () => {
    const { text } = await newBrowser().get('/login');
    assert.doesNotMatch(text, /<style|style="|<script>| on\w+="/);
  });

  it('serves its own stylesheet, script and icon', async () => {
    for (const [path, type] of [
      ['/app.css', 'text/css'],
      ['/app.js', 'text/javascript'],
      ['/mark.svg', 'image/svg+xml'],
    ] as const) {
      const { status, headers } = await newBrowser().get(path);
      assert.equal(status, 200);
      assert.ok(String(headers['content-type']).startsWith(type), path);
    }
  });

  it('makes the cookie secure and bound to the host in production', async () => {
    const { close, origin } = await startSample({
      production: true,
      trustProxy: 1,
      store: new MemoryStore(),
    });
    try {
      const { headers } = await raw(origin, '/login', 'GET', { 'x-forwarded-proto': 'https' });
      assert.match(
        String(headers['set-cookie']),
        /^__Host-session=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      );
    } finally {
      await close();
    }
  });

  it('limits the sign-in posts of one address, in pages and in JSON', async () => {
    const { close, origin } = await startSample({ rateLimit: { windowMs: 60_000, limit: 2 } });
    try {
      const browser = new FormBrowser(origin);
      await browser.get('/login');
      const wrong = { username: 'nobody@example.com', password: 'x' };
      for (let i = 0; i < 2; i++)
        assertErrorPage(await browser.send('/login', wrong), /Wrong username/);
      const page = await browser.send('/login', wrong);
      assertErrorPage(page, /Too many attempts\. Wait \d+ seconds/);
      assert.ok(inputTag(page, 'username').includes('value="nobody@example.com"'));
      assert.match(page.text, /data-retry-after="[56]\d"/);
      assertErrorPage(await browser.send('/login/otp', { otp: '1' }), /Too many attempts/);
      const { csrfToken } = (await browser.get('/api/csrf')).body;
      const headers = { 'x-csrf-token': String(csrfToken) };
      const { status, body, headers: sent } = await browser.post('/api/login', { headers });
      assert.deepEqual([status, body['code']], [429, 'rate_limited']);
      assert.ok(Number(sent['retry-after']) > 50);
    } finally {
      await close();
    }
  });
});

describe('the limit of a username', () => {
  const usernameLimit = { windowMs: 60_000, limit: 3 };
  let limited: Sample;
  before(async () => {
    limited = await startSample({ usernameLimit });
  });
  after(() => limited.close());
  /** From another browser each time. */
  async function tryPassword(username: string, password = 'Quite-Wrong-99') {
    const browser = limited.newBrowser();
    await browser.get('/login');
    return browser.send('/login', { username, password });
  }
  const wrongPassword = /Wrong username or password/;
  const tooMany = /Too many attempts\. Wait \d+ seconds/;

  it('counts every spelling that Okta takes for the same, known or not', async () => {
    for (const [spellings, other] of [
      [['ann@example.com', 'ANN@Example.com', '  ann@example.com\t'], 'ann@example.org'],
      // Full-width, a ligature, and two ways to write one letter.
      [['ｂｏb@example.com', 'bob＠example.com', '\u3000BOB@example.com'], 'bobb@example.com'],
      [['Ze\u0301e@example.com', 'z\u00e9e@example.com', 'zÉe@example.com'], 'zee@example.com'],
      [['ﬁona@example.com', 'fiona@example.com', 'FIONA@example.com'], 'fion@example.com'],
    ] as const) {
      for (const spelling of spellings) assertErrorPage(await tryPassword(spelling), wrongPassword);
      const page = await tryPassword(spellings[0]);
      assertErrorPage(page, tooMany);
      assert.match(page.text, /data-retry-after="[56]\d"/);
      assertErrorPage(await tryPassword(spellings[1]), tooMany);
      assertErrorPage(await tryPassword(other), wrongPassword);
    }
  });

  it('counts passcodes by the transaction, whatever username stands beside them', async () => {
    const user = limited.okta.addUser();
    const browser = await limited.afterPassword(user);
    const wrong = () => ({ otp: limited.okta.wrongOtp(user), username: crypto.randomUUID() });
    for (let count = 0; count < 2; count += 1) {
      assertErrorPage(await browser.send('/login/otp', wrong()), /Wrong passcode/);
    }
    const asked = limited.okta.requests.length;
    assertErrorPage(await browser.send('/login/otp', wrong()), /Too many attempts/);
    assert.equal(limited.okta.requests.length, asked);
    assertErrorPage(await tryPassword(user.username, user.password), tooMany);
    assert.equal((await browser.get('/login/otp')).status, 200, 'the transaction is kept');
  });

  it('does not count forged forms, nor those without a username', async () => {
    const user = limited.okta.addUser();
    const forging = limited.newBrowser();
    for (let count = 0; count < 4; count += 1) {
      assert.equal((await forging.post('/login', { form: credentials(user) })).status, 403);
      assertErrorPage(await tryPassword('', 'x'), /Enter your username/);
    }
    const page = await tryPassword(user.username, user.password);
    assert.match(page.text, /Enter your passcode/);
  });

  it('is not used up by an address that is over its own limit', async () => {
    const { close, origin, okta } = await startSample({
      usernameLimit,
      trustProxy: 1,
      rateLimit: { windowMs: 60_000, limit: 3 },
    });
    try {
      const user = okta.addUser();
      const from = async (address: string, fields: Record<string, string>) => {
        const browser = new FormBrowser(origin);
        const form = { _csrf: tokenOf(await browser.get('/login')), ...fields };
        return browser.post('/login', { form, headers: { 'x-forwarded-for': address } });
      };
      for (let count = 0; count < 3; count += 1) {
        await from('192.0.2.1', { username: `nobody-${count}`, password: 'x' });
      }
      for (let count = 0; count < 4; count += 1) {
        assertRedirect(await from('192.0.2.1', credentials(user)), '/login');
      }
      assertRedirect(await from('192.0.2.2', credentials(user)), '/login/otp');
    } finally {
      await close();
    }
  });
});

describe('the JSON route', () => {
  async function jsonClient() {
    const browser = newBrowser();
    const { csrfToken } = (await browser.get('/api/csrf')).body;
    const headers = { 'x-csrf-token': String(csrfToken) };
    const login = (json: object) => browser.post('/api/login', { json, headers });
    return { browser, login };
  }

  it('signals that a passcode is needed, counts wrong ones, and answers with the user', async () => {
    const user = sample.okta.addUser();
    const { browser, login } = await jsonClient();

    const first = await login({ username: user.username, password: user.password });
    assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required']);
    assert.ok(Number(first.body['expiresAt']) > Date.now());
    assert.equal(typeof first.body['message'], 'string');

    const wrong = await login({ otp: sample.okta.wrongOtp(user) });
    assert.deepEqual([wrong.status, wrong.body['code']], [401, 'invalid_otp']);
    assert.equal(wrong.body['attemptsRemaining'], 4);

    const last = await login({ otp: sample.okta.otp(user) });
    assert.equal(last.status, 200);
    const { claims } = last.body['user'] as { claims: { sub: string } };
    assert.equal(claims.sub, user.id);
    assert.equal((await browser.get('/profile')).status, 200);
  });

  it('refuses without the CSRF header', async () => {
    const { status, body } = await newBrowser().post('/api/login');
    assert.deepEqual([status, body['code']], [403, 'invalid_csrf_token']);
  });

  it('answers errors in JSON, without details', async () => {
    const { login } = await jsonClient();
    sample.okta.respondNext('reset', { endpoint: 'token' });
    const { status, body } = await login({ username: 'a', password: 'b' });
    assert.equal(status, 503);
    assert.deepEqual(Object.keys(body), ['code', 'message']);
    assert.equal(body['code'], 'sign_in_unavailable');
  });

  it('says what is missing when the body is empty', async () => {
    const { login } = await jsonClient();
    const { status, body } = await login({});
    assert.deepEqual([status, body['code']], [400, 'missing_credentials']);
  });
});

describe('the demo', () => {
  it('shows its account and a QR code to set up an authenticator', async () => {
    assert.match((await newBrowser().get('/login')).text, /Try the demo/);
    const { text } = await newBrowser().get('/login/authenticator');
    assert.match(text, /<img class="qr" src="data:image\/png;base64,[^"]+"/);
    assert.match(text, /JBSW Y3DP/);
    assert.match(text, /href="otpauth:\/\/totp\/[^"]*secret=JBSWY3DP/);
  });

  it('is nowhere to be seen with a real org', async () => {
    const { close, origin } = await startSample();
    try {
      assert.doesNotMatch(
        (await new FormBrowser(origin).get('/login')).text,
        /demo|authenticator/i,
      );
      assert.equal((await new FormBrowser(origin).get('/login/authenticator')).status, 404);
    } finally {
      await close();
    }
  });

  it('refuses to be made with options that cannot work', () => {
    const okta = { issuer: 'https://{yourOktaDomain}', clientID: 'x' };
    assert.throws(() => createApp({ okta, sessionSecret: 'x' }), TypeError);
  });
});
