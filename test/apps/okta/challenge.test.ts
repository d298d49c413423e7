import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import jwt from 'jsonwebtoken';
import { startOkta, type Okta, type ServerName, type User } from '../../../example/okta/index.js';
import {
  answer,
  ask,
  challenge,
  endpoint,
  MFA_OOB,
  MFA_OTP,
  mfaToken,
  oauthError,
  sendOtp,
  sendPassword,
  type Reply,
} from './support.js';

const PUSH = { channel_hint: 'push' };
const amrOf = ({ body }: Reply): unknown =>
  (jwt.decode(String(body['id_token'])) as jwt.JwtPayload)['amr'];
const codeOf = ({ body }: Reply): string => String(body['oob_code']);
const kind = (reply: Reply) => oauthError(reply).slice(0, 2);

describe('/challenge and the out-of-band grant of the stand-in', () => {
  let okta: Okta;
  let time = Date.now();
  before(async () => {
    okta = await startOkta({ now: () => time, rateLimitPerSecond: Infinity, record: true });
  });
  after(() => okta.close());

  const withPush = (numberChallenge = true): User =>
    okta.addUser({ factors: { push: { numberChallenge } } });

  /** The `mfa_token` and the `oob_code` of a challenge that is out. */
  async function challenged(user: User, channel_hint: string) {
    const token = await mfaToken(okta, user);
    const reply = await challenge(okta, token, { channel_hint });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    return { token, oob_code: codeOf(reply), reply };
  }

  for (const server of ['org', 'default'] satisfies ServerName[]) {
    it(`sends a push with a number, waits, and grants tokens at the ${server} server`, async () => {
      const user = withPush();
      const token = await mfaToken(okta, user, { server });
      const sent = await challenge(okta, token, PUSH, { server });
      const { oob_code, binding_code, ...rest } = sent.body;
      assert.deepEqual(rest, {
        challenge_type: MFA_OOB,
        expires_in: 300,
        channel: 'push',
        interval: 5,
        binding_method: 'transfer',
      });
      const [push] = okta.phone(user).pushes();
      assert.ok(push);
      assert.equal(push.number, binding_code);
      assert.match(String(binding_code), /^\d\d$/);
      assert.equal(new Set(push.numbers).size, 3);
      assert.ok(push.numbers?.includes(String(binding_code)));

      const form = { oob_code: String(oob_code) };
      assert.deepEqual(kind(await answer(okta, token, form, { server })), [
        400,
        'authorization_pending',
      ]);
      okta.phone(user).approve();
      const granted = await answer(okta, token, form, { server });
      assert.deepEqual(amrOf(granted), ['mfa', 'okta_verify', 'pwd']);
      assert.deepEqual(kind(await answer(okta, token, form, { server })), [403, 'access_denied']);
    });
  }

  it('sends a push without a number', async () => {
    const user = withPush(false);
    const { token, oob_code, reply } = await challenged(user, 'push');

    assert.equal(reply.body['binding_method'], 'none');
    assert.equal('binding_code' in reply.body, false);
    assert.throws(() => okta.phone(user).tapWrongNumber(), /has no numbers/);
    okta.phone(user).approve();
    assert.equal((await answer(okta, token, { oob_code })).status, 200);
  });

  for (const refusal of ['deny', 'tapWrongNumber'] as const) {
    it(`rejects a push after ${refusal}, and takes another challenge`, async () => {
      const user = withPush();
      const { token, oob_code } = await challenged(user, 'push');
      okta.phone(user)[refusal]();

      assert.deepEqual(oauthError(await answer(okta, token, { oob_code })), [
        400,
        'invalid_grant',
        'User rejected out-of-band authentication prompt.',
      ]);
      assert.equal((await challenge(okta, token, PUSH)).status, 200);
    });
  }

  for (const [channel, amr] of [
    ['sms', ['mfa', 'pwd', 'sms']],
    ['voice', ['mfa', 'pwd', 'tel']],
    ['email', ['email', 'mfa', 'pwd']],
  ] as const) {
    it(`sends a code by ${channel} and takes it once`, async () => {
      const user = okta.addUser({
        factors: { sms: '1', voice: '1', email: { length: 10, letters: true } },
      });
      const { token, oob_code, reply } = await challenged(user, channel);
      assert.deepEqual(reply.body, {
        challenge_type: MFA_OOB,
        oob_code,
        expires_in: 300,
        channel,
        binding_method: 'prompt',
      });
      const binding_code = okta.phone(user).code(channel);
      assert.match(binding_code, channel === 'email' ? /^[A-Z][A-Z2-9]{9}$/ : /^\d{6}$/);

      const WRONG = [400, 'invalid_grant', 'The `otp` provided is either empty or incorrect.'];
      assert.deepEqual(oauthError(await answer(okta, token, { oob_code })), WRONG);
      const wrong = { oob_code, binding_code: `${binding_code}0` };
      assert.deepEqual(oauthError(await answer(okta, token, wrong)), WRONG);
      const right = { oob_code, binding_code };
      assert.deepEqual(amrOf(await answer(okta, token, right)), amr);
      assert.deepEqual(kind(await answer(okta, token, right)), [403, 'access_denied']);
    });
  }

  it('makes the earlier oob_code useless', async () => {
    const user = okta.addUser({ factors: { sms: '1' } });
    const { token, oob_code } = await challenged(user, 'sms');
    const first = okta.phone(user).code();
    await challenge(okta, token, { channel_hint: 'sms' });

    const late = await answer(okta, token, { oob_code, binding_code: first });
    assert.deepEqual(kind(late), [403, 'access_denied']);
    assert.match(String(late.body['error_description']), /`oob_code` has expired/);
  });

  it('lets challenges and mfa_tokens expire', async () => {
    const user = withPush();
    const { token, oob_code } = await challenged(user, 'push');
    const old = await mfaToken(okta, user);
    time += 200_000;
    const late = await mfaToken(okta, user);
    const second = codeOf(await challenge(okta, late, PUSH));
    time += 100_000;
    assert.equal(okta.phone(user).pushes().length, 1);
    for (const reply of [
      await answer(okta, token, { oob_code }),
      await challenge(okta, old, PUSH),
    ]) {
      assert.deepEqual(kind(reply), [403, 'access_denied']);
      assert.match(String(reply.body['error_description']), /`mfa_token` has expired/);
    }
    time += 199_999;
    assert.deepEqual(okta.phone(user).pushes().length, 1);
    okta.phone(user).approve();
    assert.equal((await answer(okta, late, { oob_code: second })).status, 200);
  });

  it('refuses what does not belong together', async () => {
    const user = withPush();
    const { token, oob_code } = await challenged(user, 'push');
    const other = await mfaToken(okta, user);
    const client = okta.addClient();

    assert.deepEqual(kind(await answer(okta, other, { oob_code })), [400, 'invalid_request']);
    assert.deepEqual(kind(await answer(okta, token, { oob_code: 'x' })), [403, 'access_denied']);
    assert.deepEqual(kind(await answer(okta, token, {})), [400, 'invalid_request']);
    assert.deepEqual(kind(await answer(okta, token, { oob_code }, { scope: 'openid' })), [
      400,
      'invalid_scope',
    ]);
    const UNKNOWN = [401, 'invalid_client'];
    assert.deepEqual(kind(await answer(okta, token, { oob_code }, { client })), UNKNOWN);
    assert.deepEqual(kind(await challenge(okta, token, PUSH, { client })), UNKNOWN);
    okta.phone(user).approve();
    const reordered = { scope: 'profile openid' };
    assert.equal((await answer(okta, token, { oob_code }, reordered)).status, 200);
  });

  it('refuses what is unknown, not enrolled or not enabled', async () => {
    const user = withPush();
    const token = await mfaToken(okta, user);
    const limited = okta.addClient({ grant_types: ['password', MFA_OTP] });
    const other = await mfaToken(okta, user, { client: limited });
    const asked = {
      fax: await challenge(okta, token, { channel_hint: 'fax' }),
      none: await challenge(okta, token, {}),
      foo: await challenge(okta, token, { challenge_types_supported: 'foo' }),
      sms: await challenge(okta, token, { channel_hint: 'sms' }),
      disabled: await challenge(okta, other, PUSH, { client: limited }),
      unknown: await challenge(okta, 'x', PUSH),
      missing: await ask(endpoint(okta, 'org', 'challenge'), {
        form: { client_id: okta.clients.native.client_id },
      }),
      nobody: await ask(endpoint(okta, 'org', 'challenge'), { method: 'POST' }),
      get: await ask(endpoint(okta, 'org', 'challenge')),
    };
    const found = Object.fromEntries(
      Object.entries(asked).map(([name, { status, body }]) => [
        name,
        [status, body['error'] ?? body['errorCode']],
      ]),
    );
    assert.deepEqual(found, {
      fax: [400, 'invalid_request'],
      none: [400, 'invalid_request'],
      foo: [400, 'invalid_request'],
      sms: [403, 'access_denied'],
      disabled: [400, 'unauthorized_client'],
      unknown: [403, 'access_denied'],
      missing: [400, 'invalid_request'],
      nobody: [401, 'invalid_client'],
      get: [404, 'E0000007'],
    });
  });

  it('names the passcode for who has only that', async () => {
    const token = await mfaToken(okta, okta.addUser());

    const { body } = await challenge(okta, token, { challenge_types_supported: undefined });
    assert.deepEqual(body, { challenge_type: MFA_OTP });
  });

  it('counts challenges and codes of an authenticator together, and polls not at all', async () => {
    const user = okta.addUser({
      factors: { sms: '1', voice: '1', push: { numberChallenge: true } },
    });
    const { token } = await challenged(user, 'sms');
    const { oob_code } = (await challenge(okta, token, { channel_hint: 'voice' })).body;
    for (let tried = 3; tried <= 5; tried += 1) {
      const wrong = { oob_code: String(oob_code), binding_code: 'x' };
      assert.deepEqual(kind(await answer(okta, token, wrong)), [400, 'invalid_grant']);
    }
    const limited = await challenge(okta, token, { channel_hint: 'sms' });
    assert.deepEqual(kind(limited), [429, 'invalid_grant']);

    const push = { oob_code: codeOf(await challenge(okta, token, PUSH)) };
    for (let poll = 1; poll <= 6; poll += 1) {
      assert.deepEqual(kind(await answer(okta, token, push)), [400, 'authorization_pending']);
    }
  });

  it('asks for a third factor, of another authenticator, where the policy wants one', async () => {
    const user = okta.addUser({ factors: { sms: '1', voice: '1' }, thirdFactor: true });
    const { token, oob_code } = await challenged(user, 'sms');
    const reply = await answer(okta, token, { oob_code, binding_code: okta.phone(user).code() });
    assert.deepEqual(kind(reply), [403, 'mfa_required']);
    const second = String(reply.body['mfa_token']);
    assert.notEqual(second, token);

    const same = await challenge(okta, second, { channel_hint: 'voice' });
    assert.deepEqual(kind(same), [403, 'access_denied']);
    assert.deepEqual(amrOf(await sendOtp(okta, second, okta.otp(user))), [
      'mfa',
      'otp',
      'pwd',
      'sms',
    ]);
  });

  it('tells whose password has expired', async () => {
    assert.deepEqual(oauthError(await sendPassword(okta, okta.users.mia)), [
      400,
      'invalid_grant',
      'Password has expired.',
    ]);
  });

  it('takes each client assertion once, for the URL of /challenge only', async () => {
    const user = withPush();
    const { client_id, client_secret = '' } = okta.addClient({
      token_endpoint_auth_method: 'client_secret_jwt',
    });
    const sign = (name: string): string =>
      jwt.sign(
        {
          iss: client_id,
          sub: client_id,
          aud: endpoint(okta, 'default', name),
          exp: Math.floor(Date.now() / 1000) + 60,
          jti: randomUUID(),
        },
        client_secret,
      );
    const send = (name: string, client_assertion: string, form: Record<string, string>) =>
      ask(endpoint(okta, 'default', name), {
        form: {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion,
          ...form,
        },
      });
    const { username, password } = user;
    const login = { grant_type: 'password', username, password, scope: 'openid' };
    const mfa_token = String((await send('token', sign('token'), login)).body['mfa_token']);
    const form = { mfa_token, ...PUSH };
    const good = sign('challenge');

    assert.equal((await send('challenge', good, form)).status, 200);
    for (const refused of [good, sign('token')]) {
      assert.deepEqual(kind(await send('challenge', refused, form)), [401, 'invalid_client']);
    }
    assert.equal((await send('token', sign('challenge'), login)).status, 401);
  });

  it('records requests, and lets a test respond', async () => {
    const user = withPush();
    const token = await mfaToken(okta, user);
    okta.respondNext(
      { status: 500, body: { error: 'server_error' } },
      { endpoint: 'challenge', authorizationServer: 'org' },
    );

    assert.deepEqual(kind(await challenge(okta, token, PUSH)), [500, 'server_error']);
    const last = okta.requests.at(-1);
    assert.deepEqual(
      [last?.path, last?.form['channel_hint'], last?.form['grant_type']],
      ['/oauth2/v1/challenge', 'push', undefined],
    );
    assert.equal((await challenge(okta, token, PUSH)).status, 200);
  });

  it('says so when nothing has arrived on a phone', () => {
    const phone = okta.phone(withPush());
    for (const act of ['approve', 'deny', 'tapWrongNumber'] as const) {
      assert.throws(() => phone[act](), /No push waits/);
    }
    assert.throws(() => phone.code('email'), /No email has arrived/);
  });
});
