import assert from 'node:assert/strict';
import type { User } from '../../example/okta/index.js';
import type { OktaDirectMfaSecondFactor } from '../../lib/index.js';
import type { Answer } from './browser.js';
import { choose } from './login.js';
import { sceneAtPasscode, type Scene, type SceneOptions } from './scene.js';
import type { Teardown } from './servers.js';

export const FACTORS: OktaDirectMfaSecondFactor[] = [
  'otp',
  'push',
  'sms',
  'voice',
  'email',
  'webauthn',
];

/** A person who has everything, behind the password, in an app that offers everything. */
export function sceneAtChoice(t: Teardown, given: SceneOptions = {}): Promise<Scene> {
  const factors: User['factors'] = {
    push: { numberChallenge: true },
    sms: '+1 555 0100',
    voice: '+1 555 0100',
    email: {},
  };
  return sceneAtPasscode(t, {
    ...given,
    options: { factors: FACTORS, ...given.options },
    user: { factors, ...given.user },
  });
}

/** The same with a push out; `id` is the challenge's. */
export async function sceneAtPush(
  t: Teardown,
  given: SceneOptions = {},
): Promise<Scene & { sent: Answer; id: string }> {
  const set = await sceneAtChoice(t, given);
  const sent = await choose(set.browser, 'push');
  assert.deepEqual([sent.status, sent.body['code']], [403, 'authorization_pending'], sent.text);
  return { ...set, sent, id: String(sent.body['challenge']) };
}

export const codeOf = ({ body }: Answer) => body['code'];
