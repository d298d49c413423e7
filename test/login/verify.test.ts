import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { User, Okta } from '../../example/okta/index.js';
import { startApp, toUser, type App, type AppOptions } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { finishLogin, optionsFor, sendOtp, sendPassword, whoIs } from '../support/login.js';
import { useOkta } from '../support/okta.js';
import { soon, until } from '../support/promises.js';

let okta: Okta;
useOkta((started) => (okta = started));

type Verify = NonNullable<AppOptions['verify']>;

/** An app with this verify function, and a browser that has passed the password. */
async function atPasscode(
  t: { after(fn: () => unknown): void },
  verify: Verify,
  options: Partial<AppOptions> = {},
): Promise<{ app: App; browser: Browser; user: User }> {
  const user = okta.addUser();
  const app = await startApp(t, { strategyOptions: optionsFor(okta), verify, ...options });
  const browser = new Browser(app.url);
  assert.equal((await sendPassword(browser, user)).status, 403);
  app.actions.length = 0;
  return { app, browser, user };
}

interface Row {
  name: string;
  verify: Verify;
  action: 'success' | 'fail' | 'error';
  status: number;
}

const boom = new Error('The database is down');
const other = { id: 'somebody else' } as Express.User;
const ROWS: Row[] = [
  {
    name: 'that calls done with a user',
    verify: ({ profile }, done) => done(null, toUser(profile)),
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
    name: 'that calls done later',
    verify: ({ profile }, done) => void setImmediate(() => done(null, toUser(profile))),
    action: 'success',
    status: 200,
  },
  {
    name: 'that is async, calls done and returns nothing',
    verify: async ({ profile }, done) => done(null, toUser(profile)),
    action: 'success',
    status: 200,
  },
  {
    name: 'that calls done twice with a user',
    verify({ profile }, done) {
      done(null, toUser(profile));
      done(null, other);
    },
    action: 'success',
    status: 200,
  },
  {
    name: 'that calls done with a user, then with an error',
    verify({ profile }, done) {
      done(null, toUser(profile));
      done(boom);
    },
    action: 'success',
    status: 200,
  },
  {
    name: 'that calls done with a user and then throws',
    verify({ profile }, done) {
      done(null, toUser(profile));
      throw boom;
    },
    action: 'success',
    status: 200,
  },
  {
    name: 'that calls done with a user and also returns a promise of another',
    verify: async ({ profile }, done) => {
      done(null, toUser(profile));
      return other;
    },
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
    name: 'that refuses with false',
    verify: (_login, done) => done(null, false, { message: 'No account here' }),
    action: 'fail',
    status: 401,
  },
  {
    name: 'that returns a promise of false',
    verify: async () => false,
    action: 'fail',
    status: 401,
  },
  { name: 'that returns a promise of null', verify: async () => null, action: 'fail', status: 401 },
  {
    name: 'that calls done without a user',
    verify: (_, done) => done(null),
    action: 'fail',
    status: 401,
  },
  {
    name: 'that throws',
    verify() {
      throw boom;
    },
    action: 'error',
    status: 500,
  },
  {
    name: 'that calls done with an error',
    verify: (_, done) => done(boom),
    action: 'error',
    status: 500,
  },
  { name: 'that rejects', verify: () => Promise.reject(boom), action: 'error', status: 500 },
  {
    name: 'that rejects with nothing',
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the case in question
    verify: () => Promise.reject(undefined),
    action: 'error',
    status: 500,
  },
  {
    name: "that calls done with the word 'route'",
    verify: (_login, done) => done('route'),
    action: 'error',
    status: 500,
  },
  {
    name: "that throws the word 'router'",
    verify() {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the case in question
      throw 'router';
    },
    action: 'error',
    status: 500,
  },
  {
    name: 'that calls done with an error and then with a user',
    verify({ profile }, done) {
      done(boom);
      done(null, toUser(profile));
    },
    action: 'error',
    status: 500,
  },
];

for (const style of ['callback', 'plain'] as const) {
  describe(`In the style ${style}, a verify function`, () => {
    for (const { name, verify, action, status } of ROWS) {
      it(`${name} leads to one action: ${action}`, async (t) => {
        const { app, browser, user } = await atPasscode(t, verify, { style });
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
      });
    }
  });
}

it('a verify function that never decides leaves its request open, and others go on', async (t) => {
  let decides = false;
  const { app, browser, user } = await atPasscode(t, ({ profile }, done) => {
    if (decides) done(null, toUser(profile));
  });
  const controller = new AbortController();
  const { username, password } = user;
  const open = browser.fork().post('/login', {
    json: { otp: okta.otp(user) },
    signal: controller.signal,
  });
  await until('verify to be called', () => app.logins.length === 1);

  decides = true;
  const somebody = okta.addUser();
  const another = new Browser(app.url);
  await sendPassword(another, somebody);
  await finishLogin(another, okta, somebody);
  // The same person in the same browser starts over.
  await browser.post('/login', { json: { username, password } });
  await finishLogin(browser, okta, user);

  assert.equal(app.actions.filter(({ req }) => req === app.logins[0]?.req).length, 0);
  controller.abort();
  await assert.rejects(soon('the aborted request', open), { name: 'AbortError' });
});

it('an error of verify reaches the app as it is', async (t) => {
  const { app, browser, user } = await atPasscode(t, (_login, done) => done(boom));
  await sendOtp(browser, okta.otp(user));
  assert.equal(app.errors[0], boom);
});

it('what verify says beside its refusal reaches the app', async (t) => {
  const info = { message: 'This account is closed' };
  const { browser, user } = await atPasscode(t, (_login, done) => done(null, false, info));
  const { status, body } = await sendOtp(browser, okta.otp(user));
  assert.deepEqual([status, body], [401, info]);
});

it('with passReqToCallback verify gets the request, with what was in its session', async (t) => {
  const { app, browser, user } = await atPasscode(t, ({ profile }, done) =>
    done(null, toUser(profile)),
  );
  await sendOtp(browser, okta.otp(user));
  assert.equal(app.logins[0]?.req, app.actions[0]?.req);
  assert.equal(app.logins[0]?.req.path, '/login');
});

it('without passReqToCallback verify gets tokens, profile and done', async (t) => {
  const { browser, user } = await atPasscode(
    t,
    ({ profile }, done) => done(null, toUser(profile)),
    { strategyOptions: optionsFor(okta, { passReqToCallback: false }) },
  );
  await finishLogin(browser, okta, user);
});

it('a failed verify lets nobody in on the next try without a new password step', async (t) => {
  const { browser, user } = await atPasscode(t, (_login, done) => done(boom));
  assert.equal((await sendOtp(browser, okta.otp(user))).status, 500);
  const again = await sendOtp(browser, okta.otp(user));
  assert.equal(again.body['code'], 'mfa_transaction_missing');
});
