import { Injectable } from '@nestjs/common';
import { PassportSerializer } from '@nestjs/passport';
import { UsersService, type User } from './users.service.js';

type Done<T> = (error: unknown, value?: T) => void;

/** The session stores only the id of the user. */
@Injectable()
export class SessionSerializer extends PassportSerializer {
  constructor(private readonly users: UsersService) {
    super();
  }

  override serializeUser(user: User, done: Done<string>): void {
    done(null, user.id);
  }

  override deserializeUser(id: string, done: Done<User | false>): void {
    // `false`: a user who no longer exists is logged out.
    this.users.find(id).then((user) => done(null, user ?? false), done);
  }
}
