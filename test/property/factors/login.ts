import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import {
  OktaDirectMfaError,
  OktaDirectMfaStrategy,
  type OktaProfile,
  type OktaTokens,
  type PendingTransaction,
  type Transaction,
  type VerifyCallback,
} from '../../../lib/index.js';
import { cleanCode } from '../../../lib/factors/body.js';
import { asRequest, CLIENT_ID, everyPrint, ISSUER } from '../../support/fixtures.js';
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
} from '../checks.js';
import { clock } from '../clock.js';
import { CLOCK_TOLERANCE, KEYS } from '../id-tokens.js';
import { fakeOkta, type Reply, type Sent } from '../okta.js';
import { Browser, BrowserStore, Sessions, type FakeRequest } from '../session.js';
import { isPending, NUMBER_MARK, outOfBandIn, passkeyIn, replyTo, slowsDown } from './answers.js';
import { isNumberMissing, OktaModel, type OktaCall } from './okta.js';
import {
  ALL_FACTORS,
  bodyOf,
  chosenBy,
  idIn,
  OOB_FACTORS,
  passcodeChoice,
  rightPassword,
  type FactorCase,
  type Known,
  type RequestStep,
} from './steps.js';

const SESSION_KEY = 'okta-direct-mfa';
const MFA_REDIRECT = '/login/factor';

/** A request under way, with all that is known of it. */
interface Call extends OktaCall {
  req: FakeRequest;
  actions: Action[];
  group: number;
  verified: OktaProfile[];
  /** What Okta answered last. */
  answered?: Record<string, unknown>;
  /** What another request did meanwhile, if it did. */
  interfered: boolean;
}

// What the contract's tables say. -----------------------------------------------------------------

type Fate = 'untouched' | 'kept' | 'challenge gone' | 'dropped' | 'anything';

/** By `info.code`: the status, the other members, and what becomes of the login. */
const INFOS: Record<string, { status: number; has: string[]; may?: string[]; fate: Fate }> = {
  missing_credentials: { status: 400, has: ['field'], fate: 'untouched' },
  invalid_credentials: { status: 401, has: [], fate: 'dropped' },
  mfa_required: { status: 403, has: ['expiresAt', 'factors'], fate: 'anything' },
  authorization_pending: {
    status: 403,
    has: ['factor', 'challenge', 'interval', 'expiresAt'],
    may: ['numberChallenge'],
    fate: 'kept',
  },
  code_sent: {
    status: 403,
    has: ['factor', 'challenge', 'expiresAt', 'resendAt'],
    fate: 'kept',
  },
  webauthn_required: { status: 403, has: ['challenge', 'publicKey', 'expiresAt'], fate: 'kept' },
  invalid_otp: { status: 401, has: ['attemptsRemaining'], fate: 'kept' },
  otp_attempts_exceeded: { status: 401, has: [], fate: 'dropped' },
  push_rejected: { status: 401, has: [], fate: 'challenge gone' },
  challenge_expired: { status: 401, has: [], fate: 'challenge gone' },
  challenge_replaced: { status: 409, has: [], fate: 'untouched' },
  webauthn_failed: { status: 401, has: ['attemptsRemaining'], fate: 'challenge gone' },
  factor_unavailable: { status: 403, has: ['factor', 'factors'], fate: 'kept' },
  number_challenge_required: { status: 403, has: [], fate: 'challenge gone' },
  too_many_challenges: { status: 429, has: [], may: ['retryAfter'], fate: 'untouched' },
  mfa_transaction_missing: { status: 401, has: [], fate: 'dropped' },
  mfa_transaction_expired: { status: 401, has: [], fate: 'dropped' },
  access_denied: { status: 403, has: [], fate: 'dropped' },
  mfa_not_enforced: { status: 403, has: [], fate: 'dropped' },
  rate_limited: { status: 429, has: [], may: ['retryAfter'], fate: 'untouched' },
};

