import { subscribe } from 'node:diagnostics_channel';
import type { Request } from 'express';
import { OUTCOME_CHANNEL, type OutcomeEvent } from 'passport-okta-direct-mfa';

/**
 * An audit log: one line of JSON for each sign-in request. The events contain no secret; the fields
 * are picked nonetheless, so that a later version of the package logs nothing unnoticed.
 *
 * A real app sends the lines to a place where its users cannot change them, and counts
 * `password_refused` and `otp_refused` by username and by address.
 */
export function auditLog(log: (line: string) => void): void {
  subscribe(OUTCOME_CHANNEL, (message) => {
    const { outcome, code, username, duration, request } = message as OutcomeEvent;
    log(
      JSON.stringify({
        time: new Date().toISOString(),
        outcome,
        code,
        username,
        address: (request as Request).ip,
        duration: Math.round(duration),
      }),
    );
  });
}
