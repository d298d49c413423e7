import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import jwt from 'jsonwebtoken';
import type { Okta } from '../../example/okta/index.js';
import {
  addSecrets,
  CHALLENGE_STEP,
  choose,
  Clock,
  hold,
  MFA_OOB,
  MFA_OTP,
  MFA_WEBAUTHN,
  OOB_STEP,
  optionsFor,
  passPassword,
  poll,
  scene,
  sceneAtChoice,
  sceneAtPush,
  codeOf,
  FACTORS,
  sendOtp,
  sendPassword,
  useOkta,
  watchChallengeRequests,
  watchTokenRequests,
  whoIs,
  type Answer,
  type Browser,
  type Scene,
} from '../support/index.js';

const clock = new Clock();
let okta: Okta;
useOkta((started) => (okta = started), { now: clock.now, rateLimitPerSecond: Infinity });
beforeEach(() => clock.stop());
afterEach(() => clock.reset());

/** What reaches Okta from now on: `challenge`, or the grant. */
function watchOkta(): () => string[] {
  const start = okta.requests.length;
  return () =>
    okta.requests
      .slice(start)
      .filter(({ path }) => /\/v1\/(token|challenge)$/.test(path))
      .map(({ path, form }) => form['grant_type'] ?? path.split('/').at(-1) ?? '');
}

async function assertLoggedIn(answer: Answer, { app, browser, user }: Scene): Promise<void> {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(await whoIs(browser), user.id);
  assert.equal(app.store.waiting(browser.sessionID), undefined, 'nothing waits any more');
  assert.deepEqual(app.errors, []);
}

const answerPasskey = (
  passkey: ReturnType<Okta['createPasskey']>,
  { body }: Answer,
  page: Parameters<typeof passkey.answer>[1] = { origin: 'http://localhost:3000' },
) => passkey.answer(body['publicKey'] as { challenge: string }, page);

const sendAssertion = (browser: Browser, assertion: unknown, challenge?: unknown) =>
  browser.post('/login', {
    json: { assertion, ...(challenge === undefined ? {} : { challenge }) },
  });

