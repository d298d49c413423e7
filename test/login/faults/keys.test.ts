import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Okta } from '../../../example/okta/index.js';
import { Browser } from '../../support/browser.js';
import { finishLogin, logIn, passPassword, sendOtp, whoIs } from '../../support/login.js';
import { watchTokenRequests } from '../../support/okta.js';
import { gate, soon, until } from '../../support/promises.js';
import {
  answer,
  bytes,
  drip,
  dripForEver,
  flood,
  hangUp,
  HTML,
  HTML_TYPE,
  JSON_TYPE,
  reset,
  silence,
  silenceAfterHead,
} from './faults.js';
import { isKeys, isPasscode, isUserInfo, type Fault } from './proxy.js';
import {
  assertFault,
  faultIt,
  STEPS,
  useOktaUnderFaults,
  wait,
  type Expected,
  type Faulty,
} from './support.js';

let okta: Okta;
useOktaUnderFaults((started) => (okta = started));

const PASSCODE = STEPS[1]!;
const unreachable = { status: 503, code: 'okta_unreachable' };
const tooSlow = { status: 504, code: 'okta_timeout' };
const unusable = { status: 502, code: 'invalid_response' };
const failing = { status: 502, code: 'okta_error' };
const ELSEWHERE = 'http://elsewhere.example.com/oauth2/v1/keys';

const DOWN: Record<string, [Fault, Expected]> = {
  'reset the connection': [reset, unreachable],
  'hang up': [hangUp, unreachable],
  'cut the answer off': [bytes('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"keys'), unusable],
  'answer 5 MB': [flood('200 OK\r\ncontent-length: 5242880', 5), unusable],
  'answer HTML with 200': [answer(200, HTML_TYPE, HTML), unusable],
  'answer no key': [answer(200, JSON_TYPE, '{"keys":[]}'), unusable],
  'answer keys that are none': [
    answer(200, JSON_TYPE, '{"keys":[null,7,{"kid":"a","kty":"RSA","n":7},[],"b"]}'),
    unusable,
  ],
  'answer 503 with nothing': [answer(503, {}, ''), failing],
  'answer 429': [answer(429, { ...JSON_TYPE, 'retry-after': '7' }, '{}'), failing],
  'redirect to another host': [answer(302, { location: ELSEWHERE }, ''), failing],
};

describe('Keys that cannot be read: the password step goes on, no passcode is spent, when they', () => {
  for (const [name, [fault, expected]] of Object.entries(DOWN)) {
    faultIt(
      `${name}: ${expected.status} ${expected.code}`,
      () => okta,
      { cold: true },
      async (faulty) => {
        const { proxy, browser, user } = faulty;
        const met = proxy.next(isKeys, fault);
        await wait(faulty);
        const { socket } = await met;
        // The fetch of the password step has ended, so that the passcode step makes its own.
        await until('the end of the first fetch', () => faulty.timeouts.running === 0);
        if (expected === unreachable) await until('its end', () => socket.destroyed);
        void proxy.next(isKeys, fault);
        const before = proxy.exchanges.length;
        await assertFault(faulty, PASSCODE, { ...expected, left: 0 });
        assert.equal(proxy.exchanges.length - before, 1);
        await finishLogin(browser, okta, user);
      },
    );
  }

  for (const [name, fault] of Object.entries({
    'are not answered': silence,
    'stop after the head': silenceAfterHead,
    'drip for ever': dripForEver,
  })) {
    faultIt(
      `${name}: 504, for all who wait for them, from one fetch`,
      () => okta,
      { cold: true },
      async (faulty) => {
        const { app, proxy, browser, user } = faulty;
        const met = proxy.next(isKeys, fault);
        await wait(faulty);
        const { socket } = await met;
        const others = await Promise.all(
          Array.from({ length: 5 }, async () => {
            const other = { browser: new Browser(app.url), user: okta.addUser() };
            await passPassword(other.browser, other.user);
            return other;
          }),
        );
        const { length } = app.entered;
        const answers = others.map((other) => sendOtp(other.browser, okta.otp(other.user)));
        await until('all to have come', () => app.entered.length === length + others.length);
        await assertOtpsTooSlow(faulty, answers);
        await until('the connection to end', () => socket.destroyed);
        assert.equal(proxy.exchanges.filter(isKeys).length, 1);
        await finishLogin(browser, okta, user);
        for (const other of others) await finishLogin(other.browser, okta, other.user);
      },
    );
  }
});

