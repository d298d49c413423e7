import type { TokenEndpointGrantContext } from 'oidc-provider';
import {
  badClientData,
  noPendingPasskey,
  notAssociated,
  passkeyFieldsMissing,
  passkeyRefused,
} from '../challenge-errors.js';
import { missingParameter } from '../errors.js';
import { isSigned, type PasskeySettings } from '../passkeys.js';
import {
  complete,
  countTry,
  findTransaction,
  sameScope,
  type SecondFactorParts,
} from './second-factor.js';

/** Direct authentication, passkey; in Okta's SDKs and catalogue of errors, not in the OpenAPI. */
export const grantType = 'urn:okta:params:oauth:grant-type:mfa-webauthn';

export const parameters = [
  'mfa_token',
  'clientDataJSON',
  'authenticatorData',
  'signature',
  'userHandle',
  'scope',
  'grant_types_supported',
];

interface Parameters {
  mfa_token?: string;
  clientDataJSON?: string;
  authenticatorData?: string;
  signature?: string;
  userHandle?: string;
}

export function handler(parts: SecondFactorParts & { webauthn: PasskeySettings }) {
  const { challenges, webauthn } = parts;

  return async function mfaWebauthnGrant(
    ctx: TokenEndpointGrantContext<Parameters>,
  ): Promise<void> {
    const { client, params } = ctx.oidc;
    const { mfa_token: mfaToken, clientDataJSON, authenticatorData, signature } = params;
    const transaction = findTransaction(parts, mfaToken, client.clientId);
    if (mfaToken === undefined) throw missingParameter('mfa_token');
    if (!clientDataJSON || !authenticatorData || !signature) throw passkeyFieldsMissing();

    const { challenge: key, origin } = readClientData(clientDataJSON);
    const challenge = challenges.find(key);
    if (challenge?.kind !== 'webauthn' || !challenges.isGood(challenge)) throw noPendingPasskey();
    if (challenge.mfaToken !== mfaToken) throw notAssociated('challenge');
    const scope = sameScope(transaction, params.scope);
    const { user } = transaction;
    countTry(parts, user, 'webauthn');

    // Used up before the first await: of two concurrent requests, only one gets tokens.
    challenges.end(mfaToken);
    const { userHandle } = params;
    const response = {
      clientDataJSON,
      authenticatorData,
      signature,
      ...(userHandle ? { userHandle } : {}),
    };
    if (!(await isSigned(user, response, { ...webauthn, challenge: key, origin }))) {
      throw passkeyRefused();
    }
    await complete(ctx, parts, { mfaToken, transaction, factor: 'webauthn', scope, grantType });
  };
}

function readClientData(clientDataJSON: string): { challenge: string; origin: string } {
  let clientData: { challenge?: unknown; origin?: unknown } | null;
  try {
    clientData = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()) as object | null;
  } catch {
    throw badClientData();
  }
  if (typeof clientData?.challenge !== 'string') throw badClientData();
  return { challenge: clientData.challenge, origin: String(clientData.origin) };
}
