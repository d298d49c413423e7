import type { TokenEndpointGrantContext } from 'oidc-provider';
import {
  mfaRequired,
  missingParameter,
  passwordExpired,
  tooManyRequests,
  userNotAssigned,
  wrongPassword,
} from '../errors.js';
import type { MfaTransactions } from '../mfa-transactions.js';
import type { RateLimit } from '../rate-limit.js';
import type { Directory } from '../users.js';
import { checkScope } from './scope.js';
import { issueTokens } from './tokens.js';

/** Resource Owner Password, RFC 6749 §4.3; OpenAPI `TokenRequestPassword`. */
export const grantType = 'password';

export const parameters = ['username', 'password', 'scope', 'grant_types_supported'];

interface Parameters {
  username?: string;
  password?: string;
}

export function handler(parts: {
  directory: Directory;
  rateLimit: RateLimit;
  transactions: MfaTransactions;
}) {
  const { directory, rateLimit, transactions } = parts;

  return async function passwordGrant(ctx: TokenEndpointGrantContext<Parameters>): Promise<void> {
    const { client, params } = ctx.oidc;
    const { username, password } = params;
    if (username === undefined) throw missingParameter('username');
    if (password === undefined) throw missingParameter('password');

    const state = rateLimit.take(username);
    ctx.set('X-Rate-Limit-Limit', String(state.limit));
    ctx.set('X-Rate-Limit-Remaining', String(state.remaining));
    ctx.set('X-Rate-Limit-Reset', String(state.reset));
    if (!state.allowed) throw tooManyRequests();

    const scope = checkScope(params.scope);
    const user = directory.findByUsername(username);
    if (!user || user.locked || user.password !== password) throw wrongPassword();
    if (user.passwordExpired) throw passwordExpired();
    if (!user.assigned) throw userNotAssigned();
    if (user.mfa) {
      const { clientId } = client;
      throw mfaRequired(transactions.start({ user, clientId, scope, verified: [] }));
    }
    await issueTokens(ctx, user, { scope, amr: ['pwd'], grantType });
  };
}
