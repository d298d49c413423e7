/* eslint-disable no-console -- it prints what it finds */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOkta, type Okta, type User } from '../../../example/okta/index.js';
import { Browser } from '../../support/browser.js';
import { sendOtp, sendPassword } from '../../support/login.js';
import { environment, execute, install, pack, ROOT } from '../pack.js';

/*
 * Does the package work in the apps that people have? It is packed, installed from its tarball into
 * small apps outside this tree, and each does a whole login in two steps on the Node release named.
 *
 *   npm run test:compat              all of it
 *   npm run test:compat -- fastify   what has this word in its name
 *
 * Node releases are kept in the system's temporary directory between runs; nothing else is.
 */

const apps = join(__dirname, 'apps');

/** The releases that the package is said to run on. */
const NODES = { 20: '20', 22: '22', 24: '24', 26: '26' } as const;
type NodeRelease = keyof typeof NODES;

/** What is installed together, beside the tarball. */
const INSTALLS = {
  /** Express's two majors under Passport's present version, two copies of undici, and Fastify. */
  plain: {
    passport: '0.7',
    'express-session': '1',
    express4: 'npm:express@4',
    express5: 'npm:express@5',
    // Another version than the one that the package depends on: a copy of the app's own.
    undici7: 'npm:undici@7.10',
    undici8: 'npm:undici@8',
    fastify: '5',
    '@fastify/passport': '4',
    '@fastify/formbody': '8',
    '@fastify/cookie': '11',
    '@fastify/session': '11',
    '@fastify/secure-session': '8',
  },
  passport06: {
    passport: '0.6',
    'express-session': '1',
    express4: 'npm:express@4',
    express5: 'npm:express@5',
  },
  /** As `nest new` has it; what signs people in comes by the lines of docs/nest.md. */
  nest11: {
    '@nestjs/common': '11',
    '@nestjs/core': '11',
    '@nestjs/platform-express': '11',
    '@nestjs/testing': '11',
    '@types/express': '5',
    '@types/jest': '30',
    jest: '30',
    'reflect-metadata': '0.2',
    rxjs: '7',
    'ts-jest': '29',
    typescript: '5.9',
    '@types/node': '24',
  },
  nest12: {
    '@nestjs/common': '12',
    '@nestjs/core': '12',
    '@nestjs/passport': '12',
    '@nestjs/platform-express': '12',
    '@nestjs/testing': '12',
    'express-session': '1',
    passport: '0.7',
    'reflect-metadata': '0.2',
    rxjs: '7',
    typescript: '7',
    '@types/express-session': '1',
    '@types/node': '24',
    '@types/passport': '1',
    vitest: '5',
  },
} as const;

interface Scenario {
  name: string;
  node: NodeRelease;
  install: keyof typeof INSTALLS;
  /** A server, which is driven from here … */
  server?: string;
  login?: (app: RunningApp) => Promise<void>;
  /** … or a test runner of the app's own. */
  command?: string[];
  env?: Record<string, string>;
  /** What `/versions` must begin with. */
  versions?: Record<string, string>;
}

function express(
  node: NodeRelease,
  express: 4 | 5,
  passport: '0.6' | '0.7',
  modules: 'CommonJS' | 'ESM',
): Scenario {
  return {
    name: `Express ${express}, passport ${passport}, ${modules}`,
    node,
    install: passport === '0.6' ? 'passport06' : 'plain',
    server: `express/app.${modules === 'ESM' ? 'mjs' : 'cjs'}`,
    env: { EXPRESS: `express${express}` },
    versions: { express: `${express}.`, passport: `${passport}.` },
    login: bothModes,
  };
}

function undici(node: NodeRelease, major: 7 | 8, dispatcher: 'Agent' | 'MockAgent'): Scenario {
  const mock = dispatcher === 'MockAgent';
  return {
    name: `undici ${major} of the app's own, ${dispatcher}`,
    node,
    install: 'plain',
    server: 'undici/app.cjs',
    env: { UNDICI: `undici${major}`, DISPATCHER: mock ? 'mock' : 'agent' },
    versions: { undici: `${major}.` },
    login: mock ? mockedLogin : dispatchedLogin,
  };
}

