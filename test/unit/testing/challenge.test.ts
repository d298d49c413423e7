import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { now } from '../../../lib/clock.js';
import { mockOkta, type MockOktaUser } from '../../../lib/testing/index.js';
import { claims, CLIENT_ID, ISSUER, OOB, open, OTP, summary, WEBAUTHN } from './wire.js';

const ADA = { username: 'ada@example.com', password: 'pw', push: true, sms: true };
const BOB = { username: 'bob@example.com', password: 'pw', otp: '123456' };

const CANNOT = /^403 access_denied: The required authenticator can't be used/;

describe('/challenge of the mock', () => {
  it('refuses what the person does not have', async (t) => {
    const { begin, challenge, token } = open(t, ADA, BOB);
    const bob = await begin(BOB);
    for (const channel_hint of ['push', 'sms', 'voice', 'email']) {
      const refused = await challenge({ mfa_token: bob, channel_hint });
      assert.match(summary(refused), CANNOT, channel_hint);
    }
    for (const challenge_types_supported of [WEBAUTHN, `${OOB} ${WEBAUTHN}`]) {
      const refused = await challenge({ mfa_token: bob, challenge_types_supported });
      assert.match(summary(refused), CANNOT);
    }
    const ada = await begin();
    const otp = await token({ grant_type: OTP, mfa_token: ada, otp: '123456' });
    assert.match(summary(otp), CANNOT);
  });

  it('refuses what a person has lost since the password', async (t) => {
    const user: MockOktaUser = { ...ADA };
    const { begin, challenge } = open(t, user);
    const form = { mfa_token: await begin(), channel_hint: 'push' };
    assert.equal((await challenge(form)).status, 200);
    user.push = false;
    assert.match(summary(await challenge(form)), CANNOT);
  });

  it('announces a passcode, and gives up what was out', async (t) => {
    const { begin, challenge, send, token } = open(t, { ...ADA, otp: '123456' });
    const mfa_token = await begin();
    const oob_code = String((await send(mfa_token, 'push'))['oob_code']);
    assert.deepEqual(await challenge({ mfa_token, challenge_types_supported: OTP }), {
      status: 200,
      body: { challenge_type: OTP },
    });
    const poll = await token({ grant_type: OOB, mfa_token, oob_code });
    assert.match(summary(poll), /^403 access_denied: `oob_code` has expired/);
    assert.equal((await token({ grant_type: OTP, mfa_token, otp: '123456' })).status, 200);
  });

  it('names the parameter that it cannot use', async (t) => {
    const { begin, challenge } = open(t, ADA);
    const mfa_token = await begin();
    for (const [form, expected] of [
      [{ mfa_token }, /^400 invalid_request: The `channel_hint` parameter is required/],
      [
        { mfa_token, challenge_types_supported: OOB },
        /^400 invalid_request: The `channel_hint` parameter is required/,
      ],
      [
        { mfa_token, challenge_types_supported: ' ' },
        /^400 invalid_request: The `channel_hint` parameter is required/,
      ],
      [{ mfa_token, challenge_types_supported: OTP, channel_hint: 'sms' }, CANNOT],
      [{ mfa_token, channel_hint: 'pigeon' }, /^400 invalid_request: `pigeon` .*`channel_hint`/],
      [{ mfa_token, channel_hint: 'otp' }, /^400 invalid_request: `otp` .*`channel_hint`/],
      [
        { mfa_token, channel_hint: 'webauthn' },
        /^400 invalid_request: `webauthn` .*`channel_hint`/,
      ],
      [{ mfa_token, channel_hint: 'toString' }, /^400 invalid_request: `toString` /],
      [
        { mfa_token, challenge_types_supported: 'x', channel_hint: 'push' },
        /^400 invalid_request: `x` .*`challenge_type`/,
      ],
      [{ channel_hint: 'push' }, /^400 access_denied: `mfa_token` has expired/],
      [{ mfa_token: 'x', channel_hint: 'push' }, /^400 access_denied: `mfa_token` has expired/],
      [{ mfa_token, channel_hint: 'push', client_id: 'x' }, /^401 invalid_client: /],
    ] as [Record<string, string>, RegExp][]) {
      assert.match(summary(await challenge(form)), expected);
    }
  });

  it('fails when it is told to', async (t) => {
    const { begin, challenge, okta } = open(t, ADA);
    const form = { mfa_token: await begin(), channel_hint: 'sms' };
    okta.failNext('rate_limited', 'challenge');
    okta.failNext({ status: 500, body: { error: 'server_error' } }, 'challenge');
    assert.equal((await challenge(form)).status, 429);
    assert.equal((await challenge(form)).body['error'], 'server_error');
    assert.deepEqual(okta.phone(ADA.username).messages, []);
    assert.equal((await challenge(form)).status, 200);
    assert.deepEqual(
      okta.requests.slice(1).map(({ path, status }) => `${path} ${status}`),
      [429, 500, 200].map((status) => `/oauth2/v1/challenge ${status}`),
    );
  });
});

