import {
  Controller,
  Get,
  HttpCode,
  Post,
  Req,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import type { Request } from 'express';
import { OktaRefreshError } from 'passport-okta-direct-mfa';
import { AuthenticatedGuard } from './authenticated.guard.js';
import { CurrentUser } from './current-user.js';
import { OktaSessionGuard } from './okta.guard.js';
import { OktaStrategy } from './okta.strategy.js';
import { TokensService } from './tokens.service.js';
import type { User } from './users.service.js';

/** Sign-in with a session cookie, for an app whose pages come from this origin. */
@Controller('auth')
export class AuthController {
  constructor(
    private readonly strategy: OktaStrategy,
    private readonly tokens: TokensService,
  ) {}

  /**
   * Every step: the strategy distinguishes them by the body's fields. The guard responds to the
   * password step with 403 `mfa_required`, and to a `factor` with 403 `authorization_pending`,
   * `code_sent` or `webauthn_required`; the handler runs once the login is complete.
   */
  @Post(['login', 'otp', 'mfa'])
  @HttpCode(200)
  @UseGuards(OktaSessionGuard)
  async signIn(@CurrentUser() user: User, @Req() request: Request) {
    const tokens = this.strategy.tokensOf(user);
    if (tokens) await this.tokens.keep(request, tokens);
    return { user };
  }

  /** For a page that was reloaded between the steps: what waits, or `null`. */
  @Get('pending')
  async pending(@Req() request: Request) {
    return { pending: (await this.strategy.pending(request)) ?? null };
  }

  @Get('profile')
  @UseGuards(AuthenticatedGuard)
  async profile(@CurrentUser() user: User, @Req() request: Request) {
    try {
      return { user, userInfo: (await this.tokens.userInfo(request)) ?? null };
    } catch (error) {
      if (!(error instanceof OktaRefreshError)) throw error;
      // Okta no longer knows the login: expired, or ended by an administrator.
      await logOut(request);
      throw new UnauthorizedException({
        code: 'not_signed_in',
        message: 'Your sign-in has ended. Sign in again.',
      });
    }
  }

  /** Open to everyone, since it also drops a transaction. */
  @Post('logout')
  @HttpCode(204)
  async logout(@Req() request: Request): Promise<void> {
    await this.strategy.cancel(request);
    const { tokens } = request.session;
    await logOut(request);
    this.tokens.end(tokens);
  }
}

/** With a new session, which has no tokens. */
function logOut(request: Request): Promise<void> {
  return new Promise((resolve, reject) =>
    request.logout((error: unknown) =>
      error ? reject(error instanceof Error ? error : new Error('Sign-out failed')) : resolve(),
    ),
  );
}
