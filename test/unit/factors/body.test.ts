import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCredentials, readOtp, readStep } from '../../../lib/factors/body.js';
import { ConfigurationError } from '../../../lib/errors.js';
import { asRequest, type FakeRequest } from '../../support/fixtures.js';

const FIELDS = { usernameField: 'username', passwordField: 'password', otpField: 'otp' };
const step = (body: unknown, more: Partial<FakeRequest> = {}) =>
  readStep(asRequest({ headers: {}, body, ...more }), FIELDS);

describe('readStep', () => {
  for (const [what, body, type] of [
    ['a password', { username: 'a', password: 'p' }, 'password'],
    ['a password without a username', { password: 'p' }, 'password'],
    ['a password that is empty', { password: '' }, 'password'],
    ['a password that is null', { password: null }, 'password'],
    ['a password and a passcode', { password: 'p', otp: '1' }, 'password'],
    ['a passcode', { otp: '1' }, 'otp'],
    ['a passcode and a username', { otp: '1', username: 'a' }, 'otp'],
    ['a passcode that is empty', { otp: '' }, 'otp'],
    ['only a username', { username: 'a' }, 'none'],
    ['nothing', {}, 'none'],
    ['names in another case', { Password: 'p', OTP: '1' }, 'none'],
  ] as const) {
    it(`takes a body with ${what} for the step ${type}`, () => {
      assert.equal(step(body).type, type);
    });
  }

  for (const body of [
    undefined,
    null,
    '',
    'password=p',
    7,
    true,
    [],
    ['password'],
    Buffer.from('otp'),
  ]) {
    it(`finds no step in a body that is ${JSON.stringify(body) ?? 'missing'}`, () => {
      assert.equal(step(body).type, 'none');
    });
  }

  it('reads a body without a prototype, as query parsers make them', () => {
    const body = Object.assign(Object.create(null) as object, { otp: '1' });
    assert.equal(step(body).type, 'otp');
  });

  it('reads only what the body itself has', () => {
    assert.equal(step(Object.create({ password: 'p', otp: '1' })).type, 'none');
    assert.equal(step(JSON.parse('{"__proto__":{"password":"p"}}')).type, 'none');
  });

  it('never reads the query', () => {
    assert.equal(step({}, { query: { password: 'p', otp: '1' } }).type, 'none');
  });

  it('goes by the names of the fields that it is given', () => {
    const fields = { usernameField: 'u', passwordField: 'p', otpField: 'constructor' };
    const own = (body: object) => readStep(asRequest({ headers: {}, body }), fields).type;
    assert.equal(own({ p: 1 }), 'password');
    assert.equal(own({ constructor: 1 }), 'otp');
    assert.equal(own({ password: 1, otp: 1 }), 'none');
  });

  for (const headers of [
    { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '7' },
    { 'content-type': 'application/json; charset=utf-8', 'content-length': '2' },
    { 'content-type': 'Application/JSON', 'transfer-encoding': 'chunked' },
    { 'content-type': 'application/vnd.api+json', 'content-length': '2' },
  ] as Record<string, string>[]) {
    it(`says that the body parser is missing (${JSON.stringify(headers)})`, () => {
      assert.throws(
        () => step(undefined, { headers }),
        (error: unknown) => {
          assert.ok(error instanceof ConfigurationError);
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
    it(`blames no body parser for a request with ${JSON.stringify(headers)}`, () => {
      assert.equal(step(undefined, { headers }).type, 'none');
    });
  }

  for (const body of [{}, null, 'text', 7, false]) {
    it(`blames no body parser that has read ${JSON.stringify(body)}`, () => {
      const headers = { 'content-type': 'application/json', 'content-length': '2' };
      assert.equal(step(body, { headers }).type, 'none');
    });
  }
});

const ODD = [undefined, null, '', ' \t\r\n', 7, true, [], ['x'], { x: 1 }];

describe('readCredentials', () => {
  it('gives username and password as they were typed', () => {
    const body = { username: ' Ada ', password: ' p\tw ', otp: '1' };
    assert.deepEqual(readCredentials(body, FIELDS), { username: ' Ada ', password: ' p\tw ' });
  });

  for (const odd of ODD) {
    it(`names the field that is ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.equal(readCredentials({ username: odd, password: 'p' }, FIELDS), 'username');
      assert.equal(readCredentials({ username: 'u', password: odd }, FIELDS), 'password');
    });
  }

  it('names the username first when both are missing', () => {
    assert.equal(readCredentials({}, FIELDS), 'username');
    assert.equal(readCredentials({ username: 'u' }, FIELDS), 'password');
  });

  it("goes by the app's names, also in what it says", () => {
    const fields = { usernameField: 'email', passwordField: 'secret', otpField: 'code' };
    assert.deepEqual(readCredentials({ email: 'a', secret: 'b' }, fields), {
      username: 'a',
      password: 'b',
    });
    assert.equal(readCredentials({ username: 'a', secret: 'b' }, fields), 'email');
  });

  it('takes no value from a prototype', () => {
    const fields = { ...FIELDS, usernameField: 'toString' };
    assert.equal(readCredentials({ password: 'p' }, fields), 'toString');
    const body = Object.assign(Object.create({ username: 'u' }) as object, { password: 'p' });
    assert.equal(readCredentials(body as Record<string, unknown>, FIELDS), 'username');
  });

  for (const [field, cap] of [
    ['username', 256],
    ['password', 1024],
  ] as const) {
    it(`takes a ${field} of ${cap} characters and none longer`, () => {
      const good = { username: 'u', password: 'p' };
      for (const character of ['x', 'é', '🔑']) {
        const value = character.repeat(cap);
        assert.deepEqual(readCredentials({ ...good, [field]: value }, FIELDS), {
          ...good,
          [field]: value,
        });
        assert.equal(readCredentials({ ...good, [field]: `${value}x` }, FIELDS), field);
      }
      assert.equal(readCredentials({ ...good, [field]: 'x'.repeat(10_000_000) }, FIELDS), field);
    });
  }
});

describe('readOtp', () => {
  for (const [typed, otp] of [
    ['123456', '123456'],
    [' 123 456\t', '123456'],
    ['12\u00a03456\u2009', '123456'],
    ['ab-CD', 'ab-CD'],
  ] as const) {
    it(`gives ${JSON.stringify(typed)} without its spaces`, () => {
      assert.equal(readOtp({ otp: typed }, FIELDS), otp);
    });
  }

  for (const odd of ODD) {
    it(`gives nothing for ${JSON.stringify(odd) ?? 'undefined'}`, () => {
      assert.equal(readOtp({ otp: odd }, FIELDS), undefined);
    });
  }

  it('takes 64 characters and no more', () => {
    assert.equal(readOtp({ otp: '1'.repeat(64) }, FIELDS), '1'.repeat(64));
    assert.equal(readOtp({ otp: '1'.repeat(65) }, FIELDS), undefined);
  });

  it("goes by the app's name of the field", () => {
    assert.equal(readOtp({ code: '1', otp: '2' }, { ...FIELDS, otpField: 'code' }), '1');
  });
});
