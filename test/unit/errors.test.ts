import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as api from '../../lib/index.js';
import {
  OktaConfigurationError,
  OktaDirectMfaError,
  OktaResponseError,
  OktaTimeoutError,
  OktaTransactionStoreError,
  OktaUnreachableError,
} from '../../lib/errors.js';

const REFERENCE = { oktaError: 'E0000006', oktaErrorId: 'oae1', oktaRequestId: 'req1' };

const ERRORS = [
  {
    name: 'OktaConfigurationError',
    error: new OktaConfigurationError('invalid_client', 'text', REFERENCE),
    code: 'invalid_client',
    status: 500,
  },
  {
    name: 'OktaTransactionStoreError',
    error: new OktaTransactionStoreError('text', REFERENCE),
    code: 'transaction_store_failed',
    status: 500,
  },
  {
    name: 'OktaResponseError',
    error: new OktaResponseError('invalid_id_token', 'text', REFERENCE),
    code: 'invalid_id_token',
    status: 502,
  },
  {
    name: 'OktaUnreachableError',
    error: new OktaUnreachableError('text', REFERENCE),
    code: 'okta_unreachable',
    status: 503,
  },
  {
    name: 'OktaTimeoutError',
    error: new OktaTimeoutError('text', REFERENCE),
    code: 'okta_timeout',
    status: 504,
  },
] as const;

for (const { name, error, code, status } of ERRORS) {
  describe(name, () => {
    it(`has the code ${code} and the status ${status}`, () => {
      assert.equal(error.code, code);
      assert.equal(error.status, status);
      assert.equal(error.message, 'text');
    });

    it('is an Error and an OktaDirectMfaError, and has its own name', () => {
      assert.ok(error instanceof Error);
      assert.ok(error instanceof OktaDirectMfaError);
      assert.equal(error.name, name);
      assert.match(String(error), new RegExp(`^${name}: text$`));
    });

    it("says where it can be found in Okta's logs", () => {
      const { oktaError, oktaErrorId, oktaRequestId } = error;
      assert.deepEqual({ oktaError, oktaErrorId, oktaRequestId }, REFERENCE);
    });

    it('has no cause, which could quote what was sent', () => {
      assert.ok(!('cause' in error));
    });

    it('is exported by the package', () => {
      assert.ok(error instanceof api[name]);
    });
  });
}

describe('an error without a reference', () => {
  it('has none of its properties, not even as undefined', () => {
    for (const error of [
      new OktaTimeoutError('text'),
      new OktaTimeoutError('text', { oktaError: undefined, oktaErrorId: undefined }),
    ]) {
      assert.deepEqual(Object.keys(error).sort(), ['code', 'name', 'status']);
    }
  });
});

describe('the package', () => {
  it('exports the strategy, the same under the usual name Strategy, the errors, and the name of the channel', () => {
    assert.deepEqual(Object.keys(api).sort(), [
      'OUTCOME_CHANNEL',
      'OktaConfigurationError',
      'OktaDirectMfaError',
      'OktaDirectMfaStrategy',
      'OktaResponseError',
      'OktaTimeoutError',
      'OktaTransactionStoreError',
      'OktaUnreachableError',
      'Strategy',
    ]);
    assert.equal(api.Strategy, api.OktaDirectMfaStrategy);
  });
});
