import { hkdfSync } from 'node:crypto';
import { Module, type DynamicModule } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { PassportModule } from '@nestjs/passport';
import type { OktaDirectMfaStrategyOptions } from 'passport-okta-direct-mfa';
import { ApiController, TOKEN_LIFETIME } from './api.controller.js';
import { AuthController } from './auth.controller.js';
import { OKTA_OPTIONS, OktaStrategy } from './okta.strategy.js';
import { SessionSerializer } from './session.serializer.js';
import { TokensService } from './tokens.service.js';
import { UsersService } from './users.service.js';

export interface AppModuleOptions {
  okta: OktaDirectMfaStrategyOptions;
  /** The key that signs the API's tokens is derived from it. */
  sessionSecret: string;
}

const ISSUER = 'nest-example';

@Module({})
export class AppModule {
  static register({ okta, sessionSecret }: AppModuleOptions): DynamicModule {
    const secret = Buffer.from(hkdfSync('sha256', sessionSecret, '', 'API tokens', 32));
    return {
      module: AppModule,
      imports: [
        PassportModule.register({ session: true }),
        JwtModule.register({
          secret,
          signOptions: { algorithm: 'HS256', expiresIn: TOKEN_LIFETIME, issuer: ISSUER },
          verifyOptions: { algorithms: ['HS256'], issuer: ISSUER },
        }),
      ],
      controllers: [AuthController, ApiController],
      providers: [
        { provide: OKTA_OPTIONS, useValue: okta },
        OktaStrategy,
        SessionSerializer,
        TokensService,
        UsersService,
      ],
    };
  }
}
