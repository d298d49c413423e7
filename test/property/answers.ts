import fc from 'fast-check';
import { ID_TOKENS } from './id-tokens.js';
import type { Reply, Sent } from './okta.js';

/**
 * What Okta, or a server in its place, may answer at the token endpoint. Each kind knows what the
 * contract makes of it; `wild` is anything, of which only the invariants are asked.
 */
export type Answer =
  | { kind: 'mfa'; status: number; token: keyof typeof MFA_TOKENS; text: number }
  | { kind: 'grant'; shape: keyof typeof SHAPES; idToken: number }
  | { kind: 'error'; status: number; code: string; format: 'oauth' | 'okta'; text: number }
  | { kind: 'rate'; inner: number; headers: Record<string, string> }
  | { kind: 'odd status'; status: number; inner: number }
  | { kind: 'junk'; status: number; text: string }
  | { kind: 'wild'; status: number; fields: Record<string, unknown>; headers: object }
  | { kind: 'fails'; code: string; again: Answer }
  | { kind: 'cut off' | 'too large' | 'hang' };

/** Every secret begins with its own mark, by which a part of it is recognized too. */
export const MARK = /Z(PW|OT|MT|CS|AT|RT|OC|AS)Z/;
type Kind = 'PW' | 'OT' | 'MT' | 'CS' | 'AT' | 'RT' | 'OC' | 'AS';
export const marked = (kind: Kind, rest = '') => `Z${kind}Z${rest}`;

export const formEncode = (value: string) => new URLSearchParams({ '': value }).toString().slice(1);

let tokens = 0;
export const newToken = (kind: Kind) => marked(kind, String(++tokens));

export const MFA_TOKENS = {
  good: () => newToken('MT'),
  'with odd characters': () => `${newToken('MT')}&otp=1 "\u0000ü\r\n`,
  longest: () => newToken('MT').padEnd(4096, 'x'),
  'too long': () => newToken('MT').padEnd(4097, 'x'),
  empty: () => '',
  missing: () => undefined,
  'a number': () => 7,
  'an object': () => ({ length: 5, toString: 'x' }),
};
const USABLE: ReadonlySet<string> = new Set(['good', 'with odd characters', 'longest']);

const SHAPES = {
  full: (id_token: string) => ({
    access_token: newToken('AT'),
    id_token,
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'openid',
    refresh_token: newToken('RT'),
  }),
  minimal: (id_token: string) => ({ access_token: newToken('AT'), id_token }),
  'odd extras': (id_token: string) => ({
    access_token: newToken('AT'),
    id_token,
    token_type: 'bEARER',
    expires_in: 'x',
    scope: 7,
    refresh_token: ['x'],
    error: 'mfa_required',
    mfa_token: newToken('MT'),
  }),
  'no access token': (id_token: string) => ({ id_token }),
  'empty access token': (id_token: string) => ({ access_token: '', id_token }),
  'access token a number': (id_token: string) => ({ access_token: 7, id_token }),
  'no id token': () => ({ access_token: newToken('AT') }),
  'id token an array': (id_token: string) => ({
    access_token: newToken('AT'),
    id_token: [id_token],
  }),
  'another type': (id_token: string) => ({
    access_token: newToken('AT'),
    id_token,
    token_type: newToken('AT'),
  }),
  'type a number': (id_token: string) => ({
    access_token: newToken('AT'),
    id_token,
    token_type: 7,
  }),
};
const COMPLETE: ReadonlySet<string> = new Set(['full', 'minimal', 'odd extras']);

/** The first two mean that the `mfa_token` is over, or may. */
const TEXTS = [
  'The `mfa_token` has expired. Use a new `oob_code` or `mfa_token` and try again.',
  'It has expired.',
  'Policy evaluation failed.',
  'unexpiredness of the mfa_token',
  '',
  '\u001b[2J\u001b]0;x\u0007[ERROR]\r\nforged\u2028line\u0085\u0000',
  '<script>alert(1)</script> ${jndi:ldap://x} %s %o {{7*7}}',
];

