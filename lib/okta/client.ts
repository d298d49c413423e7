import { mfaOtpGrant } from '../factors/otp.js';
import { passwordGrant } from '../factors/password.js';
import { verifyIdToken } from './id-token.js';
import type { HttpClient } from './http.js';
import type { Jwks } from './jwks.js';
import { toProfile } from './profile.js';
import type { Authenticated, MfaRequired, Rejected, Status } from './state.js';
import type { TokenEndpoint, TokenReply, TokenSet } from './token-endpoint.js';
import { readUserInfo } from './user-info.js';

/** The protocol, which knows of no request, no session and no app. */
export interface DirectAuthentication {
  /** Step one: the password. */
  start(
    credentials: { username: string; password: string },
    deviceHeaders: Record<string, string>,
  ): Promise<Status>;
  /** Step two: the passcode for a login that waits. */
  resume(
    proof: { mfaToken: string; otp: string },
    deviceHeaders: Record<string, string>,
  ): Promise<Authenticated | Rejected>;
}

export interface DirectAuthenticationOptions {
  tokenEndpoint: TokenEndpoint;
  http: HttpClient;
  jwks: Jwks;
  issuer: string;
  clientID: string;
  clockTolerance: number;
  requireMfa: boolean;
  /** The userinfo endpoint, when it is to be read. */
  userInfo: URL | undefined;
}

export function createDirectAuthentication(
  options: DirectAuthenticationOptions,
): DirectAuthentication {
  const { tokenEndpoint, http, jwks, issuer, clientID, clockTolerance } = options;

  async function finish(granted: TokenSet): Promise<Authenticated> {
    const expectations = { issuer, clientID, clockTolerance, jwks };
    const claims = await verifyIdToken(granted.id_token, expectations);
    const tokens = { ...granted, claims };
    if (options.userInfo === undefined) {
      return { type: 'authenticated', tokens, profile: toProfile(claims) };
    }
    const { access_token: accessToken } = granted;
    const userInfo = await readUserInfo(http, options.userInfo, { accessToken, sub: claims.sub });
    return { type: 'authenticated', tokens, profile: toProfile(claims, userInfo) };
  }

  return {
    async start(credentials, deviceHeaders) {
      // So that the keys are there by the second step; if they are not, that step tells.
      jwks.ready().catch(() => undefined);
      const reply = await tokenEndpoint.request(passwordGrant, credentials, deviceHeaders);
      if (reply.type === 'granted') {
        return options.requireMfa ? rejected('mfa_not_enforced') : finish(reply.tokens);
      }
      return toStatus(reply);
    },

    async resume(proof, deviceHeaders) {
      // First of all, because a passcode works only once: without keys it would be spent in vain.
      await jwks.ready();
      const reply = await tokenEndpoint.request(mfaOtpGrant, proof, deviceHeaders);
      if (reply.type === 'granted') return finish(reply.tokens);
      const status = toStatus(reply);
      // A further factor after the passcode: this flow has none to offer.
      return status.type === 'mfa_required' ? rejected('access_denied') : status;
    },
  };
}

function toStatus(
  reply: Exclude<TokenReply<'invalid_credentials' | 'invalid_otp'>, { type: 'granted' }>,
): MfaRequired | Rejected {
  switch (reply.type) {
    case 'mfa_required':
      return reply;
    case 'refused':
      return rejected(reply.refusal);
    case 'rate_limited':
      return { ...rejected('rate_limited'), retryAfter: reply.retryAfter };
    case 'mfa_token_expired':
    case 'access_denied':
      return rejected(reply.type);
  }
}

function rejected(reason: Rejected['reason']): Rejected {
  return { type: 'rejected', reason };
}
