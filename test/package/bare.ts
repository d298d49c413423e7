/**
 * An app that has no types but those of Node: compiled against the packed tarball by
 * `npm run test:package`, and against lib/ by `npm run typecheck`. Every public name is used.
 */
import type { KeyObject } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import {
  OktaConfigurationError,
  OktaDirectMfaError,
  OktaDirectMfaStrategy,
  OktaRateLimitError,
  OktaRefreshError,
  OktaResponseError,
  OktaTimeoutError,
  OktaUnreachableError,
  OUTCOME_CHANNEL,
  Strategy,
  OktaTransactionStoreError,
  type OktaDirectMfaRequest,
  type OktaClientAuthenticationMethod,
  type OktaDirectMfaCommonOptions,
  type OktaDispatcher,
  type OktaDispatchOptions,
  type OktaConfigurationErrorCode,
  type OktaIdTokenClaims,
  type OktaKeptTokens,
  type OktaRefreshedTokens,
  type OktaDirectMfaAuthenticateOptions,
  type OktaDirectMfaInfo,
  type OktaDirectMfaStrategyOptions,
  type OktaDirectMfaStrategyOptionsWithRequest,
  type OktaProfile,
  type OktaReference,
  type OktaResponseErrorCode,
  type OktaTokens,
  type OutcomeEvent,
  type PassportStrategy,
  type OktaPrivateJwk,
  type OktaDirectMfaRequestReader,
  type OktaTokenSet,
  type Transaction,
  type TransactionStore,
  type VerifyCallback,
  type VerifyFunction,
  type VerifyFunctionWithRequest,
  type VerifyResult,
} from 'passport-okta-direct-mfa';
import {
  mockOkta,
  type MockOkta,
  type MockOktaDispatcher,
  type MockOktaResponse,
  type MockOktaEndpoint,
  type MockOktaFailure,
  type MockOktaOptions,
  type MockOktaRequest,
  type MockOktaUser,
} from 'passport-okta-direct-mfa/testing';
import { Agent } from 'undici';

const agent = new Agent();

declare const privateKey: KeyObject;
declare const request: IncomingMessage;

interface User {
  id: string;
  name?: string;
}

const method: OktaClientAuthenticationMethod = 'private_key_jwt';
const clientIP: OktaDirectMfaRequestReader = (req) => req.ip;
export const ownDispatcher: OktaDispatcher = {
  dispatch: ({ method, path, ...rest }: OktaDispatchOptions, handler) =>
    agent.dispatch({ method, path, ...rest }, handler),
};
export const jwk: OktaPrivateJwk = { kty: 'EC', crv: 'P-256', kid: 'key-1' };

class Store implements TransactionStore {
  private readonly waiting = new WeakMap<IncomingMessage, Transaction>();
  read(req: IncomingMessage): Transaction | undefined {
    return this.waiting.get(req);
  }
  async create(req: IncomingMessage, transaction: Transaction): Promise<void> {
    this.waiting.set(req, transaction);
  }
  update(req: IncomingMessage, transaction: Transaction): void {
    this.waiting.set(req, { ...transaction, attempts: transaction.attempts + 1 });
  }
  async remove(req: IncomingMessage): Promise<void> {
    this.waiting.delete(req);
  }
}

const common: OktaDirectMfaCommonOptions = {
  issuer: 'https://acme.okta.com/oauth2/default',
  clientID: '0oa1',
  clientAuthentication: method,
  privateKey,
  keyID: 'key-1',
  scope: ['openid', 'profile', 'email'],
  usernameField: 'username',
  passwordField: 'password',
  otpField: 'otp',
  mfaRedirect: undefined,
  sessionKey: 'okta-direct-mfa',
  store: new Store(),
  requireMfa: true,
  transactionMaxAge: 300,
  maxOtpAttempts: 5,
  userInfo: true,
  clientIP,
  deviceToken: () => undefined,
  timeout: 5000,
  dispatcher: agent,
  clockTolerance: 60,
  allowInsecureIssuer: false,
};
const options: OktaDirectMfaStrategyOptions = common;
const optionsWithRequest: OktaDirectMfaStrategyOptionsWithRequest = {
  ...common,
  passReqToCallback: true,
};

// Both forms of the verify function, with done and with a promise.
const byCallback: VerifyFunction = (tokens, profile, done) => {
  done(null, toUser(tokens, profile), { message: 'Welcome' });
};
const byPromise = async (_tokens: OktaTokens, profile: OktaProfile): Promise<User> => ({
  id: profile.id,
});
const withRequest: VerifyFunctionWithRequest = (req, tokens, profile, done): VerifyResult => {
  refuse(req, done);
  return Promise.resolve(toUser(tokens, profile));
};

