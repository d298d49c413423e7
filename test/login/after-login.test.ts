import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client, Okta, ServerName } from '../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions, OktaTokens } from '../../lib/index.js';
import {
  addSecrets,
  choose,
  collect,
  gate,
  hold,
  logIn,
  OOB_STEP,
  optionsFor,
  OTP_STEP,
  poll,
  scene,
  sceneAtPasscode,
  sceneAtPush,
  sendOtp,
  sendPassword,
  soon,
  strategyOfAnotherProcess,
  until,
  useOkta,
  type Scene,
} from '../support/index.js';

let okta: Okta;
/** Milliseconds by which the clock of the stand-in is ahead. */
let ahead = 0;
useOkta((started) => (okta = started), { now: () => Date.now() + ahead });

const SCOPE = 'openid profile offline_access';
const REFRESH_STEP = { endpoint: 'token', grantType: 'refresh_token' } as const;

/** What has reached Okta for tokens of a login that was. */
const asked = (server: ServerName = 'org') =>
  okta.requests.filter(
    ({ authorizationServer, form, path }) =>
      authorizationServer === server &&
      (form['grant_type'] === 'refresh_token' || path.endsWith('/v1/revoke')),
  );

async function signedIn(
  t: Parameters<typeof scene>[0],
  options: Partial<OktaDirectMfaStrategyOptions> = {},
): Promise<Scene & { tokens: OktaTokens }> {
  const set = await scene(t, { options: { scope: SCOPE, ...options } });
  await logIn(set.browser, okta, set.user);
  const { tokens } = set.app.logins[0] ?? assert.fail();
  okta.requests.length = 0;
  return { ...set, tokens };
}

async function userInfo(accessToken: string, server: ServerName = 'org'): Promise<number> {
  const path = server === 'org' ? '/oauth2/v1/userinfo' : '/oauth2/default/v1/userinfo';
  const headers = { authorization: `Bearer ${accessToken}` };
  return (await fetch(okta.origin + path, { headers })).status;
}

/** What a call rejects with, which holds no secret. */
async function codeOf(call: Promise<unknown>): Promise<unknown> {
  const error: unknown = await call.then(
    () => assert.fail('it did not reject'),
    (reason: unknown) => reason,
  );
  collect('an error', error);
  return (error as { code?: unknown }).code;
}

/** Each method of client authentication, with its client at the stand-in. */
const METHODS: Record<string, () => [Client, Partial<OktaDirectMfaStrategyOptions>]> = {
  none: () => [okta.clients.native, {}],
  client_secret_basic: () => {
    const { basic } = okta.clients;
    return [basic, { clientSecret: basic.client_secret }];
  },
  client_secret_post: () => {
    const { post } = okta.clients;
    const clientAuthentication = 'client_secret_post';
    return [post, { clientSecret: post.client_secret, clientAuthentication }];
  },
  client_secret_jwt: () => {
    const client_secret = 'a shared secret of at least thirty-two bytes';
    const clientAuthentication = 'client_secret_jwt';
    const client = okta.addClient({
      token_endpoint_auth_method: clientAuthentication,
      client_secret,
    });
    addSecrets(client_secret);
    return [client, { clientSecret: client_secret, clientAuthentication }];
  },
  private_key_jwt: () => {
    const { jwt } = okta.clients;
    const clientAuthentication = 'private_key_jwt';
    const privateKey = jwt.privateKeys.ES256;
    return [jwt, { privateKey, keyID: 'demo-es256', clientAuthentication }];
  },
};