/** Answers inside of other answers, where what they say must not count. */
const INNER: ((sent: Sent) => object)[] = [
  () => ({}),
  () => ({ error: 'mfa_required', mfa_token: newToken('MT') }),
  () => SHAPES.full(ID_TOKENS[0]?.jwt ?? ''),
  (sent) => ({ error: 'invalid_grant', error_description: `mfa_token expired ${quote(sent)}` }),
  (sent) => ({ errorCode: 'E0000047', errorSummary: quote(sent), errorId: 'oae1' }),
  (sent) => ({ error: 'invalid_client', error_description: quote(sent) }),
];

const CODES = [
  ...['invalid_grant', 'invalid_grant', 'invalid_grant', 'access_denied', 'access_denied'],
  ...['E0000004', 'E0000064', 'E0000069', 'E0000068', 'E0000006', 'E0000047'],
  ...['E0000011', 'invalid_dpop_proof', 'use_dpop_nonce'],
  ...['invalid_client', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope'],
  ...['teapot_required', 'E0000999', '__proto__', 'constructor', 'toString', 'mfa_required '],
];

const JUNK = [
  ...['', ' ', '{}', '[]', 'null', 'true', '7', '"mfa_required"', '{', '{"error":', '\ufeff{}'],
  ...[
    '<!doctype html><h1>Hello</h1>',
    '{"error":""}',
    '{"error":7}',
    '{"error":["invalid_grant"]}',
  ],
  '{"__proto__":{"error":"mfa_required","mfa_token":"ZMTZ","access_token":"x","id_token":"x"}}',
  '{"constructor":{"prototype":{"error":"invalid_grant"}}}',
  `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`,
  '{"error":"invalid_grant","error":null}',
];

/** With these the call is made once more. */
export const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const FAILURES = [...NEVER_SENT, 'ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', 'CERT_HAS_EXPIRED'];

const SECRETS = [
  ...['password', 'otp', 'mfa_token', 'client_secret', 'oob_code', 'binding_code'],
  ...['clientDataJSON', 'authenticatorData', 'signature', 'userHandle'],
];

/** What a hostile or chatty server says back: all secrets of the request, as they are and encoded. */
function quote({ form, headers }: Sent): string {
  const basic = (headers['authorization'] ?? '').replace('Basic ', '');
  const [, encoded = ''] = Buffer.from(basic, 'base64').toString().split(':');
  const secrets = SECRETS.map((name) => form.get(name));
  return [...secrets, basic, encoded, new URLSearchParams(`=${encoded}`).get('')]
    .flatMap((secret) => (secret ? [secret, formEncode(secret)] : []))
    .join(' | ');
}

/** The bytes of an answer. */
export function reply(answer: Answer, sent: Sent): Reply {
  const describe = (text: number) => `${TEXTS[text] ?? ''} ${quote(sent)}`.trim();
  const json = (status: number, body: object, headers: object = {}) => ({
    status,
    headers: { ...headers, 'x-okta-request-id': 'req\t1' },
    body: JSON.stringify(body),
  });
  switch (answer.kind) {
    case 'mfa':
      return json(answer.status, {
        error: 'mfa_required',
        error_description: describe(answer.text),
        mfa_token: MFA_TOKENS[answer.token](),
      });
    case 'grant':
      return json(200, SHAPES[answer.shape](ID_TOKENS[answer.idToken]?.jwt ?? ''));
    case 'error': {
      const { code, format } = answer;
      const text = describe(answer.text);
      const oauth = { error: code, error_description: text };
      const okta = { errorCode: code, errorSummary: text, errorId: text, errorCauses: [text] };
      return json(answer.status, format === 'oauth' ? oauth : okta);
    }
    case 'rate':
      return json(429, INNER[answer.inner]?.(sent) ?? {}, answer.headers);
    case 'odd status':
      return json(answer.status, INNER[answer.inner]?.(sent) ?? {});
    case 'junk':
      return { status: answer.status, body: answer.text };
    case 'wild':
      return json(answer.status, answer.fields, answer.headers);
    case 'fails':
      return { fails: Object.assign(new Error(quote(sent)), { code: answer.code }) };
    case 'cut off':
      return { status: 200, body: '{"error":"mfa_required","mfa_', cutOff: true };
    case 'too large':
      return { status: 403, body: `{"error":"invalid_grant","p":"${'x'.repeat(1024 * 1024)}"}` };
    case 'hang':
      return 'hang';
  }
}

export type Meaning =
  | 'mfa_required'
  | 'refused'
  | 'expired'
  | 'access_denied'
  | 'rate_limited'
  | { grant: string }
  | { error: string; status: number };

const RESPONSE = { error: 'invalid_response', status: 502 };
const OKTA = { error: 'okta_error', status: 502 };

/** What the contract makes of an answer in a step; `undefined` for one that may mean anything. */
export function meaningOf(answer: Answer, step: 'password' | 'otp'): Meaning | undefined {
  switch (answer.kind) {
    case 'mfa':
      return USABLE.has(answer.token) ? 'mfa_required' : RESPONSE;
    case 'grant':
      return COMPLETE.has(answer.shape)
        ? { grant: ID_TOKENS[answer.idToken]?.jwt ?? '' }
        : RESPONSE;
    case 'error':
      return meaningOfCode(answer.code, TEXTS[answer.text] ?? '', step);
    case 'rate':
      return 'rate_limited';
    case 'odd status':
      return answer.status >= 500 ? OKTA : RESPONSE;
    case 'junk':
      return answer.status === 429 ? 'rate_limited' : answer.status >= 500 ? OKTA : RESPONSE;
    case 'wild':
      return undefined;
    case 'fails':
      return { error: 'okta_unreachable', status: 503 };
    case 'cut off':
    case 'too large':
      return RESPONSE;
    case 'hang':
      return { error: 'okta_timeout', status: 504 };
  }
}

/** Okta's own code for a 429, which counts as one under another status too. */
const RATE_LIMITED = 'E0000047';

/** Whether it is Okta's answer to a passcode, and neither a grant, a 429 nor a failure of Okta's. */
export function countsAsAttempt(answer: Answer): boolean {
  switch (answer.kind) {
    case 'mfa':
      return !USABLE.has(answer.token);
    case 'error':
      return answer.code !== RATE_LIMITED;
    case 'grant':
      return !COMPLETE.has(answer.shape);
    case 'odd status':
    case 'junk':
      return answer.status < 500 && answer.status !== 429;
    case 'rate':
    case 'wild':
    case 'fails':
    case 'cut off':
    case 'too large':
    case 'hang':
      return false;
  }
}

function meaningOfCode(code: string, text: string, step: 'password' | 'otp'): Meaning {
  if (code === RATE_LIMITED) return 'rate_limited';
  if (step === 'otp' && text === TEXTS[0]) return 'expired';
  const refusals = step === 'otp' ? ['E0000068'] : ['E0000004', 'E0000064', 'E0000069'];
  if (code === 'invalid_grant' || refusals.includes(code)) return 'refused';
  switch (code) {
    case 'access_denied':
    case 'E0000006':
    case 'E0000064':
    case 'E0000069':
      return 'access_denied';
    case 'E0000011':
      return step === 'otp' ? 'expired' : OKTA;
    case 'invalid_scope':
      return step === 'otp' ? 'expired' : { error: code, status: 500 };
    case 'invalid_dpop_proof':
    case 'use_dpop_nonce':
    case 'invalid_client':
    case 'unauthorized_client':
    case 'unsupported_grant_type':
      return { error: code, status: 500 };
    default:
      return OKTA;
  }
}

const inner = fc.nat({ max: INNER.length - 1 });
const text = fc.nat({ max: TEXTS.length - 1 });
const refusingStatus = fc.constantFrom(400, 401, 403, 404, 422);
const oddHeader = fc.constantFrom('0', '7', '-1', '1e9', '99999999', 'soon', '', ' 5 ', '0x10');

const mfa = fc.record({
  kind: fc.constant('mfa' as const),
  status: fc.constantFrom(403, 403, 403, 400, 401),
  token: fc.oneof(
    { weight: 8, arbitrary: fc.constant('good' as const) },
    { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(MFA_TOKENS) as ['good'])) },
  ),
  text,
});
const grant = fc.record({
  kind: fc.constant('grant' as const),
  shape: fc.oneof(
    { weight: 6, arbitrary: fc.constant('full' as const) },
    { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(SHAPES) as ['full'])) },
  ),
  idToken: fc.oneof(fc.nat({ max: 6 }), fc.nat({ max: ID_TOKENS.length - 1 })),
});
const error = fc.record({
  kind: fc.constant('error' as const),
  status: refusingStatus,
  code: fc.constantFrom(...CODES),
  format: fc.constantFrom('oauth' as const, 'okta' as const),
  text,
});

