import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RateLimit } from '../../../example/okta/rate-limit.js';
import { startOkta, type Okta } from '../../../example/okta/index.js';
import { sendOtp, sendPassword } from './support.js';

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

  it('does not count passcodes', async () => {
    const user = okta.addUser();
    const { body } = await sendPassword(okta, user);
    for (let request = 1; request <= 4; request += 1) {
      const reply = await sendOtp(okta, body['mfa_token'], okta.wrongOtp(user));
      assert.equal(reply.status, 400);
      assert.equal(reply.headers['x-rate-limit-limit'], undefined);
    }
    assert.equal((await sendOtp(okta, body['mfa_token'], okta.otp(user))).status, 200);
  });

  it('forgets the names that are quiet', () => {
    let clock = 0;
    const limit = new RateLimit(4, () => clock);
    for (let name = 0; name < 5000; name += 1) {
      clock += 10;
      limit.take(`user-${name}`);
    }
    assert.ok(limit.size <= 100, String(limit.size));
  });
});
