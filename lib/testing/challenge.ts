import { now } from '../clock.js';
import { isChannel, isEnrolled, MFA_OOB, MFA_OTP, MFA_WEBAUTHN } from './factors.js';
import type { Channel, SecondFactor } from './factors.js';
import type { Login, Logins } from './logins.js';
import { isValid, readClientData, type Passkey } from './passkey.js';
import { numberChallenge, POLL_INTERVAL, type Phone, type Push } from './phone.js';
import type { OAuthRequest } from './request.js';
import { answers, oauthError, unguessable, type MockOktaResponse } from './responses.js';
import { idOf, type MockOktaUser } from './user.js';

/** A push, text, call or mail that is out, or options of a passkey. */
interface Challenge {
  readonly login: Login;
  readonly expiresAt: number;
  readonly content:
    | { factor: 'push'; push: Push }
    | { factor: 'sms' | 'voice' | 'email'; code: string }
    | { factor: 'webauthn' };
}

/** What Okta sends to people, and makes of what comes back: the factor, or a response of its own. */
export interface Challenges {
  challenge: (login: Login, request: OAuthRequest) => MockOktaResponse;
  verifyOob: (login: Login, request: OAuthRequest) => SecondFactor | MockOktaResponse;
  verifyAssertion: (login: Login, request: OAuthRequest) => SecondFactor | MockOktaResponse;
}

/** Seconds. */
const LIFETIME = 300;