/** The passcode of the browser too; then the time is over for all. */
async function assertOtpsTooSlow(
  faulty: Faulty,
  answers: Promise<{ status: number }>[],
): Promise<void> {
  const { app, browser, user, proxy, timeouts, waiting } = faulty;
  const before = waiting();
  const { posts } = proxy;
  const { length } = app.entered;
  const own = sendOtp(browser, okta.otp(user));
  await until('the passcode', () => app.entered.length === length + 1);
  // Whatever comes before the keys is done in the same turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  timeouts.runOut();
  for (const { status } of await soon('the answers', Promise.all([own, ...answers]))) {
    assert.equal(status, tooSlow.status);
  }
  assert.equal(proxy.posts, posts, 'no passcode has left');
  assert.deepEqual(waiting(), before);
}

describe('A key without a modulus', () => {
  faultIt(
    'is none: no passcode is spent for it',
    () => okta,
    { cold: true },
    async (faulty) => {
      const fault = answer(200, JSON_TYPE, '{"keys":[{"kid":"a","kty":"RSA","n":"","e":""}]}');
      void faulty.proxy.next(isKeys, fault);
      await wait(faulty);
      await until('the end of the first fetch', () => faulty.timeouts.running === 0);
      void faulty.proxy.next(isKeys, fault);
      await assertFault(faulty, PASSCODE, { ...unusable, left: 0 });
    },
  );
});

describe('Keys that are slow', () => {
  faultIt(
    'are waited for: the passcode leaves when they are there',
    () => okta,
    { cold: true },
    async (faulty) => {
      const { app, proxy, browser, user } = faulty;
      const come = gate();
      void proxy.next(isKeys, async (exchange) => {
        const raw = await exchange.ask();
        await come.opened;
        exchange.socket.write(raw);
      });
      await wait(faulty);
      const login = finishLogin(browser, okta, user);
      await until('the passcode', () => app.entered.length === 2);
      await whoIs(new Browser(app.url));
      assert.ok(!proxy.exchanges.some(isPasscode));
      come.open();
      await login;
      assert.equal(proxy.exchanges.filter(isKeys).length, 1);
    },
  );

  faultIt(
    'and come a few bytes at a time are read',
    () => okta,
    { cold: true },
    async (faulty) => {
      void faulty.proxy.next(isKeys, drip);
      await logIn(faulty.browser, okta, faulty.user);
    },
  );
});

