import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { Okta, ScriptedAnswer } from '../../../example/okta/index.js';
import { OktaDirectMfaError, OktaDirectMfaStrategy } from '../../../lib/index.js';
import { redact } from '../../../lib/redact.js';
import {
  asRequest,
  authenticate,
  createBrowser,
  ISSUER,
  mockOkta,
  type FakeRequest,
} from '../../support/fixtures.js';
import { startApp, type App } from '../../support/app.js';
import { Browser } from '../../support/browser.js';
import {
  finishLogin,
  logIn,
  optionsFor,
  passPassword,
  sendOtp,
  sendPassword,
} from '../../support/login.js';
import { OTP_STEP, PASSWORD_STEP, useOkta } from '../../support/okta.js';

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

/** JSON texts, byte for byte. */
const HOSTILE: Record<string, { status?: number; text: string; waits: boolean }> = {
  'a key __proto__ with everything in it': {
    text: '{"__proto__":{"error":"mfa_required","mfa_token":"t","access_token":"a","id_token":"i"}}',
    waits: true,
  },
  'a key __proto__ beside a refusal': {
    text: '{"error":"access_denied","__proto__":{"error":"mfa_required","polluted":1}}',
    waits: false,
  },
  'constructor.prototype': {
    text: '{"constructor":{"prototype":{"error":"invalid_grant"}},"toString":1}',
    waits: true,
  },
  'the same key twice, the second a refusal': {
    text: '{"error":"mfa_required","mfa_token":"t","error":"access_denied"}',
    waits: false,
  },
  'control characters in every text': {
    text: JSON.stringify({
      error: `new_error${NASTY}`,
      error_description: NASTY.repeat(50),
      errorId: NASTY,
      errorCauses: [{ errorSummary: NASTY }],
    }),
    waits: true,
  },
  'control characters in the second format': {
    text: JSON.stringify({ errorCode: `E${NASTY}`, errorSummary: NASTY, errorId: `oae${NASTY}` }),
    waits: true,
  },
  'control characters behind a known code': {
    status: 401,
    text: JSON.stringify({ error: 'invalid_client', error_description: NASTY }),
    waits: true,
  },
  'an error_description of a megabyte': {
    text: JSON.stringify({ error: 'new_error', error_description: 'x'.repeat(MEBIBYTE - 60) }),
    waits: true,
  },
  'an error of a megabyte': {
    text: JSON.stringify({ error: 'E'.repeat(MEBIBYTE - 60) }),
    waits: true,
  },
  'an errorId of a megabyte': {
    text: JSON.stringify({ errorCode: 'E0000001', errorId: 'x'.repeat(MEBIBYTE - 60) }),
    waits: true,
  },
  'an mfa_token of a megabyte': {
    text: JSON.stringify({ error: 'mfa_required', mfa_token: 'x'.repeat(MEBIBYTE - 60) }),
    waits: true,
  },
  'arrays, two hundred thousand deep': {
    text: `{"error":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    waits: true,
  },
  'objects, a hundred thousand deep, beside a refusal': {
    text: `{"error":"access_denied","x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
    waits: false,
  },
  'a hundred thousand keys': {
    text: `{${Array.from({ length: 60_000 }, (_, key) => `"k${key}":1`).join()}}`,
    waits: true,
  },
  'a number without an end for an error': {
    text: `{"error":1${'0'.repeat(100_000)}}`,
    waits: true,
  },
  'bytes that are no UTF-8': { text: '\ufffd{"error":"mfa_required"}', waits: true },
};

describe('A hostile answer of Okta is a short and tame end of the request, to either step:', () => {
  for (const [what, { status = 403, text, waits }] of Object.entries(HOSTILE)) {
    it(what, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const browser = new Browser(app.url);
      const answer: ScriptedAnswer = { status, body: text };

      okta.respondNext(answer, PASSWORD_STEP);
      await sendPassword(browser, user);
      assertTame(app);
      assert.equal(app.store.waiting(browser.sessionID), undefined);

      await passPassword(browser, user);
      app.actions.length = 0;
      okta.respondNext(answer, OTP_STEP);
      await sendOtp(browser, okta.otp(user));
      assertTame(app);
      assert.equal(app.store.waiting(browser.sessionID) !== undefined, waits);

      // And the next login works.
      if (waits) await finishLogin(browser, okta, user);
      else await logIn(browser, okta, user);
      assert.equal(app.passed.length, 0);
    });
  }

  it('headers that lie: a content length, ids and limits out of this world', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
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

  it('a token that is a megabyte long, behind the passcode, is refused and not printed', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    app.actions.length = 0;
    const part = 'eyJ4Ijoi'.repeat(100_000);
    okta.respondNext(
      { body: { access_token: 'of-this-test', id_token: `${part}.${part}` } },
      OTP_STEP,
    );
    assert.equal((await sendOtp(browser, okta.otp(user))).status, 502);
    assertTame(app);
    await finishLogin(browser, okta, user);
  });
});

describe('What Okta quotes of a request', () => {
  const PASSWORD = 'correct horse & b\u00e4ttery';

  /** The message of an error whose description quotes the password in some way. */
  async function messageFor(quoted: string): Promise<string> {
    const mock = mockOkta();
    mock.keys(503, '').persist();
    mock.token(400, { error: 'new_error', error_description: `You sent "${quoted}".` });
    const strategy = new OktaDirectMfaStrategy(
      { issuer: ISSUER, clientID: 'x', dispatcher: mock.agent },
      async () => ({ id: 'x' }),
    );
    const req: FakeRequest = createBrowser().request({ username: 'ada', password: PASSWORD });
    assert.ok(asRequest(req));
    const outcome = await authenticate(strategy, req);
    await mock.end();
    assert.equal(outcome.action, 'error');
    return (outcome as unknown as { error: Error }).error.message;
  }

  for (const [how, quoted] of [
    ['as it is', PASSWORD],
    ['as in a form', new URLSearchParams({ '': PASSWORD }).toString().slice(1)],
  ] as const) {
    it(`is taken out, ${how}`, async () => {
      assert.match(await messageFor(quoted), /You sent "\[redacted\]"\./);
    });
  }

  for (const [how, quoted] of [
    ['as in a URL', encodeURIComponent(PASSWORD)],
    ['with line breaks for its spaces', PASSWORD.replaceAll(' ', '\r\n')],
  ] as const) {
    it(`is taken out, ${how}`, async () => {
      assert.match(await messageFor(quoted), /You sent "\[redacted\]"\./);
    });
  }

  it('is taken out once: nothing is replaced in what has been replaced', () => {
    // A person chose the passcode "e", Okta the mfa_token "d", and a description of only both.
    assert.equal(redact('ed', ['e', 'e', 'd', 'd']), '[redacted][redacted]');
  });
});

describe('An issuer with a password in it', () => {
  for (const issuer of [
    'https://user:Hidden-77@acme.okta.com',
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
