import { Controller, Get, HttpCode, Post, UseGuards } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { BearerGuard } from './bearer.guard.js';
import { CurrentUser } from './current-user.js';
import { OktaGuard } from './okta.guard.js';
import type { User } from './users.service.js';

/**
 * The same sign-in for an API whose clients keep a token. Between the two steps the login waits in
 * the session, on the server, so a client sends back the cookie of the first step; after the second
 * the session is empty and the token is all that counts. Clients that can keep no cookie need a
 * `store` of the app's own, and a handle in the answer to the first step.
 */
@Controller('api')
export class ApiController {
  constructor(private readonly jwt: JwtService) {}

  @Post(['auth/login', 'auth/otp'])
  @HttpCode(200)
  @UseGuards(OktaGuard)
  async signIn(@CurrentUser() user: User) {
    return {
      access_token: await this.jwt.signAsync({ sub: user.id, name: user.name }),
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME,
    };
  }

  @Get('profile')
  @UseGuards(BearerGuard)
  profile(@CurrentUser() user: User) {
    return { user };
  }
}

/** Seconds. */
export const TOKEN_LIFETIME = 15 * 60;
