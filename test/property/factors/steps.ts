import fc from 'fast-check';
import type { PendingChallenge } from '../../../lib/index.js';
import { marked } from '../answers.js';
import { factorAnswerTo, type FactorAnswer } from './answers.js';

/** One run: an app with its options, two browsers, and what happens. */
export interface FactorCase {
  options: {
    maxChallenges: number;
    /** Seconds. */
    resendAfter: number;
    requireNumberChallenge: boolean;
    maxOtpAttempts: number;
    /** Seconds. */
    transactionMaxAge: number;
    mfaRedirect: boolean;
    ownStore: boolean;
    byInstance: boolean;
    /** `each` is a new one for each request. */
    instances: 1 | 'each';
  };
  /** How many turns of the microtask queue one thing after the other takes. */
  pace: number[];
  /** The steps of a group come at once. */
  groups: { wait: number; steps: Step[] }[];
}

export type Step = Cancel | RequestStep;
export interface Cancel {
  type: 'cancel';
  browser: 0 | 1;
}

interface Request {
  browser: 0 | 1;
  /** What Okta answers, if it is asked. */
  answer: FactorAnswer;
  verify: 'accepts' | 'accepts late' | 'refuses';
  /** What another request of the browser does while a factor is at Okta. */
  meanwhile: 'nothing' | 'cancel' | 'sign-out' | 'password' | 'choice';
}

export type RequestStep = Request &
  (
    | { type: 'password' }
    | { type: 'factor'; factor: unknown }
    | { type: 'poll'; id: Exclude<Id, 'none'> }
    | { type: 'otp'; otp: unknown; id: Id }
    | { type: 'assertion'; assertion: keyof typeof ASSERTIONS; asText: boolean; id: Id }
  );

/** Which challenge the page speaks of. */
export type Id = 'none' | 'current' | 'stale' | "the other browser's" | 'made up' | 'odd';

/** What the pages of a browser know when a request leaves. */
export interface Known {
  current: PendingChallenge | undefined;
  stale: PendingChallenge | undefined;
  other: PendingChallenge | undefined;
}

const MADE_UP = '9c5b94b1-35ad-49bb-b118-8e8fc24abf80';

export const OOB_FACTORS = ['push', 'sms', 'voice', 'email'] as const;
export const ALL_FACTORS = ['push', 'otp', 'sms', 'voice', 'email', 'webauthn'] as const;
const isFactor = (value: unknown): value is (typeof ALL_FACTORS)[number] =>
  ALL_FACTORS.some((factor) => factor === value);

/** The id as it is in the body; undefined where there is none. */
export function idIn(id: Id, { current, stale, other }: Known): unknown {
  switch (id) {
    case 'none':
      return undefined;
    case 'current':
      return current?.id ?? MADE_UP;
    case 'stale':
      return stale?.id ?? MADE_UP;
    case "the other browser's":
      return other?.id ?? MADE_UP;
    case 'made up':
      return MADE_UP;
    case 'odd':
      return { toString: MADE_UP };
  }
}

/** The answers of a passkey, by what is wrong with each. */
const ASSERTIONS = {
  valid: ({ current }: Known) => assertionFor(current),
  'of a challenge before': ({ stale }: Known) => assertionFor(stale),
  "of the other browser's challenge": ({ other }: Known) => assertionFor(other),
  'of a registration': ({ current }: Known) => assertionFor(current, { type: 'webauthn.create' }),
  'of a frame': ({ current }: Known) => assertionFor(current, { crossOrigin: true }),
  'of another site': ({ current }: Known) =>
    assertionFor(current, { origin: 'https://evil.example.net' }),
  'without a signature': ({ current }: Known) => {
    const { response } = assertionFor(current);
    return { response: { ...response, signature: undefined } };
  },
  'not base64url': () => ({
    response: { clientDataJSON: '!', authenticatorData: [], signature: 7 },
  }),
  empty: () => ({}),
  nothing: () => null,
  'a list': () => [assertionFor(undefined)],
};

