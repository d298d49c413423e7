import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, it, mock, type TestContext } from 'node:test';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { OktaResponseError, OktaUnreachableError } from '../../../lib/errors.js';
import type { HttpResponse } from '../../../lib/okta/http.js';
import { createJwks, type Jwks } from '../../../lib/okta/jwks.js';
import { CLIENT_ID, KEYS_PATH, ORIGIN, rsaKeyPair, toJwk } from '../../support/fixtures.js';

const first = rsaKeyPair().publicKey;
const second = rsaKeyPair().publicKey;
const URL_ = new URL(KEYS_PATH, ORIGIN);
/** Each has a cache of its own, since the process keeps one for each dispatcher. */
const of = (dispatcher = new Agent()) => ({
  url: new URL(URL_.pathname, ORIGIN),
  clientID: CLIENT_ID,
  dispatcher,
});
const SECOND = 1000;
const HOUR = 3600 * SECOND;

const ok = (...keys: unknown[]): HttpResponse => ({ status: 200, headers: {}, json: { keys } });
const FIRST = toJwk(first, { kid: 'first', use: 'sig', alg: 'RS256' });
const ROTATED = toJwk(second, { kid: 'rotated' });

describe('createJwks', () => {
  let answer: () => Promise<HttpResponse> | HttpResponse;
  const http = mock.fn(async () => answer());
  let jwks: Jwks;

  beforeEach(() => {
    http.mock.resetCalls();
    answer = () => ok(FIRST);
    jwks = createJwks(http, of());
  });

  const atTime = (t: TestContext) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
    return { pass: (milliseconds: number) => t.mock.timers.tick(milliseconds) };
  };
  const down = () => {
    answer = () => Promise.reject(new OktaUnreachableError('down'));
  };

  it('fetches nothing before it is asked', () => {
    assert.equal(http.mock.callCount(), 0);
  });

  it('shares its cache with every other for the same URL, client and dispatcher', async () => {
    const given = of();
    await createJwks(http, given).ready();
    await createJwks(http, { ...given, url: new URL(given.url) }).ready();
    assert.equal(http.mock.callCount(), 1);
    await createJwks(http, { ...given, clientID: 'other' }).ready();
    assert.equal(http.mock.callCount(), 2);
    await createJwks(http, { ...given, url: new URL('/other', ORIGIN) }).ready();
    assert.equal(http.mock.callCount(), 3);
    await createJwks(http, of()).ready();
    assert.equal(http.mock.callCount(), 4, 'what one dispatcher answers is not for another');
  });

  it('shares one fetch among many of them, as of an app with one for each request', async () => {
    const given = of();
    await Promise.all(Array.from({ length: 5 }, async () => createJwks(http, given).ready()));
    assert.equal(http.mock.callCount(), 1);
  });

  it("has the cache of undici's global dispatcher where it is given none", async () => {
    const given = { ...of(), dispatcher: undefined };
    const previous = getGlobalDispatcher();
    try {
      for (let times = 1; times <= 2; times++) {
        setGlobalDispatcher(new Agent());
        await createJwks(http, given).ready();
        await createJwks(http, given).ready();
        assert.equal(http.mock.callCount(), times);
      }
    } finally {
      setGlobalDispatcher(previous);
    }
  });

  it('gets the keys from its URL and finds one by its id', async () => {
    assert.ok((await jwks.find('first'))?.equals(first));
    assert.deepEqual(http.mock.calls[0]?.arguments, [{ method: 'GET', url: URL_, headers: {} }]);
  });

  it('fetches once for all who want the keys at once', async () => {
    await Promise.all([jwks.ready(), jwks.ready(), jwks.find('first'), jwks.find('first')]);
    assert.equal(http.mock.callCount(), 1);
  });

  it('shares a failure too, and fetches again at the next call', async () => {
    down();
    const results = await Promise.allSettled([jwks.ready(), jwks.ready()]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(http.mock.callCount(), 1);
    answer = () => ok(FIRST);
    await jwks.ready();
    assert.equal(http.mock.callCount(), 2);
  });

  it('keeps the keys for an hour', async (t) => {
    const { pass } = atTime(t);
    await jwks.ready();
    pass(HOUR - 1);
    await jwks.ready();
    await jwks.find('first');
    assert.equal(http.mock.callCount(), 1);
    pass(1);
    await jwks.ready();
    assert.equal(http.mock.callCount(), 2);
  });

  it('trusts no key after the hour that has been withdrawn', async (t) => {
    const { pass } = atTime(t);
    await jwks.ready();
    answer = () => ok(ROTATED);
    pass(HOUR);
    assert.equal(await jwks.find('first'), undefined);
  });

  it('fetches for an unknown id right after the first fetch, as after a rotation', async (t) => {
    atTime(t);
    await jwks.ready();
    answer = () => ok(FIRST, ROTATED);
    assert.ok((await jwks.find('rotated'))?.equals(second));
    assert.equal(http.mock.callCount(), 2);
  });

  it('fetches for unknown ids at most once in ten seconds', async (t) => {
    const { pass } = atTime(t);
    await jwks.ready();
    assert.equal(await jwks.find('unknown-1'), undefined);
    assert.equal(http.mock.callCount(), 2);
    assert.equal(await jwks.find('unknown-1'), undefined);
    assert.equal(await jwks.find('unknown-2'), undefined);
    pass(10 * SECOND - 1);
    assert.equal(await jwks.find('unknown-3'), undefined);
    assert.equal(http.mock.callCount(), 2);
    pass(1);
    assert.equal(await jwks.find('unknown-4'), undefined);
    assert.equal(http.mock.callCount(), 3);
  });

  it('lets all who want a rotated key at once share one fetch', async (t) => {
    atTime(t);
    await jwks.ready();
    answer = () => ok(ROTATED);
    const found = await Promise.all(
      ['rotated', 'rotated', 'rotated'].map(async (kid) => jwks.find(kid)),
    );
    assert.ok(found.every((key) => key?.equals(second)));
    assert.equal(http.mock.callCount(), 2);
  });

  it('rejects with the failure of the keys endpoint for an unknown id', async (t) => {
    atTime(t);
    await jwks.ready();
    down();
    await assert.rejects(async () => jwks.find('rotated'), OktaUnreachableError);
    // And still knows the old key.
    assert.ok(await jwks.find('first'));
  });

  it('uses old keys for a day while the endpoint is down, and tries again every ten seconds', async (t) => {
    const { pass } = atTime(t);
    await jwks.ready();
    down();
    pass(HOUR);
    assert.ok(await jwks.find('first'));
    assert.equal(http.mock.callCount(), 2);
    pass(10 * SECOND - 1);
    assert.ok(await jwks.find('first'));
    assert.equal(http.mock.callCount(), 2);
    pass(1);
    assert.ok(await jwks.find('first'));
    assert.equal(http.mock.callCount(), 3);
    pass(23 * HOUR - 10 * SECOND - 1);
    assert.ok(await jwks.find('first'));
    pass(1);
    await assert.rejects(async () => jwks.find('first'), OktaUnreachableError);
    await assert.rejects(async () => jwks.ready(), OktaUnreachableError);
  });

  it('takes the new keys as soon as the endpoint is back', async (t) => {
    const { pass } = atTime(t);
    await jwks.ready();
    down();
    pass(HOUR);
    await jwks.ready();
    answer = () => ok(ROTATED);
    pass(10 * SECOND);
    assert.ok(await jwks.find('rotated'));
    assert.equal(await jwks.find('first'), undefined);
  });

  for (const [what, reply, code] of [
    ['is an error', { status: 500, headers: {}, json: { keys: [FIRST] } }, 'okta_error'],
    ['is a redirect', { status: 302, headers: {}, json: undefined }, 'okta_error'],
    ['is not JSON', { status: 200, headers: {}, json: undefined }, 'invalid_response'],
    ['has no keys', { status: 200, headers: {}, json: {} }, 'invalid_response'],
    [
      'has keys that are not an array',
      { status: 200, headers: {}, json: { keys: {} } },
      'invalid_response',
    ],
  ] as const) {
    it(`throws ${code} when the response ${what}`, async () => {
      answer = () => reply;
      await assert.rejects(
        async () => jwks.ready(),
        (error: unknown) => {
          assert.ok(error instanceof OktaResponseError);
          assert.equal(error.code, code);
          assert.match(
            error.message,
            new RegExp(`keys\\?client_id=0oa1client \\(HTTP ${reply.status}\\)`),
          );
          return true;
        },
      );
    });
  }

  it('skips keys that it cannot use and takes the others', async () => {
    answer = () =>
      ok(
        null,
        'key',
        7,
        [],
        {},
        { kid: 'no-type' },
        { kid: 'broken', kty: 'RSA', n: '!', e: 7 },
        { kid: 'half', kty: 'RSA', e: 'AQAB' },
        toJwk(first),
        toJwk(first, { kid: 7 }),
        FIRST,
      );
    assert.ok((await jwks.find('first'))?.equals(first));
    for (const kid of ['no-type', 'broken', 'half']) {
      assert.equal(await jwks.find(kid), undefined, kid);
    }
  });

  for (const [what, more] of [
    ['for encryption', { use: 'enc' }],
    ['for another algorithm', { alg: 'RS512' }],
    ['for encryption by its algorithm', { alg: 'RSA-OAEP' }],
    ['whose use is not a string', { use: 7 }],
  ] as const) {
    it(`skips a key ${what}`, async () => {
      answer = () => ok(FIRST, toJwk(first, { kid: 'k', ...more }));
      assert.equal(await jwks.find('k'), undefined);
    });
  }

  it('skips keys that are not RSA', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    answer = () => ok(FIRST, toJwk(ec, { kid: 'ec' }), { kty: 'oct', k: 'AQAB', kid: 'oct' });
    assert.equal(await jwks.find('ec'), undefined);
    assert.equal(await jwks.find('oct'), undefined);
  });

  it('skips a key that is too short for jsonwebtoken, and says so when no other is left', async () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    answer = () => ok(FIRST, toJwk(short, { kid: 'short' }));
    assert.equal(await jwks.find('short'), undefined);
    answer = () => ok(toJwk(short, { kid: 'short' }));
    await assert.rejects(async () => createJwks(http, of()).ready(), {
      message: `There is no RS256 key at ${URL_.href}.`,
    });
  });

  it('rejects a response without a usable key, and keeps the keys it has', async () => {
    assert.ok(await jwks.find('first'));
    answer = () => ok();
    await assert.rejects(async () => jwks.find('unknown'), {
      code: 'invalid_response',
      status: 502,
    });
    assert.ok(await jwks.find('first'));
  });

  it('takes only the public part of a private key that an issuer gives away', async () => {
    answer = () => ok(toJwk(rsaKeyPair().privateKey, { kid: 'private' }));
    assert.equal((await jwks.find('private'))?.type, 'public');
  });

  it('has no key for the names that every object has', async () => {
    for (const kid of ['__proto__', 'constructor', 'toString', '']) {
      assert.equal(await jwks.find(kid), undefined);
    }
  });
});
