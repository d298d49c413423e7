import type { Request } from 'express';
import 'express-session';

declare module 'express-session' {
  interface SessionData {
    /** Said once, on the next sign-in page. */
    notice?: string;
    /** The login that waits for its passcode. The strategy writes and drops it. */
    'okta-direct-mfa'?: { username?: string };
  }
}

/** The login that waits for its passcode, if there is one. */
export const waitingLogin = (req: Request) => req.session?.['okta-direct-mfa'];

/** The body's fields. Anybody may send anything, so none is sure to be there or to be a text. */
export const fields = (req: Request) => (req.body ?? {}) as Record<string, unknown>;

export const isApi = (req: Request) => req.path.startsWith('/api/');
