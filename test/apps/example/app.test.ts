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
const afterPassword = (user: User) => sample.afterPassword(user);
const signedIn = (user: User) => sample.signedIn(user);

function assertErrorPage(page: Answer, status: number, text: RegExp) {
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

  it('answers a wrong password on the same page, with the username kept and the focus on the password', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    await browser.get('/login');
    const page = await browser.submit('/login', { username: user.username, password: 'wrong' });
    assertErrorPage(page, 401, /Wrong username or password/);
    assert.ok(inputTag(page, 'username').includes(`value="${user.username}"`));
    assert.match(inputTag(page, 'password'), /aria-describedby="password-error"/);
    assert.match(inputTag(page, 'password'), /aria-invalid="true"/);
    assert.match(inputTag(page, 'password'), /autofocus/);
    assert.match(page.text, /role="alert" id="password-error"/);
    assert.ok(!page.text.includes('value="wrong"'), 'the password is not sent back');
    assertRedirect(await browser.submit('/login', credentials(user)), '/login/otp');
  });

  it('says the same of a locked account as of a wrong password', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    const page = await browser.submit('/login', credentials(sample.okta.users.carol));
    assertErrorPage(page, 401, /Wrong username or password/);
  });

  it('names each field that was left empty', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    const page = await browser.submit('/login', { username: '', password: '' });
    assertErrorPage(page, 400, /id="username-error"[^<]*>Enter your username/);
    assert.match(page.text, /id="password-error"[^<]*>Enter your password/);
    assert.match(inputTag(page, 'username'), /autofocus/);
  });

  it('says how many tries are left after a wrong passcode, and lets the right one in', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    const page = await browser.submit('/login/otp', { otp: sample.okta.wrongOtp(user) });
    assertErrorPage(page, 401, /You have 4 attempts left/);
    assert.match(
      inputTag(page, 'otp'),
      /aria-describedby="otp-hint otp-error"\s+aria-invalid="true"/,
    );
    assertRedirect(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }), '/profile');
  });

  it('asks for the passcode again when it was left empty', async () => {
    const browser = await afterPassword(sample.okta.addUser());
    assertErrorPage(
      await browser.submit('/login/otp', { otp: ' ' }),
      400,
      /Enter the six-digit passcode/,
    );
  });

  it('leads back to the password after too many wrong passcodes', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    const otp = sample.okta.wrongOtp(user);
    const fourth = [];
    for (let i = 0; i < 4; i++) fourth.push(await browser.submit('/login/otp', { otp }));
    assertErrorPage(fourth[3]!, 401, /You have 1 attempt left/);
    const fifth = await browser.submit('/login/otp', { otp });
    assertErrorPage(fifth, 401, /Too many wrong passcodes\. Enter your password/);
    assert.match(fifth.text, /action="\/login"/);
    assertRedirect(await browser.get('/login/otp'), '/login');
  });

  it('refuses with the reason when an account may not use the app or has no second step', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    const { bob, dave } = sample.okta.users;
    assertErrorPage(
      await browser.submit('/login', credentials(dave)),
      403,
      /You are not allowed to sign in to this application/,
    );
    assertErrorPage(
      await browser.submit('/login', credentials(bob)),
      403,
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
    const page = await browser.submit('/login/otp', { otp: sample.okta.otp(user) });
    assertErrorPage(page, 429, /Too many attempts\. Wait \d+ seconds/);
    assert.match(page.text, /data-retry-after="\d+"/);
    const retryAfter = Number(page.headers['retry-after']);
    assert.ok(retryAfter > 25 && retryAfter <= 31, String(retryAfter));
    assertRedirect(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }), '/profile');
  });

  it('starts over on demand', async () => {
    const browser = await afterPassword(sample.okta.addUser());
    assertRedirect(await browser.submit('/login/restart'), '/login');
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
    assertErrorPage(await newBrowser().get('/nothing'), 404, /There is no page at this address/);
  });
});