/** `PublicKeyCredential.toJSON()`. */
function assertionFor(challenge: PendingChallenge | undefined, changed: object = {}) {
  const { rpId = 'x.example.com', challenge: asked = 'pk-0' } = challenge?.publicKey ?? {};
  const client = { type: 'webauthn.get', challenge: asked, origin: `https://${rpId}`, ...changed };
  return {
    id: 'YQ',
    type: 'public-key',
    response: {
      clientDataJSON: Buffer.from(JSON.stringify(client)).toString('base64url'),
      authenticatorData: marked('AS', 'data'),
      signature: marked('AS', 'signature'),
      userHandle: marked('AS', 'handle'),
    },
  };
}

/** What an attacker adds to a body, hoping that somebody merges it. */
const EXTRA = { mfa_token: 'ZMTZ-of-the-attacker', oob_code: 'ZOCZ-of-the-attacker', attempts: -5 };

export function bodyOf(step: RequestStep, known: Known): Record<string, unknown> {
  switch (step.type) {
    case 'password':
      return { username: 'u', password: marked('PW'), ...EXTRA };
    case 'factor':
      return { factor: step.factor, ...EXTRA };
    case 'poll':
      return { challenge: idIn(step.id, known) };
    case 'otp':
      return { otp: step.otp, ...idField(step.id, known), ...EXTRA };
    case 'assertion': {
      const value = ASSERTIONS[step.assertion](known);
      const assertion = step.asText ? JSON.stringify(value) : value;
      return { assertion, ...idField(step.id, known) };
    }
  }
}

const idField = (id: Id, known: Known) => (id === 'none' ? {} : { challenge: idIn(id, known) });

// What comes. ----------------------------------------------------------------------------------

const common = {
  browser: fc.constantFrom(0 as const, 0 as const, 0 as const, 1 as const),
  verify: fc.constantFrom(
    'accepts' as const,
    'accepts' as const,
    'accepts late' as const,
    'refuses' as const,
  ),
  meanwhile: fc.oneof(
    { weight: 9, arbitrary: fc.constant('nothing' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...(['cancel', 'sign-out', 'password', 'choice'] as const)),
    },
  ),
};

const NAMED = ['current', 'current', 'stale', "the other browser's", 'made up', 'odd'] as const;
const named = fc.oneof(
  { weight: 6, arbitrary: fc.constant('current' as const) },
  { weight: 1, arbitrary: fc.constantFrom(...NAMED) },
);
const namedOrNot = fc.oneof(named, fc.constant('none' as const));

const password = fc.record({
  type: fc.constant('password' as const),
  answer: factorAnswerTo.password,
  ...common,
});

const choiceOf = (factor: fc.Arbitrary<unknown>, answer: fc.Arbitrary<FactorAnswer>) =>
  fc.record({ type: fc.constant('factor' as const), factor, answer, ...common });
const outOfBand = choiceOf(
  fc.constantFrom('push', 'push', ...OOB_FACTORS),
  factorAnswerTo.outOfBand,
);
const choice = fc.oneof(
  { weight: 8, arbitrary: outOfBand },
  { weight: 4, arbitrary: choiceOf(fc.constant('webauthn'), factorAnswerTo.passkey) },
  { weight: 1, arbitrary: choiceOf(fc.constant('otp'), factorAnswerTo.outOfBand) },
  {
    weight: 1,
    arbitrary: choiceOf(
      fc.constantFrom<unknown>(
        ...['', ' ', ' push ', 'PUSH', 'pigeon', '__proto__', 'push'.padEnd(100)],
        ...[null, undefined, 7, ['push'], { toString: 'push' }],
      ),
      factorAnswerTo.outOfBand,
    ),
  },
);

const poll = fc.record({
  type: fc.constant('poll' as const),
  id: named,
  answer: factorAnswerTo.poll,
  ...common,
});

const otp = fc.record({
  type: fc.constant('otp' as const),
  otp: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('1', '2').map((digit) => marked('OT', digit)) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>('', ' - ', null, 7, [marked('OT')]) },
  ),
  id: namedOrNot,
  answer: factorAnswerTo.proof,
  ...common,
});

