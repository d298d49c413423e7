import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError, readConfig } from '../../../example/express/config.js';

const org = { OKTA_ISSUER: 'https://acme.okta.com', OKTA_CLIENT_ID: 'x' };

describe('readConfig', () => {
  it('needs nothing for the demo: port 3000 of this machine only, a random secret', () => {
    const { port, hosts, okta, sessionSecret, production } = readConfig({});
    assert.deepEqual(
      { port, hosts, okta, production },
      { port: 3000, hosts: ['127.0.0.1', '::1'], okta: undefined, production: false },
    );
    assert.ok(sessionSecret.length >= 40);
    assert.notEqual(readConfig({}).sessionSecret, sessionSecret);
  });

  it('takes the org from OKTA_ISSUER, OKTA_CLIENT_ID and OKTA_CLIENT_SECRET', () => {
    assert.deepEqual(readConfig({ ...org, OKTA_CLIENT_SECRET: 's' }).okta, {
      issuer: 'https://acme.okta.com',
      clientID: 'x',
      clientSecret: 's',
      allowInsecureIssuer: false,
    });
    const local = { ...org, OKTA_ISSUER: 'http://127.0.0.1:8081' };
    assert.equal(readConfig(local).okta?.allowInsecureIssuer, true);
  });

  it('takes the second factors from OKTA_FACTORS, with spaces or commas between', () => {
    const env = { ...org, OKTA_FACTORS: ' push,otp  email, ' };
    assert.deepEqual(readConfig(env).okta?.factors, ['push', 'otp', 'email']);
    assert.equal(readConfig({ ...org, OKTA_FACTORS: ' ' }).okta?.factors, undefined);
  });

  it('opens the app to the network only with a real org', () => {
    assert.deepEqual(readConfig({ ...org, HOST: '0.0.0.0' }).hosts, ['0.0.0.0']);
    assert.deepEqual(readConfig({ HOST: '0.0.0.0' }).hosts, ['127.0.0.1', '::1']);
  });

  it('takes a number of proxies, or their addresses', () => {
    assert.equal(readConfig({ TRUST_PROXY: '1' }).trustProxy, 1);
    assert.equal(readConfig({ TRUST_PROXY: '10.0.0.0/8' }).trustProxy, '10.0.0.0/8');
  });

  it('takes the lifetimes of a session in seconds, and the address of Redis', () => {
    const { sessionLifetime, redisUrl } = readConfig({
      SESSION_IDLE_SECONDS: '900',
      SESSION_MAX_SECONDS: '28800',
      REDIS_URL: 'redis://127.0.0.1:6379',
    });
    assert.deepEqual(sessionLifetime, { idle: 900, absolute: 28_800 });
    assert.equal(redisUrl, 'redis://127.0.0.1:6379');
    assert.deepEqual(readConfig({}).sessionLifetime, {});
    assert.equal(readConfig({}).redisUrl, undefined);
  });

  it("takes links to recovery pages other than the org's, or none", () => {
    assert.deepEqual(readConfig({}).recovery, {});
    const { recovery } = readConfig({
      OKTA_FORGOT_PASSWORD_URL: 'https://help.example.com/',
      OKTA_UNLOCK_URL: 'none',
    });
    assert.deepEqual(recovery, { forgotPassword: 'https://help.example.com/', unlock: undefined });
  });

  it('reads nothing that docs/sample-app.md does not name', () => {
    const read = new Set<string>(['NO_COLOR', 'FORCE_COLOR']);
    const watched = (env: Record<string, string>) =>
      new Proxy(env, {
        get: (target, name: string) => {
          read.add(name);
          return target[name];
        },
      });
    readConfig(watched({}));
    readConfig(watched({ ...org, NODE_ENV: 'production', SESSION_SECRET: 'x' }));
    assert.ok(read.size > 10);
    const root = join(__dirname, '..', '..', '..');
    const documented = readFileSync(join(root, 'docs', 'sample-app.md'), 'utf8');
    for (const name of read) assert.ok(documented.includes(`\`${name}\``), name);

    // Nothing else of the sample reads the environment: main.ts hands it to readConfig.
    const folder = join(root, 'example', 'express');
    const readers = readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .filter((file) => readFileSync(join(folder, file), 'utf8').includes('process.env'));
    assert.deepEqual(readers, ['demo.ts', 'main.ts']);
  });

  for (const [name, env, message] of [
    ['a link that is no URL', { OKTA_UNLOCK_URL: 'javascript:alert(1)' }, /OKTA_UNLOCK_URL must/],
    ['a lifetime that is no number', { SESSION_IDLE_SECONDS: '30m' }, /SESSION_IDLE_SECONDS must/],
    ['a session that never lives', { SESSION_MAX_SECONDS: '0' }, /SESSION_MAX_SECONDS must/],
    ['a port out of range', { PORT: '70000' }, /PORT must be a number/],
    ['an issuer without a client', { OKTA_ISSUER: 'x' }, /OKTA_CLIENT_ID must be set/],
    ['a client without an issuer', { OKTA_CLIENT_ID: 'x' }, /OKTA_ISSUER must be set/],
    ['a secret alone', { OKTA_CLIENT_SECRET: 's' }, /OKTA_ISSUER and OKTA_CLIENT_ID must be set/],
    ['the demo in production', { NODE_ENV: 'production' }, /needs a real org/],
    ['production without a secret', { ...org, NODE_ENV: 'production' }, /Set SESSION_SECRET/],
  ] as const) {
    it(`refuses ${name}, and says what to do`, () => {
      assert.throws(
        () => readConfig(env),
        (error) => error instanceof ConfigError && message.test(error.message),
      );
    });
  }
});
