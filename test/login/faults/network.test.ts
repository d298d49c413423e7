import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { interceptors } from 'undici';
import type { Okta } from '../../../example/okta/index.js';
import { Browser } from '../../support/browser.js';
import { finishLogin, logIn, passPassword, sendOtp, sendPassword } from '../../support/login.js';
import { watchTokenRequests } from '../../support/okta.js';
import { gate, soon, until } from '../../support/promises.js';
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
  faultIt,
  STEPS,
  useOktaUnderFaults,
  wait,
  withNewBrowser,
  type Expected,
} from './support.js';

let okta: Okta;
useOktaUnderFaults((started) => (okta = started));

const unreachable = { status: 503, code: 'okta_unreachable' };
const tooSlow = { status: 504, code: 'okta_timeout' };
const unusable = { status: 502, code: 'invalid_response' };
const failing = { status: 502, code: 'okta_error' };

const ELSEWHERE = 'http://elsewhere.example.com/oauth2/v1/token';

/** The beginning of a grant, which must not be taken for one. */
const BEGUN = '{"token_type":"Bearer","access_token":"an-access-token","id_token":"an';

type Row = [fault: Fault, expected: Expected];

/** After these the connection is ended. */
const ENDS: Record<string, Row> = {
  'a reset once the request was read': [reset, unreachable],
  'a hang-up once the request was read': [hangUp, unreachable],
  'a reset in the middle of the head': [
    bytesThenReset('HTTP/1.1 200 OK\r\ncontent-ty'),
    unreachable,
  ],
  'a body cut off (Content-Length)': [
    bytes(`HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n${BEGUN}`),
    unusable,
  ],
  'a body cut off (chunked)': [
    bytes(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n46\r\n${BEGUN}\r\n`),
    unusable,
  ],
  'a body cut off by a reset': [
    bytesThenReset(`HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n${BEGUN}`),
    unusable,
  ],
  'a 429 cut off': [bytes('HTTP/1.1 429 Too Many\r\ncontent-length: 900\r\n\r\n{'), unusable],
  '5 MB with a length': [
    flood('200 OK\r\ncontent-length: 5242880', 5),
    { ...unusable, says: /larger than/ },
  ],
  '5 MB in chunks': [
    flood('500 Oops\r\ntransfer-encoding: chunked', 5),
    { ...unusable, says: /larger than/ },
  ],
  'something that is not HTTP': [bytes('220 mail.example.com ESMTP\r\n'), unusable],
  'a switch to another protocol': [
    answer(101, { upgrade: 'websocket', connection: 'upgrade', 'content-length': '0' }, ''),
    unreachable,
  ],
};

/** After these the connection is kept for the next request. */
const KEEPS: Record<string, Row> = {
  'HTML with 200': [answer(200, HTML_TYPE, HTML), unusable],
  'HTML with 200 that says it is JSON': [answer(200, JSON_TYPE, HTML), unusable],
  'nothing with 200': [answer(200, JSON_TYPE, ''), unusable],
  'nothing with 204': [answer(204, {}, ''), unusable],
  'nothing with 304': [answer(304, {}, ''), unusable],
  'JSON twice': [answer(200, JSON_TYPE, '{}{}'), unusable],
  'JSON that was compressed although nobody asked': [
    answer(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }, '\x1f\x8b\b'),
    unusable,
  ],
  "500 in Okta's JSON": [
    answer(
      500,
      JSON_TYPE,
      '{"errorCode":"E0000009","errorSummary":"Internal Server Error","errorId":"oae1"}',
    ),
    { ...failing, says: /E0000009/ },
  ],
  '500 that says invalid_grant': [oauth(500, 'invalid_grant'), failing],
  '500 in HTML': [answer(500, HTML_TYPE, HTML), failing],
  '502 with nothing': [answer(502, {}, ''), failing],
  '503 in HTML with Retry-After': [answer(503, { 'retry-after': '7' }, HTML), failing],
  '503 that says mfa_required': [
    answer(503, JSON_TYPE, '{"error":"mfa_required","mfa_token":"not-a-token-to-keep"}'),
    failing,
  ],
  '504 with nothing': [answer(504, {}, ''), failing],
  // Any other host would end at this very proxy too.
  '307 to another host': [answer(307, { location: ELSEWHERE }, ''), unusable],
  '302 to another host': [answer(302, { location: ELSEWHERE }, ''), unusable],
};

function oauth(status: number, error: string, headers: Record<string, string | string[]> = {}) {
  const body = JSON.stringify({ error, error_description: 'Of the fault proxy.' });
  return answer(status, { ...JSON_TYPE, ...headers }, body);
}

for (const step of STEPS) {
  describe(`At the ${step.name} step`, () => {
    faultIt(
      'a connection that ends costs one POST, and the next try logs in',
      () => okta,
      { cold: true },
      async (given) => {
        for (const [name, [fault, expected]] of Object.entries(ENDS)) {
          await given.t.test(`${name}: ${expected.status} ${expected.code}`, async () => {
            const faulty = withNewBrowser(given);
            const { proxy, browser, user } = faulty;
            await wait(faulty);
            const met = proxy.next(step.matches, fault);
            await assertFault(faulty, step, expected);
            const { socket } = await met;
            await until('the connection to end', () => socket.destroyed);
            await finishLogin(browser, okta, user);
          });
        }
      },
    );

    faultIt(
      'an answer that cannot be used costs one POST and no connection, and the next try logs in',
      () => okta,
      {},
      async (faulty) => {
        const { t, proxy, browser, user } = faulty;
        await wait(faulty);
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
        await finishLogin(browser, okta, user);
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
        () => okta,
        {},
        async (faulty) => {
          const { proxy, browser, user, timeouts } = faulty;
          await wait(faulty);
          const met = proxy.next(step.matches, fault);
          await assertFault(faulty, step, tooSlow, async () => {
            await met;
            timeouts.runOut();
          });
          const { socket } = await met;
          await until('the connection to end', () => socket.destroyed);
          await finishLogin(browser, okta, user);
        },
      );
    }

    faultIt(
      'a reset before a byte was read: 503, not tried again, and the next try logs in',
      () => okta,
      // No connection is kept, so that the POST comes on a new one.
      { agent: { pipelining: 0 } },
      async (faulty) => {
        const { proxy, browser, user } = faulty;
        await wait(faulty);
        const { attempts } = proxy;
        proxy.nextConnection((socket) => socket.resetAndDestroy());
        await assertFault(faulty, step, { ...unreachable, left: 0 });
        // It may have been sent: the strategy cannot know.
        assert.equal(proxy.attempts - attempts, 1);
        await finishLogin(browser, okta, user);
      },
    );

    faultIt(
      'refused twice: 503, no POST, and the next try logs in',
      () => okta,
      { agent: { pipelining: 0 } },
      async (faulty) => {
        const { proxy, browser, user } = faulty;
        await wait(faulty);
        const { attempts } = proxy;
        proxy.refuse = 9;
        const expected = { ...unreachable, left: 0, says: /ECONNREFUSED/ };
        await assertFault(faulty, step, expected);
        assert.equal(proxy.attempts - attempts, 2);
        proxy.refuse = 0;
        await finishLogin(browser, okta, user);
      },
    );

    faultIt(
      'refused once: the login goes on, with one POST for each step',
      () => okta,
      { agent: { pipelining: 0 } },
      async (faulty) => {
        const { proxy, browser, user } = faulty;
        if (step.name === 'passcode') await wait(faulty);
        const { attempts } = proxy;
        const reached = watchTokenRequests(okta);
        proxy.refuse = 1;
        if (step.name === 'passcode') await finishLogin(browser, okta, user);
        else await wait(faulty);
        assert.deepEqual([proxy.attempts - attempts, reached().length], [2, 1]);
        if (step.name === 'password') await finishLogin(browser, okta, user);
      },
    );
  });
}

interface Quota {
  name: string;
  /** At this time, by Okta's clock. */
  headers: (now: number) => Record<string, string | string[]>;
  /** Milliseconds by which Okta's clock is off. */
  skew?: number;
  retryAfter: number | undefined;
}

const seconds = (time: number) => String(Math.floor(time / 1000));
const HOUR = 3_600_000;
const date = (time: number) => new Date(time).toUTCString();

const QUOTAS: Quota[] = [
  { name: 'no headers', headers: () => ({}), retryAfter: undefined },
  { name: 'Retry-After in seconds', headers: () => ({ 'retry-after': '7' }), retryAfter: 7 },
  { name: 'Retry-After: 0', headers: () => ({ 'retry-after': '0' }), retryAfter: 1 },
  ...[-HOUR, 0, HOUR].flatMap((skew): Quota[] => [
    {
      name: `Retry-After as a date, Okta's clock ${skew / 60_000} minutes off`,
      headers: (now) => ({
        date: date(now),
        'retry-after': date(now + 30_000),
      }),
      skew,
      retryAfter: 30,
    },
    {
      name: `X-Rate-Limit-Reset, Okta's clock ${skew / 60_000} minutes off`,
      headers: (now) => ({
        date: date(now),
        'x-rate-limit-limit': '4',
        'x-rate-limit-remaining': '0',
        'x-rate-limit-reset': seconds(now + 12_000),
      }),
      skew,
      retryAfter: 12,
    },
  ]),
  {
    name: 'a garbled Retry-After beside a good X-Rate-Limit-Reset',
    headers: (now) => ({
      date: date(now),
      'retry-after': 'in a while',
      'x-rate-limit-reset': seconds(now + 12_000),
    }),
    retryAfter: 12,
  },
  {
    name: 'X-Rate-Limit-Reset in the past',
    headers: (now) => ({ date: date(now), 'x-rate-limit-reset': seconds(now - 9_000) }),
    retryAfter: undefined,
  },
  ...['soon', '-5', '1e3', '0x10', '99999999999', '9'.repeat(400), '', ' ', '7, 8'].map(
    (value): Quota => ({
      name: `Retry-After and X-Rate-Limit-Reset that say "${value.slice(0, 12)}"`,
      headers: (now) => ({
        date: date(now),
        'retry-after': value,
        'x-rate-limit-reset': value,
      }),
      retryAfter: undefined,
    }),
  ),
  {
    name: 'each header twice',
    headers: () => ({ 'retry-after': ['7', '8'], 'x-rate-limit-reset': ['7', '8'] }),
    retryAfter: undefined,
  },
];

