import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { Okta, ServerName } from '../../example/okta/index.js';
import { startApp } from '../support/app.js';
import { Browser } from '../support/browser.js';
import {
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
  whoIs,
} from '../support/login.js';
import {
  hold,
  OTP_STEP,
  PASSWORD_STEP,
  useOkta,
  watchAllRequests,
  watchTokenRequests,
} from '../support/okta.js';

let okta: Okta;
useOkta((started) => (okta = started));

const KEYS: Record<ServerName, string> = {
  org: 'GET /oauth2/v1/keys',
  default: 'GET /oauth2/default/v1/keys',
};

/** The next passcode is answered by an Okta whose clock is off by so many seconds. */
function nextTokensAreOff(seconds: number): void {
  okta.respondNext(async (_request, proceed) => {
    const real = Date.now;
    const clock = mock.method(Date, 'now', () => real() + seconds * 1000);
    try {
      return await proceed();
    } finally {
      clock.mock.restore();
    }
  }, OTP_STEP);
}

describe('The verify function gets', () => {
  it('tokens under their wire names, verified claims and a normalised profile', async (t) => {
    const user = okta.addUser({ givenName: 'Ada', familyName: 'Byron' });
    const scope = 'openid profile email';
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { scope }) });
    await logIn(new Browser(app.url), okta, user);

    const [login] = app.logins;
    const { access_token, id_token, claims, ...tokens } = login?.tokens ?? {};
    assert.ok(access_token && id_token);
    assert.deepEqual(tokens, { token_type: 'Bearer', expires_in: 3600, scope });
    assert.equal(claims?.sub, user.id);
    assert.equal(claims?.iss, okta.issuers.org);
    assert.equal(claims?.aud, okta.clients.native.client_id);
    const { _json, ...profile } = login?.profile ?? {};
    assert.deepEqual(profile, {
      provider: 'okta',
      id: user.id,
      username: user.username,
      displayName: 'Ada Byron',
      name: { givenName: 'Ada', familyName: 'Byron' },
      emails: [{ value: user.username }],
    });
    assert.deepEqual(_json, claims);
  });

  it('a refresh token with offline_access, and none without', async (t) => {
    for (const [scope, type] of [
      ['openid offline_access', 'string'],
      ['openid', 'undefined'],
    ] as const) {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta, { scope }) });
      await logIn(new Browser(app.url), okta, user);
      assert.equal(typeof app.logins[0]?.tokens.refresh_token, type);
    }
  });

  it('nothing before the ID token is verified, and the username of the token, not of the form', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, { ...user, username: user.username.toUpperCase() });
    await finishLogin(browser, okta, user);
    assert.equal(app.logins[0]?.profile.username, user.username);
  });
});

describe('requireMfa', () => {
  it('false logs in with the password alone, and the second factor is still asked of others', async (t) => {
    const [plain, careful] = [okta.addUser({ mfa: false }), okta.addUser()];
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { requireMfa: false }) });
    const browser = new Browser(app.url);
    const posts = watchTokenRequests(okta);
    assert.equal((await sendPassword(browser, plain)).status, 200);
    assert.equal(await whoIs(browser), plain.id);
    assert.equal(posts().length, 1);
    assert.deepEqual(app.logins[0]?.tokens.claims['amr'], ['pwd']);
    await logIn(new Browser(app.url), okta, careful);
  });

  it('false drops the login that waited when the password alone logs in', async (t) => {
    const [careful, plain] = [okta.addUser(), okta.addUser({ mfa: false })];
    const app = await startApp(t, {
      strategyOptions: optionsFor(okta, { requireMfa: false }),
      authenticateOptions: { keepSessionInfo: true },
    });
    const browser = new Browser(app.url);
    await passPassword(browser, careful);
    assert.equal((await sendPassword(browser, plain)).status, 200);
    assert.ok(!app.store.text.includes('okta-direct-mfa'));
    assert.equal(await whoIs(browser), plain.id);
  });

  it('false verifies the ID token of the password step too', async (t) => {
    const user = okta.addUser({ mfa: false });
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { requireMfa: false }) });
    const browser = new Browser(app.url);
    okta.respondNext(async (_request, proceed) => {
      const answer = await proceed();
      const id_token = okta.signIdToken('org', { sub: user.id, aud: 'another client' });
      return { ...answer, body: { ...(answer.body as object), id_token } };
    }, PASSWORD_STEP);
    const answer = await sendPassword(browser, user);
    assert.deepEqual([answer.status, answer.body['code']], [502, 'invalid_id_token']);
    assert.equal(await whoIs(browser), undefined);
  });

  it('true (the default) lets nobody in with the password alone', async (t) => {
    const user = okta.addUser({ mfa: false });
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    assert.equal((await sendPassword(browser, user)).body['code'], 'mfa_not_enforced');
    assert.equal(app.logins.length, 0);
    assert.equal(await whoIs(browser), undefined);
  });
});

