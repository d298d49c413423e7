import assert from 'node:assert/strict';
import type { User } from '../../example/okta/index.js';
import type { OktaDirectMfaStrategyOptions } from '../../lib/index.js';
import { startApp, type App, type AppOptions } from './app.js';
import { Browser } from './browser.js';
import { optionsFor, sendPassword } from './login.js';
import { currentOkta } from './okta.js';
import type { Teardown } from './servers.js';

/** An app, a browser that has not been there yet, and a person whom Okta knows. */
export interface Scene {
  readonly app: App;
  readonly browser: Browser;
  readonly user: User;
}

export interface SceneOptions extends Partial<AppOptions> {
  /** Of the strategy, on top of those of `optionsFor()`; in place of `strategyOptions`. */
  options?: Partial<OktaDirectMfaStrategyOptions> | undefined;
  /** What is special about the person. */
  user?: Partial<User> | undefined;
}

/** What nearly every whole login starts from, at the stand-in of the test file (`useOkta`). */
export async function scene(
  t: Teardown,
  { options, user: special, ...app }: SceneOptions = {},
): Promise<Scene> {
  const okta = currentOkta();
  const user = okta.addUser(special);
  const running = await startApp(t, { strategyOptions: optionsFor(okta, options), ...app });
  return { app: running, browser: new Browser(running.url), user };
}

/** The same, with the password step passed: a transaction is saved, and no action is noted yet. */
export async function sceneAtPasscode(t: Teardown, given: SceneOptions = {}): Promise<Scene> {
  const set = await scene(t, given);
  const { status, text } = await sendPassword(set.browser, set.user);
  assert.ok([302, 403].includes(status), text);
  assert.ok(set.app.store.waiting(set.browser.sessionID), 'a transaction is saved');
  set.app.actions.length = 0;
  return set;
}
