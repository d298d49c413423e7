import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { Request } from 'express';

/** Lets through users who are logged in to the session. */
@Injectable()
export class AuthenticatedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.switchToHttp().getRequest<Request>().isAuthenticated()) return true;
    throw new UnauthorizedException({ code: 'not_signed_in', message: 'Sign in first.' });
  }
}
