import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OktaDirectMfaError, OktaResponseError } from '../../../lib/errors.js';
import { ChallengeEndpoint } from '../../../lib/okta/challenge-endpoint.js';
import type { HttpRequest } from '../../../lib/okta/http.js';
import { everyPrint } from '../../support/fixtures.js';

const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
const REQUEST = {
  parameters: { mfa_token: 'mfa-7Hq', channel_hint: 'sms' },
  loggable: ['channel_hint'],
};

async function ask(json: Record<string, unknown> | undefined, status = 200) {
  const sent: HttpRequest[] = [];
  const proved: URL[] = [];
  const endpoint = new ChallengeEndpoint({
    http: (request) => {
      sent.push(request);
      return Promise.resolve({ status, headers: {}, json });
    },
    url: new URL('https://acme.okta.com/oauth2/v1/challenge'),
    authenticateClient: (_form, _headers, url) => void proved.push(url),
  });
  const state = await endpoint.request(REQUEST, { 'x-device-token': 'd' });
  return { state, sent, proved };
}
const read = async (json: Record<string, unknown>) => {
  const { state } = await ask(json);
  assert.ok(state.type === 'challenged');
  return state.challenge as unknown as Record<string, unknown>;
};

const PUSH = { oob_code: 'oob', channel: 'push', binding_method: 'transfer', binding_code: '95' };

