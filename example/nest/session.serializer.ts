import { Injectable } from '@nestjs/common';
import { PassportSerializer } from '@nestjs/passport';
import { UsersService, type User } from './users.service.js';

type Done<T> = (error: unknown, value?: T) => void;

/** What the session holds of a user: the id. */
@Injectable()
export class SessionSerializer extends PassportSerializer {
  constructor(private readonly users: UsersService) {
    super();
  }

  override serializeUser(user: User, done: Done<string>): void {
    done(null, user.id);
  }

  override deserializeUser(id: string, done: Done<User | false>): void {
    // `false`: a person who is no longer known is logged out.
    this.users.find(id).then((user) => done(null, user ?? false), done);
  }
}
