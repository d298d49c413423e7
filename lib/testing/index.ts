export { mockOkta } from './mock-okta.js';
export type {
  MockOkta,
  MockOktaEndpoint,
  MockOktaFailure,
  MockOktaOptions,
  MockOktaRequest,
} from './mock-okta.js';
export type { MockOktaResponse } from './authorization-server.js';
export type { MockOktaUser } from './user.js';
