import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OktaConfigurationError } from '../../../lib/errors.js';
import { cleanCode, readBody, readField } from '../../../lib/factors/body.js';
import { asRequest } from '../../support/fixtures.js';

const body = (value: unknown, headers: Record<string, string> = {}) =>
  readBody(asRequest({ headers, body: value }));

describe('readBody', () => {
  it('gives the very object that a body parser has made', () => {
    for (const value of [
      { otp: '1' },
      Object.create(null) as object,
      ['otp'],
      Buffer.from('otp'),
    ]) {
      assert.equal(body(value), value);
    }
  });

  for (const value of [undefined, null, '', 'password=p', 7, true]) {
    it(`finds nothing in a body that is ${JSON.stringify(value) ?? 'missing'}`, () => {
      assert.deepEqual(body(value), {});
    });
  }

  for (const headers of [
    { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '7' },
    { 'content-type': 'application/json; charset=utf-8', 'content-length': '2' },
    { 'content-type': 'Application/JSON', 'transfer-encoding': 'chunked' },
    { 'content-type': 'application/vnd.api+json', 'content-length': '2' },
  ] as Record<string, string>[]) {
    it(`reports a missing body parser for ${JSON.stringify(headers)}`, () => {
      assert.throws(
        () => body(undefined, headers),
        (error: unknown) => {
          assert.ok(error instanceof OktaConfigurationError);
          assert.deepEqual([error.code, error.status], ['body_parser_missing', 500]);
          assert.match(error.message, /express\.urlencoded\(\) or express\.json\(\)/);
          return true;
        },
      );
    });
  }

  for (const headers of [
    {},
    { 'content-type': 'application/json' },
    { 'content-type': 'application/json', 'content-length': '0' },
    { 'content-type': 'text/plain', 'content-length': '3' },
    { 'content-type': 'multipart/form-data; boundary=x', 'content-length': '3' },
    { 'content-type': 'application/jsonp', 'content-length': '3' },
    { 'content-type': 'x-application/json', 'content-length': '3' },
    { 'content-length': '3' },
    { 'content-type': 'application/json', 'content-length': 'x' },
  ] as Record<string, string>[]) {
    it(`reports no missing body parser for a request with ${JSON.stringify(headers)}`, () => {
      assert.deepEqual(body(undefined, headers), {});
    });
  }

  for (const value of [{}, null, 'text', 7, false]) {
    it(`reports no missing body parser where one has read ${JSON.stringify(value)}`, () => {
      const headers = { 'content-type': 'application/json', 'content-length': '2' };
      assert.deepEqual(body(value, headers), {});
    });
  }
});

describe('readField', () => {
  it('gives a string as it was typed', () => {
    assert.equal(readField({ name: ' p\tw ' }, 'name', 10), ' p\tw ');
  });

  for (const odd of [undefined, null, '', ' \t\r\n', 7, true, [], ['x'], { x: 1 }]) {
    it(`gives nothing for ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.equal(readField({ name: odd }, 'name', 10), undefined);
    });
  }

  it('reads only what the body itself has', () => {
    assert.equal(readField({}, 'name', 10), undefined);
    assert.equal(readField({}, 'toString', 10), undefined);
    const inherited = Object.create({ name: 'x' }) as Record<string, unknown>;
    assert.equal(readField(inherited, 'name', 10), undefined);
    const hostile = JSON.parse('{"__proto__":{"name":"x"}}') as Record<string, unknown>;
    assert.equal(readField(hostile, 'name', 10), undefined);
  });

  for (const character of ['x', 'é', '🔑']) {
    it(`counts characters, such as ${character}, and not the units of UTF-16`, () => {
      const value = character.repeat(10);
      assert.equal(readField({ name: value }, 'name', 10), value);
      assert.equal(readField({ name: `${value}x` }, 'name', 10), undefined);
    });
  }

  it('gives nothing for ten million characters', () => {
    assert.equal(readField({ name: 'x'.repeat(10_000_000) }, 'name', 10), undefined);
  });
});

describe('cleanCode', () => {
  for (const [what, typed] of [
    ['spaces of any kind', ' 12\t34\u00a05\u20096\u3000\r\n'],
    ['hyphens and dashes', '1-2\u20103\u20134\u20145\u22126\u2011\uff0d'],
    ['marks of direction', '\u200e\u200f\u202a12\u202c3456\u2066\u2069\u061c'],
    ['characters of no width', '\ufeff1\u200b2\u200c3\u200d4\u20605\u00ad6'],
    ['characters that fonts leave out', '1\u034f2\u180e3\ufe0f4\u31645\u115f6\u{e0041}'],
    ['control characters', '\u00001\u000723\u001b456\u007f\u0085'],
    ['full-width digits', '\uff11\uff12\uff13\uff14\uff15\uff16'],
    ['Arabic digits', '\u0661\u0662\u0663\u0664\u0665\u0666'],
    ['Persian digits', '\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6'],
    ['Devanagari digits', '\u0967\u0968\u0969\u096a\u096b\u096c'],
    [
      'bold digits, which follow each other in rows',
      '\u{1d7cf}\u{1d7d0}\u{1d7d1}\u{1d7d2}\u{1d7d3}\u{1d7d4}',
    ],
    ['digits of two rows that touch', '\u{1d7d9}\u{1d7e4}\u{1d7ef}\u{1d7fa}\u{1d7dd}\u{1d7e8}'],
    ['digits of several scripts', '1\u0662\uff13\u096a\u{1d7d3}\u{1fbf6}'],
  ] as const) {
    it(`gives 123456 for ${what}`, () => {
      assert.equal(cleanCode(typed), '123456');
    });
  }

  it('knows every digit that there is, from zero to nine', () => {
    const digits = Array.from({ length: 0x110000 }, (_, code) => code)
      .filter((code) => code < 0xd800 || code > 0xdfff)
      .map((code) => String.fromCodePoint(code))
      .filter((character) => /^\p{Nd}$/u.test(character));
    assert.ok(digits.length >= 600 && digits.length % 10 === 0, String(digits.length));
    assert.equal(cleanCode(digits.join('')), '0123456789'.repeat(digits.length / 10));
  });

  for (const code of ['aB3dEf', 'ÄßΩж', '日本', '1.5', '½²', 'a_b']) {
    it(`leaves ${code} as it is`, () => {
      assert.equal(cleanCode(code), code);
    });
  }
});