describe('Keys that rotate', () => {
  for (const [name, fault, expected] of [
    ['are down', reset, unreachable],
    ['answer HTML', answer(200, HTML_TYPE, HTML), unusable],
    ['answer 503', answer(503, {}, ''), failing],
  ] as const) {
    faultIt(
      `while they ${name}: ${expected.status}, no login, one POST`,
      () => okta,
      {},
      async (faulty) => {
        const { app, proxy, browser, user } = faulty;
        await wait(faulty);
        await okta.rotateKeys('org');
        void proxy.next(isKeys, fault);
        await assertFault(faulty, PASSCODE, { ...expected, reached: 1 });
        assert.equal(app.logins.filter(({ profile }) => profile.id === user.id).length, 0);
        // The passcode is spent and the mfa_token with it: Okta asks for the password again.
        const again = await sendOtp(browser, okta.otp(user));
        assert.equal(again.body['code'], 'mfa_transaction_expired');
      },
    );
  }

  faultIt(
    'while they are down for one fetch do not hurt the next login',
    () => okta,
    {},
    async (faulty) => {
      const { app, proxy } = faulty;
      await wait(faulty);
      await okta.rotateKeys('org');
      void proxy.next(isKeys, reset);
      await assertFault(faulty, PASSCODE, { ...unreachable, reached: 1 });
      await logIn(new Browser(app.url), okta, okta.addUser());
    },
  );

  faultIt(
    'to none that is known, and then the endpoint is slow: all who log in wait for one fetch',
    () => okta,
    {},
    async ({ app, proxy }) => {
      await okta.rotateKeys('org', { keepPrevious: false });
      const come = gate();
      const met = proxy.next(isKeys, async (exchange) => {
        const raw = await exchange.ask();
        await come.opened;
        exchange.socket.write(raw);
      });
      const reached = watchTokenRequests(okta);
      const logins = Array.from({ length: 5 }, () =>
        logIn(new Browser(app.url), okta, okta.addUser()),
      );
      await met;
      await until(
        'all passcodes',
        () => reached().filter(({ status }) => status === 200).length === 5,
      );
      come.open();
      await soon('the logins', Promise.all(logins));
      assert.equal(proxy.exchanges.filter(isKeys).length, 2);
    },
  );

  const HOUR = 60 * 60 * 1000;
  for (const [name, fault] of Object.entries({ 'are down': reset, 'are silent': silence })) {
    faultIt(
      `not, and ${name} after an hour: logins go on with the old ones, and the next one does not wait`,
      () => okta,
      {},
      async (faulty) => {
        const { t, app, proxy, browser, user, timeouts } = faulty;
        t.mock.timers.enable({ apis: ['Date'], now: Date.now() + HOUR + 1000 });
        // Both the fetch of the password step and, if that is over, the one of the passcode step.
        const met = proxy.next(isKeys, fault);
        await wait(faulty);
        await met;
        const reached = watchTokenRequests(okta);
        const { length } = app.entered;
        const login = finishLogin(browser, okta, user);
        if (fault === silence) {
          await until('the passcode', () => app.entered.length === length + 1);
          await new Promise((done) => setImmediate(done));
          timeouts.runOut();
        }
        await soon('the login', login);
        assert.equal(reached().length, 1);
        const { length: keys } = proxy.exchanges.filter(isKeys);
        await logIn(new Browser(app.url), okta, okta.addUser());
        assert.equal(proxy.exchanges.filter(isKeys).length, keys);
        t.mock.timers.reset();
      },
    );
  }
});

describe('/userinfo, asked when the passcode is spent: no login, and the next login works, when it', () => {
  const invalid = { status: 502, code: 'invalid_userinfo' };
  for (const [name, [fault, expected]] of Object.entries<[Fault, Expected]>({
    'resets the connection': [reset, unreachable],
    'cuts the answer off': [bytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"sub'), unusable],
    'answers 5 MB': [flood('200 OK\r\ncontent-length: 5242880', 5), unusable],
    'answers HTML with 200': [answer(200, HTML_TYPE, HTML), invalid],
    'answers 401': [answer(401, { 'www-authenticate': 'Bearer' }, ''), invalid],
    'answers 429': [answer(429, { ...JSON_TYPE, 'retry-after': '7' }, '{}'), invalid],
    'answers 503': [answer(503, {}, ''), invalid],
    'redirects to another host': [answer(307, { location: ELSEWHERE }, ''), invalid],
    'is silent': [silence, tooSlow],
  })) {
    faultIt(
      `${name}: ${expected.status} ${expected.code}`,
      () => okta,
      { strategy: { userInfo: true } },
      async (faulty) => {
        const { app, proxy, browser, user, timeouts } = faulty;
        await wait(faulty);
        const met = proxy.next(isUserInfo, fault);
        const { length } = proxy.exchanges;
        await assertFault(faulty, PASSCODE, { ...expected, reached: 1 }, async () => {
          if (fault !== silence) return;
          await met;
          timeouts.runOut();
        });
        // The passcode and /userinfo: nothing was tried again, and nobody else asked.
        assert.equal(proxy.exchanges.length - length, 2);
        assert.equal(app.logins.filter(({ profile }) => profile.id === user.id).length, 0);
        const again = await sendOtp(browser, okta.otp(user));
        assert.equal(again.body['code'], 'mfa_transaction_expired');
        assert.equal(faulty.waiting(), undefined);
        await logIn(browser, okta, user);
      },
    );
  }
});
