import { decode, sign } from 'jsonwebtoken';
import { createChallenges, isUsable } from './challenge.js';
import { amrOf, factorsOf, MFA_OOB, MFA_OTP, MFA_WEBAUTHN, type SecondFactor } from './factors.js';
import { createLogins, type Login } from './logins.js';
import type { Passkey } from './passkey.js';
import type { Phone } from './phone.js';
import type { OAuthRequest } from './request.js';
import { answers, oauthError, unguessable, type MockOktaResponse } from './responses.js';
import { signingKey } from './signing-key.js';
import { createTokens, type Grant } from './tokens.js';
import { claimsOf, findUser, type MockOktaUser } from './user.js';

type Endpoint = (request: OAuthRequest) => MockOktaResponse;

/** Okta's side of the protocol, without a transport. */
export interface AuthorizationServer {
  keys: Endpoint;
  token: Endpoint;
  challenge: Endpoint;
  userInfo: Endpoint;
  revoke: Endpoint;
}

/** Seconds. */
const TOKEN_LIFETIME = 3600;

export function createAuthorizationServer(parts: {
  clientID: string;
  users: readonly MockOktaUser[];
  phones: { of(username: string): Phone };
  passkeys: { of(username: string): Passkey };
  /** Whether a refresh token is replaced when it is used. */
  rotateRefreshTokens: boolean;
}): AuthorizationServer {
  const { clientID, users } = parts;
  const logins = createLogins(users);
  const challenges = createChallenges({ ...parts, logins });
  const tokens = createTokens(users, parts.rotateRefreshTokens);

  /** RFC 6749 §4.3. */
  function passwordStep(request: OAuthRequest): MockOktaResponse {
    const { form } = request;
    const user = findUser(users, form['username']);
    // The same response, whatever the reason.
    if (user === undefined || user.locked === true || user.password !== form['password']) {
      return oauthError(400, 'invalid_grant', 'The credentials provided were invalid.');
    }
    if (user.assigned === false) {
      return oauthError(400, 'access_denied', "User isn't assigned to the client app.");
    }
    return factorsOf(user).length === 0 ? grant(user, request, []) : mfaRequired(user, []);
  }

  function mfaRequired(user: MockOktaUser, used: readonly SecondFactor[]): MockOktaResponse {
    return answers.mfaRequired(logins.begin(user, used).mfaToken);
  }

  /** @param verify gives the factor that was proved, or a response of its own */
  function secondStep(
    request: OAuthRequest,
    verify: (login: Login, request: OAuthRequest) => SecondFactor | MockOktaResponse,
  ): MockOktaResponse {
    const login = logins.find(request.form['mfa_token']);
    if (login === undefined) return answers.mfaTokenExpired();
    const verified = verify(login, request);
    if (typeof verified === 'object') return verified;

    logins.end(login);
    const { user } = login;
    const used = [...login.used, verified];
    return used.length < (user.factorsWanted ?? 1)
      ? mfaRequired(user, used)
      : grant(user, request, used);
  }

  function grant(
    user: MockOktaUser,
    request: OAuthRequest,
    used: readonly SecondFactor[],
  ): MockOktaResponse {
    const scope = request.form['scope'] ?? '';
    const granted = { user, scope, amr: amrOf(used), authTime: seconds(), ended: false };
    return issue(request, granted, scope);
  }

  /** RFC 6749 §6. */
  function refreshStep(request: OAuthRequest): MockOktaResponse {
    const { refresh_token: refreshToken, scope } = request.form;
    const grant = tokens.use(refreshToken);
    if (grant === undefined) {
      return oauthError(400, 'invalid_grant', 'The refresh token is invalid or expired.');
    }
    const granted = grant.scope.split(' ');
    if (scope?.split(' ').some((wanted) => !granted.includes(wanted)) === true) {
      return oauthError(400, 'invalid_scope', 'The requested scope exceeds the scope granted.');
    }
    return issue(request, grant, scope ?? grant.scope, refreshToken);
  }

  /** RFC 6749 §5.1, OIDC Core §3.1.3.3. */
  function issue(
    { issuer }: OAuthRequest,
    grant: Grant,
    scope: string,
    refreshToken?: string,
  ): MockOktaResponse {
    const { user, amr, authTime } = grant;
    const { access, refresh } = tokens.issue(grant, scope, refreshToken);
    const iat = seconds();
    const claims = {
      ver: 1,
      jti: `ID.${unguessable()}`,
      iss: issuer,
      aud: clientID,
      iat,
      exp: iat + TOKEN_LIFETIME,
      auth_time: authTime,
      amr,
      ...claimsOf(user, scope),
    };
    return {
      status: 200,
      body: {
        token_type: 'Bearer',
        expires_in: TOKEN_LIFETIME,
        access_token: access,
        scope,
        ...(refresh === undefined ? {} : { refresh_token: refresh }),
        id_token: signIdToken(claims),
      },
    };
  }

  const ofClient =
    (endpoint: Endpoint): Endpoint =>
    (request) =>
      clientOf(request) === clientID ? endpoint(request) : answers.invalidClient();

  return {
    keys: () => ({ status: 200, body: { keys: [signingKey().jwk] } }),

    token: ofClient((request) => {
      switch (request.form['grant_type'] ?? '') {
        case 'password':
          return passwordStep(request);
        case MFA_OTP:
          return secondStep(request, verifyPasscode);
        case MFA_OOB:
          return secondStep(request, challenges.verifyOob);
        case MFA_WEBAUTHN:
          return secondStep(request, challenges.verifyAssertion);
        case 'refresh_token':
          return refreshStep(request);
        default:
          return oauthError(
            400,
            'unsupported_grant_type',
            "The grant type in the request isn't supported.",
          );
      }
    }),

    challenge: ofClient((request) => {
      const login = logins.find(request.form['mfa_token']);
      return login === undefined ? answers.mfaTokenExpired() : challenges.challenge(login, request);
    }),

    userInfo({ headers }) {
      const [, accessToken = ''] = /^Bearer (.+)$/i.exec(headers['authorization'] ?? '') ?? [];
      const granted = tokens.bearer(accessToken);
      if (granted === undefined) {
        return oauthError(401, 'invalid_token', 'The access token is invalid.');
      }
      return { status: 200, body: claimsOf(granted.user, granted.scope) };
    },

    revoke: ofClient(({ form }) => {
      tokens.revoke(form['token']);
      return { status: 200 };
    }),
  };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function verifyPasscode(login: Login, { form }: OAuthRequest): SecondFactor | MockOktaResponse {
  if (!isUsable(login, 'otp')) return answers.cannotBeUsed();
  return form['otp'] === login.user.otp
    ? 'otp'
    : oauthError(400, 'invalid_grant', 'The OTP provided was invalid.');
}

/** Which client it is, however it proves itself; the proof is not checked. */
function clientOf({ form, headers }: OAuthRequest): string | undefined {
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
