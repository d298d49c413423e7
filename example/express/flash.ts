import type { Request } from 'express';
import type { Errors } from './layout.js';
import { isStored } from './sessions.js';

declare module 'express-session' {
  interface SessionData {
    flash?: Flash;
  }
}

/** What a form that was posted has to say, for the page that the browser is redirected to. */
export interface Flash {
  errors?: Errors;
  notice?: string | undefined;
  /** Kept in its field. Never a password or a passcode. */
  username?: string | undefined;
}

/**
 * Keeps it for the next page. The session is saved when this resolves, so that the page finds it
 * even if the browser follows the redirect before the response has ended.
 */
export async function setFlash(req: Request, flash: Flash): Promise<void> {
  await change(req, () => (req.session.flash = flash));
}

/** What was kept for this page. It is shown once: a reload shows the page without it. */
export async function takeFlash(req: Request): Promise<Flash> {
  const { flash } = req.session;
  if (flash) await change(req, () => delete req.session.flash);
  return flash ?? {};
}

/**
 * Changes the session as the store has it now. Saving the request's own copy, as old as the request,
 * would undo what another one has done meanwhile: bring back a transaction that has ended, or a
 * session. If there is no session any more, nothing is saved, and no new one begins, since its cookie
 * would replace that of the login.
 */
async function change(req: Request, apply: () => void): Promise<void> {
  if (isStored(req)) {
    const ended = await new Promise<boolean>((resolve) => {
      req.session.reload((error: unknown) => resolve(Boolean(error)));
    });
    if (ended) return;
  }
  apply();
  await new Promise<void>((resolve, reject) => {
    req.session.save((error?: Error) => (error ? reject(error) : resolve()));
  });
}
