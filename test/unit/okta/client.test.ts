import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OktaResponseError, OktaUnreachableError } from '../../../lib/errors.js';
import { passwordGrant, secondFactorGrant } from '../../../lib/factors/index.js';
import { createOktaClient, OktaClient } from '../../../lib/okta/client.js';
import type { HttpRequest, HttpResponse } from '../../../lib/okta/http.js';
import type { TokenEndpoint, TokenResponse } from '../../../lib/okta/token-endpoint.js';
import { readOptions } from '../../../lib/options/index.js';
import {
  CLIENT_ID,
  idToken,
  idTokenClaims,
  ISSUER,
  KID,
  ORIGIN,
  rsaKeyPair,
  USERINFO_PATH,
} from '../../support/fixtures.js';
import { TRANSACTION, useScene } from '../support.js';

const { publicKey, privateKey } = rsaKeyPair();
const PASSWORD = passwordGrant({ type: 'password', username: 'ada', password: 'pw' });
const OTP = secondFactorGrant({ type: 'otp', otp: '1' }, TRANSACTION);
const HEADERS = { 'x-device-token': 'd' };
const DOWN = new OktaUnreachableError('down');
const granted = (claims: Record<string, unknown> = {}): TokenResponse => ({
  type: 'granted',
  tokens: { access_token: 'at', id_token: idToken(privateKey, claims) },
});

function create(
  response: TokenResponse | Error,
  more: { requireMfa?: boolean; userInfo?: HttpResponse; jwksDown?: boolean } = {},
) {
  const log: string[] = [];
  const asked: unknown[][] = [];
  const sent: HttpRequest[] = [];
  const client = new OktaClient({
    tokenEndpoint: {
      request: async (grant, headers) => {
        log.push('token');
        asked.push([grant, headers]);
        if (response instanceof Error) throw response;
        return response;
      },
    } satisfies Pick<TokenEndpoint, 'request'> as unknown as TokenEndpoint,
    challengeEndpoint: undefined as never,
    revocationEndpoint: undefined as never,
    http: async (request) => {
      log.push('userinfo');
      sent.push(request);
      return more.userInfo as HttpResponse;
    },
    jwks: {
      ready: async () => {
        log.push('keys');
        if (more.jwksDown) throw DOWN;
      },
      find: async (kid) => (kid === KID ? publicKey : undefined),
    },
    issuer: ISSUER,
    clientID: CLIENT_ID,
    clockTolerance: 60,
    requireMfa: more.requireMfa ?? true,
    userInfo: more.userInfo === undefined ? undefined : new URL(USERINFO_PATH, ORIGIN),
  });
  return { client, log, asked, sent };
}

describe('start', () => {
  it('asks with the grant and the headers of the device', async () => {
    const { client, asked } = create({ type: 'mfa_required', mfaToken: 'm' });
    assert.deepEqual(await client.start(PASSWORD, HEADERS), {
      type: 'mfa_required',
      mfaToken: 'm',
    });
    assert.deepEqual(asked, [[PASSWORD, HEADERS]]);
  });

  it('has the keys fetched, and continues when they cannot be', async () => {
    const { client, log } = create({ type: 'mfa_required', mfaToken: 'm' }, { jwksDown: true });
    assert.equal((await client.start(PASSWORD, HEADERS)).type, 'mfa_required');
    assert.deepEqual(log, ['keys', 'token']);
  });

  it('rejects tokens for the password alone, without reading them', async () => {
    const { client } = create({ type: 'granted', tokens: { access_token: 'at', id_token: 'bad' } });
    assert.deepEqual(await client.start(PASSWORD, HEADERS), {
      type: 'rejected',
      reason: 'mfa_not_enforced',
    });
  });

  it('accepts them with requireMfa: false, and verifies the ID token', async () => {
    const good = create(granted(), { requireMfa: false });
    assert.equal((await good.client.start(PASSWORD, HEADERS)).type, 'authenticated');
    const bad = create(granted({ aud: 'other' }), { requireMfa: false });
    await assert.rejects(bad.client.start(PASSWORD, HEADERS), { code: 'invalid_id_token' });
  });
});

