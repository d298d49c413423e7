import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OktaConfigurationError, OktaTransactionStoreError } from '../../../lib/errors.js';
import { CheckedStore } from '../../../lib/transactions/checked-store.js';
import type { Transaction, TransactionStore } from '../../../lib/transactions/transaction.js';
import { asRequest, everyPrint } from '../../support/fixtures.js';
import { KEY, TRANSACTION } from '../support.js';

const REQUEST = asRequest({ headers: {} });
const NOOP: TransactionStore = {
  read: () => TRANSACTION,
  create: () => undefined,
  update: () => undefined,
  remove: () => undefined,
};
const checked = (methods: { [Name in keyof TransactionStore]?: unknown }) =>
  new CheckedStore({ ...NOOP, ...(methods as Partial<TransactionStore>) }, KEY);

/** Each method, called with the transaction. */
const METHODS = {
  read: (store: CheckedStore) => store.read(REQUEST),
  create: (store: CheckedStore) => store.create(REQUEST, TRANSACTION, false),
  update: async (store: CheckedStore) =>
    (await store.modify(REQUEST, TRANSACTION.id, (kept) => ({ ...kept }))) !== undefined,
  remove: (store: CheckedStore) => store.remove(REQUEST, TRANSACTION.id),
};
type Method = keyof typeof METHODS;
const NAMES = Object.keys(METHODS) as Method[];

const WITHHELD = '; its message is withheld because it may quote secrets';

