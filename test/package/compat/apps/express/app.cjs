// Express 4 or 5 in CommonJS, written as the README shows it.
const { startServer } = require('./server.cjs');
const { OktaDirectMfaStrategy } = require('passport-okta-direct-mfa');

startServer({
  express: require(process.env.EXPRESS),
  session: require('express-session'),
  passport: require('passport'),
  OktaDirectMfaStrategy,
});
