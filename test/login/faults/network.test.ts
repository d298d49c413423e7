import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Okta } from '../../../example/okta/index.js';
import {
  Browser,
  gate,
  logIn,
  sendOtp,
  sendPassword,
  soon,
  until,
  watchTokenRequests,
} from '../../support/index.js';
import {
  answer,
  bytes,
  bytesThenReset,
  changed,
  drip,
  dripForEver,
  flood,
  hangUp,
  HTML,
  HTML_TYPE,
  JSON_TYPE,
  lost,
  reset,
  silence,
  silenceAfterHead,
} from './faults.js';
import { isPasscode, isPassword, type Fault } from './proxy.js';
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
  type FaultyOptions,
} from './support.js';

let okta: Okta;
useOktaUnderFaults((started) => (okta = started));

/** The beginning of a grant, which must not be taken for one. */
const BEGUN = '{"token_type":"Bearer","access_token":"an-access-token","id_token":"an';

type Row = [fault: Fault, expected: Expected];

/** To a passcode it says no as well as any other, so it counts as a wrong one. */
const refusal = { ...unusable, counts: true };

/** After these the connection is ended. */
const ENDS: Record<string, Row> = {
  'a reset once the request was read': [reset, unreachable],
  'a reset in the middle of the head': [
    bytesThenReset('HTTP/1.1 200 OK\r\ncontent-ty'),
    unreachable,
  ],
  'a body cut off by a reset': [
    bytesThenReset(`HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n${BEGUN}`),
    unusable,
  ],
  'a 429 cut off': [bytes('HTTP/1.1 429 Too Many\r\ncontent-length: 900\r\n\r\n{'), unusable],
  '5 MB in chunks': [
    flood('500 Oops\r\ntransfer-encoding: chunked', 5),
    { ...unusable, says: /larger than/ },
  ],
  'something that is not HTTP': [bytes('220 mail.example.com ESMTP\r\n'), unusable],
  'two lengths that differ': [answer(200, { 'content-length': ['2', '20'] }, '{}'), unusable],
  'a switch to another protocol': [
    answer(101, { upgrade: 'websocket', connection: 'upgrade', 'content-length': '0' }, ''),
    unreachable,
  ],
};

/** After these the connection is kept for the next request. */
const KEEPS: Record<string, Row> = {
  'HTML with 200 that claims to be JSON': [answer(200, JSON_TYPE, HTML), refusal],
  'nothing with 204': [answer(204, {}, ''), refusal],
  'nothing with 304': [answer(304, {}, ''), refusal],
  'JSON that was compressed although nobody asked': [
    answer(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }, '\x1f\x8b\b'),
    refusal,
  ],
  "500 in Okta's JSON": [
    answer(
      500,
      JSON_TYPE,
      '{"errorCode":"E0000009","errorSummary":"Internal Server Error","errorId":"oae1"}',
    ),
    { ...failing, says: /E0000009/ },
  ],
  '500 that says invalid_grant': [answer(500, JSON_TYPE, '{"error":"invalid_grant"}'), failing],
  '503 in HTML with Retry-After': [answer(503, { 'retry-after': '7' }, HTML), failing],
  '503 that says mfa_required': [
    answer(503, JSON_TYPE, '{"error":"mfa_required","mfa_token":"not-a-token-to-keep"}'),
    failing,
  ],
};

