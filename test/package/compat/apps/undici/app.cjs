// The app's own copy of undici, through `dispatcher`: an Agent with an interceptor, or a MockAgent.
const { createSign, generateKeyPairSync } = require('node:crypto');
const { OktaDirectMfaStrategy } = require('passport-okta-direct-mfa');
const { startServer } = require('../express/server.cjs');

const { UNDICI, DISPATCHER, OKTA_CLIENT_ID } = process.env;
const { Agent, MockAgent } = require(UNDICI);
const paths = [];

function countingAgent() {
  const counting = (dispatch) => (options, handler) => {
    paths.push(`${options.method} ${options.path}`);
    return dispatch(options, handler);
  };
  return new Agent({ connections: 2 }).compose(counting);
}

/** Okta as an app's own offline tests would play it. */
function mockAgent() {
  const issuer = 'https://acme.okta.com';
  process.env.OKTA_ISSUER = issuer;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: OKTA_CLIENT_ID, sub: 'mocked', iat, exp: iat + 300 };
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'RS256', kid: '1' })}.${encode(claims)}`;
  const signature = createSign('sha256').update(signed).sign(privateKey, 'base64url');

  const agent = new MockAgent();
  agent.disableNetConnect();
  const okta = agent.get(issuer);
  const json = { headers: { 'content-type': 'application/json' } };
  const token = (body) => {
    const matches = (sent) => new URLSearchParams(sent).get('grant_type').endsWith(body);
    return okta.intercept({ path: '/oauth2/v1/token', method: 'POST', body: matches });
  };
  token('password')
    .reply(403, { error: 'mfa_required', mfa_token: 'the mfa token' }, json)
    .persist();
  token('mfa-otp')
    .reply(
      200,
      {
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'openid profile',
        access_token: 'the access token',
        id_token: `${signed}.${signature}`,
      },
      json,
    )
    .persist();
  okta
    .intercept({ path: '/oauth2/v1/keys', query: { client_id: OKTA_CLIENT_ID }, method: 'GET' })
    .reply(
      200,
      { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: '1', alg: 'RS256' }] },
      json,
    )
    .persist();
  return agent;
}

startServer({
  express: require('express5'),
  session: require('express-session'),
  passport: require('passport'),
  OktaDirectMfaStrategy,
  options: { dispatcher: DISPATCHER === 'mock' ? mockAgent() : countingAgent() },
  undici: UNDICI,
  dispatched: () => paths,
});
