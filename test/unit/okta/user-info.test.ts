import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { OktaResponseError } from '../../../lib/errors.js';
import { createHttpClient } from '../../../lib/okta/http.js';
import { readUserInfo } from '../../../lib/okta/user-info.js';
import { mockOkta, ORIGIN, USERINFO_PATH } from '../../support/fixtures.js';

const URL_ = new URL(USERINFO_PATH, ORIGIN);
const REQUEST = { accessToken: 'at-secret-1', sub: '00u1' };

describe('readUserInfo', () => {
  let okta: ReturnType<typeof mockOkta>;
  const read = () =>
    readUserInfo(createHttpClient({ dispatcher: okta.agent, timeout: 1000 }), URL_, REQUEST);
  beforeEach(() => (okta = mockOkta()));
  afterEach(() => okta.end());

  it('asks with the access token as a bearer and gives the claims', async () => {
    okta.userInfo(200, { sub: '00u1', email: 'ada@example.com' });
    assert.deepEqual(await read(), { sub: '00u1', email: 'ada@example.com' });
    assert.equal(okta.sent[0]?.headers['authorization'], 'Bearer at-secret-1');
  });

  for (const [what, body] of [
    ['another sub', { sub: '00u2' }],
    ['no sub', { email: 'ada@example.com' }],
    ['a sub that only looks alike', { sub: ['00u1'] }],
  ] as const) {
    it(`refuses a response with ${what}`, async () => {
      okta.userInfo(200, body);
      await assert.rejects(read(), (error: unknown) => {
        assert.ok(error instanceof OktaResponseError);
        assert.equal(error.code, 'invalid_userinfo');
        assert.match(error.message, /another sub/);
        return true;
      });
    });
  }

  for (const [what, status, body] of [
    ['is refused', 401, { sub: '00u1' }],
    ['is a redirect', 302, { sub: '00u1' }],
    ['is created', 201, { sub: '00u1' }],
    ['fails', 500, '<html>'],
    ['is no JSON object', 200, '["00u1"]'],
    ['is a signed JWT', 200, 'eyJhbGciOiJSUzI1NiJ9.e30.x'],
  ] as const) {
    it(`throws invalid_userinfo when the response ${what}`, async () => {
      okta.userInfo(status, body);
      await assert.rejects(read(), (error: unknown) => {
        assert.ok(error instanceof OktaResponseError);
        assert.equal(error.code, 'invalid_userinfo');
        assert.match(error.message, new RegExp(`HTTP ${status}`));
        assert.doesNotMatch(String(error.stack), /at-secret-1/);
        return true;
      });
    });
  }
});
