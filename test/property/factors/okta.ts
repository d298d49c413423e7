import assert from 'node:assert/strict';
import { cleanCode } from '../../../lib/factors/body.js';
import { MFA_OOB, MFA_OTP, MFA_WEBAUTHN } from '../../../lib/okta/grant-types.js';
import { NEVER_SENT } from '../answers.js';
import { parse } from '../checks.js';
import { clock } from '../clock.js';
import { believedSub } from '../id-tokens.js';
import type { Sent } from '../okta.js';
import type { Browser } from '../session.js';
import {
  isWrong,
  outOfBandIn,
  passkeyIn,
  slowsDown,
  typesIn,
  type FactorAnswer,
  type OutOfBand,
} from './answers.js';
import { chosenBy, OOB_FACTORS, type FactorCase, type RequestStep } from './steps.js';

/** A password step that Okta has accepted, and what came after it. */
export interface Login {
  browser: Browser;
  /** Milliseconds since the epoch. */
  until: number;
  /** Refused codes and passkeys. */
  refused: number;
  /** Pushes, texts, calls and mails. */
  challenges: number;
  /** When each last went out, in milliseconds since the epoch. */
  sentAt: Map<string, number>;
  /** Which factors Okta has refused. */
  unavailable: Set<string>;
}

/** An `mfa_token`, and the login that it stands for. */
interface Issue {
  login: Login;
  /** Which grants Okta has for it; undefined: all. */
  types: ReadonlySet<string> | undefined;
  /** The group of steps in which it was given. */
  group: number;
}

/** What Okta has sent out. */
export interface Out {
  login: Login;
  mfaToken: string;
  awaits: 'approval' | 'code' | 'assertion';
  /** Milliseconds since the epoch. */
  until: number;
  number: string | undefined;
  /** Seconds between two polls. */
  interval: number;
  /** No poll before. */
  earliest: number;
  /** From then on a poll is certain to be forwarded. */
  latest: number;
  /** The group of steps in which another took its place. */
  replacedIn?: number;
}

/** Tokens that are to be believed. */
export interface Grant {
  call: OktaCall;
  login: Login;
  sub: string;
}

/** A request of the browser, as far as Okta has to do with it. */
export interface OktaCall {
  step: RequestStep;
  browser: Browser;
  /** What is in its body; undefined where there is none. */
  id: unknown;
  /** The challenge that was out when it left. */
  current: string | undefined;
  posts: Sent[];
}

/** Whether it announces a number to compare, and gives none. */
export const isNumberMissing = ({ binding, number }: OutOfBand): boolean =>
  binding === 'transfer' && number === undefined;

const isToken = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Which grants a factor needs. */
const GRANT_OF: Record<string, string> = { webauthn: MFA_WEBAUTHN, otp: MFA_OTP };
const grantOf = (factor: string): string => GRANT_OF[factor] ?? MFA_OOB;

/** The contract as Okta sees it: of each POST, whether it may come. */
export class OktaModel {
  readonly grants: Grant[] = [];
  readonly #options: FactorCase['options'];
  /** By `mfa_token`. */
  readonly #issues = new Map<string, Issue>();
  /** By `oob_code`, or by the challenge of a passkey. */
  readonly #outs = new Map<string, Out>();
  /** Steps of a group come at once: what one of them has been given is the newest for another. */
  group = 0;
  /** The `mfa_token` that is kept for each browser before the group. */
  readonly kept = new Map<Browser, string | undefined>();

  constructor(options: FactorCase['options']) {
    this.#options = options;
  }

  login(mfaToken: string): Login | undefined {
    return this.#issues.get(mfaToken)?.login;
  }

  /** Whether Okta supports the factor for this login, and has not refused it. */
  isLeft(mfaToken: string, factor: string): boolean {
    const { login, types } = this.#issues.get(mfaToken) ?? {};
    return !login?.unavailable.has(factor) && (types?.has(grantOf(factor)) ?? true);
  }

  out(secret: string): Out | undefined {
    return this.#outs.get(secret);
  }

