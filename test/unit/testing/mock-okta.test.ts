import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { getGlobalDispatcher, request, setGlobalDispatcher } from 'undici';
import type { OktaDirectMfaStrategyOptions } from '../../../lib/index.js';
import { mockOkta, type MockOkta, type MockOktaOptions } from '../../../lib/testing/index.js';
import { startApp, type App } from '../../support/app.js';
import { Browser, type Answer } from '../../support/browser.js';

const ISSUER = 'https://acme.okta.com';
const CLIENT_ID = '0oa1client';
const ADA = { username: 'ada@example.com', password: 'pw', otp: '123456' };
const BOB = { username: 'bob@example.com', password: 'pw-of-bob' };

interface Setting {
  okta: MockOkta;
  app: App;
  browser: Browser;
}

/** A mock, and an Express app whose strategy has it for its dispatcher. */
async function start(
  t: TestContext,
  given: Partial<OktaDirectMfaStrategyOptions> = {},
  mock: Partial<MockOktaOptions> = {},
): Promise<Setting> {
  const okta = mockOkta({ issuer: ISSUER, clientID: CLIENT_ID, users: [ADA, BOB], ...mock });
  t.after(() => okta.close());
  const app = await startApp(t, {
    strategyOptions: {
      issuer: ISSUER,
      clientID: CLIENT_ID,
      dispatcher: okta.dispatcher,
      ...given,
    },
  });
  return { okta, app, browser: new Browser(app.url) };
}

const login = (browser: Browser, json: Record<string, string>): Promise<Answer> =>
  browser.post('/login', { json });
const password = (browser: Browser, { username, password } = ADA) =>
  login(browser, { username, password });
const code = ({ body }: Answer) => body['code'];

