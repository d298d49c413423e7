import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import {
  OktaDirectMfaError,
  OktaDirectMfaStrategy,
  type OktaProfile,
  type OktaTokens,
  type Transaction,
  type VerifyCallback,
} from '../../lib/index.js';
import { cleanCode } from '../../lib/factors/body.js';
import { asRequest, CLIENT_ID, everyPrint, ISSUER } from '../support/fixtures.js';
import {
  answerTo,
  countsAsAttempt,
  marked,
  meaningOf,
  NEVER_SENT,
  reply,
  type Answer,
  type Meaning,
} from './answers.js';
import {
  assertNoSecret,
  assertSafeEvent,
  assertTypedError,
  CLIENT_SECRET,
  isPrinted,
  parse,
  present,
  published,
  type Action,
} from './checks.js';
import { clock } from './clock.js';
import { believedSub, CLOCK_TOLERANCE, KEYS, OTHER_KEYS } from './id-tokens.js';
import { fakeOkta, type Reply, type Sent } from './okta.js';
import { Browser, BrowserStore, Sessions, type FakeRequest } from './session.js';

/** One run: an app with its options, two browsers, and what happens. */
export interface Case {
  options: {
    requireMfa: boolean;
    maxOtpAttempts: number;
    transactionMaxAge: number;
    mfaRedirect: boolean;
    clientAuthentication: 'client_secret_basic' | 'client_secret_post' | 'none';
    userInfo: 'no' | keyof typeof USER_INFO;
    ownStore: boolean;
    resave: boolean;
    byInstance: boolean;
    /** How many of them on one session; `each` is a new one for each request. */
    instances: 1 | 2 | 'each';
    keys: keyof typeof KEY_ANSWERS;
  };
  /** How many turns of the microtask queue one thing after the other takes. */
  pace: number[];
  /** The steps of a group come at once. */
  groups: { wait: number; steps: Step[] }[];
}

type Step =
  | { type: 'cancel'; browser: 0 | 1 }
  | {
      type: 'request';
      browser: 0 | 1;
      /** By a cookie that the browser had before. */
      oldCookie: boolean;
      body: BodySpec;
      answer: Answer;
      verify: keyof typeof VERIFIES;
      /** What another request of the browser does while a passcode is at Okta. */
      meanwhile: 'nothing' | 'cancel' | 'sign-out';
    };

const SESSION_KEY = 'okta-direct-mfa';
const MFA_REDIRECT = '/login/otp';

// What goes in. --------------------------------------------------------------------------------

type BodySpec =
  | { kind: 'password'; username: unknown; password: unknown; otp?: unknown; extra: boolean }
  | { kind: 'otp'; otp: unknown; extra: boolean }
  | { kind: 'odd'; which: number };

const MISSING = Symbol('missing');

/** What an attacker adds to a body, hoping that somebody merges it. */
const EXTRA = {
  mfa_token: 'ZMTZ-of-the-attacker',
  mfaToken: 'ZMTZ-of-the-attacker',
  attempts: -5,
  expiresAt: 9e15,
  clientDigest: 'x',
  id: 'x',
  'okta-direct-mfa': { mfaToken: 'ZMTZ-of-the-attacker' },
  session: { passport: { user: 'admin' } },
  constructor: { prototype: { polluted: true } },
};

const ODD_BODIES: (() => unknown)[] = [
  () => undefined,
  () => null,
  () => [],
  () => ['password'],
  () => 'password=x&otp=y',
  () => 7,
  () => ({}),
  () => JSON.parse('{"__proto__":{"password":"ZPWZ","username":"u","otp":"ZOTZ"}}') as unknown,
  () => Object.create({ password: 'ZPWZ', username: 'u', otp: 'ZOTZ' }) as unknown,
  () => ({ constructor: { prototype: { password: 'ZPWZ' } }, hasOwnProperty: 'x' }),
  () => new Map([['password', 'ZPWZ']]),
  () => Buffer.from('password=ZPWZ'),
  () => ({ PASSWORD: 'ZPWZ', Otp: 'ZOTZ', ' otp': 'ZOTZ' }),
];

function toBody(spec: BodySpec): unknown {
  if (spec.kind === 'odd') return ODD_BODIES[spec.which]?.();
  const { kind: _, extra, ...fields } = spec;
  const body: Record<string, unknown> = Object.assign(
    Object.create(null) as Record<string, unknown>,
    extra ? EXTRA : {},
  );
  for (const [name, value] of Object.entries(fields)) if (value !== MISSING) body[name] = value;
  if (extra) Object.defineProperty(body, '__proto__', { value: { otp: 'x' }, enumerable: true });
  return body;
}

