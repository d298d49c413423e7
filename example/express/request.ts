import type { Request } from 'express';
import 'express-session';

declare module 'express-session' {
  interface SessionData {
    /** Shown once, on the next sign-in page. */
    notice?: string;
    /** The transaction between password and passcode. The strategy saves and removes it. */
    'okta-direct-mfa'?: { username?: string };
  }
}

/** The transaction, if the password has been accepted and the passcode has not. */
export const pendingTransaction = (req: Request) => req.session?.['okta-direct-mfa'];

/** The body's fields. Clients may send anything, so a field may be missing or not be a string. */
export const fields = (req: Request) => (req.body ?? {}) as Record<string, unknown>;

export const isApi = (req: Request) => req.path.startsWith('/api/');
