import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OktaConfigurationError, OktaTransactionStoreError } from '../../../lib/errors.js';
import { CheckedStore } from '../../../lib/transactions/checked-store.js';
import type { Transaction, TransactionStore } from '../../../lib/transactions/transaction.js';
import { asRequest, everyPrint } from '../../support/fixtures.js';
import { TRANSACTION } from '../support.js';

const REQUEST = asRequest({ headers: {} });
const NOOP: TransactionStore = {
  read: () => undefined,
  create: () => undefined,
  update: () => undefined,
  remove: () => undefined,
};
const checked = (methods: { [Name in keyof TransactionStore]?: unknown }) =>
  new CheckedStore({ ...NOOP, ...(methods as Partial<TransactionStore>) });

/** Each method, called with the transaction. */
const METHODS = {
  read: (store: CheckedStore) => store.read(REQUEST),
  create: (store: CheckedStore) => store.create(REQUEST, TRANSACTION),
  update: (store: CheckedStore) => store.update(REQUEST, TRANSACTION),
  remove: (store: CheckedStore) => store.remove(REQUEST, TRANSACTION),
};
type Method = keyof typeof METHODS;
const NAMES = Object.keys(METHODS) as Method[];

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
    const store = new CheckedStore(kept);
    assert.equal(await store.read(REQUEST), undefined);
    await store.create(REQUEST, TRANSACTION);
    assert.equal(kept.kept, TRANSACTION);
    assert.equal(await store.read(REQUEST), TRANSACTION);
    await store.update(REQUEST, { ...TRANSACTION, attempts: 1 });
    assert.equal((await store.read(REQUEST))?.attempts, 1);
    await store.remove(REQUEST, TRANSACTION);
    assert.equal(kept.kept, undefined);
  });

  it('hands the request on', async () => {
    const seen: unknown[] = [];
    const note = (req: unknown) => void seen.push(req);
    const store = checked({ read: note, create: note, update: note, remove: note });
    for (const name of NAMES) await METHODS[name](store);
    assert.deepEqual(seen, [REQUEST, REQUEST, REQUEST, REQUEST]);
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
          // What was being read is not known, so none of the message can be recognised as a secret.
          const reason =
            name === 'read'
              ? 'Error; its message is withheld because it may quote secrets'
              : 'redis says no to [redacted]';
          assert.equal(error.message, `The TransactionStore's ${name}() failed (${reason}).`);
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
      const reason =
        name === 'read'
          ? 'Error; its message is withheld because it may quote secrets'
          : 'The store failed with string instead of an Error';
      assert.ok(error.message.endsWith(`(${reason}).`), error.message);
    });
  }

  it('gives the code of an error whose message is withheld', async () => {
    const thrown = Object.assign(new Error('connect to 10.0.0.7'), { code: 'ECONNREFUSED' });
    assert.match(
      (await failure('read', thrown)).message,
      /\(ECONNREFUSED; its message is withheld/,
    );
  });

  it('withholds what JSON.parse says also where the transaction is known', async () => {
    const thrown = new SyntaxError('Unexpected token m in mfa-of-another');
    const { message } = await failure('update', thrown);
    assert.match(message, /\(SyntaxError; its message is withheld/);
    assert.doesNotMatch(message, /mfa-of-another/);
  });

  for (const quote of ['{"mfaToken":"other"}', '["other"]', '"other"', "'other'", '`other`']) {
    it(`cuts a message off where it quotes, as a session holds more than this transaction: ${quote}`, async () => {
      const { message } = await failure('create', new Error(`cannot SET\n${quote} now`));
      assert.equal(message, "The TransactionStore's create() failed (cannot SET …).");
    });
  }
});