  /** All that a browser has begun. */
  loginsOf(browser: Browser): Login[] {
    return [...this.#issues.values()]
      .map(({ login }) => login)
      .filter((login) => login.browser === browser);
  }

  outsOf(browser: Browser): Out[] {
    return [...this.#outs.values()].filter(({ login }) => login.browser === browser);
  }

  /** Okta has refused the factor that was chosen. */
  refuse({ step, posts }: OktaCall): void {
    const login = this.login(posts[0]?.form.get('mfa_token') ?? '');
    login?.unavailable.add(chosenBy(step) ?? '');
  }

  /** Checks a POST, and chooses what it is answered with. */
  receive(sent: Sent, call: OktaCall): FactorAnswer {
    const { step, posts } = call;
    const { answer: first } = step;
    const wasSent = !(first.kind === 'fails' && NEVER_SENT.has(first.code));
    assert.ok(posts.length < (wasSent ? 1 : 2), 'more than one POST for one request');
    posts.push(sent);
    const isRepeated = posts.length > 1;
    if (sent.path.endsWith('/v1/challenge')) this.#mayChallenge(sent, call);
    else this.#mayGrant(sent, call, isRepeated);
    return isRepeated && first.kind === 'fails' ? first.again : first;
  }

  /** Takes note of what was answered. */
  note(sent: Sent, call: OktaCall, answer: FactorAnswer, status: number, body: string): void {
    const json = parse(body);
    if (sent.path.endsWith('/v1/challenge')) {
      if (status === 200) this.#noteChallenge(sent, call, json);
      return;
    }
    const mfaToken = sent.form.get('mfa_token') ?? '';
    const login = this.login(mfaToken);
    const { mfa_token: next } = json;
    const isRefusal = status >= 400 && status < 500 && status !== 429;
    if (status === 200) {
      const sub = believedSub(json['id_token'], clock.now());
      const { access_token, token_type = 'Bearer' } = json;
      const isUsable = typeof access_token === 'string' && access_token !== '';
      const isBearer = typeof token_type === 'string' && /^bearer$/i.test(token_type);
      if (sub !== undefined && login !== undefined && isUsable && isBearer)
        this.grants.push({ call, login, sub });
    } else if (isRefusal && json['error'] === 'mfa_required' && isToken(next)) {
      const until = clock.now() + this.#options.transactionMaxAge * 1000;
      const fresh = {
        challenges: 0,
        refused: 0,
        sentAt: new Map(),
        unavailable: new Set<string>(),
      };
      const { browser } = call;
      this.#issues.set(next, {
        group: this.group,
        login: Object.assign(login ?? fresh, { browser, until }),
        types: typesIn(json),
      });
    }
    if (login === undefined) return;
    if (call.step.type === 'poll') this.#notePoll(sent, answer);
    else if (isWrong(answer)) login.refused += 1;
  }