describe('resume', () => {
  it('asks with the grant and the headers of the device', async () => {
    const { client, asked } = create(granted());
    await client.resume(OTP, HEADERS);
    assert.deepEqual(asked, [[OTP, HEADERS]]);
  });

  it('gives the tokens with the verified claims, and the profile', async () => {
    const { client, log } = create(granted({ amr: ['otp'] }));
    const state = await client.resume(OTP, HEADERS);
    assert.ok(state.type === 'authenticated');
    assert.equal(state.tokens.access_token, 'at');
    assert.deepEqual(state.tokens.claims['amr'], ['otp']);
    assert.equal(state.profile.id, idTokenClaims()['sub']);
    assert.equal(state.profile.username, 'ada@example.com');
    assert.deepEqual(log, ['keys', 'token']);
  });

  it('spends no passcode when there are no keys to verify with', async () => {
    const { client, log } = create(granted(), { jwksDown: true });
    await assert.rejects(client.resume(OTP, HEADERS), DOWN);
    assert.deepEqual(log, ['keys']);
  });

  it('rejects tokens whose ID token does not pass', async () => {
    const { client } = create(granted({ iss: 'https://evil.example.com' }));
    await assert.rejects(client.resume(OTP, HEADERS), OktaResponseError);
  });
});

describe('start and resume', () => {
  for (const response of [
    { type: 'mfa_required', mfaToken: 'm2' },
    { type: 'rejected', reason: 'invalid_otp' },
    { type: 'rejected', reason: 'invalid_credentials' },
    { type: 'rejected', reason: 'access_denied' },
    { type: 'rejected', reason: 'mfa_transaction_expired' },
    { type: 'rejected', reason: 'rate_limited', retryAfter: 7 },
    { type: 'rejected', reason: 'rate_limited', retryAfter: undefined },
  ] as const) {
    it(`give ${JSON.stringify(response)} as it is`, async () => {
      const { client } = create(response);
      assert.deepEqual(await client.start(PASSWORD, HEADERS), response);
      assert.deepEqual(await client.resume(OTP, HEADERS), response);
    });
  }

  it('pass on the error of the token endpoint', async () => {
    const { client } = create(DOWN);
    await assert.rejects(client.start(PASSWORD, HEADERS), DOWN);
    await assert.rejects(client.resume(OTP, HEADERS), DOWN);
  });

  it('read /userinfo into the profile, but not into the claims of the tokens', async () => {
    const { sub } = idTokenClaims();
    const userInfo = { status: 200, headers: {}, json: { sub, email: 'ada@example.com' } };
    const { client, sent, log } = create(granted(), { userInfo });
    const state = await client.resume(OTP, HEADERS);
    assert.ok(state.type === 'authenticated');
    assert.deepEqual(state.profile.emails, [{ value: 'ada@example.com' }]);
    assert.equal(state.tokens.claims['email'], undefined);
    assert.deepEqual(log, ['keys', 'token', 'userinfo']);
    assert.equal(sent[0]?.url.href, ORIGIN + USERINFO_PATH);
    assert.equal(sent[0].headers['authorization'], 'Bearer at');
  });

  it('reject a /userinfo that is about another person', async () => {
    const userInfo = { status: 200, headers: {}, json: { sub: 'another' } };
    const { client } = create(granted(), { userInfo });
    await assert.rejects(client.resume(OTP, HEADERS), { code: 'invalid_userinfo' });
  });

  it('ask nothing of /userinfo before the ID token has passed', async () => {
    const { client, log } = create(granted({ exp: 1 }), {
      userInfo: { status: 200, headers: {}, json: {} },
    });
    await assert.rejects(client.resume(OTP, HEADERS), { code: 'invalid_id_token' });
    assert.deepEqual(log, ['keys', 'token']);
  });
});

describe('createOktaClient', () => {
  const scene = useScene();
  const connect = (userInfo: boolean) =>
    createOktaClient(
      readOptions({
        issuer: ISSUER,
        clientID: CLIENT_ID,
        clientSecret: 'secret',
        scope: 'openid email',
        dispatcher: scene.okta.agent,
        userInfo,
      }),
    );

  it("connects the parts to the issuer's endpoints, with the settings", async () => {
    scene.granted();
    const state = await connect(false).resume(OTP, HEADERS);
    assert.ok(state.type === 'authenticated');
    assert.equal(state.profile.emails, undefined);
    const [{ form, headers } = assert.fail()] = scene.okta.sent;
    assert.equal(form['scope'], 'openid email');
    assert.equal(headers['x-device-token'], 'd');
    assert.match(headers['authorization'] ?? '', /^Basic /);
    assert.equal(scene.okta.sent.length, 1);
  });

  it('reads /userinfo with userInfo: true', async () => {
    scene.granted();
    scene.okta.userInfo(200, { sub: '00u1person', email: 'ada@mail.example.com' });
    const state = await connect(true).resume(OTP, HEADERS);
    assert.ok(state.type === 'authenticated');
    assert.deepEqual(state.profile.emails, [{ value: 'ada@mail.example.com' }]);
  });
});
