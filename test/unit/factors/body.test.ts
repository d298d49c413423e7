import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OktaConfigurationError } from '../../../lib/errors.js';
import { readBody, readField } from '../../../lib/factors/body.js';
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
