import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { Okta } from '../../example/okta/index.js';
import {
  addSecrets,
  Browser,
  finishLogin,
  logIn,
  optionsFor,
  OTP_STEP,
  passPassword,
  PASSWORD_STEP,
  scene,
  sceneAtPasscode,
  sendOtp,
  sendPassword,
  startServer,
  useOkta,
  watchAllRequests,
  watchTokenRequests,
  whoIs,
} from '../support/index.js';
import { idTokenClaims, rs256, rsaKeyPair, toJwk } from '../support/fixtures.js';

let okta: Okta;
useOkta((started) => (okta = started));

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
    const scope = 'openid profile email offline_access';
    const { app, browser, user } = await scene(t, {
      options: { scope },
      user: { givenName: 'Ada', familyName: 'Byron' },
    });
    await logIn(browser, okta, user);

    const [login] = app.logins;
    const { access_token, id_token, refresh_token, claims, ...tokens } = login?.tokens ?? {};
    assert.ok(access_token && id_token && refresh_token);
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
      emails: [{ value: user.username, verified: true }],
    });
    assert.deepEqual(_json, claims);
  });

  it('no refresh token without offline_access, and nothing of /userinfo without userInfo', async (t) => {
    const { app, browser, user } = await scene(t);
    const reached = watchAllRequests(okta);
    await logIn(browser, okta, user);
    assert.equal(typeof app.logins[0]?.tokens.refresh_token, 'undefined');
    assert.ok(reached().every((line) => !line.includes('userinfo')));
  });

  it('the username of the ID token, not of the form', async (t) => {
    const { app, browser, user } = await scene(t);
    await passPassword(browser, { ...user, username: user.username.toUpperCase() });
    await finishLogin(browser, okta, user);
    assert.equal(app.logins[0]?.profile.username, user.username);
  });
});

describe('requireMfa: false', () => {
  it('logs in with the password alone, and the second factor is still asked of others', async (t) => {
    const { app, browser, user } = await scene(t, {
      options: { requireMfa: false },
      user: { mfa: false },
    });
    const posts = watchTokenRequests(okta);
    assert.equal((await sendPassword(browser, user)).status, 200);
    assert.equal(await whoIs(browser), user.id);
    assert.equal(posts().length, 1);
    assert.deepEqual(app.logins[0]?.tokens.claims['amr'], ['pwd']);
    await logIn(new Browser(app.url), okta, okta.addUser());
  });

  it('drops the transaction of before when the password alone logs in', async (t) => {
    const { app, browser } = await sceneAtPasscode(t, {
      options: { requireMfa: false },
      authenticateOptions: { keepSessionInfo: true },
    });
    const plain = okta.addUser({ mfa: false });
    assert.equal((await sendPassword(browser, plain)).status, 200);
    assert.ok(!app.store.text.includes('okta-direct-mfa'));
    assert.equal(await whoIs(browser), plain.id);
  });

  it('verifies the ID token of the password step too', async (t) => {
    const { browser, user } = await scene(t, {
      options: { requireMfa: false },
      user: { mfa: false },
    });
    okta.respondNext(async (_request, proceed) => {
      const answer = await proceed();
      const id_token = okta.signIdToken('org', { sub: user.id, aud: 'another client' });
      return { ...answer, body: { ...(answer.body as object), id_token } };
    }, PASSWORD_STEP);
    const answer = await sendPassword(browser, user);
    assert.deepEqual([answer.status, answer.body['code']], [502, 'invalid_id_token']);
    assert.equal(await whoIs(browser), undefined);
  });
});

describe('userInfo', () => {
  it('reads what /userinfo says into the profile, and leaves the claims alone', async (t) => {
    const { app, browser, user } = await scene(t, {
      strategyOptions: optionsFor(okta, { userInfo: true }, 'default'),
    });
    okta.respondNext(
      async (_request, proceed) => {
        const answer = await proceed();
        return { ...answer, body: { ...(answer.body as object), name: 'Countess of Lovelace' } };
      },
      { endpoint: 'userinfo', authorizationServer: 'default' },
    );
    const reached = watchAllRequests(okta);
    await logIn(browser, okta, user);
    const [login] = app.logins;
    assert.equal(login?.profile.displayName, 'Countess of Lovelace');
    assert.equal(login?.profile.id, user.id);
    assert.equal(login?.tokens.claims['name'], 'Test User', 'the claims stay those of the token');
    const path = '/oauth2/default/v1/userinfo';
    assert.equal(reached().filter((line) => line === `GET ${path}`).length, 1);
    const request = okta.requests.findLast((got) => got.path === path);
    assert.equal(request?.headers.authorization, `Bearer ${login?.tokens.access_token}`);
  });

  it('about another person is an error and no login', async (t) => {
    const { app, browser, user } = await sceneAtPasscode(t, { options: { userInfo: true } });
    okta.respondNext(
      { body: { sub: '00usomebodyelse00000', name: 'Mallory' } },
      { endpoint: 'userinfo' },
    );
    const { status, body } = await sendOtp(browser, okta.otp(user));
    assert.deepEqual([status, body['code']], [502, 'invalid_userinfo']);
    assert.equal(app.logins.length, 0);
    assert.equal(await whoIs(browser), undefined);
    assert.notEqual(app.store.waiting(browser.sessionID), undefined);
  });
});