describe('After a login, tokens are refreshed and revoked', () => {
  for (const [method, clientOf] of Object.entries(METHODS)) {
    for (const server of ['org', 'default'] satisfies ServerName[]) {
      it(`by a client with ${method} at the ${server} server`, async (t) => {
        const [client, proof] = clientOf();
        const options = optionsFor(okta, { scope: SCOPE, ...proof }, server, client);
        const { app, tokens, user } = await signedIn(t, options);
        const fresh = await app.strategy.refresh(tokens);
        addSecrets(fresh.access_token, fresh.refresh_token, fresh.id_token);
        assert.equal(fresh.claims?.sub, user.id);
        assert.notEqual(fresh.access_token, tokens.access_token);
        assert.notEqual(fresh.refresh_token, tokens.refresh_token);
        assert.deepEqual([fresh.expires_in, fresh.scope], [3600, SCOPE]);
        assert.equal(await userInfo(fresh.access_token, server), 200);

        await app.strategy.revoke({ ...tokens, ...fresh });
        assert.equal(await userInfo(fresh.access_token, server), 401);
        assert.equal(await codeOf(app.strategy.refresh(fresh)), 'refresh_token_rejected');
        const base = server === 'org' ? '/oauth2/v1' : '/oauth2/default/v1';
        assert.deepEqual(
          asked(server).map(({ path, status }) => [path, status]),
          [
            [`${base}/token`, 200],
            [`${base}/revoke`, 200],
            [`${base}/token`, 400],
          ],
        );
      });
    }
  }

  it('once for two requests at once, and with the old refresh token within the grace period', async (t) => {
    const { app, tokens } = await signedIn(t);
    const [first, second] = await Promise.all([
      app.strategy.refresh(tokens),
      app.strategy.refresh(tokens),
    ]);
    assert.equal(asked().length, 1);
    assert.deepEqual(first, second);
    const again = await app.strategy.refresh(tokens);
    assert.notEqual(again.refresh_token, first.refresh_token);
  });

  it('by two processes at once: both have good tokens, and a late third ends them all', async (t) => {
    const { app, tokens } = await signedIn(t);
    const Strategy = strategyOfAnotherProcess();
    const other = new Strategy(optionsFor(okta, { scope: SCOPE }), async () => false);
    const held = [hold(okta, REFRESH_STEP), hold(okta, REFRESH_STEP)];
    const calls = [app.strategy.refresh(tokens), other.refresh(tokens)];
    for (const { arrived } of held) await arrived();
    for (const { letGo } of held) letGo();
    const both = await Promise.all(calls);
    assert.equal(asked().length, 2);
    assert.notEqual(both[0]?.refresh_token, both[1]?.refresh_token);
    for (const { access_token } of both) assert.equal(await userInfo(access_token), 200);

    ahead += 30_000;
    assert.equal(await codeOf(other.refresh(tokens)), 'refresh_token_rejected');
    for (const fresh of both) {
      assert.equal(await userInfo(fresh.access_token), 401);
      assert.equal(await codeOf(app.strategy.refresh(fresh)), 'refresh_token_rejected');
    }
  });

  it('of a client whose refresh token stays', async (t) => {
    const client = okta.addClient({ refresh_token: { rotation_type: 'STATIC' } });
    const { app, tokens } = await signedIn(t, optionsFor(okta, { scope: SCOPE }, 'org', client));
    const fresh = await app.strategy.refresh(tokens);
    assert.equal(fresh.refresh_token, tokens.refresh_token);
  });

  it('no longer, when they were revoked at Okta, or the person is gone', async (t) => {
    const { app, tokens, user } = await signedIn(t);
    okta.revokeTokens(user);
    assert.equal(await codeOf(app.strategy.refresh(tokens)), 'refresh_token_rejected');
    await app.strategy.revoke(tokens);
    const other = await signedIn(t);
    okta.removeUser(other.user);
    assert.equal(await codeOf(other.app.strategy.refresh(other.tokens)), 'refresh_token_rejected');
  });

  it("not for another person's ID token", async (t) => {
    const { app, tokens } = await signedIn(t);
    okta.respondNext(async (_request, proceed) => {
      const answer = await proceed();
      const aud = okta.clients.native.client_id;
      const id_token = okta.signIdToken('org', { sub: '00usomebodyelse', aud });
      return { ...answer, body: { ...(answer.body as object), id_token } };
    }, REFRESH_STEP);
    assert.equal(await codeOf(app.strategy.refresh(tokens)), 'invalid_id_token');
  });
});

