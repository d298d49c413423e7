import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildSync } from 'esbuild';
import { createRequire } from 'node:module';
import * as api from '../../lib/index.js';
import {
  isRejection,
  OktaConfigurationError,
  OktaDirectMfaError,
  OktaRateLimitError,
  OktaRefreshError,
  OktaResponseError,
  OktaTimeoutError,
  OktaTransactionStoreError,
  OktaUnreachableError,
} from '../../lib/errors.js';

const REFERENCE = {
  oktaError: 'E0000006',
  oktaDescription: 'Denied.',
  oktaErrorId: 'oae1',
  oktaRequestId: 'req1',
  oktaStatus: 403,
};

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
    name: 'OktaRefreshError',
    error: new OktaRefreshError('text', REFERENCE),
    code: 'refresh_token_rejected',
    status: 401,
  },
  {
    name: 'OktaRateLimitError',
    error: new OktaRateLimitError('text', 7, REFERENCE),
    code: 'rate_limited',
    status: 429,
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
      const { oktaError, oktaDescription, oktaErrorId, oktaRequestId, oktaStatus } = error;
      assert.deepEqual(
        { oktaError, oktaDescription, oktaErrorId, oktaRequestId, oktaStatus },
        REFERENCE,
      );
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

describe('the names of the errors', () => {
  it('survive a bundler that renames the classes', () => {
    const { outputFiles } = buildSync({
      entryPoints: [require.resolve('../../lib/index.js')],
      bundle: true,
      minify: true,
      keepNames: false,
      platform: 'node',
      format: 'cjs',
      packages: 'external',
      write: false,
      logLevel: 'silent',
    });
    const bundle = { exports: {} as typeof api };
    const code = outputFiles[0]?.text ?? '';
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- what an app's bundler has made
    const run = new Function('module', 'exports', 'require', code) as (...args: unknown[]) => void;
    run(bundle, bundle.exports, createRequire(__filename));
    const { exports } = bundle;
    const errors = {
      OktaConfigurationError: new exports.OktaConfigurationError('invalid_client', 'text'),
      OktaTransactionStoreError: new exports.OktaTransactionStoreError('text'),
      OktaRefreshError: new exports.OktaRefreshError('text'),
      OktaRateLimitError: new exports.OktaRateLimitError('text', undefined),
      OktaResponseError: new exports.OktaResponseError('okta_error', 'text'),
      OktaUnreachableError: new exports.OktaUnreachableError('text'),
      OktaTimeoutError: new exports.OktaTimeoutError('text'),
    };
    assert.deepEqual(Object.keys(errors).sort(), ERRORS.map(({ name }) => name as string).sort());
    for (const [name, error] of Object.entries(errors)) {
      assert.notEqual(error.constructor.name, name, 'the class itself was renamed');
      assert.equal(error.name, name);
      assert.equal(String(error), `${name}: text`);
    }
  });
});

describe('isRejection', () => {
  for (const [oktaStatus, expected] of [
    [400, true],
    [403, true],
    [302, true],
    [429, false],
    [500, false],
    [503, false],
    [undefined, false],
  ] as const) {
    it(`is ${expected} of an answer with the status ${oktaStatus}`, () => {
      assert.equal(isRejection(new OktaResponseError('okta_error', 'x', { oktaStatus })), expected);
    });
  }

  it('is false of what is no error of this package', () => {
    for (const other of [{ oktaStatus: 400 }, new Error('x'), undefined, null]) {
      assert.equal(isRejection(other), false);
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
      'OktaRateLimitError',
      'OktaRefreshError',
      'OktaResponseError',
      'OktaTimeoutError',
      'OktaTransactionStoreError',
      'OktaUnreachableError',
      'Strategy',
    ]);
    assert.equal(api.Strategy, api.OktaDirectMfaStrategy);
  });
});
