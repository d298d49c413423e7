// From CommonJS: one login, as far as it goes without Passport.
const assert = require('node:assert/strict');
const { OktaDirectMfaStrategy } = require('passport-okta-direct-mfa');
const { mockOkta } = require('passport-okta-direct-mfa/testing');

const issuer = 'https://acme.okta.com';
const user = { username: 'ada@example.com', password: 'pw' };
const okta = mockOkta({ issuer, clientID: '0oa1', users: [user] });

const strategy = Object.create(
  new OktaDirectMfaStrategy(
    {
      issuer,
      clientID: '0oa1',
      requireMfa: false,
      dispatcher: okta.dispatcher,
      store: { read() {}, create() {}, update() {}, remove() {} },
    },
    async (tokens, profile) => ({ name: profile.username, iss: tokens.claims.iss }),
  ),
);
const outcome = new Promise((resolve, reject) => {
  strategy.success = resolve;
  strategy.error = reject;
  strategy.fail = (info) => reject(new Error(info.code));
});
strategy.authenticate({ headers: {}, body: user });
outcome
  .then((loggedIn) => {
    assert.deepEqual(loggedIn, { name: user.username, iss: issuer });
    return okta.close();
  })
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
