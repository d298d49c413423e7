export { OktaDirectMfaStrategy, OktaDirectMfaStrategy as Strategy } from './strategy.js';
export {
  ConfigurationError,
  OktaDirectMfaError,
  OktaResponseError,
  OktaTimeoutError,
  OktaUnreachableError,
  TransactionStoreError,
} from './errors.js';
export { OUTCOME_CHANNEL } from './events.js';
export type { PassportStrategy } from './passport.js';
export type { ClientAuthenticationMethod } from './okta/client-authentication.js';
export type { ConfigurationErrorCode, OktaReference, OktaResponseErrorCode } from './errors.js';
export type { OutcomeEvent } from './events.js';
export type { IdTokenClaims } from './okta/id-token.js';
export type { OktaDirectMfaInfo } from './failures.js';
export type {
  OktaDirectMfaAuthenticateOptions,
  CommonOptions,
  OktaDirectMfaStrategyOptions,
  OktaDirectMfaStrategyOptionsWithRequest,
  PrivateJwk,
  RequestReader,
} from './options/index.js';
export type { OktaProfile } from './okta/profile.js';
export type { AuthenticateRequest } from './request.js';
export type { OktaTokens, TokenSet } from './okta/token-endpoint.js';
export type { Transaction, TransactionStore } from './transactions/session-store.js';
export type {
  VerifyCallback,
  VerifyFunction,
  VerifyFunctionWithRequest,
  VerifyResult,
} from './verify.js';
