import { randomBytes } from 'node:crypto';
import { decode, sign } from 'jsonwebtoken';
import { signingKey } from './signing-key.js';
import { claimsOf, findUser, type MockOktaUser } from './user.js';

/** A response that a test makes up. */
export interface MockOktaResponse {
  /** The HTTP status. */
  status: number;
  /** On top of the mock's own `content-type`, `date` and `x-okta-request-id`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** An object goes out as JSON. Default: empty. */
  body?: object | string | undefined;
}

type Form = Readonly<Record<string, string>>;
type Headers = Readonly<Record<string, string>>;

/** Okta's side of the protocol, without a transport. */
export interface AuthorizationServer {
  keys(): MockOktaResponse;
  token(form: Form, headers: Headers): MockOktaResponse;
  userInfo(headers: Headers): MockOktaResponse;
}

/** Seconds. */
const TOKEN_LIFETIME = 3600;

export function createAuthorizationServer(parts: {
  issuer: string;
  clientID: string;
  users: readonly MockOktaUser[];
}): AuthorizationServer {
  const { issuer, clientID, users } = parts;
  /** Okta's multifactor transactions, by `mfa_token`. */
  const waiting = new Map<string, MockOktaUser>();
  const accessTokens = new Map<string, { user: MockOktaUser; scope: string }>();

  /** RFC 6749 §4.3. */
  function passwordStep(form: Form): MockOktaResponse {
    const user = findUser(users, form['username']);
    // The same response, whatever the reason.
    if (user === undefined || user.locked === true || user.password !== form['password']) {
      return oauthError(400, 'invalid_grant', 'The credentials provided were invalid.');
    }
    if (user.assigned === false) {
      return oauthError(400, 'access_denied', "User isn't assigned to the client app.");
    }
    if (user.otp === undefined) return grant(user, form, ['pwd']);

    const mfaToken = unguessable();
    waiting.set(mfaToken, user);
    return {
      status: 403,
      body: {
        error: 'mfa_required',
        error_description:
          'Verify with an additional authenticator to complete the sign-in process.',
        mfa_token: mfaToken,
      },
    };
  }

  function passcodeStep(form: Form): MockOktaResponse {
    const mfaToken = form['mfa_token'] ?? '';
    const user = waiting.get(mfaToken);
    if (user === undefined || !users.includes(user)) return mfaTokenExpired();
    if (form['otp'] !== user.otp) {
      return oauthError(400, 'invalid_grant', 'The OTP provided was invalid.');
    }
    waiting.delete(mfaToken);
    return grant(user, form, ['mfa', 'otp', 'pwd']);
  }

  /** RFC 6749 §5.1, OIDC Core §3.1.3.3. */
  function grant(user: MockOktaUser, form: Form, amr: string[]): MockOktaResponse {
    const scope = form['scope'] ?? '';
    const accessToken = unguessable();
    accessTokens.set(accessToken, { user, scope });
    const iat = Math.floor(Date.now() / 1000);
    const claims = {
      ver: 1,
      jti: `ID.${unguessable()}`,
      iss: issuer,
      aud: clientID,
      iat,
      exp: iat + TOKEN_LIFETIME,
      auth_time: iat,
      amr,
      ...claimsOf(user, scope),
    };
    return {
      status: 200,
      body: {
        token_type: 'Bearer',
        expires_in: TOKEN_LIFETIME,
        access_token: accessToken,
        scope,
        ...(scope.split(' ').includes('offline_access') ? { refresh_token: unguessable() } : {}),
        id_token: signIdToken(claims),
      },
    };
  }

  return {
    keys: () => ({ status: 200, body: { keys: [signingKey().jwk] } }),

    token(form, headers) {
      if (clientOf(form, headers) !== clientID) {
        return oauthError(401, 'invalid_client', 'Invalid value for the `client_id` parameter');
      }
      switch (form['grant_type'] ?? '') {
        case 'password':
          return passwordStep(form);
        case 'http://auth0.com/oauth/grant-type/mfa-otp':
          return passcodeStep(form);
        default:
          return oauthError(
            400,
            'unsupported_grant_type',
            "The grant type in the request isn't supported.",
          );
      }
    },

    userInfo(headers) {
      const [, accessToken = ''] = /^Bearer (.+)$/i.exec(headers['authorization'] ?? '') ?? [];
      const granted = accessTokens.get(accessToken);
      if (granted === undefined) {
        return oauthError(401, 'invalid_token', 'The access token is invalid.');
      }
      return { status: 200, body: claimsOf(granted.user, granted.scope) };
    },
  };
}

/** Which client it is, however it proves itself; the proof is not checked. */
function clientOf(form: Form, headers: Headers): string | undefined {
  const basic = /^Basic (.+)$/i.exec(headers['authorization'] ?? '')?.[1];
  if (basic !== undefined) {
    const [encoded = ''] = Buffer.from(basic, 'base64').toString().split(':');
    const [id] = new URLSearchParams(`id=${encoded}`).values();
    return id;
  }
  const assertion = form['client_assertion'];
  if (assertion === undefined) return form['client_id'];
  return decode(assertion, { json: true })?.iss;
}

/** From a string, since `sign` would refuse claims that are wrong on purpose. */
function signIdToken(claims: object): string {
  const { kid, privateKey } = signingKey();
  return sign(JSON.stringify(claims), privateKey, { algorithm: 'RS256', keyid: kid });
}

function unguessable(): string {
  return randomBytes(15).toString('base64url');
}

function oauthError(status: number, error: string, description: string): MockOktaResponse {
  return { status, body: { error, error_description: description } };
}

function mfaTokenExpired(): MockOktaResponse {
  return oauthError(
    400,
    'access_denied',
    '`mfa_token` has expired. Use a new `oob_code` or `mfa_token` and try again.',
  );
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
  mfaTokenExpired,
  notFound: (path: string): MockOktaResponse =>
    apiError(404, 'E0000007', `Not found: Resource not found: ${path}`),
};
