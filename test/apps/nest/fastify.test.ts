import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import {
  Controller,
  Get,
  HttpCode,
  HttpException,
  Injectable,
  Post,
  Req,
  UseGuards,
  type ExecutionContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule } from '@nestjs/passport';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import fastifyPassport from '@fastify/passport';
import cookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import passport, { type AuthenticateOptions } from 'passport';
import type { Okta, User } from '../../../example/okta/index.js';
import { OktaGuard, OktaSessionGuard } from '../../../example/nest/okta.guard.js';
import { OktaDirectMfaStrategy, type OktaDirectMfaStrategyOptions } from '../../../lib/index.js';
import { Browser, optionsFor, useOkta } from '../../support/index.js';
import { root } from '../../support/program.js';

const SECRET = 'a secret for tests that is long enough';
let okta: Okta;
useOkta((started) => (okta = started));
let useSessions: (app: NestFastifyApplication, secret: string) => Promise<void>;

/** The function of the documents, as it is there. */
before(async () => {
  const page = await readFile(join(root, 'docs', 'nest.md'), 'utf8');
  const [, code] = /^```ts\n\/\/ src\/sessions\.ts\n(.*?)^```$/ms.exec(page) ?? [];
  assert.ok(code, 'docs/nest.md has it');
  const path = join(root, '.tmp', 'run', 'nest-fastify-sessions.ts');
  await mkdir(join(root, '.tmp', 'run'), { recursive: true });
  await writeFile(path, code);
  ({ useSessions } = createRequire(path)(path) as { useSessions: typeof useSessions });
});

interface Signed {
  user?: { id: string };
  isAuthenticated(): boolean;
  logout(done: (error: unknown) => void): void;
}

@Injectable()
class RedirectingGuard extends AuthGuard('okta-direct-mfa') {
  override getAuthenticateOptions() {
    return { mfaRedirect: '/otp', session: false } satisfies AuthenticateOptions;
  }
  override handleRequest<T>(err: { code: string; status: number } | null, user: T): T {
    if (err) throw new HttpException({ code: err.code }, err.status);
    return user;
  }
}

@Injectable()
class TokenGuard extends OktaGuard {
  override getAuthenticateOptions(_context: ExecutionContext) {
    return { session: false };
  }
}

@Controller()
class AuthController {
  @Post('login')
  @HttpCode(200)
  @UseGuards(OktaSessionGuard)
  signIn(@Req() request: Signed) {
    return { user: request.user };
  }

  @Post('token')
  @HttpCode(200)
  @UseGuards(TokenGuard)
  token(@Req() request: Signed) {
    return { user: request.user };
  }

  @Post('redirected')
  @UseGuards(RedirectingGuard)
  redirected() {}

  @Get('profile')
  profile(@Req() request: Signed) {
    return { user: request.isAuthenticated?.() ? request.user : null };
  }

  @Post('logout')
  @HttpCode(200)
  async logout(@Req() request: Signed) {
    await new Promise((resolve) => request.logout(resolve));
    return {};
  }
}

class AppModule {}

let user: User;
let browser: Browser;
const log: string[] = [];
const passwordOf = ({ username, password }: User) => ({ username, password });
const post = (path: string, json: object) => browser.post(path, { json });

async function start(
  t: TestContext | undefined,
  sessions: (app: NestFastifyApplication) => unknown,
  options: Partial<OktaDirectMfaStrategyOptions> = {},
): Promise<NestFastifyApplication> {
  passport.use(
    new OktaDirectMfaStrategy(optionsFor(okta, options), async (_tokens, { id }) => ({ id })),
  );
  passport.serializeUser((signedIn, done) => done(null, signedIn));
  passport.deserializeUser((kept: Express.User, done) => done(null, kept));
  const write = (message: unknown) => void log.push(String(message));
  const app = await NestFactory.create<NestFastifyApplication>(
    {
      module: AppModule,
      imports: [PassportModule.register({ session: true })],
      controllers: [AuthController],
    },
    new FastifyAdapter(),
    { logger: { log: () => undefined, warn: () => undefined, error: write } },
  );
  t?.after(() => app.close());
  await sessions(app);
  await app.listen(0, '127.0.0.1');
  browser = new Browser((await app.getUrl()).replace('[::1]', '127.0.0.1'));
  user = okta.addUser();
  log.length = 0;
  okta.requests.length = 0;
  return app;
}

