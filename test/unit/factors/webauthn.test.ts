import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  assertionGrant,
  isOwnAssertion,
  readAssertion,
  webauthnChallengeRequest,
  type AssertionFactor,
} from '../../../lib/factors/webauthn.js';
import { FIELDS, TRANSACTION } from '../support.js';

const MFA_WEBAUTHN = 'urn:okta:params:oauth:grant-type:mfa-webauthn';
const MISSING = { type: 'missing', factor: 'webauthn', step: 'assertion', field: 'assertion' };
const RESPONSE = { clientDataJSON: 'Y2Q', authenticatorData: 'YWQ', signature: 'c2ln' };
const FACTOR: AssertionFactor = { type: 'assertion', ...RESPONSE };

const read = (assertion: unknown, fields = FIELDS) => readAssertion({ assertion }, fields);
const answer = (more: object = {}) => ({ id: 'k', response: { ...RESPONSE, ...more } });

describe('readAssertion', () => {
  for (const [what, given, expected] of [
    ['an object', answer(), FACTOR],
    ['a JSON text', JSON.stringify(answer()), FACTOR],
    ['a userHandle', answer({ userHandle: 'dXNlcg' }), { ...FACTOR, userHandle: 'dXNlcg' }],
    ['an empty userHandle', answer({ userHandle: '' }), FACTOR],
    ['no userHandle, as null', answer({ userHandle: null }), FACTOR],
    ['padding', answer({ signature: 'c2ln==' }), FACTOR],
    ['standard base64', answer({ signature: 'a+/=' }), { ...FACTOR, signature: 'a-_' }],
    ['other members', { ...answer({ attestation: 1 }), otp: '1' }, FACTOR],
  ] as const) {
    it(`takes an answer with ${what}`, () => {
      assert.deepEqual(read(given), expected);
    });
  }

  for (const [what, odd] of [
    ['nothing', undefined],
    ['null', null],
    ['an empty text', ''],
    ['a text that is no JSON', '{'],
    ['JSON of a number', '7'],
    ['JSON of null', 'null'],
    ['a list', []],
    ['no response', { id: 'k' }],
    ['a response that is none', { response: 7 }],
    ['no clientDataJSON', answer({ clientDataJSON: undefined })],
    ['no authenticatorData', answer({ authenticatorData: '' })],
    ['no signature', answer({ signature: null })],
    ['a signature that is no string', answer({ signature: ['c2ln'] })],
    ['a signature that is no base64', answer({ signature: 'c2 ln' })],
    ['a userHandle that is no base64', answer({ userHandle: '?' })],
    ['a userHandle that is no string', answer({ userHandle: 7 })],
  ] as const) {
    it(`reports ${what}`, () => {
      assert.deepEqual(read(odd), MISSING);
    });
  }

  for (const [member, max] of [
    ['clientDataJSON', 8192],
    ['authenticatorData', 16_384],
    ['signature', 8192],
    ['userHandle', 256],
  ] as const) {
    it(`accepts ${max} characters of ${member} and no more`, () => {
      assert.equal(read(answer({ [member]: 'a'.repeat(max) }))?.type, 'assertion');
      assert.deepEqual(read(answer({ [member]: 'a'.repeat(max + 1) })), MISSING);
    });
  }

  it('accepts a text of 65536 characters and no more', () => {
    const text = (length: number) => {
      const bare = JSON.stringify({ ...answer(), pad: '' });
      return bare.replace('"pad":""', `"pad":"${'x'.repeat(length - bare.length)}"`);
    };
    assert.equal(read(text(65_536))?.type, 'assertion');
    assert.deepEqual(read(text(65_537)), MISSING);
  });

  it('is not concerned with a body without its field', () => {
    assert.equal(readAssertion({ response: RESPONSE }, FIELDS), undefined);
  });

  it("uses the app's name of the field, also in what it reports", () => {
    const fields = { ...FIELDS, assertionField: 'passkey' };
    assert.deepEqual(readAssertion({ passkey: answer(), assertion: '' }, fields), FACTOR);
    assert.deepEqual(readAssertion({ passkey: '' }, fields), { ...MISSING, field: 'passkey' });
  });
});

describe('webauthnChallengeRequest', () => {
  it('asks for a passkey without a channel, and logs all but the mfa_token', () => {
    assert.deepEqual(webauthnChallengeRequest(TRANSACTION), {
      parameters: { mfa_token: 'mfa-1', challenge_types_supported: MFA_WEBAUTHN },
      loggable: ['challenge_types_supported'],
    });
  });
});