describe('A push with a number to compare', () => {
  it('is shown, waited for and approved; each request is at most one to Okta', async (t) => {
    const set = await sceneAtChoice(t);
    const { app, browser, user } = set;
    const asked = watchOkta();
    const waited = watchTokenRequests(okta);
    const challenged = watchChallengeRequests(okta);

    const { body, status } = await choose(browser, 'push');
    assert.equal(status, 403);
    const { code, factor, challenge, numberChallenge, interval, expiresAt, message } = body;
    assert.deepEqual([code, factor, interval], ['authorization_pending', 'push', 5]);
    const [push] = okta.phone(user).pushes();
    assert.equal(numberChallenge, push?.number);
    assert.match(String(message), new RegExp(`\\b${push?.number}\\b`));
    assert.equal(expiresAt, app.store.waiting(browser.sessionID)?.challenge?.expiresAt);
    const { client_id, mfa_token, ...sent } = challenged()[0]!.form;
    assert.deepEqual(sent, { challenge_types_supported: MFA_OOB, channel_hint: 'push' });
    assert.ok(mfa_token !== undefined && client_id !== undefined);

    const pending = await poll(browser, challenge);
    assert.deepEqual(pending.body, body, 'the same as before');
    okta.phone(user).approve();
    clock.pass(5);
    await assertLoggedIn(await poll(browser, challenge), set);
    assert.deepEqual(asked(), ['challenge', MFA_OOB, MFA_OOB]);
    const { oob_code, ...polled } = waited()[1]!.form;
    assert.deepEqual(polled, {
      grant_type: MFA_OOB,
      client_id,
      mfa_token,
      scope: 'openid profile',
    });
    assert.ok(oob_code);
    assert.deepEqual(app.logins[0]?.tokens.claims['amr'], ['mfa', 'okta_verify', 'pwd']);
  });

  it('that is denied, or answered with a wrong number, leaves the login for another factor [7]', async (t) => {
    for (const answer of ['deny', 'tapWrongNumber'] as const) {
      const set = await sceneAtPush(t);
      okta.phone(set.user)[answer]();
      const rejected = await poll(set.browser, set.id);
      assert.deepEqual([rejected.status, codeOf(rejected)], [401, 'push_rejected']);
      const waiting = set.app.store.waiting(set.browser.sessionID);
      assert.deepEqual([waiting?.attempts, waiting?.challenge], [0, undefined]);
      assert.equal(codeOf(await poll(set.browser, set.id)), 'challenge_replaced');
      await assertLoggedIn(await sendOtp(set.browser, okta.otp(set.user)), set);
    }
  });

  it('polled too early is answered without Okta, and writes no session [13, 21]', async (t) => {
    const { app, browser, id, sent } = await sceneAtPush(t);
    const writes: string[] = [];
    app.store.before = (operation) => operation === 'set' && writes.push(operation);
    const asked = watchOkta();
    for (let tries = 0; tries < 5; tries += 1) {
      assert.deepEqual((await poll(browser, id)).body, sent.body);
    }
    assert.deepEqual(asked(), [MFA_OOB]);
    clock.pass(4.9);
    await poll(browser, id);
    assert.equal(asked().length, 1);
    clock.pass(0.1);
    await poll(browser, id);
    assert.equal(asked().length, 2);
    assert.deepEqual(writes, []);
  });

  it('is over when it has expired, without asking Okta', async (t) => {
    const { browser, id, app } = await sceneAtPush(t, { options: { transactionMaxAge: 600 } });
    clock.pass(301);
    const asked = watchOkta();
    assert.equal(codeOf(await poll(browser, id)), 'challenge_expired');
    assert.deepEqual(asked(), []);
    assert.equal(app.store.waiting(browser.sessionID)?.challenge, undefined);
  });

  it('polled in two tabs at once is one request to Okta, and both are logged in [12]', async (t) => {
    const set = await sceneAtPush(t);
    okta.phone(set.user).approve();
    const held = hold(okta, OOB_STEP);
    const asked = watchOkta();
    const one = poll(set.browser, set.id);
    await held.arrived();
    const tab = set.browser.fork();
    const other = poll(tab, set.id);
    held.letGo();
    const answers = await Promise.all([one, other]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
    assert.deepEqual(asked(), [MFA_OOB]);
    assert.equal(set.app.logins.length, 1, 'verify is called once');
    assert.deepEqual([await whoIs(set.browser), await whoIs(tab)], [set.user.id, set.user.id]);
  });

  it('polled after the success of another tab is mfa_transaction_missing, and nobody is signed out [14]', async (t) => {
    const set = await sceneAtPush(t);
    okta.phone(set.user).approve();
    await assertLoggedIn(await poll(set.browser, set.id), set);
    const asked = watchOkta();
    const late = await poll(set.browser, set.id);
    assert.deepEqual([late.status, codeOf(late)], [401, 'mfa_transaction_missing']);
    assert.deepEqual(asked(), []);
    assert.equal(await whoIs(set.browser), set.user.id);
  });

  it('approved while the login is cancelled is no login [16]', async (t) => {
    const { app, browser, user, id } = await sceneAtPush(t);
    okta.phone(user).approve();
    const held = hold(okta, OOB_STEP);
    const answer = poll(browser, id);
    await held.arrived();
    assert.equal((await browser.fork().post('/cancel')).status, 200, 'it does not wait for Okta');
    held.letGo();
    assert.equal(codeOf(await answer), 'mfa_transaction_missing');
    assert.equal(app.logins.length, 0);
    assert.equal(await whoIs(browser), undefined);
  });

  it('approved after it was given up for another factor is no login [19]', async (t) => {
    const { app, browser, user, id } = await sceneAtPush(t);
    okta.phone(user).approve();
    const held = hold(okta, OOB_STEP);
    const answer = poll(browser, id);
    await held.arrived();
    assert.equal(codeOf(await choose(browser.fork(), 'otp')), 'mfa_required');
    held.letGo();
    assert.equal(codeOf(await answer), 'challenge_replaced');
    assert.equal(app.logins.length, 0);
    assert.equal(await whoIs(browser), undefined);
  });

  it('of one person is not completed in a browser where another has signed in meanwhile [17]', async (t) => {
    const { app, browser, user: ada, id } = await sceneAtPush(t);
    const bea = okta.addUser({ factors: { push: { numberChallenge: true } } });
    await passPassword(browser, bea);
    okta.phone(ada).approve();
    assert.equal(codeOf(await poll(browser, id)), 'challenge_replaced');
    const mine = await choose(browser, 'push');
    okta.phone(bea).approve();
    assert.equal(codeOf(await poll(browser, id)), 'challenge_replaced');
    assert.equal((await poll(browser, mine.body['challenge'])).status, 200);
    assert.equal(await whoIs(browser), bea.id);
    assert.deepEqual(
      app.logins.map(({ profile }) => profile.id),
      [bea.id],
    );
  });
});

describe('A push without a number', () => {
  const user = { factors: { push: { numberChallenge: false } } };

  it('is not waited for unless the app says so', async (t) => {
    const { app, browser, user: person } = await sceneAtChoice(t, { user });
    const answer = await choose(browser, 'push');
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'number_challenge_required']);
    const waiting = app.store.waiting(browser.sessionID);
    assert.equal(waiting?.challenge, undefined);
    okta.phone(person).approve();
    // It has rung: the next one has to wait.
    const again = await choose(browser, 'push');
    assert.deepEqual([again.status, codeOf(again)], [429, 'too_many_challenges']);
    assert.equal(okta.phone(person).pushes().length, 0, 'none is sent again');
    assert.equal(app.logins.length, 0);
  });

  it('logs in with requireNumberChallenge: false', async (t) => {
    const set = await sceneAtPush(t, { user, options: { requireNumberChallenge: false } });
    assert.ok(!('numberChallenge' in set.sent.body));
    okta.phone(set.user).approve();
    await assertLoggedIn(await poll(set.browser, set.id), set);
  });
});

