import { createHash } from 'node:crypto';
import { factorsOf } from './factors.js';

/**
 * A person whom the mock knows. The object is the record itself: what a test changes in it, such as
 * `user.locked = true`, holds from the next request on.
 *
 * Whoever has a second factor (`otp`, `push`, `sms`, `voice`, `inbox`, `passkey`) needs it after the
 * password. Without any, Okta grants tokens for the password alone, as under a policy without a second
 * factor.
 */
export interface MockOktaUser {
  /** What the person signs in with, in upper or lower case. */
  username: string;
  /** Any non-empty string. */
  password: string;
  /**
   * The right passcode, however often it is used (at Okta each is good for one login).
   * Default: none.
   */
  otp?: string | undefined;
  /**
   * Okta Verify, which can be sent a push, to be answered on `okta.phone(username)`. `true`: with a
   * number to compare; `'without-number'`: without one, as an org may have it. Default: `false`.
   */
  push?: boolean | 'without-number' | undefined;
  /** Gets codes by text message, on `okta.phone(username)`. Default: `false`. */
  sms?: boolean | undefined;
  /** Gets codes by a call, on `okta.phone(username)`. Default: `false`. */
  voice?: boolean | undefined;
  /** Gets codes by e-mail, on `okta.phone(username)` too. Default: `false`. */
  inbox?: boolean | undefined;
  /**
   * A passkey, which answers by `okta.passkey(username)`. `rpId` is the domain that it is for, and
   * Okta names it in its options. Default of `rpId`: the host of the issuer, which Okta does not name.
   * Default: `false`, no passkey.
   */
  passkey?: boolean | { rpId?: string | undefined } | undefined;
  /**
   * How many second factors the policy wants, each a different one: after each but the last there is
   * `mfa_required` again. Default: 1.
   */
  factorsWanted?: number | undefined;
  /** `sub`. Default: made from the username, the same in every run. */
  id?: string | undefined;
  /** The claim `name`, with scope `profile`. Default: the username. */
  name?: string | undefined;
  /** The claim `email`, with scope `email`. Default: the username. */
  email?: string | undefined;
  /** Locked out: refused as a wrong password is. Default: `false`. */
  locked?: boolean | undefined;
  /** `false`: not assigned to the app, so that the right password ends in `access_denied`. Default: `true`. */
  assigned?: boolean | undefined;
  /**
   * Further claims of the ID token and of `/userinfo`, whatever the scope. They go on top of the
   * mock's own: `{ exp: 1 }` makes an expired ID token, `{ aud: undefined }` leaves `aud` out.
   */
  claims?: Readonly<Record<string, unknown>> | undefined;
}

export function findUser(
  users: readonly MockOktaUser[],
  username: string | undefined,
): MockOktaUser | undefined {
  return users.find((user) => user.username.toLowerCase() === username?.toLowerCase());
}

/** The claims of the ID token and of `/userinfo` (OIDC Core §5.1, §5.4). */
export function claimsOf(user: MockOktaUser, scope: string): Record<string, unknown> {
  const scopes = scope.split(' ');
  return {
    sub: idOf(user),
    ...(scopes.includes('profile')
      ? { name: user.name ?? user.username, preferred_username: user.username }
      : {}),
    ...(scopes.includes('email')
      ? { email: user.email ?? user.username, email_verified: true }
      : {}),
    ...user.claims,
  };
}

/** As Okta writes ids: a prefix, and 20 letters and digits in all. */
export function idOf({ id, username }: MockOktaUser): string {
  if (id !== undefined) return id;
  const digest = createHash('sha256').update(username.toLowerCase()).digest('base64url');
  return `00u${digest.replace(/[-_]/g, 'x').slice(0, 17)}`;
}

type Field = Exclude<keyof MockOktaUser, 'factorsWanted'>;

/** Every field of a user but the one that depends on others, and whether a value can be in it. */
const FIELDS: Record<Field, [rule: string, holds: (value: unknown) => boolean]> = {
  username: ['a non-empty string', isText],
  password: ['a non-empty string', isText],
  otp: ['a non-empty string', isText],
  push: [
    "true, false or 'without-number'",
    (value) => isSwitch(value) || value === 'without-number',
  ],
  sms: ['true or false', isSwitch],
  voice: ['true or false', isSwitch],
  inbox: ['true or false', isSwitch],
  passkey: ['true, false or { rpId }, a domain', (value) => isSwitch(value) || isPasskey(value)],
  id: ['a non-empty string', isText],
  name: ['a string', (value) => typeof value === 'string'],
  email: ['a string', (value) => typeof value === 'string'],
  locked: ['true or false', isSwitch],
  assigned: ['true or false', isSwitch],
  claims: ['an object', isObject],
};

const REQUIRED: readonly string[] = ['username', 'password'];

/** @throws TypeError that names the user by its index */
export function checkUsers(users: readonly MockOktaUser[]): void {
  const seen = new Set<string>();
  for (const [index, user] of users.entries()) {
    const refuse = (name: string, rule: string) => {
      throw new TypeError(`mockOkta: users[${index}].${name} must be ${rule}`);
    };
    for (const [name, [rule, holds]] of Object.entries(FIELDS)) {
      const value = user[name as Field];
      const isMissing = value === undefined && !REQUIRED.includes(name);
      if (!isMissing && !holds(value)) refuse(name, rule);
    }
    const most = Math.max(factorsOf(user).length, 1);
    const { factorsWanted = 1 } = user;
    if (!Number.isInteger(factorsWanted) || factorsWanted < 1 || factorsWanted > most) {
      refuse('factorsWanted', `a whole number from 1 to ${most}, the number of their factors`);
    }
    if (seen.has(user.username.toLowerCase())) {
      throw new TypeError(`mockOkta: users[${index}] has the username of another user`);
    }
    seen.add(user.username.toLowerCase());
  }
}

/**
 * Users from JSON, where a misspelt field would otherwise leave somebody without a second factor.
 *
 * @throws TypeError that names the user by its index
 */
export function readUsers(json: unknown): MockOktaUser[] {
  if (!Array.isArray(json)) throw new TypeError('mockOkta: users must be an array');
  for (const [index, user] of json.entries()) {
    if (!isObject(user)) throw new TypeError(`mockOkta: users[${index}] must be an object`);
    const names = [...Object.keys(FIELDS), 'factorsWanted'];
    const unknown = Object.keys(user as object).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      throw new TypeError(
        `mockOkta: users[${index}] has no field ${unknown}. It has: ${names.join(', ')}`,
      );
    }
  }
  checkUsers(json as MockOktaUser[]);
  return json as MockOktaUser[];
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isSwitch(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPasskey(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { rpId = 'none' } = value as { rpId?: unknown };
  return isText(rpId);
}
