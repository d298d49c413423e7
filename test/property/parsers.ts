import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { Agent } from 'undici';
import {
  passwordGrant,
  readFactor,
  secondFactorGrant,
  stepOf,
  type OktaDirectMfaStep,
} from '../../lib/factors/index.js';
import { createClientAuthentication } from '../../lib/okta/client-authentication.js';
import { verifyIdToken } from '../../lib/okta/id-token.js';
import {
  OktaConfigurationError,
  OktaDirectMfaError,
  OktaDirectMfaStrategy,
  type OktaDirectMfaStrategyOptions,
} from '../../lib/index.js';
import { createJwks } from '../../lib/okta/jwks.js';
import { quoter } from '../../lib/redact.js';
import { TokenEndpoint } from '../../lib/okta/token-endpoint.js';
import { isTransaction } from '../../lib/transactions/transaction.js';
import { asRequest, CLIENT_ID, everyPrint, ISSUER } from '../support/fixtures.js';
import { formEncode, MARK, marked } from './answers.js';
import { clock } from './clock.js';
import { assertNoSecret } from './checks.js';
import { ID_TOKENS, KEYS } from './id-tokens.js';

/** Anything that JavaScript has, prototypes and getters apart. */
const anything = fc.anything({
  maxDepth: 2,
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withTypedArray: true,
  withUnicodeString: true,
});

const ugly = fc.string({ unit: 'binary', maxLength: 12 });
const json = fc.jsonValue({ maxDepth: 2 });
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const KEY = createPublicKey({
  key: (JSON.parse(KEYS) as { keys: JsonWebKey[] }).keys[0]!,
  format: 'jwk',
});

// quoter -----------------------------------------------------------------------------------------

const secretText = fc.tuple(ugly, ugly).map(([before, after]) => before + marked('PW') + after);

export const redaction = fc.property(
  fc.array(secretText, { minLength: 1, maxLength: 4 }),
  fc.array(fc.oneof(ugly, fc.nat({ max: 7 })), { maxLength: 12 }),
  fc.nat({ max: 400 }),
  (given, pieces, padding) => {
    // Some are a part of another.
    const secrets = [...given, ...given.map((secret, index) => secret + given[index - 1])];
    const text =
      ' '.repeat(padding) + pieces.map((p) => (typeof p === 'string' ? p : secrets[p])).join('');
    const shown = quoter(secrets)(text);
    assert.equal(
      shown === undefined,
      pieces.some((p) => typeof p === 'number' && p < secrets.length),
    );
    assert.doesNotMatch(shown ?? '', MARK);
    assert.doesNotMatch(shown ?? '', CONTROL);
    assert.ok((shown ?? '').length <= 301);
  },
);

// The token endpoint's responses -------------------------------------------------------------------

const GRANTS = {
  password: passwordGrant({ type: 'password', username: 'ada', password: marked('PW', ' &ü') }),
  otp: secondFactorGrant(
    { type: 'otp', otp: marked('OT') },
    {
      id: 'id-1',
      mfaToken: marked('MT', '/+'),
      username: 'ada',
      expiresAt: 0,
      attempts: 0,
      clientDigest: 'digest',
    },
  ),
};
const SECRET = marked('CS', ':=');
const QUOTE = [...Object.values(GRANTS).flatMap((grant) => Object.values(grant.parameters)), SECRET]
  .flatMap((secret) => [secret, formEncode(secret)])
  .join(' ');

const REASONS = {
  password: ['invalid_credentials', 'access_denied'],
  otp: ['invalid_otp', 'mfa_transaction_expired', 'access_denied'],
};

