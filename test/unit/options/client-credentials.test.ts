import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { readClientCredentials } from '../../../lib/options/client-credentials.js';
import { rsaKeyPair, toJwk } from '../../support/fixtures.js';
import { assertTypeError, json } from './support.js';

/** What JavaScript gives, whatever the types say. */
const read = (more: Record<string, unknown>) =>
  readClientCredentials({ issuer: 'https://acme.okta.com', clientID: '0oa1', ...more });
const assertRefused = (more: Record<string, unknown>, text: RegExp, never?: string) =>
  assertTypeError(() => read(more), text, never);

describe('readClientCredentials', () => {
  const clientSecret = 'secret-7Hq';
  const { privateKey, publicKey } = rsaKeyPair();
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

  for (const [what, more, credentials] of [
    ['nothing: none', {}, { method: 'none' }],
    ['none', { clientAuthentication: 'none' }, { method: 'none' }],
    ['a secret: basic', { clientSecret }, { method: 'client_secret_basic', clientSecret }],
    [
      'basic',
      { clientSecret, clientAuthentication: 'client_secret_basic' },
      { method: 'client_secret_basic', clientSecret },
    ],
    [
      'post',
      { clientSecret, clientAuthentication: 'client_secret_post' },
      { method: 'client_secret_post', clientSecret },
    ],
  ] as const) {
    it(`accepts ${what}`, () => {
      assert.deepEqual(read(more), credentials);
    });
  }

  it('keeps the spaces of a secret', () => {
    assert.deepEqual(read({ clientSecret: ' a ' }), {
      method: 'client_secret_basic',
      clientSecret: ' a ',
    });
  });

  for (const odd of ['basic', 'client_secret', 'CLIENT_SECRET_POST', '', 7, {}]) {
    it(`refuses clientAuthentication: ${json(odd)}`, () => {
      assertRefused(
        { clientAuthentication: odd, clientSecret },
        /clientAuthentication must be client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none, but got/,
        clientSecret,
      );
    });
  }

  for (const clientAuthentication of ['client_secret_basic', 'client_secret_post']) {
    for (const [odd, kind] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['', 'an empty string'],
      [['secret-7Hq'], 'object'],
      [72_727_272, 'number'],
    ] as const) {
      it(`refuses ${clientAuthentication} with a secret that is ${kind}`, () => {
        assertRefused(
          { clientAuthentication, clientSecret: odd },
          new RegExp(`clientSecret must be a non-empty string.* but got ${kind}`),
          typeof odd === 'number' ? '72727272' : 'secret-7Hq',
        );
      });
    }
  }

  for (const clientAuthentication of ['none', 'private_key_jwt']) {
    it(`refuses a secret that ${clientAuthentication} would not use`, () => {
      assertRefused(
        {
          clientAuthentication,
          clientSecret,
          ...(clientAuthentication === 'none' ? {} : { privateKey }),
        },
        /clientSecret is not used with clientAuthentication/,
        clientSecret,
      );
    });
  }

  for (const [name, value] of [
    ['privateKey', pem],
    ['keyID', 'kid-7Hq'],
  ] as const) {
    for (const more of [{}, { clientSecret }, { clientAuthentication: 'none' }]) {
      it(`refuses ${name} that nothing would use (${Object.keys(more).join() || 'by default'})`, () => {
        assertRefused(
          { ...more, [name]: value },
          new RegExp(`${name} is only used with`),
          value.slice(30, 60) || value,
        );
      });
    }
  }

  const jwt = { clientAuthentication: 'private_key_jwt' };
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;

  const encrypted = privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  }) as string;
  const broken = { ...toJwk(privateKey), n: 'broken' };
  const body = pem.split('\n')[3] ?? '';

  for (const [what, odd, never] of [
    ['missing', undefined, body],
    ['null', null, body],
    ['an empty string', '', body],
    ['another string', 'key-7Hq', 'key-7Hq'],
    ['a PEM without its end', pem.slice(0, -60), body],
    ['an encrypted PEM', encrypted, encrypted.split('\n')[3] ?? ''],
    ['a public PEM', publicKey.export({ type: 'spki', format: 'pem' }), body],
    ['a broken JWK', broken, String(broken['d'])],
    ['a public JWK', toJwk(publicKey), body],
    ['a symmetric JWK', { kty: 'oct', k: 'secret-7Hq' }, 'secret-7Hq'],
    ['a number', 7, body],
    ['an array', [pem], body],
    ['a Buffer of nothing', Buffer.alloc(0), body],
  ] as [string, unknown, string][]) {
    it(`refuses a privateKey that is ${what}, and repeats nothing of it`, () => {
      assertRefused(
        { ...jwt, privateKey: odd },
        /privateKey must be an RSA private key of at least 2048 bits/,
        never,
      );
    });
  }

  for (const [what, key] of [
    ['a public KeyObject', publicKey],
    ['a short RSA key', rsaKeyPair(1024).privateKey],
    ['a key on another curve', ec('P-384')],
    ['a key on secp256k1', ec('secp256k1')],
    ['an Ed25519 key', generateKeyPairSync('ed25519').privateKey],
    ['an RSA-PSS key', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey],
  ] as const) {
    it(`refuses ${what} and says what it is`, () => {
      assertRefused(
        { ...jwt, privateKey: key },
        /privateKey must be .*but got a (public|private) [\w-]+ key/,
      );
    });
  }

  it('refuses a short RSA key in a PEM or a JWK too', () => {
    const short = rsaKeyPair(1024).privateKey;
    for (const privateKey of [short.export({ type: 'pkcs1', format: 'pem' }), toJwk(short)]) {
      assertRefused({ ...jwt, privateKey }, /privateKey must be/);
    }
  });

  for (const odd of ['', ' ', 7, {}]) {
    it(`refuses keyID: ${json(odd)}`, () => {
      assertRefused({ ...jwt, privateKey, keyID: odd }, /keyID must be a non-empty string/);
    });
  }

  it("refuses a JWK's own kid that is not a string", () => {
    assertRefused(
      { ...jwt, privateKey: toJwk(privateKey, { kid: 7 }) },
      /keyID must be a non-empty string/,
    );
  });
});