describe('A code by', () => {
  for (const factor of ['sms', 'voice', 'email'] as const) {
    it(`${factor} logs in, a wrong one before it counts [7]`, async (t) => {
      const set = await sceneAtChoice(t);
      const { app, browser, user } = set;
      const asked = watchOkta();
      const challenged = watchChallengeRequests(okta);
      const { status, body } = await choose(browser, factor);
      assert.deepEqual([status, body['code'], body['factor']], [403, 'code_sent', factor]);
      assert.equal(challenged()[0]?.form['channel_hint'], factor);
      assert.ok(Number(body['resendAt']) <= Number(body['expiresAt']));
      const { challenge } = body;

      // A push's question is answered without Okta.
      assert.deepEqual((await poll(browser, challenge)).body, body);
      const code = okta.phone(user).code(factor);
      const other = code === '000000' ? '000001' : '000000';
      const wrong = await browser.post('/login', { json: { otp: other, challenge } });
      assert.deepEqual([codeOf(wrong), wrong.body['attemptsRemaining']], ['invalid_otp', 4]);
      assert.equal(app.store.waiting(browser.sessionID)?.challenge?.id, challenge, 'still out');

      const tokens = watchTokenRequests(okta);
      await assertLoggedIn(await browser.post('/login', { json: { otp: code, challenge } }), set);
      assert.deepEqual(asked(), ['challenge', MFA_OOB, MFA_OOB]);
      const { grant_type, binding_code } = tokens()[0]!.form;
      assert.deepEqual([grant_type, binding_code], [MFA_OOB, code]);
    });
  }

  it('email has letters, and is sent on as it is, without what people paste around it [24]', async (t) => {
    const set = await sceneAtChoice(t, {
      user: { factors: { email: { length: 8, letters: true } } },
    });
    await choose(set.browser, 'email');
    const code = okta.phone(set.user).code('email');
    assert.match(code, /^[A-Z][A-Z0-9]{7}$/);
    const lower = await sendOtp(set.browser, code.toLowerCase());
    assert.equal(codeOf(lower), 'invalid_otp', 'letters stay as they are');
    addSecrets(code);
    await assertLoggedIn(
      await sendOtp(set.browser, ` ${code.slice(0, 4)}-${code.slice(4)}\n`),
      set,
    );
  });

  it('sms is the newest one: the first is refused after another was asked for [9]', async (t) => {
    const set = await sceneAtChoice(t);
    const { browser, user } = set;
    const first = await choose(browser, 'sms');
    const old = okta.phone(user).code('sms');
    clock.pass(30);
    const second = await choose(browser, 'sms');
    assert.equal(codeOf(second), 'code_sent');
    const json = { otp: old, challenge: first.body['challenge'] };
    const stale = await browser.post('/login', { json });
    assert.deepEqual([stale.status, codeOf(stale)], [409, 'challenge_replaced']);
    await assertLoggedIn(await sendOtp(browser, okta.phone(user).code('sms')), set);
  });

  it('sms is too late when it has expired, and the authenticator still works', async (t) => {
    const set = await sceneAtChoice(t, { options: { transactionMaxAge: 900 } });
    await choose(set.browser, 'sms');
    clock.pass(301);
    const asked = watchOkta();
    const late = await sendOtp(set.browser, okta.phone(set.user).code('sms'));
    assert.equal(codeOf(late), 'challenge_expired');
    assert.deepEqual(asked(), []);
    assert.equal(set.app.store.waiting(set.browser.sessionID)?.attempts, 0);
  });
});