/** What becomes of a failure of the method. */
async function failure(method: Method, thrown: unknown): Promise<Error> {
  const store = checked({
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a store may
    [method]: () => Promise.reject(thrown),
  });
  try {
    await METHODS[method](store);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail('expected an error');
}

describe('CheckedStore', () => {
  it('calls a store, whose methods may be synchronous, with its own this', async () => {
    class Store implements TransactionStore {
      kept: Transaction | undefined;
      read() {
        return this.kept;
      }
      create(_req: unknown, transaction: Transaction) {
        this.kept = transaction;
      }
      update(_req: unknown, transaction: Transaction) {
        this.kept = transaction;
      }
      remove() {
        this.kept = undefined;
      }
    }
    const kept = new Store();
    const store = new CheckedStore(kept, KEY);
    assert.equal(await store.read(REQUEST), undefined);
    await store.create(REQUEST, TRANSACTION, false);
    assert.equal(kept.kept, TRANSACTION);
    assert.equal(await store.read(REQUEST), TRANSACTION);
    await store.modify(REQUEST, TRANSACTION.id, (kept) => ({ ...kept, attempts: 1 }));
    assert.equal((await store.read(REQUEST))?.attempts, 1);
    assert.equal(await store.remove(REQUEST, TRANSACTION.id), true);
    assert.equal(kept.kept, undefined);
  });

  it('hands the request on', async () => {
    const seen: unknown[] = [];
    const note = (req: unknown) => void seen.push(req);
    const read = (req: unknown) => {
      note(req);
      return TRANSACTION;
    };
    const store = checked({ read, create: note, update: note, remove: note });
    for (const name of NAMES) await METHODS[name](store);
    assert.equal(seen.length, 6, 'update and remove read first');
    assert.ok(seen.every((req) => req === REQUEST));
  });

  for (const nothing of [null, undefined, '', 'garbage', {}, 7, { ...TRANSACTION, id: 7 }]) {
    it(`takes ${JSON.stringify(nothing) ?? 'undefined'} for no transaction`, async () => {
      assert.equal(await checked({ read: async () => nothing }).read(REQUEST), undefined);
    });
  }
});

describe('CheckedStore, when the store fails', () => {
  for (const name of NAMES) {
    for (const how of ['throws', 'rejects'] as const) {
      it(`rejects with an OktaTransactionStoreError when ${name}() ${how}`, async () => {
        const thrown = new Error('redis says no to mfa-1');
        const store = checked({
          [name]: () => {
            if (how === 'throws') throw thrown;
            return Promise.reject(thrown);
          },
        });
        await assert.rejects(METHODS[name](store), (error: unknown) => {
          assert.ok(error instanceof OktaTransactionStoreError);
          assert.deepEqual([error.code, error.status], ['transaction_store_failed', 500]);
          assert.equal(
            error.message,
            `The TransactionStore's ${name}() failed (Error${WITHHELD}).`,
          );
          assert.ok(!('cause' in error));
          return true;
        });
      });
    }

    it(`lets an error of this package through from ${name}()`, async () => {
      const own = new OktaConfigurationError('session_missing', 'No device cookie');
      assert.equal(await failure(name, own), own);
    });

    it(`prints no mfa_token when ${name}() fails and quotes it`, async () => {
      // Redis clients put the command on their errors, and JSON.parse quotes what it could not read.
      const thrown = Object.assign(new Error(`cannot SET ${JSON.stringify(TRANSACTION)}`), {
        command: { args: [TRANSACTION.mfaToken] },
        cause: TRANSACTION,
      });
      assert.ok(!everyPrint(await failure(name, thrown)).includes(TRANSACTION.mfaToken));
    });

    it(`does not print what is thrown instead of an Error by ${name}()`, async () => {
      const error = await failure(name, TRANSACTION.mfaToken);
      assert.ok(error instanceof OktaTransactionStoreError);
      assert.ok(!everyPrint(error).includes(TRANSACTION.mfaToken));
      assert.equal(error.message, `The TransactionStore's ${name}() failed (Error${WITHHELD}).`);
    });
  }

  for (const [what, thrown, word] of [
    [
      'its code',
      Object.assign(new Error('connect to 10.0.0.7'), { code: 'ECONNREFUSED' }),
      'ECONNREFUSED',
    ],
    [
      'its name without a code',
      new SyntaxError('Unexpected token m in mfa-of-another'),
      'SyntaxError',
    ],
    [
      'its name where the code is a number',
      Object.assign(new RangeError('x'), { code: 42 }),
      'RangeError',
    ],
    [
      'its name where the code is a text',
      Object.assign(new TypeError('x'), { code: 'no session sid-1' }),
      'TypeError',
    ],
    [
      'neither where both are texts',
      Object.assign(new Error('x'), { name: 'sid-1 mfa-1' }),
      'Error',
    ],
    [
      'neither where the name is long',
      Object.assign(new Error('x'), { name: 'x'.repeat(41) }),
      'Error',
    ],
    [
      'neither of an object without a prototype',
      Object.assign(Object.create(null) as object),
      'Error',
    ],
  ] as const) {
    it(`says of an error ${what}, and nothing else`, async () => {
      const { message } = await failure('create', thrown);
      assert.equal(message, `The TransactionStore's create() failed (${word}${WITHHELD}).`);
    });
  }
});

describe('CheckedStore, when what is kept has ended or been replaced', () => {
  for (const [what, kept] of [
    ['gone', undefined],
    ['gone, as null', null],
    ['another', { ...TRANSACTION, id: 'id-2' }],
    ['garbage', { id: TRANSACTION.id }],
  ] as const) {
    for (const name of ['update', 'remove'] as const) {
      it(`does not even ask for ${name}() where it is ${what}`, async () => {
        const store = checked({ read: async () => kept, [name]: assert.fail });
        assert.equal(await METHODS[name](store), false);
      });
    }
  }

  for (const name of ['update', 'remove'] as const) {
    it(`believes the store that ${name}() found it gone`, async () => {
      for (const [answer, expected] of [
        [false, false],
        [true, true],
        [undefined, true],
        [0, true],
      ] as const) {
        assert.equal(await METHODS[name](checked({ [name]: async () => answer })), expected);
        assert.equal(await METHODS[name](checked({ [name]: () => answer })), expected);
      }
    });
  }
});
