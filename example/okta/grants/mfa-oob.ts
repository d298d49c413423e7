import type { TokenEndpointGrantContext } from 'oidc-provider';
import { expired, notAssociated, pending, rejected, wrongOobCode } from '../challenge-errors.js';
import { missingParameter } from '../errors.js';
import {
  complete,
  countTry,
  findTransaction,
  sameScope,
  type SecondFactorParts,
} from './second-factor.js';

/** Direct authentication, push and codes; OpenAPI `TokenRequestDirectAuthenticationMfaOob`. */
export const grantType = 'http://auth0.com/oauth/grant-type/mfa-oob';

export const parameters = [
  'mfa_token',
  'oob_code',
  'binding_code',
  'scope',
  'grant_types_supported',
];

interface Parameters {
  mfa_token?: string;
  oob_code?: string;
  binding_code?: string;
}

export function handler(parts: SecondFactorParts) {
  const { challenges, transactions } = parts;

  return async function mfaOobGrant(ctx: TokenEndpointGrantContext<Parameters>): Promise<void> {
    const { client, params } = ctx.oidc;
    const { mfa_token: mfaToken, oob_code: oobCode, binding_code: code } = params;
    const transaction = findTransaction(parts, mfaToken, client.clientId);
    if (mfaToken === undefined || oobCode === undefined) throw missingParameter('oob_code');

    const challenge = challenges.find(oobCode);
    if (!challenge || challenge.kind === 'webauthn') throw expired('oob_code');
    if (challenge.mfaToken !== mfaToken) throw notAssociated('oob_code');
    if (!challenges.isGood(challenge)) throw expired('oob_code');
    const scope = sameScope(transaction, params.scope);

    // No await from here on, as in the passcode's grant.
    if (challenge.kind === 'push') {
      if (challenge.state === 'waiting') throw pending();
      if (challenge.state === 'rejected') {
        challenges.end(mfaToken);
        throw rejected();
      }
    } else {
      countTry(parts, transaction.user, challenge.kind);
      if (code === undefined || code !== challenge.code) {
        transactions.wrongCode(mfaToken);
        throw wrongOobCode();
      }
    }
    const factor = challenge.kind;
    await complete(ctx, parts, { mfaToken, transaction, factor, scope, grantType });
  };
}
