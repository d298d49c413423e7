import { formEncode, type ClientAuthentication } from './client-authentication.js';
import { ConfigurationError, OktaResponseError, type OktaReference } from '../errors.js';
import type { Grant } from './request.js';
import type { HttpClient, HttpReply } from './http.js';
import type { IdTokenClaims } from './id-token.js';
import { redact } from '../redact.js';

/** Okta's answer to a granted request (RFC 6749 §5.1, OIDC Core §3.1.3.3), under its wire names. */
export interface TokenSet {
  /** For Okta's APIs or the app's own, as a bearer token (RFC 6750). */
  access_token: string;
  /** As it came; its verified claims are in `claims` of `OktaTokens`. */
  id_token: string;
  /** `Bearer` */
  token_type?: string;
  /** Seconds. */
  expires_in?: number;
  /** The scopes granted, space separated. */
  scope?: string;
  /** With scope `offline_access`. */
  refresh_token?: string;
  /** With scope `device_sso`. */
  device_secret?: string;
}

/** What the verify function gets: Okta's tokens, and the verified claims of the ID token. */
export interface OktaTokens extends TokenSet {
  /** The verified claims of the ID token. */
  claims: IdTokenClaims;
}

/** What Okta said, before anybody has judged what it means for the login. */
export type TokenReply<Refusal extends string = string> =
  | { type: 'granted'; tokens: TokenSet }
  | { type: 'mfa_required'; mfaToken: string }
  | { type: 'refused'; refusal: Refusal }
  | { type: 'mfa_token_expired' }
  | { type: 'access_denied' }
  | { type: 'rate_limited'; retryAfter: number | undefined };

export interface TokenEndpoint {
  /**
   * One POST to `/token`.
   * @param headers about the person's device, beside those of the client
   * @throws ConfigurationError, OktaResponseError, OktaUnreachableError, OktaTimeoutError
   */
  request<Input, Refusal extends string>(
    grant: Grant<Input, Refusal>,
    input: Input,
    headers: Record<string, string>,
  ): Promise<TokenReply<Refusal>>;
}

export interface TokenEndpointOptions {
  http: HttpClient;
  url: URL;
  scope: string;
  authenticateClient: ClientAuthentication;
}

/** The only caller of `/token`. */
export function createTokenEndpoint({
  http,
  url,
  scope,
  authenticateClient,
}: TokenEndpointOptions): TokenEndpoint {
  return {
    async request(grant, input, deviceHeaders) {
      const form = new URLSearchParams({
        grant_type: grant.grantType,
        scope,
        ...grant.parameters(input),
      });
      const headers: Record<string, string> = {
        ...deviceHeaders,
        'content-type': 'application/x-www-form-urlencoded',
      };
      authenticateClient(form, headers);
      const reply = await http({ method: 'POST', url, headers, body: form.toString() });
      return interpret(reply, grant, () => secretsOf(form, headers));
    },
  };
}

const SECRET_PARAMETERS = ['password', 'otp', 'mfa_token', 'client_secret', 'client_assertion'];

/** What was sent and must stand in no message, even where Okta quotes it, encoded or not. */
function secretsOf(form: URLSearchParams, headers: Record<string, string>): string[] {
  const secrets = SECRET_PARAMETERS.flatMap((name) => form.get(name) ?? []);
  const basic = headers['authorization']?.slice('Basic '.length) ?? '';
  const [, encodedSecret = ''] = Buffer.from(basic, 'base64').toString().split(':');
  secrets.push(basic, encodedSecret, new URLSearchParams(`=${encodedSecret}`).get('') ?? '');
  return secrets.flatMap((secret) => [secret, formEncode(secret), encodeText(secret)]);
}

