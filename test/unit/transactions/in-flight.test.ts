import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Authenticated } from '../../../lib/okta/state.js';
import { createWaitingLogins, type WaitingLogin } from '../../../lib/transactions/in-flight.js';
import { deferred, settle } from '../../support/fixtures.js';

const START = 1_700_000_000_000;
const GRANT = { otp: '1', status: {} as Authenticated };
const never = () => false;

const mockTime = (t: TestContext) =>
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START });

/** What is known of a login by now; asking leaves no trace. */
async function peek(logins: ReturnType<typeof createWaitingLogins>, id: string) {
  let known: Omit<WaitingLogin, 'tail'> | undefined;
  const release = logins.hold(id, START);
  await logins.inTurn(
    id,
    async ({ attempts, dropped, granted }) => {
      known = { attempts, dropped, granted };
    },
    never,
  );
  release();
  return known;
}
const NOTHING = { attempts: 0, dropped: false, granted: undefined };

describe('inTurn', () => {
  it('runs requests of one login one after the other, in their order', async () => {
    const logins = createWaitingLogins();
    logins.hold('a', START);
    const gates = [deferred(), deferred(), deferred()];
    const log: string[] = [];
    const turns = gates.map((gate, i) =>
      logins.inTurn(
        'a',
        async () => {
          log.push(`start ${i}`);
          await gate.promise;
          log.push(`end ${i}`);
          return i;
        },
        never,
      ),
    );
    await settle();
    assert.deepEqual(log, ['start 0']);
    gates[2]?.resolve();
    gates[1]?.resolve();
    await settle();
    assert.deepEqual(log, ['start 0']);
    gates[0]?.resolve();
    assert.deepEqual(await Promise.all(turns), [0, 1, 2]);
    assert.deepEqual(log, ['start 0', 'end 0', 'start 1', 'end 1', 'start 2', 'end 2']);
  });

  it('lets nobody past those that wait, who comes when the first has ended', async () => {
    const logins = createWaitingLogins();
    logins.hold('a', START);
    const gate = deferred();
    const log: string[] = [];
    const first = logins.inTurn('a', async () => log.push('first'), never);
    const second = logins.inTurn(
      'a',
      async () => {
        await gate.promise;
        log.push('second');
      },
      never,
    );
    await first;
    await settle();
    const third = logins.inTurn('a', async () => log.push('third'), never);
    await settle();
    assert.deepEqual(log, ['first']);
    gate.resolve();
    await Promise.all([second, third]);
    assert.deepEqual(log, ['first', 'second', 'third']);
  });

  it('does not let one login wait for another', async () => {
    const logins = createWaitingLogins();
    const gate = deferred();
    const slow = logins.inTurn('a', () => gate.promise, never);
    assert.equal(await logins.inTurn('b', async () => 'b', never), 'b');
    gate.resolve();
    await slow;
  });

  it('gives each turn the same knowledge of the login', async () => {
    const logins = createWaitingLogins();
    logins.hold('a', START);
    const bump = () => logins.inTurn('a', async (login) => (login.attempts += 1), never);
    assert.deepEqual(await Promise.all([bump(), bump(), bump()]), [1, 2, 3]);
  });

  it('lets those that waited share the error of the one before them', async () => {
    const logins = createWaitingLogins();
    const failure = new Error('unreachable');
    const gate = deferred();
    let turns = 0;
    const turn = async () => {
      turns += 1;
      await gate.promise;
    };
    const all = Promise.allSettled([1, 2, 3].map(() => logins.inTurn('a', turn, never)));
    await settle();
    gate.reject(failure);
    for (const result of await all) {
      assert.ok(result.status === 'rejected' && result.reason === failure);
    }
    assert.equal(turns, 1);
  });

  it('lets them share an outcome that came to nothing, and only such', async () => {
    for (const [outcome, expected] of [
      ['nothing', 1],
      ['wrong passcode', 3],
    ] as const) {
      const logins = createWaitingLogins();
      let turns = 0;
      const turn = async () => {
        turns += 1;
        return outcome;
      };
      const toNothing = (value: string) => value === 'nothing';
      const all = [1, 2, 3].map(() => logins.inTurn('a', turn, toNothing));
      assert.deepEqual(await Promise.all(all), [outcome, outcome, outcome]);
      assert.equal(turns, expected);
    }
  });

  it('asks anew for a request that comes after a fault', async () => {
    const logins = createWaitingLogins();
    logins.hold('a', START);
    await assert.rejects(logins.inTurn('a', () => Promise.reject(new Error('down')), never));
    assert.equal(await logins.inTurn('a', async () => 'up', never), 'up');
    await logins.inTurn(
      'a',
      async () => 'nothing',
      () => true,
    );
    assert.equal(await logins.inTurn('a', async () => 'up', never), 'up');
  });

  it('takes a throw of the turn for a rejection', async () => {
    const turn = () => {
      throw new Error('at once');
    };
    await assert.rejects(createWaitingLogins().inTurn('a', turn, never), /at once/);
  });
});

