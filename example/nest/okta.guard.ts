import {
  HttpException,
  HttpStatus,
  Injectable,
  Logger,
  type ExecutionContext,
} from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { Request, Response } from 'express';
import { OktaDirectMfaError, type OktaDirectMfaInfo } from 'passport-okta-direct-mfa';

/**
 * Lets a request through when it completes a login, and answers each other outcome with its code.
 * `AuthGuard` as it comes would answer all of them, `mfa_required` too, with the same bare 401.
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

    // validate() refused without a word: neither info nor status.
    if (!info) throw new HttpException(REFUSED, HttpStatus.FORBIDDEN);

    if (info.code === 'rate_limited' && info.retryAfter !== undefined) {
      context
        .switchToHttp()
        .getResponse<Response>()
        .setHeader('Retry-After', String(info.retryAfter));
    }
    throw new HttpException(info, status ?? HttpStatus.FORBIDDEN);
  }

  /** Up to the app or to Okta. The log has what happened, the browser what to do. */
  private explain(err: unknown): unknown {
    // Of validate(): Nest's filters know an HttpException, log anything else, and answer 500.
    if (!(err instanceof OktaDirectMfaError)) return err;

    // The package's messages hold no secrets.
    this.logger.error(`${err.code}: ${err.message}`);
    const { code, status } = err;
    // 502 to 504: a login that waits for its passcode is still there.
    return status > 500
      ? new HttpException({ code, message: 'Okta does not answer. Try again in a while.' }, status)
      : new HttpException({ code: 'server_error', message: 'Something is wrong here.' }, status);
  }
}

/** The same, and the person is logged in to the session, which gets a new id. */
@Injectable()
export class OktaSessionGuard extends OktaGuard {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    await super.canActivate(context); // throws unless there is a user
    await super.logIn(context.switchToHttp().getRequest<Request>());
    return true;
  }
}

const REFUSED = { code: 'access_denied', message: 'You may not sign in here.' };