export function createChallenges(parts: {
  logins: Logins;
  phones: { of(username: string): Phone };
  passkeys: { of(username: string): Passkey };
}): Challenges {
  const { logins, phones, passkeys } = parts;
  /** By `oob_code`, or by the passkey's challenge. */
  const challenges = new Map<string, Challenge>();
  /** What is out for a login: a new one replaces it. */
  const current = new WeakMap<Login, Challenge>();

  function start(login: Login, content: Challenge['content']): string {
    const key = unguessable();
    const challenge = { login, content, expiresAt: now() + LIFETIME * 1000 };
    challenges.set(key, challenge);
    current.set(login, challenge);
    return key;
  }

  function isOut(challenge: Challenge): boolean {
    const { login, expiresAt } = challenge;
    const isCurrent = current.get(login) === challenge && logins.find(login.mfaToken) === login;
    return isCurrent && now() < expiresAt;
  }

  /** Okta: configure-direct-auth-grants. */
  function sendOut(login: Login, channel: Channel): MockOktaResponse {
    const phone = phones.of(login.user.username);
    const sent = { challenge_type: MFA_OOB, expires_in: LIFETIME, channel };
    if (channel !== 'push') {
      const oobCode = start(login, { factor: channel, code: phone.send(channel) });
      return { status: 200, body: { ...sent, oob_code: oobCode, binding_method: 'prompt' } };
    }
    const shown = login.user.push === 'without-number' ? {} : numberChallenge();
    const push: Push = {
      id: unguessable(),
      ...shown,
      answer: undefined,
      isOut: () => isOut(challenges.get(oobCode) as Challenge),
    };
    const oobCode = start(login, { factor: 'push', push });
    phone.ring(push);
    const binding =
      push.number === undefined
        ? { binding_method: 'none' }
        : { binding_method: 'transfer', binding_code: push.number };
    return {
      status: 200,
      body: { ...sent, oob_code: oobCode, interval: POLL_INTERVAL, ...binding },
    };
  }

  /** In no guide of Okta's; as its Kotlin SDK reads it, camel case and all. */
  function passkeyOptions(login: Login): MockOktaResponse {
    const { id } = passkeys.of(login.user.username);
    const { rpId } = passkeySettings(login.user);
    const publicKey = {
      challenge: start(login, { factor: 'webauthn' }),
      ...(rpId === undefined ? {} : { rpId }),
      allowCredentials: [{ type: 'public-key', id, transports: ['internal'] }],
      timeout: LIFETIME * 1000,
      userVerification: 'preferred',
    };
    const aaguid = '00000000-0000-0000-0000-000000000000';
    return {
      status: 200,
      body: {
        challengeType: MFA_WEBAUTHN,
        publicKey,
        authenticatorEnrollments: [
          { credentialId: id, displayName: 'Passkey', profile: { aaguid } },
        ],
      },
    };
  }

  return {
    challenge(login, { form }) {
      const types = form['challenge_types_supported']?.split(' ').filter(Boolean) ?? [];
      const unknown = types.find((type) => ![MFA_OOB, MFA_OTP, MFA_WEBAUTHN].includes(type));
      if (unknown !== undefined) return unsupported('challenge_type', unknown);
      const factor = toFactor(types, form['channel_hint']);
      if (factor === undefined) {
        const name = 'channel_hint';
        return form[name] === undefined
          ? oauthError(400, 'invalid_request', `The \`${name}\` parameter is required.`)
          : unsupported(name, form[name]);
      }
      if (!isUsable(login, factor)) return answers.cannotBeUsed();
      if (factor === 'webauthn') return passkeyOptions(login);
      if (factor !== 'otp') return sendOut(login, factor);
      current.delete(login);
      return { status: 200, body: { challenge_type: MFA_OTP } };
    },

    verifyOob(login, { form }) {
      const challenge = challenges.get(form['oob_code'] ?? '');
      if (challenge === undefined || challenge.content.factor === 'webauthn') {
        return answers.oobCodeExpired();
      }
      if (challenge.login !== login) return answers.notAssociated('oob_code');
      if (!isOut(challenge)) return answers.oobCodeExpired();

      const { content } = challenge;
      if (content.factor !== 'push') {
        if (form['binding_code'] !== content.code) {
          return invalidGrant('The `otp` provided is either empty or incorrect.');
        }
      } else if (content.push.answer === undefined) {
        const text = 'No user response received on the out-of-band authenticator yet.';
        return oauthError(400, 'authorization_pending', text);
      }
      current.delete(login);
      return content.factor === 'push' && content.push.answer === 'rejected'
        ? invalidGrant('User rejected out-of-band authentication prompt.')
        : content.factor;
    },

    verifyAssertion(login, { form, issuer }) {
      const { clientDataJSON, authenticatorData, signature, userHandle } = form;
      const clientData = readClientData(clientDataJSON ?? '');
      if (!clientDataJSON || !authenticatorData || !signature || clientData === undefined) {
        const text =
          'WebAuthn requests must contain `authenticatorData`, `signature`, and `clientDataJSON` with a `challenge`.';
        return oauthError(400, 'invalid_request', text);
      }
      const challenge = challenges.get(clientData.challenge);
      const isAwaited =
        challenge !== undefined && isOut(challenge) && challenge.content.factor === 'webauthn';
      if (!isAwaited) {
        return invalidGrant('There is no pending WebAuthn challenge for the request.');
      }
      if (challenge.login !== login) return answers.notAssociated('challenge');

      current.delete(login);
      const { user } = login;
      const { rpId = new URL(issuer).hostname } = passkeySettings(user);
      const assertion = {
        clientDataJSON,
        authenticatorData,
        signature,
        ...(userHandle === undefined ? {} : { userHandle }),
      };
      return isValid(passkeys.of(user.username), assertion, { rpId, userId: idOf(user) })
        ? 'webauthn'
        : invalidGrant('None of the WebAuthn authenticators of the user validated the assertion.');
    },
  };
}

/** Whether the person has it, and has not used it in this login. */
export function isUsable({ user, used }: Login, factor: SecondFactor): boolean {
  return isEnrolled(user, factor) && !used.includes(factor);
}

/** A channel says it all; without one, only what needs none. */
function toFactor(types: readonly string[], channel: string | undefined): SecondFactor | undefined {
  if (channel !== undefined && (types.length === 0 || types.includes(MFA_OOB))) {
    return isChannel(channel) ? channel : undefined;
  }
  if (types.includes(MFA_WEBAUTHN)) return 'webauthn';
  return types.includes(MFA_OTP) ? 'otp' : undefined;
}

function passkeySettings({ passkey }: MockOktaUser): { rpId?: string | undefined } {
  return typeof passkey === 'object' ? passkey : {};
}

function invalidGrant(description: string): MockOktaResponse {
  return oauthError(400, 'invalid_grant', description);
}

function unsupported(name: string, value: string): MockOktaResponse {
  return oauthError(400, 'invalid_request', `\`${value}\` isn't supported as a \`${name}\`.`);
}
