import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import type { Request } from 'express';
import { AuthenticatedGuard } from './authenticated.guard.js';
import { CurrentUser } from './current-user.js';
import { OktaSessionGuard } from './okta.guard.js';
import { OktaStrategy } from './okta.strategy.js';
import type { User } from './users.service.js';

/** Sign-in for an app whose pages come from this origin: a session cookie. */
@Controller('auth')
export class AuthController {
  constructor(private readonly strategy: OktaStrategy) {}

  /**
   * Both steps: the strategy tells them apart by the fields in the body. The guard answers the
   * password step with 403 `mfa_required`; this is reached when the login is complete.
   */
  @Post(['login', 'otp'])
  @HttpCode(200)
  @UseGuards(OktaSessionGuard)
  signIn(@CurrentUser() user: User) {
    return { user };
  }

  @Get('profile')
  @UseGuards(AuthenticatedGuard)
  profile(@CurrentUser() user: User) {
    return { user };
  }

  /** Open to all, since it also drops a login that waits for its passcode. */
  @Post('logout')
  @HttpCode(204)
  async logout(@Req() request: Request): Promise<void> {
    await this.strategy.cancel(request);
    await new Promise<void>((resolve, reject) =>
      request.logout((error: unknown) =>
        error ? reject(error instanceof Error ? error : new Error('Sign-out failed')) : resolve(),
      ),
    );
  }
}