describe('A passkey', () => {
  it('logs in with what PublicKeyCredential.toJSON() gives, as an object or as text in a form', async (t) => {
    for (const isForm of [false, true]) {
      const set = await sceneAtChoice(t);
      const passkey = okta.createPasskey(set.user);
      const asked = watchOkta();
      const challenged = watchChallengeRequests(okta);
      const offer = await choose(set.browser, 'webauthn');
      assert.deepEqual([offer.status, codeOf(offer)], [403, 'webauthn_required']);
      const { challenge_types_supported, channel_hint } = challenged()[0]!.form;
      assert.deepEqual([challenge_types_supported, channel_hint], [MFA_WEBAUTHN, undefined]);
      const { rpId } = offer.body['publicKey'] as { rpId: string };
      assert.equal(rpId, 'localhost');

      const tokens = watchTokenRequests(okta);
      const assertion = answerPasskey(passkey, offer);
      const challenge = String(offer.body['challenge']);
      const answer = isForm
        ? await set.browser.post('/login', {
            form: { assertion: JSON.stringify(assertion), challenge },
          })
        : await sendAssertion(set.browser, assertion, challenge);
      await assertLoggedIn(answer, set);
      assert.deepEqual(asked(), ['challenge', MFA_WEBAUTHN]);
      const { signature, userHandle } = tokens()[0]!.form;
      assert.equal(signature, assertion.response.signature);
      assert.equal(userHandle, assertion.response.userHandle);
    }
  });

  it('of somebody else counts as an attempt, and its challenge is used up [7]', async (t) => {
    const set = await sceneAtChoice(t);
    const own = okta.createPasskey(set.user);
    const stranger = okta.createPasskey(okta.addUser());
    const offer = await choose(set.browser, 'webauthn');
    const refused = await sendAssertion(set.browser, answerPasskey(stranger, offer));
    const { code, attemptsRemaining } = refused.body;
    assert.deepEqual([refused.status, code, attemptsRemaining], [401, 'webauthn_failed', 4]);
    const asked = watchOkta();
    assert.equal(
      codeOf(await sendAssertion(set.browser, answerPasskey(own, offer))),
      'challenge_replaced',
    );
    assert.deepEqual(asked(), []);
    // A passkey does not count for maxChallenges or resendAfter.
    const next = await choose(set.browser, 'webauthn');
    await assertLoggedIn(await sendAssertion(set.browser, answerPasskey(own, next)), set);
  });

  it('that answers for another page, type or challenge is refused before Okta is asked, and is no attempt', async (t) => {
    const set = await sceneAtChoice(t);
    const passkey = okta.createPasskey(set.user);
    const origin = 'http://localhost:3000';
    for (const page of [
      { origin: 'https://evil.example' },
      { origin: 'https://localhost.evil.example' },
      { origin, crossOrigin: true },
      { origin, type: 'webauthn.create' },
      { origin, challenge: 'c29tZXRoaW5nIGVsc2U' },
    ]) {
      const offer = await choose(set.browser, 'webauthn');
      const asked = watchOkta();
      const refused = await sendAssertion(set.browser, answerPasskey(passkey, offer, page));
      assert.equal(codeOf(refused), 'webauthn_failed', JSON.stringify(page));
      assert.equal(refused.body['attemptsRemaining'], 5);
      assert.deepEqual(asked(), []);
    }
  });

  it('answers for the origins and the rpID of the options', async (t) => {
    const webauthn = { rpID: 'localhost', origins: ['https://app.example.com'] };
    const set = await sceneAtChoice(t, { options: { webauthn } });
    const passkey = okta.createPasskey(set.user);
    const refused = answerPasskey(passkey, await choose(set.browser, 'webauthn'));
    assert.equal(codeOf(await sendAssertion(set.browser, refused)), 'webauthn_failed');
    const other = okta.createPasskey(set.user, { rpID: 'example.org' });
    const page = { origin: 'https://app.example.com' };
    const elsewhere = answerPasskey(other, await choose(set.browser, 'webauthn'), page);
    assert.equal(codeOf(await sendAssertion(set.browser, elsewhere)), 'webauthn_failed');
    const right = answerPasskey(passkey, await choose(set.browser, 'webauthn'), page);
    await assertLoggedIn(await sendAssertion(set.browser, right), set);
  });
});