function fastify(node: NodeRelease, session: 'server' | 'browser'): Scenario {
  return {
    name:
      session === 'server'
        ? 'Fastify 5, @fastify/passport, @fastify/session'
        : 'Fastify 5, @fastify/passport, @fastify/secure-session: a clear error',
    node,
    install: 'plain',
    server: 'fastify/app.cjs',
    env: { SESSION: session },
    versions: { fastify: '5.', passport: '4.' },
    login: session === 'server' ? bothModes : refusedSession,
  };
}

const nest11 = (node: NodeRelease): Scenario => ({
  name: 'Nest 11, CommonJS, Jest 30 with ts-jest',
  node,
  install: 'nest11',
  command: ['node_modules/jest/bin/jest.js', '--ci', '--runInBand'],
});

const nest12 = (node: NodeRelease): Scenario => ({
  name: 'Nest 12, ESM, Vitest 5',
  node,
  install: 'nest12',
  command: ['node_modules/vitest/vitest.mjs', 'run'],
});

/** Neither test runner checks types. */
const types = (install: 'nest11' | 'nest12', typescript: 5 | 7): Scenario => ({
  name: `${install === 'nest11' ? 'Nest 11' : 'Nest 12'}, types in TypeScript ${typescript}`,
  node: 24,
  install,
  command: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'],
});

const SCENARIOS: Scenario[] = [
  express(20, 4, '0.6', 'CommonJS'),
  express(20, 4, '0.7', 'ESM'),
  express(20, 5, '0.6', 'ESM'),
  ...([20, 22, 24, 26] as const).flatMap((node) => [
    express(node, 5, '0.7', 'CommonJS'),
    express(node, 5, '0.7', 'ESM'),
  ]),
  undici(20, 7, 'Agent'),
  undici(20, 7, 'MockAgent'),
  undici(22, 8, 'Agent'),
  undici(22, 8, 'MockAgent'),
  undici(26, 8, 'Agent'),
  fastify(20, 'server'),
  fastify(26, 'server'),
  fastify(20, 'browser'),
  nest11(20),
  nest11(24),
  types('nest11', 5),
  nest12(22),
  nest12(26),
  types('nest12', 7),
];

interface RunningApp {
  okta: Okta;
  user: User;
  browser: () => Browser;
}

/** By redirects, as a browser with forms, and by JSON, as a script. */
async function bothModes({ okta, user, browser }: RunningApp): Promise<void> {
  const forms = browser();
  const { username, password } = user;
  const locationOf = async (path: string, form: Record<string, string>) =>
    (await forms.post(path, { form })).location;
  assert.equal(await locationOf('/login', { username, password: 'not the password' }), '/login');
  assert.equal(await locationOf('/login', { username, password }), '/login/otp');
  assert.equal((await forms.get('/profile')).status, 401, 'not logged in yet');
  assert.equal(await locationOf('/login/otp', { otp: okta.wrongOtp(user) }), '/login');
  assert.equal(await locationOf('/login/otp', { otp: okta.otp(user) }), '/profile');
  assert.equal(profileID(await forms.get('/profile')), user.id);

  const script = browser();
  const first = await sendPassword(script, user, '/api/login');
  assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required'], first.text);
  const wrong = await sendOtp(script, okta.wrongOtp(user), '/api/login');
  assert.deepEqual([wrong.status, wrong.body['code']], [401, 'invalid_otp'], wrong.text);
  const second = await sendOtp(script, okta.otp(user), '/api/login');
  assert.equal(second.status, 200, second.text);
  assert.equal(profileID(await script.get('/profile')), user.id);

  // Signing out drops a login that waits, too.
  await sendPassword(script, user, '/api/login');
  assert.equal((await script.post('/logout', { json: {} })).status, 200);
  assert.equal((await script.get('/profile')).status, 401);
  const late = await sendOtp(script, okta.otp(user), '/api/login');
  assert.equal(late.body['code'], 'mfa_transaction_missing', late.text);
}

async function dispatchedLogin(app: RunningApp): Promise<void> {
  await bothModes(app);
  const { text } = await app.browser().get('/dispatched');
  const calls = [...new Set(JSON.parse(text) as string[])].sort();
  const keys = `GET /oauth2/v1/keys?client_id=${app.okta.clients.native.client_id}`;
  assert.deepEqual(calls, [keys, 'POST /oauth2/v1/token']);
}

