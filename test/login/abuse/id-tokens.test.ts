import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Okta } from '../../../example/okta/index.js';
import { idTokenClaims, now, rs256, rsaKeyPair } from '../../support/fixtures.js';
import { startApp } from '../../support/app.js';
import { addSecrets } from '../../support/collector.js';
import { Browser } from '../../support/browser.js';
import { finishLogin, optionsFor, passPassword, sendOtp } from '../../support/login.js';
import { OTP_STEP, useOkta } from '../../support/okta.js';
import { startServer } from '../../support/servers.js';
import { respondWithKeys } from './support.js';

let okta: Okta;
useOkta((started) => (okta = started));

const issuerKey = rsaKeyPair();
const attackerKey = rsaKeyPair();
const KID = 'key-of-the-issuer';
const HEADER = { alg: 'RS256', kid: KID };

const claims = (more: Record<string, unknown> = {}) =>
  idTokenClaims({ iss: okta.issuers.org, aud: okta.clients.native.client_id, ...more });
const good = () => rs256(HEADER, claims(), issuerKey.privateKey);
const encode = (part: string | object | Buffer) =>
  (Buffer.isBuffer(part)
    ? part
    : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part))
  ).toString('base64url');
const parts = () => good().split('.') as [string, string, string];
const forged = (header: object) => rs256(header, claims(), attackerKey.privateKey);
const signed = (payload: unknown) => rs256(HEADER, payload, issuerKey.privateKey);

type Verdict = 'refused' | 'good';
type Token = [make: (evil: string) => string, verdict: Verdict, says?: RegExp];