/** A JSON object with the fields that are read, with any values, and others. */
const answerFields = fc.record(
  Object.fromEntries(
    [
      ...['error', 'errorCode', 'error_description', 'errorSummary', 'errorId', 'mfa_token'],
      ...['access_token', 'id_token', 'token_type', 'expires_in', 'scope', 'refresh_token'],
      ...['device_secret', '__proto__', 'constructor', 'toString'],
    ].map((name) => [
      name,
      fc.oneof(
        ugly,
        json,
        fc.constantFrom('mfa_required', 'invalid_grant', 'access_denied', 'invalid_client'),
        fc.constantFrom('E0000047', 'E0000006', 'E0000068', 'Bearer', '\u001b[2J\r\n[ERROR]'),
      ),
    ]),
  ),
  { requiredKeys: [] },
);
const headerValue = fc.oneof(ugly, fc.constant(undefined), fc.array(ugly, { maxLength: 2 }));

export const tokenAnswers = fc.asyncProperty(
  fc.constantFrom('password' as const, 'otp' as const),
  fc.constantFrom('none' as const, 'client_secret_basic' as const, 'client_secret_post' as const),
  fc.oneof(fc.constantFrom(200, 400, 401, 403, 429, 500), fc.integer({ min: 100, max: 599 })),
  fc.record(
    {
      date: headerValue,
      'retry-after': fc.oneof(headerValue, fc.integer().map(String)),
      'x-rate-limit-reset': fc.oneof(headerValue, fc.integer().map(String)),
      'x-okta-request-id': headerValue,
    },
    { requiredKeys: [] },
  ),
  fc.oneof({ weight: 8, arbitrary: answerFields }, fc.constant(undefined)),
  fc.boolean(),
  async (step, method, status, headers, fields, quotes) => {
    // As JSON.parse gives it, where a key named __proto__ is one as any other.
    const body =
      fields === undefined
        ? undefined
        : (JSON.parse(
            JSON.stringify(
              quotes ? { ...fields, error_description: QUOTE, errorSummary: QUOTE } : fields,
            ),
          ) as Record<string, unknown>);
    const url = new URL('https://acme.okta.com/oauth2/default/v1/token');
    const credentials = method === 'none' ? { method } : { method, clientSecret: SECRET };
    const endpoint = new TokenEndpoint({
      url,
      scope: 'openid',
      authenticateClient: createClientAuthentication(CLIENT_ID, credentials),
      http: () => Promise.resolve({ status, headers, json: body }),
    });
    try {
      const response = await endpoint.request(GRANTS[step], {});
      if (response.type === 'rejected' && response.reason === 'rate_limited') {
        const { retryAfter } = response;
        const fits = Number.isInteger(retryAfter) && retryAfter! >= 1 && retryAfter! <= 86_400;
        assert.ok(retryAfter === undefined || fits, String(retryAfter));
        assert.ok(status >= 400 && status < 500);
        return;
      }
      assert.ok(status !== 429);
      assert.equal(response.type === 'granted', status === 200);
      switch (response.type) {
        case 'granted': {
          const { access_token, id_token } = response.tokens;
          assert.ok(access_token !== '' && access_token === body?.['access_token']);
          assert.ok(id_token !== '' && id_token === body?.['id_token']);
          break;
        }
        case 'mfa_required':
          assert.ok(status >= 400 && status < 500);
          assert.equal(response.mfaToken, body?.['mfa_token']);
          assert.ok(response.mfaToken !== '' && response.mfaToken.length <= 4096);
          break;
        case 'pending':
          assert.fail('neither a password nor a passcode is waited for');
          break;
        case 'rejected':
          assert.ok(status >= 400 && status < 500);
          assert.ok(REASONS[step].includes(response.reason), response.reason);
          break;
      }
    } catch (error) {
      if (!(error instanceof OktaDirectMfaError)) throw error;
      // What was sent in the other step is not known here.
      const text = `${inspect(error, { showHidden: true })}${JSON.stringify(error)}`;
      const own = step === 'password' ? /Z(PW|CS)Z/ : /Z(OT|MT|CS)Z/;
      assert.doesNotMatch(method === 'none' ? text.replace(/ZCSZ/g, '') : text, own);
      for (const value of [
        error.message,
        error.oktaError,
        error.oktaErrorId,
        error.oktaRequestId,
      ]) {
        assert.doesNotMatch(value ?? '', CONTROL);
        assert.ok((value ?? '').length < 1000);
      }
    }
  },
);

