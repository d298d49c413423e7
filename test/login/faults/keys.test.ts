import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Okta } from '../../../example/okta/index.js';
import {
  Browser,
  gate,
  logIn,
  sendOtp,
  soon,
  until,
  watchTokenRequests,
  whoIs,
} from '../../support/index.js';
import { answer, dripForEver, HTML, HTML_TYPE, JSON_TYPE, reset, silence } from './faults.js';
import { isKeys, isPasscode, isUserInfo, type Fault, type FaultProxy } from './proxy.js';
import {
  assertFault,
  begin,
  failing,
  faultIt,
  finish,
  STEPS,
  tooSlow,
  unreachable,
  unusable,
  useOktaUnderFaults,
  withNewBrowser,
  type Expected,
  type Faulty,
} from './support.js';

let okta: Okta;
useOktaUnderFaults((started) => (okta = started));

const PASSCODE = STEPS[1]!;
// Any other host would end at the proxy too.
const ELSEWHERE = { location: 'http://elsewhere.example.com/' };

const keys = (...keys: unknown[]): Fault => answer(200, JSON_TYPE, JSON.stringify({ keys }));

/** The next answer of the keys endpoint waits for the gate. */
function holdKeys(proxy: FaultProxy) {
  const come = gate();
  const arrived = proxy.next(isKeys, async ({ ask, socket }) => {
    const raw = await ask();
    await come.opened;
    socket.write(raw);
  });
  return { arrived, letGo: () => come.open() };
}

/** Okta has granted, so the passcode is used up, and nobody is logged in: the password again. */
async function assertSpent({ app, browser, user }: Faulty): Promise<void> {
  assert.equal(app.logins.filter(({ profile }) => profile.id === user.id).length, 0);
  const again = await sendOtp(browser, okta.otp(user));
  assert.equal(again.body['code'], 'mfa_transaction_expired');
}

describe('Keys that cannot be read: the password step goes on, no passcode is spent, when they', () => {
  for (const [name, [fault, expected]] of Object.entries<[Fault, Expected]>({
    'reset the connection': [reset, unreachable],
    'answer HTML with 200': [answer(200, HTML_TYPE, HTML), unusable],
    'answer no key': [keys(), unusable],
    'answer none that is usable': [
      keys(
        null,
        7,
        [],
        'b',
        { kid: 'a', kty: 'RSA', n: 7 },
        { kid: 'a', kty: 'RSA', n: '', e: '' },
      ),
      unusable,
    ],
    'answer 503 with nothing': [answer(503, {}, ''), failing],
    'answer 429': [answer(429, { ...JSON_TYPE, 'retry-after': '7' }, '{}'), failing],
    'redirect to another host': [answer(302, ELSEWHERE, ''), failing],
  })) {
    faultIt(
      `${name}: ${expected.status} ${expected.code}`,
      { cold: true, followsRedirects: true },
      async (faulty) => {
        const { proxy, timeouts } = faulty;
        const met = proxy.next(isKeys, fault);
        await begin(faulty);
        const { socket } = await met;
        // The fetch of the password step has ended, so that the passcode step makes its own.
        await until('the end of the first fetch', () => timeouts.running === 0);
        if (expected === unreachable) await until('its end', () => socket.destroyed);
        void proxy.next(isKeys, fault);
        const before = proxy.exchanges.length;
        await assertFault(faulty, PASSCODE, { ...expected, left: 0 });
        assert.equal(proxy.exchanges.length - before, 1);
        await finish(faulty);
      },
    );
  }

  faultIt(
    'drip for ever: 504, for all who wait for them, from one fetch',
    { cold: true },
    async (faulty) => {
      const { app, proxy, timeouts, transaction } = faulty;
      const met = proxy.next(isKeys, dripForEver);
      await begin(faulty);
      const { socket } = await met;
      const everybody = [faulty];
      while (everybody.length < 6) everybody.push(withNewBrowser(faulty));
      for (const other of everybody.slice(1)) await begin(other);
      const { posts } = proxy;
      const before = transaction();
      app.entered.length = 0;

      const answers = everybody.map((each) => PASSCODE.send(each));
      await until('all to have come', () => app.entered.length === everybody.length);
      // Whatever comes before the keys is done in the same turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      timeouts.runOut();
      for (const { status, body } of await soon('the answers', Promise.all(answers))) {
        assert.deepEqual({ status, code: body['code'] }, tooSlow);
      }
      assert.equal(proxy.posts, posts, 'no passcode has left');
      assert.deepEqual(transaction(), before);
      await until('the connection to end', () => socket.destroyed);
      assert.equal(proxy.exchanges.filter(isKeys).length, 1);
      for (const each of everybody) await finish(each);
    },
  );

  faultIt('are slow: the passcode leaves when they are there', { cold: true }, async (faulty) => {
    const { app, proxy } = faulty;
    const held = holdKeys(proxy);
    await begin(faulty);
    const login = finish(faulty);
    await until('the passcode', () => app.entered.length === 2);
    // A whole request of somebody else's fits in between.
    await whoIs(new Browser(app.url));
    assert.ok(!proxy.exchanges.some(isPasscode));
    held.letGo();
    await login;
    assert.equal(proxy.exchanges.filter(isKeys).length, 1);
  });
});