for (const step of STEPS) {
  describe(`At the ${step.name} step`, () => {
    faultIt(
      'a connection that ends costs one POST, and the next try logs in',
      { cold: true },
      async (given) => {
        for (const [name, [fault, expected]] of Object.entries(ENDS)) {
          await given.t.test(`${name}: ${expected.status} ${expected.code}`, async () => {
            const faulty = withNewBrowser(given);
            await begin(faulty);
            const met = faulty.proxy.next(step.matches, fault);
            await assertFault(faulty, step, expected);
            const { socket } = await met;
            await until('the connection to end', () => socket.destroyed);
            await finish(faulty);
          });
        }
      },
    );

    faultIt(
      'an answer that cannot be used costs one POST and no connection, and the next try logs in',
      {},
      async (faulty) => {
        const { t, proxy } = faulty;
        await begin(faulty);
        const { attempts } = proxy;
        for (const [name, [fault, expected]] of Object.entries(KEEPS)) {
          await t.test(`${name}: ${expected.status} ${expected.code}`, async () => {
            const before = proxy.exchanges.length;
            const met = proxy.next(step.matches, fault);
            await assertFault(faulty, step, expected);
            assert.equal(proxy.exchanges.length - before, 1, 'nothing else was asked');
            assert.equal((await met).socket.destroyed, false, 'the connection is kept');
          });
        }
        await finish(faulty);
        assert.equal(proxy.attempts, attempts, 'and used again');
      },
    );

    for (const [name, fault] of Object.entries({
      'silence before the head': silence,
      'silence after the head': silenceAfterHead,
      'a body that drips for ever': dripForEver,
    })) {
      faultIt(
        `${name}: 504, one POST, the connection is ended at once, and the next try logs in`,
        {},
        async (faulty) => {
          const { proxy, timeouts } = faulty;
          await begin(faulty);
          const met = proxy.next(step.matches, fault);
          await assertFault(faulty, step, tooSlow, async () => {
            await met;
            timeouts.runOut();
          });
          const { socket } = await met;
          await until('the connection to end', () => socket.destroyed);
          await finish(faulty);
        },
      );
    }

    faultIt(
      'a reset before a byte was read: 503, not tried again, and the next try logs in',
      // No connection is kept, so that the POST comes on a new one.
      { agent: { pipelining: 0 } },
      async (faulty) => {
        const { proxy } = faulty;
        await begin(faulty);
        const { attempts } = proxy;
        proxy.nextConnection((socket) => socket.resetAndDestroy());
        await assertFault(faulty, step, { ...unreachable, left: 0 });
        // It may have been sent: the strategy cannot know.
        assert.equal(proxy.attempts - attempts, 1);
        await finish(faulty);
      },
    );
  });
}

const E0000047 =
  '{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests.","errorId":"oae2"}';

/** By a clock that is an hour ahead of this machine's: what counts is Okta's own `Date`. */
function resetIn(seconds: number): Record<string, string> {
  const now = Math.floor(Date.now() / 1000) + 3600;
  const reset = String(now + seconds);
  return { date: new Date(now * 1000).toUTCString(), 'x-rate-limit-reset': reset };
}

/** Also in the forms that only a real connection gives to headers. */
const RATE_LIMITS: Record<string, [fault: Fault, retryAfter?: number]> = {
  'E0000047 with X-Rate-Limit-Reset': [answer(429, { ...JSON_TYPE, ...resetIn(12) }, E0000047), 12],
  'mfa_required with Retry-After': [
    answer(429, { 'retry-after': '7' }, '{"error":"mfa_required","mfa_token":"not-to-be-kept"}'),
    7,
  ],
  'HTML with each header twice': [
    answer(
      429,
      { ...HTML_TYPE, 'retry-after': ['7', '8'], 'x-rate-limit-reset': ['7', '8'] },
      HTML,
    ),
  ],
  'nothing with a list in each header': [
    answer(429, { 'retry-after': '7, 8', 'x-rate-limit-reset': '7, 8' }, ''),
  ],
  'nothing with empty headers': [answer(429, { 'retry-after': '', 'x-rate-limit-reset': ' ' }, '')],
};

for (const step of STEPS) {
  describe(`429 at the ${step.name} step`, () => {
    faultIt('is rate_limited, the attempt not counted, the connection kept', {}, async (faulty) => {
      await begin(faulty);
      for (const [name, [fault, retryAfter]] of Object.entries(RATE_LIMITS)) {
        await faulty.t.test(name, async () => {
          const met = faulty.proxy.next(step.matches, fault);
          const expected = { status: 429, code: 'rate_limited', info: { retryAfter } };
          await assertFault(faulty, step, expected);
          assert.equal((await met).socket.destroyed, false);
        });
      }
      await finish(faulty);
    });
  });
}

