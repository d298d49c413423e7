/**
 * The canned Okta that all contestants ask, in a process of its own: 403 `mfa_required` for a
 * password, 200 with an RS256 ID token for a passcode, and the keys. It checks only what tells a login
 * from a mistake.
 *
 * Prints one line of JSON, `{ origin, … }`, and answers `GET /count` with what reached it.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { sign } from 'jsonwebtoken';
import { CLIENT_ID, PASSCODE } from './constants.js';

const delay = Number(process.env['BENCH_DELAY'] ?? 0);
/** PEM, both in one; without it: plain HTTP. */
const tls = process.env['BENCH_TLS'];
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const count = { password: 0, otp: 0, keys: 0, connections: 0 };
let granted = '';

function answer(path: string, body: string): { status: number; body: string } {
  if (path === '/oauth2/v1/keys') {
    count.keys += 1;
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: 'RS256' };
    return { status: 200, body: JSON.stringify({ keys: [jwk] }) };
  }
  if (path === '/.well-known/openid-configuration') {
    return {
      status: 200,
      body: JSON.stringify({
        issuer: origin,
        token_endpoint: `${origin}/oauth2/v1/token`,
        jwks_uri: `${origin}/oauth2/v1/keys`,
      }),
    };
  }
  if (path === '/count') return { status: 200, body: JSON.stringify(count) };
  const form = new URLSearchParams(body);
  if (form.get('grant_type') === 'password') {
    count.password += 1;
    // Of the length of the mfa_token in Okta's OpenAPI.
    const mfa_token = randomBytes(15).toString('base64url');
    const error_description = 'MFA is required for this transaction.';
    return {
      status: 403,
      body: JSON.stringify({ error: 'mfa_required', error_description, mfa_token }),
    };
  }
  if (form.get('otp') === PASSCODE && form.get('mfa_token')?.length === 20) {
    count.otp += 1;
    return { status: 200, body: granted };
  }
  return { status: 400, body: JSON.stringify({ error: 'invalid_grant' }) };
}

const listener: http.RequestListener = (req, res) => {
  let body = '';
  req.setEncoding('utf8');
  req.on('data', (chunk: string) => (body += chunk));
  req.on('end', () => {
    const reply = answer(req.url ?? '', body);
    const send = () => {
      res.writeHead(reply.status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(reply.body),
      });
      res.end(reply.body);
    };
    if (delay > 0) setTimeout(send, delay);
    else send();
  });
};

const server =
  tls === undefined
    ? http.createServer(listener)
    : https.createServer({ key: tls, cert: tls }, listener);
server.keepAliveTimeout = 60_000;
server.on('connection', () => (count.connections += 1));

let origin = '';
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  origin = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: origin,
    aud: CLIENT_ID,
    sub: '00u5t60iloOHN9pBi0g7',
    iat: now,
    exp: now + 6 * 3600,
    auth_time: now,
    ver: 1,
    jti: 'ID.bench',
    amr: ['mfa', 'otp', 'pwd'],
    idp: '00o5t60iloOHN9pBi0g7',
    name: 'Bench Mark',
    preferred_username: 'bench@example.com',
    given_name: 'Bench',
    family_name: 'Mark',
  };
  granted = JSON.stringify({
    token_type: 'Bearer',
    expires_in: 3600,
    access_token: randomBytes(600).toString('base64url'),
    scope: 'openid profile',
    id_token: sign(claims, privateKey, { algorithm: 'RS256', keyid: 'bench' }),
  });
  process.stdout.write(`${JSON.stringify({ origin })}\n`);
});

// Ends with the process that started it.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
