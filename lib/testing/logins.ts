import type { SecondFactor } from './factors.js';
import { unguessable } from './responses.js';
import type { MockOktaUser } from './user.js';

/** A multifactor transaction of Okta's. */
export interface Login {
  readonly mfaToken: string;
  readonly user: MockOktaUser;
  /** The second factors so far. */
  readonly used: readonly SecondFactor[];
}

/** The logins that wait for a second factor, by `mfa_token`. */
export interface Logins {
  begin(user: MockOktaUser, used: readonly SecondFactor[]): Login;
  find(mfaToken: string | undefined): Login | undefined;
  end(login: Login): void;
}

/** @param users - who is no longer among them has no login */
export function createLogins(users: readonly MockOktaUser[]): Logins {
  const waiting = new Map<string, Login>();
  return {
    begin(user, used) {
      const login = { mfaToken: unguessable(), user, used };
      waiting.set(login.mfaToken, login);
      return login;
    },
    find(mfaToken = '') {
      const login = waiting.get(mfaToken);
      return login !== undefined && users.includes(login.user) ? login : undefined;
    },
    end({ mfaToken }) {
      waiting.delete(mfaToken);
    },
  };
}
