import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { InFlightLogins, type InFlightLogin } from '../../../lib/transactions/in-flight.js';
import { settle } from '../../support/fixtures.js';
import { gate } from '../../support/promises.js';

const START = 1_700_000_000_000;
const GRANT = { access_token: 'at' };
const never = () => false;

const mockTime = (t: TestContext) =>
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START });

const create = () => new InFlightLogins<typeof GRANT>();

/** What is known of a transaction by now; asking leaves no trace. */
async function peek(logins: ReturnType<typeof create>, id: string) {
  let known: InFlightLogin<typeof GRANT> | undefined;
  const release = logins.retain(id, START);
  await logins.runExclusive(
    id,
    async ({ attempts, invalidated, granted }) => {
      known = { ...NOTHING, attempts, invalidated, granted };
    },
    never,
  );
  release();
  return known;
}
const NOTHING = {
  attempts: 0,
  invalidated: false,
  granted: undefined,
  choosing: undefined,
  poll: undefined,
  saving: Promise.resolve(),
};

describe('runExclusive', () => {
  it('runs the requests of one transaction one after the other, in their order', async () => {
    const logins = create();
    logins.retain('a', START);
    const gates = [gate(), gate(), gate()];
    const log: string[] = [];
    const runs = gates.map((each, i) =>
      logins.runExclusive(
        'a',
        async () => {
          log.push(`start ${i}`);
          await each.opened;
          log.push(`end ${i}`);
          return i;
        },
        never,
      ),
    );
    await settle();
    assert.deepEqual(log, ['start 0']);
    gates[2]?.open();
    gates[1]?.open();
    await settle();
    assert.deepEqual(log, ['start 0']);
    gates[0]?.open();
    assert.deepEqual(await Promise.all(runs), [0, 1, 2]);
    assert.deepEqual(log, ['start 0', 'end 0', 'start 1', 'end 1', 'start 2', 'end 2']);
  });

  it('lets nobody overtake the queue who comes when the first has ended', async () => {
    const logins = create();
    logins.retain('a', START);
    const letGo = gate();
    const log: string[] = [];
    const first = logins.runExclusive('a', async () => log.push('first'), never);
    const second = logins.runExclusive(
      'a',
      async () => {
        await letGo.opened;
        log.push('second');
      },
      never,
    );
    await first;
    await settle();
    const third = logins.runExclusive('a', async () => log.push('third'), never);
    await settle();
    assert.deepEqual(log, ['first']);
    letGo.open();
    await Promise.all([second, third]);
    assert.deepEqual(log, ['first', 'second', 'third']);
  });

  it('does not let one transaction wait for another', async () => {
    const logins = create();
    const letGo = gate();
    const slow = logins.runExclusive('a', () => letGo.opened, never);
    assert.equal(await logins.runExclusive('b', async () => 'b', never), 'b');
    letGo.open();
    await slow;
  });

  it('gives each task the same knowledge of the transaction', async () => {
    const logins = create();
    logins.retain('a', START);
    const bump = () => logins.runExclusive('a', async (login) => (login.attempts += 1), never);
    assert.deepEqual(await Promise.all([bump(), bump(), bump()]), [1, 2, 3]);
  });

  it('lets those in the queue share the error of the one before them', async () => {
    const logins = create();
    const failure = new Error('unreachable');
    const letGo = gate();
    let runs = 0;
    const task = async () => {
      runs += 1;
      await letGo.opened;
      throw failure;
    };
    const all = Promise.allSettled([1, 2, 3].map(() => logins.runExclusive('a', task, never)));
    await settle();
    letGo.open();
    for (const result of await all) {
      assert.ok(result.status === 'rejected' && result.reason === failure);
    }
    assert.equal(runs, 1);
  });

  it('lets them share an outcome for which shareIf holds, and only such', async () => {
    for (const [outcome, expected] of [
      ['rate limit', 1],
      ['wrong passcode', 3],
    ] as const) {
      const logins = create();
      let runs = 0;
      const task = async () => {
        runs += 1;
        return outcome;
      };
      const isRateLimit = (value: string) => value === 'rate limit';
      const all = [1, 2, 3].map(() => logins.runExclusive('a', task, isRateLimit));
      assert.deepEqual(await Promise.all(all), [outcome, outcome, outcome]);
      assert.equal(runs, expected);
    }
  });

  it('runs the task of a request that comes after a shared outcome', async () => {
    const logins = create();
    logins.retain('a', START);
    await assert.rejects(logins.runExclusive('a', () => Promise.reject(new Error('down')), never));
    assert.equal(await logins.runExclusive('a', async () => 'up', never), 'up');
    await logins.runExclusive(
      'a',
      async () => 'rate limit',
      () => true,
    );
    assert.equal(await logins.runExclusive('a', async () => 'up', never), 'up');
  });

  it('takes a throw of the task for a rejection', async () => {
    const task = () => {
      throw new Error('at once');
    };
    await assert.rejects(create().runExclusive('a', task, never), /at once/);
  });
});

