import type { Challenge } from './challenges.js';
import type { User } from './users.js';

/** A push that waits for an answer. */
export interface Push {
  readonly id: string;
  /** The three numbers that the phone offers; absent without a number challenge. */
  readonly numbers?: readonly string[];
  /** The one that the app shows. */
  readonly number?: string;
}

/** A text, a call or a mail. */
export interface Message {
  readonly channel: 'sms' | 'voice' | 'email';
  readonly code: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What a person has at hand: Okta Verify, a phone, a mailbox. */
export interface Phone {
  /** The pushes that wait, oldest first. */
  pushes(): Push[];
  /**
   * Says yes to the latest push; with a number challenge, taps the right number.
   * @throws Error if no push waits.
   */
  approve(): void;
  /**
   * Says no to the latest push.
   * @throws Error if no push waits.
   */
  deny(): void;
  /**
   * Taps a wrong number.
   * @throws Error if no push waits, or the latest has no numbers.
   */
  tapWrongNumber(): void;
  /** What has arrived, oldest first; the last fifty. */
  messages(): Message[];
  /**
   * The latest code, of that channel if one is named.
   * @throws Error if none has arrived.
   */
  code(channel?: Message['channel']): string;
}

const MAX_KEPT = 50;

/** Every person's phone; both authorization servers send to the same one. */
export class Phones {
  readonly #now: () => number;
  readonly #received = new WeakMap<User, Challenge[]>();

  constructor(now: () => number) {
    this.#now = now;
  }

  deliver(challenge: Challenge): void {
    const received = this.#received.get(challenge.user) ?? [];
    received.push(challenge);
    this.#received.set(challenge.user, received.slice(-MAX_KEPT));
  }

  /**
   * Answers a push: with the number tapped, `true` for a push without numbers, `false` for no.
   * Returns false if that push no longer waits.
   */
  answer(user: User, id: string, tapped: string | boolean): boolean {
    const push = this.#waiting(user).find((waiting) => waiting.id === id);
    if (!push) return false;
    push.state = tapped === (push.number ?? true) ? 'approved' : 'rejected';
    return true;
  }

  of(user: User): Phone {
    const latest = (): Challenge => {
      const push = this.#waiting(user).at(-1);
      if (!push) throw new Error(`No push waits on the phone of ${user.username}`);
      return push;
    };
    return {
      pushes: () => this.#waiting(user).map(describe),
      approve: () => {
        const { id, number } = latest();
        this.answer(user, id, number ?? true);
      },
      deny: () => {
        this.answer(user, latest().id, false);
      },
      tapWrongNumber: () => {
        const { id, number, numbers } = latest();
        const wrong = numbers?.find((offered) => offered !== number);
        if (wrong === undefined) {
          throw new Error(`The push on the phone of ${user.username} has no numbers to tap`);
        }
        this.answer(user, id, wrong);
      },
      messages: () => this.#messages(user),
      code: (channel) => {
        const message = this.#messages(user).findLast(
          (sent) => channel === undefined || sent.channel === channel,
        );
        if (!message) {
          throw new Error(`No ${channel ?? 'text, call or mail'} has arrived for ${user.username}`);
        }
        return message.code;
      },
    };
  }

  #messages(user: User): Message[] {
    return (this.#received.get(user) ?? []).flatMap(({ kind, code, sentAt }) =>
      code === undefined || kind === 'push' || kind === 'webauthn'
        ? []
        : [{ channel: kind, code, at: sentAt }],
    );
  }

  #waiting(user: User): Challenge[] {
    return (this.#received.get(user) ?? []).filter(
      ({ kind, state, expiresAt }) =>
        kind === 'push' && state === 'waiting' && expiresAt > this.#now(),
    );
  }
}

function describe({ id, number, numbers }: Challenge): Push {
  return number === undefined || numbers === undefined ? { id } : { id, number, numbers };
}
