import { startOkta } from '../../example/okta/index.js';
import type { FromOkta, ToOkta } from './messages.js';

/** The stand-in for Okta in its own process, without rate limits. */
async function main(): Promise<void> {
  const okta = await startOkta({ rateLimitPerSecond: Infinity, otpLimit: Infinity });
  const send = (message: FromOkta) => process.send?.(message);
  process.on('message', ({ count }: ToOkta) => {
    const users = Array.from({ length: count }, () => {
      const { id, username, password, totpSecret = '' } = okta.addUser();
      return { id, username, password, totpSecret };
    });
    send({ type: 'users', users });
  });
  process.on('disconnect', () => process.exit());
  send({
    type: 'ready',
    issuer: okta.issuers.org,
    clientID: okta.clients.native.client_id,
  });
}

void main();
