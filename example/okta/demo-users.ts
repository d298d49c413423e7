import { newUser, type User, type UserFactors } from './users.js';

export interface DemoUsers {
  /** Password, then a passcode. The TOTP secret is fixed, so that it works across restarts. */
  readonly alice: User;
  /** The sign-on policy requires only the password. */
  readonly bob: User;
  /** Locked out. */
  readonly carol: User;
  /** Not assigned to the app. */
  readonly dave: User;
  /** Okta Verify: a push with a number to compare. */
  readonly erin: User;
  /** Okta Verify: a push without a number. */
  readonly frank: User;
  readonly grace: User;
  readonly heidi: User;
  /** Mailed codes of eight characters, with letters. */
  readonly ivan: User;
  /** A passkey, once she has enrolled one at `/passkeys`. */
  readonly judy: User;
  /** Every factor; a passkey once enrolled. */
  readonly kim: User;
  /** The policy requires two factors after the password. */
  readonly liam: User;
  /** The password has expired. */
  readonly mia: User;
}

const ALL_FACTORS: UserFactors = {
  push: { numberChallenge: true },
  sms: '+1 555 0111',
  voice: '+1 555 0111',
  email: {},
};

/** The accounts of the demo, as new objects on each call. */
export function demoUsers(): DemoUsers {
  return {
    alice: newUser({
      id: '00ualice000000000000',
      username: 'alice@example.com',
      password: 'Green-Kettle-42',
      givenName: 'Alice',
      familyName: 'Anderson',
      totpSecret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    }),
    bob: newUser({
      id: '00ubob00000000000000',
      username: 'bob@example.com',
      password: 'Quiet-Harbour-17',
      givenName: 'Bob',
      familyName: 'Brown',
      totpSecret: undefined,
      mfa: false,
    }),
    carol: newUser({
      id: '00ucarol000000000000',
      username: 'carol@example.com',
      password: 'Paper-Lantern-58',
      givenName: 'Carol',
      familyName: 'Clark',
      locked: true,
    }),
    dave: newUser({
      id: '00udave0000000000000',
      username: 'dave@example.com',
      password: 'Early-Meadow-63',
      givenName: 'Dave',
      familyName: 'Dixon',
      assigned: false,
    }),
    erin: newUser({
      id: '00uerin0000000000000',
      username: 'erin@example.com',
      password: 'Silver-Anchor-21',
      givenName: 'Erin',
      familyName: 'Evans',
      totpSecret: undefined,
      factors: { push: { numberChallenge: true } },
    }),
    frank: newUser({
      id: '00ufrank000000000000',
      username: 'frank@example.com',
      password: 'Wooden-Bridge-34',
      givenName: 'Frank',
      familyName: 'Foster',
      totpSecret: undefined,
      factors: { push: { numberChallenge: false } },
    }),
    grace: newUser({
      id: '00ugrace000000000000',
      username: 'grace@example.com',
      password: 'Winter-Orchard-75',
      givenName: 'Grace',
      familyName: 'Green',
      totpSecret: undefined,
      factors: { sms: '+1 555 0107' },
    }),
    heidi: newUser({
      id: '00uheidi000000000000',
      username: 'heidi@example.com',
      password: 'Copper-Window-86',
      givenName: 'Heidi',
      familyName: 'Hall',
      totpSecret: undefined,
      factors: { voice: '+1 555 0108' },
    }),
    ivan: newUser({
      id: '00uivan0000000000000',
      username: 'ivan@example.com',
      password: 'Gentle-Thunder-93',
      givenName: 'Ivan',
      familyName: 'Irving',
      totpSecret: undefined,
      factors: { email: { length: 8, letters: true } },
    }),
    judy: newUser({
      id: '00ujudy0000000000000',
      username: 'judy@example.com',
      password: 'Velvet-Compass-48',
      givenName: 'Judy',
      familyName: 'Jones',
      totpSecret: undefined,
    }),
    kim: newUser({
      id: '00ukim00000000000000',
      username: 'kim@example.com',
      password: 'Amber-Lighthouse-52',
      givenName: 'Kim',
      familyName: 'King',
      totpSecret: 'KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU',
      factors: structuredClone(ALL_FACTORS),
    }),
    liam: newUser({
      id: '00uliam0000000000000',
      username: 'liam@example.com',
      password: 'Marble-Fountain-67',
      givenName: 'Liam',
      familyName: 'Lewis',
      totpSecret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      factors: structuredClone(ALL_FACTORS),
      thirdFactor: true,
    }),
    mia: newUser({
      id: '00umia00000000000000',
      username: 'mia@example.com',
      password: 'Rusty-Lantern-19',
      givenName: 'Mia',
      familyName: 'Moore',
      passwordExpired: true,
    }),
  };
}
