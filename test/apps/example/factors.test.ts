import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FACTORS } from '../../../example/express/demo.js';
import type { Okta, User } from '../../../example/okta/index.js';
import type { Answer } from '../../support/browser.js';
import { assertRedirect, startSample, tokenOf, type FormBrowser, type Sample } from './support.js';

let sample: Sample;
before(async () => {
  sample = await startSample({ demo: true, strategy: { factors: FACTORS } });
});
after(() => sample.close());

const okta = (): Okta => sample.okta;
const ALL = {
  push: { numberChallenge: true },
  sms: '+1 555 0100',
  voice: '+1 555 0100',
  email: {},
};
const newUser = (given: Partial<User> = {}) => okta().addUser({ factors: ALL, ...given });

/** The value of the hidden field `challenge` on a page. */
const challengeOf = ({ text }: Answer) => /name="challenge" value="([^"]+)"/.exec(text)?.[1] ?? '';

const challengesAsked = () =>
  okta().requests.filter(({ path }) => path.endsWith('/challenge')).length;

/** Presses the button of a factor, and gives the page that it leads to. */
async function choose(browser: FormBrowser, factor: string): Promise<Answer> {
  assertRedirect(await browser.submit('/login/otp', { factor }), '/login/otp');
  return browser.get('/login/otp');
}

/** As the script of the push page asks. */
function poll(browser: FormBrowser, challenge: string, csrf: string) {
  return browser.post('/login/otp', {
    form: { _csrf: csrf, challenge },
    headers: { accept: 'application/json' },
  });
}

describe('the choice of a second factor', () => {
  it('shows the passcode first and the other ways below, and sends nothing by itself', async () => {
    const asked = challengesAsked();
    const browser = await sample.afterPassword(newUser());
    const page = await browser.get('/login/otp');
    assert.match(page.text, /<h1>Enter your passcode<\/h1>/);
    for (const factor of ['push', 'sms', 'voice', 'email', 'webauthn'])
      assert.match(page.text, new RegExp(`name="factor" value="${factor}"`));
    assert.doesNotMatch(page.text, /name="factor" value="otp"/);
    assert.equal(challengesAsked(), asked);
  });

  it('goes back from a push to the passcode, which logs in', async () => {
    const user = newUser();
    const browser = await sample.afterPassword(user);
    await choose(browser, 'push');
    const answer = await browser.submit('/login/otp', { factor: 'otp' });
    assertRedirect(answer, '/login/otp?factor=otp');
    assert.match((await browser.get(answer.location!)).text, /Enter your passcode/);
    assertRedirect(await browser.submit('/login/otp', { otp: okta().otp(user) }), '/profile');
  });

  it('says which way is not possible, and offers it no more', async () => {
    const browser = await sample.afterPassword(newUser({ factors: {} }));
    const page = await browser.send('/login/otp', { factor: 'sms' });
    assert.match(page.text, /A text message is not possible for your account/);
    assert.doesNotMatch(page.text, /value="sms"/);
  });

  it('refuses a way that there is none of', async () => {
    const browser = await sample.afterPassword(newUser());
    const page = await browser.send('/login/otp', { factor: 'fax' });
    assert.match(page.text, /This way is not available/);
  });
});

