import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bindActions, type Action } from '../../lib/actions.js';
import type { PassportStrategy } from '../../lib/passport.js';

/** A strategy as Passport prepares it for one request; what is called is noted. */
function prepared(fails?: (action: string) => unknown) {
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      calls.push([name, ...args]);
      const thrown = fails?.(name);
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- an app may
      if (thrown !== undefined) throw thrown;
    };
  const strategy = Object.fromEntries(
    ['success', 'fail', 'redirect', 'error', 'pass'].map((name) => [name, note(name)]),
  ) as unknown as PassportStrategy;
  return { strategy, calls };
}

const ERROR = new Error('x');
const ACTIONS: [Action, unknown[]][] = [
  [
    { type: 'success', user: { id: 'u1' }, info: { scope: 's' } },
    ['success', { id: 'u1' }, { scope: 's' }],
  ],
  [{ type: 'fail', info: { code: 'x' }, status: 401 }, ['fail', { code: 'x' }, 401]],
  [{ type: 'fail', info: 'no', refusedBy: 'verify' }, ['fail', 'no', undefined]],
  [{ type: 'redirect', url: '/otp' }, ['redirect', '/otp']],
  [{ type: 'error', error: ERROR }, ['error', ERROR]],
];

describe('bindActions', () => {
  for (const [action, call] of ACTIONS) {
    it(`performs ${JSON.stringify(action)} by Passport's function, and by no other`, () => {
      const { strategy, calls } = prepared();
      bindActions(strategy)(action);
      assert.deepEqual(calls, [call]);
    });
  }

  it('passes on the very user and the very error', () => {
    const { strategy, calls } = prepared();
    const user = {};
    bindActions(strategy)({ type: 'success', user, info: undefined });
    bindActions(strategy)({ type: 'error', error: ERROR });
    assert.equal(calls[0]?.[1], user);
    assert.equal(calls[1]?.[1], ERROR);
  });

  it("performs on the request that it was called for, when the next one's functions are in place", () => {
    for (const [action, call] of ACTIONS) {
      const { strategy, calls } = prepared();
      const perform = bindActions(strategy);
      const next = prepared();
      Object.assign(strategy, next.strategy);
      perform(action);
      assert.deepEqual(calls, [call]);
      assert.deepEqual(next.calls, []);
    }
  });

  it('hands an error of the action itself to the request', () => {
    const { strategy, calls } = prepared((name) => (name === 'success' ? ERROR : undefined));
    bindActions(strategy)({ type: 'success', user: {}, info: undefined });
    assert.deepEqual(calls.at(-1), ['error', ERROR]);
    assert.equal(calls.length, 2);
  });

  it('makes an Error of what else the action throws, which Express would take for something else', () => {
    const { strategy, calls } = prepared((name) => (name === 'fail' ? 'route' : undefined));
    bindActions(strategy)({ type: 'fail', info: undefined, status: 401 });
    const [name, error] = calls.at(-1) ?? [];
    assert.equal(name, 'error');
    assert.ok(error instanceof Error);
    assert.equal(error.message, 'The app failed with string instead of an Error');
  });
});
