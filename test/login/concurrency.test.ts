import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Agent, request } from 'undici';
import type { Okta, User } from '../../example/okta/index.js';
import {
  Browser,
  finishLogin,
  gate,
  hold,
  logIn,
  OTP_STEP,
  passPassword,
  PASSWORD_STEP,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  soon,
  until,
  useOkta,
  watchTokenRequests,
  whoIs,
  type Answer,
  type App,
  type SceneOptions,
  type Teardown,
} from '../support/index.js';

/** The clock of Okta's rate limit and passcodes stands still: all that follows is one second. */
let oktaNow = Date.now();
let okta: Okta;
useOkta((started) => (okta = started), { now: () => oktaNow });

const KEY = 'okta-direct-mfa';

const codes = (answers: Pick<Answer, 'body'>[]) => answers.map(({ body }) => body['code']);
const count = <T>(values: T[], value: T) => values.filter((one) => one === value).length;

/** The actions' names, request by request. */
function actionsByRequest({ actions }: App): string[][] {
  return [...new Set(actions.map(({ req }) => req))].map((req) =>
    actions.filter((action) => action.req === req).map(({ name }) => name),
  );
}

for (const byInstance of [true, false]) {
  describe(`With passport.authenticate(${byInstance ? 'instance' : 'name'})`, () => {
    for (const style of ['callback', 'plain'] as const) {
      it(`two logins that overlap in the passcode step are not crossed, style ${style}`, async (t) => {
        const { app, browser: one, user: slow } = await sceneAtPasscode(t, { byInstance, style });
        const [two, fast] = [new Browser(app.url), okta.addUser()];
        await sendPassword(two, fast);

        const held = hold(okta, OTP_STEP);
        const first = sendOtp(one, okta.otp(slow));
        await held.arrived();
        await finishLogin(two, okta, fast);
        held.letGo();

        const { status, body } = await first;
        assert.deepEqual([status, body['user']], [200, { id: slow.id, username: slow.username }]);
        assert.equal(await whoIs(one), slow.id);
        assert.equal(await whoIs(two), fast.id);
      });
    }

    it('a wrong passcode that is slow fails its own request, and no other', async (t) => {
      const { app, browser: one, user: slow } = await sceneAtPasscode(t, { byInstance });
      const [two, fast] = [new Browser(app.url), okta.addUser()];
      await passPassword(two, fast);

      const held = hold(okta, OTP_STEP);
      const first = sendOtp(one, okta.wrongOtp(slow));
      await held.arrived();
      await finishLogin(two, okta, fast);
      held.letGo();
      assert.equal((await first).body['code'], 'invalid_otp');
      assert.equal(await whoIs(one), undefined);
      assert.equal(await whoIs(two), fast.id);
    });

    it('two password steps that overlap leave each browser its own transaction', async (t) => {
      const {
        app,
        browser: one,
        user: slow,
      } = await scene(t, {
        options: { mfaRedirect: '/login/otp' },
        byInstance,
      });
      const [two, fast] = [new Browser(app.url), okta.addUser()];
      const held = hold(okta, PASSWORD_STEP);
      const first = sendPassword(one, slow);
      await held.arrived();
      assert.equal((await sendPassword(two, fast)).location, '/login/otp');
      held.letGo();
      assert.equal((await first).location, '/login/otp');
      assert.equal(app.store.waiting(one.sessionID)?.username, slow.username);
      assert.equal(app.store.waiting(two.sessionID)?.username, fast.username);
      await finishLogin(one, okta, slow);
      await finishLogin(two, okta, fast);
    });

    it('twenty people log in at once, each as themselves and with one action a request', async (t) => {
      const { app } = await scene(t, { byInstance });
      const users = Array.from({ length: 20 }, () => okta.addUser());
      await Promise.all(users.map((user) => logIn(new Browser(app.url), okta, user)));
      const actions = actionsByRequest(app);
      assert.equal(actions.length, 40);
      assert.ok(actions.every((names) => names.length === 1));
    });
  });
}

