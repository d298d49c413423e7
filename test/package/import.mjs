// Named imports from an ES module: Node has to find the names in the CommonJS files by itself.
import assert from 'node:assert/strict';
import {
  OktaConfigurationError,
  OktaDirectMfaError,
  OktaDirectMfaStrategy,
  OktaRateLimitError,
  OktaRefreshError,
  OktaResponseError,
  OktaTimeoutError,
  OktaTransactionStoreError,
  OktaUnreachableError,
  OUTCOME_CHANNEL,
  Strategy,
} from 'passport-okta-direct-mfa';
import { mockOkta } from 'passport-okta-direct-mfa/testing';
import packageJson from 'passport-okta-direct-mfa/package.json' with { type: 'json' };
import * as everything from 'passport-okta-direct-mfa';

assert.equal(Strategy, OktaDirectMfaStrategy);
for (const error of [
  OktaConfigurationError,
  OktaRateLimitError,
  OktaRefreshError,
  OktaResponseError,
  OktaTimeoutError,
  OktaTransactionStoreError,
  OktaUnreachableError,
]) {
  assert.ok(error.prototype instanceof OktaDirectMfaError);
}
assert.equal(OUTCOME_CHANNEL, `${packageJson.name}:outcome`);
// A name that is new is to be imported above, too.
assert.deepEqual(
  Object.keys(everything).filter(
    (name) => !['default', 'module.exports', '__esModule'].includes(name),
  ),
  [
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
  ],
);
await assert.rejects(import('passport-okta-direct-mfa/dist/okta/http.js'), {
  code: 'ERR_PACKAGE_PATH_NOT_EXPORTED',
});

const issuer = 'https://acme.okta.com';
const okta = mockOkta({ issuer, clientID: '0oa1', users: [] });
const { dispatcher } = okta;
const strategy = new OktaDirectMfaStrategy({ issuer, clientID: '0oa1', dispatcher }, () => {});
assert.equal(strategy.name, 'okta-direct-mfa');
await okta.close();