// ID tokens ----------------------------------------------------------------------------------------

const GOOD = ID_TOKENS[0]!.jwt;
const [HEAD = '', PAYLOAD = '', SIGNATURE = ''] = GOOD.split('.');
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const anyHeader = fc.record(
  {
    alg: fc.oneof(fc.constantFrom('RS256', 'none', 'HS256', '__proto__'), json),
    kid: fc.oneof(fc.constantFrom('key-1', '__proto__', '../../etc/passwd'), json),
    typ: json,
    crit: json,
    jku: ugly,
    jwk: json,
    x5c: json,
    b64: fc.boolean(),
    zip: ugly,
  },
  { requiredKeys: [] },
);

/** A good token, with something else in the place of some characters. */
const damaged = fc
  .tuple(
    fc.nat({ max: GOOD.length }),
    fc.nat({ max: 3 }),
    fc.oneof(ugly, fc.constantFrom('.', '=', '-')),
  )
  .map(([at, length, text]) => GOOD.slice(0, at) + text + GOOD.slice(at + length));

export const idTokens = fc.asyncProperty(
  fc.oneof(
    damaged,
    anyHeader.map((header) => `${base64url(header)}.${PAYLOAD}.${SIGNATURE}`),
    fc.tuple(json, json).map(([header, payload]) => `${base64url(header)}.${base64url(payload)}.x`),
    fc
      .array(fc.constantFrom(HEAD, PAYLOAD, SIGNATURE, '', '.', 'e30', 'bnVsbA', '\u0000'))
      .map((p) => p.join('.')),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc
      .uint8Array({ maxLength: 60 })
      .map((bytes) => `${Buffer.from(bytes).toString('base64url')}..`),
  ),
  async (jwt) => {
    clock.reset();
    try {
      const claims = await verifyIdToken(jwt, 'at', {
        issuer: ISSUER,
        clientID: CLIENT_ID,
        clockTolerance: 60,
        jwks: {
          ready: () => Promise.resolve(),
          find: (kid) => Promise.resolve(kid === 'key-1' ? KEY : undefined),
        },
      });
      // The last bits of a signature's base64 mean nothing; what is signed is as it was.
      assert.ok(jwt.startsWith(`${HEAD}.${PAYLOAD}.`), jwt);
      assert.equal(claims.sub, ID_TOKENS[0]!.sub);
    } catch (error) {
      if (!(error instanceof OktaDirectMfaError)) throw error;
      assert.deepEqual([error.code, error.status], ['invalid_id_token', 502]);
      assert.ok(error.message.length < 200);
      assertNoSecret(error.message);
      assert.doesNotMatch(error.message, CONTROL);
    }
  },
);

// Keys ---------------------------------------------------------------------------------------------

const anyKey = fc.record(
  {
    kid: fc.oneof(fc.constantFrom('key-1', '__proto__', ''), json),
    kty: fc.oneof(fc.constantFrom('RSA', 'oct', 'EC'), json),
    use: fc.oneof(fc.constantFrom('sig', 'enc'), json),
    alg: fc.oneof(fc.constantFrom('RS256', 'HS256'), json),
    n: fc.oneof(fc.constant((JSON.parse(KEYS) as { keys: { n: string }[] }).keys[0]!.n), json),
    e: fc.oneof(fc.constant('AQAB'), json),
    k: json,
  },
  { requiredKeys: [] },
);

