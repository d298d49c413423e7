/** What Okta said, for the operator. None of it holds anything that was sent to Okta. */
export interface OktaReference {
  /** Okta's error code, such as `invalid_client` or `E0000006`, when Okta gave one. */
  oktaError?: string | undefined;
  /** Okta's description of the error; absent when it repeats anything that was sent. */
  oktaDescription?: string | undefined;
  /** Okta's `errorId`, for Okta Support. */
  oktaErrorId?: string | undefined;
  /** Okta's `X-Okta-Request-Id`, to be found in the System Log. */
  oktaRequestId?: string | undefined;
  /** The HTTP status with which Okta rejected the request. */
  oktaStatus?: number | undefined;
}

/**
 * What every error of this package has in common. In a login it reaches the app through Passport's
 * `error` action, that is `next(err)` in Express; `refresh()` and `revoke()` reject with it.
 *
 * No error of this package holds a password, passcode, token or secret, in whatever way it is
 * printed. For that reason none has a `cause`: the errors of HTTP mocks and of session stores
 * quote what was sent or saved. The low-level code (`ECONNREFUSED`, …) appears in the message.
 */
export abstract class OktaDirectMfaError extends Error implements OktaReference {
  /** Names the error for programs; the message is for people. */
  abstract readonly code: string;
  /** The class's name, also in minified code. */
  abstract override readonly name: string;
  /** The HTTP status that the app's own server may answer with: 401, 429, 500, 502, 503 or 504. */
  abstract readonly status: number;
  /** {@inheritDoc OktaReference.oktaError} */
  declare readonly oktaError?: string;
  /** {@inheritDoc OktaReference.oktaDescription} */
  declare readonly oktaDescription?: string;
  /** {@inheritDoc OktaReference.oktaErrorId} */
  declare readonly oktaErrorId?: string;
  /** {@inheritDoc OktaReference.oktaRequestId} */
  declare readonly oktaRequestId?: string;
  /** {@inheritDoc OktaReference.oktaStatus} */
  declare readonly oktaStatus?: number;

  constructor(message: string, reference: OktaReference = {}) {
    super(message);
    for (const [name, value] of Object.entries(reference)) {
      if (value !== undefined) Object.assign(this, { [name]: value as unknown });
    }
  }
}

/**
 * The first four are Okta's (RFC 6749 §5.2): the client is unknown to Okta or its secret is wrong, a
 * grant is not enabled for it, or a scope is not granted to it. The next two (RFC 9449): the client
 * must use DPoP, which this package does not support. The rest are about the app; `verify_undecided`
 * is a verify function whose promise came to `undefined`.
 */
export type OktaConfigurationErrorCode =
  | 'invalid_client'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'session_missing'
  | 'session_in_browser'
  | 'fastify_request'
  | 'body_parser_missing'
  | 'verify_undecided';

/** The app or its registration at Okta has to be fixed; trying again changes nothing. Status 500. */
export class OktaConfigurationError extends OktaDirectMfaError {
  /** {@inheritDoc OktaDirectMfaError.name} */
  override readonly name = 'OktaConfigurationError';
  /** {@inheritDoc OktaDirectMfaError.status} */
  readonly status = 500;

  constructor(
    /** {@inheritDoc OktaDirectMfaError.code} */
    readonly code: OktaConfigurationErrorCode,
    message: string,
    reference?: OktaReference,
  ) {
    super(message, reference);
  }
}

/** The session store, or the app's own `TransactionStore`, failed to read or to save. Status 500. */
export class OktaTransactionStoreError extends OktaDirectMfaError {
  /** {@inheritDoc OktaDirectMfaError.name} */
  override readonly name = 'OktaTransactionStoreError';
  /** {@inheritDoc OktaDirectMfaError.code} */
  readonly code = 'transaction_store_failed';
  /** {@inheritDoc OktaDirectMfaError.status} */
  readonly status = 500;
}

