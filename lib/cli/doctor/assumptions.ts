import { OOB_FACTORS } from '../../factors/oob.js';
import type { OktaDirectMfaSecondFactor } from '../../transactions/transaction.js';
import type { Call } from './observer.js';

/** What a sign-in has shown. */
export interface Observations {
  calls: readonly Call[];
  /** The factors that completed it, in order. */
  factors: readonly OktaDirectMfaSecondFactor[];
  /** `amr`, of the known values. */
  amr?: readonly string[];
  /** A push was refused because of a wrong number, as the person says. */
  wrongNumberTapped?: boolean;
  /** Devices that a push went to, as the person says. */
  devices?: number;
}

export interface Verdict {
  verdict: 'confirmed' | 'different' | 'not seen';
  /** What this org answered. */
  seen?: string;
}

/** What Okta's documents leave open, and what the local stand-in does there. */
export interface Assumption {
  /** Where the row is, and its first column. */
  document: 'docs/unknowns.md' | 'example/okta/README.md';
  row: string;
  /** What the stand-in does. */
  assumed: string;
  judge: (observations: Observations) => Verdict;
}

const notSeen: Verdict = { verdict: 'not seen' };
const confirmed = (seen: string): Verdict => ({ verdict: 'confirmed', seen });
const different = (seen: string): Verdict => ({ verdict: 'different', seen });
const compare = (isSame: boolean, seen: string): Verdict =>
  isSame ? confirmed(seen) : different(seen);

/** Seconds, of the stand-in. */
const MFA_TOKEN_LIFETIME = 300;
const CHALLENGE_LIFETIME = 300;
const INTERVAL = 5;
/** Requests for one authenticator in five minutes. */
const LIMIT = 5;

/** `amr` of the stand-in, beside `mfa` and `pwd`. */
const AMR: Readonly<Record<OktaDirectMfaSecondFactor, string>> = {
  otp: 'otp',
  push: 'okta_verify',
  sms: 'sms',
  voice: 'tel',
  email: 'email',
  webauthn: 'pop',
};

const answer = ({ status, error }: Call): string =>
  `${status ?? 'no answer'} ${error ?? ''}`.trim();
const isError = (status: number, error: string) => (call: Call) =>
  call.status === status && call.error === error;
const refused = ({ status = 0, error }: Call): boolean =>
  status >= 400 && status < 500 && status !== 429 && error !== 'mfa_required';

/** All calls of a kind are as the stand-in answers them. */
function every(calls: readonly Call[], isAssumed: (call: Call) => boolean): Verdict {
  if (calls.length === 0) return notSeen;
  const odd = calls.filter((call) => !isAssumed(call));
  return compare(odd.length === 0, [...new Set((odd[0] ? odd : calls).map(answer))].join(', '));
}

const sent = ({ calls }: Observations, ...factors: OktaDirectMfaSecondFactor[]): Call[] =>
  calls.filter(
    ({ request, factor, status }) =>
      request === 'challenge' &&
      status === 200 &&
      factor !== undefined &&
      (factors.length === 0 || factors.includes(factor)),
  );

