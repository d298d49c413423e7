import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import jwt from 'jsonwebtoken';
import type { Okta, RecordedRequest, ServerName } from '../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions } from '../../lib/index.js';
import {
  MFA_OTP,
  optionsFor,
  scene,
  useOkta,
  watchTokenRequests,
  whoIs,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started));

type Client = 'native' | 'basic' | 'post' | 'jwt';

interface Method {
  client: Client;
  options: () => Partial<OktaDirectMfaStrategyOptions>;
  /** Checks the proof of one request, and returns the form's fields besides the proof's. */
  rest: (request: RecordedRequest) => Record<string, string>;
}

const METHODS: Record<string, Method> = {
  none: {
    client: 'native',
    options: () => ({}),
    rest: ({ form, headers }) => {
      const { client_id, ...rest } = form;
      assert.equal(client_id, okta.clients.native.client_id);
      assert.equal(headers.authorization, undefined);
      return rest;
    },
  },
  client_secret_basic: {
    client: 'basic',
    options: () => ({ clientSecret: okta.clients.basic.client_secret }),
    rest: ({ form, headers }) => {
      const pair = Buffer.from(String(headers.authorization).slice(6), 'base64').toString();
      assert.equal(
        pair,
        '0oa+basic%3A100%25%2B%26%3D%2F%3F:a+secret%3A+50%25%2B25%25+%26+%22more%22+%2F%3F%3D%7E',
      );
      return form;
    },
  },
  client_secret_post: {
    client: 'post',
    options: () => ({
      clientSecret: okta.clients.post.client_secret,
      clientAuthentication: 'client_secret_post',
    }),
    rest: ({ form, headers }) => {
      const { client_id, client_secret, ...rest } = form;
      assert.equal(client_id, okta.clients.post.client_id);
      assert.equal(client_secret, okta.clients.post.client_secret);
      assert.equal(headers.authorization, undefined);
      return rest;
    },
  },
  'private_key_jwt with RS256': privateKeyJwt('RS256'),
  'private_key_jwt with ES256': privateKeyJwt('ES256'),
};

const usedAssertionIDs = new Set<unknown>();

function privateKeyJwt(alg: 'RS256' | 'ES256'): Method {
  return {
    client: 'jwt',
    options: () => ({
      clientAuthentication: 'private_key_jwt',
      privateKey: okta.clients.jwt.privateKeys[alg],
      keyID: `demo-${alg.toLowerCase()}`,
    }),
    rest: ({ form, path, headers }) => {
      const { client_assertion = '', client_assertion_type, client_id, ...rest } = form;
      const key = createPublicKey(okta.clients.jwt.privateKeys[alg]);
      const url = okta.origin + path;
      const claims = jwt.verify(client_assertion, key, { algorithms: [alg], audience: url });
      assert.ok(typeof claims === 'object');
      assert.equal(claims.iss, okta.clients.jwt.client_id);
      assert.equal(claims.sub, okta.clients.jwt.client_id);
      assert.ok(!usedAssertionIDs.has(claims.jti), 'each call has its own jti');
      usedAssertionIDs.add(claims.jti);
      assert.equal(client_assertion_type, 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      assert.ok(client_id === undefined || client_id === okta.clients.jwt.client_id);
      assert.equal(headers.authorization, undefined);
      return rest;
    },
  };
}

for (const server of ['org', 'default'] satisfies ServerName[]) {
  for (const [name, method] of Object.entries(METHODS)) {
    const optionsWith = (more: Partial<OktaDirectMfaStrategyOptions> = {}) =>
      optionsFor(okta, { ...method.options(), ...more }, server, okta.clients[method.client]);

    describe(`with ${name}, on the ${server} server,`, () => {
      it('a person logs in with two forms and a redirect between them', async (t) => {
        const { app, browser, user } = await scene(t, {
          strategyOptions: optionsWith({ mfaRedirect: '/login/otp' }),
          style: 'plain',
          authenticateOptions: { successRedirect: '/profile', failureRedirect: '/login' },
        });
        const sent = watchTokenRequests(okta);
        const { username, password } = user;

        const first = await browser.post('/login', { form: { username, password } });
        assert.deepEqual([first.status, first.location], [302, '/login/otp']);
        const mfaToken = app.store.waiting(browser.sessionID)?.mfaToken ?? '';
        const otp = okta.otp(user);
        const second = await browser.post('/login', { form: { otp } });
        assert.deepEqual([second.status, second.location], [302, '/profile']);
        assert.equal(await whoIs(browser), user.id);

        checkRequests(sent(), server, method, { username, password, mfaToken, otp });
        assert.deepEqual(
          app.actions.map((action) => action.name),
          ['redirect', 'success'],
        );
      });

      it('a script logs in with JSON and the signal between the steps', async (t) => {
        const { app, browser, user } = await scene(t, { strategyOptions: optionsWith() });
        const sent = watchTokenRequests(okta);
        const { username, password } = user;

        const first = await browser.post('/login', { json: { username, password } });
        assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required']);
        const mfaToken = app.store.waiting(browser.sessionID)?.mfaToken ?? '';
        const otp = okta.otp(user);
        const second = await browser.post('/login', { json: { otp } });
        assert.equal(second.status, 200);
        assert.equal(await whoIs(browser), user.id);

        checkRequests(sent(), server, method, { username, password, mfaToken, otp });
        const claims = app.logins[0]?.tokens.claims;
        assert.equal(claims?.iss, okta.issuers[server]);
        assert.equal(claims?.aud, okta.clients[method.client].client_id);
        assert.equal(claims?.sub, user.id);
        assert.deepEqual(claims?.['amr'], ['mfa', 'otp', 'pwd']);
      });
    });
  }
}

/** Exactly two POSTs with exactly these fields, and nothing sent twice. */
function checkRequests(
  requests: RecordedRequest[],
  server: ServerName,
  method: Method,
  login: { username: string; password: string; mfaToken: string; otp: string },
): void {
  const { username, password, mfaToken, otp } = login;
  const scope = 'openid profile';
  assert.deepEqual(requests.map(method.rest), [
    { grant_type: 'password', scope, username, password },
    { grant_type: MFA_OTP, scope, mfa_token: mfaToken, otp },
  ]);
  for (const { path, params, form, headers } of requests) {
    assert.equal(path, server === 'org' ? '/oauth2/v1/token' : '/oauth2/default/v1/token');
    assert.equal(params.size, Object.keys(form).length);
    assert.equal(headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(headers.accept, 'application/json');
    assert.equal(headers['x-forwarded-for'], undefined);
    assert.equal(headers['x-device-token'], undefined);
  }
}