/** `evil` is the address of a server of the attacker's, which has the attacker's keys. */
const TOKENS: Record<string, Token> = {
  'one that is good': [good, 'good'],

  // The key that the token itself brings.
  "the attacker's key in jwk": [
    () => forged({ ...HEADER, jwk: attackerKey.publicKey.export({ format: 'jwk' }) }),
    'refused',
    /signature/,
  ],
  "the attacker's key in jwk, under its own kid": [
    () =>
      forged({ alg: 'RS256', kid: 'evil', jwk: attackerKey.publicKey.export({ format: 'jwk' }) }),
    'refused',
    /"kid"/,
  ],
  "the attacker's address in jku": [
    (evil) => forged({ ...HEADER, jku: `${evil}/keys` }),
    'refused',
    /signature/,
  ],
  "the attacker's address in jku, under its own kid": [
    (evil) => forged({ alg: 'RS256', kid: 'evil', jku: `${evil}/keys` }),
    'refused',
    /"kid"/,
  ],
  "the attacker's address in x5u and as the kid": [
    (evil) => forged({ alg: 'RS256', kid: `${evil}/keys`, x5u: `${evil}/cert` }),
    'refused',
    /"kid"/,
  ],
  "the attacker's certificate in x5c": [
    () =>
      forged({
        ...HEADER,
        x5c: [attackerKey.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')],
      }),
    'refused',
    /signature/,
  ],
  'a kid that is a path': [() => forged({ alg: 'RS256', kid: '../../../dev/null' }), 'refused'],
  'a kid that is SQL': [() => forged({ alg: 'RS256', kid: "' OR '1'='1" }), 'refused'],
  'a kid of __proto__': [() => forged({ alg: 'RS256', kid: '__proto__' }), 'refused'],
  'a kid of a hundred kilobytes': [
    () => forged({ alg: 'RS256', kid: 'x'.repeat(100_000) }),
    'refused',
  ],
  'a kid in upper case': [() => forged({ alg: 'RS256', kid: KID.toUpperCase() }), 'refused'],

  // The algorithm.
  none: [() => `${encode({ ...HEADER, alg: 'none' })}.${parts()[1]}.`, 'refused', /RS256/],
  'none, with the good signature': [
    () => `${encode({ ...HEADER, alg: 'nOnE' })}.${parts()[1]}.${parts()[2]}`,
    'refused',
  ],
  ...Object.fromEntries(
    (['pem', 'der', 'jwk'] as const).flatMap((format): [string, Token][] =>
      ['HS256', 'RS256'].map((alg) => [
        `HMAC with the public key (${format}), called ${alg}`,
        [
          () => {
            const input = `${encode({ ...HEADER, alg })}.${encode(claims())}`;
            const key =
              format === 'jwk'
                ? JSON.stringify(issuerKey.publicKey.export({ format }))
                : issuerKey.publicKey.export({ type: 'spki', format: format as 'pem' });
            return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
          },
          'refused',
        ],
      ]),
    ),
  ),
  'two algorithms, the last RS256': [
    () => `${encode(`{"alg":"none","alg":"RS256","kid":"${KID}"}`)}.${parts()[1]}.`,
    'refused',
  ],
  'two algorithms, the last none': [
    () => `${encode(`{"alg":"RS256","kid":"${KID}","alg":"none"}`)}.${parts()[1]}.${parts()[2]}`,
    'refused',
  ],
  'crit, though the signature is good': [
    () => rs256({ ...HEADER, crit: ['exp'] }, claims(), issuerKey.privateKey),
    'refused',
    /crit/,
  ],
  'an unencoded payload (b64: false)': [
    () => rs256({ ...HEADER, b64: false, crit: ['b64'] }, claims(), issuerKey.privateKey),
    'refused',
    /crit/,
  ],
  'a signature of zeros': [
    () => `${parts()[0]}.${parts()[1]}.${encode(Buffer.alloc(256))}`,
    'refused',
  ],
  'a signature of one byte': [() => `${parts()[0]}.${parts()[1]}.AA`, 'refused'],
  'a signature of a megabyte': [
    () => `${parts()[0]}.${parts()[1]}.${'A'.repeat(900_000)}`,
    'refused',
  ],

  // The form.
  'two dots and nothing else': [() => '..', 'refused'],
  'an empty header': [() => `.${parts()[1]}.${parts()[2]}`, 'refused'],
  'an empty payload': [() => `${parts()[0]}..${parts()[2]}`, 'refused'],
  'an empty signature': [() => `${parts()[0]}.${parts()[1]}.`, 'refused'],
  'a fourth part': [() => `${good()}.${parts()[2]}`, 'refused'],
  'an empty fourth part': [() => `${good()}.`, 'refused'],
  'an encrypted one (five parts)': [() => `${parts()[0]}.a.b.c.d`, 'refused'],
  'a dot in front': [() => `.${good()}`, 'refused'],
  'JSON serialisation': [
    () => JSON.stringify({ protected: parts()[0], payload: parts()[1], signature: parts()[2] }),
    'refused',
  ],
  'base64 with + and /': [
    () => `${parts()[0]}.${parts()[1]}.${parts()[2].replaceAll('-', '+').replaceAll('_', '/')}==`,
    'refused',
  ],
  'padding behind each part': [() => parts().join('=.').concat('='), 'refused'],
  'a line break in the middle': [() => good().replace('.', '.\n'), 'refused'],
  'a space at the end': [() => `${good()} `, 'refused'],
  'a NUL at the end': [() => `${good()}\u0000`, 'refused'],
  'a header that is not UTF-8': [
    () => `${encode(Buffer.from([0xc3, 0x28, 0xff]))}.${parts()[1]}.${parts()[2]}`,
    'refused',
  ],
  'a header with a byte order mark': [
    () => `${encode(`\ufeff${JSON.stringify(HEADER)}`)}.${parts()[1]}.${parts()[2]}`,
    'refused',
  ],
  'a payload that is not UTF-8': [() => signed(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), 'refused'],
  'a payload of arrays, a hundred thousand deep': [
    () => signed(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    'refused',
  ],
  'a header of arrays, a hundred thousand deep': [
    () => `${encode(`{"alg":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)}.e30.x`,
    'refused',
  ],

  // The claims, signed by the issuer itself.
  'exp as a text': [() => signed(claims({ exp: String(now() + 3600) })), 'refused'],
  'exp as NaN (null in JSON)': [() => signed(claims({ exp: NaN })), 'refused'],
  'exp below zero': [() => signed(claims({ exp: -1 })), 'refused'],
  'exp zero': [() => signed(claims({ exp: 0 })), 'refused'],
  'exp in an array': [() => signed(claims({ exp: [now() + 3600] })), 'refused'],
  'exp true': [() => signed(claims({ exp: true })), 'refused'],
  'iat below zero': [() => signed(claims({ iat: -1 })), 'good'],
  'iat as a text': [() => signed(claims({ iat: '0' })), 'refused'],
  'iat a thousand years ahead': [() => signed(claims({ iat: now() + 3e10 })), 'refused'],
  'nbf as a text': [() => signed(claims({ nbf: '0' })), 'refused'],
  'nbf ahead': [() => signed(claims({ nbf: now() + 3600 })), 'refused'],
  'sub as an object': [() => signed(claims({ sub: { id: 'admin' } })), 'refused', /"sub"/],
  'sub as an array': [() => signed(claims({ sub: ['admin'] })), 'refused', /"sub"/],
  'sub as a number': [() => signed(claims({ sub: 0 })), 'refused', /"sub"/],
  'sub under __proto__ only': [
    () => {
      const { sub, ...others } = claims();
      return signed(`{"__proto__":${JSON.stringify({ sub })},${JSON.stringify(others).slice(1)}`);
    },
    'refused',
    /"sub"/,
  ],
  'iss in an array': [() => signed(claims({ iss: [okta.issuers.org] })), 'refused'],
  'iss with a slash more': [() => signed(claims({ iss: `${okta.issuers.org}/` })), 'refused'],
  'iss of the other server': [() => signed(claims({ iss: okta.issuers.default })), 'refused'],
  'aud as an object': [() => signed(claims({ aud: { 0: 'x' } })), 'refused'],
  'aud in an array in an array': [
    () => signed(claims({ aud: [[okta.clients.native.client_id]] })),
    'refused',
  ],
  'aud in another case': [
    () => signed(claims({ aud: okta.clients.native.client_id.toUpperCase() })),
    'refused',
  ],
  'aud empty': [() => signed(claims({ aud: [] })), 'refused'],
  'azp null': [() => signed(claims({ azp: null })), 'refused', /"azp"/],
  'azp of another, with this audience': [() => signed(claims({ azp: 'x' })), 'refused', /"azp"/],
  'an access token in its place': [
    () =>
      rs256(
        { ...HEADER, typ: 'application/okta-internal-at+jwt' },
        { ...claims(), aud: okta.issuers.org, cid: okta.clients.native.client_id },
        issuerKey.privateKey,
      ),
    'refused',
    /audience/,
  ],
  'claims named as parts of objects': [
    () => signed(claims({ constructor: 1, toString: 1, then: 1, hasOwnProperty: 1 })),
    'good',
  ],
};

describe('An ID token after the passcode is', () => {
  for (const [what, [make, verdict, says]] of Object.entries(TOKENS)) {
    it(`${verdict}: ${what}`, async (t) => {
      const evil = await startServer(t, (_, res) => {
        const jwk = { ...attackerKey.publicKey.export({ format: 'jwk' }), kid: 'evil' };
        res.end(JSON.stringify({ keys: [jwk] }));
      });
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const browser = new Browser(app.url);
      respondWithKeys(okta, createPublicKey(issuerKey.privateKey), KID);
      await passPassword(browser, user);

      const idToken = make(evil.url);
      addSecrets(...idToken.split('.').filter((part) => part.length > 20));
      okta.respondNext(
        { body: { token_type: 'Bearer', access_token: 'an-access-token', id_token: idToken } },
        OTP_STEP,
      );
      const answer = await sendOtp(browser, okta.otp(user));
      assert.equal(evil.requests.length, 0, 'a key was fetched from elsewhere');
      if (verdict === 'good') {
        assert.equal(answer.status, 200, answer.text);
        return;
      }
      assert.deepEqual([answer.status, answer.body['code']], [502, 'invalid_id_token']);
      assert.ok(answer.text.length < 400);
      if (says) assert.match(String(answer.body['message']), says);
      assert.equal(app.logins.length, 0);
      assert.ok(app.store.waiting(browser.sessionID), 'the waiting login is gone');
    });
  }

  it('refused a hundred times, and then the right one logs in all the same', async (t) => {
    const user = okta.addUser();
    const app = await startApp(t, { strategyOptions: optionsFor(okta, { maxOtpAttempts: 2 }) });
    const browser = new Browser(app.url);
    await passPassword(browser, user);
    for (let count = 0; count < 100; count++) {
      okta.respondNext(
        { body: { access_token: 'an-access-token', id_token: forged(HEADER) } },
        OTP_STEP,
      );
      assert.equal((await sendOtp(browser, '123456')).status, 502);
    }
    await finishLogin(browser, okta, user);
  });

  for (const [claim, json] of [
    ['exp', '1e999'],
    ['exp', '1e300'],
  ] as const) {
    it(`refused: ${claim} of ${json}, which never comes`, async (t) => {
      const user = okta.addUser();
      const app = await startApp(t, { strategyOptions: optionsFor(okta) });
      const browser = new Browser(app.url);
      respondWithKeys(okta, createPublicKey(issuerKey.privateKey), KID);
      await passPassword(browser, user);
      const payload = JSON.stringify(claims()).replace(/"exp":\d+/, `"${claim}":${json}`);
      okta.respondNext(
        { body: { access_token: 'an-access-token', id_token: signed(payload) } },
        OTP_STEP,
      );
      assert.equal((await sendOtp(browser, okta.otp(user))).status, 502);
    });
  }
});
