import { subscribe } from 'node:diagnostics_channel';
import type { Request } from 'express';
import { OUTCOME_CHANNEL, type OutcomeEvent } from 'passport-okta-direct-mfa';
import { printable, truncated } from './printable.js';

/**
 * An audit log: one line of JSON for each sign-in request. The events contain no secret; the fields
 * are picked nonetheless, so that a later version of the package logs nothing unnoticed.
 *
 * A real app sends the lines to a place where its users cannot change them, and counts
 * `password_refused` and `otp_refused` by username and by address.
 */
export function auditLog(log: (line: string) => void): void {
  subscribe(OUTCOME_CHANNEL, (message) => {
    try {
      log(auditLine(message as OutcomeEvent));
    } catch (error) {
      // A subscriber that throws ends the process.
      console.error('The audit log failed:', error);
    }
  });
}

function auditLine(event: OutcomeEvent): string {
  const { outcome, step, factor, code, username, sub } = event;
  const { oktaError, oktaDescription, oktaErrorId, oktaRequestId, duration, oktaDuration } = event;
  const line = {
    time: new Date().toISOString(),
    outcome,
    step,
    factor,
    code,
    username,
    sub,
    // With `trust proxy`, it is what the X-Forwarded-For header says.
    address: (event.request as Request | undefined)?.ip,
    oktaError,
    oktaDescription,
    oktaErrorId,
    oktaRequestId,
    duration: Math.round(duration),
    oktaDuration: Math.round(oktaDuration),
  };
  const short = (name: string, value: unknown) =>
    typeof value === 'string' ? truncated(value, name === 'oktaDescription' ? 500 : 100) : value;
  return printable(JSON.stringify(line, short));
}
