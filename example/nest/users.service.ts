import { Injectable } from '@nestjs/common';
import type { OktaProfile } from 'passport-okta-direct-mfa';

/** What this app stores about a user. */
export interface User {
  /** Okta's `sub`: it stays the same when the username changes. */
  id: string;
  name: string;
  username?: string | undefined;
}

/** The app's own users, in memory here. A real app has a database. */
@Injectable()
export class UsersService {
  private readonly users = new Map<string, User>();

  /** Called once for each login that Okta has accepted. `null` would refuse it. */
  async signedIn({ id, username, displayName }: OktaProfile): Promise<User | null> {
    const user = { id, name: displayName || username || id, username };
    this.users.set(id, user);
    return Promise.resolve(user);
  }

  async find(id: string): Promise<User | undefined> {
    return Promise.resolve(this.users.get(id));
  }
}