describe('Three factors [11]', () => {
  it('are two second steps, with a new mfa_token and what was counted', async (t) => {
    const set = await sceneAtChoice(t, { user: { thirdFactor: true } });
    const { app, browser, user } = set;
    const first = app.store.waiting(browser.sessionID);
    assert.equal((await sendOtp(browser, okta.wrongOtp(user))).body['attemptsRemaining'], 4);
    await choose(browser, 'sms');
    clock.pass(10);
    const third = await sendOtp(browser, okta.phone(user).code('sms'));
    assert.deepEqual([third.status, codeOf(third)], [403, 'mfa_required']);
    assert.ok(Number(third.body['expiresAt']) > (first?.expiresAt ?? Infinity));
    const next = app.store.waiting(browser.sessionID);
    assert.notEqual(next?.mfaToken, first?.mfaToken);
    assert.deepEqual([next?.attempts, next?.challenges, next?.challenge], [1, 1, undefined]);
    assert.equal(app.logins.length, 0);
    assert.equal(await whoIs(browser), undefined);

    const asked = watchOkta();
    await assertLoggedIn(await sendOtp(browser, okta.otp(user)), set);
    assert.deepEqual(asked(), [MFA_OTP]);
    assert.deepEqual(app.logins[0]?.tokens.claims['amr'], ['mfa', 'otp', 'pwd', 'sms']);
  });

  it('begin with a push too, and its poll ends in mfa_required', async (t) => {
    const set = await sceneAtPush(t, { user: { thirdFactor: true } });
    okta.phone(set.user).approve();
    assert.equal(codeOf(await poll(set.browser, set.id)), 'mfa_required');
    await assertLoggedIn(await sendOtp(set.browser, okta.otp(set.user)), set);
  });
});

