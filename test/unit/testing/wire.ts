import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { request } from 'undici';
import { mockOkta, type MockOkta, type MockOktaUser } from '../../../lib/testing/index.js';

export const ISSUER = 'https://acme.okta.com';
export const CLIENT_ID = '0oa1client';

export const OTP = 'http://auth0.com/oauth/grant-type/mfa-otp';
export const OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
export const WEBAUTHN = 'urn:okta:params:oauth:grant-type:mfa-webauthn';

export interface Reply {
  status: number;
  body: Record<string, unknown>;
}

/** A mock of Okta, and what its client sends it. */
export interface Wire {
  okta: MockOkta;
  token: (form: Record<string, string>) => Promise<Reply>;
  challenge: (form: Record<string, string>) => Promise<Reply>;
  /** The password step, which gives the `mfa_token`. */
  begin: (user?: MockOktaUser) => Promise<string>;
  /** What `/challenge` gives for a channel. */
  send: (mfaToken: string, channel: string) => Promise<Record<string, unknown>>;
}

export function open(t: TestContext, ...users: [MockOktaUser, ...MockOktaUser[]]): Wire {
  const okta = mockOkta({ issuer: ISSUER, clientID: CLIENT_ID, users });
  t.after(() => okta.close());

  async function post(endpoint: string, form: Record<string, string>): Promise<Reply> {
    const { statusCode, body } = await request(`${ISSUER}/oauth2/v1/${endpoint}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ client_id: CLIENT_ID, ...form }).toString(),
      dispatcher: okta.dispatcher,
    });
    return { status: statusCode, body: (await body.json()) as Record<string, unknown> };
  }

  const token = (form: Record<string, string>) => post('token', { scope: 'openid', ...form });
  const challenge = (form: Record<string, string>) => post('challenge', form);
  return {
    okta,
    token,
    challenge,
    async begin({ username, password } = users[0]) {
      const { status, body } = await token({ grant_type: 'password', username, password });
      assert.deepEqual([status, body['error']], [403, 'mfa_required']);
      return String(body['mfa_token']);
    },
    async send(mfaToken, channel) {
      const { status, body } = await challenge({
        mfa_token: mfaToken,
        challenge_types_supported: OOB,
        channel_hint: channel,
      });
      assert.equal(status, 200);
      return body;
    },
  };
}

/** `403 access_denied: …`, for one comparison. */
export function summary({ status, body }: Reply): string {
  const { id_token, error, error_description = '' } = body as Record<string, string | undefined>;
  return `${status} ${error ?? (id_token === undefined ? 'no error' : 'tokens')}: ${error_description}`;
}

/** The claims of the reply's ID token. */
export function claims({ body }: Reply): Record<string, unknown> {
  const [, payload = ''] = String(body['id_token']).split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
