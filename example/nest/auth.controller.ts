import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import type { Request } from 'express';
import { AuthenticatedGuard } from './authenticated.guard.js';
import { CurrentUser } from './current-user.js';
import { OktaSessionGuard } from './okta.guard.js';
import { OktaStrategy } from './okta.strategy.js';
import type { User } from './users.service.js';

/** Sign-in with a session cookie, for an app whose pages come from this origin. */
@Controller('auth')
export class AuthController {
  constructor(private readonly strategy: OktaStrategy) {}

  /**
   * Every step: the strategy distinguishes them by the body's fields. The guard responds to the
   * password step with 403 `mfa_required`, and to a `factor` with 403 `authorization_pending`,
   * `code_sent` or `webauthn_required`; the handler runs once the login is complete.
   */
  @Post(['login', 'otp', 'mfa'])
  @HttpCode(200)
  @UseGuards(OktaSessionGuard)
  signIn(@CurrentUser() user: User) {
    return { user };
  }

  /** For a page that was reloaded between the steps: what waits, or `null`. */
  @Get('pending')
  async pending(@Req() request: Request) {
    return { pending: (await this.strategy.pending(request)) ?? null };
  }

  @Get('profile')
  @UseGuards(AuthenticatedGuard)
  profile(@CurrentUser() user: User) {
    return { user };
  }

  /** Open to everyone, since it also drops a transaction. */
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