describe('a push', () => {
  it('shows its number, and logs in with the button once approved', async () => {
    const user = newUser();
    const browser = await sample.afterPassword(user);
    const page = await choose(browser, 'push');
    const [push] = okta().phone(user).pushes();
    const shown = /<p class="number"[^>]*>\s*(\d+)\s*<\/p>/.exec(page.text)?.[1];
    assert.equal(shown, push?.number);
    assert.match(page.text, /<script src="\/push\.js" defer>/);
    assert.match(page.text, /role="status"/);
    okta().phone(user).approve();
    assertRedirect(
      await browser.submit('/login/otp', { challenge: challengeOf(page) }),
      '/profile',
    );
  });

  it('is pending for the script, however often it asks, and uses up no limit', async () => {
    const user = newUser();
    const browser = await sample.afterPassword(user);
    const page = await choose(browser, 'push');
    const pending = await poll(browser, challengeOf(page), tokenOf(page));
    assert.deepEqual([pending.status, pending.body['code']], [403, 'authorization_pending']);
    // Far over the limit for a username; the strategy itself answers those that come too early.
    for (let i = 0; i < 25; i++) {
      const { body } = await poll(browser, challengeOf(page), tokenOf(page));
      assert.equal(body['code'], 'authorization_pending');
    }
  });

  it('that is refused leaves the other ways', async () => {
    const user = newUser();
    const browser = await sample.afterPassword(user);
    const page = await choose(browser, 'push');
    okta().phone(user).deny();
    const refused = await browser.send('/login/otp', { challenge: challengeOf(page) });
    assert.match(refused.text, /<title>Error: /);
    assert.match(refused.text, /refused on your phone/);
    assert.match(refused.text, /value="sms"/);
    assert.doesNotMatch(refused.text, /class="number"/);
  });

  it('without a number is not waited for', async () => {
    const browser = await sample.afterPassword(
      newUser({ factors: { push: { numberChallenge: false } } }),
    );
    const page = await browser.send('/login/otp', { factor: 'push' });
    assert.match(page.text, /no number to compare/);
  });

  it('is not sent again at once, and the page stays', async () => {
    const user = newUser();
    const browser = await sample.afterPassword(user);
    assert.match((await choose(browser, 'push')).text, /data-wait="\d+"/);
    const again = await browser.send('/login/otp', { factor: 'push' });
    assert.match(again.text, /before you send again/);
    assert.match(again.text, /class="number"/);
    assert.equal(okta().phone(user).pushes().length, 1);
  });

  it('asked about from a stale page is answered with the one that is out', async () => {
    const browser = await sample.afterPassword(newUser());
    await choose(browser, 'push');
    const page = await browser.send('/login/otp', { challenge: 'another' });
    assert.match(page.text, /out of date/);
    assert.match(page.text, /class="number"/);
  });
});

describe('a code', () => {
  for (const [factor, where, keyboard] of [
    ['sms', /text message with a code/, /inputmode="numeric"/],
    ['voice', /We are calling your phone/, /inputmode="numeric"/],
    ['email', /email with a code/, /autocapitalize="none"/],
  ] as const) {
    it(`by ${factor} says where it went, and logs in`, async () => {
      const user = newUser();
      const browser = await sample.afterPassword(user);
      const page = await choose(browser, factor);
      assert.match(page.text, where);
      const input = /<input[^>]*name="otp"[^>]*>/.exec(page.text)?.[0] ?? '';
      assert.match(input, keyboard);
      assert.match(input, /autocomplete="one-time-code"/);
      if (factor === 'email') assert.doesNotMatch(input, /inputmode|pattern/);

      const challenge = challengeOf(page);
      const wrong = await browser.send('/login/otp', { challenge, otp: '000' });
      assert.match(wrong.text, /id="otp-error"[^>]*>\s*Wrong code\. Check it/);
      const otp = okta().phone(user).code(factor);
      assertRedirect(await browser.submit('/login/otp', { challenge, otp }), '/profile');
    });
  }
});

describe('a passkey', () => {
  it('has its options in the page, and an answer that is none is refused', async () => {
    const user = newUser();
    okta().createPasskey(user);
    const browser = await sample.afterPassword(user);
    const page = await choose(browser, 'webauthn');
    assert.match(page.text, /data-public-key="\{&quot;/);
    assert.match(page.text, /<noscript>/);
    const challenge = challengeOf(page);
    const refused = await browser.send('/login/otp', { challenge, assertion: '{}' });
    assert.match(refused.text, /role="alert"/);
  });
});

describe('a script that asks for JSON', () => {
  it('gets the codes of each step, what waits, and the user', async () => {
    const user = newUser();
    const browser = sample.newBrowser();
    const headers = {
      accept: 'application/json',
      'x-csrf-token': String((await browser.get('/api/csrf')).body['csrfToken']),
    };
    const { username, password } = user;
    const first = await browser.post('/login', { json: { username, password }, headers });
    assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required']);

    headers['x-csrf-token'] = String((await browser.get('/api/csrf')).body['csrfToken']);
    const sent = await browser.post('/login', { json: { factor: 'sms' }, headers });
    assert.deepEqual([sent.status, sent.body['code']], [403, 'code_sent']);
    const { pending } = (await browser.get('/api/login')).body as {
      pending: { challenge: { id: string } };
    };
    assert.equal(pending.challenge.id, sent.body['challenge']);

    const json = { challenge: pending.challenge.id, otp: okta().phone(user).code('sms') };
    const login = await browser.post('/login', { json, headers });
    assert.equal(login.status, 200, login.text);
    assert.equal((login.body['user'] as { username: string }).username, username);
    assert.deepEqual((await browser.get('/api/login')).body, { pending: null });
  });
});