const field = (kind: 'PW' | 'OT' | undefined, longest: number): fc.Arbitrary<unknown> => {
  const mark = kind === undefined ? 'u' : marked(kind);
  const pad = (length: number) => mark.padEnd(length, '1');
  return fc.oneof(
    { weight: 30, arbitrary: fc.constant(pad(9)) },
    {
      weight: 5,
      arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map((rest) => mark + rest),
    },
    {
      weight: 3,
      arbitrary: fc.constantFrom<unknown>(
        MISSING,
        undefined,
        null,
        '',
        ' \t\n',
        '\u00a0\ufeff',
        7,
        true,
        [],
        [pad(9)],
        { toString: pad(9) },
        pad(longest),
        pad(longest + 1),
        `${pad(longest - 1)}🔑`,
        `${pad(longest)}🔑`,
        pad(100_000),
      ),
    },
  );
};

/** Whether a field can be used, written again from the contract. */
function usable(value: unknown, longest: number): value is string {
  if (typeof value !== 'string' || value.length > 4 * longest) return false;
  return value.trim() !== '' && Array.from(value).length <= longest;
}

/** One turn of the microtask queue. */
const turn = () => Promise.resolve();

const NEVER = new Promise<undefined>(() => undefined);

class VerifyFailed extends Error {}

/** Verify functions, and what each leads to. */
const VERIFIES = {
  accepts: ['success', (user, done) => done(null, user)],
  'accepts by promise': ['success', (user) => Promise.resolve(user)],
  'accepts late': ['success', async (user) => (await turn(), await turn(), user)],
  'accepts twice, then fails': [
    'success',
    (user, done) => {
      done(null, user);
      done(null, user);
      done(new VerifyFailed());
      throw new VerifyFailed();
    },
  ],
  'is a thenable that resolves twice': [
    'success',
    (user) => ({
      then(yes: (value: unknown) => void, no: (reason: unknown) => void) {
        yes(user);
        yes(false);
        no(new VerifyFailed());
      },
    }),
  ],
  refuses: ['fail', (_, done) => done(null, false, { message: 'closed' })],
  'refuses by promise': ['fail', () => Promise.resolve(false)],
  'refuses with null': ['fail', () => Promise.resolve(null)],
  'refuses, then accepts': ['fail', (user, done) => (done(null, false), Promise.resolve(user))],
  fails: ['error', (_, done) => done(new VerifyFailed())],
  'fails with a string': ['error', (_, done) => done('route')],
  throws: [
    'error',
    () => {
      throw new VerifyFailed();
    },
  ],
  'throws undefined': [
    'error',
    () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- apps do
      throw undefined;
    },
  ],
  rejects: ['error', () => Promise.reject(new VerifyFailed())],
  'has a then that throws': [
    'error',
    () => ({
      get then() {
        throw new VerifyFailed();
      },
    }),
  ],
  'never decides': ['nothing', () => NEVER],
} satisfies Record<
  string,
  [Action['name'] | 'nothing', (user: object, done: VerifyCallback) => unknown]
>;

