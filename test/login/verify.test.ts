import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Okta } from '../../example/okta/index.js';
import {
  Browser,
  finishLogin,
  optionsFor,
  passPassword,
  sceneAtPasscode,
  sendOtp,
  soon,
  toUser,
  until,
  useOkta,
  whoIs,
  type AppOptions,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started));

type Verify = NonNullable<AppOptions['verify']>;

interface Row {
  name: string;
  verify: Verify;
  action: 'success' | 'fail' | 'error';
  status: number;
}

const boom = new Error('The database is down');
const other = { id: 'somebody else' } as Express.User;
const accept: Verify = ({ profile }, done) => done(null, toUser(profile));

/** One for each way to decide; the rest is callVerify's, whose unit tests have it. */
const ROWS: Row[] = [
  {
    name: 'that calls done with a user, then with others, and then throws',
    verify({ profile }, done) {
      done(null, toUser(profile));
      done(null, other);
      done(boom);
      throw boom;
    },
    action: 'success',
    status: 200,
  },
  {
    name: 'that returns a promise of a user',
    verify: async ({ profile }) => toUser(profile),
    action: 'success',
    status: 200,
  },
  {
    name: 'that refuses and then calls done with a user',
    verify({ profile }, done) {
      done(null, false);
      done(null, toUser(profile));
    },
    action: 'fail',
    status: 401,
  },
  {
    name: "that throws the word 'router', which would skip the rest of Express's routes",
    verify() {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the case in question
      throw 'router';
    },
    action: 'error',
    status: 500,
  },
];

for (const style of ['callback', 'plain'] as const) {
  describe(`In the style ${style}, a verify function`, () => {
    for (const { name, verify, action, status } of ROWS) {
      it(`${name} leads to one action: ${action}`, async (t) => {
        const { app, browser, user } = await sceneAtPasscode(t, { verify, style });
        const answer = await sendOtp(browser, okta.otp(user));
        // Whatever it does late has been done when another request has come and gone.
        const me = await whoIs(browser);

        assert.equal(answer.status, status);
        assert.deepEqual(
          app.actions.map((got) => got.name),
          [action],
        );
        assert.equal(me, action === 'success' ? user.id : undefined);
        assert.equal(app.passed.length, style === 'plain' && action === 'success' ? 1 : 0);
        assert.equal(app.errors.length, action === 'error' ? 1 : 0);
        assert.equal(app.store.waiting(browser.sessionID), undefined, 'the transaction is gone');
      });
    }
  });
}

it('a verify function that never decides leaves its request open, and others go on', async (t) => {
  let decides = false;
  const { app, browser, user } = await sceneAtPasscode(t, {
    verify: (login, done) => (decides ? accept(login, done) : undefined),
  });
  const controller = new AbortController();
  const open = browser.fork().post('/login', {
    json: { otp: okta.otp(user) },
    signal: controller.signal,
  });
  await until('verify to be called', () => app.logins.length === 1);

  decides = true;
  const somebody = okta.addUser();
  const another = new Browser(app.url);
  await passPassword(another, somebody);
  await finishLogin(another, okta, somebody);
  // The same person in the same browser starts over.
  await passPassword(browser, user);
  await finishLogin(browser, okta, user);

  assert.equal(app.actions.filter(({ req }) => req === app.logins[0]?.req).length, 0);
  controller.abort();
  await assert.rejects(soon('the aborted request', open), { name: 'AbortError' });
});

it('an error of verify reaches the app as it is, and the next try needs a new password step', async (t) => {
  const verify: Verify = (_login, done) => done(boom);
  const { app, browser, user } = await sceneAtPasscode(t, { verify });
  assert.equal((await sendOtp(browser, okta.otp(user))).status, 500);
  assert.equal(app.errors[0], boom);
  const again = await sendOtp(browser, okta.otp(user));
  assert.equal(again.body['code'], 'mfa_transaction_missing');
});

it('what verify says beside its refusal reaches the app', async (t) => {
  const info = { message: 'This account is closed' };
  const verify: Verify = (_login, done) => done(null, false, info);
  const { browser, user } = await sceneAtPasscode(t, { verify });
  const { status, body } = await sendOtp(browser, okta.otp(user));
  assert.deepEqual([status, body], [401, info]);
});

it('with passReqToCallback verify gets the request, with what was in its session', async (t) => {
  const { app, browser, user } = await sceneAtPasscode(t, { verify: accept });
  await sendOtp(browser, okta.otp(user));
  assert.equal(app.logins[0]?.req, app.actions[0]?.req);
  assert.equal(app.logins[0]?.req.path, '/login');
});

it('without passReqToCallback verify gets tokens, profile and done', async (t) => {
  const strategyOptions = optionsFor(okta, { passReqToCallback: false });
  const { browser, user } = await sceneAtPasscode(t, { verify: accept, strategyOptions });
  await finishLogin(browser, okta, user);
});