describe('Keys that rotate', () => {
  faultIt(
    'while they are down for one fetch: 503, no login, one POST, and the next login works',
    {},
    async (faulty) => {
      await begin(faulty);
      await okta.rotateKeys('org');
      void faulty.proxy.next(isKeys, reset);
      await assertFault(faulty, PASSCODE, { ...unreachable, reached: 1 });
      await assertSpent(faulty);
      await logIn(new Browser(faulty.app.url), okta, okta.addUser());
    },
  );

  faultIt(
    'to none that is known, and then the endpoint is slow: all who log in wait for one fetch',
    {},
    async ({ app, proxy }) => {
      await okta.rotateKeys('org', { keepPrevious: false });
      const held = holdKeys(proxy);
      const reached = watchTokenRequests(okta);
      const logins = Array.from({ length: 5 }, () =>
        logIn(new Browser(app.url), okta, okta.addUser()),
      );
      await held.arrived;
      const granted = () => reached().filter(({ status }) => status === 200);
      await until('all passcodes', () => granted().length === 5);
      held.letGo();
      await soon('the logins', Promise.all(logins));
      assert.equal(proxy.exchanges.filter(isKeys).length, 2);
    },
  );

  faultIt(
    'not, and are silent after an hour: logins go on with the old ones, and the next does not wait',
    {},
    async (faulty) => {
      const { t, app, proxy, timeouts } = faulty;
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_601_000 });
      // One fetch, which the password step starts and the passcode step joins.
      const met = proxy.next(isKeys, silence);
      await begin(faulty);
      await met;
      const reached = watchTokenRequests(okta);
      app.entered.length = 0;
      const login = finish(faulty);
      await until('the passcode', () => app.entered.length === 1);
      await new Promise((done) => setImmediate(done));
      timeouts.runOut();
      await soon('the login', login);
      assert.equal(reached().length, 1);
      const { length } = proxy.exchanges.filter(isKeys);
      await logIn(new Browser(app.url), okta, okta.addUser());
      assert.equal(proxy.exchanges.filter(isKeys).length, length);
      t.mock.timers.reset();
    },
  );
});

describe('/userinfo, asked when the passcode is spent: no login, and the next login works, when it', () => {
  const invalid = { status: 502, code: 'invalid_userinfo' };
  for (const [name, [fault, expected]] of Object.entries<[Fault, Expected]>({
    'resets the connection': [reset, unreachable],
    'answers HTML with 200': [answer(200, HTML_TYPE, HTML), invalid],
    'answers 429': [answer(429, { ...JSON_TYPE, 'retry-after': '7' }, '{}'), invalid],
    'redirects to another host': [answer(307, ELSEWHERE, ''), invalid],
    'is silent': [silence, tooSlow],
  })) {
    faultIt(
      `${name}: ${expected.status} ${expected.code}`,
      { strategy: { userInfo: true, revokeUnused: false }, followsRedirects: true },
      async (faulty) => {
        const { proxy, browser, user, timeouts, transaction } = faulty;
        await begin(faulty);
        const met = proxy.next(isUserInfo, fault);
        const { length } = proxy.exchanges;
        await assertFault(faulty, PASSCODE, { ...expected, reached: 1 }, async () => {
          if (fault !== silence) return;
          await met;
          timeouts.runOut();
        });
        // The passcode and /userinfo: nothing was tried again, and nobody else asked.
        assert.equal(proxy.exchanges.length - length, 2);
        await assertSpent(faulty);
        assert.equal(transaction(), undefined);
        await logIn(browser, okta, user);
      },
    );
  }
});
