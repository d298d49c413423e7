import {
  HttpException,
  HttpStatus,
  Injectable,
  Logger,
  type ExecutionContext,
} from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { Request, Response } from 'express';
import { printable } from '../express/printable.js';
import { OktaDirectMfaError, type OktaDirectMfaInfo } from 'passport-okta-direct-mfa';

/**
 * Lets a request through when it completes a login, and responds to every other outcome with its
 * code. `AuthGuard`, used as is, would respond to all of them, `mfa_required` included, with a bare
 * 401.
 */
@Injectable()
export class OktaGuard extends AuthGuard('okta-direct-mfa') {
  private readonly logger = new Logger(OktaGuard.name);

  override handleRequest<TUser>(
    err: unknown,
    user: TUser | false | null | undefined,
    info: OktaDirectMfaInfo | undefined,
    context: ExecutionContext,
    status?: number,
  ): TUser {
    if (err) throw this.explain(err);
    if (user) return user;

    // validate() refused the user: neither info nor status.
    if (!info) throw new HttpException(NOT_ALLOWED, HttpStatus.FORBIDDEN);

    if ('retryAfter' in info && info.retryAfter !== undefined) {
      context.switchToHttp().getResponse<Response>().header('Retry-After', String(info.retryAfter));
    }
    throw new HttpException(info, status ?? HttpStatus.FORBIDDEN);
  }

  /** What the app or Okta must correct: the log says what happened, the response what to do. */
  private explain(err: unknown): unknown {
    // From validate(): Nest handles an HttpException, logs anything else, and responds with 500.
    if (!(err instanceof OktaDirectMfaError)) return err;

    // The package's messages contain no secrets.
    this.logger.error(printable(`${err.code}: ${err.message}`));
    const { code, status } = err;
    // 502 to 504: the transaction is kept.
    return status > 500
      ? new HttpException(
          {
            code,
            message: 'Okta cannot sign you in right now. Wait a moment, then try again.',
          },
          status,
        )
      : new HttpException(
          {
            code: 'server_error',
            message: 'Something went wrong on the server.',
          },
          status,
        );
  }
}

/** The same, and logs the user in to the session, which gets a new id. */
@Injectable()
export class OktaSessionGuard extends OktaGuard {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    await super.canActivate(context); // throws if there is no user
    await super.logIn(context.switchToHttp().getRequest<Request>());
    return true;
  }
}

const NOT_ALLOWED = { code: 'access_denied', message: 'You are not allowed to sign in here.' };
