export { OktaDirectMfaStrategy, OktaDirectMfaStrategy as Strategy } from './strategy.js';
export {
  OktaConfigurationError,
  OktaDirectMfaError,
  OktaRateLimitError,
  OktaRefreshError,
  OktaResponseError,
  OktaTimeoutError,
  OktaTransactionStoreError,
  OktaUnreachableError,
} from './errors.js';
export { OUTCOME_CHANNEL } from './events.js';
export type { OktaConfigurationErrorCode, OktaReference, OktaResponseErrorCode } from './errors.js';
export type { OutcomeEvent } from './events.js';
export type { OktaDirectMfaFactor, OktaDirectMfaStep } from './factors/index.js';
export type { OktaDirectMfaInfo } from './info.js';
export type { OktaClientAuthenticationMethod } from './okta/client-authentication.js';
export type { OktaIdTokenClaims } from './okta/id-token.js';
export type { OktaProfile } from './okta/profile.js';
export type {
  OktaKeptTokens,
  OktaRefreshedTokens,
  OktaTokens,
  OktaTokenSet,
} from './okta/tokens.js';
export type {
  OktaDirectMfaAuthenticateOptions,
  OktaDirectMfaCommonOptions,
  OktaDirectMfaStrategyOptions,
  OktaDirectMfaStrategyOptionsWithRequest,
  OktaPrivateJwk,
} from './options/types.js';
export type { PassportStrategy } from './passport.js';
export type { PendingChallenge, PendingTransaction } from './pending.js';
export type { OktaDirectMfaRequest, OktaDirectMfaRequestReader } from './request.js';
export type {
  Challenge,
  OktaDirectMfaSecondFactor,
  OktaPublicKeyOptions,
  Transaction,
  TransactionStore,
} from './transactions/transaction.js';
export type { OktaDispatcher, OktaDispatchOptions } from './undici.js';
export type {
  VerifyCallback,
  VerifyFunction,
  VerifyFunctionWithRequest,
  VerifyResult,
} from './verify.js';
