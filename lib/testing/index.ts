export { mockOkta } from './mock-okta.js';
export type {
  MockOkta,
  MockOktaDispatcher,
  MockOktaListenOptions,
  MockOktaOptions,
  MockOktaRequest,
  MockOktaServer,
} from './types.js';
export type { MockOktaEndpoint, MockOktaFailure } from './failures.js';
export type { MockOktaAssertion, MockOktaPasskey } from './passkey.js';
export type { MockOktaMessage, MockOktaPhone, MockOktaPush } from './phone.js';
export type { MockOktaResponse } from './responses.js';
export type { MockOktaUser } from './user.js';