describe('when Okta does not work', () => {
  it('offers to try again, and the transaction survives', async () => {
    const user = sample.okta.addUser();
    const browser = await afterPassword(user);
    sample.lines.length = 0;
    sample.okta.respondNext({ status: 502, body: 'Bad gateway' }, { endpoint: 'token' });
    const page = await browser.submit('/login/otp', { otp: sample.okta.otp(user) });
    assertErrorPage(page, 502, /Your password was accepted/);
    assert.match(page.text, /href="\/login\/otp"/);
    assert.equal(sample.lines.length, 1);
    assert.doesNotMatch(page.text, /gateway|stack|undici/i);

    assert.equal((await browser.get('/login/otp')).status, 200);
    assertRedirect(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }), '/profile');
  });

  it('says that it is the site and not the person when the client is refused', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    sample.lines.length = 0;
    sample.okta.respondNext({ status: 401, body: { error: 'invalid_client' } });
    const page = await browser.submit('/login', credentials(sample.okta.addUser()));
    assertErrorPage(page, 500, /This is a problem with the site/);
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
      assertErrorPage(page, 500, /Something went wrong/);
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
      assertErrorPage(
        await browser.post(path, { form: { otp: '1' } }),
        403,
        /This form has expired/,
      );
      const form = { _csrf: 'x'.repeat(64), otp: '1' };
      assertErrorPage(await browser.post(path, { form }), 403, /This form has expired/);
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
      for (let i = 0; i < 2; i++) assert.equal((await browser.submit('/login', wrong)).status, 401);
      const page = await browser.submit('/login', wrong);
      assertErrorPage(page, 429, /Too many attempts\. Wait \d+ seconds/);
      assert.ok(Number(page.headers['retry-after']) > 50);
      assert.equal((await browser.submit('/login/otp', { otp: '1' })).status, 429);
      const { csrfToken } = (await browser.get('/api/csrf')).body;
      const headers = { 'x-csrf-token': String(csrfToken) };
      const { status, body } = await browser.post('/api/login', { headers });
      assert.deepEqual([status, body['code']], [429, 'rate_limited']);
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
    return browser.submit('/login', { username, password });
  }

  it('counts every spelling that Okta takes for the same, known or not', async () => {
    for (const [spellings, other] of [
      [['ann@example.com', 'ANN@Example.com', '  ann@example.com\t'], 'ann@example.org'],
      // Full-width, a ligature, and two ways to write one letter.
      [['ｂｏb@example.com', 'bob＠example.com', '\u3000BOB@example.com'], 'bobb@example.com'],
      [['Ze\u0301e@example.com', 'z\u00e9e@example.com', 'zÉe@example.com'], 'zee@example.com'],
      [['ﬁona@example.com', 'fiona@example.com', 'FIONA@example.com'], 'fion@example.com'],
    ] as const) {
      for (const spelling of spellings) assert.equal((await tryPassword(spelling)).status, 401);
      const page = await tryPassword(spellings[0]);
      assertErrorPage(page, 429, /Too many attempts\. Wait \d+ seconds/);
      assert.ok(Number(page.headers['retry-after']) > 50);
      assert.equal((await tryPassword(spellings[1])).status, 429);
      assert.equal((await tryPassword(other)).status, 401, other);
    }
  });

  it('counts passcodes by the transaction, whatever username stands beside them', async () => {
    const user = limited.okta.addUser();
    const browser = await limited.afterPassword(user);
    const wrong = () => ({ otp: limited.okta.wrongOtp(user), username: crypto.randomUUID() });
    for (let count = 0; count < 2; count += 1) {
      assert.equal((await browser.submit('/login/otp', wrong())).status, 401);
    }
    const asked = limited.okta.requests.length;
    assertErrorPage(await browser.submit('/login/otp', wrong()), 429, /Too many attempts/);
    assert.equal(limited.okta.requests.length, asked);
    assert.equal((await tryPassword(user.username, user.password)).status, 429);
    assert.equal((await browser.get('/login/otp')).status, 200, 'the transaction is kept');
  });

  it('does not count forged forms, nor those without a username', async () => {
    const user = limited.okta.addUser();
    const forging = limited.newBrowser();
    for (let count = 0; count < 4; count += 1) {
      assert.equal((await forging.post('/login', { form: credentials(user) })).status, 403);
      assert.equal((await tryPassword('', 'x')).status, 400);
    }
    assert.equal((await tryPassword(user.username, user.password)).status, 302);
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
        assert.equal((await from('192.0.2.1', credentials(user))).status, 429);
      }
      assert.equal((await from('192.0.2.2', credentials(user))).status, 302);
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
