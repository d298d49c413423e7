import { createHash } from 'node:crypto';

/**
 * A person whom the mock knows. The object is the record itself: what a test changes in it, such as
 * `user.locked = true`, holds from the next request on.
 */
export interface MockOktaUser {
  /** What the person signs in with, in upper or lower case. */
  username: string;
  /** Any non-empty string. */
  password: string;
  /**
   * The right passcode, however often it is used (at Okta each is good for one login).
   * Default: none, and Okta grants tokens for the password alone, as under a policy without a second
   * factor.
   */
  otp?: string | undefined;
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
    sub: user.id ?? idFor(user.username),
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
function idFor(username: string): string {
  const digest = createHash('sha256').update(username.toLowerCase()).digest('base64url');
  return `00u${digest.replace(/[-_]/g, 'x').slice(0, 17)}`;
}

/** @throws TypeError that names the user by its index */
export function checkUsers(users: readonly MockOktaUser[]): void {
  const seen = new Set<string>();
  for (const [index, { username, password, otp }] of users.entries()) {
    const fields = { username, password, ...(otp === undefined ? {} : { otp }) };
    for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
      if (typeof value === 'string' && value !== '') continue;
      throw new TypeError(`mockOkta: users[${index}].${name} must be a non-empty string`);
    }
    if (seen.has(username.toLowerCase())) {
      throw new TypeError(`mockOkta: users[${index}] has the username of another user`);
    }
    seen.add(username.toLowerCase());
  }
}
