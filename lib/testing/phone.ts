import { randomInt } from 'node:crypto';
import type { Channel } from './factors.js';

/** A push that waits for the person. */
export interface MockOktaPush {
  /** What the sign-in page shows; absent without a number challenge. */
  readonly number?: string;
  /** The three numbers that the phone offers, the right one among them. */
  readonly numbers?: readonly string[];
}

/** A code that the person got. */
export interface MockOktaMessage {
  /** How it came. */
  readonly channel: 'sms' | 'voice' | 'email';
  /** Six digits, of which the first may be 0; by e-mail eight upper-case letters and digits. */
  readonly code: string;
}

/** What a person sees of Okta's pushes, texts, calls and mails, and does with them. */
export interface MockOktaPhone {
  /** The pushes that wait, the newest last. */
  readonly pushes: readonly MockOktaPush[];
  /** All that came, the newest last; also what has expired since. */
  readonly messages: readonly MockOktaMessage[];
  /**
   * The code of the newest message.
   *
   * @throws Error when there is none
   */
  readonly code: string;
  /**
   * Approves the newest push, and moves the clock on to the app's next poll, by 5 seconds as
   * `okta.advance(5)` does.
   *
   * @param number - what the person taps. Default: the right one, if there are numbers. Any other of
   *   the three is a refusal
   * @throws Error when no push waits, or the phone does not offer this number
   */
  approve(number?: string): void;
  /**
   * Says no to the newest push, and moves the clock on as `approve()` does.
   *
   * @throws Error when no push waits
   */
  deny(): void;
}

/** A push, as the server keeps it. */
export interface Push extends MockOktaPush {
  readonly id: string;
  answer: 'approved' | 'rejected' | undefined;
  /** Whether it may still be answered. */
  readonly isOut: () => boolean;
}

/** A phone, as the server reaches it. */
export interface Phone {
  readonly hands: MockOktaPhone;
  /** The pushes that wait, the newest last. */
  waiting(): readonly Push[];
  /** As {@link MockOktaPhone.approve}; with a `pushID`, that push and no newer one. */
  approve(number: string | undefined, pushID?: string): void;
  /** As {@link MockOktaPhone.deny}; with a `pushID`, that push and no newer one. */
  deny(pushID?: string): void;
  /** Delivers a push. */
  ring(push: Push): void;
  /** Delivers a code, which is returned. */
  send(channel: Exclude<Channel, 'push'>): string;
}

/** Seconds between two polls for a push. */
export const POLL_INTERVAL = 5;

/** The phones of all people, by username. */
export function createPhones(advance: (seconds: number) => void): {
  of(username: string): Phone;
} {
  const phones = new Map<string, Phone>();
  const sent = new Set<string>();

  /** No code comes twice, so that a test which enters an older one finds it wrong. */
  function newCode(make: () => string): string {
    let code = make();
    while (sent.has(code)) code = make();
    sent.add(code);
    return code;
  }

  return {
    of(username) {
      const key = username.toLowerCase();
      let phone = phones.get(key);
      if (phone === undefined) {
        phone = createPhone(username, advance, newCode);
        phones.set(key, phone);
      }
      return phone;
    },
  };
}

function createPhone(
  username: string,
  advance: (seconds: number) => void,
  newCode: (make: () => string) => string,
): Phone {
  const pushes: Push[] = [];
  const messages: MockOktaMessage[] = [];
  const waiting = () => pushes.filter(({ answer, isOut }) => answer === undefined && isOut());

  function answer(pushID: string | undefined, decide: (push: Push) => Push['answer']): void {
    const pushes = waiting();
    const push = pushID === undefined ? pushes.at(-1) : pushes.find(({ id }) => id === pushID);
    if (push === undefined) {
      const which = pushID === undefined ? 'no push waits' : 'this push no longer waits';
      throw new Error(`mockOkta: ${which} for ${username}`);
    }
    push.answer = decide(push);
    advance(POLL_INTERVAL);
  }

  function approve(number: string | undefined, pushID?: string): void {
    answer(pushID, (push) => {
      if (number === undefined || number === push.number) return 'approved';
      if (push.numbers?.includes(number)) return 'rejected';
      const offered = push.numbers?.join(', ') ?? 'no numbers';
      throw new Error(`mockOkta: the phone of ${username} offers ${offered}, not ${number}`);
    });
  }

  function deny(pushID?: string): void {
    answer(pushID, () => 'rejected');
  }

  const hands: MockOktaPhone = {
    get pushes() {
      return waiting().map(({ number, numbers }) =>
        number === undefined || numbers === undefined ? {} : { number, numbers },
      );
    },
    get messages() {
      return [...messages];
    },
    get code() {
      const message = messages.at(-1);
      if (message === undefined) throw new Error(`mockOkta: no code has come for ${username}`);
      return message.code;
    },
    approve: (number) => approve(number),
    deny: () => deny(),
  };

  return {
    hands,
    waiting,
    approve,
    deny,
    ring(push) {
      pushes.push(push);
    },
    send(channel) {
      const code = newCode(channel === 'email' ? lettersAndDigits : () => digits(6));
      messages.push({ channel, code });
      return code;
    },
  };
}

/** What a push with a number challenge shows. */
export function numberChallenge(): Required<MockOktaPush> {
  const numbers = new Set<string>();
  while (numbers.size < 3) numbers.add(digits(2));
  const offered = [...numbers];
  return { number: offered[randomInt(3)] as string, numbers: offered };
}

function digits(length: number): string {
  return String(randomInt(10 ** length)).padStart(length, '0');
}

/** At least one of each: neither digits alone nor letters alone would show what an app does to them. */
function lettersAndDigits(): string {
  const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  const code = Array.from({ length: 8 }, () => characters[randomInt(characters.length)]).join('');
  return /[A-Z]/.test(code) && /\d/.test(code) ? code : lettersAndDigits();
}