describe('What is unusual and still an answer logs in:', () => {
  for (const [name, fault] of Object.entries<Fault>({
    'one that comes a few bytes at a time': drip,
    'one after 103 Early Hints': changed(
      (raw) => `HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n${raw}`,
    ),
    'one of HTTP/1.0 that ends with the connection': async ({ socket, ask }) => {
      const raw = (await ask()).toString('latin1');
      const plain = raw.replace(/^(content-length|connection|keep-alive):.*\r\n/gim, '');
      socket.end(plain.replace('HTTP/1.1', 'HTTP/1.0'), 'latin1');
    },
    'one with another, unasked for, right behind it': changed(
      (raw) => `${raw}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}`,
    ),
    'one after which Okta closes the connection': async ({ socket, ask }) => {
      const raw = (await ask()).toString('latin1');
      socket.end(raw.replace(/^connection: .*$/im, 'Connection: close'), 'latin1');
    },
  })) {
    faultIt(name, {}, async ({ proxy, app, browser, user }) => {
      const reached = watchTokenRequests(okta);
      const met = [proxy.next(isPassword, fault), proxy.next(isPasscode, fault)];
      await logIn(browser, okta, user);
      await Promise.all(met);
      assert.equal(reached().length, 2);
      // What came unasked for has poisoned no connection.
      await logIn(new Browser(app.url), okta, okta.addUser());
    });
  }
});

describe('An answer that is lost after Okta has read the request', () => {
  for (const step of STEPS) {
    const { name, matches } = step;
    const after = name === 'password' ? 'the older transaction goes on' : 'Okta has used it up';
    faultIt(`to the ${name}: 503, one POST, and ${after}`, {}, async (faulty) => {
      const { proxy, browser, user, transaction } = faulty;
      await begin(faulty);
      void proxy.next(matches, lost);
      await assertFault(faulty, step, { ...unreachable, reached: 1 });
      if (name === 'passcode') {
        const again = await sendOtp(browser, okta.otp(user));
        assert.deepEqual([again.status, again.body['code']], [401, 'mfa_transaction_expired']);
        assert.equal(transaction(), undefined);
        await begin(faulty);
      }
      await finish(faulty);
    });
  }
});

describe('Kept connections', () => {
  faultIt('that Okta has closed in the meantime cost nothing', {}, async (faulty) => {
    const { proxy } = faulty;
    await begin(faulty);
    for (const socket of proxy.open) socket.end();
    await until('the connections to end', () => proxy.open.size === 0);
    const reached = watchTokenRequests(okta);
    await finish(faulty);
    assert.equal(reached().length, 1);
  });

  faultIt(
    'are few: what fails takes none from those who come after',
    { agent: { connections: 2 } },
    async ({ proxy, app, browser, user }) => {
      for (const fault of [reset, answer(503, {}, ''), flood('200 OK', 3), hangUp]) {
        void proxy.next(isPassword, fault);
        assert.ok((await sendPassword(new Browser(app.url), user)).status >= 500);
        assert.ok(proxy.open.size <= 2);
      }
      await logIn(browser, okta, user);
    },
  );

  faultIt(
    'all taken: who waits for one and is too slow gets 504, and the POST never leaves',
    { agent: { connections: 1 } },
    async ({ proxy, app, browser, user, timeouts }) => {
      const { posts } = proxy;
      const met = proxy.next(isPassword, silence);
      const first = sendPassword(new Browser(app.url), user);
      await met;
      const second = sendPassword(new Browser(app.url), user);
      await until('both to be under way', () => timeouts.running === 2);
      timeouts.runOut();
      assert.deepEqual([(await first).status, (await second).status], [504, 504]);
      await logIn(browser, okta, user);
      // One that was silent, and the two of the login.
      assert.equal(proxy.posts - posts, 3);
    },
  );
});

