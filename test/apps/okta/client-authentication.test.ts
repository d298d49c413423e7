import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import jwt from 'jsonwebtoken';
import { startOkta, type Okta, type ServerName } from '../../../example/okta/index.js';
import { askToken, endpoint, oauthError, PASSWORD, type Reply } from './support.js';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const WRONG_SECRET = [
  401,
  'invalid_client',
  'The client secret supplied for a confidential client is invalid.',
];

/** RFC 6749 appendix B. */
function formEncode(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1);
}

function basic(id: string, secret: string, encode = formEncode): Record<string, string> {
  const credentials = Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64');
  return { authorization: `Basic ${credentials}` };
}

describe('client authentication at the stand-in', () => {
  let okta: Okta;
  before(async () => {
    okta = await startOkta({ rateLimitPerSecond: Infinity });
  });
  after(() => okta.close());

  function send(
    fields: Record<string, string | undefined>,
    options: { server?: ServerName; headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const { username, password } = okta.users.alice;
    const form = { grant_type: PASSWORD, username, password, scope: 'openid', ...fields };
    return askToken(okta, form, options);
  }

  const accepted = (reply: Reply): void => {
    assert.equal(reply.body['error'], 'mfa_required', JSON.stringify(reply.body));
  };

  function assertion(
    key: KeyObject,
    algorithm: 'RS256' | 'ES256',
    server: ServerName,
    claims: Record<string, unknown> = {},
  ): string {
    const id = okta.clients.jwt.client_id;
    return jwt.sign(
      {
        iss: id,
        sub: id,
        aud: endpoint(okta, server, 'token'),
        exp: Math.floor(Date.now() / 1000) + 60,
        jti: randomUUID(),
        ...claims,
      },
      key,
      { algorithm, keyid: `demo-${algorithm.toLowerCase()}` },
    );
  }
  const sendAssertion = (client_assertion: string, server: ServerName = 'org'): Promise<Reply> =>
    send({ client_assertion, client_assertion_type: ASSERTION_TYPE }, { server });

  for (const server of ['org', 'default'] satisfies ServerName[]) {
    describe(`of the ${server} server`, () => {
      it('takes a public client by its id', async () => {
        accepted(await send({ client_id: okta.clients.native.client_id }, { server }));
      });

      it('takes client_secret_basic', async () => {
        const { client_id, client_secret } = okta.clients.basic;
        accepted(await send({}, { server, headers: basic(client_id, client_secret) }));
      });

      it('takes client_secret_post', async () => {
        const { client_id, client_secret } = okta.clients.post;
        accepted(await send({ client_id, client_secret }, { server }));
      });

      for (const algorithm of ['RS256', 'ES256'] as const) {
        it(`takes private_key_jwt with ${algorithm}`, async () => {
          const key = okta.clients.jwt.privateKeys[algorithm];
          accepted(await sendAssertion(assertion(key, algorithm, server), server));
        });
      }
    });
  }

  it('refuses client_secret_basic without form-encoding', async () => {
    const { client_id, client_secret } = okta.clients.basic;
    const asIs = (value: string): string => value;
    const onlyUri = (value: string): string => encodeURIComponent(value);

    assert.equal((await send({}, { headers: basic(client_id, client_secret, asIs) })).status, 401);
    // %20 for + is the same to whoever decodes.
    accepted(await send({}, { headers: basic(client_id, client_secret, onlyUri) }));
  });

  it('refuses an id or secret that is encoded only in part', async () => {
    const { client_id, client_secret } = okta.clients.basic;
    const idOnly = Buffer.from(`${formEncode(client_id)}:${client_secret}`).toString('base64');
    const secretOnly = Buffer.from(`${client_id}:${formEncode(client_secret)}`).toString('base64');
    for (const credentials of [idOnly, secretOnly]) {
      const headers = { authorization: `Basic ${credentials}` };
      assert.equal((await send({}, { headers })).status, 401);
    }
  });

  it('refuses a wrong secret in either place', async () => {
    const { clients } = okta;

    assert.deepEqual(
      oauthError(await send({}, { headers: basic(clients.basic.client_id, 'wrong') })),
      WRONG_SECRET,
    );
    assert.deepEqual(
      oauthError(await send({ client_id: clients.post.client_id, client_secret: 'wrong' })),
      WRONG_SECRET,
    );
  });

  it('refuses a client that it does not know, or none', async () => {
    assert.deepEqual(oauthError(await send({ client_id: '0oaunknown' })), [
      401,
      'invalid_client',
      'Invalid value for the `client_id` parameter',
    ]);
    assert.deepEqual(oauthError(await send({})), [
      401,
      'invalid_client',
      'No client credentials found',
    ]);
  });

  it('refuses a confidential client that sends only its id', async () => {
    for (const client of [okta.clients.basic, okta.clients.post, okta.clients.jwt]) {
      const [status, error] = oauthError(await send({ client_id: client.client_id }));
      assert.deepEqual([status, error], [401, 'invalid_client'], client.client_id);
    }
  });

  it('refuses a secret from a client that has none', async () => {
    const { native, jwt: signing } = okta.clients;
    const replies = [
      await send({ client_id: native.client_id, client_secret: 'x' }),
      await send({}, { headers: basic(native.client_id, 'x') }),
      await send({ client_id: signing.client_id, client_secret: 'x' }),
    ];
    for (const reply of replies) {
      assert.deepEqual(oauthError(reply).slice(0, 2), [401, 'invalid_client']);
    }
  });

  it('refuses credentials in two places', async () => {
    const { client_id, client_secret } = okta.clients.basic;
    const reply = await send({ client_secret }, { headers: basic(client_id, client_secret) });

    assert.equal(reply.status, 400);
    assert.equal(reply.body['error'], 'invalid_request');
    assert.match(
      String(reply.body['error_description']),
      /^Can't supply multiple client credentials\. /,
    );
  });

  it('takes each client assertion once', async () => {
    const once = assertion(okta.clients.jwt.privateKeys.ES256, 'ES256', 'org');

    accepted(await sendAssertion(once));
    assert.deepEqual(oauthError(await sendAssertion(once)).slice(0, 2), [401, 'invalid_client']);
  });

  it('refuses a client assertion that breaks a rule', async () => {
    const { ES256 } = okta.clients.jwt.privateKeys;
    const now = Math.floor(Date.now() / 1000);
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const broken: Record<string, string> = {
      'another key': assertion(stranger, 'ES256', 'org'),
      'the issuer as audience': assertion(ES256, 'ES256', 'org', { aud: okta.issuers.org }),
      'the other server as audience': assertion(ES256, 'ES256', 'default'),
      'another subject': assertion(ES256, 'ES256', 'org', { iss: 'x' }),
      expired: assertion(ES256, 'ES256', 'org', { exp: now - 60 }),
      'more than an hour': assertion(ES256, 'ES256', 'org', { exp: now + 2 * 3600 }),
      'no jti': assertion(ES256, 'ES256', 'org', { jti: '' }),
    };
    for (const [what, client_assertion] of Object.entries(broken)) {
      const reply = await sendAssertion(client_assertion);
      assert.deepEqual(oauthError(reply).slice(0, 2), [401, 'invalid_client'], what);
    }
  });

  it('takes the keys that a test registers', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { client_id } = okta.addClient({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'demo-es256' }] },
    });
    const claims = { iss: client_id, sub: client_id };

    accepted(await sendAssertion(assertion(privateKey, 'ES256', 'org', claims)));
  });
});
