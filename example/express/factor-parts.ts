import type {
  OktaDirectMfaSecondFactor,
  PendingChallenge,
  PendingTransaction,
} from 'passport-okta-direct-mfa';
import { html, type Html, type Value } from './html.js';
import { attemptsLeft } from './messages.js';
import {
  alertBox,
  csrfField,
  described,
  fieldError,
  type DemoAccount,
  type Errors,
} from './layout.js';

/** What the pages of the second step are made of: `pending` says all that there is to show. */
export interface FactorPage {
  csrf: string;
  pending: PendingTransaction;
  /** Wrong passcodes until the password is needed again. */
  maxAttempts: number;
  errors?: Errors | undefined;
  demo?: DemoAccount | undefined;
}

export type ChallengePage = FactorPage & { challenge: PendingChallenge };

const ways: Record<OktaDirectMfaSecondFactor, string> = {
  otp: 'Enter a passcode from your authenticator app',
  push: 'Approve on your phone with Okta Verify',
  sms: 'Get a code by text message',
  voice: 'Get a code by phone call',
  email: 'Get a code by email',
  webauthn: 'Use a passkey',
};

export const who = ({ pending }: FactorPage) =>
  html`<p class="who">Signing in as <strong>${pending.username}</strong></p>`;

/** Of a page without a field to type in: the focus is on the message, else on the heading. */
export const opening = (page: FactorPage, title: string) => {
  const error = page.errors?.form;
  return html`<h1 ${!error && html`tabindex="-1" autofocus`}>${title}</h1>
    ${who(page)} ${alertBox(error, true)}`;
};

export const codeField = (page: FactorPage, label: string, hint: Value, attributes: Html) => {
  const { errors = {}, pending, maxAttempts } = page;
  const { attemptsRemaining } = pending;
  // The message of a wrong code says it too, but is gone after a reload.
  const left = !errors.otp && attemptsRemaining < maxAttempts && attemptsLeft(attemptsRemaining);
  return html`<div class="field">
    <label for="otp">${label}</label>
    <p class="hint" id="otp-hint">${hint} ${left}</p>
    <input
      id="otp"
      name="otp"
      class="otp"
      type="text"
      ${attributes}
      autocomplete="one-time-code"
      required
      autofocus
      ${described('otp', errors, true)}
    />
    ${fieldError('otp', errors.otp)}
  </div>`;
};

export const form = (csrf: string, content: Value) =>
  html`<form method="post" action="/login/otp">${csrfField(csrf)} ${content}</form>`;

export const challengeField = ({ id }: PendingChallenge) =>
  html`<input type="hidden" name="challenge" value="${id}" />`;

/** A push, a text, a call or a mail goes out only when the person presses one of these buttons. */
export const buttons = (factors: OktaDirectMfaSecondFactor[]) =>
  factors.map(
    (factor) =>
      html`<button class="secondary" name="factor" value="${factor}">${ways[factor]}</button>`,
  );

export function otherWays({ csrf, pending }: FactorPage, used: OktaDirectMfaSecondFactor) {
  const others = pending.factors.filter((factor) => factor !== used);
  return (
    others.length > 0 &&
    html`<section class="ways" aria-labelledby="ways">
      <h2 id="ways">Use another way</h2>
      ${form(csrf, buttons(others))}
    </section>`
  );
}

export const restart = ({ csrf }: FactorPage, link: Value = '') =>
  html`<form method="post" action="/login/restart" class="restart">
    ${csrfField(csrf)}
    <button class="link">Start over</button>
    ${link}
  </form>`;

export const demoLink = (href: string | undefined, label: string) =>
  href && html`<a href="${href}" target="_blank" rel="noopener">${label} (new tab)</a>`;

/** `data-wait` is read by app.js; without scripts, the server answers the same. */
export function sendAgain({ csrf, challenge }: ChallengePage) {
  const wait = Math.ceil(((challenge.resendAt ?? 0) - Date.now()) / 1000);
  return form(
    csrf,
    html`<button
        class="secondary"
        name="factor"
        value="${challenge.factor}"
        aria-describedby="again-hint"
        ${wait > 0 && html`data-wait="${wait}"`}
      >
        Send again
      </button>
      <p class="hint again" id="again-hint">
        Nothing arrived? Wait a moment before you send again. The last one then no longer counts.
      </p>`,
  );
}
