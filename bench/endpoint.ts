/**
 * The Okta that all contestants ask, in its own process. Its responses are those of the package's mock
 * of Okta, made once and then replayed: to sign an ID token for each login would take more of the
 * machine than what is measured.
 *
 * Prints one line of JSON, `{ origin }`, and answers `GET /count` with what reached it.
 */
import { randomBytes } from 'node:crypto';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { mockOkta } from '../lib/testing/index.js';
import { CLIENT_ID, PASSCODE } from './constants.js';

interface Response {
  status: number;
  body: string;
}

/** The keys, and both steps of one login, at the mock. */
async function record(issuer: string) {
  const username = 'bench@example.com';
  const password = 'correct horse';
  const exp = Math.floor(Date.now() / 1000) + 6 * 3600;
  const claims = { exp, given_name: 'Bench', family_name: 'Mark' };
  const users = [{ username, password, otp: PASSCODE, name: 'Bench Mark', claims }];
  const { dispatcher } = mockOkta({ issuer, clientID: CLIENT_ID, users });
  const ask = async (path: string, form?: Record<string, string>): Promise<Response> => {
    const all = { ...form, client_id: CLIENT_ID, scope: 'openid profile' };
    const { statusCode, body } = await request(issuer + path, {
      dispatcher,
      ...(form && { method: 'POST', body: new URLSearchParams(all).toString() }),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    return { status: statusCode, body: await body.text() };
  };

  const keys = await ask('/oauth2/v1/keys');
  const started = await ask('/oauth2/v1/token', { grant_type: 'password', username, password });
  const { mfa_token: mfaToken } = JSON.parse(started.body) as { mfa_token: string };
  const granted = await ask('/oauth2/v1/token', {
    grant_type: 'http://auth0.com/oauth/grant-type/mfa-otp',
    mfa_token: mfaToken,
    otp: PASSCODE,
  });
  // Okta's access tokens are JWTs of about this length; the mock's are short.
  const access_token = randomBytes(600).toString('base64url');
  granted.body = JSON.stringify({ ...(JSON.parse(granted.body) as object), access_token });
  return { keys, started, mfaToken, granted };
}

const delay = Number(process.env['BENCH_DELAY'] ?? 0);
/** PEM, both in one; without it: plain HTTP. */
const tls = process.env['BENCH_TLS'];
/** `none`: no `Keep-Alive: timeout=…`, from which a client learns how long it may keep a connection. */
const hint = process.env['BENCH_KEEP_ALIVE_HINT'];
const count = { password: 0, otp: 0, polls: 0, keys: 0, connections: 0 };
let recorded: Awaited<ReturnType<typeof record>>;

/** Checks only what distinguishes a login from a mistake. */
function answer(path: string, body: string): Response {
  if (path === '/count') return { status: 200, body: JSON.stringify(count) };
  if (path.startsWith('/oauth2/v1/keys')) {
    count.keys += 1;
    return recorded.keys;
  }
  const form = new URLSearchParams(body);
  if (path === '/oauth2/v1/challenge') return challenge(form.get('channel_hint'));
  if (form.get('oob_code') !== null) {
    count.polls += 1;
    return { status: 400, body: '{"error":"authorization_pending"}' };
  }
  if (form.get('grant_type') === 'password') {
    count.password += 1;
    return recorded.started;
  }
  if (form.get('otp') === PASSCODE && form.get('mfa_token') === recorded.mfaToken) {
    count.otp += 1;
    return recorded.granted;
  }
  return { status: 400, body: '{"error":"invalid_grant"}' };
}

/** As long as Okta's are. */
function challenge(channel: string | null): Response {
  const oob_code = 'o'.repeat(32);
  const common = { oob_code, expires_in: 300, channel };
  const bodies: Record<string, object> = {
    // Less than the five seconds of the pages, so that each of their polls is due.
    push: { ...common, interval: 4, binding_method: 'transfer', binding_code: '95' },
    passkey: {
      publicKey: {
        challenge: 'c'.repeat(43),
        allowCredentials: [{ type: 'public-key', id: 'i'.repeat(86) }],
        timeout: 60_000,
        userVerification: 'preferred',
      },
    },
  };
  const body = bodies[channel ?? 'passkey'] ?? { ...common, binding_method: 'prompt' };
  return { status: 200, body: JSON.stringify(body) };
}

const listener: http.RequestListener = (req, res) => {
  let body = '';
  req.setEncoding('utf8');
  req.on('data', (chunk: string) => (body += chunk));
  req.on('end', () => {
    const response = answer(req.url ?? '', body);
    const send = () => {
      res.writeHead(response.status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(response.body),
        ...(hint === 'none' && { connection: 'keep-alive' }),
      });
      res.end(response.body);
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
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const origin = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  void record(origin).then((all) => {
    recorded = all;
    process.stdout.write(`${JSON.stringify({ origin })}\n`);
  });
});

// Ends with the process that started it.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
