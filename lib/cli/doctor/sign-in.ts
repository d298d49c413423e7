import { setTimeout as sleep } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import { OktaDirectMfaError } from '../../errors.js';
import { cleanCode } from '../../factors/body.js';
import { oobChallengeRequest, oobCodeGrant, pollGrant, type OobFactor } from '../../factors/oob.js';
import { otpGrant } from '../../factors/otp.js';
import { passwordGrant } from '../../factors/password.js';
import { webauthnChallengeRequest } from '../../factors/webauthn.js';
import { FAILURES } from '../../failures.js';
import { availableFactors, supportedBy } from '../../offer.js';
import type { OutOfBand } from '../../okta/challenge-endpoint.js';
import { createOktaClient, type OktaClient } from '../../okta/client.js';
import type {
  Authenticated,
  LoginState,
  MfaRequired,
  Pending,
  Rejected,
} from '../../okta/state.js';
import type { OktaDirectMfaSecondFactor } from '../../transactions/transaction.js';
import { Interrupted } from '../io.js';
import type { Target } from '../settings.js';
import type { Terminal } from '../terminal.js';
import type { Observations } from './assumptions.js';
import type { Check } from './check.js';
import { observe, type Call } from './observer.js';

export interface SignInResult extends Observations {
  outcome: 'signed_in' | 'failed' | 'interrupted' | 'not_tried';
}

export interface SignInParts {
  target: Target;
  factors: readonly OktaDirectMfaSecondFactor[];
  terminal: Terminal;
  output: Writable;
  checks: readonly Check[];
}

/** Without these nobody can sign in. */
const NEEDED: ReadonlySet<string> = new Set(['connection', 'metadata', 'keys', 'client', 'dpop']);

/** A whole login at the terminal, as the strategy would do it. */
export async function signIn(parts: SignInParts): Promise<SignInResult> {
  const missing = parts.checks.find(({ id, status }) => NEEDED.has(id) && status === 'fix');
  if (missing !== undefined) {
    parts.output.write(`\nNo sign-in before this is right: ${missing.id}\n`);
    return { outcome: 'not_tried', calls: [], factors: [] };
  }
  return await new SignIn(parts).run();
}

type Step =
  | { type: 'signed_in'; state: Authenticated }
  | { type: 'again'; mfaToken: string; left: readonly OktaDirectMfaSecondFactor[] }
  | { type: 'failed' };

interface Waiting {
  mfaToken: string;
  /** The factors to choose from. */
  left: readonly OktaDirectMfaSecondFactor[];
}

class SignIn {
  readonly #parts: SignInParts;
  readonly #okta: OktaClient;
  readonly #calls: Call[] = [];
  readonly #factors: OktaDirectMfaSecondFactor[] = [];
  readonly #seen: { wrongNumberTapped?: boolean; devices?: number; amr?: string[] } = {};
  #attempts = 0;

