import type { User } from './users.js';

/** The channels of `/challenge`. */
export const CHANNELS = ['push', 'sms', 'voice', 'email'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What a person may give after the password. */
export type Factor = 'otp' | Channel | 'webauthn';

/** Texts and calls go to the same phone: one authenticator, with one limit. */
const AUTHENTICATORS: Readonly<Record<Factor, string>> = {
  otp: 'otp',
  push: 'okta_verify',
  sms: 'phone',
  voice: 'phone',
  email: 'email',
  webauthn: 'webauthn',
};

const AMR: Readonly<Record<Factor, string>> = {
  otp: 'otp',
  push: 'okta_verify',
  sms: 'sms',
  voice: 'tel',
  email: 'email',
  webauthn: 'pop',
};

export const authenticator = (factor: Factor): string => AUTHENTICATORS[factor];

/** `amr` of a login by password and these. */
export const amr = (factors: readonly Factor[]): string[] =>
  ['mfa', 'pwd', ...factors.map((factor) => AMR[factor])].sort();

export function isEnrolled(user: User, factor: Factor): boolean {
  if (factor === 'otp') return user.totpSecret !== undefined;
  if (factor === 'webauthn') return user.passkeys.length > 0;
  return user.factors[factor] !== undefined;
}