/**
 * `invalid_response`: a response that is not JSON, too large (over 1 MiB), cut off, a redirect, or
 * without a field it needs. `okta_error`: Okta failed (5xx) or rejected the request for a reason that this
 * package does not know. `invalid_id_token`: the ID token did not pass OIDC Core §3.1.3.7.
 * `invalid_userinfo`: `/userinfo` failed, or spoke of another person (OIDC Core §5.3.2).
 */
export type OktaResponseErrorCode =
  'invalid_response' | 'okta_error' | 'invalid_id_token' | 'invalid_userinfo';

/** Okta answered, and the response cannot be used. Status 502. */
export class OktaResponseError extends OktaDirectMfaError {
  /** {@inheritDoc OktaDirectMfaError.name} */
  override readonly name = 'OktaResponseError';
  /** {@inheritDoc OktaDirectMfaError.status} */
  readonly status = 502;

  constructor(
    /** {@inheritDoc OktaDirectMfaError.code} */
    readonly code: OktaResponseErrorCode,
    message: string,
    reference?: OktaReference,
  ) {
    super(message, reference);
  }
}

/** No response: DNS, connection, TLS, or a connection lost before the response began. Status 503. */
export class OktaUnreachableError extends OktaDirectMfaError {
  /** {@inheritDoc OktaDirectMfaError.name} */
  override readonly name = 'OktaUnreachableError';
  /** {@inheritDoc OktaDirectMfaError.code} */
  readonly code = 'okta_unreachable';
  /** {@inheritDoc OktaDirectMfaError.status} */
  readonly status = 503;
}

/** The whole response did not come within the `timeout` option. Status 504. */
export class OktaTimeoutError extends OktaDirectMfaError {
  /** {@inheritDoc OktaDirectMfaError.name} */
  override readonly name = 'OktaTimeoutError';
  /** {@inheritDoc OktaDirectMfaError.code} */
  readonly code = 'okta_timeout';
  /** {@inheritDoc OktaDirectMfaError.status} */
  readonly status = 504;
}

/**
 * Of `refresh()`: Okta no longer takes the refresh token, because it has expired, was revoked or used
 * before, or the person may not use the app any more. The person has to sign in again. Status 401.
 */
export class OktaRefreshError extends OktaDirectMfaError {
  /** {@inheritDoc OktaDirectMfaError.name} */
  override readonly name = 'OktaRefreshError';
  /** {@inheritDoc OktaDirectMfaError.code} */
  readonly code = 'refresh_token_rejected';
  /** {@inheritDoc OktaDirectMfaError.status} */
  readonly status = 401;
}

/** Of `refresh()` and `revoke()`: Okta's rate limit. A login fails with `rate_limited`. Status 429. */
export class OktaRateLimitError extends OktaDirectMfaError {
  /** {@inheritDoc OktaDirectMfaError.name} */
  override readonly name = 'OktaRateLimitError';
  /** {@inheritDoc OktaDirectMfaError.code} */
  readonly code = 'rate_limited';
  /** {@inheritDoc OktaDirectMfaError.status} */
  readonly status = 429;
  /** Seconds, when Okta's headers tell. */
  declare readonly retryAfter?: number;

  constructor(message: string, retryAfter: number | undefined, reference?: OktaReference) {
    super(message, reference);
    if (retryAfter !== undefined) Object.assign(this, { retryAfter });
  }
}

/**
 * Express takes `next(undefined)` for success and `next('route')` for a skip; an app function that
 * throws one of these would let the request through. Whatever was thrown becomes an object.
 *
 * @param thrower named in the message
 */
export function toErrorObject(error: unknown, thrower: string): object {
  if (typeof error === 'object' && error !== null) return error;
  return new Error(`${thrower} failed with ${typeof error} instead of an Error`);
}

/** Whether it is Okta's answer to a request, and neither a grant nor a failure of Okta. */
export function isRejection(error: unknown): boolean {
  if (!(error instanceof OktaDirectMfaError) || error.oktaStatus === undefined) return false;
  return error.oktaStatus < 500 && error.oktaStatus !== 429;
}