  #mayChallenge({ form }: Sent, { step, browser }: OktaCall): void {
    assert.equal(step.type, 'factor', 'a challenge that nobody asked for');
    const factor = chosenBy(step) ?? '';
    const login = this.#loginOf(form, browser);
    assert.ok(factor !== 'otp' && factor !== '');
    assert.equal(form.get('channel_hint'), factor === 'webauthn' ? null : factor);
    assert.equal(form.get('challenge_types_supported'), grantOf(factor));
    const mfaToken = form.get('mfa_token') ?? '';
    assert.ok(this.isLeft(mfaToken, factor), 'a factor that Okta has refused or does not support');
    if (factor !== 'webauthn') assert.ok(this.mayResend(login, factor), 'too many challenges');
  }

  /** Whether another push, text, call or mail may go out. */
  mayResend({ challenges, sentAt }: Login, factor: string): boolean {
    const { maxChallenges, resendAfter } = this.#options;
    const wait = (sentAt.get(factor) ?? -Infinity) + resendAfter * 1000 - clock.now();
    return challenges < maxChallenges && wait <= 0;
  }

  #mayGrant({ form }: Sent, { step, browser, id, current }: OktaCall, isRepeated: boolean): void {
    const grantType = form.get('grant_type');
    assert.ok(step.type !== 'factor', 'a grant for a choice');
    if (step.type === 'password') return assert.equal(grantType, 'password');
    const login = this.#loginOf(form, browser);
    // What is named has to be out; the names of challenges cannot be guessed.
    if (id !== undefined) assert.equal(id, current, 'a grant for a stale page');
    if (grantType === MFA_OTP) {
      assert.equal(step.type, 'otp');
      assert.equal(form.get('otp'), step.type === 'otp' && cleanCode(String(step.otp)));
    } else {
      const out = this.#outOf(form, login);
      switch (step.type) {
        case 'poll':
          assert.equal(form.get('binding_code'), null);
          assert.equal(out.awaits, 'approval', 'a poll for no push');
          if (!isRepeated) this.#mayPoll(out);
          return;
        case 'otp':
          assert.equal(out.awaits, 'code');
          assert.equal(form.get('binding_code'), cleanCode(String(step.otp)));
          break;
        case 'assertion':
          assert.equal(out.awaits, 'assertion');
          assert.equal(step.assertion, 'valid', 'an assertion that is not for this page');
      }
    }
    assert.ok(login.refused < this.#options.maxOtpAttempts, 'more codes than allowed');
  }

  #mayPoll(out: Out): void {
    assert.ok(!this.#options.requireNumberChallenge || out.number !== undefined, 'no number');
    assert.ok(clock.now() >= out.earliest, 'a poll too early, or beside another');
    out.earliest = out.latest = clock.now() + out.interval * 1000;
  }

  /** The login of a second step: of this browser, under its newest `mfa_token`, and in time. */
  #loginOf(form: URLSearchParams, browser: Browser): Login {
    const mfaToken = form.get('mfa_token') ?? '';
    const issue = this.#issues.get(mfaToken);
    assert.ok(issue, 'an mfa_token that Okta never gave');
    assert.equal(issue.login.browser, browser, "another browser's mfa_token");
    const isNewest = this.kept.get(browser) === mfaToken || issue.group === this.group;
    assert.ok(isNewest, 'an old mfa_token');
    assert.ok(clock.now() < issue.login.until, 'a factor for an expired login');
    return issue.login;
  }

  /** What the factor of a grant is the answer to: the newest of this login. */
  #outOf(form: URLSearchParams, login: Login): Out {
    const { challenge } = parse(
      Buffer.from(form.get('clientDataJSON') ?? '', 'base64url').toString(),
    );
    const secret = form.get('oob_code') ?? String(challenge);
    const isPasskey = form.get('grant_type') === MFA_WEBAUTHN;
    assert.equal(form.get('grant_type'), isPasskey ? MFA_WEBAUTHN : MFA_OOB);
    const out = this.#outs.get(secret);
    assert.ok(out, 'an oob_code that Okta never gave');
    assert.equal(out.login, login, "another login's oob_code");
    assert.equal(out.mfaToken, form.get('mfa_token'), "another mfa_token's oob_code");
    assert.ok((out.replacedIn ?? this.group) === this.group, 'an old oob_code');
    assert.ok(clock.now() < out.until, 'a factor for an expired challenge');
    return out;
  }

  #noteChallenge({ form }: Sent, { step }: OktaCall, json: Record<string, unknown>): void {
    const mfaToken = form.get('mfa_token') ?? '';
    const login = this.login(mfaToken);
    const factor = chosenBy(step) ?? '';
    assert.ok(login);
    const sent = outOfBandIn(json);
    const passkey = passkeyIn(json);
    const add = (secret: string, out: Pick<Out, 'awaits' | 'until' | 'number' | 'interval'>) => {
      for (const previous of this.#outs.values()) {
        if (previous.login === login) previous.replacedIn ??= this.group;
      }
      const until = Math.min(out.until, login.until);
      this.#outs.set(secret, { ...out, login, mfaToken, until, earliest: 0, latest: 0 });
    };
    if (sent !== undefined && factor !== 'webauthn') {
      login.challenges += 1;
      const used = OOB_FACTORS.find((name) => name === sent.channel);
      for (const name of [factor, used ?? factor]) login.sentAt.set(name, clock.now());
      // It is no challenge, and the one that was out stays out.
      if (isNumberMissing(sent) && !this.#options.requireNumberChallenge) return;
      add(sent.oobCode, {
        awaits: sent.binding === 'prompt' ? 'code' : 'approval',
        until: clock.now() + sent.expiresIn * 1000,
        number: sent.number,
        interval: sent.interval,
      });
    } else if (passkey !== undefined && factor === 'webauthn') {
      add(passkey, { awaits: 'assertion', until: login.until, number: undefined, interval: 0 });
    }
  }

  #notePoll({ form }: Sent, answer: FactorAnswer): void {
    const out = this.#outs.get(form.get('oob_code') ?? '');
    if (out === undefined || !slowsDown(answer)) return;
    out.interval += 5;
    out.earliest = clock.now() + out.interval * 1000;
    // Okta's headers may say more.
    out.latest = answer.kind === 'rate' ? Infinity : out.earliest;
  }
}