describe('the challenge endpoint', () => {
  it('is sent no scope, and proves the client to itself', async () => {
    const { sent, proved } = await ask(PUSH);
    assert.equal(sent[0]?.body, 'mfa_token=mfa-7Hq&channel_hint=sms');
    assert.equal(sent[0].headers['x-device-token'], 'd');
    assert.deepEqual(
      proved.map(({ pathname }) => pathname),
      ['/oauth2/v1/challenge'],
    );
  });

  for (const [given, interval] of [
    [5, 5],
    [undefined, 5],
    [0, 5],
    [-1, 5],
    ['7', 5],
    [Infinity, 5],
    [0.2, 1],
    [7.5, 7.5],
    [1e9, 60],
    [NaN, 5],
    [null, 5],
  ] as const) {
    it(`reads the interval ${given} as ${interval} seconds`, async () => {
      assert.equal((await read({ ...PUSH, interval: given }))['interval'], interval);
    });
  }

  for (const [given, expiresIn] of [
    [120, 120],
    [undefined, 300],
    ['120', 300],
    [0, 300],
    [-1, 300],
    [0.5, 0.5],
  ] as const) {
    it(`reads expires_in ${given} as ${expiresIn} seconds`, async () => {
      assert.equal((await read({ ...PUSH, expires_in: given }))['expiresIn'], expiresIn);
    });
  }

  for (const [given, number] of [
    ['95', '95'],
    [95, '95'],
    ['07', '07'],
    ['', undefined],
    [undefined, undefined],
    ['9 5', undefined],
    ['<b>', undefined],
    ['9'.repeat(16), '9'.repeat(16)],
    ['9'.repeat(17), undefined],
    [null, undefined],
    [{}, undefined],
    [['95'], undefined],
  ] as const) {
    it(`reads the number ${JSON.stringify(given)} as ${number}`, async () => {
      assert.equal((await read({ ...PUSH, binding_code: given }))['number'], number);
    });
  }

  for (const [what, more, binding] of [
    ['a push without a binding', { binding_method: undefined }, 'none'],
    ['a text without a binding', { binding_method: undefined, channel: 'sms' }, 'prompt'],
    ['no channel and no binding', { binding_method: undefined, channel: 7 }, 'prompt'],
    ['a push with a prompt', { binding_method: 'prompt' }, 'prompt'],
  ] as const) {
    it(`takes ${what} for ${binding}`, async () => {
      assert.equal((await read({ ...PUSH, ...more }))['binding'], binding);
    });
  }

  for (const [given, channel] of [
    ['push', 'push'],
    ['pigeon', 'pigeon'],
    [7, undefined],
    [undefined, undefined],
  ] as const) {
    it(`reads the channel ${given} as ${channel}`, async () => {
      assert.equal((await read({ ...PUSH, channel: given }))['channel'], channel);
    });
  }

  it('reads a number only where one is compared', async () => {
    for (const binding_method of ['none', 'prompt']) {
      assert.equal((await read({ ...PUSH, binding_method }))['number'], undefined, binding_method);
    }
  });

  it('takes an oob_code of 4096 characters, and options of a passkey of 16384', async () => {
    const oob_code = 'o'.repeat(4096);
    assert.equal((await read({ ...PUSH, oob_code }))['oobCode'], oob_code);
    const bare = JSON.stringify({ challenge: 'a', hints: '' }).length;
    const publicKey = { challenge: 'a', hints: 'x'.repeat(16_384 - bare) };
    assert.equal((await read({ publicKey }))['binding'], 'passkey');
  });

  for (const [what, json] of [
    ['no oob_code', { ...PUSH, oob_code: undefined }],
    ['an empty oob_code', { ...PUSH, oob_code: '' }],
    ['an oob_code that is no string', { ...PUSH, oob_code: 7 }],
    ['an oob_code of 4097 characters', { ...PUSH, oob_code: 'o'.repeat(4097) }],
    ['an unknown binding', { ...PUSH, binding_method: 'bluetooth' }],
    ['a publicKey that is none', { publicKey: 'x' }],
    ['a publicKey that is null', { publicKey: null }],
    ['a publicKey without a challenge', { publicKey: {} }],
    ['a publicKey with an odd challenge', { publicKey: { challenge: 'a b' } }],
    ['a publicKey of 20 kB', { publicKey: { challenge: 'a', hints: 'x'.repeat(20_000) } }],
    ['no JSON', undefined],
  ] as const) {
    it(`cannot use an answer with ${what}, and prints no secret`, async () => {
      await assert.rejects(ask(json), (error: unknown) => {
        assert.ok(error instanceof OktaResponseError);
        assert.equal(error.code, 'invalid_response');
        assert.match(error.message, /challenge request lacks a field/);
        assert.doesNotMatch(everyPrint(error), /mfa-7Hq|ooo/);
        return true;
      });
    });
  }

  for (const [what, publicKey, expected] of [
    ['an rpId', { rpId: 'acme.com' }, { rpId: 'acme.com' }],
    ['an appid', { rpId: '', extensions: { appid: 'https://a.b/c' } }, { rpId: 'a.b' }],
    ['an appid without a host', { extensions: { appid: 'urn:x' } }, { rpId: undefined }],
    ['an unreadable appid', { extensions: { appid: 'x' } }, { rpId: undefined }],
    ['an appid in a list', { extensions: { appid: ['https://a.b'] } }, { rpId: undefined }],
    ['an rpId that is no string', { rpId: 7 }, { rpId: undefined }],
    ['neither', {}, { rpId: undefined }],
    [
      'odd credentials',
      { allowCredentials: [null, { id: 7 }, { id: 'a b' }] },
      { rpId: undefined, allowCredentials: [{ id: undefined }, { id: 7 }, { id: 'a b' }] },
    ],
  ] as const) {
    it(`reads the options of a passkey with ${what}`, async () => {
      const read_ = (await read({ publicKey: { challenge: 'abc=', ...publicKey } }))['publicKey'];
      const { extensions: _, ...rest } = read_ as Record<string, unknown>;
      assert.deepEqual(rest, { challenge: 'abc', ...expected });
    });
  }

  for (const [what, error, code] of [
    ['an unknown error', 'new_error', 'okta_error'],
    ['an error of the configuration', 'invalid_client', 'invalid_client'],
  ] as const) {
    it(`withholds the mfa_token that ${what} repeats, and quotes one that repeats nothing`, async () => {
      const say = (error_description: string) => ask({ error, error_description }, 400);
      await assert.rejects(say('You sent mfa-7Hq.'), (thrown: unknown) => {
        assert.ok(thrown instanceof OktaDirectMfaError);
        assert.equal(thrown.code, code);
        assert.match(thrown.message, /its text is withheld/);
        assert.doesNotMatch(everyPrint(thrown), /mfa-7Hq/);
        return true;
      });
      // What was asked for is no secret.
      await assert.rejects(say("'sms' is not known."), /'sms' is not known\./);
    });
  }

  for (const [what, status, json, rejected] of [
    ['a 429, whatever it says', 429, { error: 'invalid_grant' }, 'rate_limited'],
    ['E0000047', 400, { errorCode: 'E0000047' }, 'rate_limited'],
    [
      'an mfa_token that has expired',
      403,
      { error: 'access_denied', error_description: "'a' has expired. Use a new 'b'." },
      'mfa_transaction_expired',
    ],
    ['an mfa_token that is unknown', 401, { errorCode: 'E0000011' }, 'mfa_transaction_expired'],
    ['an expired_token', 400, { error: 'expired_token' }, 'mfa_transaction_expired'],
    ['another scope', 400, { error: 'invalid_scope' }, 'mfa_transaction_expired'],
    [
      'a type that it does not know',
      400,
      { error: 'invalid_challenge_types_supported' },
      'factor_unavailable',
    ],
  ] as const) {
    it(`is answered with ${what}: ${rejected}`, async () => {
      const { state } = await ask(json, status);
      assert.equal(state.type === 'rejected' && state.reason, rejected);
    });
  }

  for (const [status, json, code] of [
    [400, { error: 'invalid_request' }, 'okta_error'],
    [400, { error: 'invalid_grant' }, 'okta_error'],
    [400, { error: 'authorization_pending' }, 'okta_error'],
    [403, { error: 'mfa_required', mfa_token: 'm' }, 'okta_error'],
    [400, { error: 'unauthorized_client' }, 'unauthorized_client'],
    [500, { error: 'access_denied' }, 'okta_error'],
    [302, {}, 'invalid_response'],
    [403, undefined, 'invalid_response'],
  ] as const) {
    it(`is an error after HTTP ${status} ${json?.['error' as never] ?? 'without a code'}`, async () => {
      await assert.rejects(ask(json, status), { code });
    });
  }

  it('knows a passcode when it is told', async () => {
    const type = MFA_OOB.replace('oob', 'otp');
    assert.deepEqual(await read({ challenge_type: type }), { binding: 'passcode' });
  });

  it('takes a denial for this factor with HTTP 403, and for the person with HTTP 400', async () => {
    for (const [status, reason] of [
      [403, 'factor_unavailable'],
      [400, 'access_denied'],
    ] as const) {
      const { state } = await ask({ error: 'access_denied' }, status);
      assert.equal(state.type === 'rejected' && state.reason, reason);
    }
  });
});