describe('userInfo', () => {
  for (const server of ['org', 'default'] as const) {
    it(`reads what /userinfo of the ${server} server says into the profile`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, {
        strategyOptions: optionsFor(okta, { userInfo: true }, server),
      });
      okta.respondNext(
        async (_request, proceed) => {
          const answer = await proceed();
          return { ...answer, body: { ...(answer.body as object), name: 'Countess of Lovelace' } };
        },
        { endpoint: 'userinfo', authorizationServer: server },
      );
      const reached = watchAllRequests(okta);
      await logIn(new Browser(app.url), okta, user);
      const [login] = app.logins;
      assert.equal(login?.profile.displayName, 'Countess of Lovelace');
      assert.equal(login?.profile.id, user.id);
      assert.equal(login?.tokens.claims['name'], 'Test User', 'the claims stay those of the token');
      const path = server === 'org' ? '/oauth2/v1/userinfo' : '/oauth2/default/v1/userinfo';
      assert.equal(reached().filter((line) => line === `GET ${path}`).length, 1);
      const request = okta.requests.findLast((got) => got.path === path);
      assert.equal(request?.headers.authorization, `Bearer ${login?.tokens.access_token}`);
    });
  }

  it('false asks nothing', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const reached = watchAllRequests(okta);
    await logIn(new Browser(app.url), okta, user);
    assert.ok(reached().every((line) => !line.includes('userinfo')));
  });

  for (const [name, answer] of Object.entries({
    'about another person': { body: { sub: '00usomebodyelse00000', name: 'Mallory' } },
    'about nobody': { body: { name: 'Mallory' } },
    'that refuses': { status: 401, body: { error: 'invalid_token' } },
    'in HTML': { body: '<h1>Hello</h1>' },
    'that redirects': { status: 302, headers: { location: 'http://127.0.0.1:9/' } },
  })) {
    it(`with an answer ${name} is an error and no login`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta, { userInfo: true }) });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      okta.respondNext(answer, { endpoint: 'userinfo' });
      const { status, body } = await sendOtp(browser, okta.otp(user));
      assert.deepEqual([status, body['code']], [502, 'invalid_userinfo']);
      assert.equal(app.logins.length, 0);
      assert.equal(await whoIs(browser), undefined);
      assert.notEqual(app.store.waiting(browser.sessionID), undefined);
    });
  }
});

