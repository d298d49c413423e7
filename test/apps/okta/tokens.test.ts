import assert from 'node:assert/strict';
import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import jwt from 'jsonwebtoken';
import {
  newSigningKey,
  startOkta,
  type Client,
  type Okta,
  type ServerName,
  type User,
} from '../../../example/okta/index.js';
import { startApp } from '../../support/app.js';
import { Browser } from '../../support/browser.js';
import { logIn as signIn, optionsFor } from '../../support/login.js';
import { ask, askToken, endpoint, logIn, oauthError, sendPassword, type Reply } from './support.js';

type Jwk = JsonWebKey & { kid: string; alg: string; use: string };

describe('what the stand-in issues', () => {
  let okta: Okta;
  /** Milliseconds by which the stand-in's clock is ahead. */
  let ahead = 0;
  before(async () => {
    okta = await startOkta({ now: () => Date.now() + ahead });
  });
  after(() => okta.close());

  async function keys(server: ServerName): Promise<Jwk[]> {
    const { body } = await ask(endpoint(okta, server, 'keys'));
    return body['keys'] as Jwk[];
  }

  async function verified(
    server: ServerName,
    idToken: unknown,
    published?: Jwk[],
  ): Promise<jwt.JwtPayload> {
    const kid = jwt.decode(String(idToken), { complete: true })?.header.kid;
    const jwk = (published ?? (await keys(server))).find((key) => key.kid === kid);
    assert.ok(jwk, `no key ${kid} is published`);
    return jwt.verify(String(idToken), createPublicKey({ key: jwk, format: 'jwk' }), {
      algorithms: ['RS256'],
      issuer: okta.issuers[server],
      audience: okta.clients.native.client_id,
    }) as jwt.JwtPayload;
  }

  const refresh = (refresh_token: unknown, server: ServerName = 'org'): Promise<Reply> =>
    askToken(
      okta,
      {
        grant_type: 'refresh_token',
        refresh_token: String(refresh_token),
        client_id: okta.clients.native.client_id,
      },
      { server },
    );

  for (const server of ['org', 'default'] satisfies ServerName[]) {
    describe(`the ${server} server`, () => {
      it('signs ID tokens with its published key and puts the claims of Okta into them', async () => {
        const user = okta.addUser({ givenName: 'Ada', familyName: 'Lovelace' });
        const { body } = await logIn(okta, user, { server, scope: 'openid profile email' });
        const { iat, exp, auth_time, jti, at_hash, ...claims } = await verified(
          server,
          body['id_token'],
        );

        assert.deepEqual(claims, {
          ver: 1,
          iss: okta.issuers[server],
          aud: okta.clients.native.client_id,
          sub: user.id,
          amr: ['mfa', 'otp', 'pwd'],
          idp: '00oexampleorg0000000',
          preferred_username: user.username,
          name: 'Ada Lovelace',
          given_name: 'Ada',
          family_name: 'Lovelace',
          locale: 'en_US',
          zoneinfo: 'America/Los_Angeles',
          email: user.username,
          email_verified: true,
        });
        assert.match(user.id, /^00u\w{17}$/);
        assert.match(String(jti), /^ID\./);
        assert.equal(exp, Number(iat) + 3600);
        assert.ok(Number(auth_time) <= Number(iat));
        const hash = createHash('sha256').update(String(body['access_token'])).digest();
        assert.equal(at_hash, hash.subarray(0, 16).toString('base64url'));
      });

      it('keeps claims back whose scope was not asked for', async () => {
        const { body } = await logIn(okta, okta.addUser(), { server, scope: 'openid' });
        const claims = await verified(server, body['id_token']);

        assert.equal(claims['name'], undefined);
        assert.equal(claims['email'], undefined);
      });

      it('says pwd alone in amr when the password was enough', async () => {
        const { body } = await sendPassword(okta, okta.users.bob, { server });

        assert.deepEqual((await verified(server, body['id_token']))['amr'], ['pwd']);
      });

      it('answers /userinfo for its access token', async () => {
        const user = okta.addUser();
        const { body } = await logIn(okta, user, { server, scope: 'openid profile email' });
        const reply = await ask(endpoint(okta, server, 'userinfo'), {
          headers: { authorization: `Bearer ${String(body['access_token'])}` },
        });

        assert.equal(reply.status, 200);
        assert.deepEqual(reply.body, {
          sub: user.id,
          name: 'Test User',
          given_name: 'Test',
          family_name: 'User',
          preferred_username: user.username,
          locale: 'en_US',
          zoneinfo: 'America/Los_Angeles',
          email: user.username,
          email_verified: true,
        });
      });

      it('gives a refresh token with offline_access, which works', async () => {
        const user = okta.addUser();
        const scope = 'openid profile offline_access';
        const first = await logIn(okta, user, { server, scope });
        const second = await refresh(first.body['refresh_token'], server);

        assert.equal(second.status, 200);
        assert.notEqual(second.body['access_token'], first.body['access_token']);
        assert.notEqual(second.body['refresh_token'], first.body['refresh_token']);
        const claims = await verified(server, second.body['id_token']);
        assert.equal(claims.sub, user.id);
        assert.equal(claims['preferred_username'], user.username);
        assert.deepEqual(claims['amr'], ['mfa', 'otp', 'pwd']);
      });

      it('publishes the URLs of its endpoints', async () => {
        const issuer = okta.issuers[server];
        const { status, body } = await ask(`${issuer}/.well-known/openid-configuration`);
        const expected = {
          issuer,
          token_endpoint: endpoint(okta, server, 'token'),
          jwks_uri: endpoint(okta, server, 'keys'),
          userinfo_endpoint: endpoint(okta, server, 'userinfo'),
          revocation_endpoint: endpoint(okta, server, 'revoke'),
          introspection_endpoint: endpoint(okta, server, 'introspect'),
          end_session_endpoint: endpoint(okta, server, 'logout'),
          authorization_endpoint: endpoint(okta, server, 'authorize'),
          id_token_signing_alg_values_supported: ['RS256'],
        };

        assert.equal(status, 200);
        assert.deepEqual(
          Object.fromEntries(Object.keys(expected).map((name) => [name, body[name]])),
          expected,
        );
        const grants = body['grant_types_supported'] as string[];
        for (const grant of ['password', 'http://auth0.com/oauth/grant-type/mfa-otp']) {
          assert.ok(grants.includes(grant), grant);
        }
      });

      it('publishes public keys only', async () => {
        for (const key of await keys(server)) {
          assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
          assert.equal(key.alg, 'RS256');
        }
      });
    });
  }

  describe('a client with a key of its own', () => {
    const kidOf = (idToken: unknown) => jwt.decode(String(idToken), { complete: true })?.header.kid;
    const kids = async (server: ServerName, query: string): Promise<string[]> => {
      const { body } = await ask(`${endpoint(okta, server, 'keys')}${query}`);
      return (body['keys'] as Jwk[]).map(({ kid }) => kid);
    };
    let client: Client;
    let own: string;
    before(async () => {
      const signing_key = await newSigningKey();
      client = okta.addClient({ signing_key });
      own = signing_key.kid;
    });

    it("has it listed, beside the server's, only when asked for with its client_id", async () => {
      const shared = await kids('org', '');
      assert.equal(shared.includes(own), false);
      const { native } = okta.clients;
      assert.deepEqual(await kids('org', `?client_id=${native.client_id}`), shared);
      assert.deepEqual(await kids('org', '?client_id=unknown'), shared);
      assert.deepEqual(await kids('org', `?client_id=${client.client_id}`), [...shared, own]);
      const { body } = await ask(`${endpoint(okta, 'org', 'keys')}?client_id=${client.client_id}`);
      for (const key of body['keys'] as Jwk[]) {
        assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
      }
    });

    it('gets its ID tokens signed with it, also those of a refresh; other clients do not', async () => {
      const scope = 'openid offline_access';
      const { body } = await logIn(okta, okta.addUser(), { client, scope });
      assert.equal(kidOf(body['id_token']), own);
      const refreshed = await askToken(okta, {
        grant_type: 'refresh_token',
        refresh_token: String(body['refresh_token']),
        client_id: client.client_id,
      });
      assert.equal(kidOf(refreshed.body['id_token']), own);
      const other = await logIn(okta, okta.addUser());
      assert.notEqual(kidOf(other.body['id_token']), own);
    });

    it('logs in through the strategy', async (t) => {
      const app = await startApp(t, { strategyOptions: optionsFor(okta, {}, 'org', client) });
      await signIn(new Browser(app.url), okta, okta.addUser());
      const [login] = app.logins;
      assert.equal(kidOf(login?.tokens.id_token), own);
    });

    it("has the server's key at a custom server, whose keys know no client", async () => {
      const { body } = await logIn(okta, okta.addUser(), { client, server: 'default' });
      const shared = await kids('default', `?client_id=${client.client_id}`);
      assert.ok(shared.includes(String(kidOf(body['id_token']))));
      assert.equal(shared.includes(own), false);
    });
  });

  it('has servers with their own keys and tokens', async () => {
    const [org] = await keys('org');
    const [custom] = await keys('default');
    assert.notEqual(org?.kid, custom?.kid);
    assert.notEqual(org?.['n'], custom?.['n']);

    const { body } = await logIn(okta, okta.addUser(), { scope: 'openid offline_access' });
    const authorization = `Bearer ${String(body['access_token'])}`;
    const reply = await ask(endpoint(okta, 'default', 'userinfo'), { headers: { authorization } });
    assert.equal(reply.status, 401);
    assert.deepEqual(oauthError(await refresh(body['refresh_token'], 'default')).slice(0, 2), [
      400,
      'invalid_grant',
    ]);
  });

  it('gives no refresh token without offline_access, or to a client without the grant', async () => {
    const plain = await logIn(okta, okta.addUser(), { scope: 'openid' });
    const client = okta.addClient({ grant_types: ['password'] });
    const other = await sendPassword(okta, okta.users.bob, {
      client,
      scope: 'openid offline_access',
    });

    assert.equal(plain.body['refresh_token'], undefined);
    assert.equal(other.status, 200);
    assert.equal(other.body['refresh_token'], undefined);
  });

  it('refuses an unknown refresh token, and one whose user is gone', async () => {
    const user = okta.addUser();
    const { body } = await logIn(okta, user, { scope: 'openid offline_access' });
    okta.removeUser(user);

    for (const token of ['unknown', body['refresh_token']]) {
      assert.deepEqual(oauthError(await refresh(token)).slice(0, 2), [400, 'invalid_grant']);
    }
  });

  it('takes a used refresh token for thirty seconds, then ends all tokens of the login', async () => {
    const { body: first } = await logIn(okta, okta.addUser(), { scope: 'openid offline_access' });
    const { body: second } = await refresh(first['refresh_token']);
    ahead += 29_000;
    const { body: third } = await refresh(first['refresh_token']);
    assert.ok(third['access_token']);
    assert.notEqual(third['refresh_token'], second['refresh_token']);

    ahead += 1_000;
    const refusal = [400, 'invalid_grant', 'The refresh token is invalid or expired.'];
    assert.deepEqual(oauthError(await refresh(first['refresh_token'])), refusal);
    for (const { refresh_token, access_token } of [second, third]) {
      assert.deepEqual(oauthError(await refresh(refresh_token)), refusal);
      const headers = { authorization: `Bearer ${String(access_token)}` };
      assert.equal((await ask(endpoint(okta, 'org', 'userinfo'), { headers })).status, 401);
    }
  });

  it('gives the same refresh token to a client that does not rotate it', async () => {
    const client = okta.addClient({ refresh_token: { rotation_type: 'STATIC' } });
    const scope = 'openid offline_access';
    const { body } = await logIn(okta, okta.addUser(), { client, scope });
    const { client_id } = client;
    const { refresh_token } = body;
    for (let times = 0; times < 2; times++) {
      const form = { grant_type: 'refresh_token', refresh_token: String(refresh_token), client_id };
      assert.equal((await askToken(okta, form)).body['refresh_token'], refresh_token);
    }
  });

  it('ends an access token alone, and all tokens of a user when asked to', async () => {
    const user = okta.addUser();
    const { body } = await logIn(okta, user, { scope: 'openid offline_access' });
    const { client_id } = okta.clients.native;
    const headers = { authorization: `Bearer ${String(body['access_token'])}` };
    const userInfo = async () => (await ask(endpoint(okta, 'org', 'userinfo'), { headers })).status;
    assert.equal(await userInfo(), 200);
    const form = { token: String(body['access_token']), client_id };
    assert.equal((await ask(endpoint(okta, 'org', 'revoke'), { form })).status, 200);
    assert.equal(await userInfo(), 401);
    const { body: second } = await refresh(body['refresh_token']);
    assert.ok(second['access_token']);
    okta.revokeTokens(user);
    assert.equal((await refresh(second['refresh_token'])).status, 400);
  });

  it('refuses /userinfo without a token of its own', async () => {
    const url = endpoint(okta, 'org', 'userinfo');
    const reply = await ask(url, { headers: { authorization: 'Bearer unknown' } });

    assert.equal(reply.status, 401);
    assert.match(String(reply.headers['www-authenticate']), /^Bearer .*error="invalid_token"/);
  });

  it('revokes and introspects', async () => {
    const { client_id } = okta.clients.native;
    const { body } = await logIn(okta, okta.addUser(), { scope: 'openid offline_access' });
    const token = String(body['refresh_token']);
    const introspect = async (): Promise<unknown> => {
      const url = endpoint(okta, 'org', 'introspect');
      return (await ask(url, { form: { token, client_id } })).body['active'];
    };

    assert.equal(await introspect(), true);
    const revoked = await ask(endpoint(okta, 'org', 'revoke'), { form: { token, client_id } });
    assert.equal(revoked.status, 200);
    assert.equal(await introspect(), false);
    assert.equal((await refresh(token)).status, 400);

    const missing = await ask(endpoint(okta, 'org', 'revoke'), { form: { client_id } });
    assert.deepEqual(oauthError(missing), [
      400,
      'invalid_request',
      'The `token` parameter is required.',
    ]);
  });

  it('signs with a new key after a rotation and keeps tokens alive', async () => {
    const user = okta.addUser();
    const before = await logIn(okta, user, { scope: 'openid offline_access' });
    const [oldKey] = await keys('org');
    const [customKey] = await keys('default');

    const kid = await okta.rotateKeys('org');
    const published = await keys('org');
    assert.deepEqual(
      published.map((key) => key.kid),
      [kid, oldKey?.kid],
    );
    const { body } = await refresh(before.body['refresh_token']);
    assert.equal(jwt.decode(String(body['id_token']), { complete: true })?.header.kid, kid);
    await verified('org', body['id_token']);
    await verified('org', before.body['id_token']);
    assert.deepEqual((await keys('default'))[0]?.kid, customKey?.kid);

    const next = await okta.rotateKeys('org', { keepPrevious: false });
    assert.deepEqual(
      (await keys('org')).map((key) => key.kid),
      [next],
    );
  });

  it('keeps an MFA transaction over a rotation', async () => {
    const user: User = okta.addUser();
    const { body } = await sendPassword(okta, user, { server: 'default' });
    await okta.rotateKeys('default');
    const reply = await askToken(
      okta,
      {
        grant_type: 'http://auth0.com/oauth/grant-type/mfa-otp',
        mfa_token: String(body['mfa_token']),
        otp: okta.otp(user),
        client_id: okta.clients.native.client_id,
      },
      { server: 'default' },
    );

    assert.equal(reply.status, 200);
  });

  it('signs ID tokens that a test makes up', async () => {
    const aud = okta.clients.native.client_id;
    const claims = await verified('org', okta.signIdToken('org', { aud, nonce: 'n' }));
    assert.equal(claims['nonce'], 'n');

    const token = okta.signIdToken('org', { aud, exp: undefined }, { kid: 'other' });
    const decoded = jwt.decode(token, { complete: true });
    assert.equal(decoded?.header.kid, 'other');
    assert.equal((decoded?.payload as jwt.JwtPayload).exp, undefined);
  });
});