describe('retain and invalidate', () => {
  it('forgets at once a transaction of which there is nothing to know', async () => {
    const logins = create();
    const release = logins.retain('a', START);
    const kept = await logins.runExclusive('a', async (login) => login, never);
    release();
    const again = await logins.runExclusive('a', async (login) => login, never);
    assert.notEqual(again, kept);
  });

  it('keeps what is known as long as anybody retains it', async (t) => {
    mockTime(t);
    const logins = create();
    const release = [logins.retain('a', START), logins.retain('a', START)];
    await logins.runExclusive('a', async (login) => (login.granted = GRANT), never);
    release[0]?.();
    t.mock.timers.tick(60_000);
    const kept = await logins.runExclusive('a', async (login) => login, never);
    assert.equal(kept.granted, GRANT);
  });

  it('keeps it for those who still retain it when the first of them has released it', async () => {
    const logins = create();
    const release = logins.retain('a', START);
    logins.retain('a', START);
    const kept = await logins.runExclusive('a', async (login) => login, never);
    release();
    assert.equal(await logins.runExclusive('a', async (login) => login, never), kept);
  });

  it('keeps that a transaction was invalidated while nobody retained it', async (t) => {
    mockTime(t);
    const logins = create();
    logins.invalidate('a', START + 10_000);
    t.mock.timers.tick(9000);
    assert.equal((await peek(logins, 'a'))?.invalidated, true);
  });

  it('keeps what is known past the expiry of the transaction while a request retains it', async (t) => {
    mockTime(t);
    const logins = create();
    const count = () => logins.runExclusive('a', async (login) => (login.attempts += 1), never);
    const release = logins.retain('a', START + 1000);
    assert.equal(await count(), 1);
    release();
    logins.retain('a', START + 1000);
    t.mock.timers.tick(60_000);
    assert.equal(await count(), 2);
  });

  it('keeps a grant for half a second after the last request, for a double click', async (t) => {
    mockTime(t);
    const logins = create();
    const release = logins.retain('a', START + 300_000);
    await logins.runExclusive('a', async (login) => (login.granted = GRANT), never);
    release();
    t.mock.timers.tick(499);
    assert.equal((await peek(logins, 'a'))?.granted, GRANT);
    // peek retained it, so the half second begins again.
    t.mock.timers.tick(499);
    assert.equal((await peek(logins, 'a'))?.granted, GRANT);
    t.mock.timers.tick(4000);
    assert.deepEqual(await peek(logins, 'a'), NOTHING);
  });

  it('leaves no tokens in what it forgets, whoever still refers to it', async (t) => {
    mockTime(t);
    const logins = create();
    const release = logins.retain('a', START + 300_000);
    const login = await logins.runExclusive('a', async (login) => login, never);
    login.granted = GRANT;
    release();
    t.mock.timers.tick(499);
    assert.equal(login.granted, GRANT);
    t.mock.timers.tick(1);
    assert.equal(login.granted, undefined);
  });

  it('keeps the count of wrong passcodes until the transaction expires', async (t) => {
    mockTime(t);
    const logins = create();
    const release = logins.retain('a', START + 300_000);
    await logins.runExclusive('a', async (login) => (login.attempts = 3), never);
    release();
    t.mock.timers.tick(299_000);
    const kept = await logins.runExclusive('a', async (login) => login.attempts, never);
    assert.equal(kept, 3);
    t.mock.timers.tick(3000);
    assert.deepEqual(await peek(logins, 'a'), NOTHING);
  });

  it('keeps that a transaction was invalidated until it expires', async (t) => {
    mockTime(t);
    const logins = create();
    const release = logins.retain('a', START + 10_000);
    logins.invalidate('a', START + 10_000);
    release();
    t.mock.timers.tick(9000);
    assert.equal(await logins.runExclusive('a', async (login) => login.invalidated, never), true);
    t.mock.timers.tick(4000);
    assert.deepEqual(await peek(logins, 'a'), NOTHING);
  });

  it('tells a task that is under way that its transaction is invalidated', async () => {
    const logins = create();
    const letGo = gate();
    logins.retain('a', START);
    const run = logins.runExclusive(
      'a',
      async (login) => {
        await letGo.opened;
        return login.invalidated;
      },
      never,
    );
    logins.invalidate('a', START);
    logins.invalidate('b', START);
    letGo.open();
    assert.equal(await run, true);
  });

  it('has no timer before there is something to forget, one for all then, and none in the end', async (t) => {
    mockTime(t);
    const set = t.mock.method(globalThis, 'setTimeout');
    const logins = create();
    logins.retain('plain', START)();
    assert.equal(set.mock.callCount(), 0);

    for (const id of ['a', 'b', 'c']) {
      const release = logins.retain(id, START);
      await logins.runExclusive(id, async (login) => (login.attempts = 1), never);
      release();
    }
    assert.equal(set.mock.callCount(), 1);
    t.mock.timers.tick(2000);
    // All are forgotten, so no further timer was set.
    assert.equal(set.mock.callCount(), 1);
    t.mock.timers.tick(60_000);
    assert.equal(set.mock.callCount(), 1);
  });

  it('keeps no process alive', async (t) => {
    const handles: NodeJS.Timeout[] = [];
    const real = globalThis.setTimeout;
    t.mock.method(globalThis, 'setTimeout', (callback: () => void, ms: number) => {
      const handle = real(callback, ms);
      handles.push(handle);
      return handle;
    });
    const logins = create();
    const release = logins.retain('a', Date.now() + 60_000);
    await logins.runExclusive('a', async (login) => (login.attempts = 1), never);
    release();
    assert.deepEqual(
      handles.map((handle) => handle.hasRef()),
      [false],
    );
    handles.forEach((handle) => clearTimeout(handle));
  });
});