/** Okta is played inside the app. */
async function mockedLogin({ okta, user, browser }: RunningApp): Promise<void> {
  const seen = okta.requests.length;
  const script = browser();
  const first = await sendPassword(script, user, '/api/login');
  assert.deepEqual([first.status, first.body['code']], [403, 'mfa_required'], first.text);
  assert.equal((await sendOtp(script, '123456', '/api/login')).status, 200);
  assert.equal(profileID(await script.get('/profile')), 'mocked');
  assert.equal(okta.requests.length, seen, 'the network was used');
}

/** A session in the browser's own cookie: the password does not even leave the app. */
async function refusedSession({ okta, user, browser }: RunningApp): Promise<void> {
  const seen = okta.requests.length;
  for (const path of ['/login', '/api/login']) {
    const { status, body, text } = await sendPassword(browser(), user, path);
    assert.deepEqual([status, body['code']], [500, 'session_in_browser'], text);
    assert.match(String(body['message']), /session seems to be kept in the browser/);
  }
  assert.equal(okta.requests.length, seen, 'Okta was asked');
}

function profileID({ body }: { body: Record<string, unknown> }): string | undefined {
  return (body['user'] as { id?: string } | undefined)?.id;
}

async function main() {
  const wanted = process.argv[2]?.toLowerCase() ?? '';
  const scenarios = SCENARIOS.filter((scenario) => nameOf(scenario).toLowerCase().includes(wanted));
  const temp = await mkdtemp(join(tmpdir(), 'passport-okta-direct-mfa-compat-'));
  const okta = await startOkta({ record: true });
  const control = await startControl(okta);
  let passed = 0;
  let failed = 0;
  try {
    const { tarball } = await pack(temp);
    const installed = new Map<string, Promise<string>>();
    const releases = new Map<NodeRelease, Promise<string>>();
    for (const scenario of scenarios) {
      const { node, install } = scenario;
      const start = performance.now();
      const result = await (async () => {
        // A failed install fails each scenario that needs it.
        let binary = releases.get(node);
        if (!binary) releases.set(node, (binary = nodeBinary(node)));
        let directory = installed.get(install);
        if (!directory) installed.set(install, (directory = installApp(temp, install, tarball)));
        // In this order, so that no installation runs beside another or beside an app.
        const binaryPath = await binary;
        await run(scenario, binaryPath, await directory, okta, control.url);
      })().then(
        () => 'ok',
        (error: unknown) => error,
      );
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      if (result === 'ok') passed += 1;
      else failed += 1;
      console.log(`${result === 'ok' ? 'ok  ' : 'FAIL'} ${nameOf(scenario)} (${seconds} s)`);
      if (result !== 'ok') console.log(indent(result));
    }
  } finally {
    control.close();
    await okta.close();
    await rm(temp, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

const nameOf = ({ name, node }: Scenario) => `Node ${node}: ${name}`;

const indent = (error: unknown) =>
  (error instanceof Error ? (error.stack ?? error.message) : String(error)).replace(/^/gm, '     ');

async function installApp(
  temp: string,
  name: keyof typeof INSTALLS,
  tarball: string,
): Promise<string> {
  const directory = join(temp, name);
  await mkdir(directory);
  await writeFile(
    join(directory, 'package.json'),
    JSON.stringify({
      private: true,
      ...(name === 'nest12' && { type: 'module' }),
      ...(name === 'nest11' && { jest: nestJest }),
      dependencies: {
        ...INSTALLS[name],
        ...(name !== 'nest11' && { 'passport-okta-direct-mfa': `file:${tarball}` }),
      },
    }),
  );
  const sources = name.startsWith('nest') ? ['nest', name] : ['.'];
  for (const source of sources) await cp(join(apps, source), directory, { recursive: true });
  await install(directory, '--ignore-scripts');
  if (name === 'nest11') await followDocs(directory, tarball);
  const at = join(directory, 'node_modules', 'passport-okta-direct-mfa', 'package.json');
  assert.match(await readFile(at, 'utf8'), /"version"/);
  return directory;
}

/** Installs what docs/nest.md says, and puts its module and its test beside the app's own. */
async function followDocs(directory: string, tarball: string): Promise<void> {
  const page = await readFile(join(ROOT, 'docs', 'nest.md'), 'utf8');
  const [, shell = ''] = /^```sh\n(.*?)^```$/ms.exec(page) ?? [];
  const lines = [...shell.matchAll(/^npm install (.+)$/gm)].map(([, line = '']) => line.split(' '));
  assert.equal(lines.length, 2, 'the lines to install');
  for (const line of lines) {
    const names = line.map((name) => (name === 'passport-okta-direct-mfa' ? tarball : name));
    await install(directory, '--ignore-scripts', ...names);
  }
  const blocks = [
    ...page.matchAll(/^```ts\n\/\/ (src\/auth\.[\w.]+)(?:: with (.+?))?\n(.*?)^```$/gms),
  ];
  assert.equal(blocks.length, 2, 'the module and its test');
  for (const [, path = '', imports = '', code = ''] of blocks) {
    await writeFile(join(directory, path), `${imports}\n${code}`);
  }
}

/**
 * As `nest new` writes it, with ts-jest's default configuration, and ts-jest's mapping of `./app.js` to
 * its source: the app is also compiled as an ES module.
 */
const nestJest = {
  moduleNameMapper: { '^(\\./.*)\\.js$': '$1' },
  moduleFileExtensions: ['js', 'json', 'ts'],
  rootDir: 'src',
  testRegex: '.*\\.spec\\.ts$',
  transform: { '^.+\\.(t|j)s$': 'ts-jest' },
  testEnvironment: 'node',
};

/** This process's own, or the newest of that release from the npm package `node`. */
async function nodeBinary(release: NodeRelease): Promise<string> {
  if (process.version.startsWith(`v${release}.`)) return process.execPath;
  const directory = join(tmpdir(), 'passport-okta-direct-mfa-node', NODES[release]);
  const binary = join(directory, 'node_modules', 'node', 'bin', 'node');
  const version = () => execute(binary, ['--version'], ROOT);
  const usable = await version().catch(() => '');
  if (!usable.startsWith(`v${release}.`)) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    // Its install script fetches the binary of this machine, also from npm.
    const manifest = {
      private: true,
      dependencies: { node: NODES[release] },
      allowScripts: { node: true },
    };
    await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
    await install(directory);
    assert.ok((await version()).startsWith(`v${release}.`), `no Node ${release} was installed`);
  }
  return binary;
}

/** For test runners inside an app: who logs in, and with which passcode. */
async function startControl(okta: Okta) {
  const users = new Map<string, User>();
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost');
    const user = users.get(searchParams.get('username') ?? '') ?? okta.addUser();
    users.set(user.username, user);
    const { id, username, password } = user;
    res.end(
      JSON.stringify(
        pathname === '/otp'
          ? { otp: okta.otp(user), wrongOtp: okta.wrongOtp(user) }
          : { id, username, password },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function run(
  scenario: Scenario,
  node: string,
  directory: string,
  okta: Okta,
  control: string,
): Promise<void> {
  const env = {
    ...environment(),
    OKTA_ISSUER: okta.issuers.org,
    OKTA_CLIENT_ID: okta.clients.native.client_id,
    CONTROL: control,
    ...scenario.env,
  };
  const { command, server, login, versions } = scenario;
  if (command) {
    await execute(node, command, directory, env);
    return;
  }
  assert.ok(server && login);
  const child = spawn(node, [server], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`It did not start:\n${output}`)), 30_000);
      const look = () => {
        const [, found] = /listening on (http:\S+)/.exec(output) ?? [];
        if (!found) return;
        clearTimeout(timer);
        resolve(found);
      };
      child.stdout.on('data', look);
      child.on('error', reject);
      void closed.then(() => {
        clearTimeout(timer);
        reject(new Error(`It ended:\n${output}`));
      });
    });
    const browser = () => new Browser(url);
    const { body } = await browser().get('/versions');
    const wanted = { node: `v${scenario.node}.`, ...versions };
    for (const [name, version] of Object.entries(wanted)) {
      assert.ok(String(body[name]).startsWith(version), `${name} is ${String(body[name])}`);
    }
    await login({ okta, user: okta.addUser(), browser });
  } catch (error) {
    throw new Error(`${indent(error).trimStart()}\n${output}`, { cause: error });
  } finally {
    child.kill();
    await closed;
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
