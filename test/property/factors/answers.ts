import fc from 'fast-check';
import { MFA_OOB, MFA_OTP, MFA_WEBAUTHN } from '../../../lib/okta/grant-types.js';
import { answerTo, countsAsAttempt, newToken, reply, type Answer } from '../answers.js';
import type { Reply, Sent } from '../okta.js';

/** What Okta, or a server in its place, may answer to the requests of a second factor. */
export type FactorAnswer =
  | Answer
  | { kind: 'mfa of types'; types: unknown }
  | { kind: 'quoting'; code: string; which: number }
  | {
      kind: 'out of band';
      code: keyof typeof OOB_CODES;
      binding: unknown;
      number: keyof typeof NUMBERS;
      channel: unknown;
      interval: unknown;
      expiresIn: unknown;
    }
  | { kind: 'passkey'; challenge: keyof typeof PASSKEY_CHALLENGES; rpId: unknown; appid: unknown }
  | { kind: 'passcode' };

/** One at a time: beside another that is recognized it would be withheld in any case. */
const QUOTED = [
  ...['mfa_token', 'oob_code', 'binding_code', 'otp'],
  ...['clientDataJSON', 'authenticatorData', 'signature', 'userHandle'],
];

const OOB_CODES = {
  good: () => newToken('OC'),
  longest: () => newToken('OC').padEnd(4096, 'x'),
  'with odd characters': () => `${newToken('OC')}&binding_code=1 "\u0000ü\r\n`,
  'too long': () => newToken('OC').padEnd(4097, 'x'),
  empty: () => '',
  missing: () => undefined,
  'a number': () => 7,
};

/** By it the number of a push is recognized, wherever it turns up. */
export const NUMBER_MARK = /ZNCZ/;
let numbers = 0;
const NUMBERS = {
  marked: () => `ZNCZ${++numbers}`.slice(0, 16),
  'with a zero in front': () => '07',
  'a number': () => 95,
  missing: () => undefined,
  empty: () => '',
  'below zero': () => -5,
  'too long': () => '1'.repeat(17),
  HTML: () => '<b>1</b>',
  'an array': () => ['95'],
};

let passkeys = 0;
const PASSKEY_CHALLENGES = {
  good: () => `pk-${++passkeys}`,
  padded: () => `pk+${++passkeys}=`,
  missing: () => undefined,
  'a number': () => 7,
  'no base64': () => 'pk 1',
};

/** The bytes of an answer. */
export function replyTo(answer: FactorAnswer, sent: Sent): Reply {
  const json = (status: number, body: object) => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the others are known there
  switch (answer.kind) {
    case 'mfa of types':
      return json(403, {
        error: 'mfa_required',
        mfa_token: newToken('MT'),
        supported_challenge_types: answer.types,
      });
    case 'quoting': {
      const secrets = QUOTED.flatMap((name) => sent.form.get(name) ?? []);
      const error_description = `What is ${secrets[answer.which % secrets.length] ?? 'this'}?`;
      return json(400, { error: answer.code, error_description });
    }
    case 'out of band':
      return json(200, {
        challenge_type: MFA_OOB,
        oob_code: OOB_CODES[answer.code](),
        binding_method: answer.binding,
        binding_code: NUMBERS[answer.number](),
        channel: answer.channel,
        interval: answer.interval,
        expires_in: answer.expiresIn,
      });
    case 'passkey':
      return json(200, {
        challengeType: MFA_WEBAUTHN,
        publicKey: {
          challenge: PASSKEY_CHALLENGES[answer.challenge](),
          rpId: answer.rpId,
          allowCredentials: [{ type: 'public-key', id: 'YQ==' }],
          extensions: { appid: answer.appid },
        },
      });
    case 'passcode':
      return json(200, { challenge_type: MFA_OTP });
    default:
      return reply(answer, sent);
  }
}

// What the contract makes of them, written again. -----------------------------------------------

/** What a push or a code is, as a 200 of /challenge announces it. */
export interface OutOfBand {
  oobCode: string;
  binding: 'none' | 'transfer' | 'prompt';
  channel: unknown;
  number: string | undefined;
  /** Seconds. */
  interval: number;
  expiresIn: number;
}

