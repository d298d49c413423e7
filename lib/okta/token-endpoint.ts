import { OktaResponseError } from '../errors.js';
import type { ClientAuthentication } from './client-authentication.js';
import type { HttpClient, HttpResponse } from './http.js';
import { interpretError, readError, referenceOf } from './oauth-error.js';
import type { Grant } from './request.js';
import type { MfaRequired, Rejected } from './state.js';
import type { OktaTokenSet } from './tokens.js';

/** What came back, before the ID token is verified. */
export type TokenResponse = { type: 'granted'; tokens: OktaTokenSet } | MfaRequired | Rejected;

export interface TokenEndpointOptions {
  http: HttpClient;
  url: URL;
  scope: string;
  authenticateClient: ClientAuthentication;
}

/** `/token`, RFC 6749 §3.2. */
export class TokenEndpoint {
  readonly #options: TokenEndpointOptions;

  constructor(options: TokenEndpointOptions) {
    this.#options = options;
  }

  /**
   * One POST.
   * @param deviceHeaders about the person's device, beside those of the client
   * @throws OktaConfigurationError, OktaResponseError, OktaUnreachableError, OktaTimeoutError
   */
  async request(grant: Grant, deviceHeaders: Record<string, string>): Promise<TokenResponse> {
    const { http, url, scope, authenticateClient } = this.#options;
    const form = new URLSearchParams({ grant_type: grant.grantType, scope, ...grant.parameters });
    const headers: Record<string, string> = {
      ...deviceHeaders,
      'content-type': 'application/x-www-form-urlencoded',
    };
    authenticateClient(form, headers);
    const response = await http({ method: 'POST', url, headers, body: form.toString() });
    return interpret(response, grant, () => secretsOf(form, headers, grant));
  }
}

/** What is the same in every request, or public. */
const LOGGABLE = new Set(['grant_type', 'scope', 'client_id', 'client_assertion_type']);

/** What was sent and must appear in no message. */
function secretsOf(
  form: URLSearchParams,
  { authorization }: Record<string, string>,
  { loggable }: Grant,
): string[] {
  const secrets = [...form]
    .filter(([name]) => !LOGGABLE.has(name) && !loggable.includes(name))
    .map(([, value]) => value);
  if (authorization === undefined) return secrets;
  // RFC 7617: the client secret is in it in another form.
  const basic = authorization.slice('Basic '.length);
  const [, encodedSecret = ''] = Buffer.from(basic, 'base64').toString().split(':');
  return [...secrets, basic, ...new URLSearchParams(`=${encodedSecret}`).values()];
}

/** @param sent what was sent and must appear in no message */
function interpret(response: HttpResponse, grant: Grant, sent: () => string[]): TokenResponse {
  const { status, json } = response;
  if (status === 200) return { type: 'granted', tokens: readTokens(response, sent) };
  // Okta documents 403; its Kotlin SDK meets 400 as well.
  if (status >= 400 && status < 500 && status !== 429 && readError(json).code === 'mfa_required') {
    return { type: 'mfa_required', mfaToken: readMfaToken(response, sent) };
  }
  return interpretError(response, grant, sent);
}

/** Longer than any `mfa_token` seen; what is longer has no place in a session. */
const MAX_MFA_TOKEN_LENGTH = 4096;

function readMfaToken(response: HttpResponse, sent: () => string[]): string {
  const mfaToken = response.json?.['mfa_token'];
  if (isNonEmptyString(mfaToken) && mfaToken.length <= MAX_MFA_TOKEN_LENGTH) return mfaToken;
  throw new OktaResponseError(
    'invalid_response',
    'Okta asks for a second factor and gives no usable mfa_token.',
    referenceOf(response, sent),
  );
}

function readTokens(response: HttpResponse, sent: () => string[]): OktaTokenSet {
  const { access_token, id_token, token_type, expires_in, scope, refresh_token, device_secret } =
    response.json ?? {};
  const unusable = (complaint: string) =>
    new OktaResponseError(
      'invalid_response',
      `Okta's token response ${complaint}.`,
      referenceOf(response, sent),
    );

  if (response.json === undefined) throw unusable('is not a JSON object');
  if (!isNonEmptyString(access_token)) throw unusable('has no access_token');
  if (
    token_type !== undefined &&
    !/^bearer$/i.test(isNonEmptyString(token_type) ? token_type : '')
  ) {
    throw unusable('has a token_type other than Bearer');
  }
  // OIDC Core §3.1.3.3: it must be there, since openid was asked.
  if (!isNonEmptyString(id_token)) throw unusable('has no id_token. Is openid granted to the app?');

  const tokens: OktaTokenSet = { access_token, id_token };
  if (isNonEmptyString(token_type)) tokens.token_type = token_type;
  if (typeof expires_in === 'number') tokens.expires_in = expires_in;
  if (isNonEmptyString(scope)) tokens.scope = scope;
  if (isNonEmptyString(refresh_token)) tokens.refresh_token = refresh_token;
  if (isNonEmptyString(device_secret)) tokens.device_secret = device_secret;
  return tokens;
}

function isNonEmptyString(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