describe('Keys of the issuer', () => {
  const keysIn = (lines: string[]) => lines.filter((line) => line.includes('/keys?'));

  it('are fetched once for many logins', async (t) => {
    const { app } = await scene(t, { strategyOptions: optionsFor(okta, {}, 'default') });
    const reached = watchAllRequests(okta);
    const users = Array.from({ length: 8 }, () => okta.addUser());
    await Promise.all(users.map((user) => logIn(new Browser(app.url), okta, user)));
    await logIn(new Browser(app.url), okta, okta.addUser());
    assert.deepEqual(keysIn(reached()), [
      `GET /oauth2/default/v1/keys?client_id=${okta.clients.native.client_id}`,
    ]);
  });

  for (const keepPrevious of [true, false]) {
    it(`that rotate between two logins are fetched anew, keepPrevious ${keepPrevious}`, async (t) => {
      const { app, browser, user } = await scene(t);
      const reached = watchAllRequests(okta);
      await logIn(browser, okta, user);
      await okta.rotateKeys('org', { keepPrevious });
      await logIn(new Browser(app.url), okta, okta.addUser());
      await logIn(new Browser(app.url), okta, okta.addUser());
      assert.equal(keysIn(reached()).length, 2);
    });
  }

  it('that rotate between the two steps of a login do not hurt it', async (t) => {
    const { browser, user } = await sceneAtPasscode(t);
    await okta.rotateKeys('org');
    await finishLogin(browser, okta, user);
  });

  it('are not asked for again and again by tokens under unknown keys', async (t) => {
    const { browser, user } = await sceneAtPasscode(t);
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
    assert.ok(keysIn(reached()).length <= 1);
    await finishLogin(browser, okta, user);
  });

  it('of one server do not vouch for the other', async (t) => {
    const { browser, user } = await sceneAtPasscode(t);
    okta.respondNext(() => {
      const claims = { sub: user.id, aud: okta.clients.native.client_id, iss: okta.issuers.org };
      const id_token = okta.signIdToken('default', claims);
      return { body: { access_token: 'an-access-token', id_token } };
    }, OTP_STEP);
    assert.equal((await sendOtp(browser, okta.otp(user))).body['code'], 'invalid_id_token');
  });
});

describe('An ID token that a test has made, after the passcode,', () => {
  const forger = rsaKeyPair();
  /** A token that brings its key along: in itself and, by address, on a server of the forger's. */
  const forged = (evil: string) =>
    rs256(
      { alg: 'RS256', kid: 'evil', jwk: toJwk(forger.publicKey), jku: `${evil}/keys` },
      idTokenClaims({ iss: okta.issuers.org, aud: okta.clients.native.client_id }),
      forger.privateKey,
    );

  it('logs in when the issuer has signed it', async (t) => {
    const { browser, user } = await sceneAtPasscode(t);
    const claims = { sub: user.id, aud: okta.clients.native.client_id };
    const body = { access_token: 'an-access-token', id_token: okta.signIdToken('org', claims) };
    okta.respondNext({ body }, OTP_STEP);
    await finishLogin(browser, okta, user);
  });

  it('is refused when it brings its own key, and none is fetched from there', async (t) => {
    const evil = await startServer(t, (_, res) => {
      res.end(JSON.stringify({ keys: [toJwk(forger.publicKey, { kid: 'evil' })] }));
    });
    const { app, browser, user } = await sceneAtPasscode(t);
    const id_token = forged(evil.url);
    addSecrets(...id_token.split('.'));
    okta.respondNext({ body: { access_token: 'an-access-token', id_token } }, OTP_STEP);
    const answer = await sendOtp(browser, okta.otp(user));
    assert.deepEqual(evil.requests, []);
    assert.deepEqual([answer.status, answer.body['code']], [502, 'invalid_id_token']);
    assert.match(String(answer.body['message']), /"kid"/);
    assert.ok(answer.text.length < 400);
    assert.equal(app.logins.length, 0);
    assert.ok(app.store.waiting(browser.sessionID), 'the transaction is gone');
  });

  it('is refused a hundred times, and then the right one logs in all the same', async (t) => {
    const { browser, user } = await sceneAtPasscode(t, { options: { maxOtpAttempts: 2 } });
    const id_token = forged('http://127.0.0.1:9');
    for (let count = 0; count < 100; count++) {
      okta.respondNext({ body: { access_token: 'an-access-token', id_token } }, OTP_STEP);
      assert.equal((await sendOtp(browser, '123456')).status, 502);
    }
    await finishLogin(browser, okta, user);
  });
});

describe('The times of an ID token', () => {
  // Okta's ID tokens are good for an hour, so an hour and a half minute ago is half a minute late.
  const HOUR = 3600;
  for (const [seconds, clockTolerance, status] of [
    [-HOUR - 30, undefined, 200],
    [-HOUR - 90, undefined, 502],
    [-HOUR - 90, 600, 200],
    [90, undefined, 502],
  ] as const) {
    const what = seconds > 0 ? `issued in ${seconds} s` : `expired ${-seconds - HOUR} s ago`;
    it(`${what}, with clockTolerance ${clockTolerance}: ${status}`, async (t) => {
      const options = clockTolerance === undefined ? {} : { clockTolerance };
      const { browser, user } = await sceneAtPasscode(t, { options });
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