export const keySets = fc.asyncProperty(
  fc.oneof(fc.constantFrom(200, 404, 500), fc.integer({ min: 100, max: 599 })),
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ keys: fc.array(fc.oneof(anyKey, json), { maxLength: 4 }) }),
    },
    fc.constantFrom(undefined, {}, { keys: null }, { keys: {} }),
  ),
  fc.constantFrom('key-1', '__proto__', 'constructor', ''),
  async (status, body, kid) => {
    clock.reset();
    const jwks = createJwks(() => Promise.resolve({ status, headers: {}, json: body }), {
      url: new URL('https://acme.okta.com/oauth2/default/v1/keys'),
      clientID: CLIENT_ID,
      dispatcher: new Agent(),
    });
    try {
      await jwks.ready();
      const key = await jwks.find(kid);
      assert.equal(status, 200);
      if (key !== undefined) assert.equal(key.asymmetricKeyType, 'rsa');
    } catch (error) {
      if (!(error instanceof OktaDirectMfaError)) throw error;
      assert.equal(error.status, 502);
    }
  },
);

// Bodies -------------------------------------------------------------------------------------------

const FIELDS = {
  usernameField: 'username',
  passwordField: 'password',
  otpField: 'otp',
  factorField: 'factor',
  challengeField: 'challenge',
  assertionField: 'assertion',
};
/** The fields that may be missing in a step. */
const MISSING: Record<OktaDirectMfaStep, string[]> = {
  password: ['username', 'password'],
  challenge: ['factor'],
  assertion: ['assertion'],
  code: ['otp'],
  poll: ['challenge'],
  none: ['password'],
};
const fieldValue = fc.oneof(ugly, anything, fc.constantFrom('a'.repeat(256), '🔑'.repeat(257)));

export const bodies = fc.property(
  fc.oneof(
    { weight: 1, arbitrary: anything },
    {
      weight: 4,
      arbitrary: fc.dictionary(
        fc.constantFrom(
          ...['username', 'password', 'otp', 'factor', 'challenge', 'assertion'],
          ...['__proto__', 'constructor', 'x'],
        ),
        fieldValue,
        { noNullPrototype: false },
      ),
    },
  ),
  fc.constantFrom({}, { 'content-type': 'application/json', 'content-length': '2' }),
  (body, headers) => {
    const req = asRequest({ headers, body });
    try {
      const factor = readFactor(req, FIELDS);
      const has = (name: string) =>
        typeof body === 'object' && body !== null && Object.keys(body).includes(name);
      const STEPS = [
        ['password', 'password'],
        ['factor', 'challenge'],
        ['assertion', 'assertion'],
        ['otp', 'code'],
        ['challenge', 'poll'],
      ] as const;
      const step = STEPS.find(([field]) => has(field))?.[1] ?? 'none';
      // A code or an assertion whose challenge cannot be used is refused for that.
      const isOfPoll = factor.type === 'missing' && factor.field === 'challenge';
      if (isOfPoll && has('challenge')) return;
      assert.equal(stepOf(factor), step);
      switch (factor.type) {
        case 'missing':
          assert.ok(MISSING[step].includes(factor.field), factor.field);
          break;
        case 'password': {
          const { username, password } = factor;
          assert.ok(username.trim() !== '' && [...username].length <= 256);
          assert.ok(password.trim() !== '' && [...password].length <= 1024);
          assert.equal(password, (body as Record<string, unknown>)['password']);
          break;
        }
        case 'otp':
          assert.ok(/^\S+$/.test(factor.otp) && [...factor.otp].length <= 64);
          break;
        case 'choice':
          assert.equal(factor.factor, String((body as Record<string, unknown>)['factor']).trim());
          break;
        case 'poll':
          assert.ok(factor.challenge !== '' && factor.challenge.length <= 64);
          break;
        case 'assertion':
          for (const part of ['clientDataJSON', 'authenticatorData', 'signature'] as const) {
            assert.match(factor[part], /^[\w-]+$/);
          }
          break;
      }
    } catch (error) {
      assert.ok(error instanceof OktaConfigurationError, inspect(error));
      assert.equal(body, undefined);
    }
  },
);

// Transactions that a store makes up -----------------------------------------------------------------

