import {
  Controller,
  Get,
  HttpCode,
  HttpException,
  Injectable,
  Module,
  Post,
  Req,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import {
  OktaDirectMfaStrategy,
  type OktaDirectMfaInfo,
  type OktaProfile,
  type OktaTokens,
} from 'passport-okta-direct-mfa';

@Injectable()
export class UsersService {
  find(profile: OktaProfile) {
    return { id: profile.id, name: profile.displayName };
  }
}

@Injectable()
export class OktaStrategy extends PassportStrategy(OktaDirectMfaStrategy) {
  constructor(private readonly users: UsersService) {
    super({
      issuer: process.env.OKTA_ISSUER!,
      clientID: process.env.OKTA_CLIENT_ID!,
      allowInsecureIssuer: true,
    });
  }

  async validate(tokens: OktaTokens, profile: OktaProfile) {
    return this.users.find(profile);
  }
}

@Injectable()
export class OktaGuard extends AuthGuard('okta-direct-mfa') {
  async canActivate(context: ExecutionContext) {
    await super.canActivate(context);
    await super.logIn(context.switchToHttp().getRequest());
    return true;
  }

  handleRequest(err: any, user: any, info: OktaDirectMfaInfo, context: any, status?: number) {
    if (err) throw err;
    if (user) return user;
    throw new HttpException(info, status ?? 401);
  }
}

@Injectable()
export class AuthenticatedGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    if (context.switchToHttp().getRequest().isAuthenticated()) return true;
    throw new UnauthorizedException();
  }
}

@Injectable()
export class Serializer extends PassportSerializer {
  serializeUser(user: any, done: (error: any, user: any) => void) {
    done(null, user);
  }
  deserializeUser(user: any, done: (error: any, user: any) => void) {
    done(null, user);
  }
}

@Controller('auth')
export class AuthController {
  @Post(['login', 'otp'])
  @HttpCode(200)
  @UseGuards(OktaGuard)
  signIn(@Req() request: any) {
    return { user: request.user };
  }

  @Get('profile')
  @UseGuards(AuthenticatedGuard)
  profile(@Req() request: any) {
    return { user: request.user };
  }
}

@Module({
  imports: [PassportModule.register({ session: true })],
  controllers: [AuthController],
  providers: [OktaStrategy, Serializer, UsersService],
})
export class AppModule {}