it('forty requests at once with every kind of outcome get each their own, on one instance', async (t) => {
  const { app } = await scene(t, {
    options: { mfaRedirect: '/login/otp', maxOtpAttempts: 1 },
    byInstance: true,
    verify: ({ profile }, done) =>
      profile.username?.startsWith('closed')
        ? done(null, false, { message: 'closed' })
        : done(null, { id: profile.id }),
  });
  type Act = (browser: Browser) => Promise<[unknown, unknown]>;
  const after = async (user: User, otp: () => string): Promise<Act> => {
    const waiting = new Browser(app.url);
    assert.equal((await sendPassword(waiting, user)).location, '/login/otp');
    return async () => {
      const { status, body } = await sendOtp(waiting, otp());
      return [status, (body['user'] as { id?: string })?.id ?? body['code'] ?? body['message']];
    };
  };
  const cases: { act: Act; expected: [unknown, unknown] }[] = [];
  for (let round = 0; round < 8; round++) {
    const [right, wrong, starts] = [okta.addUser(), okta.addUser(), okta.addUser()];
    const closed = okta.addUser({ username: `closed-${round}@example.com` });
    cases.push(
      { act: await after(right, () => okta.otp(right)), expected: [200, right.id] },
      {
        act: await after(wrong, () => okta.wrongOtp(wrong)),
        expected: [401, 'otp_attempts_exceeded'],
      },
      { act: await after(closed, () => okta.otp(closed)), expected: [401, 'closed'] },
      {
        act: async (browser) => {
          const { status, location } = await sendPassword(browser, starts);
          return [status, location];
        },
        expected: [302, '/login/otp'],
      },
      {
        act: async (browser) => {
          const { status, body } = await sendOtp(browser, '123456');
          return [status, body['code']];
        },
        expected: [401, 'mfa_transaction_missing'],
      },
    );
  }
  const got = await Promise.all(cases.map(({ act }) => act(new Browser(app.url))));
  assert.deepEqual(
    got,
    cases.map(({ expected }) => expected),
  );
  assert.ok(actionsByRequest(app).every((names) => names.length === 1));
});

/** POSTs of JSON from this browser, over so many connections that are kept. */
function keptConnections(t: Teardown, connections: number, { url, cookies }: Browser) {
  const agent = new Agent({ connections, pipelining: 1 });
  t.after(() => agent.close());
  const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
  return async (json: unknown) => {
    const { body } = await request(`${url}/login`, {
      method: 'POST',
      dispatcher: agent,
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify(json),
    });
    return { body: (await body.json()) as Record<string, unknown> };
  };
}

describe('Guessing the passcode in one session', () => {
  for (const [connections, resave] of [
    [3, true],
    [100, false],
    [100, true],
  ] as const) {
    it(`a hundred at once over ${connections} connections, the right one last: five reach Okta, resave ${resave}`, async (t) => {
      const { app, browser, user } = await sceneAtPasscode(t, { session: { resave } });
      const post = keptConnections(t, connections, browser);
      const posts = watchTokenRequests(okta);

      const accepted = ([-1, 0, 1] as const).map((step) => okta.otp(user, { step }));
      const wrong = Number(okta.wrongOtp(user));
      // Different ones, as somebody who guesses would send.
      const guesses = Array.from({ length: 110 }, (_, index) =>
        String((wrong + 7 * index) % 1_000_000).padStart(6, '0'),
      ).filter((guess) => !accepted.includes(guess));
      const otps = [...guesses.slice(0, 99), okta.otp(user)];
      const answers = await Promise.all(otps.map((otp) => post({ otp })));

      assert.equal(posts().length, 5);
      const got = codes(answers);
      assert.equal(count(got, 'invalid_otp'), 4);
      assert.equal(count(got, 'otp_attempts_exceeded'), 1);
      assert.equal(count(got, 'mfa_transaction_missing'), 95);
      assert.deepEqual(
        answers
          .map(({ body }) => body['attemptsRemaining'])
          .filter((remaining) => remaining !== undefined)
          .sort(),
        [1, 2, 3, 4],
      );

      const right = await sendOtp(browser, okta.otp(user));
      assert.equal(right.body['code'], 'mfa_transaction_missing');
      assert.equal(posts().length, 5);
      assert.equal(app.logins.length, 0);
      assert.ok(actionsByRequest(app).every((names) => names.length === 1));
      assert.ok(!app.store.text.includes('mfaToken'), 'the transaction is still there');
    });
  }

  it('an unreachable Okta, a 429 and unreadable answers in between give no further guesses', async (t) => {
    const { browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 3 } });
    const answers: Answer[] = [];
    const guess = async () => answers.push(await sendOtp(browser, okta.wrongOtp(user)));
    for (const answer of ['reset', { status: 429 }, { status: 400, body: 'x' }] as const) {
      okta.respondNext(answer, OTP_STEP);
      await guess();
      await guess();
    }
    await guess();
    assert.deepEqual(codes(answers), [
      ...['okta_unreachable', 'invalid_otp'],
      ...['rate_limited', 'invalid_otp'],
      ...['invalid_response', 'otp_attempts_exceeded'],
      'mfa_transaction_missing',
    ]);
  });

  it('the password again is the price of five more, and Okta sees each of them', async (t) => {
    const { browser, user } = await scene(t);
    const posts = watchTokenRequests(okta);
    for (let round = 0; round < 3; round++) {
      await passPassword(browser, user);
      for (let guess = 0; guess < 7; guess++) await sendOtp(browser, okta.wrongOtp(user));
    }
    const grants = posts().map(({ form }) => form['grant_type']);
    assert.equal(count(grants, 'password'), 3);
    assert.equal(grants.length, 3 + 3 * 5);
  });
});