/** As in a URL; by way of bytes, since half a character has no such form. */
function encodeText(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/** Longer than any `mfa_token` seen; what is longer has no place in a session. */
const MAX_MFA_TOKEN_LENGTH = 4096;

/** The HTTP status is judged before the body: Okta documents a 429 that says `invalid_grant`. */
function interpret<Refusal extends string>(
  { status, headers, json }: HttpReply,
  grant: Grant<never, Refusal>,
  secrets: () => string[],
): TokenReply<Refusal> {
  if (status === 429) return { type: 'rate_limited', retryAfter: readRetryAfter(headers) };

  const requestId = identifier(headers['x-okta-request-id']);
  if (status === 200) return { type: 'granted', tokens: readTokens(json, requestId) };

  const { code, description, errorId } = readError(json);
  // Okta documents 403; its Kotlin SDK meets 400 as well.
  if (code === 'mfa_required' && status >= 400 && status < 500) {
    return { type: 'mfa_required', mfaToken: readMfaToken(json, requestId) };
  }

  const reference: OktaReference = {
    oktaError: code === undefined ? undefined : redact(code, secrets()),
    oktaErrorId: errorId,
    oktaRequestId: requestId,
  };
  if (status < 400 || status >= 500 || code === undefined) {
    throw new OktaResponseError(
      status >= 500 ? 'okta_error' : 'invalid_response',
      `Okta answered HTTP ${status}${code === undefined ? '' : ` ${reference.oktaError}`}, which is no answer to a token request. Is the issuer right?`,
      reference,
    );
  }

  // The documented text: "`…` has expired. Use a new `oob_code` or `mfa_token` and try again."
  const saysExpired = grant.usesMfaToken && /\bexpired\b/i.test(description);
  if (grant.refusalCodes.has(code)) {
    // With these codes "expired" may also be said of the passcode, which is just a wrong one.
    return saysExpired && /mfa_token/i.test(description)
      ? { type: 'mfa_token_expired' }
      : { type: 'refused', refusal: grant.refusal };
  }
  switch (code) {
    case 'access_denied':
    case 'E0000006':
      return { type: saysExpired ? 'mfa_token_expired' : 'access_denied' };
    case 'E0000047':
      return { type: 'rate_limited', retryAfter: readRetryAfter(headers) };
    case 'invalid_client':
    case 'unauthorized_client':
    case 'unsupported_grant_type':
    case 'invalid_scope':
      throw new ConfigurationError(
        code,
        `${HINTS[code]} Okta says ${code}: ${redact(description, secrets())}`,
        reference,
      );
    default:
      throw new OktaResponseError(
        'okta_error',
        `Okta refused the request with HTTP ${status} ${reference.oktaError}: ${redact(description, secrets())}`,
        reference,
      );
  }
}

const HINTS = {
  invalid_client:
    'Okta does not accept the client: look at clientID, at the client authentication of the app in the Okta admin console, and at clientSecret or privateKey.',
  unauthorized_client:
    'The app may not use this grant: switch on Resource Owner Password and MFA OTP for it in the Okta admin console.',
  unsupported_grant_type:
    'The authorization server does not offer this grant: Direct Authentication has to be switched on in the org, and in the access policy of a custom authorization server.',
  invalid_scope: 'A scope of the scope option is not granted to the app.',
} as const;

function readMfaToken(json: HttpReply['json'], oktaRequestId: string | undefined): string {
  const mfaToken = json?.['mfa_token'];
  if (typeof mfaToken === 'string' && mfaToken !== '' && mfaToken.length <= MAX_MFA_TOKEN_LENGTH) {
    return mfaToken;
  }
  throw new OktaResponseError(
    'invalid_response',
    'Okta asks for a second factor and gives no usable mfa_token.',
    { oktaError: 'mfa_required', oktaRequestId },
  );
}

function readTokens(json: HttpReply['json'], oktaRequestId: string | undefined): TokenSet {
  const { access_token, id_token, token_type, expires_in, scope, refresh_token, device_secret } =
    json ?? {};
  const lacks = (what: string) =>
    new OktaResponseError('invalid_response', `Okta's token response ${what}.`, { oktaRequestId });

  if (json === undefined) throw lacks('is not a JSON object');
  if (!isText(access_token)) throw lacks('has no access_token');
  if (token_type !== undefined && !(isText(token_type) && /^bearer$/i.test(token_type))) {
    throw lacks('has a token_type other than Bearer');
  }
  // OIDC Core §3.1.3.3: it must be there, since openid was asked.
  if (!isText(id_token)) throw lacks('has no id_token. Is openid granted to the app?');

  const tokens: TokenSet = { access_token, id_token };
  if (isText(token_type)) tokens.token_type = token_type;
  if (typeof expires_in === 'number') tokens.expires_in = expires_in;
  if (isText(scope)) tokens.scope = scope;
  if (isText(refresh_token)) tokens.refresh_token = refresh_token;
  if (isText(device_secret)) tokens.device_secret = device_secret;
  return tokens;
}

/** Both of Okta's formats: OAuth's (RFC 6749 §5.2), and `errorCode`, `errorSummary`, `errorId`. */
function readError(json: HttpReply['json']) {
  const code = json?.['error'] ?? json?.['errorCode'];
  const description = json?.['error_description'] ?? json?.['errorSummary'];
  return {
    code: isText(code) ? code : undefined,
    description: isText(description) ? description : '',
    errorId: identifier(json?.['errorId']),
  };
}

/** Seconds; what is longer is no rate limit of Okta's, whose windows are a minute, and is ignored. */
const MAX_RETRY_AFTER = 24 * 60 * 60;

/**
 * Seconds until Okta accepts requests again. `X-Rate-Limit-Reset` (epoch seconds) is what Okta
 * documents, and is compared with Okta's own clock, the `Date` header; `Retry-After` is RFC 9110's.
 */
function readRetryAfter(headers: HttpReply['headers']): number | undefined {
  const now = Date.parse(String(headers['date']));
  const clock = (Number.isNaN(now) ? Date.now() : now) / 1000;
  const candidates = [
    toNumber(headers['retry-after']),
    Date.parse(String(headers['retry-after'])) / 1000 - clock,
    toNumber(headers['x-rate-limit-reset']) - clock,
  ];
  const seconds = candidates.find((value) => value >= 0 && value <= MAX_RETRY_AFTER);
  return seconds === undefined ? undefined : Math.max(1, Math.ceil(seconds));
}

function toNumber(header: string | string[] | undefined): number {
  return typeof header === 'string' && /^\d{1,15}$/.test(header.trim()) ? Number(header) : NaN;
}

function identifier(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,100}$/.test(value) ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
