/** Compiled by `npm run typecheck`, never run: each `@ts-expect-error` is a test that must fail. */
import express from 'express';
import type { IncomingMessage } from 'node:http';
import passport from 'passport';
import {
  OktaDirectMfaStrategy,
  type OktaDirectMfaRequest,
  type OktaDirectMfaAuthenticateOptions,
  type OktaDirectMfaInfo,
  type OktaDirectMfaStrategyOptions,
  type OktaProfile,
  type OktaTokens,
  type PassportStrategy,
  type Strategy,
  type Transaction,
  type TransactionStore,
  type VerifyCallback,
} from 'passport-okta-direct-mfa';

interface User {
  id: string;
}
declare const user: User;
declare function find(): Promise<User | undefined>;

/** Fails to compile unless both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_proof: Same<A, B>): void {}

const options: OktaDirectMfaStrategyOptions = {
  issuer: 'https://acme.okta.com',
  clientID: '0oa1',
};

// The parameters of verify are inferred.
new OktaDirectMfaStrategy(options, (tokens, profile, done) => {
  same<typeof tokens, OktaTokens>(true);
  same<typeof profile, OktaProfile>(true);
  same<typeof done, VerifyCallback>(true);
  same<typeof tokens.claims.sub, string>(true);
  same<typeof tokens.refresh_token, string | undefined>(true);
  same<typeof profile.provider, 'okta'>(true);
  done(null, user);
  done(null, false);
  done(null, false, { message: 'no' });
  done(new Error('database'));
  // @ts-expect-error -- Okta's token is called access_token
  void tokens.accessToken;
});

// Also with the option given in place.
new OktaDirectMfaStrategy({ ...options, passReqToCallback: false }, (tokens, profile, done) => {
  same<typeof tokens, OktaTokens>(true);
  same<typeof profile, OktaProfile>(true);
  done(null, { id: profile.id, accessToken: tokens.access_token });
});

// And with the request first.
new OktaDirectMfaStrategy({ ...options, passReqToCallback: true }, (req, tokens, profile, done) => {
  same<typeof req, OktaDirectMfaRequest>(true);
  same<typeof tokens, OktaTokens>(true);
  same<typeof profile, OktaProfile>(true);
  same<typeof done, VerifyCallback>(true);
  same<typeof req.url, string | undefined>(true);
  done(null, user);
});

// The request may be declared as Express's own.
new OktaDirectMfaStrategy(
  { ...options, passReqToCallback: true },
  (req: express.Request, tokens, profile, done) => {
    same<typeof tokens, OktaTokens>(true);
    same<typeof profile, OktaProfile>(true);
    done(null, { ip: req.ip, id: profile.id, accessToken: tokens.access_token });
  },
);
new OktaDirectMfaStrategy(
  { ...options, passReqToCallback: true },
  async (_req: express.Request, _tokens, _profile) => user,
);

// @ts-expect-error -- no fourth parameter without passReqToCallback
new OktaDirectMfaStrategy(options, (_req, _tokens, _profile, _done) => undefined);
const withRequest = { ...options, passReqToCallback: true } as const;
// @ts-expect-error -- the request comes first
new OktaDirectMfaStrategy(withRequest, (_tokens: OktaTokens, _profile: OktaProfile) => undefined);

// What verify may give.
new OktaDirectMfaStrategy(options, async () => user);
new OktaDirectMfaStrategy(options, async () => false);
new OktaDirectMfaStrategy(options, async () => null);
new OktaDirectMfaStrategy(options, async () => (await find()) ?? false);
new OktaDirectMfaStrategy(options, async (_tokens, _profile, done) => done(null, await find()));
new OktaDirectMfaStrategy(options, (_tokens, _profile, done) => void done(null, user));
// @ts-expect-error -- a promise of undefined decides nothing, and the request would wait for ever
new OktaDirectMfaStrategy(options, async () => find());
// @ts-expect-error -- nor does a user without a promise
new OktaDirectMfaStrategy(options, () => user);
// @ts-expect-error -- verify is required
new OktaDirectMfaStrategy(options);

// Options: one that is misspelt, missing or wrong does not compile.
// @ts-expect-error -- it is clientID
new OktaDirectMfaStrategy({ issuer: '', clientId: '' }, async () => user);
// @ts-expect-error -- it is requireMfa
new OktaDirectMfaStrategy({ ...options, requireMFA: true }, async () => user);
// @ts-expect-error -- clientID is required
new OktaDirectMfaStrategy({ issuer: '' }, async () => user);
// @ts-expect-error -- there is no such method
new OktaDirectMfaStrategy({ ...options, clientAuthentication: 'basic' }, async () => user);
// @ts-expect-error -- milliseconds are a number
new OktaDirectMfaStrategy({ ...options, timeout: '10s' }, async () => user);
// @ts-expect-error -- a promise is not an IP address
new OktaDirectMfaStrategy({ ...options, clientIP: async () => '192.0.2.1' }, async () => user);

new OktaDirectMfaStrategy(
  {
    ...options,
    clientSecret: process.env['CLIENT_SECRET'],
    scope: ['openid', 'email'] as const,
    clientIP: (req: express.Request) => req.ip,
    deviceToken: (req) => req.ip,
  },
  async () => user,
);
new OktaDirectMfaStrategy(
  { ...options, deviceToken: (req: express.Request) => req.get('x-device') },
  async () => user,
);

// Through Passport.
const strategy = new OktaDirectMfaStrategy(options, async () => user);
same<typeof Strategy, typeof OktaDirectMfaStrategy>(true);
const asPassports: passport.Strategy = strategy;
const asOwn: PassportStrategy = strategy;
passport.use(strategy);
passport.use('another-name', asPassports);
passport.use(new OktaDirectMfaStrategy(options, async () => user));
void asOwn;

const app = express();
// Passport's types give `any`.
const middleware = [
  passport.authenticate('okta-direct-mfa', { mfaRedirect: '/login/otp' }),
  passport.authenticate(strategy, { session: false, mfaRedirect: undefined }),
  passport.authorize('okta-direct-mfa', { mfaRedirect: '/login/otp' }, () => undefined),
] as express.RequestHandler[];
app.post('/login', ...middleware);
// @ts-expect-error -- it is mfaRedirect
passport.authenticate('okta-direct-mfa', { mfaRedirekt: '/login/otp' });
// @ts-expect-error -- mfaRedirect is an address
passport.authenticate('okta-direct-mfa', { mfaRedirect: true });
// @ts-expect-error -- mfaRedirect is an address
void ({ mfaRedirect: true } satisfies OktaDirectMfaAuthenticateOptions);
app.post('/login/cancel', async (req, res) => {
  await strategy.cancel(req);
  res.redirect('/login');
});
// @ts-expect-error -- cancel needs the request
void strategy.cancel();

// A subclass, as @nestjs/passport's mixin makes one.
class Subclass extends OktaDirectMfaStrategy {
  override name = 'okta-for-admins';
  constructor() {
    super({ ...options, passReqToCallback: true }, async () => user);
  }
}
passport.use(new Subclass());

// The info narrows by its code.
function show(info: OktaDirectMfaInfo): string | number {
  same<typeof info.message, string>(true);
  switch (info.code) {
    case 'mfa_required':
      return info.expiresAt;
    case 'invalid_otp':
    case 'webauthn_failed':
      return info.attemptsRemaining;
    case 'authorization_pending':
      same<typeof info.numberChallenge, string | undefined>(true);
      return info.interval;
    case 'code_sent':
      return info.resendAt;
    case 'webauthn_required':
      return info.publicKey.rpId;
    case 'factor_unavailable':
      return info.factors[0] ?? info.factor;
    case 'too_many_challenges':
      return info.retryAfter ?? 'no more';
    case 'rate_limited':
      same<typeof info.retryAfter, number | undefined>(true);
      return info.retryAfter ?? 'a while';
    case 'missing_credentials':
      same<typeof info.field, string>(true);
      return info.field;
    case 'invalid_credentials':
    case 'otp_attempts_exceeded':
    case 'mfa_transaction_missing':
    case 'mfa_transaction_expired':
    case 'access_denied':
    case 'mfa_not_enforced':
    case 'push_rejected':
    case 'challenge_expired':
    case 'challenge_replaced':
    case 'number_challenge_required':
      // @ts-expect-error -- these have no number
      same<typeof info.attemptsRemaining, number>(true);
      return info.message;
  }
}
void show;

// A store of the app's own, with or without promises.
class Store implements TransactionStore {
  read(_req: IncomingMessage): Transaction | undefined {
    return undefined;
  }
  async create(_req: IncomingMessage, _transaction: Transaction): Promise<void> {}
  update(_req: IncomingMessage, transaction: Transaction): void {
    same<typeof transaction.attempts, number>(true);
    void transaction;
  }
  async remove(): Promise<void> {}
}
new OktaDirectMfaStrategy({ ...options, store: new Store() }, async () => user);
// @ts-expect-error -- a store has four methods
new OktaDirectMfaStrategy({ ...options, store: { read: () => undefined } }, async () => user);