const E0000047 =
  '{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests.","errorId":"oae2"}';

/** Both of Okta's formats, and what stands before Okta. */
const RATE_LIMITS: {
  format: string;
  type: Record<string, string>;
  body: string;
  quotas?: Quota[];
}[] = [
  { format: 'E0000047', type: JSON_TYPE, body: E0000047, quotas: QUOTAS },
  {
    format: 'invalid_grant',
    type: JSON_TYPE,
    body: '{"error":"invalid_grant","error_description":"Too many requests."}',
  },
  { format: 'HTML, as of a load balancer', type: HTML_TYPE, body: HTML },
  { format: 'an empty body', type: {}, body: '' },
  {
    format: 'mfa_required',
    type: JSON_TYPE,
    body: '{"error":"mfa_required","mfa_token":"not-a-token-to-keep"}',
  },
];

for (const step of STEPS) {
  describe(`429 at the ${step.name} step: 429 rate_limited, the attempt not counted`, () => {
    for (const { format, type, body, quotas = QUOTAS.slice(0, 2) } of RATE_LIMITS) {
      faultIt(
        `with ${format}, whatever the headers say`,
        () => okta,
        {},
        async (faulty) => {
          const { t, proxy, browser, user } = faulty;
          await wait(faulty);
          for (const { name, headers, skew = 0, retryAfter } of quotas) {
            await t.test(name, async () => {
              const fault = answer(429, { ...type, ...headers(Date.now() + skew) }, body);
              const met = proxy.next(step.matches, fault);
              const expected = { status: 429, code: 'rate_limited', info: { retryAfter } };
              await assertFault(faulty, step, expected);
              assert.equal((await met).socket.destroyed, false);
            });
          }
          await finishLogin(browser, okta, user);
        },
      );
    }

    faultIt(
      "without Okta's Date, X-Rate-Limit-Reset is read by the clock of this machine",
      () => okta,
      {},
      async (faulty) => {
        const { proxy, browser, user } = faulty;
        await wait(faulty);
        for (const headers of [{}, { date: 'yesterday' }]) {
          const reset = seconds(Date.now() + 60_000);
          void proxy.next(
            step.matches,
            answer(429, { ...JSON_TYPE, ...headers, 'x-rate-limit-reset': reset }, E0000047),
          );
          const got = await assertFault(faulty, step, { status: 429, code: 'rate_limited' });
          const retryAfter = Number(got.body['retryAfter']);
          assert.ok(retryAfter > 0 && retryAfter <= 60, String(retryAfter));
        }
        await finishLogin(browser, okta, user);
      },
    );
  });
}

