import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { after, before, beforeEach, describe, it } from 'node:test';
import { auditLog } from '../../../example/express/audit.js';
import { errorHandler } from '../../../example/express/errors.js';
import { OUTCOME_CHANNEL } from '../../../lib/index.js';
import { credentials, startSample, type Sample } from './support.js';

const lines: string[] = [];
let fail = false;
auditLog((line) => {
  if (fail) throw new Error('the disk is full');
  lines.push(line);
});
const entries = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

/** None of these may reach a terminal as it is. */
const NASTY = {
  'an escape sequence': '\u001b[2J\u001b]0;title\u0007',
  'line breaks': 'a\r\nb\vc\fd',
  'DEL and the C1 controls': '\u007f\u0080\u0085\u009b31m',
  'line and paragraph separators': 'a\u2028b\u2029c',
  'bidirectional marks': '\u202eexe.fdp\u202c\u2066x\u2069\u200e\u200f\u061c',
  'invisible characters': 'a\u200bb\u2060c\ufeffd\u00ade\u{e0041}\u3164\u034f',
  'half a character': 'a\ud83d',
};
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u3164]|\u034f/u;

describe('the audit log', () => {
  let sample: Sample;
  before(async () => {
    sample = await startSample();
  });
  after(() => sample.close());
  beforeEach(() => {
    lines.length = 0;
    fail = false;
  });

  it('has a line for each request of a login, with who it was once Okta has said so', async () => {
    const user = sample.okta.addUser();
    await sample.signedIn(user);
    const [password, otp, ...rest] = entries();
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [password?.['outcome'], password?.['step'], password?.['factor'], password?.['sub']],
      ['password_accepted', 'password', 'password', undefined],
    );
    const { time, duration, oktaDuration, ...known } = otp ?? {};
    assert.deepEqual(known, {
      outcome: 'otp_accepted',
      step: 'code',
      factor: 'otp',
      username: user.username,
      sub: user.id,
      address: '127.0.0.1',
    });
    assert.equal(new Date(String(time)).toISOString(), time);
    assert.ok(Number.isInteger(duration) && Number.isInteger(oktaDuration));
    assert.ok(Number(oktaDuration) <= Number(duration));
  });

  it('says what Okta said, and under which id', async () => {
    const browser = sample.newBrowser();
    await browser.get('/login');
    sample.okta.respondNext(
      {
        status: 400,
        headers: { 'x-okta-request-id': 'the-request' },
        body: { error: 'access_denied', error_description: 'Policy evaluation failed.' },
      },
      { endpoint: 'token' },
    );
    await browser.submit('/login', credentials(sample.okta.addUser()));
    sample.okta.respondNext(
      { status: 401, body: { errorCode: 'E0000004', errorSummary: 'x', errorId: 'oae-1' } },
      { endpoint: 'token' },
    );
    await browser.submit('/login', credentials(sample.okta.addUser()));
    const [policy, other] = entries();
    assert.deepEqual(
      ['code', 'oktaError', 'oktaDescription', 'oktaRequestId'].map((name) => policy?.[name]),
      ['access_denied', 'access_denied', 'Policy evaluation failed.', 'the-request'],
    );
    assert.deepEqual([other?.['oktaError'], other?.['oktaErrorId']], ['E0000004', 'oae-1']);
  });

  for (const [what, nasty] of Object.entries(NASTY)) {
    it(`shows ${what} as escapes, in a username as in what Okta says`, async () => {
      const browser = sample.newBrowser();
      await browser.get('/login');
      const { csrfToken } = (await browser.get('/api/csrf')).body;
      sample.okta.respondNext(
        { status: 400, body: { error: 'access_denied', error_description: `Denied: ${nasty}` } },
        { endpoint: 'token' },
      );
      await browser.post('/api/login', {
        headers: { 'x-csrf-token': String(csrfToken) },
        json: { username: `a${nasty}z`, password: 'Quite-Wrong-99' },
      });
      assert.equal(lines.length, 1);
      assert.doesNotMatch(lines[0] ?? '', UNPRINTABLE);
      assert.equal(entries()[0]?.['username'], `a${nasty}z`, 'nothing is lost');
    });
  }

  it('truncates every string, also the address that a header claims', () => {
    const long = 'x'.repeat(5000);
    const names = ['outcome', 'username', 'sub', 'oktaError', 'oktaDescription', 'oktaRequestId'];
    const event = Object.fromEntries(names.map((name) => [name, long]));
    const request = { ip: long };
    channel(OUTCOME_CHANNEL).publish({ ...event, duration: 1, oktaDuration: 1, request });
    const [entry] = entries();
    assert.equal(entry?.['username'], `${'x'.repeat(100)}…`);
    assert.equal(entry?.['address'], `${'x'.repeat(100)}…`);
    assert.equal(entry?.['oktaDescription'], `${'x'.repeat(500)}…`);
    assert.ok(Number(lines[0]?.length) < 1500);
  });

  it('does not end the process, nor the login, when it fails', async (t) => {
    const error = t.mock.method(console, 'error', () => undefined);
    fail = true;
    await sample.signedIn(sample.okta.addUser());
    assert.equal(error.mock.callCount(), 2);
  });
});

describe('the log of errors', () => {
  /** What the error handler logs for this error. */
  function logged(error: unknown): string {
    const log: string[] = [];
    const res = { status: () => res, json: () => res, send: () => res, headersSent: false };
    errorHandler((line) => log.push(line))(
      error,
      { path: '/api/x' } as never,
      res as never,
      () => undefined,
    );
    return log.join('\n<next entry>\n');
  }

  for (const [what, nasty] of Object.entries(NASTY)) {
    it(`shows ${what} in a message as escapes`, () => {
      const withCode = Object.assign(new Error(`Okta says ${nasty}`), { code: 'okta_error' });
      assert.doesNotMatch(logged(withCode), UNPRINTABLE);
      assert.doesNotMatch(logged(new Error(nasty)).replace(/\n {4}at .*/g, ''), UNPRINTABLE);
    });
  }

  it('keeps the frames of a stack on lines of their own', () => {
    assert.match(logged(new Error('a\nb')), /^Error: a\\u000ab\n {4}at .*\n {4}at /);
  });
});
