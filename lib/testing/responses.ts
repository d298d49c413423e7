import { randomBytes } from 'node:crypto';

/** A response that a test makes up. */
export interface MockOktaResponse {
  /** The HTTP status. */
  status: number;
  /** On top of the mock's own `content-type`, `date` and `x-okta-request-id`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** An object goes out as JSON. Default: empty. */
  body?: object | string | undefined;
}

export function unguessable(): string {
  return randomBytes(15).toString('base64url');
}

/** RFC 6749 §5.2. */
export function oauthError(status: number, error: string, description: string): MockOktaResponse {
  return { status, body: { error, error_description: description } };
}

/** Okta's second error format, from what is in front of the endpoints. */
function apiError(status: number, errorCode: string, errorSummary: string): MockOktaResponse {
  const errorId = `oae${unguessable()}`;
  return {
    status,
    body: { errorCode, errorSummary, errorLink: errorCode, errorId, errorCauses: [] },
  };
}

/** Seconds until the rate limit of `rate_limited` ends. */
const RATE_LIMIT_WINDOW = 30;

/** Responses that do not depend on a user. */
export const answers = {
  rateLimited(): MockOktaResponse {
    const text = 'You exceeded the maximum number of requests. Try again in a while.';
    return {
      ...apiError(429, 'E0000047', text),
      headers: {
        'x-rate-limit-limit': '4',
        'x-rate-limit-remaining': '0',
        'x-rate-limit-reset': String(Math.floor(Date.now() / 1000) + RATE_LIMIT_WINDOW),
      },
    };
  },
  unavailable: (): MockOktaResponse => ({ status: 503, body: 'Service Unavailable' }),
  notFound: (path: string): MockOktaResponse =>
    apiError(404, 'E0000007', `Not found: Resource not found: ${path}`),

  invalidClient: () =>
    oauthError(401, 'invalid_client', 'Invalid value for the `client_id` parameter'),
  mfaRequired: (mfaToken: string): MockOktaResponse => ({
    status: 403,
    body: {
      error: 'mfa_required',
      error_description: 'Verify with an additional authenticator to complete the sign-in process.',
      mfa_token: mfaToken,
    },
  }),
  mfaTokenExpired: () => expired(400, 'mfa_token'),
  /** Used and replaced ones too. */
  oobCodeExpired: () => expired(403, 'oob_code'),
  cannotBeUsed: () =>
    oauthError(
      403,
      'access_denied',
      "The required authenticator can't be used. Check if the user is enrolled in it and the policy asks for it.",
    ),
  notAssociated: (name: 'oob_code' | 'challenge') =>
    oauthError(
      400,
      'invalid_request',
      `The \`${name}\` and the \`mfa_token\` provided are not associated with each other.`,
    ),
};

function expired(status: number, name: string): MockOktaResponse {
  return oauthError(
    status,
    'access_denied',
    `\`${name}\` has expired. Use a new \`oob_code\` or \`mfa_token\` and try again.`,
  );
}

/** Of what is no endpoint of Okta's: the control API, and the transport. */
export function refusal(status: number, error: string): MockOktaResponse {
  return { status, body: { error } };
}
