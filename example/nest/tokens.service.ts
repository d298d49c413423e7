import { Inject, Injectable } from '@nestjs/common';
import type { OktaDirectMfaStrategyOptions } from 'passport-okta-direct-mfa';
import { SessionTokens } from '../express/tokens.js';
import { OKTA_OPTIONS, OktaStrategy } from './okta.strategy.js';

/** The tokens of the people who are signed in, each in their session on the server. */
@Injectable()
export class TokensService extends SessionTokens {
  constructor(strategy: OktaStrategy, @Inject(OKTA_OPTIONS) options: OktaDirectMfaStrategyOptions) {
    super(strategy, options.issuer);
  }
}
