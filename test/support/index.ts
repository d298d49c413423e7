/**
 * What the tests of whole logins share. The unit tests take `fixtures.ts` by itself: it starts no
 * server and loads neither Express nor the stand-in for Okta.
 */
export * from './app.js';
export * from './browser.js';
export * from './clock.js';
export * from './collector.js';
export * from './login.js';
export * from './okta.js';
export * from './process.js';
export * from './promises.js';
export * from './scene.js';
export * from './second-factors.js';
export * from './servers.js';
export * from './session-store.js';
