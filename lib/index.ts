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
export type { PassportStrategy } from './base-strategy.js';
export type { ClientAuthenticationMethod } from './client-authentication.js';
export type { ConfigurationErrorCode, OktaReference, OktaResponseErrorCode } from './errors.js';
export type { OutcomeEvent } from './events.js';
export type { IdTokenClaims } from './id-token.js';
export type { OktaDirectMfaInfo } from './info.js';
export type {
  OktaDirectMfaAuthenticateOptions,
  CommonOptions,
  OktaDirectMfaStrategyOptions,
  OktaDirectMfaStrategyOptionsWithRequest,
  PrivateJwk,
  RequestReader,
} from './options.js';
export type { OktaProfile } from './profile.js';
export type { AuthenticateRequest } from './request.js';
export type { OktaTokens, TokenSet } from './token-endpoint.js';
export type { Transaction, TransactionStore } from './transaction-store.js';
export type {
  VerifyCallback,
  VerifyFunction,
  VerifyFunctionWithRequest,
  VerifyResult,
} from './verify.js';
