import type { TokenEndpointGrantContext } from 'oidc-provider';
import {
  authenticatorCannotBeUsed,
  mfaTokenExpired,
  missingParameter,
  tooManyPasscodes,
  wrongPasscode,
} from '../errors.js';
import type { MfaTransactions } from '../mfa-transactions.js';
import type { Passcodes } from '../passcodes.js';
import type { RateLimit } from '../rate-limit.js';
import type { Directory } from '../users.js';
import { checkScope } from './scope.js';
import { issueTokens } from './tokens.js';

/** Direct authentication, second step; OpenAPI `TokenRequestDirectAuthenticationMfaOtp`. */
export const grantType = 'http://auth0.com/oauth/grant-type/mfa-otp';

export const parameters = ['mfa_token', 'otp', 'scope', 'grant_types_supported'];

interface Parameters {
  mfa_token?: string;
  otp?: string;
}

export function handler(parts: {
  directory: Directory;
  otpLimit: RateLimit;
  passcodes: Passcodes;
  transactions: MfaTransactions;
}) {
  const { directory, otpLimit, passcodes, transactions } = parts;

  return async function mfaOtpGrant(ctx: TokenEndpointGrantContext<Parameters>): Promise<void> {
    const { client, params } = ctx.oidc;
    const { mfa_token: mfaToken, otp } = params;
    if (mfaToken === undefined) throw missingParameter('mfa_token');
    if (otp === undefined) throw missingParameter('otp');

    const transaction = transactions.find(mfaToken, client.clientId);
    if (!transaction || !directory.findById(transaction.user.id)) throw mfaTokenExpired();
    const { user } = transaction;
    const scope = params.scope === undefined ? transaction.scope : checkScope(params.scope);
    if (user.totpSecret === undefined) throw authenticatorCannotBeUsed();
    if (!otpLimit.take(user.id).allowed) throw tooManyPasscodes();

    // No await between the check and the end of the transaction: of two concurrent requests with
    // the same code or the same `mfa_token`, only one gets tokens.
    if (!passcodes.use(user, otp)) {
      transactions.wrongCode(mfaToken);
      throw wrongPasscode();
    }
    transactions.end(mfaToken);
    await issueTokens(ctx, user, { scope, amr: ['mfa', 'otp', 'pwd'], grantType });
  };
}