const KEY_ANSWERS: Record<string, (count: number) => Reply> = {
  good: () => ({ status: 200, body: KEYS }),
  'of another': () => ({ status: 200, body: OTHER_KEYS }),
  'down at first': (count) => (count < 2 ? { status: 503, body: '' } : { status: 200, body: KEYS }),
  down: () => ({ fails: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
  none: () => ({ status: 200, body: '{"keys":[]}' }),
  odd: () => ({
    status: 200,
    body: '{"keys":[null,7,"x",{"kid":"key-1","kty":"RSA","n":"x"},{"kid":"__proto__","kty":"oct","k":"x"}]}',
  }),
};

const USER_INFO = {
  good: (sub: string) => ({
    status: 200,
    body: JSON.stringify({ sub, name: 'Ada', __proto__: 1 }),
  }),
  'of another': () => ({ status: 200, body: '{"sub":"00u-somebody-else"}' }),
  'with a hidden sub': (sub: string) => ({
    status: 200,
    body: `{"__proto__":${JSON.stringify({ sub })}}`,
  }),
  failing: () => ({ status: 401, body: '{"error":"invalid_token"}' }),
};

const request = (body: fc.Arbitrary<BodySpec>, answer: fc.Arbitrary<Answer>) =>
  fc.record({
    type: fc.constant('request' as const),
    browser: fc.constantFrom(0, 0, 0, 1),
    oldCookie: fc.constantFrom(false, false, false, false, false, true),
    body,
    answer,
    meanwhile: fc.constantFrom(
      ...(['nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'cancel', 'sign-out'] as const),
    ),
    verify: fc.oneof(
      { weight: 5, arbitrary: fc.constant('accepts' as const) },
      { weight: 3, arbitrary: fc.constantFrom(...(Object.keys(VERIFIES) as ['accepts'])) },
    ),
  });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: request(
      fc.record({
        kind: fc.constant('password' as const),
        username: field(undefined, 256),
        password: field('PW', 1024),
        otp: fc.constantFrom(MISSING, MISSING, MISSING, marked('OT', '1')),
        extra: fc.boolean(),
      }),
      answerTo.password,
    ),
  },
  {
    weight: 14,
    arbitrary: request(
      fc.record({
        kind: fc.constant('otp' as const),
        otp: field('OT', 64),
        extra: fc.boolean(),
      }),
      answerTo.otp,
    ),
  },
  {
    weight: 1,
    arbitrary: request(
      fc.record({
        kind: fc.constant('odd' as const),
        which: fc.nat({ max: ODD_BODIES.length - 1 }),
      }),
      answerTo.otp,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('cancel' as const),
      browser: fc.constantFrom(0, 1),
    }),
  },
);

const HOUR = 3_600_000;

const anyGroup = fc.record({
  wait: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...[1, 499, 500, 2000, 59_999, 60_000, 299_999],
        ...[HOUR, 24 * HOUR, -HOUR],
      ),
    },
  ),
  steps: fc.oneof(
    { weight: 6, arbitrary: fc.array(step, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(step, { minLength: 2, maxLength: 4 }) },
  ),
});

const plain = {
  type: 'request',
  browser: 0,
  oldCookie: false,
  verify: 'accepts',
  meanwhile: 'nothing',
} as const;

/** A password that is right, and then many passcodes for it at once. */
const rush = fc
  .array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          otp: fc.constantFrom(marked('OT', '1'), marked('OT', '2'), marked('OT', '3')),
          answer: fc.oneof(
            { weight: 3, arbitrary: answerTo.refusal },
            { weight: 1, arbitrary: answerTo.otp },
          ),
        }),
      },
      { weight: 1, arbitrary: step },
    ),
    { minLength: 2, maxLength: 6 },
  )
  .map((steps): Case['groups'] => [
    {
      wait: 0,
      steps: [
        {
          ...plain,
          body: { kind: 'password', username: 'u', password: marked('PW'), extra: false },
          answer: { kind: 'mfa', status: 403, token: 'good', text: 4 },
        },
      ],
    },
    {
      wait: 0,
      steps: steps.map((one): Step =>
        'otp' in one
          ? { ...plain, body: { kind: 'otp', otp: one.otp, extra: false }, answer: one.answer }
          : one,
      ),
    },
  ]);

export const anyCase: fc.Arbitrary<Case> = fc.record({
  options: fc.record({
    requireMfa: fc.constantFrom(true, true, false),
    maxOtpAttempts: fc.constantFrom(1, 2, 3),
    transactionMaxAge: fc.constantFrom(0.5, 60, 300),
    mfaRedirect: fc.boolean(),
    clientAuthentication: fc.constantFrom('client_secret_basic', 'client_secret_post', 'none'),
    userInfo: fc.oneof(
      { weight: 6, arbitrary: fc.constant('no' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(USER_INFO) as ['good'])) },
    ),
    ownStore: fc.constantFrom(false, false, true),
    resave: fc.constantFrom(false, false, true),
    byInstance: fc.boolean(),
    instances: fc.constantFrom(1 as const, 2 as const, 'each' as const),
    keys: fc.oneof(
      { weight: 9, arbitrary: fc.constant('good') },
      { weight: 1, arbitrary: fc.constantFrom(...Object.keys(KEY_ANSWERS)) },
    ),
  }),
  pace: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 6 }),
  groups: fc.oneof(
    { weight: 2, arbitrary: fc.array(anyGroup, { minLength: 1, maxLength: 7 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(rush, fc.array(anyGroup, { maxLength: 3 }))
        .map(([first, then]) => [...first, ...then]),
    },
  ),
});

// What comes out. ------------------------------------------------------------------------------