describe('Guessing over many sessions for one username', () => {
  it('each needs the password, and the limit is that of Okta: four passwords a second', async (t) => {
    const { app, user } = await scene(t);
    const posts = watchTokenRequests(okta);
    const browsers = Array.from({ length: 20 }, () => new Browser(app.url));
    const passwords = await Promise.all(browsers.map((browser) => sendPassword(browser, user)));
    assert.equal(count(codes(passwords), 'mfa_required'), 4);
    assert.equal(count(codes(passwords), 'rate_limited'), 16);

    await Promise.all(
      browsers.flatMap((browser) =>
        Array.from({ length: 10 }, () => sendOtp(browser.fork(), okta.wrongOtp(user))),
      ),
    );
    const otps = posts().filter(({ form }) => form['grant_type'] !== 'password');
    // Five for each of the four: no more than the strategy allows a session, times Okta's limit.
    assert.equal(otps.length, 20);
    assert.equal(app.logins.length, 0);

    oktaNow += 31_000;
    await passPassword(browsers[0]!, user);
    await finishLogin(browsers[0]!, okta, user);
  });

  it('without the password there is nothing to guess for: no passcode leaves', async (t) => {
    const { app, user } = await scene(t);
    const posts = watchTokenRequests(okta);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        new Browser(app.url).post('/login', {
          json: { username: user.username, otp: String(100_000 + index) },
        }),
      ),
    );
    assert.equal(count(codes(answers), 'mfa_transaction_missing'), 20);
    assert.equal(posts().length, 0);
  });
});

it('for guessing the password the strategy adds no limit of its own: Okta, and the app, have to', async (t) => {
  const { browser, user } = await scene(t);
  const posts = watchTokenRequests(okta);
  const answers: Answer[] = [];
  for (let guess = 0; guess < 10; guess++) {
    answers.push(await sendPassword(browser, { ...user, password: `Guess-Number-${guess}` }));
  }
  assert.equal(posts().length, 10);
  assert.equal(count(codes(answers), 'invalid_credentials'), 4);
  assert.equal(count(codes(answers), 'rate_limited'), 6);
});