describe('The choice of a factor', () => {
  it("forgets the push that was out: a code is then the authenticator's or the text's", async (t) => {
    const set = await sceneAtPush(t);
    const { browser, user, id } = set;
    assert.equal(codeOf(await choose(browser, 'sms')), 'code_sent');
    assert.equal(codeOf(await poll(browser, id)), 'challenge_replaced');
    assert.equal(codeOf(await choose(browser, 'otp')), 'mfa_required');
    const asked = watchOkta();
    await assertLoggedIn(await sendOtp(browser, okta.otp(user)), set);
    assert.deepEqual(asked(), [MFA_OTP]);
  });

  it('with a double click is one push', async (t) => {
    const { browser, user } = await sceneAtChoice(t);
    const asked = watchOkta();
    const answers = await Promise.all([choose(browser, 'push'), choose(browser.fork(), 'push')]);
    const [one, other] = answers.map(({ body }) => body['challenge']);
    assert.ok(one !== undefined && one === other);
    assert.deepEqual(asked(), ['challenge']);
    assert.equal(okta.phone(user).pushes().length, 1);
  });

  it('of one that the app does not offer, or of none, is missing_credentials', async (t) => {
    const { browser } = await sceneAtChoice(t, { options: { factors: ['otp', 'sms'] } });
    const asked = watchOkta();
    for (const factor of ['push', 'email', 'webauthn', '', 'PUSH', 'password', '__proto__']) {
      const { status, body } = await browser.post('/login', { json: { factor } });
      const { code, field } = body;
      assert.deepEqual([status, code, field], [400, 'missing_credentials', 'factor'], factor);
    }
    assert.deepEqual(asked(), []);
  });

  it('that Okta refuses leaves the others, and is not asked for again', async (t) => {
    const set = await sceneAtChoice(t, { user: { factors: { sms: '+1 555 0100' } } });
    const { app, browser, user } = set;
    const { challenge } = (await choose(browser, 'sms')).body;
    const refused = await choose(browser, 'push');
    assert.deepEqual([refused.status, codeOf(refused)], [403, 'factor_unavailable']);
    assert.equal(refused.body['factor'], 'push');
    assert.deepEqual(refused.body['factors'], ['otp', 'sms', 'voice', 'email', 'webauthn']);
    assert.equal(app.store.waiting(browser.sessionID)?.challenge?.id, challenge, 'still out');
    const asked = watchOkta();
    assert.equal(codeOf(await choose(browser, 'push')), 'factor_unavailable');
    assert.deepEqual(asked(), []);
    await assertLoggedIn(await sendOtp(browser, okta.phone(user).code('sms')), set);
  });

  it('is limited: the same one not within resendAfter, and maxChallenges in all', async (t) => {
    const set = await sceneAtChoice(t, { options: { maxChallenges: 3, resendAfter: 20 } });
    const { browser, user } = set;
    const asked = watchOkta();
    const first = await choose(browser, 'sms');
    clock.pass(5);
    const early = await choose(browser, 'sms');
    assert.deepEqual([early.status, codeOf(early)], [429, 'too_many_challenges']);
    assert.equal(early.body['retryAfter'], 15);
    assert.equal(codeOf(await choose(browser, 'email')), 'code_sent', 'another may go at once');
    clock.pass(15);
    assert.ok(Number(first.body['resendAt']) <= clock.now());
    assert.equal(codeOf(await choose(browser, 'sms')), 'code_sent');
    clock.pass(60);
    const last = await choose(browser, 'voice');
    assert.deepEqual([codeOf(last), last.body['retryAfter']], ['too_many_challenges', undefined]);
    assert.equal(asked().length, 3);
    await assertLoggedIn(await sendOtp(browser, okta.phone(user).code('sms')), set);
  });

  it('without a login is mfa_transaction_missing, whatever comes', async (t) => {
    const { app, browser } = await scene(t, { options: { factors: FACTORS } });
    const asked = watchOkta();
    const assertion = okta
      .createPasskey(okta.addUser())
      .answer({ challenge: 'eA' }, { origin: 'http://localhost' });
    for (const json of [{ factor: 'push' }, { challenge: 'some-id' }, { assertion }]) {
      const { status, body } = await browser.post('/login', { json });
      assert.deepEqual([status, body['code']], [401, 'mfa_transaction_missing']);
    }
    assert.deepEqual(asked(), []);
    assert.equal(Object.keys(app.store.sessions).length, 0);
  });

  it('is sent nowhere by a GET, by the query, or beside a password', async (t) => {
    const { browser, user } = await sceneAtChoice(t);
    const asked = watchOkta();
    await browser.post('/login?factor=push', { json: {} });
    await browser.get('/login?factor=push');
    assert.deepEqual(asked(), []);
    const { username, password } = user;
    await browser.post('/login', { json: { username, password, factor: 'push' } });
    assert.deepEqual(asked(), ['password']);
    assert.equal(okta.phone(user).pushes().length, 0);
  });
});

it('Attempts are counted over all factors together', async (t) => {
  const { app, browser, user } = await sceneAtChoice(t, { options: { maxOtpAttempts: 3 } });
  const left = async (answer: Promise<Answer>) => (await answer).body['attemptsRemaining'];
  assert.equal(await left(sendOtp(browser, okta.wrongOtp(user))), 2);
  await choose(browser, 'email');
  const code = okta.phone(user).code('email');
  const wrong = code === '000000' ? '000001' : '000000';
  assert.equal(await left(sendOtp(browser, wrong)), 1);
  okta.createPasskey(user);
  const stranger = okta.createPasskey(okta.addUser());
  const offer = await choose(browser, 'webauthn');
  const last = await sendAssertion(browser, answerPasskey(stranger, offer));
  assert.deepEqual([last.status, codeOf(last)], [401, 'otp_attempts_exceeded']);
  assert.equal(app.store.waiting(browser.sessionID), undefined);
});