function toUser({ claims }: OktaTokens, { id, displayName, emails, name }: OktaProfile): User {
  const { sub, iss, aud, exp, iat }: OktaIdTokenClaims = claims;
  void [sub, iss, aud, exp - iat, emails?.[0]?.value, name?.familyName, claims['amr']];
  return displayName === undefined ? { id } : { id, name: displayName };
}

function refuse(req: OktaDirectMfaRequest, done: VerifyCallback): void {
  if (req.method !== 'POST') done(null, false);
}

export const strategies: PassportStrategy[] = [
  new OktaDirectMfaStrategy(options, byCallback),
  new OktaDirectMfaStrategy(options, byPromise),
  new OktaDirectMfaStrategy(optionsWithRequest, withRequest),
  new Strategy(optionsWithRequest, async (req, tokens: OktaTokenSet, profile) => {
    void [req.body, req.ip, tokens.access_token, tokens.refresh_token];
    return profile._json['allowed'] === true ? { id: profile.id } : false;
  }),
];

export class AdminStrategy extends OktaDirectMfaStrategy {
  override name = 'okta-admins';
  constructor() {
    super({ ...common, passReqToCallback: false }, byPromise);
  }
}

export const authenticateOptions: OktaDirectMfaAuthenticateOptions = { mfaRedirect: '/otp' };
export const cancelled: Promise<void> = new AdminStrategy().cancel(request);

/** For as long as the person is signed in; nothing when they have to sign in again. */
export async function keepFresh(kept: OktaTokens): Promise<OktaTokens | undefined> {
  const strategy = new AdminStrategy();
  const own: OktaKeptTokens = { refresh_token: kept.refresh_token, claims: kept.claims };
  try {
    const fresh: OktaRefreshedTokens = await strategy.refresh(own);
    return { ...kept, ...fresh };
  } catch (error) {
    if (error instanceof OktaRateLimitError)
      return error.retryAfter === undefined ? kept : undefined;
    if (!(error instanceof OktaRefreshError)) throw error;
    await strategy.revoke(kept);
    return undefined;
  }
}

export function explain(error: unknown): string {
  if (error instanceof OktaConfigurationError) {
    const code: OktaConfigurationErrorCode = error.code;
    const status: 500 = error.status;
    return `${code} ${status}`;
  }
  if (error instanceof OktaResponseError) {
    const code: OktaResponseErrorCode = error.code;
    const { oktaError, oktaErrorId, oktaRequestId }: OktaReference = error;
    return [code, oktaError, oktaErrorId, oktaRequestId].join(' ');
  }
  if (error instanceof OktaTimeoutError) return error.code satisfies 'okta_timeout';
  if (error instanceof OktaUnreachableError) return error.code satisfies 'okta_unreachable';
  if (error instanceof OktaTransactionStoreError) return error.code;
  return error instanceof OktaDirectMfaError ? `${error.code} ${error.status}` : 'not of Okta';
}

export function show(info: OktaDirectMfaInfo): string {
  if (info.code === 'mfa_required') return new Date(info.expiresAt).toISOString();
  if (info.code === 'invalid_otp') return `${info.attemptsRemaining} left`;
  if (info.code === 'rate_limited') return `in ${info.retryAfter ?? 'some'} s`;
  return info.message;
}

export function audit(write: (line: string) => void): void {
  subscribe(OUTCOME_CHANNEL, (message) => {
    const { outcome, step, code, authenticated, username } = message as OutcomeEvent;
    write([outcome, step, code, authenticated, username].join(' '));
  });
}

const user: MockOktaUser = { username: 'ada@example.com', password: 'pw', otp: '123456' };
const mockOptions: MockOktaOptions = { issuer: common.issuer, clientID: '0oa1', users: [user] };

export async function test(): Promise<string[]> {
  const okta: MockOkta = mockOkta(mockOptions);
  const answer: MockOktaResponse = { status: 400, body: { error: 'invalid_scope' } };
  const endpoint: MockOktaEndpoint = 'userinfo';
  const failures: MockOktaFailure[] = ['rate_limited', 'unreachable', answer];
  for (const failure of failures) okta.failNext(failure, endpoint);
  const dispatcher: MockOktaDispatcher = okta.dispatcher;
  dispatcher.get('https://api.example.com').intercept({ path: '/' }).reply(200, 'ok');
  void new OktaDirectMfaStrategy({ ...options, dispatcher: okta.dispatcher }, byPromise);
  await okta.close();
  return okta.requests.map(({ method, path, form, headers, status }: MockOktaRequest) =>
    [method, path, form['scope'], headers['accept'], status].join(' '),
  );
}
