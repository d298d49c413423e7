import { randomBytes } from 'node:crypto';
import { Secret } from 'otpauth';
import { oktaId } from './ids.js';
import type { EnrolledPasskey } from './passkeys.js';

/** What is enrolled besides the authenticator app and passkeys. */
export interface UserFactors {
  /** Okta Verify; whether its pushes come with a number to compare. */
  push?: { numberChallenge: boolean };
  /** The phone's number. */
  sms?: string;
  voice?: string;
  /** The form of the codes: six digits unless given, at Okta up to ten characters. */
  email?: { length?: number; letters?: boolean };
}

/** A user in the directory. */
export interface User {
  /** `sub` of the tokens: `00u…`, 20 characters. */
  id: string;
  username: string;
  password: string;
  givenName: string;
  familyName: string;
  /** The authenticator app's key, in Base32. `undefined`: no authenticator is enrolled. */
  totpSecret: string | undefined;
  factors: UserFactors;
  passkeys: EnrolledPasskey[];
  /** Whether the sign-on policy requires a second factor after the password. */
  mfa: boolean;
  /** Whether the policy requires a third, of another authenticator than the second. */
  thirdFactor: boolean;
  passwordExpired: boolean;
  locked: boolean;
  /** Whether the user is assigned to the app, for every client. */
  assigned: boolean;
}

/** An assigned user with MFA by passcode who is not locked; what is not given is random. */
export function newUser(given: Partial<User> = {}): User {
  const id = given.id ?? oktaId('00u');
  return {
    id,
    username: `${id.toLowerCase()}-${randomBytes(3).toString('hex')}@example.com`,
    password: randomBytes(12).toString('base64url'),
    givenName: 'Test',
    familyName: 'User',
    totpSecret: new Secret({ size: 20 }).base32,
    factors: {},
    passkeys: [],
    mfa: true,
    thirdFactor: false,
    passwordExpired: false,
    locked: false,
    assigned: true,
    ...given,
  };
}

/** All accounts, found by username (case-insensitive) or by id. */
export class Directory {
  readonly #byUsername = new Map<string, User>();
  readonly #byId = new Map<string, User>();

  get users(): User[] {
    return [...this.#byId.values()];
  }

  add(user: User): void {
    if (this.findByUsername(user.username) || this.findById(user.id)) {
      throw new TypeError(`There is a user ${user.username} (${user.id}) already`);
    }
    this.#byUsername.set(user.username.toLowerCase(), user);
    this.#byId.set(user.id, user);
  }

  remove(user: User): void {
    this.#byUsername.delete(user.username.toLowerCase());
    this.#byId.delete(user.id);
  }

  findByUsername(username: string): User | undefined {
    return this.#byUsername.get(username.toLowerCase());
  }

  findById(id: string): User | undefined {
    return this.#byId.get(id);
  }
}