describe('What is odd and yet an answer logs in:', () => {
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
    faultIt(
      name,
      () => okta,
      {},
      async ({ proxy, app, browser, user }) => {
        const reached = watchTokenRequests(okta);
        const met = [proxy.next(isPassword, fault), proxy.next(isPasscode, fault)];
        await logIn(browser, okta, user);
        await Promise.all(met);
        assert.equal(reached().length, 2);
        // What came unasked for has poisoned no connection.
        await logIn(new Browser(app.url), okta, okta.addUser());
      },
    );
  }
});

describe('An answer that is lost after Okta has read the request', () => {
  faultIt(
    'to the password: 503, one POST, and the login that waited goes on',
    () => okta,
    {},
    async (faulty) => {
      const { proxy, browser, user } = faulty;
      const [step] = STEPS;
      assert.ok(step);
      await wait(faulty);
      void proxy.next(isPassword, lost);
      await assertFault(faulty, step, { ...unreachable, reached: 1 });
      await finishLogin(browser, okta, user);
    },
  );

  faultIt(
    'to the right passcode: 503, one POST; Okta takes the next for expired, and a new login works',
    () => okta,
    {},
    async (faulty) => {
      const { proxy, browser, user, waiting } = faulty;
      const [, step] = STEPS;
      assert.ok(step);
      await wait(faulty);
      void proxy.next(isPasscode, lost);
      await assertFault(faulty, step, { ...unreachable, reached: 1 });
      const again = await sendOtp(browser, okta.otp(user));
      assert.deepEqual([again.status, again.body['code']], [401, 'mfa_transaction_expired']);
      assert.equal(waiting(), undefined);
      await logIn(browser, okta, user);
    },
  );
});

