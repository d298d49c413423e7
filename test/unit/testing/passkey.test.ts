import assert from 'node:assert/strict';
import { createHash, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import type { MockOktaAssertion, MockOktaUser } from '../../../lib/testing/index.js';
import { createPasskeys, isValid } from '../../../lib/testing/passkey.js';
import { claims, OOB, open, summary, WEBAUTHN, type Wire } from './wire.js';

const RP_ID = 'example.com';
const origin = 'https://app.example.com';
const ADA = { username: 'ada@example.com', password: 'pw', id: '00uada', passkey: { rpId: RP_ID } };
const EVE = { ...ADA, username: 'eve@example.com', id: '00ueve' };

const REFUSED = /^400 invalid_grant: None of the WebAuthn authenticators/;
const NO_CHALLENGE = /^400 invalid_grant: There is no pending WebAuthn challenge/;

type Response = Partial<MockOktaAssertion['response']>;

/** A login with its passkey asked for. */
async function asked({ begin, challenge, token, okta }: Wire, user: MockOktaUser = ADA) {
  const mfa_token = await begin(user);
  const options = async () => {
    const reply = await challenge({ mfa_token, challenge_types_supported: WEBAUTHN });
    assert.equal(reply.status, 200);
    return reply.body;
  };
  const body = await options();
  const publicKey = body['publicKey'] as Record<string, unknown>;
  const answer = (changed: object = {}) =>
    okta.passkey(user.username).answer({ ...publicKey, ...changed }, { origin });
  const enter = (response: Response) =>
    token({ grant_type: WEBAUTHN, mfa_token, ...(response as Record<string, string>) });
  return { mfa_token, options, body, publicKey, answer, enter };
}

const bytes = (text: string) => Buffer.from(text, 'base64url');
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest();

describe('a passkey of the mock', () => {
  it('is asked for as Okta does, and completes a login', async (t) => {
    const { body, publicKey, answer, enter } = await asked(open(t, ADA));
    const { id } = answer();
    assert.equal(body['challengeType'], WEBAUTHN);
    assert.deepEqual(publicKey, {
      challenge: publicKey['challenge'],
      rpId: RP_ID,
      allowCredentials: [{ type: 'public-key', id, transports: ['internal'] }],
      timeout: 300_000,
      userVerification: 'preferred',
    });
    assert.deepEqual(body['authenticatorEnrollments'], [
      {
        credentialId: id,
        displayName: 'Passkey',
        profile: { aaguid: '00000000-0000-0000-0000-000000000000' },
      },
    ]);
    const granted = await enter(answer().response);
    assert.equal(summary(granted), '200 tokens: ');
    assert.deepEqual(claims(granted)['amr'], ['mfa', 'pop', 'pwd']);
    assert.match(summary(await enter(answer().response)), /`mfa_token` has expired/);
  });

  it('answers as PublicKeyCredential.toJSON() does', async (t) => {
    const { publicKey, answer } = await asked(open(t, ADA));
    const { id, rawId, response, ...rest } = answer();
    assert.equal(rawId, id);
    assert.deepEqual(rest, {
      type: 'public-key',
      clientExtensionResults: {},
      authenticatorAttachment: 'platform',
    });
    assert.deepEqual(Object.keys(response).sort(), [
      'authenticatorData',
      'clientDataJSON',
      'signature',
      'userHandle',
    ]);
    assert.deepEqual(JSON.parse(bytes(response.clientDataJSON).toString()), {
      type: 'webauthn.get',
      challenge: publicKey['challenge'],
      origin,
      crossOrigin: false,
    });
    const authenticatorData = bytes(response.authenticatorData);
    assert.equal(authenticatorData.length, 37);
    assert.deepEqual(authenticatorData.subarray(0, 32), sha256(RP_ID));
    assert.equal(bytes(response.userHandle).toString(), '00uada');
  });

  it('is for the host of the issuer when no domain is set, which Okta does not name', async (t) => {
    for (const passkey of [true, {}]) {
      const wire = open(t, { ...ADA, passkey });
      const { publicKey, answer, enter } = await asked(wire);
      assert.ok(!('rpId' in publicKey));
      assert.match(summary(await enter(answer({ rpId: RP_ID }).response)), REFUSED);
      const next = await asked(wire);
      const { response } = next.answer({ rpId: 'acme.okta.com' });
      assert.equal((await next.enter(response)).status, 200);
    }
  });

  it("takes the page's host where the options have no domain, as browsers do", async (t) => {
    const wire = open(t, { ...ADA, passkey: { rpId: 'app.example.com' } });
    const { answer, enter } = await asked(wire);
    const { response } = answer({ rpId: undefined, allowCredentials: undefined });
    assert.equal((await enter(response)).status, 200);
  });

  it('is refused when anything in the answer is wrong, and asked for anew', async (t) => {
    const wire = open(t, ADA, EVE);
    const flip = (text: string, at: number) => {
      const data = bytes(text);
      data[at] = (data[at] ?? 0) ^ 1;
      return data.toString('base64url');
    };
    const attempts: Record<string, (assertion: MockOktaAssertion) => Response> = {
      'another domain': ({ response }) => response,
      signature: ({ response }) => ({ ...response, signature: flip(response.signature, 20) }),
      'no signature': ({ response }) => ({ ...response, signature: 'AAAA' }),
      'authenticator data': ({ response }) => ({
        ...response,
        authenticatorData: flip(response.authenticatorData, 36),
      }),
      'no flags': ({ response }) => ({
        ...response,
        authenticatorData: sha256(RP_ID).toString('base64url'),
      }),
      'client data': ({ response }) => ({
        ...response,
        clientDataJSON: Buffer.from(`${bytes(response.clientDataJSON).toString()} `).toString(
          'base64url',
        ),
      }),
      'user handle': ({ response }) => ({
        ...response,
        userHandle: Buffer.from('00ueve').toString('base64url'),
      }),
    };
    for (const [name, change] of Object.entries(attempts)) {
      const { answer, enter, options } = await asked(wire);
      const good = answer();
      const bad = change(name === 'another domain' ? answer({ rpId: 'evil.example' }) : good);
      assert.match(summary(await enter(bad)), REFUSED, name);
      assert.match(summary(await enter(good.response)), NO_CHALLENGE, `${name}: single use`);
      const publicKey = (await options())['publicKey'] as object;
      const { response } = wire.okta.passkey(ADA.username).answer(publicKey, { origin });
      assert.equal((await enter(response)).status, 200, name);
    }
  });

  it("is refused when another person's signs, though asked for", async (t) => {
    const wire = open(t, ADA, EVE);
    const { publicKey, answer, enter } = await asked(wire);
    const options = { ...publicKey, allowCredentials: [] };
    const { response } = wire.okta.passkey(EVE.username).answer(options, { origin });
    const { userHandle } = answer().response;
    assert.match(summary(await enter({ ...response, userHandle })), REFUSED);
  });

  it('may leave the user handle out', async (t) => {
    const { answer, enter } = await asked(open(t, ADA));
    const { clientDataJSON, authenticatorData, signature } = answer().response;
    assert.equal((await enter({ clientDataJSON, authenticatorData, signature })).status, 200);
  });

  it('must answer the challenge that is out for the login', async (t) => {
    const wire = open(t, { ...ADA, push: true }, EVE);
    const ada = await asked(wire);
    const eve = await asked(wire, EVE);
    assert.match(
      summary(await ada.enter(eve.answer().response)),
      /^400 invalid_request: The `challenge` and the `mfa_token` .* not associated/,
    );
    const unknown = ada.answer({ challenge: 'AAAA' }).response;
    assert.match(summary(await ada.enter(unknown)), NO_CHALLENGE);

    const first = ada.answer().response;
    const { challenge } = (await ada.options())['publicKey'] as { challenge: string };
    assert.match(summary(await ada.enter(first)), NO_CHALLENGE, 'replaced by another');
    const poll = { grant_type: OOB, mfa_token: ada.mfa_token, oob_code: challenge };
    assert.match(summary(await wire.token(poll)), /^403 access_denied: `oob_code` has expired/);
    const push = await wire.send(ada.mfa_token, 'push');
    const polled = ada.answer({ challenge: push['oob_code'] }).response;
    assert.match(summary(await ada.enter(polled)), NO_CHALLENGE, 'an oob_code');

    wire.okta.advance(300);
    assert.match(summary(await eve.enter(eve.answer().response)), NO_CHALLENGE, 'expired');
  });

  it('names what an answer lacks', async (t) => {
    const { answer, enter } = await asked(open(t, ADA));
    const { response } = answer();
    for (const changed of [
      { clientDataJSON: '' },
      { authenticatorData: '' },
      { signature: '' },
      { clientDataJSON: 'AAAA' },
      { clientDataJSON: Buffer.from('{}').toString('base64url') },
      { clientDataJSON: Buffer.from('null').toString('base64url') },
    ]) {
      const refused = await enter({ ...response, ...changed });
      assert.match(summary(refused), /^400 invalid_request: WebAuthn requests must contain/);
    }
    assert.match(summary(await enter({})), /^400 invalid_request: /);
    assert.equal((await enter(response)).status, 200);
  });

  it('is one of several that the options may ask for', async (t) => {
    const { publicKey, answer, enter } = await asked(open(t, ADA));
    const [own] = publicKey['allowCredentials'] as object[];
    const other = { type: 'public-key', id: 'AAAA' };
    const { response } = answer({ allowCredentials: [other, own] });
    assert.equal((await enter(response)).status, 200);
  });

  it('names what it cannot answer', async (t) => {
    const wire = open(t, ADA, EVE, { username: 'bob', password: 'pw' });
    const { publicKey } = await asked(wire);
    const eve = wire.okta.passkey(EVE.username);
    assert.throws(() => eve.answer(publicKey, { origin }), {
      name: 'Error',
      message: 'mockOkta: the options ask for another passkey',
    });
    for (const options of [{}, { challenge: '' }, { challenge: new Uint8Array(8) }]) {
      assert.throws(() => eve.answer(options, { origin }), /^TypeError: .*with a challenge$/);
    }
    for (const wrong of ['app.example.com', `${origin}/`, `${origin}/login`, '']) {
      assert.throws(
        () => eve.answer({ challenge: 'AAAA' }, { origin: wrong }),
        /^TypeError: .*such as https:\/\/app\.example\.com$/,
      );
    }
    assert.throws(() => wire.okta.passkey('bob'), {
      name: 'Error',
      message: 'mockOkta: bob has no passkey',
    });
    assert.throws(() => wire.okta.passkey('carol'), /^Error: mockOkta: nobody has the username/);
  });
});

describe('isValid', () => {
  it('wants a sign-in, by somebody who was there', () => {
    const passkey = createPasskeys().of(ADA.username);
    const person = { rpId: RP_ID, userId: ADA.id };
    const signed = (type: string, flags: number) => {
      const clientData = Buffer.from(JSON.stringify({ type, challenge: 'AAAA', origin }));
      const data = Buffer.concat([sha256(RP_ID), Buffer.from([flags, 0, 0, 0, 0])]);
      const signature = sign(
        'sha256',
        Buffer.concat([data, sha256(clientData)]),
        passkey.privateKey,
      );
      return {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature.toString('base64url'),
      };
    };
    assert.equal(isValid(passkey, signed('webauthn.get', 0x05), person), true);
    assert.equal(isValid(passkey, signed('webauthn.get', 0x01), person), true);
    assert.equal(isValid(passkey, signed('webauthn.get', 0x04), person), false);
    assert.equal(isValid(passkey, signed('webauthn.create', 0x05), person), false);
    const unreadable = { ...signed('webauthn.get', 0x05), clientDataJSON: 'AAAA' };
    assert.equal(isValid(passkey, unreadable, person), false);
  });
});
