import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { Request } from 'express';
import { UsersService } from './users.service.js';

/** Lets through requests with a token issued by this app: `Authorization: Bearer …`. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(
    private readonly jwt: JwtService,
    private readonly users: UsersService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    const [scheme, token] = request.get('authorization')?.split(' ') ?? [];
    const user = scheme?.toLowerCase() === 'bearer' && token ? await this.read(token) : undefined;
    if (!user) {
      throw new UnauthorizedException({ code: 'invalid_token', message: 'Sign in first.' });
    }
    request.user = user;
    return true;
  }

  private async read(token: string) {
    try {
      const { sub } = await this.jwt.verifyAsync<{ sub: string }>(token);
      return await this.users.find(sub);
    } catch {
      return undefined;
    }
  }
}
