import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import session from 'express-session';
import type * as App from '../../../example/nest/app.js';
import type * as Strategy from '../../../example/nest/okta.strategy.js';
import type * as Users from '../../../example/nest/users.service.js';
import { startOkta, type OktaOptions } from '../../../example/okta/index.js';
import { Browser } from '../../support/browser.js';
import { collect } from '../../support/collector.js';
import { optionsFor } from '../../support/login.js';
import { root, withoutCoverage } from '../../support/program.js';

type NestApp = typeof App & typeof Strategy & typeof Users;

const out = join(root, '.tmp', 'nest-test');

/** What `npm run start:nest` runs, compiled together with lib/ as it is now. */
export const main = join(out, 'example', 'nest', 'main.js');

/** Compiles the app; `npm run typecheck` checks its types. Its `import 'passport-okta-direct-mfa'` means that lib/. */
export async function compile(): Promise<NestApp> {
  await mkdir(out, { recursive: true });
  const self = { name: 'passport-okta-direct-mfa', exports: './lib/index.js' };
  await writeFile(join(out, 'package.json'), JSON.stringify(self));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(
    process.execPath,
    [tsc, '-p', join(root, 'example', 'nest'), '--noCheck', '--outDir', out],
    { env: withoutCoverage() },
  ).catch((error: { stdout: string }) => {
    throw new Error(`The Nest app does not compile:\n${error.stdout}`);
  });
  const load = createRequire(join(out, 'example', 'nest', 'x.js'));
  return {
    ...(load('./app.js') as object),
    ...(load('./okta.strategy.js') as object),
    ...(load('./users.service.js') as object),
  } as NestApp;
}

/** The Nest app before its own stand-in for Okta, and a record of the handlers that were reached. */
export async function startNest(
  { createApp, OktaStrategy, UsersService }: NestApp,
  {
    clock,
    accessTokenLifetime,
    ...options
  }: Partial<App.AppOptions> & {
    clock?: OktaOptions['now'];
    accessTokenLifetime?: number;
  } = {},
  strategy: Partial<App.AppOptions['okta']> = {},
) {
  const okta = await startOkta({
    record: true,
    ...(clock && { now: clock }),
    ...(accessTokenLifetime && { accessTokenLifetime }),
  });
  const log: string[] = [];
  const write = (message: unknown) => {
    collect("the Nest app's log", message);
    log.push(String(message));
  };
  const app = await createApp({
    okta: optionsFor(okta, { timeout: 1000, ...strategy }),
    sessionSecret: 'a secret for tests',
    rateLimit: { windowMs: 60_000, limit: 1000 },
    usernameLimit: { windowMs: 60_000, limit: 1000 },
    logger: { log: write, warn: write, error: write },
    ...options,
  });

  // Interceptors run after the guards and before the handler: who comes here reaches business code.
  const reached: string[] = [];
  app.useGlobalInterceptors({
    intercept(context: ExecutionContext, next: CallHandler) {
      reached.push(`${context.getClass().name}.${context.getHandler().name}`);
      return next.handle();
    },
  });
  // The other piece of business code: the users' table.
  const users = app.get(UsersService);
  const signedIn = users.signedIn.bind(users);
  users.signedIn = (profile) => {
    reached.push('UsersService.signedIn');
    return signedIn(profile);
  };

  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');

  return {
    app,
    okta,
    strategy: app.get(OktaStrategy),
    users,
    log,
    /** What has been reached since the last time that this was asked. */
    reached: () => reached.splice(0),
    browser: () => new Browser(url),
    close: async () => {
      await app.close();
      await okta.close();
    },
  };
}

export type Nest = Awaited<ReturnType<typeof startNest>>;

/** A Nest app with this one controller. It finds the strategy where Nest apps do: in Passport. */
export async function startController(controller: new () => unknown) {
  class FirstTryModule {}
  const app = await NestFactory.create<NestExpressApplication>(
    { module: FirstTryModule, controllers: [controller] },
    { logger: false },
  );
  app.use(session({ secret: 'a secret for tests', resave: false, saveUninitialized: false }));
  await app.listen(0, '127.0.0.1');
  return app;
}
