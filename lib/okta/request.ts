/** One kind of request to the token endpoint: a factor, or a way to prove one. */
export interface Grant<Input, Refusal extends string = string> {
  /** The `grant_type` parameter. */
  grantType: string;
  /** The parameters besides `grant_type`, `scope` and the client's own. */
  parameters(input: Input): Record<string, string>;
  /** What it means to the person when Okta refuses the input as wrong. */
  refusal: Refusal;
  /** Okta's error codes that say so. */
  refusalCodes: ReadonlySet<string>;
  /** Whether the input has an `mfa_token`, which Okta may say has expired. */
  usesMfaToken: boolean;
}
