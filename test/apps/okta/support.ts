import { request } from 'undici';
import type { Client, Okta, ServerName, User } from '../../../example/okta/index.js';
import { MFA_OTP } from '../../support/okta.js';

export { MFA_OTP } from '../../support/okta.js';
export const PASSWORD = 'password';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

type Form = Record<string, string | undefined> | [string, string][];

/** One request over HTTP; `body` is the parsed JSON. */
export async function ask(
  url: string,
  options: { form?: Form; headers?: Record<string, string>; method?: string } = {},
): Promise<Reply> {
  const { form, headers = {} } = options;
  const fields = Array.isArray(form)
    ? form
    : Object.entries(form ?? {}).filter(
        (field): field is [string, string] => field[1] !== undefined,
      );
  const {
    statusCode,
    headers: got,
    body,
  } = await request(url, {
    method: options.method ?? (form ? 'POST' : 'GET'),
    headers: {
      ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      ...headers,
    },
    body: form ? new URLSearchParams(fields).toString() : null,
  });
  const text = await body.text();
  return {
    status: statusCode,
    headers: got,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

export interface LoginOptions {
  server?: ServerName;
  client?: Client;
  scope?: string;
}

export function endpoint(okta: Okta, server: ServerName, name: string): string {
  return `${okta.origin}${server === 'org' ? '/oauth2' : '/oauth2/default'}/v1/${name}`;
}

export function askToken(
  okta: Okta,
  form: Form,
  options: { server?: ServerName; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { server = 'org', headers = {} } = options;
  return ask(endpoint(okta, server, 'token'), { form, headers });
}

/** The password step of a public client. */
export function sendPassword(okta: Okta, user: User, options: LoginOptions = {}): Promise<Reply> {
  const { client = okta.clients.native, scope = 'openid profile', server = 'org' } = options;
  return askToken(
    okta,
    {
      grant_type: PASSWORD,
      username: user.username,
      password: user.password,
      scope,
      client_id: client.client_id,
    },
    { server },
  );
}

/** The passcode step of a public client. */
export function sendOtp(
  okta: Okta,
  mfaToken: unknown,
  otp: string,
  options: LoginOptions = {},
): Promise<Reply> {
  const { client = okta.clients.native, scope = 'openid profile', server = 'org' } = options;
  return askToken(
    okta,
    {
      grant_type: MFA_OTP,
      mfa_token: String(mfaToken),
      otp,
      scope: scope === '' ? undefined : scope,
      client_id: client.client_id,
    },
    { server },
  );
}

/** Both steps; the reply of the second. */
export async function logIn(okta: Okta, user: User, options: LoginOptions = {}): Promise<Reply> {
  const { body } = await sendPassword(okta, user, options);
  return sendOtp(okta, body['mfa_token'], okta.otp(user), options);
}

/** What an OAuth error says, without what differs from answer to answer. */
export function oauthError(reply: Reply): [number, unknown, unknown] {
  return [reply.status, reply.body['error'], reply.body['error_description']];
}

export const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
export const MFA_WEBAUTHN = 'urn:okta:params:oauth:grant-type:mfa-webauthn';

/** The password step; the `mfa_token`. */
export async function mfaToken(okta: Okta, user: User, options?: LoginOptions): Promise<string> {
  const { body } = await sendPassword(okta, user, options);
  return String(body['mfa_token']);
}

/** `/challenge` of a public client, for a channel unless the form says otherwise. */
export function challenge(
  okta: Okta,
  token: string,
  form: Record<string, string | undefined>,
  { server = 'org', client = okta.clients.native }: LoginOptions = {},
): Promise<Reply> {
  return ask(endpoint(okta, server, 'challenge'), {
    form: {
      client_id: client.client_id,
      mfa_token: token,
      challenge_types_supported: MFA_OOB,
      ...form,
    },
  });
}

/** A token request for what was challenged, of a public client. */
export function answer(
  okta: Okta,
  token: string,
  form: Record<string, string | undefined>,
  { server = 'org', client = okta.clients.native, scope = 'openid profile' }: LoginOptions = {},
): Promise<Reply> {
  return askToken(
    okta,
    { grant_type: MFA_OOB, client_id: client.client_id, mfa_token: token, scope, ...form },
    { server },
  );
}