/** A transaction, as the model has it. */
type Pending = Omit<Transaction, 'id' | 'clientDigest'>;

/** A request under way, with all that is known of it. */
interface Call {
  step: Step & { type: 'request' };
  req: FakeRequest;
  actions: Action[];
  posts: Sent[];
  verified: OktaProfile[];
}

/** An `mfa_token`: whose it is, until when, and what Okta said of the passcodes for it. */
interface Issue {
  browser: Browser;
  until: number;
  refused: number;
  used: boolean;
}

/** What the contract promises of one step that comes alone. */
interface Expected {
  posts: number;
  outcome: Partial<Record<'name' | 'code' | 'status' | 'attemptsRemaining', unknown>>;
  transaction: Pending | undefined;
}

const STATUS: Record<string, number> = {
  missing_credentials: 400,
  invalid_credentials: 401,
  mfa_required: 403,
  invalid_otp: 401,
  otp_attempts_exceeded: 401,
  mfa_transaction_missing: 401,
  mfa_transaction_expired: 401,
  access_denied: 403,
  mfa_not_enforced: 403,
  rate_limited: 429,
};
/** Runs a case, and throws where a promise of the contract is broken. */
export async function runCase({ options, pace, groups }: Case): Promise<void> {
  clock.reset();
  published.length = 0;
  let turn = 0;
  const nextPace = () => pace[turn++ % pace.length] ?? 0;
  const sessions = new Sessions(nextPace);
  const store = new BrowserStore();
  const browsers = [new Browser(sessions), new Browser(sessions)] as const;
  for (const browser of browsers) {
    const id = sessions.newID();
    sessions.saved.set(id, '{"cart":"tea"}');
    browser.cookies.push(id);
  }
  const calls = new Map<string, Call>();
  const all: Call[] = [];
  /** By `mfa_token`. */
  const issued = new Map<string, Issue>();
  /** Tokens of Okta's that are to be believed, and what they were given for. */
  const grants: { call: Call; mfaToken: string | null; otp: string | null; sub: string }[] = [];
  let keyRequests = 0;
  let atOnce = 0;
  let lastSub = '';

  /** Broken promises seen from within the strategy, which would take a throw for a failing Okta. */
  const broken: unknown[] = [];
  const noting = <T>(look: () => T): T => {
    try {
      return look();
    } catch (error) {
      broken.push(error);
      throw error;
    }
  };

  const dispatcher = fakeOkta(answerSlowly, nextPace);

  async function answerSlowly(sent: Sent): Promise<Reply> {
    const reply = noting(() => answer(sent));
    const call = calls.get(sent.headers['x-device-token'] ?? '');
    if (call !== undefined && sent.form.has('otp')) await interfere(call);
    return reply;
  }

  /** Another request of the same browser, which has ended by the time that Okta answers. */
  async function interfere({ step, req: { browser, sessionID = '' } }: Call): Promise<void> {
    if (step.meanwhile === 'cancel') {
      await newest().cancel(asRequest(browser.request('cancel', undefined)));
    } else if (step.meanwhile === 'sign-out') {
      store.saved.delete(browser);
      sessions.saved.delete(sessionID);
    }
  }

  function answer(sent: Sent): Reply {
    if (sent.method === 'GET') {
      if (sent.path.includes('/keys?')) return KEY_ANSWERS[options.keys]!(keyRequests++);
      assert.ok(options.userInfo !== 'no');
      return USER_INFO[options.userInfo](lastSub);
    }
    const call = calls.get(sent.headers['x-device-token'] ?? '');
    assert.ok(call, 'a POST of nobody');
    return answerPost(sent, call);
  }

  function answerPost(sent: Sent, call: Call): Reply {
    const { form } = sent;
    const { browser } = call.req;
    const isOtp = form.get('grant_type') !== 'password';
    const mfaToken = form.get('mfa_token');
    const { answer: first } = call.step;
    const answer = call.posts.length > 0 && first.kind === 'fails' ? first.again : first;
    if (isOtp) {
      const issue = issued.get(mfaToken ?? '');
      assert.ok(issue, 'an mfa_token that Okta never gave');
      assert.equal(issue.browser, browser, "another browser's mfa_token");
      assert.ok(clock.now() < issue.until, 'a passcode for an expired login');
      assert.ok(issue.refused < options.maxOtpAttempts, 'more passcodes than allowed');
      // With `resave` an old copy of the session may bring a login back that was completed.
      if (!options.resave) assert.ok(!issue.used, 'a passcode for a login that is complete');
      if (countsAsAttempt(answer)) issue.refused += 1;
    }
    call.posts.push(sent);
    const bytes = reply(answer, sent);
    // The time that it takes would be that of the others as well.
    if (bytes === 'hang' && atOnce > 1) return { fails: { code: 'ECONNRESET' } };
    if (typeof bytes === 'object' && 'body' in bytes) note(bytes.status, bytes.body);
    return bytes;

    /** What it means to this test's own reading, which knows nothing of the kinds of answers. */
    function note(status: number, body: string): void {
      const json = parse(body);
      const token = json['mfa_token'];
      if (status === 200) {
        const sub = believedSub(json['id_token'], clock.now());
        const { access_token, token_type = 'Bearer' } = json;
        if (sub === undefined || typeof access_token !== 'string' || access_token === '') return;
        if (typeof token_type !== 'string' || token_type.toLowerCase() !== 'bearer') return;
        lastSub = sub;
        grants.push({ call, mfaToken, otp: form.get('otp'), sub });
        const issue = issued.get(mfaToken ?? '');
        const complete = options.keys === 'good' && ['no', 'good'].includes(options.userInfo);
        if (issue !== undefined && complete) issue.used = true;
      } else if (typeof token === 'string' && status >= 400 && status < 500) {
        const until = clock.now() + options.transactionMaxAge * 1000;
        // At the second step Okta wants a third factor: what was counted stays counted.
        const { refused = 0 } = issued.get(mfaToken ?? '') ?? {};
        issued.set(token, { browser, until, refused, used: false });
      }
    }
  }

  const newStrategy = () =>
    new OktaDirectMfaStrategy(
      {
        issuer: ISSUER,
        clientID: CLIENT_ID,
        dispatcher,
        clockTolerance: CLOCK_TOLERANCE,
        requireMfa: options.requireMfa,
        maxOtpAttempts: options.maxOtpAttempts,
        transactionMaxAge: options.transactionMaxAge,
        userInfo: options.userInfo !== 'no',
        deviceToken: (req) => (req as unknown as FakeRequest).tag,
        passReqToCallback: true,
        ...(options.mfaRedirect ? { mfaRedirect: MFA_REDIRECT } : {}),
        ...(options.ownStore ? { store } : {}),
        ...(options.clientAuthentication === 'none'
          ? {}
          : {
              clientSecret: CLIENT_SECRET,
              clientAuthentication: options.clientAuthentication,
            }),
      },
      ((req: unknown, tokens: OktaTokens, profile: OktaProfile, done: VerifyCallback) => {
        const call = noting(() => {
          const found = calls.get((req as FakeRequest).tag);
          assert.ok(found);
          assert.equal(tokens.claims.sub, profile.id);
          return found;
        });
        call.verified.push(profile);
        return VERIFIES[call.step.verify][1]({ id: profile.id }, done);
      }) as never,
    );

  const strategies = [newStrategy(), newStrategy()] as const;
  /** The instance for this request. */
  function newest(): OktaDirectMfaStrategy {
    if (options.instances === 'each') return newStrategy();
    return strategies[options.instances === 2 && all.length % 2 === 0 ? 1 : 0];
  }

  function start(step: Step & { type: 'request' }): Call {
    const tag = `r${all.length}`;
    const body = toBody(step.body);
    const req = browsers[step.browser].request(tag, body, {}, step.oldCookie ? 1 : 0);
    const call: Call = { step, req, actions: [], posts: [], verified: [] };
    calls.set(tag, call);
    all.push(call);
    call.actions = present(newest(), req, options.byInstance);
    return call;
  }

  const transactionOf = (browser: Browser) => {
    const value = options.ownStore
      ? parse(store.saved.get(browser) ?? '{}')
      : ((browser.content[SESSION_KEY] ?? {}) as Record<string, unknown>);
    const { mfaToken, username, expiresAt, attempts } = value as Partial<Pending>;
    return mfaToken === undefined ? undefined : { mfaToken, username, expiresAt, attempts };
  };

  /** The transaction of each browser; `unsure` after requests that came at once. */
  const models: (Pending | undefined | 'unsure')[] = [undefined, undefined];

  /** Browsers that may be in another session than the one they began with. */
  const strayed = new Set<0 | 1>();

  for (const { wait, steps } of groups) {
    clock.move(wait);
    atOnce = steps.length;
    const alone = steps.length === 1 ? steps[0] : undefined;
    const expected = alone && expect(alone);
    const started: Call[] = [];
    const cancels: Promise<unknown>[] = [];
    for (const step of steps) {
      if (step.type === 'request') started.push(start(step));
      else {
        const req = browsers[step.browser].request('cancel', undefined);
        cancels.push(newest().cancel(asRequest(req)));
      }
    }
    await Promise.all(cancels);
    await new Promise((resolve) => setImmediate(resolve));

    if (broken.length > 0) throw broken[0];
    for (const call of started) {
      check(call);
      call.req.browser.keep(call.req, options.resave && !options.ownStore);
    }
    if (alone !== undefined) {
      if (expected !== undefined) compare(alone, expected, started[0]);
      const transaction = transactionOf(browsers[alone.browser]);
      models[alone.browser] = expected === undefined ? unsure(transaction) : expected.transaction;
    } else {
      for (const index of [0, 1] as const) {
        if (steps.some(({ browser }) => browser === index)) {
          models[index] = unsure(transactionOf(browsers[index]));
        }
      }
    }
    for (const step of steps) {
      if (
        alone === undefined ||
        (step.type === 'request' && (step.oldCookie || step.meanwhile === 'sign-out'))
      ) {
        strayed.add(step.browser);
      }
    }
    for (const index of [0, 1] as const) {
      if (strayed.has(index)) continue;
      assert.equal(browsers[index].content['cart'], 'tea', 'a key of the app is lost');
    }
  }

  const told = new Map<unknown, number>();
  for (const { request, event } of published) {
    told.set(request, (told.get(request) ?? 0) + 1);
    assertSafeEvent(event);
  }
  for (const call of all) {
    assert.ok((told.get(call.req) ?? 0) <= 1, 'an event twice');
    // None came later either.
    assertOneAction(call);
  }
  assert.equal(clock.holding(), 0, 'a timer is left');
  assert.ok(clock.running() <= 1, 'more than one timer for all transactions');
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);

  function unsure(transaction: unknown): undefined | 'unsure' {
    return transaction === undefined ? undefined : 'unsure';
  }

  /** The promises that hold of any request, whatever else goes on. */
  function check(call: Call): void {
    const { actions, req, step } = call;
    assertOneAction(call);
    const [action] = actions;
    if (action === undefined) return;
    switch (action.name) {
      case 'success': {
        const { id } = action.user as { id: string };
        const isOtp = otpOf(step.body) !== undefined;
        const proof = grants.find(
          (grant) =>
            grant.sub === id &&
            grant.call.verified.length > 0 &&
            (grant.call === call ||
              (isOtp && // the second half of a double click
                grant.call.req.browser === req.browser &&
                grant.otp === otpOf(step.body))),
        );
        assert.ok(proof, 'a login without tokens of Okta');
        if (isOtp) {
          const issue = issued.get(proof.mfaToken ?? '');
          assert.equal(issue?.browser, req.browser, 'a login without a password');
        } else assert.equal(options.requireMfa, false, 'a login by the password alone');
        const { verified, step: decided } = proof.call;
        assert.equal(verified.length, 1, 'verify was not called once');
        assert.equal(verified[0]?.id, id);
        assert.equal(VERIFIES[decided.verify][0], 'success');
        assert.ok(isOtp || call === proof.call);
        const interfered = isOtp && call.posts.length > 0 && step.meanwhile !== 'nothing';
        assert.ok(!interfered, 'a login came back');
        break;
      }
      case 'fail': {
        const { info, status } = action;
        if (!Object.hasOwn(STATUS, String((info as { code?: string } | undefined)?.code))) {
          assert.ok(verdictsOn(call).includes('fail'), 'a refusal of nobody');
          break;
        }
        checkInfo(info as Record<string, unknown>, status);
        break;
      }
      case 'redirect':
        assert.ok(options.mfaRedirect);
        assert.equal(action.url, MFA_REDIRECT);
        break;
      case 'error':
        checkError(action.error, call);
        break;
      case 'pass':
        assert.fail('pass() lets the request through');
    }
  }

  /** What verify said of this request, or of the other half of its double click. */
  function verdictsOn(call: Call): unknown[] {
    const isSame = (other: Call) =>
      other === call ||
      (other.req.browser === call.req.browser &&
        otpOf(call.step.body) !== undefined &&
        otpOf(other.step.body) === otpOf(call.step.body));
    return all
      .filter((other) => other.verified.length > 0 && isSame(other))
      .map(({ step }) => VERIFIES[step.verify][0]);
  }

  /** None, where verify never decides: the request waits. */
  function assertOneAction(call: Call): void {
    if (call.actions.length === 0 && verdictsOn(call).includes('nothing')) return;
    assert.equal(call.actions.length, 1, inspectCall(call));
  }

  function checkInfo(info: Record<string, unknown>, status: unknown): void {
    const { code, message, field, ...more } = info;
    assert.equal(status, STATUS[code as string], `status of ${String(code)}`);
    assert.equal(typeof message, 'string');
    if (code === 'missing_credentials') {
      assert.ok(['username', 'password', 'otp'].includes(field as string), String(field));
    } else assert.ok(!('field' in info));
    for (const [name, value] of Object.entries(more)) {
      if (name === 'factors') {
        assert.deepEqual(value, ['otp']);
        continue;
      }
      assert.ok(['expiresAt', 'attemptsRemaining', 'retryAfter'].includes(name), name);
      assert.ok(Number.isSafeInteger(value) && (value as number) > 0, `${name} ${String(value)}`);
    }
    assert.deepEqual(Reflect.ownKeys(info), Object.keys(info));
    assertNoSecret(JSON.stringify(info));
    if (isPrinted()) assertNoSecret(everyPrint(info));
  }

  function checkError(error: unknown, call: Call): void {
    if (!(error instanceof OktaDirectMfaError)) {
      assert.ok(verdictsOn(call).includes('error'), inspect(error));
      assert.ok(typeof error === 'object' && error !== null, 'Express takes it for no error');
      return;
    }
    assertTypedError(error);
  }

  /** What the contract says of a step that comes alone; `undefined` where it depends. */
  function expect(step: Step): Expected | undefined {
    const before = models[step.browser];
    if (before === 'unsure') {
      return step.type === 'cancel' ? { posts: 0, outcome: {}, transaction: undefined } : undefined;
    }
    if (step.type === 'cancel') return { posts: 0, outcome: {}, transaction: undefined };
    if (step.oldCookie && !options.ownStore) return undefined;

    const { body } = step;
    const untouched = (code: string): Expected => fails(code, 0, before);
    if (body.kind === 'odd') return untouched('missing_credentials');
    if (body.kind === 'password' && body.password !== MISSING) {
      if (!usable(body.username, 256) || !usable(body.password, 1024)) {
        return untouched('missing_credentials');
      }
      return expectPassword(step, body.username.trim(), before);
    }
    if (body.otp === MISSING || !usable(body.otp, 64) || cleanCode(body.otp) === '') {
      return untouched('missing_credentials');
    }
    if (before === undefined) return untouched('mfa_transaction_missing');
    if (before.expiresAt <= clock.now()) return fails('mfa_transaction_expired', 0, undefined);
    if (before.attempts >= options.maxOtpAttempts) {
      return fails('otp_attempts_exceeded', 0, undefined);
    }
    const usual = expectOtp(step, before);
    if (step.meanwhile === 'nothing' || usual === undefined) return usual;
    // Refused in one way or another; that it is no login is checked in any case.
    return { posts: usual.posts, outcome: {}, transaction: undefined };
  }

  /** The answer that counts, and how many POSTs it takes. */
  function settled(first: Answer) {
    return first.kind === 'fails' && NEVER_SENT.has(first.code)
      ? { answer: first.again, posts: 2 }
      : { answer: first, posts: 1 };
  }

  function expectPassword(
    step: Step & { type: 'request' },
    username: string,
    before: Pending | undefined,
  ): Expected | undefined {
    const { answer, posts } = settled(step.answer);
    const meaning = meaningOf(answer, 'password');
    if (meaning === undefined) return undefined;
    if (meaning === 'mfa_required') {
      const age = Math.round(options.transactionMaxAge * 1000);
      const transaction = { mfaToken: '', username, expiresAt: clock.now() + age, attempts: 0 };
      return options.mfaRedirect
        ? { posts, outcome: { name: 'redirect' }, transaction }
        : fails('mfa_required', posts, transaction);
    }
    if (typeof meaning === 'object' && 'grant' in meaning) {
      if (options.requireMfa) return fails('mfa_not_enforced', posts, undefined);
      return expectGrant(step, meaning.grant, posts, before);
    }
    return expectRefusal(meaning, 'invalid_credentials', posts, before);
  }

  function expectOtp(step: Step & { type: 'request' }, before: Pending): Expected | undefined {
    if (options.keys !== 'good') return undefined;
    const { answer, posts } = settled(step.answer);
    const meaning = meaningOf(answer, 'otp');
    if (meaning === undefined) return undefined;
    if (meaning === 'refused') {
      const attempts = before.attempts + 1;
      const attemptsRemaining = options.maxOtpAttempts - attempts;
      if (attemptsRemaining === 0) return fails('otp_attempts_exceeded', posts, undefined);
      const outcome = { name: 'fail', code: 'invalid_otp', status: 401, attemptsRemaining };
      return { posts, outcome, transaction: { ...before, attempts } };
    }
    if (meaning === 'mfa_required') {
      const age = Math.round(options.transactionMaxAge * 1000);
      const transaction = { ...before, mfaToken: '', expiresAt: clock.now() + age };
      return options.mfaRedirect
        ? { posts, outcome: { name: 'redirect' }, transaction }
        : fails('mfa_required', posts, transaction);
    }
    if (typeof meaning === 'object' && 'grant' in meaning) {
      return expectGrant(step, meaning.grant, posts, before);
    }
    return expectRefusal(meaning, 'invalid_otp', posts, before, countsAsAttempt(answer));
  }

  function expectRefusal(
    meaning: Exclude<Meaning, 'mfa_required' | { grant: string }>,
    refusal: string,
    posts: number,
    before: Pending | undefined,
    counts = false,
  ): Expected {
    if (typeof meaning === 'object') {
      const { error: code, status } = meaning;
      const counted = before && counts ? { ...before, attempts: before.attempts + 1 } : before;
      return { posts, outcome: { name: 'error', code, status }, transaction: counted };
    }
    switch (meaning) {
      case 'rate_limited':
        return fails('rate_limited', posts, before);
      case 'refused':
        return fails(refusal, posts, undefined);
      case 'expired':
        return fails('mfa_transaction_expired', posts, undefined);
      case 'access_denied':
        return fails('access_denied', posts, undefined);
    }
  }

  function expectGrant(
    { verify }: Step & { type: 'request' },
    jwt: string,
    posts: number,
    before: Pending | undefined,
  ): Expected | undefined {
    if (options.keys !== 'good') return undefined;
    const failing = (code: string): Expected => ({
      posts,
      outcome: { name: 'error', code, status: 502 },
      transaction: before,
    });
    if (believedSub(jwt, clock.now()) === undefined) return failing('invalid_id_token');
    if (!['no', 'good'].includes(options.userInfo)) return failing('invalid_userinfo');
    const [name] = VERIFIES[verify];
    if (name === 'nothing') return undefined;
    return { posts, outcome: { name }, transaction: undefined };
  }

  function fails(code: string, posts: number, transaction: Pending | undefined): Expected {
    return { posts, outcome: { name: 'fail', code, status: STATUS[code] }, transaction };
  }

  function compare(step: Step, { posts, outcome, transaction }: Expected, call?: Call): void {
    const saved = transactionOf(browsers[step.browser]);
    if (transaction === undefined)
      assert.equal(saved, undefined, 'a transaction is left that should be gone');
    else {
      assert.ok(saved, 'a transaction is gone that should be kept');
      if (transaction.mfaToken === '') transaction.mfaToken = saved.mfaToken;
      assert.ok(issued.has(transaction.mfaToken));
      assert.deepEqual(saved, {
        mfaToken: transaction.mfaToken,
        username: transaction.username,
        expiresAt: transaction.expiresAt,
        attempts: transaction.attempts,
      });
    }
    if (call === undefined) return;
    assert.equal(call.posts.length, posts, 'how many POSTs left');
    const [action] = call.actions;
    const { info, error, status } = (action ?? {}) as Record<string, Record<string, unknown>>;
    const got: Record<string, unknown> = {
      name: action?.name,
      code: info?.['code'] ?? error?.['code'],
      status: error?.['status'] ?? status,
      attemptsRemaining: info?.['attemptsRemaining'],
    };
    for (const [name, value] of Object.entries(outcome)) assert.equal(got[name], value, name);
  }
}

const inspectCall = ({ actions, step }: Call) =>
  `not exactly one action: ${inspect(actions)} for ${JSON.stringify(step.body)}`;

/** The passcode of a passcode step, as it goes to Okta. */
function otpOf(body: BodySpec): string | undefined {
  if (body.kind === 'odd' || (body.kind === 'password' && body.password !== MISSING)) {
    return undefined;
  }
  return cleanCode(String(body.otp));
}
