import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OktaConfigurationError } from '../../lib/index.js';
import { refuseFastify } from '../../lib/fastify.js';
import { asRequest } from '../support/fixtures.js';

/** As Passport's authenticate() leaves it. */
const OF_PASSPORT = { raw: {}, _sessionManager: {} };
const PREPARED = { ...OF_PASSPORT, _passport: {} };

const refuse = (request: object, wanted: { session?: boolean; redirect?: boolean }) =>
  refuseFastify(asRequest(request), { session: false, redirect: false, ...wanted });

function assertRefused(request: object, wanted: object, message: RegExp) {
  assert.throws(
    () => refuse(request, wanted),
    (error) =>
      error instanceof OktaConfigurationError &&
      error.code === 'fastify_request' &&
      error.status === 500 &&
      message.test(error.message),
  );
}

describe("Fastify's request in the hands of Passport", () => {
  it('is refused for a session that no later request would read', () => {
    assertRefused(OF_PASSPORT, { session: true }, /initialize\(\).*session\(\) in a hook/);
  });

  it("is refused with @fastify/passport's logIn() on it", () => {
    assertRefused({ ...PREPARED, passport: {} }, { session: true }, /not @fastify\/passport's/);
  });

  it('is refused for a redirect', () => {
    assertRefused(PREPARED, { redirect: true }, /mfaRedirect/);
  });

  it('is taken once initialize() has seen it, and where no session is wanted', () => {
    refuse(PREPARED, { session: true });
    refuse(OF_PASSPORT, { session: false });
  });

  it("is taken from @fastify/passport, and Node's own request from Passport", () => {
    refuse({ raw: {}, passport: {} }, { session: true, redirect: true });
    refuse({ _sessionManager: {} }, { session: true, redirect: true });
  });
});
