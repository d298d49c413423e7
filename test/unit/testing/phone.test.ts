import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, it } from 'node:test';
import { createPhones } from '../../../lib/testing/phone.js';
import { claims, OOB, open, OTP, summary, type Wire } from './wire.js';

const ADA = {
  username: 'ada@example.com',
  password: 'pw',
  push: true,
  sms: true,
  voice: true,
  inbox: true,
};
const EVE = { ...ADA, username: 'eve@example.com' };

const EXPIRED = /^403 access_denied: `oob_code` has expired\. Use a new /;
const PENDING = /^400 authorization_pending: No user response/;
const REJECTED = /^400 invalid_grant: User rejected/;
const WRONG_CODE = /^400 invalid_grant: .*incorrect/;

/** The polls of one push, or the codes for one message. */
async function out({ begin, send, token }: Wire, channel: string, user = ADA) {
  const mfa_token = await begin(user);
  const reply = await send(mfa_token, channel);
  const oob_code = String(reply['oob_code']);
  const enter = (form: Record<string, string> = {}) =>
    token({ grant_type: OOB, mfa_token, oob_code, ...form });
  return { mfa_token, oob_code, reply, enter };
}

describe('a push of the mock', () => {
  it('has a number to compare, and is pending until it is approved', async (t) => {
    const wire = open(t, ADA);
    const phone = wire.okta.phone(ADA.username);
    const { reply, oob_code, enter } = await out(wire, 'push');
    const [{ number = '', numbers = [] } = assert.fail()] = phone.pushes;
    assert.deepEqual(reply, {
      challenge_type: OOB,
      oob_code,
      expires_in: 300,
      interval: 5,
      channel: 'push',
      binding_method: 'transfer',
      binding_code: number,
    });
    assert.match(number, /^\d\d$/);
    assert.equal(new Set(numbers).size, 3);
    assert.ok(numbers.includes(number));

    assert.match(summary(await enter()), PENDING);
    assert.match(summary(await enter()), PENDING);
    phone.approve();
    assert.equal(phone.pushes.length, 0);
    const granted = await enter();
    assert.equal(summary(granted), '200 tokens: ');
    assert.deepEqual(claims(granted)['amr'], ['mfa', 'okta_verify', 'pwd']);
    assert.match(summary(await enter()), /^400 access_denied: `mfa_token` has expired/);
  });

  it('has none for a person whose phone shows none', async (t) => {
    const wire = open(t, { ...ADA, push: 'without-number' });
    const phone = wire.okta.phone(ADA.username);
    const { reply, enter } = await out(wire, 'push');
    assert.equal(reply['binding_method'], 'none');
    assert.ok(!('binding_code' in reply));
    assert.deepEqual(phone.pushes, [{}]);
    assert.throws(() => phone.approve('12'), /^Error: mockOkta: .* offers no numbers, not 12$/);
    phone.approve();
    assert.equal((await enter()).status, 200);
  });

  it('is refused by a no and by a wrong number alike, once', async (t) => {
    const wire = open(t, ADA);
    const phone = wire.okta.phone(ADA.username);
    for (const refuse of [
      () => phone.deny(),
      () => {
        const [{ number, numbers = [] } = assert.fail()] = phone.pushes;
        phone.approve(numbers.find((offered) => offered !== number));
      },
    ]) {
      const { mfa_token, enter } = await out(wire, 'push');
      refuse();
      assert.match(summary(await enter()), REJECTED);
      assert.match(summary(await enter()), EXPIRED);
      // The login is kept for another challenge.
      const again = await wire.send(mfa_token, 'push');
      phone.approve(phone.pushes[0]?.number);
      assert.equal((await enter({ oob_code: String(again['oob_code']) })).status, 200);
    }
  });

  it('is over once another challenge is out for the login, or the login is', async (t) => {
    const wire = open(t, ADA);
    const phone = wire.okta.phone(ADA.username);
    const first = await out(wire, 'push');
    await wire.send(first.mfa_token, 'push');
    assert.equal(phone.pushes.length, 1);
    phone.approve();
    assert.match(summary(await first.enter()), EXPIRED);
    const { oob_code } = await wire.send(first.mfa_token, 'push');
    await wire.send(first.mfa_token, 'sms');
    assert.throws(() => phone.approve(), /^Error: mockOkta: no push waits for ada@example\.com$/);
    assert.match(summary(await first.enter({ oob_code: String(oob_code) })), EXPIRED);

    await out(wire, 'push');
    assert.equal(phone.pushes.length, 1);
    wire.okta.users.length = 0;
    wire.okta.users.push({ ...ADA });
    assert.equal(phone.pushes.length, 0);
  });

  it('is answered where it arrived, the newest first', async (t) => {
    const wire = open(t, ADA, EVE);
    const older = await out(wire, 'push');
    const newer = await out(wire, 'push');
    const eves = await out(wire, 'push', EVE);
    wire.okta.phone('ADA@example.com').approve();
    assert.match(summary(await eves.enter()), PENDING);
    assert.match(summary(await older.enter()), PENDING);
    assert.equal((await newer.enter()).status, 200);
    wire.okta.phone(ADA.username).deny();
    assert.match(summary(await older.enter()), REJECTED);
  });

  it('names what cannot be tapped, and keeps waiting', async (t) => {
    const wire = open(t, ADA);
    const phone = wire.okta.phone(ADA.username);
    for (const act of [() => phone.approve(), () => phone.deny()]) {
      assert.throws(act, { name: 'Error', message: `mockOkta: no push waits for ${ADA.username}` });
    }
    await out(wire, 'push');
    const offered = phone.pushes[0]?.numbers?.join(', ');
    assert.throws(() => phone.approve('100'), {
      name: 'Error',
      message: `mockOkta: the phone of ${ADA.username} offers ${offered}, not 100`,
    });
    assert.equal(phone.pushes.length, 1);
    assert.throws(() => wire.okta.phone('bob@example.com'), {
      name: 'Error',
      message: 'mockOkta: nobody has the username bob@example.com',
    });
  });
});