it('A push denied or not answered is no attempt', async (t) => {
  const { app, browser, user, id } = await sceneAtPush(t);
  await poll(browser, id);
  okta.phone(user).deny();
  clock.pass(5);
  assert.equal(codeOf(await poll(browser, id)), 'push_rejected');
  assert.equal(app.store.waiting(browser.sessionID)?.attempts, 0);
});

it("The session's id changes with the password and with the login, and not in between", async (t) => {
  const { app, browser, user } = await scene(t, {
    options: { factors: FACTORS },
    user: { factors: { push: { numberChallenge: true } } },
  });
  await browser.post('/cart');
  const ids = [browser.sessionID];
  await passPassword(browser, user);
  ids.push(browser.sessionID);
  const { body } = await choose(browser, 'push');
  await poll(browser, body['challenge']);
  assert.equal(browser.sessionID, ids[1]);
  okta.phone(user).approve();
  clock.pass(5);
  assert.equal((await poll(browser, body['challenge'])).status, 200);
  ids.push(browser.sessionID);
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual(Object.keys(app.store.sessions), [ids[2]], 'the earlier ones are gone');
});

it('With mfaRedirect each state that waits is a redirect, and what fails is not', async (t) => {
  const set = await sceneAtChoice(t, { style: 'plain', options: { mfaRedirect: '/login/second' } });
  const { browser, user } = set;
  okta.createPasskey(user);
  for (const factor of ['otp', 'sms', 'webauthn', 'push'] as const) {
    const { status, location } = await choose(browser, factor);
    assert.deepEqual([status, location], [302, '/login/second'], factor);
  }
  const id = set.app.store.waiting(browser.sessionID)?.challenge?.id;
  assert.equal((await poll(browser, id)).location, '/login/second');
  const refused = await poll(browser, 'another');
  assert.deepEqual([refused.status, refused.location], [409, undefined]);
  okta.phone(user).approve();
  clock.pass(5);
  assert.equal((await poll(browser, id)).status, 200);
  assert.equal(await whoIs(browser), user.id);
});

for (const client of ['basic', 'post', 'secretJwt', 'jwt'] as const) {
  it(`A push logs in with client authentication ${client}; an assertion is for the endpoint that is asked [27]`, async (t) => {
    const { basic, post, jwt: signing } = okta.clients;
    const secretJwt = () => {
      const { client_id, client_secret } = okta.addClient({
        token_endpoint_auth_method: 'client_secret_jwt',
        client_secret: 'a client secret of at least thirty-two bytes',
      });
      addSecrets(client_secret);
      return { client_id, client_secret };
    };
    const known = client === 'secretJwt' ? secretJwt() : { basic, post, jwt: signing }[client];
    const privateKey = signing.privateKeys.RS256;
    const strategyOptions = {
      ...optionsFor(okta, { factors: ['push'] }),
      clientID: known.client_id,
      ...(client === 'jwt'
        ? { clientAuthentication: 'private_key_jwt' as const, privateKey, keyID: 'demo-rs256' }
        : {
            clientSecret: known.client_secret!,
            clientAuthentication: (
              {
                basic: 'client_secret_basic',
                post: 'client_secret_post',
                secretJwt: 'client_secret_jwt',
              } as const
            )[client],
          }),
    };
    const set = await scene(t, {
      strategyOptions,
      user: { factors: { push: { numberChallenge: true } } },
    });
    const start = okta.requests.length;
    await passPassword(set.browser, set.user);
    const { body } = await choose(set.browser, 'push');
    okta.phone(set.user).approve();
    await assertLoggedIn(await poll(set.browser, body['challenge']), set);

    const assertions = okta.requests
      .slice(start)
      .filter(({ form }) => form['client_assertion'] !== undefined)
      .map(({ path, form }) => ({
        url: okta.origin + path,
        claims: jwt.decode(form['client_assertion']!) as jwt.JwtPayload,
      }));
    assert.equal(assertions.length, client === 'basic' || client === 'post' ? 0 : 3);
    for (const { url, claims } of assertions) assert.equal(claims.aud, url);
    const distinct = new Set(assertions.map(({ claims }) => claims.jti));
    assert.equal(distinct.size, assertions.length);
  });
}