const SECOND_STEP = [
  ...['missing_credentials', 'mfa_required', 'challenge_expired', 'access_denied'],
  ...['mfa_transaction_missing', 'mfa_transaction_expired', 'challenge_replaced'],
];
/** By the kind of request: what it may come to. */
const CODES: Record<RequestStep['type'], string[]> = {
  password: [
    ...['invalid_credentials', 'mfa_required', 'access_denied', 'mfa_not_enforced'],
    ...['rate_limited'],
  ],
  factor: [
    ...['missing_credentials', 'mfa_required', 'authorization_pending', 'code_sent'],
    ...['webauthn_required', 'factor_unavailable', 'number_challenge_required'],
    ...['too_many_challenges', 'challenge_replaced', 'rate_limited', 'access_denied'],
    ...['mfa_transaction_missing', 'mfa_transaction_expired'],
  ],
  poll: [
    ...SECOND_STEP,
    ...['authorization_pending', 'code_sent', 'webauthn_required', 'push_rejected'],
  ],
  otp: [...SECOND_STEP, 'invalid_otp', 'otp_attempts_exceeded', 'rate_limited'],
  assertion: [...SECOND_STEP, 'webauthn_failed', 'otp_attempts_exceeded', 'rate_limited'],
};
const EVENT_STEP = {
  password: 'password',
  factor: 'challenge',
  poll: 'poll',
  otp: 'code',
  assertion: 'assertion',
} as const;

const VERIFIES = {
  accepts: (user: object, done: VerifyCallback) => done(null, user),
  'accepts late': async (user: object) => (await Promise.resolve(), await Promise.resolve(), user),
  refuses: (_: object, done: VerifyCallback) => done(null, false, { message: 'closed' }),
};

