import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import jwt from 'jsonwebtoken';
import {
  startOkta,
  type AnswerOptions,
  type Okta,
  type SoftwarePasskey,
  type User,
} from '../../../example/okta/index.js';
import { answer, challenge, MFA_WEBAUTHN, mfaToken, oauthError, type Reply } from './support.js';

const ORIGIN = 'https://app.example.com';
const WEBAUTHN = { challenge_types_supported: MFA_WEBAUTHN };

type PublicKey = { challenge: string } & Record<string, unknown>;
const publicKeyOf = ({ body }: Reply): PublicKey => body['publicKey'] as PublicKey;

describe('passkeys at the stand-in', () => {
  let okta: Okta;
  before(async () => {
    const webauthn = { rpID: 'example.com', origins: [ORIGIN] };
    okta = await startOkta({ webauthn, rateLimitPerSecond: Infinity });
  });
  after(() => okta.close());

  async function challenged(user: User) {
    const token = await mfaToken(okta, user);
    const reply = await challenge(okta, token, WEBAUTHN);
    return { token, reply, publicKey: publicKeyOf(reply) };
  }

  function send(
    token: string,
    passkey: SoftwarePasskey,
    publicKey: PublicKey,
    options: Partial<AnswerOptions> = {},
  ): Promise<Reply> {
    const { response } = passkey.answer(publicKey, { origin: ORIGIN, ...options });
    return answer(okta, token, { grant_type: MFA_WEBAUTHN, ...response });
  }

  it('asks for one of the passkeys and grants tokens for its answer, once', async () => {
    const user = okta.addUser();
    okta.createPasskey(user);
    const passkey = okta.createPasskey(user);
    const { token, reply, publicKey } = await challenged(user);

    assert.equal(reply.status, 200);
    assert.equal(reply.body['challengeType'], MFA_WEBAUTHN);
    assert.deepEqual(Object.keys(reply.body), [
      'challengeType',
      'publicKey',
      'authenticatorEnrollments',
    ]);
    assert.equal(publicKey['rpId'], 'example.com');
    assert.equal((publicKey['allowCredentials'] as object[]).length, 2);
    const granted = await send(token, passkey, publicKey);
    const claims = jwt.decode(String(granted.body['id_token'])) as jwt.JwtPayload;
    assert.deepEqual(claims['amr'], ['mfa', 'pop', 'pwd']);
    assert.deepEqual(oauthError(await send(token, passkey, publicKey)).slice(0, 2), [
      403,
      'access_denied',
    ]);
  });

  const wrong: Record<string, Partial<AnswerOptions>> = {
    'of another page': { origin: 'https://evil.example' },
    'of another ceremony': { type: 'webauthn.create' },
  };
  for (const [what, options] of Object.entries(wrong)) {
    it(`refuses an answer ${what}, and lets nothing pass after it`, async () => {
      const user = okta.addUser();
      const passkey = okta.createPasskey(user);
      const { token, publicKey } = await challenged(user);

      assert.deepEqual(oauthError(await send(token, passkey, publicKey, options)), [
        400,
        'invalid_grant',
        'None of the WebAuthn authenticators of the user was able to validate the assertion.',
      ]);
      assert.deepEqual(oauthError(await send(token, passkey, publicKey)), [
        400,
        'invalid_grant',
        'There is no pending WebAuthn challenge for the request.',
      ]);
    });
  }

  it("refuses another person's passkey, and one of another RP ID", async () => {
    for (const rpID of ['example.com', 'example.org']) {
      const user = okta.addUser();
      const own = okta.createPasskey(user, { rpID });
      const stranger = okta.createPasskey(okta.addUser());
      const { token, publicKey } = await challenged(user);
      const passkey = rpID === 'example.com' ? stranger : own;
      assert.equal((await send(token, passkey, publicKey)).body['error'], 'invalid_grant', rpID);
    }
  });

  it('refuses what does not belong together, or is incomplete', async () => {
    const user = okta.addUser();
    const passkey = okta.createPasskey(user);
    const { token, publicKey } = await challenged(user);
    const other = await challenged(user);
    const { response } = passkey.answer(publicKey, { origin: ORIGIN });
    const form = { grant_type: MFA_WEBAUTHN, ...response };
    const description = async (changes: Record<string, string | undefined>) =>
      String((await answer(okta, token, { ...form, ...changes })).body['error_description']);

    const mixed = await send(token, passkey, other.publicKey);
    assert.deepEqual(oauthError(mixed).slice(0, 2), [400, 'invalid_request']);
    assert.match(String(mixed.body['error_description']), /are not associated/);
    assert.match(await description({ signature: undefined }), /must contain/);
    assert.match(await description({ clientDataJSON: 'e30' }), /containing a `challenge`/);
    assert.match(await description({ clientDataJSON: 'x' }), /containing a `challenge`/);
    assert.match(await description({ scope: 'openid' }), /scopes don't match/);
    assert.equal((await send(token, passkey, publicKey)).status, 200);
  });

  it('cannot be asked for without a passkey', async () => {
    const token = await mfaToken(okta, okta.addUser());
    const reply = await challenge(okta, token, WEBAUTHN);

    assert.deepEqual(oauthError(reply).slice(0, 2), [403, 'access_denied']);
  });

  it('takes any origin, and keeps the RP ID to itself, when told to', async () => {
    const standIn = await startOkta({ webauthn: { sendRpId: false } });
    try {
      const user = standIn.addUser();
      const passkey = standIn.createPasskey(user);
      const token = await mfaToken(standIn, user);
      const publicKey = publicKeyOf(await challenge(standIn, token, WEBAUTHN));

      assert.equal('rpId' in publicKey, false);
      assert.deepEqual(publicKey['extensions'], { appid: 'https://localhost' });
      const { response } = passkey.answer(publicKey, { origin: 'http://localhost:3000' });
      const form = { grant_type: MFA_WEBAUTHN, ...response };
      assert.equal((await answer(standIn, token, form)).status, 200);
    } finally {
      await standIn.close();
    }
  });
});