describe('In one session', () => {
  it('the right passcode among wrong ones, after the last attempt, does not log in', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 3 } });
    const posts = watchTokenRequests(okta);
    const held = hold(okta, OTP_STEP);
    const answers = [sendOtp(browser.fork(), okta.wrongOtp(user))];
    await held.arrived();
    // Each is in line before the next is sent: its session has been read.
    for (const otp of [okta.wrongOtp(user), okta.wrongOtp(user), okta.otp(user)]) {
      answers.push((await inLine(app, browser.fork(), otp)).answer);
    }
    held.letGo();
    assert.deepEqual(codes(await Promise.all(answers)), [
      'invalid_otp',
      'invalid_otp',
      'otp_attempts_exceeded',
      'mfa_transaction_missing',
    ]);
    assert.equal(posts().length, 3);
    assert.equal(await whoIs(browser), undefined);
  });

  it('the right passcode right behind a wrong one logs in', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    const held = hold(okta, OTP_STEP);
    const wrong = sendOtp(browser.fork(), okta.wrongOtp(user));
    await held.arrived();
    const right = await inLine(app, browser.fork(), okta.otp(user));
    held.letGo();
    assert.equal((await wrong).body['code'], 'invalid_otp');
    assert.equal((await right.answer).status, 200);
  });

  for (const resave of [false, true]) {
    it(`a wrong passcode right behind the right one does not bring the transaction back, resave ${resave}`, async (t) => {
      const { app, browser, user } = await sceneAtPasscode(t, { session: { resave } });
      const old = browser.fork();
      const posts = watchTokenRequests(okta);
      const held = hold(okta, OTP_STEP);
      const right = sendOtp(browser, okta.otp(user));
      await held.arrived();
      const wrong = await inLine(app, old, okta.wrongOtp(user));
      held.letGo();
      assert.equal((await right).status, 200);
      assert.equal((await wrong.answer).body['code'], 'mfa_transaction_missing');
      assert.equal(posts().length, 1);
      assert.equal(await whoIs(browser), user.id);
      assert.equal(await whoIs(old), undefined);
      assert.ok(!app.store.text.includes(KEY), app.store.text.replace(/"mfaToken":"[^"]+"/g, '…'));
    });

    it(`a double click on the right passcode ends logged in by either answer, resave ${resave}`, async (t) => {
      const { app, browser, user } = await sceneAtPasscode(t, { session: { resave } });
      const [one, two] = [browser.fork(), browser.fork()];
      const otp = okta.otp(user);

      const posts = watchTokenRequests(okta);
      const held = hold(okta, OTP_STEP);
      const first = sendOtp(one, otp);
      await held.arrived();
      const second = await inLine(app, two, otp);
      held.letGo();
      assert.deepEqual([(await first).status, (await second.answer).status], [200, 200]);
      assert.equal(posts().length, 1, 'the passcode was asked once');
      assert.equal(await whoIs(one), user.id);
      assert.equal(await whoIs(two), user.id);
      assert.ok(!app.store.text.includes(KEY));
      assert.equal(await whoIs(browser), undefined, 'the session before leads nowhere');
    });
  }

  it('the second half of a double click comes while verify is still at work: both log in, by one call of it', async (t) => {
    const verifying = gate();
    const verified = gate();
    const { app, browser, user } = await sceneAtPasscode(t, {
      async verify({ profile }) {
        verifying.open();
        await verified.opened;
        return { id: profile.id };
      },
    });
    const [one, two] = [browser.fork(), browser.fork()];
    const otp = okta.otp(user);
    const posts = watchTokenRequests(okta);
    const first = sendOtp(one, otp);
    await soon('verify', verifying.opened);
    const second = sendOtp(two, otp);
    await until('the second to come', () => app.entered.length === 3);
    verified.open();
    assert.deepEqual([(await first).status, (await second).status], [200, 200]);
    assert.deepEqual([posts().length, app.logins.length], [1, 1]);
    assert.equal(await whoIs(one), user.id);
    assert.equal(await whoIs(two), user.id);
  });

  for (const [what, given] of Object.entries<SceneOptions>({
    'as usual': {},
    'with keepSessionInfo': { style: 'plain', authenticateOptions: { keepSessionInfo: true } },
    'with session: false': { style: 'plain', authenticateOptions: { session: false } },
    'with resave and rolling': { session: { resave: true, rolling: true } },
  })) {
    for (const cancelled of [false, true]) {
      it(`a double click while verify is slow ${cancelled ? 'and cancel() comes: neither half logs in' : 'is one call of it'}, ${what}`, async (t) => {
        const [verifying, verified] = [gate(), gate()];
        const { app, browser, user } = await sceneAtPasscode(t, {
          ...given,
          async verify({ profile }) {
            verifying.open();
            await verified.opened;
            return { id: profile.id };
          },
        });
        const [one, two] = [browser.fork(), browser.fork()];
        const [otp, posts] = [okta.otp(user), watchTokenRequests(okta)];
        const first = sendOtp(one, otp);
        await soon('verify', verifying.opened);
        const second = await inLine(app, two, otp);
        if (cancelled) await browser.post('/cancel');
        verified.open();
        const answers = [await first, await second.answer];
        assert.deepEqual([posts().length, app.logins.length], [1, 1]);
        assert.deepEqual(
          answers.map(({ status }) => status),
          cancelled ? [401, 401] : [200, 200],
        );
        const loggedIn = !cancelled && given.authenticateOptions?.session !== false;
        for (const half of [one, two]) {
          assert.equal(await whoIs(half), loggedIn ? user.id : undefined);
        }
        assert.ok(!app.store.text.includes(KEY));
        assert.ok(actionsByRequest(app).every((names) => names.length === 1));
      });
    }
  }

  for (const kept of [0, 1] as const) {
    it(`a double click on the password leaves a transaction where the answer ${kept} is kept`, async (t) => {
      const { browser, user } = await scene(t);
      await browser.post('/cart');
      const browsers = [browser.fork(), browser.fork()] as const;
      const answers = await Promise.all(browsers.map((half) => sendPassword(half, user)));
      assert.deepEqual(codes(answers), ['mfa_required', 'mfa_required']);
      await finishLogin(browsers[kept], okta, user);
    });
  }

  it('those behind a rate-limited passcode share its answer, and nobody loses an attempt', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 1 } });
    const posts = watchTokenRequests(okta);
    const atOkta = gate();
    const letGo = gate();
    okta.respondNext(async () => {
      atOkta.open();
      await letGo.opened;
      return { status: 429, body: { error: 'invalid_grant' } };
    }, OTP_STEP);
    const first = sendOtp(browser.fork(), okta.wrongOtp(user));
    await soon('the passcode at Okta', atOkta.opened);
    const second = await inLine(app, browser.fork(), okta.wrongOtp(user));
    letGo.open();
    assert.deepEqual(codes([await first, await second.answer]), ['rate_limited', 'rate_limited']);
    assert.equal(posts().length, 1);
    await finishLogin(browser, okta, user);
  });

  for (const right of [true, false]) {
    it(`cancel() while Okta checks a ${right ? 'right' : 'wrong'} passcode: nobody logs in, and nothing is saved again`, async (t) => {
      const { app, browser, user } = await sceneAtPasscode(t, { session: { resave: true } });
      const held = hold(okta, OTP_STEP);
      const otp = right ? okta.otp(user) : okta.wrongOtp(user);
      const answer = sendOtp(browser.fork(), otp);
      await held.arrived();
      assert.equal((await browser.post('/cancel')).status, 200);
      held.letGo();
      assert.equal((await answer).body['code'], 'mfa_transaction_missing');
      assert.equal(app.logins.length, 0);
      assert.equal(await whoIs(browser), undefined);
      assert.ok(!app.store.text.includes(KEY));
    });
  }

  it('the password anew while Okta checks a wrong passcode: only the new transaction stays', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    const old = browser.fork();
    const held = hold(okta, OTP_STEP);
    const answer = sendOtp(old, okta.wrongOtp(user));
    await held.arrived();
    await passPassword(browser, user);
    held.letGo();
    assert.equal((await answer).body['code'], 'mfa_transaction_missing');
    assert.equal(app.store.waiting(old.sessionID), undefined);
    assert.equal(app.store.waiting(browser.sessionID)?.attempts, 0);
    await finishLogin(browser, okta, user);
  });

  it('a passcode whose session was read before cancel() does not log in after it', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t);
    const { answer, letGo } = await sendWithOldSession(app, browser, okta.otp(user));
    assert.equal((await browser.post('/cancel')).status, 200);
    letGo();
    assert.equal((await answer).body['code'], 'mfa_transaction_missing');
    assert.equal(app.logins.length, 0);
  });

  it('a wrong passcode whose session was read before others counts after them', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 3 } });
    const late = await sendWithOldSession(app, browser, okta.wrongOtp(user));
    const later = await sendWithOldSession(app, browser, okta.otp(user));
    await sendOtp(browser, okta.wrongOtp(user));
    await sendOtp(browser, okta.wrongOtp(user));
    const posts = watchTokenRequests(okta);
    late.letGo();
    assert.equal((await late.answer).body['code'], 'otp_attempts_exceeded');
    later.letGo();
    assert.equal((await later.answer).body['code'], 'mfa_transaction_missing');
    assert.equal(posts().length, 1);
  });
});

/** Sends a passcode, and comes back when the strategy has it: from then on it is in line. */
async function inLine(
  app: App,
  browser: Browser,
  otp: string,
): Promise<{ answer: Promise<Answer> }> {
  const already = app.entered.length;
  const answer = sendOtp(browser, otp);
  await until('the request to reach the strategy', () => app.entered.length > already);
  return { answer };
}

/** Sends a passcode whose session is read now, and which goes on only when it is let go. */
async function sendWithOldSession(app: App, browser: Browser, otp: string) {
  const read = gate();
  const goOn = gate();
  app.store.afterGet = () => {
    app.store.afterGet = () => undefined;
    read.open();
    return goOn.opened;
  };
  const answer = sendOtp(browser, otp);
  await soon('the session to be read', read.opened);
  return { answer, letGo: () => goOn.open() };
}
