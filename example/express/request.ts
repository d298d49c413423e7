import type { Request } from 'express';
import 'express-session';

declare module 'express-session' {
  interface SessionData {
    /** The transaction between password and second factor. The strategy saves and removes it. */
    'okta-direct-mfa'?: { username?: string };
  }
}

/** The transaction, if the password has been accepted and the second factor has not. */
export const pendingTransaction = (req: Request) => req.session?.['okta-direct-mfa'];

/**
 * Whose password, code or challenge it is, as typed. With a passcode it is the transaction's: a
 * username beside it is not read.
 */
export function usernameOf(req: Request): string | undefined {
  const { username, password } = fields(req);
  const name = password === undefined ? pendingTransaction(req)?.username : username;
  return typeof name === 'string' ? name : undefined;
}

/** Asks how a push stands: presents nothing that could be guessed. */
export const isPoll = (req: Request) => {
  const { challenge, password, factor, assertion, otp } = fields(req);
  return (
    challenge !== undefined &&
    [password, factor, assertion, otp].every((field) => field === undefined)
  );
};

/** The body's fields. Clients may send anything, so a field may be missing or not be a string. */
export const fields = (req: Request) => (req.body ?? {}) as Record<string, unknown>;

/** Wants JSON: by the address, or by the `Accept` header, as the script of the push page sends it. */
export const isApi = (req: Request) =>
  req.path.startsWith('/api/') || req.accepts(['html', 'json']) === 'json';