const madeUp = fc.oneof(
  anything,
  fc.record(
    {
      id: fc.oneof(ugly, anything),
      mfaToken: fc.oneof(ugly, anything),
      username: fc.oneof(ugly, anything),
      expiresAt: fc.oneof(fc.integer(), fc.double(), anything),
      attempts: fc.oneof(fc.integer(), fc.double(), anything),
      clientDigest: fc.oneof(ugly, anything),
    },
    { requiredKeys: ['id', 'mfaToken', 'username'] },
  ),
);

export const transactions = fc.property(madeUp, (value) => {
  if (!isTransaction(value)) return;
  const { id, mfaToken, username, expiresAt, attempts, clientDigest } = value;
  for (const text of [id, mfaToken, username, clientDigest]) assert.equal(typeof text, 'string');
  assert.ok(mfaToken !== '' && attempts >= 0 && Number.isInteger(attempts));
  assert.equal(typeof expiresAt, 'number');
});

// Options ------------------------------------------------------------------------------------------

const secretValue = fc.oneof(
  { weight: 3, arbitrary: ugly.map((rest) => marked('CS', rest)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      '',
      7,
      null,
      [marked('CS')],
      { toString: marked('CS'), kty: 'EC', d: marked('CS') },
      Buffer.from(`-----BEGIN PRIVATE KEY-----\n${marked('CS')}\n-----END PRIVATE KEY-----`),
      `-----BEGIN RSA PRIVATE KEY-----\n${marked('CS')}\n-----END RSA PRIVATE KEY-----`,
    ),
  },
);
const or = (good: unknown[], more: fc.Arbitrary<unknown> = anything) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.oneof(more, fc.constantFrom(undefined, null, '', 0, -1, NaN)) },
  );

const anyOptions = fc.record(
  {
    issuer: or(
      [ISSUER, 'https://acme.okta.com', 'http://localhost:1'],
      fc.oneof(
        ugly.map((rest) => `https://${rest}`),
        ugly.map((rest) => `https://acme.okta.com/${rest}`),
        fc.webUrl({ withQueryParameters: true, withFragments: true }),
        ugly.map((rest) => `https://user:${marked('CS')}@acme.okta.com/${rest}`),
        anything,
      ),
    ),
    clientID: or([CLIENT_ID]),
    clientSecret: secretValue,
    clientAuthentication: or([
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'none',
    ]),
    privateKey: secretValue,
    keyID: or(['k']),
    scope: or(['openid', 'openid profile', ['openid']]),
    usernameField: or(['username', 'email']),
    passwordField: or(['password']),
    otpField: or(['otp', 'password']),
    mfaRedirect: or(['/login/otp']),
    sessionKey: or(['mfa', 'cookie', '__proto__', 'constructor']),
    store: or([undefined]),
    requireMfa: or([true, false]),
    transactionMaxAge: or([300, 0.1, 1e308]),
    maxOtpAttempts: or([5, 1]),
    userInfo: or([true]),
    clientIP: or([() => '1.2.3.4']),
    deviceToken: or([() => 'x']),
    timeout: or([1, 1e9, 1e308]),
    dispatcher: or([undefined]),
    clockTolerance: or([0, 60]),
    allowInsecureIssuer: or([true, false]),
    passReqToCallback: or([true, false]),
    clientsecret: secretValue,
    'client secret': secretValue,
  },
  { requiredKeys: ['issuer', 'clientID'], noNullPrototype: true },
);

export const options = fc.property(
  fc.oneof({ weight: 8, arbitrary: anyOptions }, anything),
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(() => undefined) },
    { weight: 1, arbitrary: anything },
  ),
  (given, verify) => {
    try {
      const strategy = new OktaDirectMfaStrategy(
        given as OktaDirectMfaStrategyOptions,
        verify as () => void,
      );
      assertNoSecret(everyPrint(strategy));
    } catch (error) {
      assert.ok(error instanceof TypeError, inspect(error));
      assert.match(error.message, /^OktaDirectMfaStrategy/);
      assertNoSecret(everyPrint(error));
    }
  },
);
