import { randomBytes } from 'node:crypto';
import { Secret } from 'otpauth';
import { oktaId } from './ids.js';

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
  /** Whether the sign-on policy requires a one-time passcode after the password. */
  mfa: boolean;
  locked: boolean;
  /** Whether the user is assigned to the app, for every client. */
  assigned: boolean;
}

export interface DemoUsers {
  /** Password, then a passcode. The TOTP secret is fixed, so that it works across restarts. */
  readonly alice: User;
  /** The sign-on policy requires only the password. */
  readonly bob: User;
  /** Locked out. */
  readonly carol: User;
  /** Not assigned to the app. */
  readonly dave: User;
}

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
  };
}

/** An assigned user with MFA who is not locked; what is not given is random. */
export function newUser(given: Partial<User> = {}): User {
  const id = given.id ?? oktaId('00u');
  return {
    id,
    username: `${id.toLowerCase()}-${randomBytes(3).toString('hex')}@example.com`,
    password: randomBytes(12).toString('base64url'),
    givenName: 'Test',
    familyName: 'User',
    totpSecret: new Secret({ size: 20 }).base32,
    mfa: true,
    locked: false,
    assigned: true,
    ...given,
  };
}

/** All accounts, found by username (case-insensitive) or by id. */
export class Directory {
  readonly #byUsername = new Map<string, User>();
  readonly #byId = new Map<string, User>();

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