export function outOfBandIn(json: Record<string, unknown>): OutOfBand | undefined {
  const { oob_code: oobCode, channel, publicKey, challenge_type, binding_code } = json;
  if (publicKey !== undefined || challenge_type === MFA_OTP) return undefined;
  if (typeof oobCode !== 'string' || oobCode === '' || oobCode.length > 4096) return undefined;
  const binding = json['binding_method'] ?? (channel === 'push' ? 'none' : 'prompt');
  if (binding !== 'none' && binding !== 'transfer' && binding !== 'prompt') return undefined;
  const isNumber = /^[\p{L}\p{N}]{1,16}$/u.test(String(binding_code));
  const isText = typeof binding_code === 'string' || typeof binding_code === 'number';
  return {
    oobCode,
    binding,
    channel,
    number: binding === 'transfer' && isText && isNumber ? String(binding_code) : undefined,
    interval: Math.max(1, Math.min(60, positiveOr(5, json['interval']))),
    expiresIn: positiveOr(300, json['expires_in']),
  };
}

function positiveOr(otherwise: number, value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : otherwise;
}

/** The challenge of a passkey, in base64url. */
export function passkeyIn({ publicKey }: Record<string, unknown>): string | undefined {
  const { challenge } = (publicKey ?? {}) as { challenge?: unknown };
  if (typeof challenge !== 'string' || !challenge.startsWith('pk')) return undefined;
  return challenge.includes(' ') ? undefined : challenge.replace('+', '-').replace('=', '');
}

/** The grants that `supported_challenge_types` leaves; undefined where it says nothing. */
export function typesIn({ supported_challenge_types: types }: Record<string, unknown>) {
  const isList = Array.isArray(types) && types.length > 0;
  return isList && types.every((type) => typeof type === 'string' && type !== '')
    ? new Set(types as string[])
    : undefined;
}

export const isPending = (answer: FactorAnswer): boolean =>
  answer.kind === 'error' && PENDING.includes(answer.code);

/** Whether the next poll has to wait for five seconds more. */
export const slowsDown = (answer: FactorAnswer): boolean =>
  answer.kind === 'rate' ||
  (answer.kind === 'junk' && answer.status === 429) ||
  (answer.kind === 'error' && ['slow_down', 'E0000047'].includes(answer.code));

/** Whether it is a refusal of a code or a passkey, and not one of something that has expired. */
export function isWrong(answer: FactorAnswer): boolean {
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the others are known there
  switch (answer.kind) {
    case 'mfa of types':
      return false;
    case 'quoting':
    case 'out of band':
    case 'passkey':
    case 'passcode':
      return true;
    case 'error':
      return (
        countsAsAttempt(answer) && ![0, 1].includes(answer.text) && !ENDING.includes(answer.code)
      );
    default:
      return countsAsAttempt(answer);
  }
}

// What comes. ----------------------------------------------------------------------------------

const PENDING = ['authorization_pending', 'direct_auth_authorization_pending'];
/** With these the login or the challenge ends. */
const ENDING = [
  ...['access_denied', 'expired_token', 'invalid_scope'],
  ...['E0000006', 'E0000011', 'E0000064', 'E0000069'],
];

const error = (code: string, more: { status?: number; text?: number } = {}): FactorAnswer => ({
  kind: 'error',
  status: 400,
  format: 'oauth',
  text: 4,
  ...more,
  code,
});
const EXPIRED = error('access_denied', { status: 403, text: 0 });

/** Those of which more is known than that the strategy survives them. */
const known = (arbitrary: fc.Arbitrary<Answer>) =>
  arbitrary.filter(({ kind }) => kind !== 'wild' && kind !== 'too large');

const grant = fc.record({
  kind: fc.constant('grant' as const),
  shape: fc.constant('full' as const),
  idToken: fc.nat({ max: 6 }),
});

