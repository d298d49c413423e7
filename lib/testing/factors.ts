import type { MockOktaUser } from './user.js';

/** What is sent out, as `channel_hint` names it. */
export type Channel = 'push' | 'sms' | 'voice' | 'email';

export type SecondFactor = Channel | 'otp' | 'webauthn';

export const MFA_OTP = 'http://auth0.com/oauth/grant-type/mfa-otp';
export const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
export const MFA_WEBAUTHN = 'urn:okta:params:oauth:grant-type:mfa-webauthn';

/** For `amr`, from the values that Okta documents; RFC 8176 has most of them. */
const METHODS: Record<SecondFactor, string> = {
  otp: 'otp',
  push: 'okta_verify',
  sms: 'sms',
  voice: 'tel',
  email: 'email',
  webauthn: 'pop',
};

export function isChannel(name: string): name is Channel {
  return name !== 'otp' && name !== 'webauthn' && Object.hasOwn(METHODS, name);
}

/** Whether the person has it. */
export function isEnrolled(user: MockOktaUser, factor: SecondFactor): boolean {
  switch (factor) {
    case 'otp':
      return user.otp !== undefined;
    case 'email':
      return user.inbox === true;
    case 'webauthn':
      return isSet(user.passkey);
    case 'push':
    case 'sms':
    case 'voice':
      return isSet(user[factor]);
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== false;
}

export function factorsOf(user: MockOktaUser): SecondFactor[] {
  return (Object.keys(METHODS) as SecondFactor[]).filter((factor) => isEnrolled(user, factor));
}

/** After the password and these factors. */
export function amrOf(used: readonly SecondFactor[]): string[] {
  return used.length === 0 ? ['pwd'] : ['mfa', ...used.map((factor) => METHODS[factor]), 'pwd'];
}
