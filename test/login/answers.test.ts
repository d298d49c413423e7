import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { Okta } from '../../example/okta/index.js';
import { OktaDirectMfaError, OktaDirectMfaStrategy } from '../../lib/index.js';
import {
  finishLogin,
  logIn,
  OTP_STEP,
  passPassword,
  PASSWORD_STEP,
  scene,
  sendOtp,
  sendPassword,
  useOkta,
  type App,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started));

const MEBIBYTE = 1024 * 1024;
/** What clears a screen, renames a terminal, forges a line of a log, or hides from the eye. */
const NASTY = '\u001b[2J\u001b]0;owned\u0007\r\n[INFO] login ok\u2028\u2029\u0085\u009b31m\u0000';
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const prototypes = [Object.prototype, Array.prototype].map((prototype) => [
  prototype,
  Reflect.ownKeys(prototype),
]) as [object, PropertyKey[]][];
afterEach(() => {
  for (const [prototype, keys] of prototypes) assert.deepEqual(Reflect.ownKeys(prototype), keys);
});

/** All that the app got to see: short, in one line, and one action. */
function assertTame(app: App): void {
  const [action, ...more] = app.actions;
  assert.equal(more.length, 0);
  assert.ok(action?.name === 'fail' || action?.name === 'error', action?.name);
  const said = action.args[0] as Record<string, unknown>;
  for (const key of Reflect.ownKeys(said)) {
    if (key === 'stack') continue;
    const value: unknown = Reflect.get(said, key);
    assert.ok(['string', 'number'].includes(typeof value), String(key));
    assert.doesNotMatch(String(value), CONTROL);
    assert.ok(String(value).length < 1000, `${String(key)} has ${String(value).length} characters`);
  }
  if (said instanceof OktaDirectMfaError) assert.ok(inspect(said).length < 4000);
  app.actions.length = 0;
  app.errors.length = 0;
}

/** Bodies byte for byte. What the unit tests of the token endpoint and of HTTP have is not here. */
const HOSTILE: Record<string, { status?: number; body: string; stays: boolean }> = {
  'a key __proto__ beside a refusal': {
    body: '{"error":"access_denied","__proto__":{"error":"mfa_required","polluted":1}}',
    stays: false,
  },
  'constructor.prototype': {
    body: '{"constructor":{"prototype":{"error":"invalid_grant"}},"toString":1}',
    stays: true,
  },
  'the same key twice, the second a refusal': {
    body: '{"error":"mfa_required","mfa_token":"t","error":"access_denied"}',
    stays: false,
  },
  'control characters in every string': {
    body: JSON.stringify({
      error: `new_error${NASTY}`,
      error_description: NASTY.repeat(50),
      errorId: NASTY,
      errorCauses: [{ errorSummary: NASTY }],
    }),
    stays: true,
  },
  'control characters in the second format': {
    body: JSON.stringify({ errorCode: `E${NASTY}`, errorSummary: NASTY, errorId: `oae${NASTY}` }),
    stays: true,
  },
  'control characters behind a known code': {
    status: 401,
    body: JSON.stringify({ error: 'invalid_client', error_description: NASTY }),
    stays: true,
  },
  'an error and its description of a megabyte together': {
    body: JSON.stringify({
      error: 'E'.repeat(MEBIBYTE / 2 - 60),
      error_description: 'x'.repeat(MEBIBYTE / 2 - 60),
    }),
    stays: true,
  },
  'arrays, two hundred thousand deep': {
    body: `{"error":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    stays: true,
  },
  'objects, a hundred thousand deep, beside a refusal': {
    body: `{"error":"access_denied","x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
    stays: false,
  },
  'sixty thousand keys': {
    body: `{${Array.from({ length: 60_000 }, (_, key) => `"k${key}":1`).join()}}`,
    stays: true,
  },
  'a number of a hundred thousand digits for an error': {
    body: `{"error":1${'0'.repeat(100_000)}}`,
    stays: true,
  },
  'a character in front of the JSON': { body: '\ufffd{"error":"mfa_required"}', stays: true },
};

describe('A hostile answer of Okta is a short and tame end of the request, to either step:', () => {
  for (const [what, { status = 403, body, stays }] of Object.entries(HOSTILE)) {
    it(what, async (t) => {
      const { app, browser, user } = await scene(t);

      okta.respondNext({ status, body }, PASSWORD_STEP);
      await sendPassword(browser, user);
      assertTame(app);
      assert.equal(app.store.waiting(browser.sessionID), undefined);

      await passPassword(browser, user);
      app.actions.length = 0;
      okta.respondNext({ status, body }, OTP_STEP);
      await sendOtp(browser, okta.otp(user));
      assertTame(app);
      assert.equal(app.store.waiting(browser.sessionID) !== undefined, stays);

      // And the next login works.
      if (stays) await finishLogin(browser, okta, user);
      else await logIn(browser, okta, user);
      assert.equal(app.passed.length, 0);
    });
  }

  it('headers that lie: ids and limits out of this world', async (t) => {
    const { app, browser, user } = await scene(t);
    for (const headers of [
      { 'X-Okta-Request-Id': 'x'.repeat(8000), 'Retry-After': '9'.repeat(1000) },
      { 'X-Okta-Request-Id': '<script>', 'Retry-After': '-1', 'X-Rate-Limit-Reset': '1e400' },
      {
        'X-Rate-Limit-Reset': ['1', '2'],
        Date: 'x',
        'Retry-After': 'Fri, 31 Dec 9999 23:59:59 GMT',
      },
    ]) {
      okta.respondNext({ status: 429, headers, body: '' }, PASSWORD_STEP);
      const { status, body } = await sendPassword(browser, user);
      assert.deepEqual(
        [status, body['code'], body['retryAfter']],
        [429, 'rate_limited', undefined],
      );
      assertTame(app);
    }
  });
});

describe('An issuer with a password in it', () => {
  for (const issuer of [
    'https:user:Hidden-77@acme.okta.com?x',
    'https:\\\\user:Hidden-77@acme.okta.com?x',
    'https:user:Hidden-77@acme.okta.com',
    'https://user:Hidden/77@acme.okta.com',
  ]) {
    it(`is refused and not printed: ${issuer.replace(/Hidden.77/, '…')}`, () => {
      assert.throws(
        () => new OktaDirectMfaStrategy({ issuer, clientID: 'x' }, () => undefined),
        (error) => error instanceof TypeError && !/Hidden/.test(inspect(error)),
      );
    });
  }
});
