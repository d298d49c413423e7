import { Agent } from 'undici';

/**
 * The connections to Okta. undici closes them after four idle seconds, while people look for their
 * phones between password and second factor: kept for as long as that takes, they save the second
 * step a TCP and a TLS handshake. Okta closes them earlier if it likes; where its responses say when,
 * undici goes by that, up to ten minutes.
 */
export const oktaConnections = (): Agent =>
  new Agent({ keepAliveTimeout: 120_000, keepAliveMaxTimeout: 600_000 });
