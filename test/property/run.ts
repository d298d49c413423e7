import { setPrintEvery } from './checks.js';
import { clock } from './clock.js';
import { falsify, PROPERTIES } from './properties.js';

/**
 * `npm run test:fuzz`: a million cases, or FUZZ_RUNS of them. FUZZ_SEED, FUZZ_PATH and FUZZ_ONLY (a
 * property's name) show a failure again.
 */
const { FUZZ_RUNS, FUZZ_SEED, FUZZ_PATH, FUZZ_ONLY } = process.env;
const runs = Number(FUZZ_RUNS ?? 1_000_000);
const firstSeed = Number(FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 30));
const CHUNK = 10_000;

const print = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  if (!Number.isSafeInteger(runs) || runs < 1) throw new Error('FUZZ_RUNS must be a whole number');
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
  const properties = PROPERTIES.filter(({ name }) => FUZZ_ONLY === undefined || name === FUZZ_ONLY);
  const shares = properties.reduce((sum, { share }) => sum + share, 0);
  // Printing every output in every way would take most of the time.
  setPrintEvery(50);
  clock.install();
  let done = 0;

  for (const property of properties) {
    const own = Math.max(1, Math.round((runs * property.share) / shares));
    // In chunks, each with its own seed, so that progress is printed.
    for (let at = 0; at < own; at += CHUNK) {
      const count = Math.min(CHUNK, own - at);
      const seed = firstSeed + at / CHUNK;
      const failure = await falsify(property, {
        runs: count,
        seed,
        ...(FUZZ_PATH === undefined ? {} : { path: FUZZ_PATH }),
      });
      if (failure !== undefined) {
        print(`\n${property.name} failed: ${failure}\n`);
        const again = `FUZZ_ONLY='${property.name}' FUZZ_RUNS=${count} FUZZ_SEED=${seed} npm run test:fuzz`;
        print(`To see it again: ${again}`);
        process.exitCode = 1;
        return;
      }
      done += count;
      print(`${done} of ${runs} cases, ${seconds()} s, seed ${seed}: ${property.name}`);
    }
  }
  print(`All ${done} cases hold, ${seconds()} s.`);
}

process.on('unhandledRejection', (reason) => {
  print(`An unhandled rejection: ${reason instanceof Error ? reason.stack : String(reason)}`);
  process.exit(1);
});
main().catch((error: unknown) => {
  print(String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
});
