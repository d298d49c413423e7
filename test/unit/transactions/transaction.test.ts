import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientDigestOf, isTransaction } from '../../../lib/transactions/transaction.js';
import { TRANSACTION } from '../support.js';

const PUSH = { id: 'c1', factor: 'push', awaits: 'approval', expiresAt: 1, oobCode: 'oob-1' };
const PASSKEY = {
  id: 'c1',
  factor: 'webauthn',
  awaits: 'assertion',
  expiresAt: 1,
  publicKey: { challenge: 'abc', rpId: 'acme.com' },
};

describe('isTransaction', () => {
  it('recognises a transaction, with and without wrong passcodes, also after JSON', () => {
    assert.equal(isTransaction(TRANSACTION), true);
    assert.equal(isTransaction({ ...TRANSACTION, attempts: 4 }), true);
    assert.equal(isTransaction(JSON.parse(JSON.stringify(TRANSACTION))), true);
  });

  for (const more of [
    { challenges: 3 },
    { challengedAt: { push: 1 } },
    { refused: ['sms'], supported: [] },
    { challenge: undefined },
    { challenge: PUSH },
    { challenge: { ...PUSH, factor: 'sms', awaits: 'code' } },
    { challenge: { ...PUSH, factor: 'voice', awaits: 'code' } },
    { challenge: { ...PUSH, factor: 'email', awaits: 'code' } },
    { challenge: { ...PUSH, interval: 5, nextPollAt: 2, numberChallenge: '07' } },
    { challenge: PASSKEY },
    { ofALaterVersion: true },
  ]) {
    it(`recognises one with ${JSON.stringify(more)}`, () => {
      assert.equal(isTransaction({ ...TRANSACTION, ...more }), true);
    });
  }

  for (const value of [
    undefined,
    null,
    '',
    'mfa-1',
    7,
    true,
    [],
    {},
    { mfaToken: 'm' },
    { ...TRANSACTION, mfaToken: '' },
    { ...TRANSACTION, mfaToken: ['mfa-1'] },
    { ...TRANSACTION, id: undefined },
    { ...TRANSACTION, id: 7 },
    { ...TRANSACTION, username: null },
    { ...TRANSACTION, username: {} },
    { ...TRANSACTION, expiresAt: '1700000000000' },
    { ...TRANSACTION, attempts: -1 },
    { ...TRANSACTION, attempts: 0.5 },
    { ...TRANSACTION, attempts: '0' },
    { ...TRANSACTION, clientDigest: undefined },
    { ...TRANSACTION, clientDigest: 7 },
    { ...TRANSACTION, challenges: 0.5 },
    { ...TRANSACTION, challengedAt: null },
    { ...TRANSACTION, challengedAt: { push: '1' } },
    { ...TRANSACTION, challengedAt: { push: 1, sms: '1' } },
    { ...TRANSACTION, refused: 'sms' },
    { ...TRANSACTION, supported: {} },
    { ...TRANSACTION, challenge: null },
    { ...TRANSACTION, challenge: { ...PUSH, id: 7 } },
    { ...TRANSACTION, challenge: { ...PUSH, factor: 'otp' } },
    { ...TRANSACTION, challenge: { ...PUSH, factor: 'constructor' } },
    { ...TRANSACTION, challenge: { ...PUSH, awaits: 'a sign' } },
    { ...TRANSACTION, challenge: { ...PUSH, expiresAt: '1' } },
    { ...TRANSACTION, challenge: { ...PUSH, interval: '5' } },
    { ...TRANSACTION, challenge: { ...PUSH, nextPollAt: 'soon' } },
    { ...TRANSACTION, challenge: { ...PUSH, oobCode: undefined } },
    { ...TRANSACTION, challenge: { ...PUSH, awaits: 'assertion' } },
    { ...TRANSACTION, challenge: { ...PASSKEY, awaits: 'code' } },
    { ...TRANSACTION, challenge: { ...PASSKEY, publicKey: null } },
    { ...TRANSACTION, challenge: { ...PASSKEY, publicKey: { rpId: 'acme.com' } } },
  ]) {
    it(`recognises none in ${JSON.stringify(value) ?? 'undefined'}`, () => {
      assert.equal(isTransaction(value), false);
    });
  }
});

describe('clientDigestOf', () => {
  const CLIENT = { issuer: 'https://acme.okta.com', clientID: '0oa1' };
  const digest = clientDigestOf(CLIENT);

  it('is short, and says nothing of the client', () => {
    assert.match(digest, /^[\w-]{22}$/);
  });

  it('is the same for the same issuer and client, whatever else the settings say', () => {
    const settings = { ...CLIENT, scope: 'openid' };
    assert.equal(clientDigestOf(settings), digest);
  });

  for (const other of [
    { clientID: '0oa2' },
    { issuer: 'https://acme.okta.com/oauth2/default' },
    // The same when the two are only joined.
    { issuer: 'https://acme.okta.com0', clientID: 'oa1' },
  ]) {
    it(`is another for ${JSON.stringify(other)}`, () => {
      assert.notEqual(clientDigestOf({ ...CLIENT, ...other }), digest);
    });
  }
});