/** Runs a case, and throws where a promise of the contract is broken. */
export async function runFactorCase({ options, pace, groups }: FactorCase): Promise<void> {
  clock.reset();
  published.length = 0;
  let turn = 0;
  const nextPace = () => pace[turn++ % pace.length] ?? 0;
  const sessions = new Sessions(nextPace);
  const store = new BrowserStore();
  let writes = 0;
  for (const saved of [sessions.saved, store.saved] as Map<unknown, string>[]) {
    saved.set = (key, json) => {
      writes += 1;
      return Map.prototype.set.call(saved, key, json) as typeof saved;
    };
  }
  const browsers = [new Browser(sessions), new Browser(sessions)] as const;
  for (const browser of browsers) {
    const id = sessions.newID();
    sessions.saved.set(id, '{"cart":"tea"}');
    browser.cookies.push(id);
  }
  const okta = new OktaModel(options);
  const calls = new Map<string, Call>();
  let atOnce = 0;

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

  async function answer(sent: Sent): Promise<Reply> {
    if (sent.method === 'GET') return { status: 200, body: KEYS };
    const call = calls.get(sent.headers['x-device-token'] ?? '');
    const reply = noting(() => {
      assert.ok(call, 'a POST of nobody');
      const answer = okta.receive(sent, call);
      const bytes = replyTo(answer, sent);
      if (typeof bytes === 'object' && 'body' in bytes) {
        okta.note(sent, call, answer, bytes.status, bytes.body);
        call.answered = parse(bytes.body);
      }
      // The time that it takes would be that of the others as well.
      return bytes === 'hang' && atOnce > 1 ? { fails: { code: 'ECONNRESET' } } : bytes;
    });
    if (call !== undefined && !sent.path.endsWith('/v1/challenge')) await interfere(call);
    return reply;
  }

  /** Another request of the same browser, which has ended by the time that Okta answers. */
  async function interfere(call: Call): Promise<void> {
    const { step, browser, req } = call;
    if (step.type === 'password' || call.posts.length > 1) return;
    switch (step.meanwhile) {
      case 'nothing':
        return;
      case 'cancel':
        await newest().cancel(asRequest(browser.request('cancel', undefined)));
        break;
      case 'sign-out':
        store.saved.delete(browser);
        sessions.saved.delete(req.sessionID ?? '');
        break;
      case 'password':
      case 'choice': {
        const ask = step.meanwhile === 'password' ? rightPassword : passcodeChoice;
        const other = start(ask(step.browser));
        while (other.actions.length === 0) await new Promise((resolve) => setImmediate(resolve));
        browser.keep(other.req, false);
      }
    }
    call.interfered = true;
  }

  const newStrategy = () =>
    new OktaDirectMfaStrategy(
      {
        issuer: ISSUER,
        clientID: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
        dispatcher: fakeOkta(answer, nextPace),
        clockTolerance: CLOCK_TOLERANCE,
        factors: [...ALL_FACTORS],
        maxChallenges: options.maxChallenges,
        resendAfter: options.resendAfter,
        requireNumberChallenge: options.requireNumberChallenge,
        maxOtpAttempts: options.maxOtpAttempts,
        transactionMaxAge: options.transactionMaxAge,
        deviceToken: (req) => (req as unknown as FakeRequest).tag,
        passReqToCallback: true,
        ...(options.mfaRedirect ? { mfaRedirect: MFA_REDIRECT } : {}),
        ...(options.ownStore ? { store } : {}),
      },
      (req: unknown, _: OktaTokens, profile: OktaProfile, done: VerifyCallback) => {
        const call = calls.get((req as FakeRequest).tag);
        noting(() => assert.ok(call, 'verify for nobody'));
        call?.verified.push(profile);
        return VERIFIES[call?.step.verify ?? 'refuses']({ id: profile.id }, done);
      },
    );
  const strategy = newStrategy();
  const newest = () => (options.instances === 'each' ? newStrategy() : strategy);

  const transactionOf = (browser: Browser): Transaction | undefined => {
    const value = options.ownStore
      ? parse(store.saved.get(browser) ?? '{}')
      : browser.content[SESSION_KEY];
    return (value as { id?: unknown } | undefined)?.id === undefined
      ? undefined
      : (value as Transaction);
  };

  /** What the pages of each browser know. */
  const known: [Known, Known] = [
    { current: undefined, stale: undefined, other: undefined },
    { current: undefined, stale: undefined, other: undefined },
  ];

  function start(step: RequestStep): Call {
    const tag = `r${calls.size}`;
    const browser = browsers[step.browser];
    const pages = known[step.browser];
    const req = browser.request(tag, bodyOf(step, pages));
    const id = 'id' in step ? idIn(step.id, pages) : undefined;
    const current = transactionOf(browser)?.challenge?.id;
    const { group } = okta;
    const call: Call = {
      ...{ step, browser, id, current, req, group },
      ...{ actions: [], posts: [], verified: [], interfered: false },
    };
    calls.set(tag, call);
    call.actions = present(newest(), req, options.byInstance);
    return call;
  }

  /** Browsers that may be in another session than the one they began with. */
  const strayed = new Set<0 | 1>();

  for (const { wait, steps } of groups) {
    clock.move(wait);
    okta.group += 1;
    atOnce = steps.length;
    for (const browser of browsers) okta.kept.set(browser, transactionOf(browser)?.mfaToken);
    const [alone] = steps.length === 1 ? steps : [];
    const before = alone && transactionOf(browsers[alone.browser]);
    const asks = alone && alone.type !== 'cancel' ? isForwarded(alone, before) : undefined;
    const written = writes;
    const first = calls.size;
    const cancels: Promise<unknown>[] = [];
    for (const step of steps) {
      if (step.type !== 'cancel') start(step);
      else {
        const req = browsers[step.browser].request('cancel', undefined);
        cancels.push(newest().cancel(asRequest(req)));
      }
    }
    await Promise.all(cancels);
    await new Promise((resolve) => setImmediate(resolve));
    const started = [...calls.values()].slice(first);
    while (started.some(({ actions }) => actions.length === 0)) {
      if (clock.holding() === 0) break;
      await new Promise((resolve) => setImmediate(resolve));
    }

    if (broken.length > 0) throw broken[0];
    for (const call of started) {
      check(call);
      call.browser.keep(call.req, false);
    }
    const [call] = started;
    if (alone !== undefined && call !== undefined) {
      const after = transactionOf(call.browser);
      if (asks !== undefined) assert.equal(call.posts.length > 0, asks, describe(call));
      if (!call.interfered) checkAlone(call, before, after, writes - written);
    }
    for (const { browser, ...step } of steps) {
      const isOne = steps.filter((other) => other.browser === browser).length === 1;
      if (!isOne || ('meanwhile' in step && step.meanwhile !== 'nothing')) strayed.add(browser);
    }
    await look();
  }

  const told = new Map<unknown, number>();
  for (const { request, event } of published) {
    told.set(request, (told.get(request) ?? 0) + 1);
    assertSafeEvent(event);
    assert.doesNotMatch(JSON.stringify(event), NUMBER_MARK, 'a number in an event');
    const call = calls.get((request as FakeRequest).tag);
    if (call !== undefined && !isOdd(call.step))
      assert.equal(event.step, EVENT_STEP[call.step.type]);
    assert.equal(event.authenticated, call?.actions[0]?.name === 'success');
  }
  for (const call of calls.values()) {
    assert.equal(told.get(call.req), 1, 'not one event');
    // None came later either.
    assert.equal(call.actions.length, 1, describe(call));
  }
  assert.equal(clock.holding(), 0, 'a timer is left');

  /** What the page that comes next shows, in each browser. */
  async function look(): Promise<void> {
    const written = writes;
    const pages: (PendingTransaction | undefined)[] = [];
    for (const index of [0, 1] as const) {
      const browser = browsers[index];
      const pending = await newest().pending(asRequest(browser.request('pending', undefined)));
      const transaction = transactionOf(browser);
      pages.push(pending);
      assertNoSecret(JSON.stringify(pending ?? null));
      const isWaiting = transaction !== undefined && transaction.expiresAt > clock.now();
      assert.equal(pending !== undefined, isWaiting);
      if (transaction !== undefined) checkKept(transaction, browser);
      if (pending !== undefined) checkPending(pending, transaction);
      if (!strayed.has(index)) {
        assert.equal(browser.content['cart'], 'tea', 'a key of the app is lost');
      }
    }
    for (const index of [0, 1] as const) {
      const { current: previous, stale } = known[index];
      const current = pages[index]?.challenge;
      const isSame = previous === undefined || previous.id === current?.id;
      known[index] = {
        current,
        stale: isSame ? stale : previous,
        other: pages[1 - index]?.challenge,
      };
    }
    assert.equal(writes, written, 'pending() has written');
  }

  function checkKept({ mfaToken, expiresAt, challenge }: Transaction, browser: Browser): void {
    const login = okta.login(mfaToken);
    assert.equal(login?.browser, browser, "another browser's login");
    assert.ok(expiresAt <= login.until, 'a login that lives too long');
    if (challenge === undefined) return;
    assert.ok(challenge.expiresAt <= expiresAt, 'a challenge that outlives its login');
    const out = okta.out(challenge.oobCode ?? challenge.publicKey?.challenge ?? '');
    assert.equal(out?.login, login, "another login's challenge");
    assert.equal(challenge.awaits, out.awaits);
  }

  function checkPending(
    { challenge, factors, attemptsRemaining, expiresAt }: PendingTransaction,
    transaction: Transaction | undefined,
  ): void {
    const login = okta.login(transaction?.mfaToken ?? '');
    assert.equal(expiresAt, transaction?.expiresAt);
    assert.ok(attemptsRemaining <= options.maxOtpAttempts - (login?.refused ?? 0));
    const left = ALL_FACTORS.filter((factor) => okta.isLeft(transaction?.mfaToken ?? '', factor));
    assert.deepEqual(factors, left);
    if (challenge === undefined) return;
    const { oobCode, publicKey } = transaction?.challenge ?? {};
    const out = okta.out(oobCode ?? publicKey?.challenge ?? '');
    assert.equal(challenge.numberChallenge, out?.number);
    if (out?.awaits === 'approval') assert.equal(challenge.interval, out.interval);
    assert.ok(challenge.expiresAt <= expiresAt);
  }

  /** Whether Okta is asked, of a step that comes alone; `undefined` where it depends. */
  function isForwarded(step: RequestStep, before: Transaction | undefined): boolean | undefined {
    if (step.type === 'password') return true;
    const login = okta.login(before?.mfaToken ?? '');
    if (before === undefined || login === undefined || before.expiresAt <= clock.now()) {
      return false;
    }
    const { challenge } = before;
    const isOut = challenge !== undefined && clock.now() < challenge.expiresAt;
    const out = okta.out(challenge?.oobCode ?? challenge?.publicKey?.challenge ?? '');
    const isCounted = login.refused === before.attempts || undefined;
    const mayProve = before.attempts < options.maxOtpAttempts && isCounted;
    if (step.type === 'factor') {
      const factor = chosenBy(step);
      if (factor === undefined || factor === 'otp') return false;
      if (!okta.isLeft(before.mfaToken, factor)) return false;
      return factor === 'webauthn' || okta.mayResend(login, factor);
    }
    const id = idIn(step.id, known[step.browser]);
    if (id !== undefined && id !== challenge?.id) return false;
    switch (step.type) {
      case 'poll':
        if (!isOut || out?.awaits !== 'approval' || clock.now() < out.earliest) return false;
        return clock.now() >= out.latest || undefined;
      case 'otp':
        if (typeof step.otp !== 'string' || cleanCode(step.otp) === '') return false;
        return challenge?.awaits === 'code' ? isOut && mayProve : mayProve;
      case 'assertion':
        return isOut && out?.awaits === 'assertion' && step.assertion === 'valid' && mayProve;
    }
  }

  /** The promises that hold of any request, whatever else goes on. */
  function check(call: Call): void {
    const { actions, step } = call;
    assert.equal(actions.length, 1, describe(call));
    const [action] = actions as [Action];
    switch (action.name) {
      case 'success':
        checkLogin(call, action.user as { id: string });
        break;
      case 'fail': {
        const info = action.info as Record<string, unknown>;
        if (info['code'] === undefined) {
          assert.ok(
            proofsOf(call).some((proof) => proof.step.verify === 'refuses'),
            'a refusal of nobody',
          );
        } else checkInfo(info, action.status, call);
        if (info['code'] === 'factor_unavailable') okta.refuse(call);
        break;
      }
      case 'redirect':
        assert.ok(options.mfaRedirect);
        assert.equal(action.url, MFA_REDIRECT);
        assert.ok([...WAITING].some((code) => CODES[step.type].includes(code)));
        break;
      case 'error':
        assert.ok(action.error instanceof OktaDirectMfaError, inspect(action.error));
        assertTypedError(action.error);
        assert.doesNotMatch(inspect(action.error), NUMBER_MARK, 'a number in an error');
        break;
      case 'pass':
        assert.fail('pass() lets the request through');
    }
  }

  /** The request, and those at its side whose grant it may share: a double click, or a poll. */
  function proofsOf(call: Call): Call[] {
    return [...calls.values()].filter(
      (other) =>
        other === call ||
        (other.group === call.group &&
          other.browser === call.browser &&
          presented(other) === presented(call)),
    );
  }

  function checkLogin(call: Call, { id }: { id: string }): void {
    const { browser, step, interfered, posts } = call;
    assert.ok(!['password', 'factor'].includes(step.type), 'a login without a factor');
    const proofs = proofsOf(call);
    const grant = okta.grants.find(
      (grant) =>
        proofs.some((proof) => proof === grant.call) &&
        grant.sub === id &&
        grant.login.browser === browser,
    );
    assert.ok(grant, 'a login that Okta has not granted');
    const proof = proofs.find((proof) => proof === grant.call);
    assert.equal(proof?.verified.length, 1, 'verify was not called once');
    assert.notEqual(proof.step.verify, 'refuses');
    const isPasscode = posts[0]?.form.has('otp') ?? false;
    // Choosing the passcode gives up a challenge, and not a passcode that is at Okta.
    if (interfered && !(isPasscode && step.meanwhile === 'choice')) {
      assert.fail('a login came back');
    }
  }

  function checkInfo(info: Record<string, unknown>, status: unknown, call: Call): void {
    const { code, message, ...more } = info;
    assert.ok(CODES[call.step.type].includes(code as string), `${String(code)} of this step`);
    const { status: expected, has, may = [] } = INFOS[code as string]!;
    assert.equal(status, expected, `status of ${String(code)}`);
    assert.equal(typeof message, 'string');
    const names = Object.keys(more);
    assert.deepEqual(Reflect.ownKeys(info), Object.keys(info));
    for (const name of has) assert.ok(names.includes(name), `${String(code)} without ${name}`);
    for (const name of names) assert.ok([...has, ...may].includes(name), name);
    assert.ok(!options.mfaRedirect || !WAITING.has(code as string), 'no redirect');
    assertNoSecret(JSON.stringify(info));
    if (isPrinted()) assertNoSecret(everyPrint(info));
    checkMembers(more, call);
    const { numberChallenge } = more;
    const others = JSON.stringify(info).replaceAll(String(numberChallenge), '');
    assert.doesNotMatch(others, NUMBER_MARK, 'a number that belongs elsewhere');
  }

  function checkMembers(
    {
      expiresAt,
      interval,
      attemptsRemaining,
      retryAfter,
      resendAt,
      ...more
    }: Record<string, unknown>,
    call: Call,
  ): void {
    const isCount = Number.isSafeInteger(attemptsRemaining) && (attemptsRemaining as number) >= 0;
    assert.ok(attemptsRemaining === undefined || isCount, `${String(attemptsRemaining)} attempts`);
    const numbers = { expiresAt, interval, retryAfter, resendAt };
    for (const [name, value] of Object.entries(numbers)) {
      const isGood = typeof value === 'number' && Number.isFinite(value) && value > 0;
      assert.ok(value === undefined || isGood, `${name} ${String(value)}`);
    }
    const { factor, factors, numberChallenge, field } = more;
    const own = okta.loginsOf(call.browser);
    if (expiresAt !== undefined) {
      assert.ok(
        own.some(({ until }) => (expiresAt as number) <= until),
        'longer than its login',
      );
    }
    if (factor !== undefined) {
      const isRefusal = factors !== undefined;
      const names: readonly unknown[] = isRefusal ? ALL_FACTORS : OOB_FACTORS;
      assert.ok(names.includes(factor), inspect(factor));
    }
    if (numberChallenge !== undefined) {
      const outs = okta.outsOf(call.browser);
      assert.ok(
        outs.some(({ number }) => number === numberChallenge),
        "another page's number",
      );
    }
    if (field !== undefined) {
      assert.ok(['factor', 'otp', 'assertion', 'challenge'].includes(field as string));
    }
  }

  /** What the tables say of a step that comes alone. */
  function checkAlone(
    call: Call,
    before: Transaction | undefined,
    after: Transaction | undefined,
    written: number,
  ): void {
    const { step, actions, answered = {}, posts } = call;
    const [action] = actions as [Action];
    const code = codeOf(call);
    const answer = step.answer.kind === 'fails' ? step.answer.again : step.answer;
    switch (action.name === 'error' ? errorFate(action.error) : fateOf(code)) {
      case 'untouched':
        assert.deepEqual(after, before, code);
        break;
      case 'challenge gone':
        assert.equal(after?.challenge, undefined, code);
        assert.equal(after?.id, before?.id, code);
        break;
      case 'kept':
        assert.equal(after?.id, before?.id, code);
        break;
      case 'dropped':
        assert.equal(after, undefined, code);
        break;
      case 'anything':
    }
    if (action.name === 'success') assert.equal(after, undefined, 'a login that still waits');
    const isPlain = step.type === 'poll' && (posts.length === 0 || isPending(answer));
    if (isPlain && WAITING.has(code)) assert.equal(written, 0, 'a poll has written');

    const wasAnswered = posts.length > 0 && step.answer.kind !== 'fails';
    if (!wasAnswered) return;
    if (step.type === 'factor') checkChallenge(call, answered, code);
    if (step.type === 'poll' && (isPending(answer) || slowsDown(answer))) {
      assert.equal(code, 'authorization_pending');
    }
    if (okta.grants.some((grant) => grant.call === call)) {
      const isRefused = step.verify === 'refuses';
      assert.equal(action.name, isRefused ? 'fail' : 'success', 'a grant that is no login');
    }
  }

  /** What a 200 of /challenge leads to. */
  function checkChallenge({ step }: Call, answered: Record<string, unknown>, code: string): void {
    const factor = chosenBy(step) ?? '';
    const isGood = ['out of band', 'passkey', 'passcode'].includes(step.answer.kind);
    if (!isGood) return;
    const sent = outOfBandIn(answered);
    let expected = 'invalid_response';
    if (step.answer.kind === 'passcode') expected = 'mfa_required';
    else if (factor === 'webauthn') {
      if (passkeyIn(answered) !== undefined) expected = 'webauthn_required';
    } else if (sent !== undefined) {
      const isCompared = sent.binding === 'prompt' || sent.number !== undefined;
      if (sent.binding === 'prompt') expected = 'code_sent';
      else if (isCompared) expected = 'authorization_pending';
      else if (options.requireNumberChallenge) expected = 'number_challenge_required';
      else if (!isNumberMissing(sent)) expected = 'authorization_pending';
    }
    assert.equal(code, expected);
  }

  function fateOf(code: string): Fate {
    return INFOS[code]?.fate ?? 'anything';
  }

  /** After a failure of Okta the waiting login is still there. */
  function errorFate(error: unknown): Fate {
    return (error as OktaDirectMfaError).status > 500 ? 'kept' : 'anything';
  }

  /** As the event has it, since a redirect tells nobody. */
  function codeOf({ req, actions }: Call): string {
    const event = published.find(({ request }) => request === req)?.event;
    const [action] = actions;
    return event?.code ?? (action?.name === 'success' ? 'success' : 'mfa_required');
  }
}

/** What is in the body, whether an assertion is an object or its JSON. */
function presented({ req }: Call): string {
  const { assertion, ...fields } = req.body as Record<string, unknown>;
  return JSON.stringify({
    ...fields,
    assertion: typeof assertion === 'string' ? (JSON.parse(assertion) as unknown) : assertion,
  });
}

/** Its `challenge` is missing, as it is for a poll. */
const isOdd = (step: RequestStep) => 'id' in step && step.id === 'odd';

/** With `mfaRedirect` these are a redirect. */
const WAITING = new Set([
  ...['mfa_required', 'authorization_pending', 'code_sent', 'webauthn_required'],
]);

const describe = ({ step, actions, posts, req }: Call) =>
  `${step.type} ${inspect(req.body)}: ${posts.length} POSTs, ${inspect(actions)}`;
