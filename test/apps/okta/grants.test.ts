import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startOkta, type Okta, type ServerName } from '../../../example/okta/index.js';
import {
  askToken,
  logIn,
  MFA_OTP,
  oauthError,
  PASSWORD,
  sendOtp,
  sendPassword,
} from './support.js';

const WRONG_PASSWORD = [400, 'invalid_grant', 'The credentials provided were invalid.'];
const WRONG_PASSCODE = [400, 'invalid_grant', 'The OTP provided was invalid.'];
const EXPIRED = [
  400,
  'access_denied',
  '`mfa_token` has expired. Use a new `oob_code` or `mfa_token` and try again.',
];

const STEP = 30_000;

describe('the grants of the stand-in', () => {
  let okta: Okta;
  let time = Date.now();

  before(async () => {
    okta = await startOkta({ now: () => time });
  });
  after(() => okta.close());

  for (const server of ['org', 'default'] satisfies ServerName[]) {
    describe(`of the ${server} server`, () => {
      it('answers a right password with 403 mfa_required and an mfa_token', async () => {
        const { status, body } = await sendPassword(okta, okta.addUser(), { server });

        assert.equal(status, 403);
        assert.deepEqual(Object.keys(body), ['error', 'error_description', 'mfa_token']);
        assert.equal(body['error'], 'mfa_required');
        assert.equal(
          body['error_description'],
          'Verify with an additional authenticator to complete the sign-in process.',
        );
        assert.match(String(body['mfa_token']), /^[\w-]{20}$/);
      });

      it('grants tokens for the mfa_token and a right passcode', async () => {
        const { status, body } = await logIn(okta, okta.addUser(), { server });

        assert.equal(status, 200);
        assert.deepEqual(Object.keys(body).sort(), [
          'access_token',
          'expires_in',
          'id_token',
          'scope',
          'token_type',
        ]);
        assert.equal(body['token_type'], 'Bearer');
        assert.equal(body['expires_in'], 3600);
        assert.equal(body['scope'], 'openid profile');
      });
    });
  }

  it('grants tokens for the password alone where the policy says so', async () => {
    const { status, body } = await sendPassword(okta, okta.users.bob);

    assert.equal(status, 200);
    assert.ok(body['id_token']);
  });

  it('tells an unknown, a locked and a mistyped account nothing that differs', async () => {
    const user = okta.addUser();
    const replies = [
      await sendPassword(okta, { ...user, username: 'nobody@example.com' }),
      await sendPassword(okta, okta.users.carol),
      await sendPassword(okta, { ...user, password: `${user.password}x` }),
    ];

    for (const reply of replies) assert.deepEqual(oauthError(reply), WRONG_PASSWORD);
  });

  it('finds a username in whatever case', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, { ...user, username: user.username.toUpperCase() });

    assert.equal(body['error'], 'mfa_required');
  });

  it('takes a password with every sort of character as it is', async () => {
    const user = okta.addUser({ password: ' N9d03 jadk&@odA=+%20ä€😀 ' });

    assert.equal((await sendPassword(okta, user)).body['error'], 'mfa_required');
  });

  it('denies access to who is not assigned, but only to the right password', async () => {
    const { dave } = okta.users;

    assert.deepEqual(oauthError(await sendPassword(okta, dave)), [
      400,
      'access_denied',
      "User isn't assigned to the client app.",
    ]);
    assert.deepEqual(
      oauthError(await sendPassword(okta, { ...dave, password: 'wrong' })),
      WRONG_PASSWORD,
    );
  });

  it('denies access to who has no authenticator, at the passcode', async () => {
    const user = okta.addUser({ totpSecret: undefined });
    const { body } = await sendPassword(okta, user);
    const reply = await sendOtp(okta, body['mfa_token'], '123456');

    assert.equal(reply.status, 403);
    assert.equal(reply.body['error'], 'access_denied');
    assert.match(String(reply.body['error_description']), /^The required authenticator can't be/);
  });

  it('refuses a wrong passcode and takes the right one after it', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user);

    assert.deepEqual(
      oauthError(await sendOtp(okta, body['mfa_token'], okta.wrongOtp(user))),
      WRONG_PASSCODE,
    );
    assert.equal((await sendOtp(okta, body['mfa_token'], okta.otp(user))).status, 200);
  });

  it('refuses what is not six digits', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user);
    const otp = okta.otp(user);

    for (const malformed of [otp.slice(0, 5), `${otp}0`, ` ${otp}`, 'abcdef']) {
      assert.deepEqual(
        oauthError(await sendOtp(okta, body['mfa_token'], malformed)),
        WRONG_PASSCODE,
      );
    }
  });

  it('takes the passcodes of the step before and after, and no other', async () => {
    for (const [offset, status] of [
      [-2, 400],
      [-1, 200],
      [0, 200],
      [1, 200],
      [2, 400],
    ] as const) {
      const user = okta.addUser();
      const { body } = await sendPassword(okta, user);
      const otp = okta.otp(user, { step: 0 });
      time -= offset * STEP;
      const reply = await sendOtp(okta, body['mfa_token'], otp);
      time += offset * STEP;

      assert.equal(reply.status, status, `a code that is ${offset} steps off`);
    }
  });

  it('takes each passcode once, also in another login', async () => {
    const user = okta.addUser();
    const otp = okta.otp(user);
    const first = await sendPassword(okta, user);
    const second = await sendPassword(okta, user);

    assert.equal((await sendOtp(okta, first.body['mfa_token'], otp)).status, 200);
    assert.deepEqual(
      oauthError(await sendOtp(okta, second.body['mfa_token'], otp)),
      WRONG_PASSCODE,
    );
  });

  it('hands out passcodes that are unused, and says when there is none left', async () => {
    const user = okta.addUser();
    for (let login = 0; login < 3; login += 1) {
      assert.equal((await logIn(okta, user)).status, 200);
    }
    assert.throws(() => okta.otp(user), /has used every passcode/);

    // One step on there is one new code, and the used ones stay used.
    time += STEP;
    assert.equal((await logIn(okta, user)).status, 200);
    assert.throws(() => okta.otp(user), /has used every passcode/);
  });

  it('grants tokens once when the same passcode comes twice at once', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user);
    const otp = okta.otp(user);
    const replies = await Promise.all([
      sendOtp(okta, body['mfa_token'], otp),
      sendOtp(okta, body['mfa_token'], otp),
    ]);

    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 400]);
  });

  it('burns the mfa_token at the fifth wrong passcode', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      assert.deepEqual(
        oauthError(await sendOtp(okta, body['mfa_token'], okta.wrongOtp(user))),
        WRONG_PASSCODE,
        `attempt ${attempt}`,
      );
    }

    assert.deepEqual(oauthError(await sendOtp(okta, body['mfa_token'], okta.otp(user))), EXPIRED);
  });

  it('still takes the right passcode after four wrong ones', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await sendOtp(okta, body['mfa_token'], okta.wrongOtp(user));
    }

    assert.equal((await sendOtp(okta, body['mfa_token'], okta.otp(user))).status, 200);
  });

  it('takes an mfa_token for five minutes', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user);
    time += 300_000 - 1;
    assert.deepEqual(
      oauthError(await sendOtp(okta, body['mfa_token'], okta.wrongOtp(user))),
      WRONG_PASSCODE,
    );
    time += 1;
    assert.deepEqual(oauthError(await sendOtp(okta, body['mfa_token'], okta.otp(user))), EXPIRED);
  });

  it('takes an mfa_token once, from its client, on its server and while its user is there', async () => {
    const user = okta.addUser();
    const other = okta.addClient();

    assert.deepEqual(oauthError(await sendOtp(okta, 'Qwk9va6QYgR3s7JMiWUm', '123456')), EXPIRED);

    const { body } = await sendPassword(okta, user);
    const mfaToken = body['mfa_token'];
    assert.deepEqual(
      oauthError(await sendOtp(okta, mfaToken, okta.otp(user), { client: other })),
      EXPIRED,
    );
    assert.deepEqual(
      oauthError(await sendOtp(okta, mfaToken, okta.otp(user), { server: 'default' })),
      EXPIRED,
    );
    assert.equal((await sendOtp(okta, mfaToken, okta.otp(user))).status, 200);
    assert.deepEqual(oauthError(await sendOtp(okta, mfaToken, okta.otp(user))), EXPIRED);

    const gone = await sendPassword(okta, user);
    okta.removeUser(user);
    assert.deepEqual(
      oauthError(await sendOtp(okta, gone.body['mfa_token'], okta.otp(user))),
      EXPIRED,
    );
  });

  it('grants the scopes of the password step when the passcode step names none', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user, { scope: 'openid email' });
    const reply = await sendOtp(okta, body['mfa_token'], okta.otp(user), { scope: '' });

    assert.equal(reply.body['scope'], 'openid email');
  });

  it('names the parameter that is missing', async () => {
    const client_id = okta.clients.native.client_id;
    const scope = 'openid';
    const requests: [string, Record<string, string>][] = [
      ['grant_type', { client_id, scope }],
      ['username', { client_id, scope, grant_type: PASSWORD, password: 'x' }],
      ['password', { client_id, scope, grant_type: PASSWORD, username: 'x' }],
      ['mfa_token', { client_id, scope, grant_type: MFA_OTP, otp: '123456' }],
      ['otp', { client_id, scope, grant_type: MFA_OTP, mfa_token: 'x' }],
      ['refresh_token', { client_id, scope, grant_type: 'refresh_token' }],
    ];
    for (const [name, form] of requests) {
      assert.deepEqual(oauthError(await askToken(okta, form)), [
        400,
        'invalid_request',
        `The \`${name}\` parameter is required.`,
      ]);
    }
  });

  it('refuses a parameter that comes twice', async () => {
    const reply = await askToken(okta, [
      ['client_id', okta.clients.native.client_id],
      ['grant_type', PASSWORD],
      ['scope', 'openid'],
      ['username', 'a'],
      ['username', 'b'],
      ['password', 'x'],
    ]);

    assert.deepEqual(oauthError(reply).slice(0, 2), [400, 'invalid_request']);
  });

  it('refuses unusable scopes', async () => {
    const user = okta.addUser();
    const client_id = okta.clients.native.client_id;
    const { username, password } = user;

    assert.deepEqual(
      oauthError(await askToken(okta, { grant_type: PASSWORD, username, password, client_id })),
      [400, 'invalid_scope', 'No scopes were requested.'],
    );
    assert.deepEqual(oauthError(await sendPassword(okta, user, { scope: 'openid nonsense' })), [
      400,
      'invalid_scope',
      'One or more scopes are not configured for the authorization server resource.',
    ]);
    assert.deepEqual(oauthError(await sendPassword(okta, user, { scope: 'profile' })), [
      403,
      'access_denied',
      'Requests for ID tokens or access tokens with OpenID scopes require the `openid` scope.',
    ]);
  });

  it('gives no ID token without the openid scope', async () => {
    const { body } = await sendPassword(okta, okta.users.bob, { scope: 'offline_access' });

    assert.ok(body['access_token']);
    assert.equal(body['id_token'], undefined);
  });

  it('refuses grant types that it or the client does not have', async () => {
    const client = okta.addClient({ grant_types: [PASSWORD] });
    const { client_id } = client;

    assert.deepEqual(oauthError(await askToken(okta, { grant_type: 'x', client_id })), [
      400,
      'unsupported_grant_type',
      "The grant type in the request isn't supported.",
    ]);
    assert.deepEqual(oauthError(await sendOtp(okta, 'x', '123456', { client })), [
      400,
      'unauthorized_client',
      "The client isn't authorized to use the provided grant type. Configured grant types: [password].",
    ]);
  });

  it('lives with a shorter mfa_token when asked to', async () => {
    let clock = time;
    const brief = await startOkta({ now: () => clock, mfaTokenLifetime: 10 });
    try {
      const user = brief.addUser();
      const { body } = await sendPassword(brief, user);
      clock += 10_000;
      assert.deepEqual(
        oauthError(await sendOtp(brief, body['mfa_token'], brief.otp(user))),
        EXPIRED,
      );
    } finally {
      await brief.close();
    }
  });
});
