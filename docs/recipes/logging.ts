import { createHmac, randomBytes } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { OUTCOME_CHANNEL, type OutcomeEvent } from 'passport-okta-direct-mfa';
import type { Logger } from 'pino';

/** Give all processes the same, so that one name has one digest. */
const key = process.env['AUDIT_KEY'] ?? randomBytes(32);

/** Writes each sign-in request to the log; what a person typed as username only once Okta took it. */
export function auditTo(logger: Logger): void {
  subscribe(OUTCOME_CHANNEL, (message) => {
    const { username, ...event } = message as OutcomeEvent;
    const isKnown = event.step !== 'password' || event.outcome === 'password_accepted';
    const digest = createHmac('sha256', key).update(username?.toLowerCase() ?? '');
    const who = isKnown ? { username } : { usernameDigest: digest.digest('base64url') };
    logger[levelOf(event.outcome)]({ ...event, ...who }, 'sign-in');
  });
}

function levelOf(outcome: OutcomeEvent['outcome']): 'info' | 'warn' | 'error' {
  if (outcome.endsWith('_failed')) return 'error';
  return outcome.endsWith('_refused') || outcome === 'rate_limited' ? 'warn' : 'info';
}