describe('Kept connections', () => {
  faultIt(
    'that Okta has closed in the meantime cost nothing',
    () => okta,
    {},
    async ({ proxy, browser, user }) => {
      await passPassword(browser, user);
      for (const socket of proxy.open) socket.end();
      await until('the connections to end', () => proxy.open.size === 0);
      const reached = watchTokenRequests(okta);
      await finishLogin(browser, okta, user);
      assert.equal(reached().length, 1);
    },
  );

  faultIt(
    'are few: what fails takes none from those who come after',
    () => okta,
    { agent: { connections: 2 } },
    async ({ proxy, app, browser, user }) => {
      const faults = [reset, silenceAfterHead, answer(503, {}, ''), flood('200 OK', 3), hangUp];
      for (const fault of faults.filter((fault) => fault !== silenceAfterHead)) {
        void proxy.next(isPassword, fault);
        assert.ok((await sendPassword(new Browser(app.url), user)).status >= 500);
        assert.ok(proxy.open.size <= 2);
      }
      await logIn(browser, okta, user);
    },
  );

  faultIt(
    'all taken: who waits for one and is too slow gets 504, and the POST never leaves',
    () => okta,
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
    () => okta,
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

describe('Names that do not resolve', () => {
  for (const [code, times] of [
    ['ENOTFOUND', 2],
    ['EAI_AGAIN', 2],
    ['ENOTFOUND', 1],
    ['EAI_AGAIN', 1],
  ] as const) {
    let failures = 0;
    let lookups = 0;
    for (const step of STEPS) {
      faultIt(
        `${code}, ${times === 1 ? 'once: the login goes on' : 'twice: 503, no POST'} (${step.name})`,
        () => okta,
        {
          agent: { pipelining: 0 },
          connect: {
            lookup: (hostname, _options, callback) => {
              lookups += 1;
              if (failures-- > 0) {
                const error = new Error(`getaddrinfo ${code} ${hostname}`);
                callback(Object.assign(error, { code, syscall: 'getaddrinfo', hostname }), []);
                return;
              }
              callback(null, [{ address: '127.0.0.1', family: 4 }]);
            },
          },
        },
        async (faulty) => {
          const { browser, user, app } = faulty;
          await wait(faulty);
          failures = times;
          lookups = 0;
          if (times === 2) {
            await assertFault(faulty, step, { ...unreachable, left: 0, says: new RegExp(code) });
            assert.equal(lookups, 2);
          } else {
            const reached = watchTokenRequests(okta);
            app.actions.length = 0;
            const { status } = await step.send(faulty);
            assert.equal(status, step.name === 'password' ? 403 : 200);
            assert.deepEqual([lookups, reached().length], [2, 1]);
            if (step.name === 'passcode') return;
          }
          await finishLogin(browser, okta, user);
        },
      );
    }
  }
});

describe('A host with several addresses', () => {
  const addresses = { list: [] as string[], asked: 0 };
  const options = {
    agent: { pipelining: 0 },
    connect: {
      lookup: (_name: string, _options: unknown, callback: (...args: never[]) => void) => {
        addresses.asked += 1;
        (callback as (...args: unknown[]) => void)(
          null,
          addresses.list.map((address) => ({ address, family: 4 })),
        );
      },
    },
  };
  for (const step of STEPS) {
    faultIt(
      `is asked at the next one when the first refuses, without a repetition (${step.name})`,
      () => okta,
      { ...options, cold: true },
      async (faulty) => {
        // The proxy listens on the second of them alone.
        addresses.list = ['127.0.0.2', '127.0.0.1'];
        await wait(faulty);
        await finishLogin(faulty.browser, okta, faulty.user);
        assert.equal(faulty.proxy.posts, 2);
      },
    );

    faultIt(
      `that all refuse: 503, tried twice, no POST (${step.name})`,
      () => okta,
      { ...options, cold: true },
      async (faulty) => {
        addresses.list = ['127.0.0.1'];
        await wait(faulty);
        await logIn(new Browser(faulty.app.url), okta, okta.addUser());
        addresses.list = ['127.0.0.2', '127.0.0.3'];
        addresses.asked = 0;
        const expected = { ...unreachable, left: 0, says: /ECONNREFUSED/ };
        await assertFault(faulty, step, expected);
        assert.equal(addresses.asked, 2);
        addresses.list = ['127.0.0.1'];
        await finishLogin(faulty.browser, okta, faulty.user);
      },
    );
  }
});

describe("An app whose dispatcher follows redirects for the app's own sake", () => {
  for (const step of STEPS) {
    for (const status of [302, 307]) {
      faultIt(
        `sends no ${step.name} to another host on a ${status}`,
        () => okta,
        {
          compose: (agent) => agent.compose(interceptors.redirect({ maxRedirections: 3 })),
        },
        async (faulty) => {
          const { proxy, browser, user } = faulty;
          await wait(faulty);
          void proxy.next(step.matches, answer(status, { location: ELSEWHERE }, ''));
          const before = proxy.exchanges.length;
          await assertFault(faulty, step, unusable);
          assert.equal(proxy.exchanges.length - before, 1);
          await finishLogin(browser, okta, user);
        },
      );
    }
  }
});

describe('An answer with two lengths that differ', () => {
  for (const step of STEPS) {
    faultIt(
      `is one that cannot be used, not a host that cannot be reached (${step.name})`,
      () => okta,
      {},
      async (faulty) => {
        await wait(faulty);
        const fault = answer(200, { 'content-length': ['2', '20'] }, '{}');
        void faulty.proxy.next(step.matches, fault);
        await assertFault(faulty, step, unusable);
      },
    );
  }
});
