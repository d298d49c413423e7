import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deviceHeaders, type DeviceOptions } from '../../lib/device.js';
import { asRequest } from '../support/fixtures.js';

const REQUEST = asRequest({ headers: { 'x-device': 'dev-1' }, ip: '192.0.2.7' });
const headers = (options: { [Name in keyof DeviceOptions]?: (req: never) => unknown }) =>
  deviceHeaders(REQUEST, {
    clientIP: undefined,
    deviceToken: undefined,
    userAgent: undefined,
    ...options,
  } as DeviceOptions);

describe('deviceHeaders', () => {
  it('gives none by default', () => {
    assert.deepEqual(headers({}), {});
  });

  it('gives what the options read from the request', () => {
    const given = headers({
      clientIP: ({ ip }: { ip: string }) => ip,
      deviceToken: ({ headers }: { headers: Record<string, string> }) => headers['x-device'],
    });
    assert.deepEqual(given, { 'x-forwarded-for': '192.0.2.7', 'x-device-token': 'dev-1' });
  });

  it('gives one without the other', () => {
    assert.deepEqual(headers({ clientIP: () => '192.0.2.7' }), { 'x-forwarded-for': '192.0.2.7' });
    assert.deepEqual(headers({ deviceToken: () => 'x' }), { 'x-device-token': 'x' });
  });

  it('gives an address of IPv6', () => {
    assert.deepEqual(headers({ clientIP: () => '2001:db8::1' }), {
      'x-forwarded-for': '2001:db8::1',
    });
  });

  for (const odd of [
    undefined,
    null,
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4, 5.6.7.8',
    '1.2.3.4\r\nx: y',
    7,
    ['192.0.2.7'],
    { toString: () => '192.0.2.7' },
  ]) {
    it(`gives no X-Forwarded-For for ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.deepEqual(headers({ clientIP: () => odd }), {});
    });
  }

  for (const [given, sent] of [
    ['203.0.113.7:61598', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
    ['[2001:db8::1]:61598', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    [' 203.0.113.7\t', '203.0.113.7'],
    ['::1', '::1'],
  ] as const) {
    it(`gives the address that ${JSON.stringify(given)} holds`, () => {
      assert.deepEqual(headers({ clientIP: () => given }), { 'x-forwarded-for': sent });
    });
  }

  for (const odd of [
    '203.0.113.7:',
    '203.0.113.7:x',
    '203.0.113.256:1',
    '[::1',
    '::1]',
    '[::1]:x',
    '::ffff:1.2.3',
    '[203.0.113.7]x',
  ]) {
    it(`gives no X-Forwarded-For for ${JSON.stringify(odd)}, which is no address`, () => {
      assert.deepEqual(headers({ clientIP: () => odd }), {});
    });
  }

  it('gives a user agent of 512 characters', () => {
    for (const agent of ['Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0', 'x'.repeat(512)]) {
      assert.deepEqual(headers({ userAgent: () => agent }), { 'user-agent': agent });
    }
  });

  for (const odd of [undefined, null, '', 'x'.repeat(513), 'a\r\nx: y', 'a\tb', 'é', 7, ['a']]) {
    it(`gives no User-Agent for ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.deepEqual(headers({ userAgent: () => odd }), {});
    });
  }

  it('gives a device token of 32 characters', () => {
    const token = '!~'.repeat(16);
    assert.deepEqual(headers({ deviceToken: () => token }), { 'x-device-token': token });
  });

  for (const odd of [undefined, null, '', 'x'.repeat(33), 'a b', 'a\r\nx: y', 'é', 7, ['a']]) {
    it(`gives no X-Device-Token for ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.deepEqual(headers({ deviceToken: () => odd }), {});
    });
  }

  for (const name of ['clientIP', 'deviceToken', 'userAgent'] as const) {
    it(`lets through what ${name} throws`, () => {
      const thrown = new Error('no proxy');
      const reader = () => {
        throw thrown;
      };
      assert.throws(() => headers({ [name]: reader }), thrown);
    });
  }
});

describe('what cannot be sent', () => {
  const ODD = { clientIP: () => 'hunter2', deviceToken: () => 'hunter2 é', userAgent: () => '' };

  /** A module that has warned of nothing yet. */
  function fresh(): typeof deviceHeaders {
    const path = require.resolve('../../lib/device.js');
    delete require.cache[path];
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- to load it once more
    return (require(path) as { deviceHeaders: typeof deviceHeaders }).deviceHeaders;
  }

  it('is said once in a process warning for each option, without the value', (t) => {
    const warn = t.mock.method(process, 'emitWarning', () => undefined);
    const read = fresh();
    for (let times = 0; times < 3; times++) assert.deepEqual(read(REQUEST, ODD), {});
    const warnings = warn.mock.calls.map(({ arguments: [text] }) => String(text));
    assert.equal(warnings.length, 3);
    for (const name of Object.keys(ODD)) {
      assert.equal(warnings.filter((text) => text.includes(`The ${name} option`)).length, 1);
    }
    assert.doesNotMatch(warnings.join(), /hunter2/);
  });

  it('is not what is left out on purpose', (t) => {
    const warn = t.mock.method(process, 'emitWarning', () => undefined);
    const nothing = () => undefined;
    fresh()(REQUEST, { clientIP: nothing, deviceToken: nothing, userAgent: nothing });
    fresh()(REQUEST, { clientIP: undefined, deviceToken: undefined, userAgent: undefined });
    assert.equal(warn.mock.callCount(), 0);
  });
});