/** What anybody writes first. */
async function onlyTheSession(app: NestFastifyApplication) {
  await app.register(cookie as never);
  await app.register(fastifySession, { secret: SECRET, cookie: { secure: false } });
}

describe('Nest on Fastify, as documented', () => {
  let app: NestFastifyApplication;
  before(async () => {
    app = await start(undefined, (app) => useSessions(app, SECRET), { factors: ['otp', 'sms'] });
  });
  after(() => app?.close());
  beforeEach(() => {
    browser = new Browser(browser.url);
    user = okta.addUser({ factors: { sms: '+1 555 0100' } });
  });

  it('logs in: the next requests are of the user, under another session id, until the logout', async () => {
    const first = await post('/login', passwordOf(user));
    assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required'], first.text);
    const between = browser.cookies.get('sessionId');
    assert.ok(between);
    const stale = browser.fork();
    assert.equal((await browser.get('/profile')).body['user'], null, 'not yet');

    const second = await post('/login', { otp: okta.otp(user) });
    assert.deepEqual([second.status, second.body['user']], [200, { id: user.id }], second.text);
    assert.notEqual(browser.cookies.get('sessionId'), between);
    assert.deepEqual((await browser.get('/profile')).body['user'], { id: user.id });
    assert.equal(
      (await stale.get('/profile')).body['user'],
      null,
      'the id before is worth nothing',
    );

    assert.equal((await post('/logout', {})).status, 200);
    assert.equal((await browser.get('/profile')).body['user'], null);
  });

  it('answers a wrong passcode with its code, and the right one after it with the login', async () => {
    await post('/login', passwordOf(user));
    const { status, body } = await post('/login', { otp: okta.wrongOtp(user) });
    assert.deepEqual([status, body['code'], body['attemptsRemaining']], [401, 'invalid_otp', 4]);
    assert.equal((await post('/login', { otp: okta.otp(user) })).status, 200);
  });

  it('sends Retry-After with a wish that comes too early', async () => {
    await post('/login', passwordOf(user));
    await post('/login', { factor: 'sms' });
    const { status, body, headers } = await post('/login', { factor: 'sms' });
    assert.deepEqual([status, body['code']], [429, 'too_many_challenges']);
    assert.equal(headers['retry-after'], String(body['retryAfter']));
  });

  it('refuses a redirect, which Fastify has no methods for, before Okta is asked', async () => {
    const asked = okta.requests.length;
    const { status, body } = await post('/redirected', passwordOf(user));
    assert.deepEqual([status, body['code']], [500, 'fastify_request']);
    assert.equal(okta.requests.length, asked);
  });
});

describe("Nest on Fastify, where nothing gives Fastify's requests to Passport's session()", () => {
  async function assertRefused() {
    const { status } = await post('/login', passwordOf(user));
    assert.equal(status, 500);
    assert.match(
      log.join('\n'),
      /fastify_request: The login would be lost with this request.*hook/,
    );
    assert.equal(okta.requests.length, 0, 'Okta was asked');
  }

  it('is refused at the first request, before the password leaves the app', async (t) => {
    await start(t, onlyTheSession);
    await assertRefused();
  });

  it('is refused with @fastify/passport beside it, whose logIn() Nest would wait for without end', async (t) => {
    await start(t, async (app) => {
      await useSessions(app, SECRET);
      await app.register(fastifyPassport.initialize() as never);
    });
    await assertRefused();
  });

  it('logs in for one request, where no session is wanted', async (t) => {
    await start(t, onlyTheSession);
    assert.equal((await post('/token', passwordOf(user))).body['code'], 'mfa_required');
    const { status, body } = await post('/token', { otp: okta.otp(user) });
    assert.deepEqual([status, body['user']], [200, { id: user.id }]);
  });
});
