import type { OktaDirectMfaSecondFactor } from 'passport-okta-direct-mfa';
import {
  buttons,
  challengeField,
  codeField,
  demoLink,
  form,
  opening,
  otherWays,
  restart,
  sendAgain,
  who,
  type ChallengePage,
  type FactorPage,
} from './factor-parts.js';
import { html } from './html.js';
import { alertBox, layout, submit } from './layout.js';

/** The page for what is out, or for the passcode; else the choice. `otp`: the person wants that. */
export function factorPage(page: FactorPage, otp = false): string {
  const { challenge, factors } = page.pending;
  switch (challenge?.factor) {
    case 'push':
      return pushPage({ ...page, challenge });
    case 'webauthn':
      return passkeyPage({ ...page, challenge });
    case 'sms':
    case 'voice':
    case 'email':
      return codePage({ ...page, challenge });
    case 'otp': // never out
    case undefined:
      return factors.includes('otp') && (otp || factors[0] === 'otp')
        ? otpPage(page)
        : choicePage(page);
  }
}

function choicePage(page: FactorPage): string {
  const { csrf, pending, errors = {} } = page;
  return layout({
    title: 'Choose how to confirm it is you',
    error: Boolean(errors.form),
    step: 2,
    body: html`${opening(page, 'Choose how to confirm it is you')}
    ${
      pending.factors.length > 0
        ? html`<div class="ways">${form(csrf, buttons(pending.factors))}</div>`
        : html`<p>
            No other way is left for your account. Set one up in your Okta account, or contact your
            administrator.
          </p>`
    }
    ${restart(page)}`,
  });
}

function otpPage(page: FactorPage): string {
  const title = 'Six digits, with or without spaces';
  const { csrf, errors = {}, demo } = page;
  return layout({
    title: 'Enter your passcode',
    error: Boolean(errors.form ?? errors.otp),
    step: 2,
    body: html`<h1>Enter your passcode</h1>
      ${who(page)} ${alertBox(errors.form)}
      ${form(
        csrf,
        html`${codeField(
          page,
          'Passcode',
          'Six digits from your authenticator app.',
          html`inputmode="numeric" pattern="[0-9\\s]{6,16}" maxlength="16" title="${title}"`,
        )}
        ${submit('Sign in', errors.retryAfter)}`,
      )}
      ${otherWays(page, 'otp')}
      ${restart(page, demo && html`<a href="/login/authenticator">Set up your authenticator</a>`)}`,
  });
}

/** The number belongs on this page alone: whoever sees it elsewhere could be talked into tapping it. */
function pushPage(page: ChallengePage): string {
  const { csrf, challenge, errors = {}, demo } = page;
  const { numberChallenge, interval = 5, expiresAt } = challenge;
  const left = Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000));
  return layout({
    title: 'Approve the sign-in on your phone',
    error: Boolean(errors.form),
    step: 2,
    script: 'push.js',
    body: html`${opening(page, 'Approve the sign-in on your phone')}
      <div id="push">
        ${
          numberChallenge === undefined
            ? html`<p>Open the notification of Okta Verify and approve it.</p>`
            : html`<p id="number-label">
                  Open the notification of Okta Verify and tap this number:
                </p>
                <p class="number" role="group" aria-labelledby="number-label">
                  ${numberChallenge}
                </p>`
        }
        <p class="hint">
          Time left:
          <span data-left="${left}">${Math.ceil(left / 60)} min</span>
        </p>
        ${form(
          csrf,
          html`${challengeField(challenge)}
            <button class="primary" data-interval="${interval}">I have approved it</button>`,
        )}
      </div>
      <p class="status" role="status" id="status"></p>
      ${sendAgain(page)} ${otherWays(page, 'push')}
      ${restart(page, demoLink(demo?.phone, 'Open the demo phone'))}`,
  });
}

const sent: Partial<Record<OktaDirectMfaSecondFactor, string>> = {
  sms: 'We sent a text message with a code to your phone.',
  voice: 'We are calling your phone. The voice says a code.',
  email: 'We sent an email with a code. Look among the spam too.',
};

function codePage(page: ChallengePage): string {
  const { csrf, challenge, errors = {}, demo } = page;
  // Codes by email may have letters: upper case counts, and a keyboard of digits has none.
  const typing =
    challenge.factor === 'email'
      ? html`autocapitalize="none" autocorrect="off" spellcheck="false"`
      : html`inputmode="numeric"`;
  return layout({
    title: 'Enter the code',
    error: Boolean(errors.form ?? errors.otp),
    step: 2,
    body: html`<h1>Enter the code</h1>
      ${who(page)} ${alertBox(errors.form)}
      ${form(
        csrf,
        html`${challengeField(challenge)}
        ${codeField(page, 'Code', sent[challenge.factor], html`${typing} maxlength="64"`)}
        ${submit('Sign in', errors.retryAfter)}`,
      )}
      ${sendAgain(page)} ${otherWays(page, challenge.factor)}
      ${restart(page, demoLink(demo?.phone, 'Open the demo phone'))}`,
  });
}

function passkeyPage(page: ChallengePage): string {
  const { csrf, challenge, errors = {}, demo } = page;
  return layout({
    title: 'Use your passkey',
    error: Boolean(errors.form),
    step: 2,
    script: 'passkey.js',
    body: html`${opening(page, 'Use your passkey')}
      <noscript><p class="alert">A passkey needs JavaScript. Use another way.</p></noscript>
      ${form(
        csrf,
        html`${challengeField(challenge)}
          <input type="hidden" name="assertion" />
          <button
            class="primary"
            type="button"
            hidden
            data-public-key="${JSON.stringify(challenge.publicKey)}"
          >
            Continue with your passkey
          </button>`,
      )}
      <p class="status" role="status" id="status"></p>
      ${otherWays(page, 'webauthn')}
      ${restart(page, demoLink(demo?.passkeys, 'Enrol a passkey for the demo'))}`,
  });
}