/** Strings without a mark: a secret that was never sent cannot be recognized as one. */
const anyText = fc.oneof(
  fc.constantFrom(...CODES, ...TEXTS, 'mfa_required'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const anyValue = fc.oneof(
  { weight: 6, arbitrary: anyText },
  { weight: 1, arbitrary: fc.constantFrom(null, true, 7, [], {}, ['mfa_required'], { a: 1 }) },
);
const anyToken = fc.oneof(
  fc.constantFrom('ZMTZ-wild', 'ZATZ-wild', '', 7, null, {}),
  fc.constantFrom(...ID_TOKENS.map(({ jwt }) => jwt)),
);
const wild = fc.record({
  kind: fc.constant('wild' as const),
  status: fc.oneof(
    fc.constantFrom(200, 400, 401, 403, 429, 500),
    fc.integer({ min: 200, max: 599 }),
  ),
  headers: fc.constantFrom({}, { 'retry-after': '3' }, { 'x-rate-limit-reset': ['1', '2'] }),
  fields: fc.record(
    {
      error: anyValue,
      errorCode: anyValue,
      error_description: anyValue,
      errorSummary: anyValue,
      errorId: anyValue,
      mfa_token: anyToken,
      access_token: anyToken,
      id_token: anyToken,
      token_type: fc.constantFrom('Bearer', 'mac', 7, null),
      refresh_token: anyToken,
      expires_in: fc.constantFrom(1, -1, 'x', null),
    },
    { requiredKeys: [] },
  ),
});

const failure = (again: fc.Arbitrary<Answer>) =>
  fc.record({ kind: fc.constant('fails' as const), code: fc.constantFrom(...FAILURES), again });

const other: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({
    kind: fc.constant('rate' as const),
    inner,
    headers: fc.record(
      { 'retry-after': oddHeader, 'x-rate-limit-reset': oddHeader, date: oddHeader },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    kind: fc.constant('odd status' as const),
    status: fc.constantFrom(201, 204, 302, 307, 500, 502, 503, 599),
    inner,
  }),
  fc.record({
    kind: fc.constant('junk' as const),
    status: fc.constantFrom(200, 400, 403, 418, 429, 500, 302),
    text: fc.constantFrom(...JUNK),
  }),
  failure(fc.constant({ kind: 'hang' as const })),
  failure(fc.oneof(mfa, grant, error)),
  fc.record({ kind: fc.constantFrom('cut off' as const, 'hang' as const) }),
);
const tooLarge = fc.record({ kind: fc.constant('too large' as const) });

const refusal: fc.Arbitrary<Answer> = fc.constant({
  kind: 'error',
  status: 400,
  code: 'invalid_grant',
  format: 'oauth',
  text: 4,
});

/** Mostly such as lead on to the next step. */
export const answerTo = {
  refusal,
  password: fc.oneof(
    { weight: 600, arbitrary: mfa },
    { weight: 80, arbitrary: grant },
    { weight: 120, arbitrary: error },
    { weight: 80, arbitrary: wild },
    { weight: 120, arbitrary: other },
    { weight: 1, arbitrary: tooLarge },
  ),
  otp: fc.oneof(
    { weight: 300, arbitrary: grant },
    { weight: 40, arbitrary: mfa },
    { weight: 400, arbitrary: error },
    { weight: 100, arbitrary: wild },
    { weight: 160, arbitrary: other },
    { weight: 1, arbitrary: tooLarge },
  ),
} satisfies Record<string, fc.Arbitrary<Answer>>;
