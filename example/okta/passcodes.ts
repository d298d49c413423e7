import { Secret, TOTP } from 'otpauth';
import type { User } from './users.js';

const PERIOD = 30;
/** Steps by which a clock may be off, in either direction. */
const DRIFT = 1;

/** One-time passcodes (RFC 6238): SHA-1, 30 seconds, six digits, one step of drift, used once. */
export class Passcodes {
  readonly #now: () => number;
  readonly #usedSteps = new WeakMap<User, Set<number>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether the code is right. A right code is used up by this call. */
  use(user: User, code: string): boolean {
    if (user.totpSecret === undefined || !/^\d{6}$/.test(code)) return false;
    const delta = totp(user.totpSecret).validate({
      token: code,
      timestamp: this.#now(),
      window: DRIFT,
    });
    if (delta === null) return false;

    const step = this.#currentStep() + delta;
    const used = this.#used(user);
    if (used.has(step)) return false;
    used.add(step);
    return true;
  }

  /** A code that `use` would accept; see `Okta.otp`. */
  unused(user: User, step?: -1 | 0 | 1): string {
    const secret = secretOf(user);
    const used = this.#used(user);
    // The oldest last: the code of the previous step stops being valid when the current step ends.
    const steps = step === undefined ? [0, 1, -1] : [step];
    const free = steps.find((offset) => !used.has(this.#currentStep() + offset));
    if (free === undefined) {
      throw new Error(
        `${user.username} has used every passcode that is valid now (steps ${steps.join(', ')}); ` +
          'give the test its own user with addUser(), or advance `now` by 30 seconds per step',
      );
    }
    return totp(secret).generate({ timestamp: this.#now() + free * PERIOD * 1000 });
  }

  /** A code that is wrong now, and for ten minutes before and after. */
  wrong(user: User): string {
    const generator = totp(secretOf(user));
    const right = new Set<string>();
    for (let offset = -20; offset <= 20; offset += 1) {
      right.add(generator.generate({ timestamp: this.#now() + offset * PERIOD * 1000 }));
    }
    let code = 123_456;
    while (right.has(String(code))) code += 1;
    return String(code);
  }

  #currentStep(): number {
    return Math.floor(this.#now() / 1000 / PERIOD);
  }

  #used(user: User): Set<number> {
    let used = this.#usedSteps.get(user);
    if (!used) this.#usedSteps.set(user, (used = new Set()));
    // Steps outside the window cannot come back, unless a test sets `now` back.
    for (const step of used) if (step < this.#currentStep() - DRIFT) used.delete(step);
    return used;
  }
}

/** The link behind the QR code that an authenticator app scans. */
export function otpauthUri(user: User, issuer: string): string {
  return totp(secretOf(user), { issuer, label: user.username }).toString();
}

function secretOf(user: User): string {
  if (user.totpSecret === undefined) {
    throw new Error(`${user.username} has no authenticator: its totpSecret is undefined`);
  }
  return user.totpSecret;
}

function totp(secret: string, names: { issuer?: string; label?: string } = {}): TOTP {
  return new TOTP({
    ...names,
    secret: Secret.fromBase32(secret),
    algorithm: 'SHA1',
    digits: 6,
    period: PERIOD,
  });
}
