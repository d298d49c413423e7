import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { startOkta, type Okta, type User } from '../../../example/okta/index.js';
import { coseKey } from '../../../example/okta/software-passkey.js';
import { answer, challenge, MFA_WEBAUTHN, mfaToken } from './support.js';

describe('the pages of the stand-in', () => {
  let okta: Okta;
  before(async () => {
    okta = await startOkta({ record: true, rateLimitPerSecond: Infinity });
  });
  after(() => okta.close());

  async function get(path: string, headers: Record<string, string> = {}) {
    const { statusCode, headers: got, body } = await request(okta.origin + path, { headers });
    return { status: statusCode, headers: got, text: await body.text() };
  }

  async function post(path: string, fields: Record<string, string>, origin = okta.origin) {
    const reply = await request(okta.origin + path, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
    await reply.body.dump();
    return [reply.statusCode, reply.headers['location']];
  }

  async function postJson(path: string, value: unknown, host = `localhost:${port()}`) {
    const reply = await request(okta.origin + path, {
      method: 'POST',
      headers: { host, origin: `http://${host}`, 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
    return {
      status: reply.statusCode,
      body: (await reply.body.json()) as Record<string, unknown>,
    };
  }

  const port = (): string => new URL(okta.origin).port;
  const pathOf = ({ username }: User): string => `/phone/${encodeURIComponent(username)}`;

  async function pushed(user: User) {
    const token = await mfaToken(okta, user);
    const { body } = await challenge(okta, token, { channel_hint: 'push' });
    return { token, oob_code: String(body['oob_code']) };
  }

  describe('for phones', () => {
    it('lists who has a phone or a mailbox', async () => {
      const { status, text } = await get('/phone');

      assert.equal(status, 200);
      for (const { username } of [okta.users.erin, okta.users.grace, okta.users.ivan]) {
        assert.ok(text.includes(username), username);
      }
      assert.equal(text.includes(okta.users.bob.username), false);
      assert.equal((await get(pathOf(okta.users.bob))).status, 404);
    });

    it('lets a push be approved by its number, once, and from no other site', async () => {
      const user = okta.addUser({ factors: { push: { numberChallenge: true } } });
      const { token, oob_code } = await pushed(user);
      const [push] = okta.phone(user).pushes();
      const { id = '', number = '', numbers = [] } = push ?? {};
      const { text } = await get(pathOf(user));
      const offered = [...text.matchAll(/name="tap" value="(\d\d)"/g)].map(([, tap]) => tap);
      assert.deepEqual(offered, numbers);
      assert.equal(text.includes(oob_code), false);

      const fields = { push: id, tap: number };
      const [forged] = await post(pathOf(user), fields, 'https://evil.example');
      assert.equal(forged, 403);
      assert.equal(okta.phone(user).pushes().length, 1);
      assert.deepEqual(await post(pathOf(user), fields), [303, pathOf(user)]);
      assert.equal((await post(pathOf(user), fields))[0], 409);
      assert.equal((await answer(okta, token, { oob_code })).status, 200);
    });

    it('lets a push without a number be approved, or any be denied', async () => {
      for (const [tap, status] of [
        ['yes', 200],
        ['no', 400],
        ['77', 400],
      ] as const) {
        const user = okta.addUser({ factors: { push: { numberChallenge: false } } });
        const { token, oob_code } = await pushed(user);
        assert.match((await get(pathOf(user))).text, /Yes, it&#39;s me|Yes, it's me/);
        const [{ id } = { id: '' }] = okta.phone(user).pushes();

        assert.equal((await post(pathOf(user), { push: id, tap }))[0], 303);
        const reply = await answer(okta, token, { oob_code });
        assert.equal(reply.status, status, tap);
        if (status === 400) assert.equal(reply.body['error'], 'invalid_grant');
      }
    });

    it('does not take the "yes" of a push without a number for one with', async () => {
      const user = okta.addUser({ factors: { push: { numberChallenge: true } } });
      const { token, oob_code } = await pushed(user);
      const [{ id } = { id: '' }] = okta.phone(user).pushes();
      await post(pathOf(user), { push: id, tap: 'yes' });

      assert.equal((await answer(okta, token, { oob_code })).body['error'], 'invalid_grant');
    });

    it('shows texts, calls and mails, and escapes what a test has put into names', async () => {
      const user = okta.addUser({
        username: '<i>"&\'/x@example.com',
        givenName: '<script>',
        factors: { sms: '<b>1</b>', email: {} },
      });
      const token = await mfaToken(okta, user);
      const codes: string[] = [];
      for (const channel_hint of ['sms', 'email']) {
        await challenge(okta, token, { channel_hint });
        codes.push(okta.phone(user).code());
      }
      const { status, text } = await get(pathOf(user));

      assert.equal(status, 200);
      for (const code of codes) assert.ok(text.includes(code));
      assert.doesNotMatch(text + (await get('/phone')).text, /<i>|<b>|<script>/);
    });

    it('allows no inline script, no framing and no caching', async () => {
      const { headers, text } = await get(pathOf(okta.users.kim));

      const policy = String(headers['content-security-policy']);
      for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]) {
        assert.ok(policy.includes(part), part);
      }
      assert.equal(headers['cache-control'], 'no-store');
      assert.match(text, /<script src="\/stand-in\/phone\.js" defer>/);
      assert.match(text, /<p id="news" class="unseen" aria-live="polite">/);
      for (const [name, type] of [
        ['phone.js', 'text/javascript'],
        ['passkeys.js', 'text/javascript'],
        ['style.css', 'text/css'],
      ] as const) {
        const asset = await get(`/stand-in/${name}`);
        assert.equal(asset.headers['content-type'], `${type}; charset=utf-8`);
      }
    });

    it('answers nothing else, and leaves recorded and scripted requests alone', async () => {
      okta.requests.length = 0;
      okta.respondNext({ status: 418 });
      for (const path of ['/phone/nobody', '/phone/%', '/passkeys/x', '/stand-in/x']) {
        assert.equal((await get(path)).status, 404, path);
      }
      assert.equal((await post('/phone', {}))[0], 404);
      assert.deepEqual(okta.requests, []);
      assert.equal((await get('/phones')).status, 418);
    });
  });

  describe('for passkeys', () => {
    it('sends the browser to the host that passkeys are for', async () => {
      const { status, headers } = await get('/passkeys');
      assert.deepEqual([status, headers['location']], [302, `http://localhost:${port()}/passkeys`]);
      const page = await get('/passkeys', { host: `localhost:${port()}` });
      assert.equal(page.status, 200);
      assert.match(page.text, /<label for="username">/);
    });

    it('enrols a passkey for who knows the password, and takes a challenge once', async () => {
      const user = okta.addUser();
      const { username, password } = user;
      for (const wrong of [{ username, password: 'x' }, { username: 'x', password }, null]) {
        assert.equal((await postJson('/passkeys/options', wrong)).status, 400);
      }
      const { body: options } = await postJson('/passkeys/options', { username, password });
      const origin = `http://localhost:${port()}`;
      const credential = createCredential(String(options['challenge']), origin);

      const elsewhere = await postJson('/passkeys', createCredential('x', origin));
      assert.equal(elsewhere.status, 400);
      assert.deepEqual(await postJson('/passkeys', credential), {
        status: 200,
        body: { message: `A passkey is enrolled for ${username}.` },
      });
      assert.equal((await postJson('/passkeys', credential)).status, 400);
      assert.deepEqual(
        user.passkeys.map(({ id }) => id),
        [credential.id],
      );

      const asked = { challenge_types_supported: MFA_WEBAUTHN };
      const { body } = await challenge(okta, await mfaToken(okta, user), asked);
      const { allowCredentials } = body['publicKey'] as { allowCredentials: { id: string }[] };
      assert.equal(allowCredentials[0]?.id, credential.id);
    });
  });
});

/** What `navigator.credentials.create()` gives, as JSON, without attestation. */
function createCredential(challenge: string, origin: string) {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    format: 'jwk',
  });
  const rawId = randomBytes(16);
  const authData = Buffer.concat([
    createHash('sha256').update('localhost').digest(),
    Buffer.from([0x45, 0, 0, 0, 0]),
    Buffer.alloc(16),
    Buffer.from([0, rawId.length]),
    rawId,
    coseKey(Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')),
  ]);
  // CBOR: { fmt: 'none', attStmt: {}, authData }.
  const attestationObject = Buffer.concat([
    Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746158', 'hex'),
    Buffer.from([authData.length]),
    authData,
  ]);
  const clientData = { type: 'webauthn.create', challenge, origin, crossOrigin: false };
  const id = rawId.toString('base64url');
  return {
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: Buffer.from(JSON.stringify(clientData)).toString('base64url'),
      attestationObject: attestationObject.toString('base64url'),
    },
  };
}
