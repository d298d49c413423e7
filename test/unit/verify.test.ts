import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OktaConfigurationError } from '../../lib/errors.js';
import { callVerify, type VerifyCallback } from '../../lib/verify.js';
import { settle } from '../support/fixtures.js';

const USER = { id: 'u1' };
const ERROR = new Error('database');

describe('callVerify', () => {
  for (const [what, verify, verdict] of [
    [
      'done(null, user)',
      (done: VerifyCallback) => done(null, USER),
      { type: 'accepted', user: USER, info: undefined },
    ],
    [
      'done(undefined, user, info)',
      (done: VerifyCallback) => done(undefined, USER, { scope: 'x' }),
      { type: 'accepted', user: USER, info: { scope: 'x' } },
    ],
    [
      'done(null, user) later',
      (done: VerifyCallback) => void setImmediate(done, null, USER),
      { type: 'accepted', user: USER, info: undefined },
    ],
    [
      'done(null, false)',
      (done: VerifyCallback) => done(null, false),
      { type: 'refused', info: undefined },
    ],
    [
      'done(null, false, info)',
      (done: VerifyCallback) => done(null, false, { message: 'no' }),
      { type: 'refused', info: { message: 'no' } },
    ],
    [
      'done(null, null)',
      (done: VerifyCallback) => done(null, null),
      { type: 'refused', info: undefined },
    ],
    ['done(null)', (done: VerifyCallback) => done(null), { type: 'refused', info: undefined }],
    ['done(error)', (done: VerifyCallback) => done(ERROR), { type: 'failed', error: ERROR }],
    [
      'done(error, user)',
      (done: VerifyCallback) => done(ERROR, USER),
      { type: 'failed', error: ERROR },
    ],
    ['a promise of the user', async () => USER, { type: 'accepted', user: USER, info: undefined }],
    ['a promise of false', async () => false, { type: 'refused', info: undefined }],
    ['a promise of null', async () => null, { type: 'refused', info: undefined }],
    ['a promise of zero', async () => 0, { type: 'refused', info: undefined }],
    [
      'a thenable that is not a Promise',
      () => ({ then: (yes: (user: object) => void) => yes(USER) }),
      { type: 'accepted', user: USER, info: undefined },
    ],
    [
      'a rejection',
      async () => {
        throw ERROR;
      },
      { type: 'failed', error: ERROR },
    ],
    [
      'a throw',
      () => {
        throw ERROR;
      },
      { type: 'failed', error: ERROR },
    ],
    [
      'a thenable whose then throws',
      () => ({
        then: () => {
          throw ERROR;
        },
      }),
      { type: 'failed', error: ERROR },
    ],
    [
      'a thenable whose then cannot be read',
      () => ({
        get then() {
          throw ERROR;
        },
      }),
      { type: 'failed', error: ERROR },
    ],
  ] as [string, (done: VerifyCallback) => unknown, unknown][]) {
    it(`takes ${what} as the verdict`, async () => {
      assert.deepEqual(await callVerify(verify), verdict);
    });
  }

  it('passes the very user and the very error on', async () => {
    const accepted = await callVerify((done) => done(null, USER));
    assert.ok(accepted.type === 'accepted' && accepted.user === USER);
    const failed = await callVerify((done) => done(ERROR));
    assert.ok(failed.type === 'failed' && failed.error === ERROR);
  });

  it('counts the first verdict and no other', async () => {
    const verdict = await callVerify((done) => {
      done(null, false, 'first');
      done(null, USER);
      done(ERROR);
      return Promise.resolve(USER);
    });
    assert.deepEqual(verdict, { type: 'refused', info: 'first' });
  });

  it('ignores a throw and a rejection after the verdict', async () => {
    for (const verify of [
      (done: VerifyCallback) => {
        done(null, USER);
        throw ERROR;
      },
      async (done: VerifyCallback) => {
        done(null, USER);
        throw ERROR;
      },
    ]) {
      assert.equal((await callVerify(verify)).type, 'accepted');
    }
    // An unhandled rejection would fail this test by now.
    await settle();
  });

  for (const [what, value] of [
    ['undefined', undefined],
    ['a promise of undefined', Promise.resolve(undefined)],
    ['a user without a promise', USER],
    ['true', true],
    ['null', null],
  ] as const) {
    it(`waits for done when the function returns ${what}`, async () => {
      let done: VerifyCallback | undefined;
      let decided = false;
      const verdict = callVerify((callback) => {
        done = callback;
        return value;
      });
      void verdict.then(() => (decided = true));
      await settle();
      assert.equal(decided, false);
      done?.(null, false, 'late');
      assert.deepEqual(await verdict, { type: 'refused', info: 'late' });
    });
  }

  const failures = (value: unknown): [string, (done: VerifyCallback) => unknown][] => [
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- apps do
    ['a rejection with', () => Promise.reject(value)],
    [
      'a throw of',
      () => {
        throw value;
      },
    ],
    ...(value ? [['done with', (done) => done(value)] as ReturnType<typeof failures>[number]] : []),
  ];
  for (const value of [undefined, null, false, 0, '', 'route', 'router', 7, Symbol('x')]) {
    for (const [how, verify] of failures(value)) {
      it(`makes an Error of ${how} ${String(value) || "''"}, which Express would take for something else`, async () => {
        const verdict = await callVerify(verify);
        assert.ok(verdict.type === 'failed');
        assert.ok(verdict.error instanceof Error);
        assert.match(
          verdict.error.message,
          new RegExp(`The verify function failed with ${typeof value} instead`),
        );
      });
    }
  }

  it('takes a falsy error of done for none, as Passport does, and without a user refuses', async () => {
    for (const falsy of [undefined, null, false, 0, '']) {
      assert.deepEqual(await callVerify((done) => done(falsy)), {
        type: 'refused',
        info: undefined,
      });
    }
  });
});

