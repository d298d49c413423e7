import { OktaRefreshError, OktaResponseError } from '../errors.js';
import { Endpoint, type EndpointOptions } from './endpoint.js';
import type { HttpResponse } from './http.js';
import { interpretError, readError, referenceOf, type ErrorMeaning } from './oauth-error.js';
import { rateLimitError } from './rate-limit.js';
import type { Grant } from './request.js';
import type { MfaRequired, Pending, Rejected } from './state.js';
import type { OktaTokenSet, OnGrant } from './tokens.js';

/** What came back, before the ID token is verified. */
export type TokenResponse =
  { type: 'granted'; tokens: OktaTokenSet } | MfaRequired | Pending | Rejected;

export interface TokenEndpointOptions extends EndpointOptions {
  scope: string;
}

/** `/token`, RFC 6749 §3.2. */
export class TokenEndpoint {
  readonly #endpoint: Endpoint;
  readonly #scope: string;

  constructor(options: TokenEndpointOptions) {
    this.#endpoint = new Endpoint(options);
    this.#scope = options.scope;
  }

  /**
   * One POST.
   * @param deviceHeaders about the person's device, beside those of the client
   * @param onGrant called with what Okta grants, also where the response is not usable
   * @throws OktaConfigurationError, OktaResponseError, OktaUnreachableError, OktaTimeoutError
   */
  async request(
    grant: Grant,
    deviceHeaders: Record<string, string>,
    onGrant?: OnGrant,
  ): Promise<TokenResponse> {
    const form = new URLSearchParams({
      grant_type: grant.grantType,
      scope: this.#scope,
      ...grant.parameters,
    });
    const { sent, response: answer } = this.#endpoint.post(form, deviceHeaders, grant.loggable);
    const response = await answer;
    if (response.status !== 200) return interpret(response, grant, sent);
    onGrant?.(readGrant(response));
    const { id_token, ...tokens } = readTokens(response, sent);
    if (id_token !== undefined) return { type: 'granted', tokens: { ...tokens, id_token } };
    // OIDC Core §3.1.3.3: it must be there, since openid was asked.
    throw unusable(response, sent, 'has no id_token. Is openid granted to the app?');
  }

  /**
   * One POST, RFC 6749 §6.
   * @param scope as Okta granted it. Default: none is asked for, which means the same to Okta
   * @throws OktaRefreshError, OktaRateLimitError, OktaConfigurationError, OktaResponseError,
   *   OktaUnreachableError, OktaTimeoutError
   */
  async refresh(refreshToken: string, scope?: string): Promise<RefreshResponse> {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...(scope === undefined ? {} : { scope }),
    });
    const { sent, response: answer } = this.#endpoint.post(form, {}, []);
    const response = await answer;
    if (response.status === 200) return readTokens(response, sent);
    const rejected = interpretError(response, REFRESH, sent);
    if (rejected.reason === 'rate_limited') throw rateLimitError(rejected);
    const { oktaError, oktaDescription } = rejected.okta ?? {};
    throw new OktaRefreshError(
      `Okta no longer takes the refresh token: the person has to sign in again. Okta says ${[oktaError, oktaDescription].filter(Boolean).join(': ')}`,
      rejected.okta,
    );
  }
}

/** What came back for a refresh token, before the ID token is verified; Okta may leave it out. */
export type RefreshResponse = Omit<OktaTokenSet, 'id_token'> & { id_token?: string };

/** Whatever Okta refuses about the refresh token or the person, the person has to sign in again. */
const REFRESH: ErrorMeaning = {
  parameters: {},
  rejection: 'access_denied',
  rejectionCodes: new Set(['invalid_grant']),
};

/** @param sent what was sent and must appear in no message */
function interpret(response: HttpResponse, grant: Grant, sent: () => string[]): TokenResponse {
  const { status, json } = response;
  // Okta documents 403; its Kotlin SDK meets 400 as well.
  if (status >= 400 && status < 500 && status !== 429) {
    const { code = '' } = readError(json);
    if (code === 'mfa_required') {
      return {
        type: 'mfa_required',
        mfaToken: readMfaToken(response, sent),
        ...readChallengeTypes(json),
      };
    }
    if (grant.polls === true && PENDING_CODES.has(code)) {
      return { type: 'pending', slowDown: code === 'slow_down' };
    }
  }
  return interpretError(response, grant, sent);
}

/**
 * Okta's error catalogue has the first, an early server the second (Okta's Swift SDK), and RFC 8628
 * §3.5 the third.
 */
const PENDING_CODES = new Set([
  'authorization_pending',
  'direct_auth_authorization_pending',
  'slow_down',
]);

/** In no document of Okta's; its Swift SDK reads it. */
function readChallengeTypes(json: HttpResponse['json']): Pick<MfaRequired, 'challengeTypes'> {
  const types = json?.['supported_challenge_types'];
  const isList = Array.isArray(types) && types.length > 0 && types.every(isNonEmptyString);
  return isList ? { challengeTypes: types } : {};
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

/** What can be revoked, as soon as Okta has granted it. */
function readGrant({ json }: HttpResponse): Parameters<OnGrant>[0] {
  const { access_token, refresh_token } = json ?? {};
  return {
    ...(isNonEmptyString(access_token) ? { access_token } : {}),
    ...(isNonEmptyString(refresh_token) ? { refresh_token } : {}),
  };
}

function readTokens(response: HttpResponse, sent: () => string[]): RefreshResponse {
  const { access_token, id_token, token_type, expires_in, scope, refresh_token, device_secret } =
    response.json ?? {};
  if (response.json === undefined) throw unusable(response, sent, 'is not a JSON object');
  if (!isNonEmptyString(access_token)) throw unusable(response, sent, 'has no access_token');
  if (
    token_type !== undefined &&
    !/^bearer$/i.test(isNonEmptyString(token_type) ? token_type : '')
  ) {
    throw unusable(response, sent, 'has a token_type other than Bearer');
  }

  const tokens: RefreshResponse = { access_token };
  if (isNonEmptyString(id_token)) tokens.id_token = id_token;
  if (isNonEmptyString(token_type)) tokens.token_type = token_type;
  if (typeof expires_in === 'number') tokens.expires_in = expires_in;
  if (isNonEmptyString(scope)) tokens.scope = scope;
  if (isNonEmptyString(refresh_token)) tokens.refresh_token = refresh_token;
  if (isNonEmptyString(device_secret)) tokens.device_secret = device_secret;
  return tokens;
}

function unusable(
  response: HttpResponse,
  sent: () => string[],
  complaint: string,
): OktaResponseError {
  return new OktaResponseError(
    'invalid_response',
    `Okta's token response ${complaint}.`,
    referenceOf(response, sent),
  );
}

function isNonEmptyString(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
