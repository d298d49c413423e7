import assert from 'node:assert/strict';
import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { decode, verify, type JwtPayload } from 'jsonwebtoken';
import {
  createClientAuthentication,
  type ClientCredentials,
} from '../../../lib/okta/client-authentication.js';
import { readOptions } from '../../../lib/options/index.js';
import {
  CLIENT_ID,
  ISSUER,
  ORIGIN,
  rsaKeyPair,
  toJwk,
  TOKEN_PATH,
} from '../../support/fixtures.js';

const URL_ = new URL(TOKEN_PATH, ORIGIN);

function prove(credentials: ClientCredentials, clientID = CLIENT_ID) {
  const form = new URLSearchParams({ grant_type: 'password' });
  const headers: Record<string, string> = { 'content-type': 'x' };
  createClientAuthentication(clientID, credentials)(form, headers, URL_);
  return { form: Object.fromEntries(form), headers };
}

describe('client authentication "none"', () => {
  it('sends the client id alone', () => {
    assert.deepEqual(prove({ method: 'none' }), {
      form: { grant_type: 'password', client_id: CLIENT_ID },
      headers: { 'content-type': 'x' },
    });
  });
});

describe('client authentication "client_secret_post"', () => {
  it('sends id and secret in the form, and no header', () => {
    assert.deepEqual(prove({ method: 'client_secret_post', clientSecret: 's+ ü' }), {
      form: { grant_type: 'password', client_id: CLIENT_ID, client_secret: 's+ ü' },
      headers: { 'content-type': 'x' },
    });
  });
});

describe('client authentication "client_secret_basic"', () => {
  const pair = (clientID: string, clientSecret: string) => {
    const { form, headers } = prove({ method: 'client_secret_basic', clientSecret }, clientID);
    assert.deepEqual(form, { grant_type: 'password' });
    const [scheme, value = ''] = (headers['authorization'] ?? '').split(' ');
    assert.equal(scheme, 'Basic');
    return Buffer.from(value, 'base64').toString('latin1');
  };

  it('sends id and secret in the header, and neither in the form', () => {
    const { headers } = prove({ method: 'client_secret_basic', clientSecret: 'secret' }, 'client');
    assert.equal(headers['authorization'], 'Basic Y2xpZW50OnNlY3JldA==');
  });

  // RFC 6749 §2.3.1 and appendix B: application/x-www-form-urlencoded in UTF-8.
  for (const [what, plain, encoded] of [
    ['letters, digits and * - . _ stay', 'aZ09*-._', 'aZ09*-._'],
    ['a space is a plus', 'a b', 'a+b'],
    ['a plus is %2B', 'a+b', 'a%2Bb'],
    ['a percent sign is %25', '100%', '100%25'],
    ['a colon is %3A', 'a:b', 'a%3Ab'],
    [
      'the others of ASCII',
      `!"#$&'(),/;<=>?@[\\]^\`{|}~`,
      '%21%22%23%24%26%27%28%29%2C%2F%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D%7E',
    ],
    ["the RFC's own example", ' %&+£€', '+%25%26%2B%C2%A3%E2%82%AC'],
    ['an emoji', '🔑', '%F0%9F%94%91'],
  ] as const) {
    it(`form-encodes both before they are joined: ${what}`, () => {
      assert.equal(pair(plain, plain), `${encoded}:${encoded}`);
    });
  }
});

describe('client authentication "client_secret_jwt"', () => {
  it('signs with the secret by HS256, for the endpoint that is asked, and does not send it', () => {
    const clientSecret = 'secret-7Hq-of-more-than-32-characters';
    const { form, headers } = prove({ method: 'client_secret_jwt', clientSecret });
    assert.deepEqual(headers, { 'content-type': 'x' });
    const payload = verify(form['client_assertion'] ?? '', clientSecret, {
      algorithms: ['HS256'],
    }) as JwtPayload;
    assert.deepEqual([payload.iss, payload.sub, payload.aud], [CLIENT_ID, CLIENT_ID, URL_.href]);
    assert.doesNotMatch(JSON.stringify(form), /secret-7Hq/);
  });
});

