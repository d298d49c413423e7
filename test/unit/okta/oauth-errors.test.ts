import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from '../../../lib/actions.js';
import { OktaDirectMfaError } from '../../../lib/index.js';
import { LoginFlow } from '../../../lib/login.js';
import { readOptions } from '../../../lib/options/index.js';
import { asRequest, CLIENT_ID, ISSUER } from '../../support/fixtures.js';
import { LOGIN_FORM, useScene } from '../support.js';
import { CATALOGUE, EXPIRED_MFA_TOKEN, SECOND_FORMAT, type CatalogueRow } from './catalogue.js';

type Step = 'password' | 'passcode';
/**
 * What the app sees, with which status, and what becomes of the transaction. In the password step it is
 * that of an earlier password.
 */
type Expected = `${'fail' | 'error'} ${string} ${number}, ${Fate}`;
type Fate = 'kept' | 'counted' | 'dropped' | 'replaced';
type Expectations = Readonly<Record<Step, Expected>>;

/** An error is no verdict on the password; an answer to a passcode is an attempt, whatever it says. */
const fixedByTheApp = (code: string): Expectations => ({
  password: `error ${code} 500, kept`,
  passcode: `error ${code} 500, counted`,
});
const UNKNOWN: Expectations = {
  password: 'error okta_error 502, kept',
  passcode: 'error okta_error 502, counted',
};
const OKTA_FAILED: Expectations = {
  password: 'error okta_error 502, kept',
  passcode: 'error okta_error 502, kept',
};
const DENIED: Expectations = {
  password: 'fail access_denied 403, dropped',
  passcode: 'fail access_denied 403, dropped',
};
const LIMITED: Expectations = {
  password: 'fail rate_limited 429, kept',
  passcode: 'fail rate_limited 429, kept',
};
const WRONG_PASSWORD = 'fail invalid_credentials 401, dropped';
const WRONG_PASSCODE = 'fail invalid_otp 401, counted';
const EXPIRED = 'fail mfa_transaction_expired 401, dropped';

const BY_CODE: Readonly<Record<string, Expectations>> = {
  access_denied: DENIED,
  authorization_pending: UNKNOWN,
  invalid_client: fixedByTheApp('invalid_client'),
  invalid_client_metadata: UNKNOWN,
  invalid_dpop_proof: fixedByTheApp('invalid_dpop_proof'),
  invalid_grant: { password: WRONG_PASSWORD, passcode: WRONG_PASSCODE },
  invalid_request: UNKNOWN,
  // The scope option was changed between the two steps.
  invalid_scope: { password: 'error invalid_scope 500, kept', passcode: EXPIRED },
  invalid_token: UNKNOWN,
  mfa_not_required: UNKNOWN,
  mfa_required: {
    password: 'fail mfa_required 403, replaced',
    passcode: 'fail mfa_required 403, kept',
  },
  refresh_token_validation_failure: UNKNOWN,
  server_error: OKTA_FAILED,
  unauthorized_client: fixedByTheApp('unauthorized_client'),
  unsupported_grant_type: fixedByTheApp('unsupported_grant_type'),
  unsupported_response_type: UNKNOWN,
  use_dpop_nonce: fixedByTheApp('use_dpop_nonce'),

  E0000004: { ...UNKNOWN, password: WRONG_PASSWORD },
  E0000006: DENIED,
  E0000007: UNKNOWN,
  E0000009: OKTA_FAILED,
  E0000011: { ...UNKNOWN, passcode: EXPIRED },
  E0000014: UNKNOWN,
  E0000047: LIMITED,
  E0000064: { ...DENIED, password: WRONG_PASSWORD },
  E0000068: { ...UNKNOWN, passcode: WRONG_PASSCODE },
  E0000069: { ...DENIED, password: WRONG_PASSWORD },
};

function expectationsOf({ status, error, text }: CatalogueRow): Expectations {
  if (status === 429) return LIMITED;
  const byCode = BY_CODE[error] ?? assert.fail(`nothing is expected of ${error}`);
  return text === EXPIRED_MFA_TOKEN ? { ...byCode, passcode: EXPIRED } : byCode;
}

describe("Okta's catalogue of errors", () => {
  const scene = useScene();

  async function send(flow: LoginFlow, body: object): Promise<Action> {
    const req = scene.browser.request(body);
    const action = await flow.authenticate(asRequest(req));
    scene.browser.keep(req);
    return action;
  }

  const noLogin = (): never => assert.fail('nobody is logged in');

  /** Both steps begin with a transaction. */
  async function outcomeOf(step: Step, status: number, body: object): Promise<string> {
    const flow = new LoginFlow(
      readOptions({ issuer: ISSUER, clientID: CLIENT_ID, dispatcher: scene.okta.agent }),
      noLogin,
    );
    scene.mfaRequired('mfa-earlier');
    await send(flow, LOGIN_FORM);
    const before = scene.saved() ?? assert.fail();
    scene.okta.token(status, body);
    const action = await send(flow, step === 'password' ? LOGIN_FORM : { otp: '492713' });

    const kept = scene.saved();
    const fate: Fate =
      kept === undefined
        ? 'dropped'
        : kept.id !== before.id
          ? 'replaced'
          : kept.attempts > before.attempts
            ? 'counted'
            : 'kept';
    if (action.type === 'fail') {
      const { code, message } = action.info as { code: string; message: string };
      assert.match(message, /^[A-Z][^']*\.$/, 'may be shown to a person');
      return `fail ${code} ${action.status}, ${fate}`;
    }
    assert.ok(action.type === 'error' && action.error instanceof OktaDirectMfaError);
    const { error } = action;
    assert.equal(error.oktaStatus, status);
    return `error ${error.code} ${error.status}, ${fate}`;
  }

  it('has 112 rows, no two of them alike', () => {
    assert.equal(CATALOGUE.length, 112);
    assert.equal(new Set(CATALOGUE.map((row) => JSON.stringify(row))).size, 112);
  });

  it('has each of the codes that something is expected of', () => {
    const codes = [...CATALOGUE, ...SECOND_FORMAT].map(({ error }) => error);
    assert.deepEqual([...new Set(codes)].sort(), Object.keys(BY_CODE).sort());
  });

  for (const row of [...CATALOGUE, ...SECOND_FORMAT]) {
    const { status, error, text } = row;
    const body = SECOND_FORMAT.includes(row)
      ? { errorCode: error, errorSummary: text, errorId: 'oae1', errorCauses: [] }
      : { error, error_description: text, ...(error === 'mfa_required' && { mfa_token: 'mfa-2' }) };
    for (const step of ['password', 'passcode'] as const) {
      const expected = expectationsOf(row)[step];
      it(`${status} ${error} "${text}" in the ${step} step: ${expected}`, async () => {
        assert.equal(await outcomeOf(step, status, body), expected);
      });
    }
  }

  it('names the setting of the app for DPoP', async () => {
    for (const error of ['invalid_dpop_proof', 'use_dpop_nonce']) {
      const flow = new LoginFlow(
        readOptions({ issuer: ISSUER, clientID: CLIENT_ID, dispatcher: scene.okta.agent }),
        noLogin,
      );
      scene.okta.token(400, { error });
      const action = await send(flow, LOGIN_FORM);
      assert.ok(action.type === 'error');
      assert.match(String(action.error), /Require Demonstrating Proof of Possession \(DPoP\)/);
    }
  });
});