describe('a code of the mock', () => {
  for (const [channel, form, amr] of [
    ['sms', /^\d{6}$/, 'sms'],
    ['voice', /^\d{6}$/, 'tel'],
    ['email', /^(?=.*[A-Z])(?=.*\d)[A-Z\d]{8}$/, 'email'],
  ] as const) {
    it(`comes by ${channel}, and is good once`, async (t) => {
      const wire = open(t, ADA);
      const phone = wire.okta.phone(ADA.username);
      const { reply, oob_code, enter } = await out(wire, channel);
      assert.deepEqual(reply, {
        challenge_type: OOB,
        oob_code,
        expires_in: 300,
        channel,
        binding_method: 'prompt',
      });
      assert.match(phone.code, form);
      assert.deepEqual(phone.messages, [{ channel, code: phone.code }]);
      assert.deepEqual(phone.pushes, []);

      assert.match(summary(await enter({ binding_code: `${phone.code}0` })), WRONG_CODE);
      assert.match(summary(await enter()), WRONG_CODE);
      const granted = await enter({ binding_code: phone.code });
      assert.equal(summary(granted), '200 tokens: ');
      assert.deepEqual(claims(granted)['amr'], ['mfa', amr, 'pwd']);
    });
  }

  it('is not an authenticator code', async (t) => {
    const wire = open(t, { ...ADA, otp: '123456' });
    const { mfa_token, enter } = await out(wire, 'email');
    const { code } = wire.okta.phone(ADA.username);
    const wrong = await wire.token({ grant_type: OTP, mfa_token, otp: code });
    assert.match(summary(wrong), /^400 invalid_grant: /);
    assert.match(summary(await enter({ binding_code: '123456' })), WRONG_CODE);
    // Case matters.
    assert.match(summary(await enter({ binding_code: code.toLowerCase() })), WRONG_CODE);
  });

  it('is another each time, and the one before is over', async (t) => {
    const wire = open(t, ADA);
    const phone = wire.okta.phone(ADA.username);
    assert.throws(() => phone.code, {
      name: 'Error',
      message: `mockOkta: no code has come for ${ADA.username}`,
    });
    const { mfa_token, enter } = await out(wire, 'sms');
    const older = phone.code;
    const resent = await wire.send(mfa_token, 'sms');
    assert.notEqual(phone.code, older);
    assert.equal(phone.messages.length, 2);
    assert.match(summary(await enter({ binding_code: older })), EXPIRED);
    const oob_code = String(resent['oob_code']);
    assert.match(summary(await enter({ oob_code, binding_code: older })), WRONG_CODE);
    assert.equal((await enter({ oob_code, binding_code: phone.code })).status, 200);
  });

  it('never comes twice, and may begin with a zero', (t) => {
    const drawn = [7, 7, 8];
    t.mock.method(crypto, 'randomInt', () => drawn.shift());
    const phone = createPhones(() => {}).of(ADA.username);
    assert.equal(phone.send('sms'), '000007');
    assert.equal(phone.send('voice'), '000008');
    assert.deepEqual(drawn, []);
  });

  it('has letters and digits when it comes by e-mail', (t) => {
    const [a, nine] = [0, 35];
    const drawn = [
      ...[a, a, a, a, a, a, a, a],
      ...[nine, nine, nine, nine, nine, nine, nine, nine],
      ...[a, nine, a, a, a, a, a, nine],
    ];
    t.mock.method(crypto, 'randomInt', () => drawn.shift());
    const phone = createPhones(() => {}).of(ADA.username);
    assert.equal(phone.send('email'), 'A9AAAAA9');
  });

  it('is for the login that it was sent for', async (t) => {
    const wire = open(t, ADA, EVE);
    const ada = await out(wire, 'sms');
    const { code } = wire.okta.phone(ADA.username);
    const eve = await out(wire, 'sms', EVE);
    assert.match(
      summary(await ada.enter({ mfa_token: eve.mfa_token, binding_code: code })),
      /^400 invalid_request: The `oob_code` and the `mfa_token` .* not associated/,
    );
    assert.match(summary(await ada.enter({ oob_code: 'unknown', binding_code: code })), EXPIRED);
    assert.match(
      summary(await wire.token({ grant_type: OOB, mfa_token: ada.mfa_token })),
      EXPIRED,
      'without an oob_code',
    );
    assert.equal((await ada.enter({ binding_code: code })).status, 200);
  });
});
