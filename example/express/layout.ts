import { html, type Html } from './html.js';

/** The messages of a failed step: at the top of the form, or next to a field. */
export interface Errors {
  form?: string;
  username?: string;
  password?: string;
  otp?: string;
  /** Seconds until another attempt makes sense; the button counts them down. */
  retryAfter?: number;
}

/** An account that anyone may use, for the demo only. */
export interface DemoAccount {
  username: string;
  password: string;
  /** In Base32, as authenticator apps expect it. */
  secret: string;
  otpauth: string;
  /** The stand-in's pages that play the phone, the mailbox and the enrolment of passkeys. */
  phone: string;
  passkeys: string;
}

interface Layout {
  title: string;
  body: Html;
  error?: boolean;
  step?: 1 | 2;
  wide?: boolean;
  /** A file of public/, beside app.js. */
  script?: string;
}

const mark = html`<svg class="mark" viewBox="0 0 40 40" aria-hidden="true" focusable="false">
  <path
    class="mark-shield"
    d="M20 2 35 7.500v11c0 9.500-6 16.300-15 19.500C11 34.800 5 28 5 18.500v-11z"
  />
  <path
    class="mark-key"
    d="M20 11.500a5 5 0 0 0-2.300 9.440L16.300 28h7.400l-1.400-7.060A5 5 0 0 0 20 11.500z"
  />
</svg>`;

/** The frame of every page. The title comes first in a screen reader, so it says "Error:". */
export function layout({ title, body, error, step, wide, script }: Layout): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${error && 'Error: '}${title} – Okta Direct MFA sample</title>
        <link rel="icon" href="/mark.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/app.css" />
        <script src="/app.js" defer></script>
        ${script && html`<script src="/${script}" defer></script>`}
      </head>
      <body>
        <header class="brand">${mark}<span>Okta Direct MFA sample</span></header>
        <main class="card ${wide && 'wide'}">
          ${step && html`<p class="step step-${step}">Step ${step} of 2</p>`} ${body}
        </main>
      </body>
    </html>`.text;
}

export const csrfField = (token: string) =>
  html`<input type="hidden" name="_csrf" value="${token}" />`;

/** `focus`: on a page without a field to type in, the message is what to read first. */
export const alertBox = (text: string | undefined, focus = false) =>
  text &&
  html`<p class="alert" role="alert" id="form-error" ${focus && html`tabindex="-1" autofocus`}>
    ${text}
  </p>`;

export const fieldError = (name: string, text: string | undefined) =>
  text && html`<p class="field-error" role="alert" id="${name}-error">${text}</p>`;

/** Links an input to its hint and its error message, for assistive technology. */
export const described = (name: 'username' | 'password' | 'otp', errors: Errors, hint = false) => {
  const ids = [
    hint && `${name}-hint`,
    errors.form && 'form-error',
    errors[name] && `${name}-error`,
  ].filter(Boolean);
  return html`${ids.length > 0 && html`aria-describedby="${ids.join(' ')}"`}
  ${errors[name] && html`aria-invalid="true"`}`;
};

/** `data-retry-after` is read by app.js; without scripts, the error message says the same. */
export const submit = (label: string, retryAfter?: number) =>
  html`<button class="primary" ${retryAfter && html`data-retry-after="${retryAfter}"`}>
    ${label}
  </button>`;
