import assert from 'node:assert/strict';
import type { Client, Okta, ServerName, User } from '../../example/okta/index.js';
import type { OktaDirectMfaSecondFactor, OktaDirectMfaStrategyOptions } from '../../lib/index.js';
import type { Answer, Browser } from './browser.js';

/** Options for one of the stand-in's servers, as the public client; what is given goes on top. */
export function optionsFor(
  okta: Okta,
  given: Partial<OktaDirectMfaStrategyOptions> = {},
  server: ServerName = 'org',
  client: Client = okta.clients.native,
): OktaDirectMfaStrategyOptions {
  const { client_id: clientID } = client;
  return { issuer: okta.issuers[server], allowInsecureIssuer: true, clientID, ...given };
}

export function sendPassword(browser: Browser, user: User, path = '/login'): Promise<Answer> {
  const { username, password } = user;
  return browser.post(path, { json: { username, password } });
}

export function sendOtp(browser: Browser, otp: string, path = '/login'): Promise<Answer> {
  return browser.post(path, { json: { otp } });
}

/** Chooses a second factor for the login that waits. */
export function choose(browser: Browser, factor: OktaDirectMfaSecondFactor): Promise<Answer> {
  return browser.post('/login', { json: { factor } });
}

/** Asks how a push stands. */
export function poll(browser: Browser, challenge: unknown): Promise<Answer> {
  return browser.post('/login', { json: { challenge } });
}

/** The password step, which must succeed. */
export async function passPassword(browser: Browser, user: User): Promise<Answer> {
  const answer = await sendPassword(browser, user);
  assert.equal(answer.body['code'], 'mfa_required', answer.text);
  return answer;
}

/** Who is logged in in this browser, by `sub`. */
export async function whoIs(browser: Browser): Promise<string | undefined> {
  const { user } = (await browser.get('/me')).body;
  return (user as { id?: string } | null)?.id;
}

/** Both steps in this browser, and the proof that they logged in. */
export async function logIn(browser: Browser, okta: Okta, user: User): Promise<void> {
  await passPassword(browser, user);
  await finishLogin(browser, okta, user);
}

/** The passcode step with a right passcode, and the proof that it logged in. */
export async function finishLogin(browser: Browser, okta: Okta, user: User): Promise<void> {
  const answer = await sendOtp(browser, okta.otp(user));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(await whoIs(browser), user.id);
}
