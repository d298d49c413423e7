import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { OUTCOME_CHANNEL, type OktaDirectMfaError, type OutcomeEvent } from '../../lib/index.js';
import type { PassportStrategy } from '../../lib/passport.js';
import { asRequest, CLIENT_ID, everyPrint } from '../support/fixtures.js';
import { MARK, marked } from './answers.js';
import { ID_TOKEN_PARTS } from './id-tokens.js';
import type { FakeRequest } from './session.js';

/** What the strategies of a case are watched for, whatever the case. */

export const CLIENT_SECRET = marked('CS', '+ /=:%ü');
const BASIC = Buffer.from(
  `${CLIENT_ID}:${new URLSearchParams({ '': CLIENT_SECRET }).toString().slice(1)}`,
).toString('base64');

export type Action =
  | { name: 'success'; user: unknown }
  | { name: 'fail'; info: unknown; status: unknown }
  | { name: 'redirect'; url: unknown }
  | { name: 'error'; error: unknown }
  | { name: 'pass' };

/**
 * Presents a request, as Passport does.
 * @param byInstance puts the actions on the strategy itself
 * @returns the actions that it comes to, in time
 */
export function present(strategy: PassportStrategy, req: FakeRequest, byInstance: boolean) {
  const instance = (byInstance ? strategy : Object.create(strategy)) as PassportStrategy;
  const actions: Action[] = [];
  instance.success = (user) => actions.push({ name: 'success', user });
  instance.fail = (info, status) => actions.push({ name: 'fail', info, status });
  instance.redirect = (url) => actions.push({ name: 'redirect', url });
  instance.error = (error) => actions.push({ name: 'error', error });
  instance.pass = () => actions.push({ name: 'pass' });
  instance.authenticate(asRequest(req));
  return actions;
}

/** What has been published in this case. */
export const published: { request: unknown; event: OutcomeEvent }[] = [];
subscribe(OUTCOME_CHANNEL, (message) => {
  const event = message as OutcomeEvent;
  // Beside the request whose tokens are revoked, and not of its own outcome.
  if (event.step === 'revoke') return assertNoSecret(JSON.stringify(event));
  published.push({ request: event.request, event });
});

let printed = 0;

/** Of so many outputs one is printed in every way; the others are checked field by field. */
let printEvery = 1;
export function setPrintEvery(count: number): void {
  printEvery = count;
}

/** Whether this output is to be printed in every way. */
export const isPrinted = (): boolean => ++printed % printEvery === 0;

export function assertNoSecret(text: string): void {
  assert.doesNotMatch(text, MARK);
  assert.ok(!text.includes(BASIC), text);
  if (/eyJ/.test(text)) assert.fail(`a part of a JWT: ${text}`);
  if (text.length > 200) {
    for (const part of ID_TOKEN_PARTS) assert.ok(!text.includes(part), text);
  }
}

export function assertSafeEvent(event: OutcomeEvent): void {
  assertNoSecret(JSON.stringify(event));
  // Not with hidden properties: the request itself is one of them.
  if (isPrinted()) assertNoSecret(inspect(event, { depth: Infinity }));
}

const ERROR_STATUS: Record<string, number> = {
  invalid_client: 500,
  unauthorized_client: 500,
  unsupported_grant_type: 500,
  invalid_scope: 500,
  invalid_dpop_proof: 500,
  use_dpop_nonce: 500,
  invalid_response: 502,
  okta_error: 502,
  invalid_id_token: 502,
  invalid_userinfo: 502,
  okta_unreachable: 503,
  okta_timeout: 504,
};

/** An error of the package's own: its status, and nothing in it but short strings without a secret. */
export function assertTypedError(error: OktaDirectMfaError): void {
  assert.equal(error.status, ERROR_STATUS[error.code], `${error.code} ${error.message}`);
  for (const key of Reflect.ownKeys(error)) {
    const value: unknown = Reflect.get(error, key);
    if (key === 'stack') continue;
    assert.ok(['string', 'number'].includes(typeof value), String(key));
    assertNoSecret(String(value));
    // eslint-disable-next-line no-control-regex -- a forged line of a log
    assert.doesNotMatch(String(value), /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    assert.ok(String(value).length < 1000, 'a message without an end');
  }
  if (isPrinted()) assertNoSecret(everyPrint(error));
}

/** A JSON object; `{}` for anything else. */
export function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
