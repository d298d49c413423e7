import { OktaResponseError } from '../errors.js';
import { ChallengeEndpoint, type Challenged } from './challenge-endpoint.js';
import { createClientAuthentication, type ClientCredentials } from './client-authentication.js';
import { createHttpClient, type HttpClient, type HttpClientOptions } from './http.js';
import { verifyIdToken } from './id-token.js';
import { createJwks, type Jwks } from './jwks.js';
import { toProfile } from './profile.js';
import type { ChallengeRequest, Grant } from './request.js';
import { RevocationEndpoint, type Revocable } from './revocation-endpoint.js';
import { sharedRefresh } from './shared-refreshes.js';
import type { Authenticated, LoginState, Pending, Rejected } from './state.js';
import { TokenEndpoint } from './token-endpoint.js';
import type { OktaRefreshedTokens, OktaTokenSet, OnGrant } from './tokens.js';
import { readUserInfo } from './user-info.js';

export interface OktaClientOptions {
  tokenEndpoint: TokenEndpoint;
  challengeEndpoint: ChallengeEndpoint;
  revocationEndpoint: RevocationEndpoint;
  http: HttpClient;
  jwks: Jwks;
  issuer: string;
  clientID: string;
  /** Seconds. */
  clockTolerance: number;
  requireMfa: boolean;
  /** The userinfo endpoint, when it is to be read. */
  userInfo: URL | undefined;
}

/** Direct Authentication: the protocol, which knows no request of the browser, no session and no app. */
export class OktaClient {
  readonly #options: OktaClientOptions;

  constructor(options: OktaClientOptions) {
    this.#options = options;
  }

  /**
   * Begins a login.
   * @param deviceHeaders about the person's device
   * @param onGrant called with what Okta grants, also where it is rejected here
   * @throws OktaConfigurationError, OktaResponseError, OktaUnreachableError, OktaTimeoutError
   */
  async start(
    grant: Grant,
    deviceHeaders: Record<string, string>,
    onGrant?: OnGrant,
  ): Promise<Exclude<LoginState, Pending>> {
    const { jwks, tokenEndpoint, requireMfa } = this.#options;
    // Fetched ahead for the second step, which reports a failure: this one does not need them.
    jwks.ready()?.catch(() => undefined);
    const response = await tokenEndpoint.request(grant, deviceHeaders, onGrant);
    // Only a grant that polls is ever pending.
    if (response.type !== 'granted') return response as Exclude<typeof response, Pending>;
    if (requireMfa) return { type: 'rejected', reason: 'mfa_not_enforced' };
    return await this.#authenticated(response.tokens);
  }

  /**
   * Continues a login that Okta keeps under an `mfa_token`.
   * @param deviceHeaders about the person's device
   * @param onGrant called with what Okta grants, also where it is rejected here
   * @throws OktaConfigurationError, OktaResponseError, OktaUnreachableError, OktaTimeoutError
   */
  async resume(
    grant: Grant,
    deviceHeaders: Record<string, string>,
    onGrant?: OnGrant,
  ): Promise<LoginState> {
    const { jwks, tokenEndpoint } = this.#options;
    // Before the request, because a passcode works only once: without keys it would be wasted.
    await jwks.ready();
    const response = await tokenEndpoint.request(grant, deviceHeaders, onGrant);
    return response.type === 'granted' ? await this.#authenticated(response.tokens) : response;
  }

  /**
   * Has a push, text, call or mail sent, or a passkey's options made.
   * @param deviceHeaders about the person's device
   * @throws OktaConfigurationError, OktaResponseError, OktaUnreachableError, OktaTimeoutError
   */
  challenge(
    request: ChallengeRequest,
    deviceHeaders: Record<string, string>,
  ): Promise<Challenged | Rejected> {
    return this.#options.challengeEndpoint.request(request, deviceHeaders);
  }