it('A password while a push is out drops it, right or wrong', async (t) => {
  for (const right of [true, false]) {
    const { browser, user, id, app } = await sceneAtPush(t);
    await sendPassword(browser, right ? user : { ...user, password: 'wrong horse' });
    okta.phone(user).approve();
    const answer = await poll(browser, id);
    assert.equal(codeOf(answer), right ? 'challenge_replaced' : 'mfa_transaction_missing');
    assert.equal(app.logins.length, 0);
  }
});

it('A challenge that is sent while the login is cancelled is not kept', async (t) => {
  const { app, browser } = await sceneAtChoice(t);
  const held = hold(okta, CHALLENGE_STEP);
  const answer = choose(browser, 'push');
  await held.arrived();
  await browser.fork().post('/cancel');
  held.letGo();
  assert.equal(codeOf(await answer), 'mfa_transaction_missing');
  assert.equal(app.store.waiting(browser.sessionID), undefined);
});

describe('A double click', () => {
  it('on the right code of a text is one request to Okta and one login', async (t) => {
    const set = await sceneAtChoice(t);
    await choose(set.browser, 'sms');
    const otp = okta.phone(set.user).code('sms');
    const asked = watchOkta();
    const tab = set.browser.fork();
    const answers = await Promise.all([sendOtp(set.browser, otp), sendOtp(tab, otp)]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
    assert.deepEqual(asked(), [MFA_OOB]);
    assert.equal(set.app.logins.length, 1);
    assert.deepEqual([await whoIs(set.browser), await whoIs(tab)], [set.user.id, set.user.id]);
  });

  it("on a passkey's answer is one request to Okta and one login", async (t) => {
    const set = await sceneAtChoice(t);
    const passkey = okta.createPasskey(set.user);
    const assertion = answerPasskey(passkey, await choose(set.browser, 'webauthn'));
    const asked = watchOkta();
    const tab = set.browser.fork();
    const answers = await Promise.all([
      sendAssertion(set.browser, assertion),
      sendAssertion(tab, assertion),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
    assert.deepEqual(asked(), [MFA_WEBAUTHN]);
    assert.equal(set.app.logins.length, 1);
  });
});

it('A factor that is no longer offered is missing_credentials in every second step', async (t) => {
  let factors = FACTORS;
  const { app, browser, user } = await sceneAtChoice(t, { options: { factors: () => factors } });
  const passkey = okta.createPasskey(user);
  for (const [factor, field, answer] of [
    ['push', 'challenge', ({ body }: Answer) => ({ challenge: body['challenge'] })],
    ['sms', 'otp', () => ({ otp: okta.phone(user).code('sms') })],
    ['webauthn', 'assertion', (offer: Answer) => ({ assertion: answerPasskey(passkey, offer) })],
    ['otp', 'otp', () => ({ otp: okta.otp(user) })],
  ] as const) {
    factors = FACTORS;
    const json = answer(await choose(browser, factor));
    factors = FACTORS.filter((other) => other !== factor);
    const before = app.store.content(browser.sessionID);
    const asked = watchOkta();
    const { status, body } = await browser.post('/login', { json });
    assert.deepEqual([status, body['code'], body['field']], [400, 'missing_credentials', field]);
    assert.deepEqual(asked(), []);
    assert.deepEqual(app.store.content(browser.sessionID), before);
  }
  assert.equal(app.logins.length, 0);
});

it("Okta's 429 for a code is rate_limited and no attempt [7]", async (t) => {
  const set = await sceneAtChoice(t);
  await choose(set.browser, 'sms');
  okta.respondNext({ status: 429, body: { error: 'invalid_grant' } }, OOB_STEP);
  const otp = okta.phone(set.user).code('sms');
  const limited = await sendOtp(set.browser, otp);
  assert.deepEqual([limited.status, codeOf(limited)], [429, 'rate_limited']);
  assert.equal(set.app.store.waiting(set.browser.sessionID)?.attempts, 0);
  await assertLoggedIn(await sendOtp(set.browser, otp), set);
});

it('A wish that a session store cannot save is an error, and nothing is waited for', async (t) => {
  const { app, browser } = await sceneAtChoice(t);
  app.store.before = (operation) => {
    if (operation === 'set') throw new Error('READONLY');
  };
  const answer = await choose(browser, 'push');
  app.store.before = () => undefined;
  assert.equal(answer.status, 500);
  assert.equal(app.store.waiting(browser.sessionID)?.challenge, undefined);
});