describe('the MFA WebAuthn grant', () => {
  it('sends what Okta verifies, userHandle only if there is one, and lets none be logged', () => {
    const { rejectionCodes, ...grant } = assertionGrant(FACTOR, TRANSACTION);
    assert.deepEqual(grant, {
      grantType: MFA_WEBAUTHN,
      parameters: { mfa_token: 'mfa-1', ...RESPONSE },
      loggable: [],
      rejection: 'webauthn_failed',
    });
    assert.deepEqual([...rejectionCodes], ['invalid_grant']);
    const { parameters } = assertionGrant(
      { ...FACTOR, userHandle: 'u', challenge: 'c1' },
      TRANSACTION,
    );
    assert.deepEqual(parameters, { mfa_token: 'mfa-1', ...RESPONSE, userHandle: 'u' });
  });
});

describe('isOwnAssertion', () => {
  const CLIENT = { type: 'webauthn.get', challenge: 'ab-_', origin: 'https://acme.com' };
  const PARTY = { rpId: 'acme.com', rpID: undefined, origins: undefined };

  const isOwn = (client: unknown, party: object = {}, data = 'YWQ') => {
    const text = typeof client === 'string' ? client : JSON.stringify(client);
    const factor = {
      ...FACTOR,
      clientDataJSON: Buffer.from(text).toString('base64url'),
      authenticatorData: data,
    };
    return isOwnAssertion(factor, 'ab-_', { ...PARTY, ...party });
  };

  for (const [what, client] of [
    ['the page of the domain', {}],
    ['a host below the domain', { origin: 'https://app.eu.acme.com' }],
    ['another port', { origin: 'https://acme.com:8443' }],
    ['a challenge with padding', { challenge: 'ab+/==' }],
    ['crossOrigin false', { crossOrigin: false }],
  ] as const) {
    it(`accepts ${what}`, () => {
      assert.equal(isOwn({ ...CLIENT, ...client }), true);
    });
  }

  for (const [what, client] of [
    ['a text that is no JSON', '{'],
    ['JSON of null', 'null'],
    ['a registration', { ...CLIENT, type: 'webauthn.create' }],
    ['no type', { ...CLIENT, type: undefined }],
    ['another challenge', { ...CLIENT, challenge: 'abcd' }],
    ['a challenge in another case', { ...CLIENT, challenge: 'AB-_' }],
    ['no challenge', { ...CLIENT, challenge: undefined }],
    ['a foreign frame', { ...CLIENT, crossOrigin: true }],
    ['no origin', { ...CLIENT, origin: undefined }],
    ['a list of origins', { ...CLIENT, origin: [CLIENT.origin] }],
    ['a domain that only ends alike', { ...CLIENT, origin: 'https://evilacme.com' }],
    ['the domain as a subdomain of another', { ...CLIENT, origin: 'https://acme.com.evil.io' }],
    ['a domain above', { ...CLIENT, origin: 'https://com' }],
    ['http:', { ...CLIENT, origin: 'http://acme.com' }],
    ['another scheme', { ...CLIENT, origin: 'android:apk-key-hash:acme.com' }],
    ['no URL', { ...CLIENT, origin: 'null' }],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.equal(isOwn(client), false);
    });
  }

  it('takes http: from localhost, as browsers do, and no other scheme', () => {
    for (const [origin, expected] of [
      ['http://localhost:3000', true],
      ['https://localhost:3000', true],
      ['ws://localhost:3000', false],
    ] as const) {
      assert.equal(isOwn({ ...CLIENT, origin }, { rpId: 'localhost' }), expected, origin);
    }
  });

  it('takes the origins of the option alone, to the letter', () => {
    const origins = ['https://app.example', 'http://acme.com'];
    for (const [origin, expected] of [
      ['https://app.example', true],
      ['http://acme.com', true],
      ['https://acme.com', false],
      ['https://app.example:8443', false],
      ['https://www.app.example', false],
    ] as const) {
      assert.equal(isOwn({ ...CLIENT, origin }, { origins }), expected, origin);
    }
  });

  it('takes the authenticator of the rpID of the option alone', () => {
    const dataOf = (rpID: string) =>
      Buffer.concat([createHash('sha256').update(rpID).digest(), Buffer.alloc(5)]);
    const isOf = (data: Buffer) => isOwn(CLIENT, { rpID: 'acme.com' }, data.toString('base64url'));
    assert.equal(isOf(dataOf('acme.com')), true);
    assert.equal(isOf(dataOf('evil.io')), false);
    assert.equal(isOf(dataOf('acme.com').subarray(0, 31)), false);
  });
});
