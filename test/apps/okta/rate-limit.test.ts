import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RateLimit } from '../../../example/okta/rate-limit.js';
import { startOkta, type Okta, type User } from '../../../example/okta/index.js';
import { oauthError, sendOtp, sendPassword, type LoginOptions } from './support.js';

describe('the rate limit of the stand-in', () => {
  let okta: Okta;
  // Not on a full second, so that the second of X-Rate-Limit-Reset must be rounded up.
  let time = Math.floor(Date.now() / 1000) * 1000 + 400;

  before(async () => {
    okta = await startOkta({ now: () => time });
  });
  after(() => okta.close());

  it('refuses the fifth password request a second for one username, right or wrong', async () => {
    const user = okta.addUser();
    const wrong = { ...user, password: 'wrong' };
    assert.equal((await sendPassword(okta, user)).status, 403);
    for (let request = 2; request <= 4; request += 1) {
      assert.equal((await sendPassword(okta, wrong)).status, 400);
    }
    const { status, headers, body } = await sendPassword(okta, user);
    const { errorId, ...rest } = body;

    assert.equal(status, 429);
    assert.deepEqual(rest, {
      errorCode: 'E0000047',
      errorSummary: 'You exceeded the maximum number of requests. Try again in a while.',
      errorLink: 'E0000047',
      errorCauses: [],
    });
    assert.match(String(errorId), /^oae\w{17}$/);
    assert.equal(headers['x-rate-limit-limit'], '4');
    assert.equal(headers['x-rate-limit-remaining'], '0');
    assert.equal(headers['x-rate-limit-reset'], String(Math.floor(time / 1000) + 2));
    assert.equal(headers['date'], new Date(time).toUTCString());
  });

  it('counts down in the headers and lets requests through again after a second', async () => {
    const user = okta.addUser();
    for (const remaining of ['3', '2', '1', '0']) {
      const { headers } = await sendPassword(okta, user);
      assert.equal(headers['x-rate-limit-remaining'], remaining);
    }
    time += 999;
    assert.equal((await sendPassword(okta, user)).status, 429);
    time += 1;
    assert.equal((await sendPassword(okta, user)).status, 403);
  });

  it('counts each username for itself, in whatever case and known or not', async () => {
    const user = okta.addUser();
    const upper = { ...user, username: user.username.toUpperCase() };
    const nobody = { ...user, username: 'nobody@example.com' };
    for (const name of [user, upper, user, upper]) {
      assert.equal((await sendPassword(okta, name)).status, 403);
    }
    assert.equal((await sendPassword(okta, upper)).status, 429);
    for (let request = 1; request <= 4; request += 1) {
      assert.equal((await sendPassword(okta, nobody)).status, 400);
    }
    assert.equal((await sendPassword(okta, nobody)).status, 429);
    assert.equal((await sendPassword(okta, okta.addUser())).status, 403);
  });

  it('does not count passcodes as passwords', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user);
    for (let request = 1; request <= 4; request += 1) {
      const reply = await sendOtp(okta, body['mfa_token'], okta.wrongOtp(user));
      assert.equal(reply.status, 400);
      assert.equal(reply.headers['x-rate-limit-limit'], undefined);
    }
    assert.equal((await sendOtp(okta, body['mfa_token'], okta.otp(user))).status, 200);
  });

  describe('of the passcodes of one person', () => {
    const TOO_MANY = [
      429,
      'invalid_grant',
      'API call exceeded rate limit due to too many requests.',
    ];
    /** One passcode after a password of its own; a second apart, for the other limit. */
    async function attempt(user: User, isRight: boolean, options: LoginOptions = {}) {
      time += 1000;
      const { body } = await sendPassword(okta, user, options);
      const otp = isRight ? okta.otp(user) : okta.wrongOtp(user);
      return sendOtp(okta, body['mfa_token'], otp, options);
    }

    it('refuses the sixth in five minutes, right or wrong, at both servers together', async () => {
      const user = okta.addUser();
      const statuses: number[] = [];
      for (const [isRight, server] of [
        [true, 'org'],
        [false, 'default'],
        [false, 'org'],
        [true, 'default'],
        [false, 'org'],
      ] as const) {
        statuses.push((await attempt(user, isRight, { server })).status);
      }
      assert.deepEqual(statuses, [200, 400, 400, 200, 400]);

      time += 30_000;
      const refused = await attempt(user, true);
      assert.deepEqual(oauthError(refused), TOO_MANY);
      assert.equal(refused.headers['x-rate-limit-reset'], undefined);
      assert.equal((await attempt(okta.addUser(), true)).status, 200, 'somebody else');
    });

    it('lets the next one through five minutes after the first, which ends no login', async () => {
      const user = okta.addUser();
      await attempt(user, false);
      const first = time;
      for (let count = 2; count <= 5; count += 1) await attempt(user, false);
      time = first + 298_000;
      const { body } = await sendPassword(okta, user);
      const otp = okta.otp(user);
      time = first + 299_999;
      assert.equal((await sendOtp(okta, body['mfa_token'], otp)).status, 429);
      time += 1;
      assert.equal((await sendOtp(okta, body['mfa_token'], otp)).status, 200);
    });

    it('can be set', async () => {
      const other = await startOkta({ otpLimit: 1 });
      try {
        const user = other.addUser();
        const { body } = await sendPassword(other, user);
        assert.equal((await sendOtp(other, body['mfa_token'], other.wrongOtp(user))).status, 400);
        assert.equal((await sendOtp(other, body['mfa_token'], other.otp(user))).status, 429);
      } finally {
        await other.close();
      }
    });
  });

  it('forgets the names that are quiet', () => {
    let clock = 0;
    const limit = new RateLimit(4, 1000, () => clock);
    for (let name = 0; name < 5000; name += 1) {
      clock += 10;
      limit.take(`user-${name}`);
    }
    assert.ok(limit.size <= 100, String(limit.size));
  });
});
