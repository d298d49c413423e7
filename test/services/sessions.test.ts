import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { startOkta, type Okta, type User } from '../../example/okta/index.js';
import { Browser, type Answer } from '../support/browser.js';
import {
  choose,
  finishLogin,
  passPassword,
  poll,
  sendOtp,
  sendPassword,
  whoIs,
} from '../support/login.js';
import {
  startAppProcess,
  startPostgres,
  startRedis,
  type AppProcess,
  type Server,
} from './servers.js';

for (const [name, start] of [
  ['redis', startRedis],
  ['postgres', startPostgres],
] as const) {
  describe(`two processes behind one ${name}`, () => {
    let okta: Okta;
    let server: Server;
    let apps: AppProcess[] = [];
    let user: User;

    const startApp = async () => {
      const app = await startAppProcess({
        ISSUER: okta.issuers.org,
        CLIENT_ID: okta.clients.native.client_id,
        STORE: name,
        STORE_PORT: String(server.port),
      });
      apps.push(app);
      return app;
    };
    /** The same browser, sent to another process by a load balancer. */
    const sentTo = (app: AppProcess, browser: Browser) => new Browser(app.url, browser.cookies);

    before(async () => {
      [okta, server] = await Promise.all([startOkta({ record: true }), start()]);
    });
    after(async () => {
      await okta.close();
      await server.end();
    });
    beforeEach(() => (user = okta.addUser()));
    afterEach(async () => {
      await Promise.all(apps.map((app) => app.kill()));
      apps = [];
    });

    it('take one step each, and both know who is logged in', async () => {
      const [one, other] = await Promise.all([startApp(), startApp()]);
      const browser = new Browser(one.url);
      await passPassword(browser, user);
      const second = sentTo(other, browser);
      await finishLogin(second, okta, user);
      assert.equal(await whoIs(sentTo(one, second)), user.id);
    });

    it('send a push from one and wait for it in the other; the first may die', async () => {
      const [one, other] = await Promise.all([startApp(), startApp()]);
      const phoned = okta.addUser({ factors: { push: { numberChallenge: true } } });
      const browser = new Browser(one.url);
      await passPassword(browser, phoned);
      const sent = await choose(browser, 'push');
      const { challenge, numberChallenge } = sent.body;
      assert.equal(numberChallenge, okta.phone(phoned).pushes()[0]?.number);
      await one.kill();
      const second = sentTo(other, browser);
      okta.requests.length = 0;
      assert.deepEqual((await poll(second, challenge)).body, sent.body);
      okta.phone(phoned).approve();
      // The process that has just asked waits for the interval; a third has not.
      const third = sentTo(await startApp(), second);
      assert.equal((await poll(third, challenge)).status, 200);
      assert.equal(okta.requests.filter(({ path }) => path.endsWith('/token')).length, 2);
      assert.equal(await whoIs(sentTo(other, third)), phoned.id);
    });

    it('count wrong passcodes together, until the password is needed again', async () => {
      const [one, other] = await Promise.all([startApp(), startApp()]);
      const browser = new Browser(one.url);
      await passPassword(browser, user);
      const remaining: unknown[] = [];
      for (const app of [one, other, one, other]) {
        const answer = await sendOtp(sentTo(app, browser), okta.wrongOtp(user));
        remaining.push(answer.body['attemptsRemaining']);
      }
      assert.deepEqual(remaining, [4, 3, 2, 1]);
      const codes: unknown[] = [];
      for (const app of [one, other]) {
        const otp = app === one ? okta.wrongOtp(user) : okta.otp(user);
        codes.push((await sendOtp(sentTo(app, browser), otp)).body['code']);
      }
      assert.deepEqual(codes, ['otp_attempts_exceeded', 'mfa_transaction_missing']);
    });

    it('need not both live: the one that took the password may die', async () => {
      const one = await startApp();
      const browser = new Browser(one.url);
      await passPassword(browser, user);
      await one.kill();
      await finishLogin(sentTo(await startApp(), browser), okta, user);
    });

    it(`keep a transaction over a restart of ${name}, and answer while it is away`, async () => {
      const app = await startApp();
      const browser = new Browser(app.url);
      await passPassword(browser, user);
      await server.stop();
      const asked = okta.requests.length;
      const away = await sendOtp(browser, okta.otp(user));
      assert.equal(away.status, 500);
      assert.equal(okta.requests.length, asked, 'no passcode is spent without a session');
      await server.start();
      const back = await untilAnswered(() => browser.get('/me'));
      assert.deepEqual(back.body, { user: null });
      await finishLogin(browser, okta, user);
    });

    it(`do not take the password while ${name} is away`, async () => {
      const app = await startApp();
      // connect-pg-simple looks for its table once, with the first request.
      await passPassword(new Browser(app.url), okta.addUser());
      const browser = new Browser(app.url);
      await server.stop();
      const away = await sendPassword(browser, user);
      assert.equal(away.status, 500);
      await server.start();
      await untilAnswered(() => browser.get('/me'));
      await passPassword(browser, user);
      await finishLogin(browser, okta, user);
    });

    it('in parallel send no more wrong passcodes than each may', async () => {
      const [one, other] = await Promise.all([startApp(), startApp()]);
      const browser = new Browser(one.url);
      await passPassword(browser, user);
      okta.requests.length = 0;
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          sendOtp(sentTo(index % 2 === 0 ? one : other, browser), okta.wrongOtp(user)),
        ),
      );
      assert.ok(answers.every(({ status }) => status === 401));
      const asked = okta.requests.filter(({ path }) => path.endsWith('/token')).length;
      // The guard is per process: five each. Okta's own limit ends the mfa_token after five in all.
      assert.ok(asked >= 5 && asked <= 10, `${asked} reached Okta`);
      const late = await sendOtp(browser, okta.otp(user));
      assert.equal(late.status, 401);
      assert.equal(await whoIs(browser), undefined);
    });
  });
}

/** Stores reconnect by themselves; bounded, and ended by the first answer. */
async function untilAnswered(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await ask();
    if (answer.status === 200 || tries === 200) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