  /**
   * New tokens for those of a login.
   * @param scope as Okta granted it
   * @param sub whose tokens they are, when that is known
   * @throws OktaRefreshError, OktaRateLimitError, OktaConfigurationError, OktaResponseError,
   *   OktaUnreachableError, OktaTimeoutError
   */
  async refresh({ refreshToken, scope, sub }: RefreshRequest): Promise<OktaRefreshedTokens> {
    const { issuer, clientID } = this.#options;
    const { claims, ...tokens } = await sharedRefresh({ issuer, clientID, refreshToken }, () =>
      this.#refresh(refreshToken, scope),
    );
    if (claims === undefined) return tokens;
    if (sub !== undefined && claims.sub !== sub) {
      throw new OktaResponseError(
        'invalid_id_token',
        'Okta\'s ID token was rejected: its "sub" is another than that of the tokens before',
      );
    }
    // What is shared is nobody's to change.
    return { ...tokens, claims: structuredClone(claims) };
  }

  /**
   * Ends a token.
   * @throws OktaRateLimitError, OktaConfigurationError, OktaResponseError, OktaUnreachableError,
   *   OktaTimeoutError
   */
  revoke(revocable: Revocable): Promise<void> {
    return this.#options.revocationEndpoint.revoke(revocable);
  }

  async #refresh(refreshToken: string, scope: string | undefined): Promise<OktaRefreshedTokens> {
    const { jwks, tokenEndpoint } = this.#options;
    // Before the request, because a refresh token may work only once: without keys it would be wasted.
    await jwks.ready();
    const granted = await tokenEndpoint.refresh(refreshToken, scope);
    const tokens = { refresh_token: refreshToken, ...granted };
    const { id_token: idToken, access_token: accessToken } = granted;
    if (idToken === undefined) return tokens;
    return { ...tokens, claims: await verifyIdToken(idToken, accessToken, this.#options) };
  }

  async #authenticated(granted: OktaTokenSet): Promise<Authenticated> {
    const { http, userInfo: url } = this.#options;
    const { access_token: accessToken } = granted;
    const claims = await verifyIdToken(granted.id_token, accessToken, this.#options);
    const tokens = { ...granted, claims };
    if (url === undefined) return { type: 'authenticated', tokens, profile: toProfile(claims) };
    const userInfo = await readUserInfo(http, url, { accessToken, sub: claims.sub });
    return { type: 'authenticated', tokens, profile: toProfile(claims, userInfo) };
  }
}

export interface RefreshRequest {
  refreshToken: string;
  scope: string | undefined;
  sub: string | undefined;
}

export interface OktaClientSettings extends HttpClientOptions {
  issuer: string;
  clientID: string;
  endpoints: { token: URL; challenge: URL; keys: URL; userInfo: URL; revoke: URL };
  credentials: ClientCredentials;
  scope: string;
  /** Seconds. */
  clockTolerance: number;
  requireMfa: boolean;
  /** Whether `/userinfo` is read. */
  userInfo: boolean;
}

/**
 * The client with its parts, from the strategy's settings.
 * @param observe sees each call but that for the keys. Default: nobody does
 */
export function createOktaClient(
  settings: OktaClientSettings,
  observe = (http: HttpClient): HttpClient => http,
): OktaClient {
  const { clientID, endpoints, credentials, scope } = settings;
  const unobserved = createHttpClient(settings);
  const http = observe(unobserved);
  const authenticateClient = createClientAuthentication(clientID, credentials);
  return new OktaClient({
    ...settings,
    http,
    jwks: createJwks(unobserved, { ...settings, url: endpoints.keys }),
    userInfo: settings.userInfo ? endpoints.userInfo : undefined,
    tokenEndpoint: new TokenEndpoint({ http, url: endpoints.token, scope, authenticateClient }),
    challengeEndpoint: new ChallengeEndpoint({
      http,
      url: endpoints.challenge,
      authenticateClient,
    }),
    revocationEndpoint: new RevocationEndpoint({
      http,
      url: endpoints.revoke,
      authenticateClient,
    }),
  });
}