describe('hold and drop', () => {
  it('forgets at once a login of which nothing is to be known', async () => {
    const logins = createWaitingLogins();
    const release = logins.hold('a', START);
    const kept = await logins.inTurn('a', async (login) => login, never);
    release();
    const again = await logins.inTurn('a', async (login) => login, never);
    assert.notEqual(again, kept);
  });

  it('keeps the knowledge as long as anybody holds it', async (t) => {
    mockTime(t);
    const logins = createWaitingLogins();
    const release = [logins.hold('a', START), logins.hold('a', START)];
    await logins.inTurn('a', async (login) => (login.granted = GRANT), never);
    release[0]?.();
    t.mock.timers.tick(60_000);
    assert.equal((await peekHeld(logins)).granted, GRANT);

    function peekHeld(from: typeof logins) {
      return from.inTurn('a', async (login) => login, never);
    }
  });

  it('keeps it for those who still hold it when the first of them has let go', async () => {
    const logins = createWaitingLogins();
    const release = logins.hold('a', START);
    logins.hold('a', START);
    const kept = await logins.inTurn('a', async (login) => login, never);
    release();
    assert.equal(await logins.inTurn('a', async (login) => login, never), kept);
  });

  it('keeps that a login was dropped while nobody held it', async (t) => {
    mockTime(t);
    const logins = createWaitingLogins();
    logins.drop('a', START + 10_000);
    t.mock.timers.tick(9000);
    assert.equal((await peek(logins, 'a'))?.dropped, true);
  });

  it('keeps it also past the expiry of the login while a request holds it', async (t) => {
    mockTime(t);
    const logins = createWaitingLogins();
    const count = () => logins.inTurn('a', async (login) => (login.attempts += 1), never);
    const release = logins.hold('a', START + 1000);
    assert.equal(await count(), 1);
    release();
    logins.hold('a', START + 1000);
    t.mock.timers.tick(60_000);
    assert.equal(await count(), 2);
  });

  it('keeps a grant for half a second after the last request, for a double click', async (t) => {
    mockTime(t);
    const logins = createWaitingLogins();
    const release = logins.hold('a', START + 300_000);
    await logins.inTurn('a', async (login) => (login.granted = GRANT), never);
    release();
    t.mock.timers.tick(499);
    assert.equal((await peek(logins, 'a'))?.granted, GRANT);
    // peek held it, so the half second begins again.
    t.mock.timers.tick(499);
    assert.equal((await peek(logins, 'a'))?.granted, GRANT);
    t.mock.timers.tick(4000);
    assert.deepEqual(await peek(logins, 'a'), NOTHING);
  });

  it('has no tokens in what it forgets, whoever still refers to it', async (t) => {
    mockTime(t);
    const logins = createWaitingLogins();
    const release = logins.hold('a', START + 300_000);
    const login = await logins.inTurn('a', async (login) => login, never);
    login.granted = GRANT;
    release();
    t.mock.timers.tick(499);
    assert.equal(login.granted, GRANT);
    t.mock.timers.tick(1);
    assert.equal(login.granted, undefined);
  });

  it('keeps the count of wrong passcodes until the login expires', async (t) => {
    mockTime(t);
    const logins = createWaitingLogins();
    const release = logins.hold('a', START + 300_000);
    await logins.inTurn('a', async (login) => (login.attempts = 3), never);
    release();
    t.mock.timers.tick(299_000);
    const kept = await logins.inTurn('a', async (login) => login.attempts, never);
    assert.equal(kept, 3);
    t.mock.timers.tick(3000);
    assert.deepEqual(await peek(logins, 'a'), NOTHING);
  });

  it('keeps that a login was dropped until it expires', async (t) => {
    mockTime(t);
    const logins = createWaitingLogins();
    const release = logins.hold('a', START + 10_000);
    logins.drop('a', START + 10_000);
    release();
    t.mock.timers.tick(9000);
    assert.equal(await logins.inTurn('a', async (login) => login.dropped, never), true);
    t.mock.timers.tick(4000);
    assert.deepEqual(await peek(logins, 'a'), NOTHING);
  });

  it('tells a turn that is under way that its login is dropped', async () => {
    const logins = createWaitingLogins();
    const gate = deferred();
    logins.hold('a', START);
    const turn = logins.inTurn(
      'a',
      async (login) => {
        await gate.promise;
        return login.dropped;
      },
      never,
    );
    logins.drop('a', START);
    logins.drop('b', START);
    gate.resolve();
    assert.equal(await turn, true);
  });

  it('has no timer before there is something to forget, one for all then, and none in the end', async (t) => {
    mockTime(t);
    const set = t.mock.method(globalThis, 'setTimeout');
    const logins = createWaitingLogins();
    logins.hold('plain', START)();
    assert.equal(set.mock.callCount(), 0);

    for (const id of ['a', 'b', 'c']) {
      const release = logins.hold(id, START);
      await logins.inTurn(id, async (login) => (login.attempts = 1), never);
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
    const logins = createWaitingLogins();
    const release = logins.hold('a', Date.now() + 60_000);
    await logins.inTurn('a', async (login) => (login.attempts = 1), never);
    release();
    assert.deepEqual(
      handles.map((handle) => handle.hasRef()),
      [false],
    );
    handles.forEach((handle) => clearTimeout(handle));
  });
});