/** Every row of docs/unknowns.md, then what the stand-in assumes besides. */
export const ASSUMPTIONS: readonly Assumption[] = [
  unknown('how long an `mfa_token` lives', '300 seconds', ({ calls }) => {
    const begun = calls.findLastIndex(({ error }) => error === 'mfa_required');
    const after = calls.slice(begun + 1);
    const granted = calls[begun];
    if (granted === undefined) return notSeen;
    const age = ({ at }: Call) => Math.round((at - granted.at - granted.took) / 1000);
    const end = after.find(({ expiry }) => expiry?.expired === 'mfa_token');
    if (end !== undefined) {
      return compare(age(end) >= MFA_TOKEN_LIFETIME, `expired after ${age(end)} s at the latest`);
    }
    const last = after.findLast(({ status }) => status !== undefined);
    if (last === undefined) return notSeen;
    const seen = `still good after ${age(last)} s`;
    return age(last) > MFA_TOKEN_LIFETIME ? different(seen) : { verdict: 'not seen', seen };
  }),
  unknown(
    'whether `/challenge` may be repeated, and what becomes of the earlier `oob_code`',
    'it may, at any time',
    ({ calls }) => {
      const all = calls.filter(({ request }) => request === 'challenge');
      const first = all.findIndex(({ status }) => status === 200);
      const again = first === -1 ? [] : all.slice(first + 1);
      const verdict = every(again, ({ status }) => status === 200);
      return verdict.seen === undefined
        ? verdict
        : { ...verdict, seen: `repeated: ${verdict.seen}; the earlier code was not tried` };
    },
  ),
  unknown('the answer to a wrong number', '400 invalid_grant', ({ calls, wrongNumberTapped }) => {
    if (wrongNumberTapped !== true) return notSeen;
    const polls = calls.filter((call) => call.request === 'poll' && isAnswered(call));
    return every(polls.filter(refused), isError(400, 'invalid_grant'));
  }),
  unknown('the answer to polls that come too fast', 'as to any other poll', ({ calls }) => {
    const slowed = calls.filter(
      ({ request, status, error }) =>
        request === 'poll' && (status === 429 || error === 'slow_down'),
    );
    return slowed.length === 0
      ? { verdict: 'not seen', seen: 'no poll came before its interval' }
      : different([...new Set(slowed.map(answer))].join(', '));
  }),
  unknown(
    'which name stands in "Use a new …"',
    '`oob_code` or `mfa_token`, whichever has expired',
    ({ calls }) => {
      const found = calls.flatMap(({ expiry }) => (expiry === undefined ? [] : [expiry]));
      if (found.length === 0) return notSeen;
      return compare(
        found.every(({ instead }) => instead.length === 2),
        found
          .map(({ expired, instead }) => `${expired} expired: ${instead.join(' or ') || 'no name'}`)
          .join('; '),
      );
    },
  ),
  unknown('whether polls count in the limit of five', 'they do not', ({ calls }) => {
    const polls = calls.filter(({ request }) => request === 'poll');
    const limited = polls.find(({ status }) => status === 429);
    if (limited !== undefined) {
      return different(`429 at poll ${polls.indexOf(limited) + 1}`);
    }
    return polls.length > LIMIT ? confirmed(`${polls.length} polls without 429`) : notSeen;
  }),
  unknown('whether a push shows the forwarded address', 'it shows none', () => ({
    verdict: 'not seen',
    seen: 'the doctor forwards no address',
  })),
  unknown('where passkeys are asked for, and how an admin allows it', '`/challenge`', ({ calls }) =>
    every(
      calls.filter(({ request, factor }) => request === 'challenge' && factor === 'webauthn'),
      ({ status, fields }) => status === 200 && fields.some(({ name }) => name === 'publicKey'),
    ),
  ),
  unknown("whether Okta checks the page's origin", 'only where it is told which', () => ({
    verdict: 'not seen',
    seen: 'a terminal has no passkey',
  })),
  unknown(
    '`amr` for each factor',
    Object.entries(AMR)
      .map(([factor, value]) => `${factor}: ${value}`)
      .join(', '),
    ({ factors, amr }) => {
      if (amr === undefined || factors.length === 0) return notSeen;
      const assumed = ['mfa', 'pwd', ...factors.map((factor) => AMR[factor])].sort();
      const seen = `${factors.join(', ')}: ${amr.join(' ')}`;
      return compare([...amr].sort().join(' ') === assumed.join(' '), seen);
    },
  ),
  unknown('whether e-mail is available', 'it is', ({ calls }) => {
    const mails = calls.filter(
      ({ request, factor }) => request === 'challenge' && factor === 'email',
    );
    // This person may only not be enrolled.
    const [denied] = mails.filter(({ error }) => error === 'access_denied');
    if (denied !== undefined) return { verdict: 'not seen', seen: answer(denied) };
    return every(mails, ({ status }) => status === 200);
  }),
  unknown('`supported_challenge_types`', 'does not come', ({ calls }) => {
    const wanted = calls.filter(({ error }) => error === 'mfa_required');
    if (wanted.length === 0) return notSeen;
    const types = wanted.flatMap(({ supported }) => supported ?? []);
    const came = wanted.some(({ supported }) => supported !== undefined);
    return came ? different(`it comes: ${types.join(' ')}`) : confirmed('does not come');
  }),
  unknown('how many devices a push goes to', 'one', ({ devices }) =>
    devices === undefined ? notSeen : compare(devices === 1, `${devices}, as the person says`),
  ),
  unknown(
    '`interval`, `expires_in`, `binding_method` missing or odd',
    `push: interval ${INTERVAL}, expires_in ${CHALLENGE_LIFETIME}, none or transfer; codes: no interval, expires_in ${CHALLENGE_LIFETIME}, prompt`,
    (observations) => {
      const all = sent(observations, ...OOB_FACTORS);
      if (all.length === 0) return notSeen;
      const isAssumed = ({ factor, said }: Call) =>
        said['expires_in'] === CHALLENGE_LIFETIME &&
        (factor === 'push'
          ? said['interval'] === INTERVAL &&
            /^(none|transfer)$/.test(String(said['binding_method']))
          : said['interval'] === undefined && said['binding_method'] === 'prompt');
      const shown = all.map(({ factor, said }) => {
        const { interval = 'missing', expires_in = 'missing', binding_method = 'missing' } = said;
        return `${factor}: interval ${interval}, expires_in ${expires_in}, binding_method ${binding_method}`;
      });
      return compare(all.every(isAssumed), [...new Set(shown)].join('; '));
    },
  ),
  unknown('whether a DPoP refusal spends a code', 'DPoP is not there', ({ calls }) => {
    const refusals = calls.filter(({ error = '' }) => /dpop/.test(error));
    return refusals.length === 0
      ? notSeen
      : { verdict: 'not seen', seen: `${refusals.map(answer).join(', ')}: nobody can sign in` };
  }),
  unknown('how an account is recovered', 'not at all', () => notSeen),
  standIn('Wrong password, unknown or locked account', '400 invalid_grant', ({ calls }) =>
    every(
      calls.filter((call) => call.request === 'password' && refused(call)),
      isError(400, 'invalid_grant'),
    ),
  ),
  standIn('Wrong passcode', '400 invalid_grant', ({ calls }) =>
    every(
      calls.filter((call) => call.request === 'passcode' && refused(call) && !call.expiry),
      isError(400, 'invalid_grant'),
    ),
  ),
  standIn('A denied push', '400 invalid_grant', ({ calls, wrongNumberTapped }) =>
    wrongNumberTapped === true
      ? notSeen
      : every(
          calls.filter(
            (call) => call.request === 'poll' && isAnswered(call) && refused(call) && !call.expiry,
          ),
          isError(400, 'invalid_grant'),
        ),
  ),
  standIn('Wrong codes by text, call or e-mail', '400 invalid_grant', ({ calls }) =>
    every(
      calls.filter((call) => call.request === 'code' && refused(call) && !call.expiry),
      isError(400, 'invalid_grant'),
    ),
  ),
  standIn('Status for an expired `mfa_token` with a passcode', '400', ({ calls }) =>
    every(
      calls.filter(({ request, expiry }) => request === 'passcode' && expiry !== undefined),
      ({ status }) => status === 400,
    ),
  ),
];

/** Whether the person has answered the push. */
function isAnswered({ error = '' }: Call): boolean {
  return !/authorization_pending|slow_down/.test(error);
}

function unknown(row: string, assumed: string, judge: Assumption['judge']): Assumption {
  return { document: 'docs/unknowns.md', row, assumed, judge };
}

function standIn(row: string, assumed: string, judge: Assumption['judge']): Assumption {
  return { document: 'example/okta/README.md', row, assumed, judge };
}
