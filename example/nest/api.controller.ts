import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { Request } from 'express';
import { BearerGuard } from './bearer.guard.js';
import { CurrentUser } from './current-user.js';
import { OktaGuard } from './okta.guard.js';
import { OktaStrategy } from './okta.strategy.js';
import type { User } from './users.service.js';

/**
 * The same sign-in for an API whose clients use a token. Between the steps the transaction is
 * in the session, on the server, so a client must send back the cookie from the first response;
 * after the last step the session is empty and only the token counts. Clients that cannot keep a
 * cookie need a custom `store`, and a handle to the transaction in the first response.
 */
@Controller('api')
export class ApiController {
  constructor(
    private readonly jwt: JwtService,
    private readonly strategy: OktaStrategy,
  ) {}

  @Post(['auth/login', 'auth/otp', 'auth/mfa'])
  @HttpCode(200)
  @UseGuards(OktaGuard)
  async signIn(@CurrentUser() user: User) {
    // Clients have this app's token, and nobody refreshes Okta's: they end here.
    const tokens = this.strategy.tokensOf(user);
    if (tokens) this.strategy.revoke(tokens).catch(() => undefined); // a failure is only an event
    return {
      access_token: await this.jwt.signAsync({ sub: user.id, name: user.name }),
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME,
    };
  }

  @Get('auth/pending')
  async pending(@Req() request: Request) {
    return { pending: (await this.strategy.pending(request)) ?? null };
  }

  @Get('profile')
  @UseGuards(BearerGuard)
  profile(@CurrentUser() user: User) {
    return { user };
  }
}

/** Seconds. */
export const TOKEN_LIFETIME = 15 * 60;