describe('factorsWanted', () => {
  it('asks for so many different ones, each with an mfa_token of its own', async (t) => {
    const carol = { ...ADA, otp: '123456', passkey: true, factorsWanted: 3 };
    const { begin, challenge, okta, send, token } = open(t, carol);
    const phone = okta.phone(carol.username);

    const first = await begin();
    const asked = await token({ grant_type: OTP, mfa_token: first, otp: '123456' });
    assert.match(summary(asked), /^403 mfa_required: /);
    const second = String(asked.body['mfa_token']);
    assert.notEqual(second, first);
    const late = await token({ grant_type: OTP, mfa_token: first, otp: '123456' });
    assert.match(summary(late), /^400 access_denied: `mfa_token` has expired/);
    const again = await token({ grant_type: OTP, mfa_token: second, otp: '123456' });
    assert.match(summary(again), CANNOT);

    const text = String((await send(second, 'sms'))['oob_code']);
    const binding_code = phone.code;
    const more = await token({
      grant_type: OOB,
      mfa_token: second,
      oob_code: text,
      binding_code,
    });
    assert.match(summary(more), /^403 mfa_required: /);
    const third = String(more.body['mfa_token']);
    assert.match(summary(await challenge({ mfa_token: third, channel_hint: 'sms' })), CANNOT);

    const push = String((await send(third, 'push'))['oob_code']);
    phone.approve();
    const granted = await token({ grant_type: OOB, mfa_token: third, oob_code: push });
    assert.deepEqual(claims(granted)['amr'], ['mfa', 'otp', 'sms', 'okta_verify', 'pwd']);
  });
});

describe('the clock of the mock', () => {
  /** By how much the package's clock is off, in whole seconds. */
  const offset = () => Math.round((now() - Date.now()) / 1000);

  it('moves on to the next poll with each answer, and back when the mock is closed', async (t) => {
    const { begin, okta, send } = open(t, ADA);
    const other = mockOkta({ issuer: ISSUER, clientID: CLIENT_ID, users: [] });
    t.after(() => other.close());
    const mfaToken = await begin();
    await send(mfaToken, 'push');
    assert.equal(offset(), 0);
    okta.phone(ADA.username).approve();
    assert.equal(offset(), 5);
    await send(mfaToken, 'push');
    okta.phone(ADA.username).deny();
    assert.equal(offset(), 10);
    okta.advance(20);
    other.advance(0.5);
    other.advance(99.5);
    assert.equal(offset(), 130);
    const closing = okta.close();
    assert.equal(offset(), 100, 'at once');
    await closing;
    await okta.close();
    assert.equal(offset(), 100, 'not twice');
    await other.close();
    assert.equal(offset(), 0);
  });

  it('ends a push and a code after 300 seconds', async (t) => {
    const { begin, okta, send, token } = open(t, ADA);
    const phone = okta.phone(ADA.username);
    for (const channel of ['push', 'sms']) {
      const mfa_token = await begin();
      const oob_code = String((await send(mfa_token, channel))['oob_code']);
      const enter = () =>
        token({
          grant_type: OOB,
          mfa_token,
          oob_code,
          binding_code: phone.messages[0]?.code ?? '',
        });
      okta.advance(295);
      if (channel === 'push') {
        assert.match(summary(await enter()), /authorization_pending/);
        assert.equal(phone.pushes.length, 1);
      }
      okta.advance(5);
      assert.deepEqual(phone.pushes, []);
      assert.match(summary(await enter()), /^403 access_denied: `oob_code` has expired/);
    }
  });

  it('does not touch the times of tokens', async (t) => {
    const { begin, okta, token } = open(t, BOB);
    okta.advance(3600);
    const granted = await token({ grant_type: OTP, mfa_token: await begin(), otp: BOB.otp });
    assert.ok(Math.abs(Number(claims(granted)['iat']) - Date.now() / 1000) < 60);
  });

  it('refuses what is no time, and to move after close()', async (t) => {
    const { okta } = open(t, ADA);
    for (const seconds of [-1, NaN, Infinity, '5']) {
      assert.throws(() => okta.advance(seconds as number), {
        name: 'TypeError',
        message: 'mockOkta: advance() takes a number of seconds, from 0 on',
      });
    }
    await okta.close();
    assert.throws(() => okta.advance(1), {
      name: 'Error',
      message: 'mockOkta: the mock is closed',
    });
    assert.equal(offset(), 0);
  });
});

describe('the second factors of a user', () => {
  it('are named when they cannot be', () => {
    const make = (given: object) => () =>
      mockOkta({
        issuer: ISSUER,
        clientID: CLIENT_ID,
        users: [{ ...ADA, ...given }],
      });
    for (const [given, rule] of [
      [{ sms: 1 }, 'sms must be true or false'],
      [{ voice: '+49 30 1' }, 'voice must be true or false'],
      [{ inbox: 'ada@example.com' }, 'inbox must be true or false'],
      [{ push: 'with-number' }, "push must be true, false or 'without-number'"],
      [{ push: null }, "push must be true, false or 'without-number'"],
      [{ passkey: 'example.com' }, 'passkey must be true, false or { rpId }, a domain'],
      [{ passkey: null }, 'passkey must be true, false or { rpId }, a domain'],
      [{ passkey: { rpId: '' } }, 'passkey must be true, false or { rpId }, a domain'],
      [{ passkey: { rpId: 1 } }, 'passkey must be true, false or { rpId }, a domain'],
      ...[0, 3, 1.5, '2'].map((factorsWanted) => [
        { factorsWanted },
        'factorsWanted must be a whole number from 1 to 2, the number of their factors',
      ]),
    ] as [object, string][]) {
      assert.throws(make(given), { name: 'TypeError', message: `mockOkta: users[0].${rule}` });
    }
  });

  it('are none when they are switched off', async (t) => {
    const off = { push: false, sms: false, voice: false, inbox: false, passkey: false } as const;
    const { token } = open(t, { ...ADA, ...off, factorsWanted: 1 });
    const { username, password } = ADA;
    const granted = await token({ grant_type: 'password', username, password });
    assert.deepEqual(claims(granted)['amr'], ['pwd']);
  });
});