  constructor(parts: SignInParts) {
    this.#parts = parts;
    const { target } = parts;
    this.#okta = createOktaClient({ ...target, requireMfa: true, userInfo: false }, (http) =>
      observe(http, (call) => {
        this.#calls.push(call);
        this.#say(`  ${describe(call)}`);
      }),
    );
  }

  async run(): Promise<SignInResult> {
    let outcome: SignInResult['outcome'] = 'failed';
    try {
      const step = await this.#login();
      if (step.type === 'signed_in') {
        outcome = 'signed_in';
        this.#show(step.state);
      }
    } catch (error) {
      if (error instanceof Interrupted) outcome = 'interrupted';
      else if (!(error instanceof OktaDirectMfaError)) throw error;
      this.#say(error.message);
    }
    if (outcome !== 'signed_in') this.#say('\nNobody is signed in.');
    return { outcome, calls: this.#calls, factors: this.#factors, ...this.#seen };
  }

  async #login(): Promise<Step> {
    const { terminal, factors } = this.#parts;
    this.#say('\nSign in. Nothing that you type is written anywhere.');
    const username = (await terminal.ask('Username: ')).trim();
    const password = await terminal.askSecret('Password: ');
    const grant = passwordGrant({ type: 'password', username, password });
    const state = await this.#okta.start(grant, {});
    if (state.type === 'rejected' && state.reason === 'mfa_not_enforced') {
      this.#say(
        'mfa_not_enforced: Okta grants tokens for the password alone. The sign-on policy of the app has to require a second factor.',
      );
      return { type: 'failed' };
    }
    let step = this.#after(state, { mfaToken: '', left: factors });
    while (step.type === 'again') step = await this.#secondFactor(step);
    return step;
  }

  async #secondFactor(waiting: Waiting): Promise<Step> {
    const factor = await this.#choose(waiting.left);
    switch (factor) {
      case 'otp':
        return await this.#passcode(waiting);
      case 'push':
      case 'sms':
      case 'voice':
      case 'email':
        return await this.#outOfBand(factor, waiting);
      case 'webauthn':
        return await this.#passkey(waiting);
    }
  }

  async #choose(left: readonly OktaDirectMfaSecondFactor[]): Promise<OktaDirectMfaSecondFactor> {
    const list = left.map((factor, index) => `${index + 1} ${factor}`).join(', ');
    for (;;) {
      const answer = (await this.#parts.terminal.ask(`Second factor (${list}): `)).trim();
      const chosen = left.find((factor, index) => answer === factor || answer === `${index + 1}`);
      if (chosen !== undefined) return chosen;
    }
  }

  async #passcode(waiting: Waiting): Promise<Step> {
    const otp = await this.#askCode('Passcode of the authenticator: ');
    if (otp === '') return again(waiting);
    const grant = otpGrant({ type: 'otp', otp }, waiting);
    return this.#after(await this.#okta.resume(grant, {}), waiting, 'otp');
  }

  async #outOfBand(factor: OobFactor, waiting: Waiting): Promise<Step> {
    const state = await this.#okta.challenge(oobChallengeRequest(factor, waiting), {});
    if (state.type === 'rejected') return this.#after(state, waiting, factor);
    const { challenge } = state;
    if (challenge.binding === 'passcode') return await this.#passcode(waiting);
    if (challenge.binding === 'passkey') {
      this.#say('Okta asks for a passkey instead.');
      return again(waiting);
    }
    if (challenge.binding !== 'prompt') return await this.#poll(challenge, factor, waiting);
    for (;;) {
      const code = await this.#askCode('Code that has been sent: ');
      if (code === '') return again(waiting);
      const answer = await this.#okta.resume(oobCodeGrant(code, challenge, waiting), {});
      const isWrong = answer.type === 'rejected' && answer.reason === 'invalid_otp';
      const step = this.#after(answer, waiting, factor);
      if (!isWrong || step.type !== 'again') return step;
    }
  }

  async #poll(
    { number, oobCode, expiresIn, ...challenge }: OutOfBand,
    factor: OobFactor,
    waiting: Waiting,
  ): Promise<Step> {
    this.#say(
      number === undefined
        ? 'Approve the push on the phone. It has no number to compare: the strategy gives such a push up unless requireNumberChallenge is false.'
        : `Tap ${number} on the phone.`,
    );
    const deadline = Date.now() + expiresIn * 1000;
    let { interval } = challenge;
    for (;;) {
      const state = await this.#okta.resume(pollGrant({ oobCode }, waiting), {});
      const isLimited = state.type === 'rejected' && state.reason === 'rate_limited';
      if (state.type !== 'pending' && !isLimited) {
        await this.#askAboutPush(state, number);
        return this.#after(state, waiting, factor);
      }
      // RFC 8628 §3.5.
      if (isLimited || (state.type === 'pending' && state.slowDown)) interval += 5;
      if (Date.now() + interval * 1000 > deadline) {
        this.#say('No answer in time.');
        return again(waiting);
      }
      await this.#wait(interval);
    }
  }

  async #wait(seconds: number): Promise<void> {
    const { signal } = this.#parts.terminal;
    await sleep(seconds * 1000, undefined, { signal }).catch(() => {
      throw new Interrupted('Ended while the push was out.');
    });
  }

  /** What no answer of Okta's tells. */
  async #askAboutPush(state: LoginState, number: string | undefined): Promise<void> {
    const { terminal } = this.#parts;
    if (state.type === 'authenticated') {
      const devices = await terminal.ask('How many devices showed the push? (Enter: not known) ');
      if (/^[1-9]$/.test(devices.trim())) this.#seen.devices = Number(devices);
    } else if (number !== undefined && state.type === 'rejected') {
      const answer = await terminal.ask('Was a wrong number tapped? (y, else no) ');
      this.#seen.wrongNumberTapped = /^y/i.test(answer.trim());
    }
  }

  /** Only the challenge: a passkey answers to a page of its own domain. */
  async #passkey(waiting: Waiting): Promise<Step> {
    const state = await this.#okta.challenge(webauthnChallengeRequest(waiting), {});
    if (state.type === 'rejected') return this.#after(state, waiting, 'webauthn');
    this.#say(
      'Okta asks for a passkey, which a terminal cannot give: try it in the app. Choose another factor.',
    );
    return again(waiting);
  }

  async #askCode(question: string): Promise<string> {
    return cleanCode(await this.#parts.terminal.ask(question));
  }

  /** What the strategy would do, by the same table. */
  #after(
    state: Exclude<LoginState, Pending> | Pending,
    waiting: Waiting,
    factor?: OktaDirectMfaSecondFactor,
  ): Step {
    switch (state.type) {
      case 'authenticated':
        if (factor !== undefined) this.#factors.push(factor);
        return { type: 'signed_in', state };
      case 'mfa_required':
        if (factor !== undefined) {
          this.#factors.push(factor);
          this.#say('Okta wants one more factor.');
        }
        return this.#offer(state);
      case 'pending':
        return again(waiting);
      case 'rejected':
        return this.#rejected(state, waiting, factor);
    }
  }

  #offer({ mfaToken, challengeTypes }: MfaRequired): Step {
    const left = availableFactors(this.#parts.factors, supportedBy(challengeTypes));
    return this.#unlessEmpty({ mfaToken, left });
  }

  #rejected(
    { reason, okta }: Rejected,
    waiting: Waiting,
    factor: OktaDirectMfaSecondFactor | undefined,
  ): Step {
    this.#say([reason, okta?.oktaDescription].filter((part) => part !== undefined).join(': '));
    if (reason === 'factor_unavailable') {
      const left = waiting.left.filter((other) => other !== factor);
      return this.#unlessEmpty({ ...waiting, left });
    }
    const { transaction } = FAILURES[reason];
    if (transaction === 'count') this.#attempts += 1;
    const isOver = transaction === 'drop' || this.#attempts >= this.#parts.target.maxOtpAttempts;
    return isOver ? { type: 'failed' } : again(waiting);
  }

  #unlessEmpty(waiting: Waiting): Step {
    if (waiting.left.length > 0) return again(waiting);
    this.#say('None of the --factors is left for this person.');
    return { type: 'failed' };
  }

  #show({ tokens }: Authenticated): void {
    const { claims } = tokens;
    const amr: unknown[] = Array.isArray(claims['amr']) ? claims['amr'] : [];
    this.#seen.amr = amr.map((value) => AMR.find((known) => known === value) ?? 'another');
    this.#say('\nSigned in. The claims of the verified ID token:');
    this.#say(printable(JSON.stringify(claims, null, 2)));
    this.#say(`amr: ${printable(amr.join(' '))}`);
  }

  #say(text: string): void {
    this.#parts.output.write(`${text}\n`);
  }
}

const again = ({ mfaToken, left }: Waiting): Step => ({ type: 'again', mfaToken, left });

/** Such as `token, passcode: HTTP 400 invalid_grant, 120 ms`. */
function describe({ request, factor, status, error, took }: Call): string {
  const what = request === 'challenge' ? `challenge, ${factor}` : `token, ${request}`;
  const answer = status === undefined ? 'no answer' : `HTTP ${status}${error ? ` ${error}` : ''}`;
  return `${what}: ${answer}, ${took} ms`;
}

/** Lines stay lines; what steers a terminal goes. */
function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, '');
}

/** RFC 8176 §2, and `AmrValue` in Okta's OpenAPI. */
const AMR = (
  'duo email face fed fpt geo google_otp hwk iris kba mca mfa oath_otp okta_verify opt otp pin pop pwd ' +
  'rba retina rsa sc sms swk symantec tel user vbm wia yubikey'
).split(' ');
