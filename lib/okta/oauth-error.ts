import { OktaConfigurationError, OktaResponseError, type OktaReference } from '../errors.js';
import { quoter } from '../redact.js';
import type { HttpResponse } from './http.js';
import type { Grant } from './request.js';
import { readRetryAfter } from './retry-after.js';
import type { Rejected, RejectionReason } from './state.js';

/** What was asked, and what its errors mean. */
export interface ErrorMeaning extends Pick<Grant, 'parameters' | 'rejectionCodes'> {
  rejection: Exclude<RejectionReason, 'rate_limited'>;
  /** When Okta says that its `mfa_token` or `oob_code` has expired. Default: `mfa_transaction_expired`. */
  expiry?: 'mfa_transaction_expired' | 'challenge_expired';
  /** What was expected. Default: `a token response`. */
  what?: string;
}

/**
 * What an error response means for the login. The HTTP status is judged before the body: Okta documents
 * a 429 that says `invalid_grant`.
 *
 * @param sent what was sent and must appear in no message
 * @throws OktaConfigurationError, OktaResponseError for what the user cannot correct
 */
export function interpretError(
  response: HttpResponse,
  meaning: ErrorMeaning,
  sent: () => string[],
): Rejected {
  const { status, headers, json } = response;
  const { what = 'a token response' } = meaning;
  const { code, description } = readError(json);
  const okta = referenceOf(response, sent);
  const isRejection = status >= 400 && status < 500 && code !== undefined;
  if (status === 429 || (isRejection && code === 'E0000047')) {
    return { type: 'rejected', reason: 'rate_limited', retryAfter: readRetryAfter(headers), okta };
  }
  const words = description === '' ? '' : `: ${okta.oktaDescription ?? WITHHELD}`;
  const says = `${okta.oktaError ?? ''}${words}`;
  if (!isRejection) {
    throw new OktaResponseError(
      status >= 500 ? 'okta_error' : 'invalid_response',
      `Okta answered HTTP ${status}${code === undefined ? '' : ` ${says}`}, which is not ${what}. Check the issuer option.`,
      okta,
    );
  }
  const reason = rejectionOf(code, description, meaning);
  if (reason !== undefined) return { type: 'rejected', reason, okta };
  if (isConfigurationCode(code)) {
    throw new OktaConfigurationError(code, `${HINTS[code]} Okta says ${says}`, okta);
  }
  throw new OktaResponseError(
    'okta_error',
    `Okta rejected the request with HTTP ${status} ${says}`,
    okta,
  );
}

const WITHHELD = '(its text is withheld because it repeats what was sent)';

/** Whether, and how, the user can correct it. */
function rejectionOf(
  code: string,
  description: string,
  { parameters, rejection, rejectionCodes, expiry = 'mfa_transaction_expired' }: ErrorMeaning,
): Exclude<RejectionReason, 'rate_limited'> | undefined {
  const resumes = 'mfa_token' in parameters;
  const isWrong = rejectionCodes.has(code);
  // The documented text is "'…' has expired. Use a new '…' and try again." with `access_denied`, also of
  // a used one. Other things expire too: a password and, with the codes of a wrong one, a passcode.
  const named =
    isWrong && code !== 'access_denied'
      ? /mfa_token|oob_code/i
      : /mfa_token|oob_code|\buse a new\b/i;
  if (resumes && /\bexpired\b/i.test(description) && named.test(description)) return expiry;
  if (isWrong) return rejection;
  switch (code) {
    case 'access_denied':
    case 'E0000006': // You do not have permission to perform the requested action.
    case 'E0000064': // Password is expired and must be changed.
    case 'E0000069': // User locked.
      return 'access_denied';
    case 'expired_token':
      return resumes ? expiry : undefined;
    case 'E0000011': // Invalid token provided.
    case 'invalid_scope': // The scope option was changed between the two steps.
      return resumes ? 'mfa_transaction_expired' : undefined;
    default:
      return undefined;
  }
}

const HINTS = {
  invalid_client:
    'Okta does not accept the client: check clientID, the client authentication of the app in the Okta admin console, and clientSecret or privateKey.',
  unauthorized_client:
    'The app may not use this grant: enable Resource Owner Password, MFA OTP and, for other factors, MFA OOB for it in the Okta admin console; for refresh(), Refresh Token.',
  unsupported_grant_type:
    'The authorization server does not offer this grant: Direct Authentication must be enabled in the org, and in the access policy of a custom authorization server.',
  invalid_scope: 'A scope of the scope option is not granted to the app.',
  invalid_dpop_proof:
    'The app requires DPoP, which this package does not support: turn off "Require Demonstrating Proof of Possession (DPoP) header in token requests" for it in the Okta admin console.',
  use_dpop_nonce:
    'The app requires DPoP, which this package does not support: turn off "Require Demonstrating Proof of Possession (DPoP) header in token requests" for it in the Okta admin console.',
} as const;

function isConfigurationCode(code: string): code is keyof typeof HINTS {
  return Object.hasOwn(HINTS, code);
}

/** What Okta says, safe to log. */
export function referenceOf(response: HttpResponse, sent: () => string[]): OktaReference {
  const { status, headers, json } = response;
  const { code, description } = readError(json);
  const isSilent = code === undefined && description === '';
  const quote = quoter(isSilent ? [] : sent());
  return {
    oktaError: code === undefined ? undefined : (quote(code) ?? '(withheld)'),
    oktaDescription: description === '' ? undefined : quote(description),
    oktaErrorId: identifier(json?.['errorId']),
    oktaRequestId: identifier(headers['x-okta-request-id']),
    oktaStatus: status,
  };
}

/** Either of Okta's formats: OAuth's (RFC 6749 §5.2), or `errorCode`, `errorSummary`, `errorId`. */
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

function identifier(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,100}$/.test(value) ? value : undefined;
}
