/**
 * One kind of request to the token endpoint, with what is sent in it: RFC 6749 §4.5, an extension
 * grant with its own parameters.
 */
export interface Grant {
  /** The `grant_type` parameter. */
  grantType: string;
  /** The parameters besides `grant_type`, `scope` and the client's own. */
  parameters: Readonly<Record<string, string>>;
  /** Names of the parameters that may appear in a message. Every other one is a secret. */
  loggable: readonly string[];
  /** What it means when Okta rejects the parameters as wrong. */
  rejection: 'invalid_credentials' | 'invalid_otp';
  /** Okta's error codes that say so. */
  rejectionCodes: ReadonlySet<string>;
}