describe('Tokens that a login does not use are revoked once', () => {
  /** Waits until Okta has been asked to revoke a refresh token. */
  async function revoked(count = 1): Promise<void> {
    await until(
      'a revocation',
      () => asked().filter(({ status }) => status === 200).length >= count,
    );
    assert.equal(asked().length, count);
    for (const { form } of asked()) {
      assert.equal(form['token_type_hint'], 'refresh_token');
      addSecrets(form['token']);
    }
  }
  const options = { scope: SCOPE };

  it('after the answer, when the verify function refuses', async (t) => {
    okta.requests.length = 0;
    let isAnswered = false;
    const { app, browser, user } = await sceneAtPasscode(t, {
      options,
      verify: (_login, done) => done(null, false),
      before: (_req, res, next) => {
        res.once('finish', () => (isAnswered = true));
        next();
      },
    });
    isAnswered = false;
    let wasAnswered: boolean | undefined;
    okta.respondNext(
      () => {
        wasAnswered = isAnswered;
        return Promise.resolve(undefined);
      },
      { endpoint: 'revoke' },
    );
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 401);
    await revoked();
    assert.equal(wasAnswered, true);
    const { tokens } = app.logins[0] ?? assert.fail();
    assert.equal(asked()[0]?.form['token'], tokens.refresh_token);
    assert.equal(await userInfo(tokens.access_token), 401);
  });

  it('when the person cancels while Okta is asked', async (t) => {
    okta.requests.length = 0;
    const { app, browser, user } = await sceneAtPasscode(t, { options });
    const held = hold(okta, OTP_STEP);
    const login = sendOtp(browser.fork(), okta.otp(user));
    await held.arrived();
    await browser.post('/cancel');
    held.letGo();
    assert.equal((await login).body['code'], 'mfa_transaction_missing');
    await revoked();
    assert.equal(app.logins.length, 0);
  });

  it('when a push is approved that was given up for a passcode', async (t) => {
    okta.requests.length = 0;
    const { browser, user, id } = await sceneAtPush(t, { options });
    okta.phone(user).approve();
    const [granted, letGo] = [gate(), gate()];
    okta.respondNext(async (_request, proceed) => {
      const answer = await proceed();
      granted.open();
      await letGo.opened;
      return answer;
    }, OOB_STEP);
    const polled = poll(browser.fork(), id);
    await soon('the grant', granted.opened);
    await choose(browser, 'otp');
    letGo.open();
    assert.equal((await polled).body['code'], 'challenge_replaced');
    await revoked();
  });

  for (const style of ['plain', 'callback'] as const) {
    it(`when Passport cannot save the session of the login, style ${style}`, async (t) => {
      okta.requests.length = 0;
      const { app, browser, user } = await sceneAtPasscode(t, { options, style });
      app.store.before = (operation) => {
        if (operation === 'set') throw new Error('the store is full');
      };
      assert.equal((await sendOtp(browser, okta.otp(user))).status, 500);
      app.store.before = () => undefined;
      await revoked();
      assert.equal(app.logins.length, 1);
    });
  }

  it('and not those of a login that is well', async (t) => {
    const { tokens } = await signedIn(t);
    assert.equal(await userInfo(tokens.access_token), 200);
    assert.deepEqual(asked(), []);
  });

  it('when the password alone is enough for Okta; and not with revokeUnused: false', async (t) => {
    okta.requests.length = 0;
    const { browser, user } = await scene(t, { options, user: { mfa: false } });
    assert.equal((await sendPassword(browser, user)).body['code'], 'mfa_not_enforced');
    await revoked();
    okta.requests.length = 0;
    const off = await scene(t, {
      options: { ...options, revokeUnused: false },
      user: { mfa: false },
    });
    assert.equal((await sendPassword(off.browser, off.user)).body['code'], 'mfa_not_enforced');
    await off.browser.get('/me');
    assert.deepEqual(asked(), []);
  });

  it('and nobody hears of it when Okta fails then', async (t) => {
    okta.requests.length = 0;
    const { app, browser, user } = await sceneAtPasscode(t, {
      options,
      verify: (_login, done) => done(null, false),
    });
    okta.respondNext({ status: 503 }, { endpoint: 'revoke' });
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 401);
    await until('a revocation', () => asked().length > 0);
    assert.equal((await browser.get('/me')).status, 200);
    assert.deepEqual([asked().length, app.errors], [1, []]);
  });
});
