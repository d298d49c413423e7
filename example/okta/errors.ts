import { oktaId } from './ids.js';

/**
 * An error response in Okta's wording. oidc-provider's error handler reads `statusCode`, `expose`
 * and `message`; `body` is sent instead of its own.
 */
export class OktaError extends Error {
  readonly statusCode: number;
  readonly expose = true;
  readonly body: Record<string, unknown>;

  constructor(statusCode: number, body: Record<string, unknown>) {
    super(String(body['error'] ?? body['errorCode']));
    this.statusCode = statusCode;
    this.body = body;
  }
}

/** An error in OAuth's format, RFC 6749 §5.2. */
export function oauthError(status: number, error: string, description: string): OktaError {
  return new OktaError(status, { error, error_description: description });
}

/** An error in Okta's own format (schema `Error`), from the layers in front of the endpoints. */
export function apiError(status: number, errorCode: string, errorSummary: string): OktaError {
  return new OktaError(status, {
    errorCode,
    errorSummary,
    errorLink: errorCode,
    errorId: oktaId('oae'),
    errorCauses: [],
  });
}

export const missingParameter = (name: string): OktaError =>
  oauthError(400, 'invalid_request', `The \`${name}\` parameter is required.`);

/** The same response for an unknown user, a locked account and a wrong password. */
export const wrongPassword = (): OktaError =>
  oauthError(400, 'invalid_grant', 'The credentials provided were invalid.');

export const passwordExpired = (): OktaError =>
  oauthError(400, 'invalid_grant', 'Password has expired.');

export const wrongPasscode = (): OktaError =>
  oauthError(400, 'invalid_grant', 'The OTP provided was invalid.');

export const userNotAssigned = (): OktaError =>
  oauthError(400, 'access_denied', "User isn't assigned to the client app.");

export const authenticatorCannotBeUsed = (): OktaError =>
  oauthError(
    403,
    'access_denied',
    "The required authenticator can't be used. Check if it's required by policy and the user is enrolled in the authenticator and try again.",
  );

export const mfaRequired = (mfaToken: string): OktaError =>
  new OktaError(403, {
    error: 'mfa_required',
    error_description: 'Verify with an additional authenticator to complete the sign-in process.',
    mfa_token: mfaToken,
  });

export const mfaTokenExpired = (): OktaError =>
  oauthError(
    400,
    'access_denied',
    '`mfa_token` has expired. Use a new `oob_code` or `mfa_token` and try again.',
  );

export const noScopes = (): OktaError =>
  oauthError(400, 'invalid_scope', 'No scopes were requested.');

export const unknownScopes = (): OktaError =>
  oauthError(
    400,
    'invalid_scope',
    'One or more scopes are not configured for the authorization server resource.',
  );

export const openidScopeNeeded = (): OktaError =>
  oauthError(
    403,
    'access_denied',
    'Requests for ID tokens or access tokens with OpenID scopes require the `openid` scope.',
  );

export const tooManyRequests = (): OktaError =>
  apiError(429, 'E0000047', 'You exceeded the maximum number of requests. Try again in a while.');

/** Okta's user_rate_limited: not E0000047, and with a status that contradicts its `error`. */
export const tooManyPasscodes = (): OktaError =>
  oauthError(429, 'invalid_grant', 'API call exceeded rate limit due to too many requests.');

export const notFound = (path: string): OktaError =>
  apiError(404, 'E0000007', `Not found: Resource not found: ${path}`);

export const internalError = (): OktaError => apiError(500, 'E0000009', 'Internal Server Error');

/** An error of oidc-provider; `error_detail` is meant for its log and distinguishes the causes. */
export interface ProviderError extends Error {
  error?: string;
  error_description?: string;
  error_detail?: string;
}

/** Okta's error for one of oidc-provider's; `undefined` if it needs no change. */
export function toOktaError(
  err: ProviderError,
  grantTypes: readonly string[],
): OktaError | undefined {
  const detail = err.error_detail ?? err.error_description ?? '';
  if (err.error === 'unsupported_grant_type') {
    return oauthError(400, err.error, "The grant type in the request isn't supported.");
  }
  if (err.error === 'invalid_client') {
    if (detail === 'invalid secret provided') return wrongClientSecret();
    if (detail === 'client not found') {
      return oauthError(401, err.error, 'Invalid value for the `client_id` parameter');
    }
    return oauthError(401, err.error, `Client authentication failed: ${detail}.`);
  }
  if (err.error === 'invalid_grant') {
    return oauthError(400, err.error, 'The refresh token is invalid or expired.');
  }
  if (err.error !== 'invalid_request') return undefined;

  const missing = /^missing required parameters? (?:'|")?(\w+)/.exec(detail)?.[1];
  if (missing !== undefined) return missingParameter(missing);
  if (detail === 'no client authentication mechanism provided') {
    return oauthError(401, 'invalid_client', 'No client credentials found');
  }
  if (detail === 'client authentication must only be provided using one mechanism') {
    return oauthError(
      400,
      'invalid_request',
      "Can't supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a `client_assertion` in the post body.",
    );
  }
  // Its detail is the decoding error, so the description is compared instead.
  if (err.error_description?.startsWith('client_id and client_secret in the authorization')) {
    return wrongClientSecret();
  }
  if (detail === 'requested grant type is not allowed for this client') {
    return oauthError(
      400,
      'unauthorized_client',
      `The client isn't authorized to use the provided grant type. Configured grant types: [${grantTypes.join(', ')}].`,
    );
  }
  return undefined;
}

function wrongClientSecret(): OktaError {
  return oauthError(
    401,
    'invalid_client',
    'The client secret supplied for a confidential client is invalid.',
  );
}
