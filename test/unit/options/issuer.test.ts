import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOptions } from '../../../lib/options/index.js';
import { readIssuer } from '../../../lib/options/issuer.js';
import { assertTypeError } from './support.js';

const assertRefused = (issuer: unknown, text: RegExp, never?: string, allowInsecure = false) =>
  assertTypeError(() => readIssuer(issuer, allowInsecure), text, never);

describe('readIssuer', () => {
  for (const [issuer, normal, base] of [
    ['https://acme.okta.com', 'https://acme.okta.com', 'https://acme.okta.com/oauth2/v1/'],
    ['https://acme.okta.com/', 'https://acme.okta.com', 'https://acme.okta.com/oauth2/v1/'],
    ['https://ACME.okta.com', 'https://acme.okta.com', 'https://acme.okta.com/oauth2/v1/'],
    ['https://acme.okta.com:443', 'https://acme.okta.com', 'https://acme.okta.com/oauth2/v1/'],
    [
      'https://acme.okta.com/oauth2/default',
      'https://acme.okta.com/oauth2/default',
      'https://acme.okta.com/oauth2/default/v1/',
    ],
    [
      'https://acme.okta.com/oauth2/default/',
      'https://acme.okta.com/oauth2/default',
      'https://acme.okta.com/oauth2/default/v1/',
    ],
    [
      'https://acme.okta.com/oauth2/aus1X',
      'https://acme.okta.com/oauth2/aus1X',
      'https://acme.okta.com/oauth2/aus1X/v1/',
    ],
    [
      'https://acme.okta.com/oauth2/v1custom',
      'https://acme.okta.com/oauth2/v1custom',
      'https://acme.okta.com/oauth2/v1custom/v1/',
    ],
    [
      'https://login.example.com',
      'https://login.example.com',
      'https://login.example.com/oauth2/v1/',
    ],
    [
      'https://login.example.com/oauth2/aus1',
      'https://login.example.com/oauth2/aus1',
      'https://login.example.com/oauth2/aus1/v1/',
    ],
    [
      'https://localhost:8443/oauth2/default',
      'https://localhost:8443/oauth2/default',
      'https://localhost:8443/oauth2/default/v1/',
    ],
    [
      'https://my-admin.example.com',
      'https://my-admin.example.com',
      'https://my-admin.example.com/oauth2/v1/',
    ],
    [
      'https://administration.okta.com',
      'https://administration.okta.com',
      'https://administration.okta.com/oauth2/v1/',
    ],
  ] as const) {
    it(`accepts ${issuer}`, () => {
      const settings = readOptions({ issuer, clientID: '0oa1' });
      assert.equal(settings.issuer, normal);
      const { token, challenge, keys, userInfo, revoke } = settings.endpoints;
      assert.deepEqual(
        [token, challenge, keys, userInfo, revoke].map(({ href }) => href),
        ['token', 'challenge', 'keys', 'userinfo', 'revoke'].map((name) => base + name),
      );
    });
  }

  const LOOPBACK = [
    'http://localhost:3000',
    'http://127.0.0.1:3000/oauth2/default',
    'http://127.8.9.1',
    'http://127.10.20.30:3000',
    'http://127.1',
    'http://[::1]:3000',
    'http://okta.localhost:3000',
  ];
  for (const issuer of LOOPBACK) {
    it(`accepts ${issuer} with allowInsecureIssuer, and not without`, () => {
      assert.equal(readIssuer(issuer, true).href, new URL(issuer).href);
      assertRefused(issuer, /issuer must begin with https:\/\//);
    });
  }

  for (const issuer of [
    'http://acme.okta.com',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://notlocalhost',
    'http://10.0.0.1',
    'http://0.0.0.0',
    'http://128.0.0.1',
    'http://[::2]',
    'http://192.168.0.1:3000',
    'ftp://localhost',
    'ws://localhost',
    'file:///etc/passwd',
    'data:,x',
  ]) {
    it(`refuses ${issuer}, even with allowInsecureIssuer`, () => {
      for (const allowInsecure of [true, false]) {
        assertRefused(issuer, /issuer must begin with https:\/\//, undefined, allowInsecure);
      }
    });
  }

  for (const issuer of [
    'https://{yourOktaDomain}',
    'https://{yourOktaDomain}/oauth2/default',
    'https://${yourOktaDomain}/oauth2/default',
    'https://yourOktaDomain.okta.com',
    'https://<your-domain>.okta.com',
    'https://acme.okta.com/oauth2/{authServerId}',
  ]) {
    it(`refuses a placeholder, as ${issuer}`, () => {
      assertRefused(issuer, /issuer still has a placeholder/);
    });
  }

  for (const issuer of [
    'https://acme-admin.okta.com',
    'https://acme-admin.okta.com/oauth2/default',
    'https://ACME-ADMIN.OKTA.COM',
    'https://acme-admin.oktapreview.com',
    'https://acme-admin.okta-emea.com',
    'https://acme-admin.okta-gov.com',
    'https://acme-admin.trexcloud.com',
  ]) {
    it(`refuses the address of the admin console, as ${issuer}`, () => {
      assertRefused(issuer, /issuer must be the address of the org without -admin/);
    });
  }

  for (const issuer of [
    'https://acme.okta.com?x=1',
    'https://acme.okta.com/oauth2/default?',
    'https://acme.okta.com/#x',
    'https://acme.okta.com#',
  ]) {
    it(`refuses a query and a fragment, as ${issuer}`, () => {
      assertRefused(issuer, /issuer must not have a query or a fragment/);
    });
  }

  for (const issuer of [
    'https://acme.okta.com/oauth2',
    'https://acme.okta.com/oauth2/',
    'https://acme.okta.com/oauth2/v1',
    'https://acme.okta.com/oauth2/v1/',
    'https://acme.okta.com/oauth2/default/v1',
    'https://acme.okta.com/oauth2/default/v1/token',
    'https://acme.okta.com/oauth2/default/.well-known/openid-configuration',
    'https://acme.okta.com/.well-known/openid-configuration',
    'https://acme.okta.com/login',
    'https://acme.okta.com//oauth2/default',
    'https://acme.okta.com/OAUTH2/default',
    'acme.okta.com',
    'https://',
    '//acme.okta.com',
    'https://acme okta.com',
  ]) {
    it(`refuses what has neither of the two forms, as ${issuer}`, () => {
      assertRefused(issuer, /issuer must b/);
    });
  }

  for (const issuer of ['https://user:pw-7Hq@acme.okta.com', 'https://pw-7Hq@acme.okta.com']) {
    it('refuses a username or password, and does not repeat it', () => {
      assertRefused(issuer, /issuer must not contain a username or password/, 'pw-7Hq');
    });
  }

  for (const issuer of [
    'https://user:pw-7Hq@{yourOktaDomain}',
    'https://user:pw-7Hq@acme okta.com',
  ]) {
    it('repeats no password of an issuer that cannot work for another reason either', () => {
      assertRefused(issuer, /issuer/, 'pw-7Hq');
    });
  }
});
