import { OktaResponseError } from '../errors.js';
import { Endpoint, type EndpointOptions } from './endpoint.js';
import { interpretError, type ErrorMeaning } from './oauth-error.js';
import { rateLimitError } from './rate-limit.js';

/** A token to be revoked; `hint` is RFC 7009's `token_type_hint`, where it is known. */
export interface Revocable {
  token: string;
  hint?: 'refresh_token' | 'access_token';
}

/** `/revoke`, RFC 7009. */
export class RevocationEndpoint {
  readonly #endpoint: Endpoint;

  constructor(options: EndpointOptions) {
    this.#endpoint = new Endpoint(options);
  }

  /**
   * One POST. Any 200 is a revocation, also of a token that Okta does not know (§2.2).
   * @throws OktaRateLimitError, OktaConfigurationError, OktaResponseError, OktaUnreachableError,
   *   OktaTimeoutError
   */
  async revoke({ token, hint }: Revocable): Promise<void> {
    const form = new URLSearchParams({ token });
    if (hint !== undefined) form.set('token_type_hint', hint);
    const { sent, response: answer } = this.#endpoint.post(form, {}, ['token_type_hint'], {
      ignoresBody: true,
    });
    const response = await answer;
    if (response.status === 200) return;
    const rejected = interpretError(response, REVOCATION, sent);
    if (rejected.reason === 'rate_limited') throw rateLimitError(rejected);
    throw new OktaResponseError(
      'okta_error',
      `Okta did not revoke the token (HTTP ${response.status} ${rejected.okta?.oktaError ?? ''}).`,
      rejected.okta,
    );
  }
}

const REVOCATION: ErrorMeaning = {
  parameters: {},
  rejection: 'access_denied',
  rejectionCodes: new Set(),
  what: 'a response to a revocation',
};