describe('client authentication "private_key_jwt"', () => {
  const rsa = rsaKeyPair();
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1') =>
    key.export({ type: type, format: 'pem' }) as string;

  /** Through the option, as an app gives it. */
  const credentials = (privateKey: string | Buffer | KeyObject | JsonWebKey, keyID?: string) =>
    readOptions({
      issuer: ISSUER,
      clientID: CLIENT_ID,
      clientAuthentication: 'private_key_jwt',
      privateKey,
      ...(keyID === undefined ? {} : { keyID }),
    }).credentials;

  for (const [what, algorithm, publicKey, given] of [
    ['an RSA PEM (PKCS #8)', 'RS256', rsa.publicKey, pem(rsa.privateKey, 'pkcs8')],
    ['an RSA PEM (PKCS #1)', 'RS256', rsa.publicKey, pem(rsa.privateKey, 'pkcs1')],
    ['an RSA PEM in a Buffer', 'RS256', rsa.publicKey, Buffer.from(pem(rsa.privateKey, 'pkcs8'))],
    ['an RSA KeyObject', 'RS256', rsa.publicKey, rsa.privateKey],
    ['an RSA JWK', 'RS256', rsa.publicKey, toJwk(rsa.privateKey)],
    ['an EC PEM (PKCS #8)', 'ES256', ec.publicKey, pem(ec.privateKey, 'pkcs8')],
    ['an EC PEM (SEC 1)', 'ES256', ec.publicKey, pem(ec.privateKey, 'sec1')],
    ['an EC KeyObject', 'ES256', ec.publicKey, ec.privateKey],
    ['an EC JWK', 'ES256', ec.publicKey, toJwk(ec.privateKey)],
  ] as const) {
    it(`signs with ${what} by ${algorithm}`, () => {
      const { form, headers } = prove(credentials(given, 'kid-1'));
      const { client_assertion: assertion = '', ...rest } = form;
      assert.deepEqual(rest, {
        grant_type: 'password',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      });
      assert.deepEqual(headers, { 'content-type': 'x' });

      const { header, payload } = verify(assertion, publicKey, {
        algorithms: [algorithm],
        complete: true,
        audience: URL_.href,
        issuer: CLIENT_ID,
        subject: CLIENT_ID,
      });
      assert.deepEqual(header, { alg: algorithm, typ: 'JWT', kid: 'kid-1' });
      const { iat = 0, exp = 0, jti = '', ...claims } = payload as JwtPayload;
      assert.deepEqual(claims, { iss: CLIENT_ID, sub: CLIENT_ID, aud: URL_.href });
      assert.ok(exp > iat && exp - iat <= 3600);
      assert.match(jti, /^[\w-]{20,}$/);
    });
  }

  it('makes a new jti for each call', () => {
    const authenticate = createClientAuthentication(CLIENT_ID, credentials(rsa.privateKey));
    const ids = Array.from({ length: 5 }, () => {
      const form = new URLSearchParams();
      authenticate(form, {}, URL_);
      return (decode(form.get('client_assertion') ?? '') as JwtPayload).jti;
    });
    assert.equal(new Set(ids).size, 5);
  });

  it('names no key when it knows no id', () => {
    const { form } = prove(credentials(rsa.privateKey));
    const [header = ''] = (form['client_assertion'] ?? '').split('.');
    assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), {
      alg: 'RS256',
      typ: 'JWT',
    });
  });

  for (const [what, jwkKid, keyID, expected] of [
    ["the JWK's own", 'own', undefined, 'own'],
    ['the option before that of the JWK', 'own', 'option', 'option'],
  ] as const) {
    it(`takes as the key id ${what}`, () => {
      const { form } = prove(credentials(toJwk(ec.privateKey, { kid: jwkKid }), keyID));
      const decoded = decode(form['client_assertion'] ?? '', { complete: true });
      assert.equal(decoded?.header.kid, expected);
    });
  }
});
