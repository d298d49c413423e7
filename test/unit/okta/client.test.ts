import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDirectAuthentication } from '../../../lib/okta/client.js';
import { OktaResponseError, OktaUnreachableError } from '../../../lib/errors.js';
import type { HttpReply, HttpRequest } from '../../../lib/okta/http.js';
import type { TokenReply } from '../../../lib/okta/token-endpoint.js';
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

const { publicKey, privateKey } = rsaKeyPair();
const CREDENTIALS = { username: 'ada', password: 'pw' };
const PROOF = { mfaToken: 'm', otp: '1' };
const HEADERS = { 'x-device-token': 'd' };
const DOWN = new OktaUnreachableError('down');
const granted = (claims: Record<string, unknown> = {}): TokenReply => ({
  type: 'granted',
  tokens: { access_token: 'at', id_token: idToken(privateKey, claims) },
});

function create(
  reply: TokenReply | Error,
  more: { requireMfa?: boolean; userInfo?: HttpReply; jwksDown?: boolean } = {},
) {
  const log: string[] = [];
  const asked: { grantType: string; input: unknown; headers: unknown }[] = [];
  const sent: HttpRequest[] = [];
  const direct = createDirectAuthentication({
    tokenEndpoint: {
      request: (async (grant: { grantType: string }, input: unknown, headers: unknown) => {
        log.push('token');
        asked.push({ grantType: grant.grantType, input, headers });
        if (reply instanceof Error) throw reply;
        return reply;
      }) as never,
    },
    http: async (request) => {
      log.push('userinfo');
      sent.push(request);
      return more.userInfo as HttpReply;
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
  return { direct, log, asked, sent };
}

describe('start', () => {
  it('asks with the password grant, the credentials and the headers of the device', async () => {
    const { direct, asked } = create({ type: 'mfa_required', mfaToken: 'm' });
    assert.deepEqual(await direct.start(CREDENTIALS, HEADERS), {
      type: 'mfa_required',
      mfaToken: 'm',
    });
    assert.deepEqual(asked, [{ grantType: 'password', input: CREDENTIALS, headers: HEADERS }]);
  });

  it('has the keys fetched, and goes on when they cannot be', async () => {
    const { direct, log } = create({ type: 'mfa_required', mfaToken: 'm' }, { jwksDown: true });
    assert.equal((await direct.start(CREDENTIALS, HEADERS)).type, 'mfa_required');
    assert.deepEqual(log, ['keys', 'token']);
  });

  it('rejects tokens for the password alone, without a look at them', async () => {
    const { direct } = create({ type: 'granted', tokens: { access_token: 'at', id_token: 'bad' } });
    assert.deepEqual(await direct.start(CREDENTIALS, HEADERS), {
      type: 'rejected',
      reason: 'mfa_not_enforced',
    });
  });

  it('takes them with requireMfa: false, and verifies the ID token', async () => {
    const good = create(granted(), { requireMfa: false });
    assert.equal((await good.direct.start(CREDENTIALS, HEADERS)).type, 'authenticated');
    const bad = create(granted({ aud: 'other' }), { requireMfa: false });
    await assert.rejects(bad.direct.start(CREDENTIALS, HEADERS), { code: 'invalid_id_token' });
  });
});

describe('resume', () => {
  it('asks with the MFA OTP grant, the proof and the headers of the device', async () => {
    const { direct, asked } = create(granted());
    await direct.resume(PROOF, HEADERS);
    assert.deepEqual(asked, [
      { grantType: 'http://auth0.com/oauth/grant-type/mfa-otp', input: PROOF, headers: HEADERS },
    ]);
  });

  it('gives the tokens with the verified claims, and the profile', async () => {
    const { direct, log } = create(granted({ amr: ['otp'] }));
    const status = await direct.resume(PROOF, HEADERS);
    assert.ok(status.type === 'authenticated');
    assert.equal(status.tokens.access_token, 'at');
    assert.deepEqual(status.tokens.claims['amr'], ['otp']);
    assert.equal(status.profile.id, idTokenClaims()['sub']);
    assert.equal(status.profile.username, 'ada@example.com');
    assert.deepEqual(log, ['keys', 'token']);
  });

  it('spends no passcode when there are no keys to verify with', async () => {
    const { direct, log } = create(granted(), { jwksDown: true });
    await assert.rejects(direct.resume(PROOF, HEADERS), DOWN);
    assert.deepEqual(log, ['keys']);
  });

  it('refuses tokens whose ID token does not pass', async () => {
    const { direct } = create(granted({ iss: 'https://evil.example.com' }));
    await assert.rejects(direct.resume(PROOF, HEADERS), OktaResponseError);
  });

  it('rejects as access_denied when Okta wants yet another factor', async () => {
    const { direct } = create({ type: 'mfa_required', mfaToken: 'm2' });
    assert.deepEqual(await direct.resume(PROOF, HEADERS), {
      type: 'rejected',
      reason: 'access_denied',
    });
  });
});

describe('start and resume', () => {
  for (const [reply, status] of [
    [
      { type: 'refused', refusal: 'invalid_otp' },
      { type: 'rejected', reason: 'invalid_otp' },
    ],
    [
      { type: 'refused', refusal: 'invalid_credentials' },
      { type: 'rejected', reason: 'invalid_credentials' },
    ],
    [{ type: 'access_denied' }, { type: 'rejected', reason: 'access_denied' }],
    [{ type: 'mfa_token_expired' }, { type: 'rejected', reason: 'mfa_token_expired' }],
    [
      { type: 'rate_limited', retryAfter: 7 },
      { type: 'rejected', reason: 'rate_limited', retryAfter: 7 },
    ],
    [
      { type: 'rate_limited', retryAfter: undefined },
      { type: 'rejected', reason: 'rate_limited', retryAfter: undefined },
    ],
  ] as const) {
    it(`turn ${JSON.stringify(reply)} into a rejection`, async () => {
      const { direct } = create(reply);
      assert.deepEqual(await direct.start(CREDENTIALS, HEADERS), status);
      assert.deepEqual(await direct.resume(PROOF, HEADERS), status);
    });
  }

  it('pass on the error of the token endpoint', async () => {
    const { direct } = create(DOWN);
    await assert.rejects(direct.start(CREDENTIALS, HEADERS), DOWN);
    await assert.rejects(direct.resume(PROOF, HEADERS), DOWN);
  });

  it('read /userinfo into the profile, but not into the claims of the tokens', async () => {
    const { sub } = idTokenClaims();
    const userInfo = { status: 200, headers: {}, json: { sub, email: 'ada@example.com' } };
    const { direct, sent, log } = create(granted(), { userInfo });
    const status = await direct.resume(PROOF, HEADERS);
    assert.ok(status.type === 'authenticated');
    assert.deepEqual(status.profile.emails, [{ value: 'ada@example.com' }]);
    assert.equal(status.tokens.claims['email'], undefined);
    assert.deepEqual(log, ['keys', 'token', 'userinfo']);
    assert.equal(sent[0]?.url.href, ORIGIN + USERINFO_PATH);
    assert.equal(sent[0].headers['authorization'], 'Bearer at');
  });

  it('refuse a /userinfo that speaks of another person', async () => {
    const userInfo = { status: 200, headers: {}, json: { sub: 'another' } };
    const { direct } = create(granted(), { userInfo });
    await assert.rejects(direct.resume(PROOF, HEADERS), { code: 'invalid_userinfo' });
  });

  it('ask /userinfo nothing before the ID token has passed', async () => {
    const { direct, log } = create(granted({ exp: 1 }), {
      userInfo: { status: 200, headers: {}, json: {} },
    });
    await assert.rejects(direct.resume(PROOF, HEADERS), { code: 'invalid_id_token' });
    assert.deepEqual(log, ['keys', 'token']);
  });
});