const mfa = fc.record({
  kind: fc.constant('mfa of types' as const),
  types: fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    {
      weight: 3,
      arbitrary: fc.constantFrom<unknown>(
        [MFA_OTP, MFA_OOB, MFA_WEBAUTHN],
        [MFA_OOB],
        [MFA_OTP, MFA_WEBAUTHN],
        ['__proto__'],
        [],
        [7],
        'x',
        null,
      ),
    },
  ),
});

const seconds = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>(5, undefined, 2, 1) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(0, -1, 0.2, 61, 1e9, 1e300, '5', null, [5], 'x'),
  },
);

const outOfBand = fc.record({
  kind: fc.constant('out of band' as const),
  code: fc.oneof(
    { weight: 20, arbitrary: fc.constant('good' as const) },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(OOB_CODES) as ['good'])) },
  ),
  binding: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('transfer', 'transfer', 'prompt', 'none') },
    {
      weight: 2,
      arbitrary: fc.constantFrom<unknown>(undefined, null, '', 'bluetooth', 7, ['prompt']),
    },
  ),
  number: fc.oneof(
    { weight: 12, arbitrary: fc.constant('marked' as const) },
    { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(NUMBERS) as ['marked'])) },
  ),
  channel: fc.constantFrom<unknown>(
    ...[undefined, undefined, 'push', 'sms', 'voice', 'email'],
    ...['otp', 'webauthn', 'pigeon', 7, null],
  ),
  interval: seconds,
  expiresIn: fc.oneof({ weight: 2, arbitrary: fc.constantFrom<unknown>(300, 120) }, seconds),
});

const passkey = fc.record({
  kind: fc.constant('passkey' as const),
  challenge: fc.oneof(
    { weight: 9, arbitrary: fc.constant('good' as const) },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(PASSKEY_CHALLENGES) as ['good'])) },
  ),
  rpId: fc.constantFrom<unknown>('app.example.com', 'app.example.com', undefined, '', 7),
  appid: fc.constantFrom<unknown>(undefined, 'https://login.example.com', 'x', 7),
});

const quoting = fc.record({
  kind: fc.constant('quoting' as const),
  code: fc.constantFrom('invalid_grant', 'invalid_request'),
  which: fc.nat({ max: QUOTED.length }),
});

const challengeRefused = fc.oneof(
  quoting,
  fc.constantFrom(
    error('access_denied', { status: 403 }),
    error('invalid_challenge_types_supported'),
    EXPIRED,
    error('invalid_request'),
    error('server_error', { status: 500 }),
  ),
  fc.constant({ kind: 'passcode' as const }),
  known(answerTo.otp),
);

/** Mostly such as lead on to the next step. */
export const factorAnswerTo = {
  grant: grant as fc.Arbitrary<FactorAnswer>,
  password: fc.oneof(
    { weight: 9, arbitrary: mfa },
    { weight: 1, arbitrary: known(answerTo.password) },
  ),
  outOfBand: fc.oneof(
    { weight: 9, arbitrary: outOfBand },
    { weight: 3, arbitrary: challengeRefused },
    { weight: 1, arbitrary: passkey },
  ),
  passkey: fc.oneof(
    { weight: 9, arbitrary: passkey },
    { weight: 2, arbitrary: challengeRefused },
    { weight: 1, arbitrary: outOfBand },
  ),
  poll: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...PENDING.map((code) => error(code))) },
    { weight: 2, arbitrary: fc.constant(error('slow_down')) },
    { weight: 3, arbitrary: grant },
    { weight: 3, arbitrary: quoting },
    { weight: 1, arbitrary: mfa },
    {
      weight: 2,
      arbitrary: fc.constantFrom(EXPIRED, error('oob_rejected'), error('expired_token')),
    },
    { weight: 3, arbitrary: known(answerTo.otp) },
  ),
  proof: fc.oneof(
    { weight: 4, arbitrary: answerTo.refusal },
    { weight: 3, arbitrary: grant },
    { weight: 2, arbitrary: quoting },
    { weight: 1, arbitrary: mfa },
    { weight: 1, arbitrary: fc.constantFrom(EXPIRED, ...PENDING.map((code) => error(code))) },
    { weight: 3, arbitrary: known(answerTo.otp) },
  ),
} satisfies Record<string, fc.Arbitrary<FactorAnswer>>;
