import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deviceHeaders, type DeviceOptions } from '../../lib/device.js';
import { asRequest } from '../support/fixtures.js';

const REQUEST = asRequest({ headers: { 'x-device': 'dev-1' }, ip: '192.0.2.7' });
const headers = (options: { [Name in keyof DeviceOptions]?: (req: never) => unknown }) =>
  deviceHeaders(REQUEST, {
    clientIP: undefined,
    deviceToken: undefined,
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

  it('gives a device token of 32 characters', () => {
    const token = '!~'.repeat(16);
    assert.deepEqual(headers({ deviceToken: () => token }), { 'x-device-token': token });
  });

  for (const odd of [undefined, null, '', 'x'.repeat(33), 'a b', 'a\r\nx: y', 'é', 7, ['a']]) {
    it(`gives no X-Device-Token for ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.deepEqual(headers({ deviceToken: () => odd }), {});
    });
  }

  for (const name of ['clientIP', 'deviceToken'] as const) {
    it(`lets through what ${name} throws`, () => {
      const thrown = new Error('no proxy');
      const reader = () => {
        throw thrown;
      };
      assert.throws(() => headers({ [name]: reader }), thrown);
    });
  }
});
