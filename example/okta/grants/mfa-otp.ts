import type { TokenEndpointGrantContext } from 'oidc-provider';
import { mfaTokenExpired, missingParameter, wrongPasscode } from '../errors.js';
import type { Passcodes } from '../passcodes.js';
import { checkScope } from './scope.js';
import { assertUsable, complete, countTry, type SecondFactorParts } from './second-factor.js';

/** Direct authentication, passcode; OpenAPI `TokenRequestDirectAuthenticationMfaOtp`. */
export const grantType = 'http://auth0.com/oauth/grant-type/mfa-otp';

export const parameters = ['mfa_token', 'otp', 'scope', 'grant_types_supported'];

interface Parameters {
  mfa_token?: string;
  otp?: string;
}

export function handler(parts: SecondFactorParts & { passcodes: Passcodes }) {
  const { directory, passcodes, transactions } = parts;

  return async function mfaOtpGrant(ctx: TokenEndpointGrantContext<Parameters>): Promise<void> {
    const { client, params } = ctx.oidc;
    const { mfa_token: mfaToken, otp } = params;
    if (mfaToken === undefined) throw missingParameter('mfa_token');
    if (otp === undefined) throw missingParameter('otp');

    const transaction = transactions.find(mfaToken);
    const isGood =
      transaction?.clientId === client.clientId && directory.findById(transaction.user.id);
    if (!isGood) throw mfaTokenExpired();
    const { user } = transaction;
    const scope = params.scope === undefined ? transaction.scope : checkScope(params.scope);
    assertUsable(transaction, 'otp');
    countTry(parts, user, 'otp');

    // No await between the check and the end of the transaction: of two concurrent requests with
    // the same code or the same `mfa_token`, only one gets tokens.
    if (!passcodes.use(user, otp)) {
      transactions.wrongCode(mfaToken);
      throw wrongPasscode();
    }
    await complete(ctx, parts, { mfaToken, transaction, factor: 'otp', scope, grantType });
  };
}
