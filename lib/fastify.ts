import type { IncomingMessage } from 'node:http';
import { OktaConfigurationError } from './errors.js';
import { isHandledByPassport } from './passport.js';

/** What this needs of a request, where it is Fastify's. */
interface FastifyRequest {
  /** Node's own request. */
  raw?: unknown;
  /** Set by Passport's `initialize()`. */
  _passport?: unknown;
  /** Set by @fastify/passport, whose `logIn()` takes no callback. */
  passport?: unknown;
}

/**
 * Refuses what Passport cannot do with Fastify's request and reply, as Nest's guard hands them to it on
 * Fastify: a login in a session that no later request reads, and a redirect. @fastify/passport, and
 * Node's own request, are not meant.
 *
 * @param wanted whether the user is to be logged in to the session, and whether the browser may have to
 *   be redirected
 * @throws OktaConfigurationError `fastify_request`
 */
export function refuseFastify(
  req: IncomingMessage,
  { session, redirect }: { session: boolean; redirect: boolean },
): void {
  const { raw, _passport, passport } = req as FastifyRequest;
  if (raw === undefined || !isHandledByPassport(req)) return;
  if (redirect) {
    throw new OktaConfigurationError(
      'fastify_request',
      "Passport cannot redirect with Fastify's reply, so mfaRedirect does not work here. Leave it out and answer the codes, as docs/nest.md does on Fastify.",
    );
  }
  // `initialize()` has seen this very request: so, in the order documented, has `session()`.
  if (session && (_passport === undefined || passport !== undefined)) {
    throw new OktaConfigurationError(
      'fastify_request',
      "The login would be lost with this request: nothing gives Fastify's requests to Passport's session(), which app.use() gives Node's own. Call passport.initialize() and passport.session() in a hook, as docs/nest.md does on Fastify (not @fastify/passport's), or set session: false where no session is wanted.",
    );
  }
}
