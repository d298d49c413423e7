import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A database server that the test owns. */
export interface Server {
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and deletes its files. */
  end(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when something accepts connections there; rejects when the process has ended. */
async function accepting(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the server does not accept connections');
}

function missing(what: string, debianPackage: string): Error {
  return new Error(`${what} is not installed. On Debian: apt-get install ${debianPackage}`);
}

async function startServer(
  directory: string,
  run: (port: number) => ChildProcess,
  signal: NodeJS.Signals,
): Promise<Server> {
  const port = await freePort();
  let child: ChildProcess;
  const server: Server = {
    port,
    async start() {
      child = run(port);
      await accepting(port, child);
    },
    async stop() {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
    async end() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** Redis, which writes every change to its file, so that it has them after a restart. */
export async function startRedis(): Promise<Server> {
  const binary = process.env['REDIS_SERVER'] ?? '/usr/bin/redis-server';
  if (!existsSync(binary)) throw missing(binary, 'redis-server');
  const directory = mkdtempSync(join(tmpdir(), 'okta-direct-mfa-redis-'));
  const settings = { bind: '127.0.0.1', save: '', appendonly: 'yes', appendfsync: 'always' };
  return startServer(
    directory,
    (port) => {
      const all = { ...settings, dir: directory, port: String(port) };
      const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
      return spawn(binary, args, { stdio: 'ignore' });
    },
    'SIGTERM',
  );
}

/** PostgreSQL, of the newest version installed. It refuses to run as root, so it gets Debian's user. */
export async function startPostgres(): Promise<Server> {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root)
    ? readdirSync(root).filter((name) => existsSync(join(root, name, 'bin/initdb')))
    : [];
  const version = versions.sort((a, b) => Number(a) - Number(b)).at(-1);
  if (version === undefined) throw missing('PostgreSQL', 'postgresql');
  const bin = join(root, version, 'bin');
  const directory = mkdtempSync(join(tmpdir(), 'okta-direct-mfa-postgres-'));
  const identity: { uid?: number; gid?: number } = {};
  if (process.getuid?.() === 0) {
    identity.uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));
    identity.gid = Number(execFileSync('id', ['-g', 'postgres'], { encoding: 'utf8' }));
    chownSync(directory, identity.uid, identity.gid);
  }
  const options = { ...identity, cwd: directory, stdio: 'ignore' as const };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', directory, '-U', 'postgres', '-A', 'trust', '-N'],
    options,
  );
  return startServer(
    directory,
    (port) =>
      spawn(
        join(bin, 'postgres'),
        ['-D', directory, '-p', String(port), '-h', '127.0.0.1', '-k', directory],
        options,
      ),
    'SIGINT',
  );
}

/** One process of the app. */
export interface AppProcess {
  readonly url: string;
  /** Without a chance to tidy up, as a machine that loses power. */
  kill(): Promise<void>;
}

export async function startAppProcess(env: Record<string, string>): Promise<AppProcess> {
  const child = fork(join(__dirname, 'app.ts'), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...env },
  });
  const [url] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the app ended with ${String(code)}`);
    }),
  ])) as [string];
  return {
    url,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