describe('Keys of the issuer', () => {
  for (const server of ['org', 'default'] as const) {
    it(`of the ${server} server are fetched once for many logins`, async (t) => {
      const app = await startApp(t, { strategyOptions: optionsFor(okta, {}, server) });
      const reached = watchAllRequests(okta);
      const users = Array.from({ length: 8 }, () => okta.addUser());
      await Promise.all(users.map((user) => logIn(new Browser(app.url), okta, user)));
      await logIn(new Browser(app.url), okta, okta.addUser());
      assert.deepEqual(
        reached().filter((line) => line.endsWith('/keys')),
        [KEYS[server]],
      );
    });
  }

  it('that are still under way at the passcode step are waited for, not fetched again', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    const reached = watchAllRequests(okta);
    const keys = hold(okta, { endpoint: 'keys' });
    await passPassword(browser, user);
    await keys.arrived();
    const posts = watchTokenRequests(okta);
    const answer = sendOtp(browser, okta.otp(user));
    await new Browser(app.url).get('/me');
    assert.equal(posts().length, 0, 'no passcode is spent before there are keys');
    keys.letGo();
    assert.equal((await answer).status, 200);
    assert.equal(reached().filter((line) => line.endsWith('/keys')).length, 1);
  });

  for (const keepPrevious of [true, false]) {
    it(`that rotate between two logins are fetched anew, keepPrevious ${keepPrevious}`, async (t) => {
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const reached = watchAllRequests(okta);
      await logIn(new Browser(app.url), okta, okta.addUser());
      await okta.rotateKeys('org', { keepPrevious });
      await logIn(new Browser(app.url), okta, okta.addUser());
      await logIn(new Browser(app.url), okta, okta.addUser());
      assert.equal(reached().filter((line) => line.endsWith('/keys')).length, 2);
    });
  }

  it('that rotate between the two steps of a login do not hurt it', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    await okta.rotateKeys('org');
    await finishLogin(browser, okta, user);
  });

  it('are fetched once for many logins that meet a new key at once', async (t) => {
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    await logIn(new Browser(app.url), okta, okta.addUser());
    const users = Array.from({ length: 6 }, () => okta.addUser());
    const browsers = users.map(() => new Browser(app.url));
    for (const [i, user] of users.entries()) await passPassword(browsers[i] as Browser, user);
    await okta.rotateKeys('org');
    const reached = watchAllRequests(okta);
    await Promise.all(users.map((user, i) => finishLogin(browsers[i] as Browser, okta, user)));
    assert.equal(reached().filter((line) => line.endsWith('/keys')).length, 1);
  });

  it('are not asked for again and again by tokens under unknown keys', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    const reached = watchAllRequests(okta);
    for (let i = 0; i < 4; i++) {
      okta.respondNext(() => {
        const claims = { sub: user.id, aud: okta.clients.native.client_id };
        const id_token = okta.signIdToken('org', claims, { kid: `unknown-${i}` });
        return { body: { access_token: 'an-access-token', id_token } };
      }, OTP_STEP);
      const { body } = await sendOtp(browser, okta.otp(user));
      assert.equal(body['code'], 'invalid_id_token');
    }
    assert.ok(reached().filter((line) => line.endsWith('/keys')).length <= 1);
    await finishLogin(browser, okta, user);
  });

  it('of one server do not vouch for the other', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    okta.respondNext(() => {
      const claims = { sub: user.id, aud: okta.clients.native.client_id, iss: okta.issuers.org };
      const id_token = okta.signIdToken('default', claims);
      return { body: { access_token: 'an-access-token', id_token } };
    }, OTP_STEP);
    assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'invalid_id_token');
  });
});

describe('The times of an ID token', () => {
  // Okta's ID tokens are good for an hour, so an hour and a half minute ago is half a minute late.
  const HOUR = 3600;
  for (const [seconds, clockTolerance, status] of [
    [-HOUR - 30, undefined, 200],
    [-HOUR - 90, undefined, 502],
    [-HOUR - 90, 600, 200],
    [-HOUR - 30, 0, 502],
    [30, undefined, 200],
    [90, undefined, 502],
    [90, 600, 200],
    [30, 0, 502],
  ] as const) {
    const what = seconds > 0 ? `issued in ${seconds} s` : `expired ${-seconds - HOUR} s ago`;
    it(`${what}, with clockTolerance ${clockTolerance}: ${status}`, async (t) => {
      const user = okta.addUser();
      const options = clockTolerance === undefined ? {} : { clockTolerance };
      const app = await startApp(t, { strategyOptions: optionsFor(okta, options) });
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      nextTokensAreOff(seconds);
      const answer = await sendOtp(browser, okta.otp(user));
      assert.equal(answer.status, status, answer.text);
      if (status === 502) {
        assert.match(
          String(answer.body['message']),
          seconds > 0 ? /"iat" is in the future/ : /expired/,
        );
      }
      assert.equal(await whoIs(browser), status === 200 ? user.id : undefined);
    });
  }
});