describe('callVerify, where a promise comes to undefined', () => {
  const undecided = async () => undefined;

  it('is an error after a second, which says what to return', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let decided = false;
    const verdict = callVerify(undecided);
    void verdict.then(() => (decided = true));
    await settle();
    t.mock.timers.tick(999);
    await settle();
    assert.equal(decided, false);
    t.mock.timers.tick(1);
    const { type, error } = (await verdict) as { type: string; error: OktaConfigurationError };
    assert.equal(type, 'failed');
    assert.ok(error instanceof OktaConfigurationError);
    assert.deepEqual([error.code, error.status], ['verify_undecided', 500]);
    assert.match(error.message, /undefined.*done.*within a second.*false/);
  });

  it('is what done says within the second', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let done: VerifyCallback = () => assert.fail();
    const verdict = callVerify(async (callback) => void (done = callback));
    await settle();
    t.mock.timers.tick(999);
    done(null, USER);
    t.mock.timers.tick(5000);
    assert.deepEqual(await verdict, { type: 'accepted', user: USER, info: undefined });
  });

  it('is not changed by a done that comes later', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let done: VerifyCallback = () => assert.fail();
    const verdict = callVerify(async (callback) => void (done = callback));
    await settle();
    t.mock.timers.tick(1000);
    done(null, USER);
    assert.equal((await verdict).type, 'failed');
  });

  it('is what done has said before', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const verdict = callVerify(async (done) => {
      done(null, USER);
    });
    await settle();
    t.mock.timers.tick(5000);
    assert.deepEqual(await verdict, { type: 'accepted', user: USER, info: undefined });
  });
});

describe('callVerify, where something other than a promise is returned', () => {
  /** A module that has warned of nothing yet. */
  function fresh(): typeof callVerify {
    const path = require.resolve('../../lib/verify.js');
    delete require.cache[path];
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- to load it once more
    return (require(path) as { callVerify: typeof callVerify }).callVerify;
  }

  it('says so once in a process warning, without the value, and waits for done', async (t) => {
    const warn = t.mock.method(process, 'emitWarning', () => undefined);
    const call = fresh();
    for (const returned of [{ name: 'hunter2' }, setImmediate(() => undefined), true, null]) {
      const verdict = await call((done) => {
        setImmediate(done, null, USER);
        return returned;
      });
      assert.deepEqual(verdict, { type: 'accepted', user: USER, info: undefined });
    }
    assert.equal(warn.mock.callCount(), 1);
    const text = String(warn.mock.calls[0]?.arguments[0]);
    assert.match(text, /other than a promise, which is ignored/);
    assert.doesNotMatch(text, /hunter2/);
  });

  it('has nothing to say of undefined or of a promise', async (t) => {
    const warn = t.mock.method(process, 'emitWarning', () => undefined);
    const call = fresh();
    await call((done) => done(null, USER));
    await call(async () => USER);
    assert.equal(warn.mock.callCount(), 0);
  });
});
