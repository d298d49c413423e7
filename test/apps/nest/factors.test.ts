import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FACTORS } from '../../../example/express/demo.js';
import { compile, startNest, type Nest } from './support.js';

let nest: Nest;
before(async () => {
  nest = await startNest(await compile(), {}, { factors: FACTORS });
});
after(() => nest?.close());

for (const at of ['/auth', '/api/auth']) {
  describe(`every second factor at ${at}`, () => {
    const start = async () => {
      const user = nest.okta.addUser({
        factors: { push: { numberChallenge: true }, sms: '+1 555 0100' },
      });
      const browser = nest.browser();
      const post = (json: object) => browser.post(`${at}/mfa`, { json });
      const pending = async () => (await browser.get(`${at}/pending`)).body['pending'];
      const { username, password } = user;
      const first = await browser.post(`${at}/login`, { json: { username, password } });
      assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required']);
      assert.deepEqual(first.body['factors'], FACTORS);
      return { user, post, pending, phone: nest.okta.phone(user) };
    };

    it('answers a push with its number, and the poll after the approval with the login', async () => {
      const { post, pending, phone, user } = await start();
      const { status, body } = await post({ factor: 'push' });
      assert.deepEqual([status, body['code']], [403, 'authorization_pending']);
      assert.equal(body['numberChallenge'], phone.pushes()[0]?.number);
      const waiting = (await pending()) as { username: string; challenge: { id: string } };
      assert.equal(waiting.username, user.username);
      assert.equal(waiting.challenge.id, body['challenge']);

      phone.approve();
      const login = await post({ challenge: body['challenge'] });
      assert.equal(login.status, 200, login.text);
      assert.equal(await pending(), null);
    });

    it('answers a wish for a text with `code_sent`, one too many with Retry-After, and the code with the login', async () => {
      const { post, phone } = await start();
      const { status, body } = await post({ factor: 'sms' });
      assert.deepEqual([status, body['code']], [403, 'code_sent']);
      const again = await post({ factor: 'sms' });
      assert.deepEqual([again.status, again.body['code']], [429, 'too_many_challenges']);
      assert.equal(again.headers['retry-after'], String(again.body['retryAfter']));
      const login = await post({ challenge: body['challenge'], otp: phone.code('sms') });
      assert.equal(login.status, 200, login.text);
    });

    it('says which factor is not possible, and what is left', async () => {
      const { post } = await start();
      const { status, body } = await post({ factor: 'email' });
      assert.deepEqual(
        [status, body['code'], body['factor']],
        [403, 'factor_unavailable', 'email'],
      );
      assert.ok(!(body['factors'] as string[]).includes('email'));
    });
  });
}
