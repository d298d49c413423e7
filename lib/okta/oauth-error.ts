import { OktaConfigurationError, OktaResponseError, type OktaReference } from '../errors.js';
import { redact } from '../redact.js';
import type { HttpResponse } from './http.js';
import type { Grant } from './request.js';
import { readRetryAfter } from './retry-after.js';
import type { Rejected } from './state.js';

/**
 * What an error response of the token endpoint means for the login. Both of Okta's formats are
 * understood: OAuth's (RFC 6749 §5.2), and `errorCode`, `errorSummary`, `errorId`.
 *
 * @param secrets what was sent and must appear in no message
 * @throws OktaConfigurationError, OktaResponseError for what the user cannot correct
 */
export function interpretError(
  response: HttpResponse,
  grant: Grant,
  secrets: () => string[],
): Rejected {
  const { status, headers, json } = response;
  const { code, description } = readError(json);
  const reference: OktaReference = {
    oktaError: code === undefined ? undefined : redact(code, secrets()),
    oktaErrorId: identifier(json?.['errorId']),
    oktaRequestId: requestID(response),
  };
  if (status < 400 || status >= 500 || code === undefined) {
    throw new OktaResponseError(
      status >= 500 ? 'okta_error' : 'invalid_response',
      `Okta answered HTTP ${status}${code === undefined ? '' : ` ${reference.oktaError}`}, which is not a token response. Check the issuer option.`,
      reference,
    );
  }

  // The documented text: "`…` has expired. Use a new `oob_code` or `mfa_token` and try again."
  const saysExpired = 'mfa_token' in grant.parameters && /\bexpired\b/i.test(description);
  if (grant.rejectionCodes.has(code)) {
    // With these codes "expired" may also be said of the passcode, which is just a wrong one.
    const tokenExpired = saysExpired && /mfa_token/i.test(description);
    return { type: 'rejected', reason: tokenExpired ? 'mfa_transaction_expired' : grant.rejection };
  }
  switch (code) {
    case 'access_denied':
    case 'E0000006':
      return {
        type: 'rejected',
        reason: saysExpired ? 'mfa_transaction_expired' : 'access_denied',
      };
    case 'E0000047':
      return { type: 'rejected', reason: 'rate_limited', retryAfter: readRetryAfter(headers) };
    case 'invalid_client':
    case 'unauthorized_client':
    case 'unsupported_grant_type':
    case 'invalid_scope':
      throw new OktaConfigurationError(
        code,
        `${HINTS[code]} Okta says ${code}: ${redact(description, secrets())}`,
        reference,
      );
    default:
      throw new OktaResponseError(
        'okta_error',
        `Okta rejected the request with HTTP ${status} ${reference.oktaError}: ${redact(description, secrets())}`,
        reference,
      );
  }
}

const HINTS = {
  invalid_client:
    'Okta does not accept the client: check clientID, the client authentication of the app in the Okta admin console, and clientSecret or privateKey.',
  unauthorized_client:
    'The app may not use this grant: enable Resource Owner Password and MFA OTP for it in the Okta admin console.',
  unsupported_grant_type:
    'The authorization server does not offer this grant: Direct Authentication must be enabled in the org, and in the access policy of a custom authorization server.',
  invalid_scope: 'A scope of the scope option is not granted to the app.',
} as const;

/** Okta's code and description, in either of its formats. */
export function readError(json: HttpResponse['json']): {
  code: string | undefined;
  description: string;
} {
  const code = json?.['error'] ?? json?.['errorCode'];
  const description = json?.['error_description'] ?? json?.['errorSummary'];
  return {
    code: typeof code === 'string' && code !== '' ? code : undefined,
    description: typeof description === 'string' ? description : '',
  };
}

/** Okta's `X-Okta-Request-Id`, when it is one. */
export function requestID({ headers }: HttpResponse): string | undefined {
  return identifier(headers['x-okta-request-id']);
}

function identifier(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,100}$/.test(value) ? value : undefined;
}
