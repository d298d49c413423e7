import { oauthError, type OktaError } from './errors.js';

// Of /challenge, and of the grants that follow it. The words differ from Okta's catalogue; those by
// which a client can tell two errors apart are the same.

/** Expired, used, replaced or unknown. */
export const expired = (name: 'mfa_token' | 'oob_code'): OktaError =>
  oauthError(
    403,
    'access_denied',
    `\`${name}\` has expired. Use a new \`oob_code\` or \`mfa_token\` and try again.`,
  );

export const otherClient = (): OktaError =>
  oauthError(
    401,
    'invalid_client',
    "The `client_id` doesn't match the one in the original request.",
  );

export const scopeChanged = (): OktaError =>
  oauthError(
    400,
    'invalid_scope',
    "The requested scopes don't match those of the original request.",
  );

export const badChannel = (channel: string): OktaError => unsupported('channel_hint', channel);

export const badChallengeType = (type: string): OktaError => unsupported('challenge_type', type);

export const grantDisabled = (grantTypes: readonly string[]): OktaError =>
  oauthError(
    400,
    'unauthorized_client',
    `The client isn't authorized to use the provided grant type. Configured grant types: [${grantTypes.join(', ')}].`,
  );

/** The policy does not ask for this authenticator (any more). */
export const notChallenged = (): OktaError =>
  oauthError(
    403,
    'access_denied',
    'Unable to prompt for the requested authenticators. Request another authenticator and try again.',
  );

export const pending = (): OktaError =>
  oauthError(
    400,
    'authorization_pending',
    'No user response received on the out-of-band authenticator yet. Continue polling.',
  );

export const rejected = (): OktaError =>
  oauthError(400, 'invalid_grant', 'User rejected out-of-band authentication prompt.');

export const wrongOobCode = (): OktaError =>
  oauthError(400, 'invalid_grant', 'The `otp` provided is either empty or incorrect.');

export const notAssociated = (name: 'oob_code' | 'challenge'): OktaError =>
  oauthError(
    400,
    'invalid_request',
    `The \`${name}\` and the \`mfa_token\` provided are not associated with each other.`,
  );

export const passkeyFieldsMissing = (): OktaError =>
  oauthError(
    400,
    'invalid_request',
    'WebAuthn requests must contain `authenticatorData`, `clientDataJSON`, and `signature`.',
  );

export const badClientData = (): OktaError =>
  oauthError(
    400,
    'invalid_request',
    "`clientDataJSON` isn't a Base64 encoded JSON string containing a `challenge`.",
  );

export const noPendingPasskey = (): OktaError =>
  oauthError(400, 'invalid_grant', 'There is no pending WebAuthn challenge for the request.');

export const passkeyRefused = (): OktaError =>
  oauthError(
    400,
    'invalid_grant',
    'None of the WebAuthn authenticators of the user was able to validate the assertion.',
  );

function unsupported(name: string, value: string): OktaError {
  return oauthError(
    400,
    'invalid_request',
    `\`${value}\` isn't supported as a \`${name}\`. Try again with another value.`,
  );
}
