import type {
  AuthenticatorAssertionResponseJSON,
  PublicKeyCredentialRequestOptionsJSON,
  WebAuthnCredential,
} from '@simplewebauthn/server';
import type { User } from './users.js';

/** A passkey as Okta keeps it. */
export interface EnrolledPasskey extends WebAuthnCredential {
  displayName: string;
  aaguid: string;
}

export interface PasskeySettings {
  /** Default: `localhost`. */
  rpID?: string;
  /** The origins that an answer may come from. Default: any. */
  origins?: readonly string[];
  /** Whether `publicKey` has an `rpId`; else only `extensions.appid` tells. Default: true. */
  sendRpId?: boolean;
}

export const DEFAULT_RP_ID = 'localhost';

/** Loaded by the first passkey: it takes a third as long as the rest of the stand-in. */
export const webauthn = () => import('@simplewebauthn/server');

/** `userHandle` of a user's passkeys, as an assertion has it. */
export const userHandle = (user: User): string => Buffer.from(user.id).toString('base64url');

/** What `/challenge` answers, apart from the `challengeType`. */
export async function requestOptions(
  user: User,
  settings: PasskeySettings,
): Promise<{
  publicKey: PublicKeyCredentialRequestOptionsJSON;
  authenticatorEnrollments: object[];
}> {
  const { rpID = DEFAULT_RP_ID, sendRpId = true } = settings;
  const { generateAuthenticationOptions } = await webauthn();
  const { rpId, ...options } = await generateAuthenticationOptions({
    rpID,
    allowCredentials: user.passkeys.map(({ id, transports }) => ({
      id,
      ...(transports ? { transports } : {}),
    })),
    ...(sendRpId ? {} : { extensions: { appid: `https://${rpID}` } }),
  });
  return {
    publicKey: sendRpId && rpId !== undefined ? { ...options, rpId } : options,
    authenticatorEnrollments: user.passkeys.map(({ id, displayName, aaguid }) => ({
      credentialId: id,
      displayName,
      profile: { aaguid },
    })),
  };
}

/**
 * Whether one of the user's passkeys has signed this. The token request does not say which, so each
 * is tried.
 */
export async function isSigned(
  user: User,
  response: AuthenticatorAssertionResponseJSON,
  expected: PasskeySettings & { challenge: string; origin: string },
): Promise<boolean> {
  const { challenge, origin, origins = [origin], rpID = DEFAULT_RP_ID } = expected;
  if (response.userHandle !== undefined && response.userHandle !== userHandle(user)) return false;
  const { verifyAuthenticationResponse } = await webauthn();
  for (const passkey of user.passkeys) {
    const { id } = passkey;
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} },
        expectedChallenge: challenge,
        expectedOrigin: [...origins],
        expectedRPID: rpID,
        credential: passkey,
        requireUserVerification: false,
      });
      if (!verified) continue;
      passkey.counter = authenticationInfo.newCounter;
      return true;
    } catch {
      // Thrown for whatever does not fit: the next passkey may.
    }
  }
  return false;
}
