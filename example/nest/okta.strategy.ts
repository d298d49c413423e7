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
  async validate(_tokens: OktaTokens, profile: OktaProfile): Promise<User | null> {
    // An app that calls APIs for the user would also keep _tokens.access_token, on the server.
    return this.users.signedIn(profile);
  }
}
