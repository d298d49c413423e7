import type { IncomingMessage } from 'node:http';
import { bindActions } from './actions.js';
import { LoginFlow } from './login.js';
import type {
  OktaDirectMfaAuthenticateOptions,
  OktaDirectMfaStrategyOptions,
  OktaDirectMfaStrategyOptionsWithRequest,
} from './options/types.js';
import { readOptions } from './options/index.js';
import type { OktaKeptTokens, OktaRefreshedTokens } from './okta/tokens.js';
import { BaseStrategy } from './passport.js';
import type { PendingTransaction } from './pending.js';
import type { VerifyFunction, VerifyFunctionWithRequest } from './verify.js';

/** Not a `#private` field: Passport works on an `Object.create()` of the instance, which has none. */
const LOGIN = Symbol('okta-direct-mfa');

/**
 * Passport strategy `okta-direct-mfa`: password, then a second factor, on the app's own form, by
 * Okta's Direct Authentication. All requests of the browser go through the same
 * `passport.authenticate('okta-direct-mfa')`: a body with the password field is the first step, one
 * with `factor` chooses a second factor, and one with `otp`, `assertion` or `challenge` alone is its
 * answer.
 *
 * Fails with an `OktaDirectMfaInfo` for what the user can correct; ends in an error, usually an
 * `OktaDirectMfaError`, for what the app or Okta must correct.
 *
 * @see https://developer.okta.com/docs/guides/configure-direct-auth-grants/
 */
export class OktaDirectMfaStrategy extends BaseStrategy {
  /** For `passport.authenticate('okta-direct-mfa')`. */
  override name = 'okta-direct-mfa';
  /** @internal */
  declare readonly [LOGIN]: LoginFlow;

  /** @throws TypeError that names the option that cannot work, and what it got */
  constructor(options: OktaDirectMfaStrategyOptions, verify: VerifyFunction);
  constructor(options: OktaDirectMfaStrategyOptionsWithRequest, verify: VerifyFunctionWithRequest);
  constructor(
    options: OktaDirectMfaStrategyOptions | OktaDirectMfaStrategyOptionsWithRequest,
    verify: VerifyFunction | VerifyFunctionWithRequest,
  ) {
    super();
    const settings = readOptions(options);
    if (typeof verify !== 'function') {
      throw new TypeError(
        `OktaDirectMfaStrategy needs a verify function as its second argument, but got ${typeof verify}`,
      );
    }
    const withRequest: VerifyFunctionWithRequest = settings.passReqToCallback
      ? (verify as VerifyFunctionWithRequest)
      : (_req, ...rest) => (verify as VerifyFunction)(...rest);
    // Not enumerable, so that printing an instance stays short.
    Object.defineProperty(this, LOGIN, { value: new LoginFlow(settings, withRequest) });
  }

  /**
   * Called by Passport. Never throws, and ends in exactly one action, unless the verify function
   * never decides.
   */
  override authenticate(
    req: IncomingMessage,
    options: OktaDirectMfaAuthenticateOptions = {},
  ): void {
    const perform = bindActions(this);
    const { mfaRedirect, assignProperty, session } = options ?? {};
    const linking = assignProperty !== undefined;
    const wanted = { mfaRedirect, linking, session: session !== false && !linking };
    void this[LOGIN].authenticate(req, wanted).then(perform);
  }

  /**
   * What the next page needs to show, without a secret, also after a reload: who is signing in, what
   * they can choose from, and what is out.
   *
   * @returns undefined when nothing waits, or no longer
   * @throws (rejects with) OktaConfigurationError without a session, OktaTransactionStoreError
   */
  pending(
    req: IncomingMessage | { raw: IncomingMessage },
  ): Promise<PendingTransaction | undefined> {
    return this[LOGIN].pending(req as IncomingMessage);
  }

  /**
   * Drops this browser's transaction: for a "start over" link or a sign-out. Without one it does
   * nothing.
   *
   * @returns when the session (or the `store`) has been saved
   * @throws (rejects with) OktaConfigurationError without a session, OktaTransactionStoreError
   */
  cancel(req: IncomingMessage | { raw: IncomingMessage }): Promise<void> {
    // A request of Fastify is taken as it is: its session is on it, not on the raw one.
    return this[LOGIN].cancel(req as IncomingMessage);
  }

  /**
   * Gets new tokens for those of a login (RFC 6749 §6). Calls for the same refresh token that overlap
   * share one request, in a process. Okta may end the old refresh token: keep what comes back, as
   * `{ ...kept, ...fresh }`, before anything else.
   *
   * @param tokens - those of the verify function, or what the app kept of them; or a refresh token
   *   alone, where then neither the person is compared nor a scope asked for
   * @returns new tokens, the ID token verified and of the same person (OIDC Core §12.2)
   * @throws (rejects with) TypeError without a refresh token; OktaRefreshError: the person has to sign in
   *   again; OktaRateLimitError, OktaConfigurationError, OktaResponseError, OktaUnreachableError,
   *   OktaTimeoutError: the refresh token may still be good
   * @see https://developer.okta.com/docs/guides/refresh-tokens/
   */
  refresh(tokens: OktaKeptTokens | string): Promise<OktaRefreshedTokens> {
    return this[LOGIN].tokens.refresh(tokens);
  }

  /**
   * Ends the refresh token, and with it its access tokens, or the access token where there is no refresh
   * token (RFC 7009): for a sign-out. A token that Okta does not know is no error.
   *
   * @param tokens - those of the verify function, or what the app kept of them; or one token
   * @throws (rejects with) TypeError without a token; OktaRateLimitError, OktaConfigurationError,
   *   OktaResponseError, OktaUnreachableError, OktaTimeoutError
   * @see https://developer.okta.com/docs/guides/revoke-tokens/
   */
  revoke(tokens: OktaKeptTokens | string): Promise<void> {
    return this[LOGIN].tokens.revoke(tokens);
  }
}