describe('mockOkta, with the strategy in an Express app', () => {
  it('logs a person in with password and passcode', async (t) => {
    const { app, browser } = await start(t);
    const first = await password(browser);
    assert.equal(first.status, 403);
    assert.equal(code(first), 'mfa_required');
    const second = await login(browser, { otp: ADA.otp });
    assert.equal(second.status, 200);

    const { user } = (await browser.get('/me')).body;
    assert.equal((user as { username?: string }).username, 'ada@example.com');
    const [{ tokens, profile } = assert.fail()] = app.logins;
    assert.match(profile.id, /^00u\w{17}$/);
    assert.equal(profile.displayName, 'ada@example.com');
    assert.equal(profile.emails, undefined, 'scope email was not asked for');
    assert.deepEqual(tokens.claims['amr'], ['mfa', 'otp', 'pwd']);
    assert.equal(tokens.token_type, 'Bearer');
    assert.equal(tokens.scope, 'openid profile');
    assert.equal(tokens.refresh_token, undefined);
  });

  for (const issuer of [`${ISSUER}/oauth2/default`, `${ISSUER}/`, 'http://127.0.0.1:8080']) {
    it(`mocks the issuer ${issuer}`, async (t) => {
      const { browser } = await start(t, { issuer, allowInsecureIssuer: true }, { issuer });
      await password(browser);
      assert.equal((await login(browser, { otp: ADA.otp })).status, 200);
    });
  }

  it('accepts every kind of client authentication', async (t) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    for (const given of [
      { clientSecret: 's3cret' },
      { clientSecret: 's3cret', clientAuthentication: 'client_secret_post' },
      { privateKey, clientAuthentication: 'private_key_jwt' },
    ] as const) {
      const { browser } = await start(t, given);
      assert.equal(code(await password(browser)), 'mfa_required');
    }
  });

  it('refuses another client', async (t) => {
    for (const given of [{}, { clientSecret: 's3cret' }]) {
      const { browser } = await start(t, { clientID: '0oa1other', ...given });
      assert.equal(code(await password(browser)), 'invalid_client');
    }
  });

  it('refuses a wrong password, an unknown and a locked person alike', async (t) => {
    const users = [ADA, { ...BOB, locked: true }];
    const { browser } = await start(t, {}, { users });
    const answers = [
      await login(browser, { username: ADA.username, password: 'wrong' }),
      await login(browser, { username: 'eve@example.com', password: 'pw' }),
      await login(browser, BOB),
    ];
    for (const { status, body } of answers) {
      assert.equal(status, 401);
      assert.deepEqual(body, {
        code: 'invalid_credentials',
        message: 'The username or password is wrong.',
      });
    }
  });

  it('refuses a wrong passcode, and takes the right one after it', async (t) => {
    const { browser } = await start(t);
    await password(browser);
    const wrong = await login(browser, { otp: '654321' });
    assert.equal(code(wrong), 'invalid_otp');
    assert.equal(wrong.body['attemptsRemaining'], 4);
    assert.equal((await login(browser, { otp: ADA.otp })).status, 200);
  });

  it('accepts the same passcode in the next login', async (t) => {
    const { browser } = await start(t);
    for (let times = 0; times < 2; times++) {
      await password(browser);
      assert.equal((await login(browser, { otp: ADA.otp })).status, 200);
    }
  });

  it('knows a person by a username in upper case, as Okta does', async (t) => {
    const { browser } = await start(t);
    const answer = await password(browser, { ...ADA, username: 'ADA@Example.com' });
    assert.equal(code(answer), 'mfa_required');
  });

  it('refuses a person who is not assigned to the app', async (t) => {
    const { browser } = await start(t, {}, { users: [{ ...ADA, assigned: false }] });
    const answer = await password(browser);
    assert.equal(answer.status, 403);
    assert.equal(code(answer), 'access_denied');
  });

  it('grants tokens for the password alone to a person without a passcode', async (t) => {
    const strict = await start(t);
    assert.equal(code(await login(strict.browser, BOB)), 'mfa_not_enforced');

    const lax = await start(t, { requireMfa: false, scope: 'openid email' });
    assert.equal((await login(lax.browser, BOB)).status, 200);
    assert.deepEqual(lax.app.logins[0]?.tokens.claims['amr'], ['pwd']);
    assert.deepEqual(lax.app.logins[0]?.profile.emails, [{ value: BOB.username, verified: true }]);
  });

  it('gives what the scopes allow, and the claims of the test', async (t) => {
    const { app, browser } = await start(
      t,
      { scope: 'openid email offline_access' },
      {
        users: [
          { ...ADA, id: '00uada', email: 'a@example.com', claims: { groups: ['admins'], ver: 2 } },
        ],
      },
    );
    await password(browser);
    await login(browser, { otp: ADA.otp });
    const [{ tokens, profile } = assert.fail()] = app.logins;
    assert.equal(profile.id, '00uada');
    assert.deepEqual(profile.emails, [{ value: 'a@example.com', verified: true }]);
    assert.equal(profile.displayName, undefined);
    assert.deepEqual(tokens.claims['groups'], ['admins']);
    assert.equal(tokens.claims['ver'], 2);
    assert.ok(tokens.refresh_token);
  });

  it('gives at /userinfo the claims of the person whose access token is sent', async (t) => {
    const users = [{ ...ADA, name: 'Ada Lovelace', claims: { locale: 'en_GB' } }, BOB];
    const { app, okta, browser } = await start(t, { userInfo: true }, { users });
    await password(browser);
    await login(browser, { otp: ADA.otp });
    assert.equal(app.logins[0]?.profile.displayName, 'Ada Lovelace');
    assert.equal(app.logins[0]?.profile._json['locale'], 'en_GB');
    assert.equal(okta.requests.at(-1)?.path, '/oauth2/v1/userinfo');

    for (const headers of [{ authorization: 'Bearer somebody-elses' }, null]) {
      const reply = await request(`${ISSUER}/oauth2/v1/userinfo`, {
        dispatcher: okta.dispatcher,
        headers,
      });
      assert.equal(reply.statusCode, 401);
    }
  });

  it('makes an ID token that is wrong on purpose', async (t) => {
    for (const claims of [{ exp: 1 }, { aud: 'another' }, { iss: 'another' }, { sub: undefined }]) {
      const { browser } = await start(t, {}, { users: [{ ...ADA, claims }] });
      await password(browser);
      const answer = await login(browser, { otp: ADA.otp });
      assert.equal(answer.status, 502);
      assert.equal(code(answer), 'invalid_id_token', JSON.stringify(claims));
    }
  });

  it('keeps two logins at once apart', async (t) => {
    const eve = { username: 'eve@example.com', password: 'pw2', otp: '222222' };
    const { app } = await start(t, {}, { users: [ADA, eve] });
    const browsers = [new Browser(app.url), new Browser(app.url)] as const;
    await Promise.all([password(browsers[0]), password(browsers[1], eve)]);
    const crossed = await login(browsers[0], { otp: eve.otp });
    assert.equal(code(crossed), 'invalid_otp');
    const answers = await Promise.all([
      login(browsers[0], { otp: ADA.otp }),
      login(browsers[1], { otp: eve.otp }),
    ]);
    assert.deepEqual(
      answers.map(({ body }) => (body['user'] as { username: string }).username),
      [ADA.username, eve.username],
    );
  });

  it('takes a transaction for an expired one once its person is gone', async (t) => {
    const { okta, browser } = await start(t);
    await password(browser);
    okta.users.length = 0;
    assert.equal(code(await login(browser, { otp: ADA.otp })), 'mfa_transaction_expired');
  });

  it('accepts an mfa_token only once', async (t) => {
    const { okta, browser } = await start(t);
    await password(browser);
    await login(browser, { otp: ADA.otp });
    const { form } = okta.requests.at(-1) ?? assert.fail();
    const again = await request(`${ISSUER}/oauth2/v1/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
      dispatcher: okta.dispatcher,
    });
    assert.equal(again.statusCode, 400);
    assert.match(await again.body.text(), /access_denied.*`mfa_token` has expired/);
  });

  it('heeds what a test changes in a user, or adds', async (t) => {
    const ada = { ...ADA, locked: false };
    const { okta, browser } = await start(t, {}, { users: [ada] });
    assert.equal(code(await password(browser)), 'mfa_required');
    ada.locked = true;
    assert.equal(code(await password(browser)), 'invalid_credentials');
    okta.users.push({ ...BOB, otp: '000000' });
    assert.equal(code(await login(browser, BOB)), 'mfa_required');
  });

  it('records what reached it', async (t) => {
    const { okta, browser } = await start(t, { clientIP: () => '192.0.2.7' });
    await password(browser);
    await login(browser, { otp: ADA.otp });
    assert.deepEqual(
      okta.requests
        .map(({ method, path, status }) => `${method} ${path} ${status}`)
        // The keys are fetched beside the password step.
        .sort(),
      ['GET /oauth2/v1/keys 200', 'POST /oauth2/v1/token 200', 'POST /oauth2/v1/token 403'],
    );
    const [first, second] = okta.requests.filter(({ path }) => path.endsWith('/token'));
    assert.deepEqual(first?.form, {
      client_id: CLIENT_ID,
      grant_type: 'password',
      scope: 'openid profile',
      username: ADA.username,
      password: ADA.password,
    });
    assert.equal(first?.headers['x-forwarded-for'], '192.0.2.7');
    assert.equal(second?.form['otp'], ADA.otp);
    assert.equal(second?.form['grant_type'], 'http://auth0.com/oauth/grant-type/mfa-otp');
  });

  it('serves a strategy without a dispatcher, as the global one', async (t) => {
    const okta = mockOkta({ issuer: ISSUER, clientID: CLIENT_ID, users: [BOB] });
    // The browser of this test uses the global one too.
    okta.dispatcher.enableNetConnect(/^127\.0\.0\.1:/);
    const previous = getGlobalDispatcher();
    t.after(() => setGlobalDispatcher(previous));
    setGlobalDispatcher(okta.dispatcher);
    const app = await startApp(t, {
      strategyOptions: {
        issuer: ISSUER,
        clientID: CLIENT_ID,
        requireMfa: false,
        dispatcher: undefined,
      },
    });
    assert.equal((await login(new Browser(app.url), BOB)).status, 200);
  });
});

describe('failNext', () => {
  it('limits the rate, with 30 seconds to go, and keeps the transaction', async (t) => {
    const { okta, browser } = await start(t);
    await password(browser);
    okta.failNext('rate_limited');
    const limited = await login(browser, { otp: ADA.otp });
    assert.equal(limited.status, 429);
    assert.equal(code(limited), 'rate_limited');
    assert.ok(Math.abs(Number(limited.body['retryAfter']) - 30) <= 1);
    assert.equal((await login(browser, { otp: ADA.otp })).status, 200);
  });

  it('forgets the transaction at Okta', async (t) => {
    const { okta, browser } = await start(t);
    await password(browser);
    okta.failNext('mfa_token_expired');
    assert.equal(code(await login(browser, { otp: ADA.otp })), 'mfa_transaction_expired');
  });

  for (const [failure, status, expected] of [
    ['unavailable', 502, 'okta_error'],
    ['unreachable', 503, 'okta_unreachable'],
    ['timeout', 504, 'okta_timeout'],
  ] as const) {
    it(`${failure} is ${status} ${expected} for one request`, async (t) => {
      const { okta, browser } = await start(t, { timeout: 100 });
      okta.failNext(failure);
      const answer = await password(browser);
      assert.equal(answer.status, status);
      assert.equal(code(answer), expected);
      assert.equal(code(await password(browser)), 'mfa_required');
      const statuses = okta.requests.filter(({ path }) => path.endsWith('/token'));
      assert.deepEqual(
        statuses.map(({ status }) => status),
        [failure === 'unavailable' ? 503 : 0, 403],
      );
    });
  }

  it("gives the test's own responses, in order", async (t) => {
    const { okta, browser } = await start(t);
    okta.failNext({
      status: 429,
      headers: { 'retry-after': '7' },
      body: { error: 'invalid_grant' },
    });
    okta.failNext({ status: 400, body: { error: 'invalid_scope' } });
    okta.failNext({ status: 200, body: 'not JSON' });
    okta.failNext({ status: 204 });
    const limited = await password(browser);
    assert.equal(limited.body['retryAfter'], 7);
    assert.equal(code(await password(browser)), 'invalid_scope');
    assert.equal(code(await password(browser)), 'invalid_response');
    assert.equal(code(await password(browser)), 'invalid_response');
    assert.equal(code(await password(browser)), 'mfa_required');
  });

  it('affects the endpoint that is named', async (t) => {
    const { okta, browser } = await start(t, { userInfo: true });
    okta.failNext('unavailable', 'keys');
    okta.failNext('unreachable', 'userinfo');
    assert.equal(code(await password(browser)), 'mfa_required');
    // The keys are there at the second attempt.
    assert.equal(code(await login(browser, { otp: ADA.otp })), 'okta_unreachable');
  });

  it('names what it cannot do', (t) => {
    const okta = mockOkta({ issuer: ISSUER, clientID: CLIENT_ID, users: [] });
    t.after(() => okta.close());
    for (const failure of ['rateLimited', null, undefined, {}, { status: '429' }]) {
      assert.throws(() => okta.failNext(failure as never), {
        name: 'TypeError',
        message:
          'mockOkta: failNext() takes an answer with a status, or one of rate_limited, mfa_token_expired, unavailable, unreachable, timeout',
      });
    }
    assert.throws(() => okta.failNext('unavailable', 'authorize' as never), {
      name: 'TypeError',
      message:
        'mockOkta: failNext() knows the endpoints token, challenge, revoke, keys, userinfo, metadata',
    });
  });
});

describe('mockOkta', () => {
  it('lets nothing leave the machine', async (t) => {
    const connect = t.mock.method(Socket.prototype, 'connect');
    const { okta, browser } = await start(t, { userInfo: true });
    await password(browser);
    await login(browser, { otp: ADA.otp });
    await assert.rejects(
      request('https://api.example.com/', { dispatcher: okta.dispatcher }),
      /net\.connect disabled/,
    );
    for (const { arguments: args } of connect.mock.calls) {
      // What the browser and the app say to each other.
      assert.match(JSON.stringify(args), /"host(name)?":"127\.0\.0\.1"/);
    }
    assert.ok(connect.mock.callCount() > 0);
  });

  it('does not know another org', async (t) => {
    const { browser } = await start(t, { issuer: 'https://other.okta.com' });
    assert.equal(code(await password(browser)), 'okta_unreachable');
  });

  it('does not know another authorization server, nor an endpoint or a grant it lacks', async (t) => {
    const { okta, browser } = await start(t, { issuer: `${ISSUER}/oauth2/default` });
    assert.equal(code(await password(browser)), 'okta_error');
    assert.equal(okta.requests.at(-1)?.status, 404);

    const post = (path: string, headers: Record<string, string> | [string, string][]) =>
      request(`${ISSUER}/oauth2/v1/${path}?a=b`, {
        method: 'POST',
        headers: headers as Iterable<[string, string]>,
        body: Buffer.from(`client_id=${CLIENT_ID}&grant_type=authorization_code`),
        dispatcher: okta.dispatcher,
      });
    const form = 'application/x-www-form-urlencoded';
    const unknown = await post('introspect', { 'Content-Type': form });
    assert.equal(unknown.statusCode, 404);
    assert.equal(okta.requests.at(-1)?.path, '/oauth2/v1/introspect');
    const refused = await post('token', new Map([['Content-Type', form]]) as never);
    assert.equal(refused.statusCode, 400);
    assert.match(await refused.body.text(), /unsupported_grant_type/);
  });

  it('refreshes and revokes, with a refresh token that stays', async (t) => {
    const scope = 'openid offline_access';
    const { app, okta, browser } = await start(t, { scope, userInfo: true });
    const { strategy } = app;
    await password(browser);
    await login(browser, { otp: ADA.otp });
    const [{ tokens } = assert.fail()] = app.logins;
    const fresh = await strategy.refresh(tokens);
    assert.equal(fresh.refresh_token, tokens.refresh_token);
    assert.notEqual(fresh.access_token, tokens.access_token);
    assert.deepEqual(
      [fresh.claims?.sub, fresh.claims?.['amr'], fresh.claims?.['auth_time'], fresh.scope],
      [tokens.claims.sub, tokens.claims['amr'], tokens.claims['auth_time'], scope],
    );
    await assert.rejects(strategy.refresh({ ...tokens, scope: 'openid email' }), {
      code: 'invalid_scope',
    });

    const userInfo = async () => {
      const headers = { authorization: `Bearer ${fresh.access_token}` };
      const { dispatcher } = okta;
      return (await request(`${ISSUER}/oauth2/v1/userinfo`, { dispatcher, headers })).statusCode;
    };
    assert.equal(await userInfo(), 200);
    await strategy.revoke('junk');
    await strategy.revoke(tokens.access_token);
    assert.equal(await userInfo(), 200);
    okta.failNext('rate_limited', 'revoke');
    await assert.rejects(strategy.revoke(tokens), { code: 'rate_limited', retryAfter: 30 });
    await strategy.revoke(tokens);
    assert.equal(await userInfo(), 401);
    await assert.rejects(strategy.refresh(tokens), { code: 'refresh_token_rejected', status: 401 });
    const reply = await request(`${ISSUER}/oauth2/v1/revoke`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'client_id=another&token=x',
      dispatcher: okta.dispatcher,
    });
    assert.equal(reply.statusCode, 401);
  });

  it('ends all tokens of a login when a refresh token comes again after the grace period', async (t) => {
    const mock = { rotateRefreshTokens: true };
    const { app, okta, browser } = await start(t, { scope: 'openid offline_access' }, mock);
    const { strategy } = app;
    await password(browser);
    await login(browser, { otp: ADA.otp });
    const [{ tokens } = assert.fail()] = app.logins;
    const second = await strategy.refresh(tokens);
    assert.notEqual(second.refresh_token, tokens.refresh_token);
    okta.advance(29);
    const third = await strategy.refresh(tokens);
    okta.advance(1);
    for (const old of [tokens, second, third]) {
      await assert.rejects(strategy.refresh(old), { code: 'refresh_token_rejected' });
    }
  });

  it('refreshes nothing for a person who may not sign in any more', async (t) => {
    const scope = 'openid offline_access';
    const { app, okta, browser } = await start(t, { scope }, { users: [{ ...ADA }] });
    await password(browser);
    await login(browser, { otp: ADA.otp });
    const [{ tokens } = assert.fail()] = app.logins;
    const [user = assert.fail()] = okta.users;
    for (const change of [{ locked: true }, { locked: false, assigned: false }]) {
      Object.assign(user, change);
      await assert.rejects(app.strategy.refresh(tokens), { code: 'refresh_token_rejected' });
    }
    user.assigned = true;
    assert.ok((await app.strategy.refresh(tokens)).access_token);
    okta.users.length = 0;
    await assert.rejects(app.strategy.refresh(tokens), { code: 'refresh_token_rejected' });
  });

  it('takes a field that a form lacks for a wrong one', async (t) => {
    const okta = mockOkta({ issuer: ISSUER, clientID: CLIENT_ID, users: [BOB] });
    t.after(() => okta.close());
    const MFA_OTP = 'http://auth0.com/oauth/grant-type/mfa-otp';
    for (const [form, status, expected, authorization] of [
      [{}, 400, /unsupported_grant_type/],
      [{ grant_type: MFA_OTP, otp: '1' }, 400, /`mfa_token` has expired/],
      [{ grant_type: 'password', ...BOB }, 200, /"scope":""/],
      [{ grant_type: 'password', ...BOB }, 401, /invalid_client/, 'Basic .'],
    ] as [Record<string, string>, number, RegExp, string?][]) {
      const { statusCode, body } = await request(`${ISSUER}/oauth2/v1/token`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: new URLSearchParams({ client_id: CLIENT_ID, ...form }).toString(),
        dispatcher: okta.dispatcher,
      });
      assert.equal(statusCode, status);
      assert.match(await body.text(), expected);
    }
  });

  it('responds to nobody once it is closed', async (t) => {
    const { okta, browser } = await start(t);
    await okta.close();
    assert.equal(code(await password(browser)), 'okta_unreachable');
  });

  it('names the option that cannot work', () => {
    const make = (given: Record<string, unknown>) => () =>
      mockOkta({ issuer: ISSUER, clientID: CLIENT_ID, users: [ADA], ...given });
    assert.throws(make({ issuer: 'http://acme.okta.com' }), /TypeError.*issuer must begin/);
    assert.throws(make({ clientID: '' }), /TypeError.*clientID must be/);
    assert.throws(make({ users: [ADA, { ...BOB, otp: 123456 }] }), {
      name: 'TypeError',
      message: 'mockOkta: users[1].otp must be a non-empty string',
    });
    assert.throws(make({ users: [{ username: 'a' }] }), /users\[0\]\.password must be/);
    assert.throws(make({ users: [ADA, { ...ADA, username: 'Ada@example.com' }] }), {
      name: 'TypeError',
      message: 'mockOkta: users[1] has the username of another user',
    });
  });
});