const assertion = fc.record({
  type: fc.constant('assertion' as const),
  assertion: fc.oneof(
    { weight: 4, arbitrary: fc.constant('valid' as const) },
    { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(ASSERTIONS) as ['valid'])) },
  ),
  asText: fc.boolean(),
  id: namedOrNot,
  answer: factorAnswerTo.proof,
  ...common,
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: password },
  { weight: 12, arbitrary: choice },
  { weight: 12, arbitrary: poll },
  { weight: 8, arbitrary: otp },
  { weight: 4, arbitrary: assertion },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('cancel' as const),
      browser: fc.constantFrom(0 as const, 1 as const),
    }),
  },
);

const wait = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...[999, 1000, 2000, 4999, 5000, 10_000, 29_999, 30_000]),
  },
  { weight: 1, arbitrary: fc.constantFrom(...[60_000, 119_999, 300_000]) },
);

const anyGroup = fc.record({
  wait,
  steps: fc.oneof(
    { weight: 4, arbitrary: fc.array(step, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(step, { minLength: 2, maxLength: 4 }) },
  ),
});

const plain = { verify: 'accepts', meanwhile: 'nothing' } as const;

/** A password that is right, in each of the browsers. */
export const rightPassword = (browser: 0 | 1): RequestStep => ({
  ...plain,
  type: 'password',
  browser,
  answer: { kind: 'mfa of types', types: undefined },
});
/** The passcode instead of what is out: asks nothing of Okta. */
export const passcodeChoice = (browser: 0 | 1): RequestStep => ({
  ...plain,
  type: 'factor',
  browser,
  factor: 'otp',
  answer: { kind: 'passcode' },
});

/** Granted, while another request of the browser ends or changes the login. */
const outrun = fc.record({
  type: fc.constant('poll' as const),
  id: fc.constant('current' as const),
  answer: factorAnswerTo.grant,
  ...common,
  meanwhile: fc.constantFrom(...(['cancel', 'sign-out', 'password', 'choice'] as const)),
});

/** A factor that is chosen, and what it is answered with. */
const sequel = fc
  .record({
    first: fc.oneof(
      { weight: 2, arbitrary: outOfBand },
      { weight: 1, arbitrary: choiceOf(fc.constant('webauthn'), factorAnswerTo.passkey) },
    ),
    then: fc.array(fc.oneof(poll, outrun, otp, assertion, step), { minLength: 1, maxLength: 4 }),
    atOnce: fc.boolean(),
    waits: fc.array(wait, { minLength: 4, maxLength: 4 }),
  })
  .map(({ first, then, atOnce, waits }): FactorCase['groups'] => [
    { wait: 30_000, steps: [first] },
    ...(atOnce
      ? [{ wait: 0, steps: then }]
      : then.map((one, index) => ({ wait: waits[index] ?? 0, steps: [one] }))),
  ]);

export const anyFactorCase: fc.Arbitrary<FactorCase> = fc.record({
  options: fc.record({
    maxChallenges: fc.constantFrom(1, 2, 3),
    resendAfter: fc.constantFrom(0, 10, 30),
    requireNumberChallenge: fc.boolean(),
    maxOtpAttempts: fc.constantFrom(1, 2, 3),
    transactionMaxAge: fc.constantFrom(45, 300, 300),
    mfaRedirect: fc.boolean(),
    ownStore: fc.constantFrom(false, false, true),
    byInstance: fc.boolean(),
    instances: fc.constantFrom(1 as const, 'each' as const),
  }),
  pace: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 6 }),
  groups: fc
    .tuple(
      fc.boolean(),
      fc.array(
        fc.oneof(
          { weight: 1, arbitrary: sequel },
          { weight: 3, arbitrary: anyGroup.map((group) => [group]) },
        ),
        { minLength: 1, maxLength: 8 },
      ),
    )
    .map(([two, groups]) => [
      { wait: 0, steps: [rightPassword(0), ...(two ? [rightPassword(1)] : [])] },
      ...groups.flat(),
    ]),
});

/** As the contract reads a choice. */
export function chosenBy(step: RequestStep): (typeof ALL_FACTORS)[number] | undefined {
  if (step.type !== 'factor' || typeof step.factor !== 'string' || step.factor.length > 64) {
    return undefined;
  }
  const name = step.factor.trim();
  return isFactor(name) ? name : undefined;
}