describe('A login that was given up while it connected', () => {
  const held = gate();
  const asked = gate();
  faultIt(
    'sends nothing once the connection is there',
    {
      cold: true,
      connector: (proxy) => {
        const dial = proxy.connector();
        let first = true;
        return (target, callback) => {
          if (!first) return dial(target, callback);
          first = false;
          asked.open();
          void held.opened.then(() => dial(target, callback));
        };
      },
      agent: { connections: 1 },
    },
    async ({ proxy, app, browser, user, timeouts }) => {
      const answer = sendPassword(browser, user);
      await soon('the strategy to connect', asked.opened);
      await until('both calls', () => timeouts.running === 2);
      timeouts.runOut();
      assert.equal((await soon('the answer', answer)).status, 504);
      held.open();
      await until('the connection', () => proxy.open.size > 0);
      await logIn(new Browser(app.url), okta, okta.addUser());
      const usernames = proxy.exchanges.map(({ form }) => form.get('username'));
      assert.ok(!usernames.includes(user.username), 'the password has not left');
    },
  );
});

/** The next lookups of Okta's name end in this instead. The proxy listens at 127.0.0.1 alone. */
const lookups = { left: 0, instead: [] as string[] | Error };
const NEW_CONNECTIONS: FaultyOptions = {
  agent: { pipelining: 0 },
  connect: {
    lookup: (_hostname, _options, callback) => {
      const found = lookups.left-- > 0 ? lookups.instead : ['127.0.0.1'];
      if (found instanceof Error) return callback(found, []);
      callback(
        null,
        found.map((address) => ({ address, family: 4 })),
      );
    },
  },
};
const notFound = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });

describe('A connection that cannot be made, since', () => {
  for (const step of STEPS) {
    for (const [name, instead, says] of [
      ['the host refuses it', ['127.0.0.2'], /ECONNREFUSED/],
      ['each of several addresses refuses it', ['127.0.0.2', '127.0.0.3'], /ECONNREFUSED/],
      ['the name does not resolve', notFound, /ENOTFOUND/],
    ] as const) {
      faultIt(
        `${name}, is tried twice; then 503, no POST, or the login goes on (${step.name})`,
        NEW_CONNECTIONS,
        async (faulty) => {
          const { proxy } = faulty;
          await begin(faulty);
          const attempts = proxy.attempts;
          Object.assign(lookups, { left: 2, instead });
          await assertFault(faulty, step, { ...unreachable, left: 0, says });
          assert.equal(proxy.attempts - attempts, 2);

          const reached = watchTokenRequests(okta);
          lookups.left = 1;
          await (step.name === 'password' ? begin : finish)(faulty);
          assert.deepEqual([proxy.attempts - attempts, reached().length], [4, 1]);
          if (step.name === 'password') await finish(faulty);
        },
      );
    }
  }

  faultIt(
    'the first of several addresses refuses it, is made to the next, without a repetition',
    { ...NEW_CONNECTIONS, cold: true },
    async (faulty) => {
      Object.assign(lookups, { left: Infinity, instead: ['127.0.0.2', '127.0.0.1'] });
      await begin(faulty);
      await finish(faulty);
      lookups.left = 0;
      // The keys, and two POSTs.
      assert.deepEqual([faulty.proxy.attempts, faulty.proxy.posts], [3, 2]);
    },
  );
});

describe("An app whose dispatcher follows redirects for the app's own sake", () => {
  const ELSEWHERE = 'http://elsewhere.example.com/oauth2/v1/token';
  for (const step of STEPS) {
    faultIt(`sends no ${step.name} to another host`, { followsRedirects: true }, async (faulty) => {
      const { proxy } = faulty;
      await begin(faulty);
      for (const status of [302, 307]) {
        // Any other host would end at this very proxy too.
        void proxy.next(step.matches, answer(status, { location: ELSEWHERE }, ''));
        const before = proxy.exchanges.length;
        await assertFault(faulty, step, refusal);
        assert.equal(proxy.exchanges.length - before, 1);
      }
      await finish(faulty);
    });
  }
});
