import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import {
  OktaDirectMfaStrategy,
  type OktaDirectMfaStrategyOptions,
  type OktaProfile,
  type OktaTokens,
} from 'passport-okta-direct-mfa';
import { UsersService, type User } from './users.service.js';

export const OKTA_OPTIONS = Symbol('options of the Okta strategy');

/** One instance for every step and both variants, session and token. */
@Injectable()
export class OktaStrategy extends PassportStrategy(OktaDirectMfaStrategy) {
  private readonly granted = new WeakMap<User, OktaTokens>();

  constructor(
    @Inject(OKTA_OPTIONS) options: OktaDirectMfaStrategyOptions,
    private readonly users: UsersService,
  ) {
    // No `mfaRedirect`: clients get the code `mfa_required` and show what it takes themselves.
    super(options);
  }

  /**
   * Okta has accepted password and second factor; this finds the app's user. `null` or `false` refuses
   * the login, and what is thrown (a `ForbiddenException`, for example) reaches the guard as its
   * error.
   */
  async validate(tokens: OktaTokens, profile: OktaProfile): Promise<User | null> {
    const user = await this.users.signedIn(profile);
    if (user) this.granted.set(user, tokens);
    return user;
  }

  /** What Okta granted with this login. Beside the user, whom responses show. */
  tokensOf(user: User): OktaTokens | undefined {
    return this.granted.get(user);
  }
}
