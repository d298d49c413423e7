import { html, type Value } from './html.js';
import {
  alertBox,
  csrfField,
  described,
  fieldError,
  layout,
  submit,
  type DemoAccount,
  type Errors,
} from './layout.js';
import type { RecoveryLinks } from './recovery.js';

export interface LoginPage {
  csrf: string;
  username?: string | undefined;
  errors?: Errors | undefined;
  notice?: string | undefined;
  recovery: RecoveryLinks;
  demo?: DemoAccount | undefined;
}

export function loginPage(page: LoginPage): string {
  const { csrf, username, errors = {}, notice, recovery, demo } = page;
  // If the username is kept from the last attempt, only the password has to be typed again.
  const focus = username && !errors.username ? 'password' : 'username';
  return layout({
    title: 'Sign in',
    error: Boolean(errors.form ?? errors.username ?? errors.password),
    step: 1,
    script: 'reveal.js',
    body: html`<h1>Sign in</h1>
      ${notice && html`<p class="notice" role="status">${notice}</p>`} ${alertBox(errors.form)}
      <form method="post" action="/login">
        ${csrfField(csrf)}
        <div class="field">
          <label for="username">Username</label>
          <input
            id="username"
            name="username"
            type="text"
            value="${username}"
            autocomplete="username"
            autocapitalize="none"
            autocorrect="off"
            spellcheck="false"
            maxlength="256"
            required
            ${described('username', errors)}
            ${focus === 'username' && html`autofocus`}
          />
          ${fieldError('username', errors.username)}
        </div>
        <div class="field">
          <label for="password">Password</label>
          <div class="with-reveal">
            <input
              id="password"
              name="password"
              type="password"
              autocomplete="current-password"
              autocapitalize="none"
              autocorrect="off"
              spellcheck="false"
              maxlength="1024"
              required
              ${described('password', errors)}
              ${focus === 'password' && html`autofocus`}
            />
            ${revealButton}
          </div>
          ${fieldError('password', errors.password)}
        </div>
        ${submit('Continue', errors.retryAfter)}
      </form>
      ${recoveryList(recovery)}
      ${
        demo &&
        html`<aside class="demo" aria-labelledby="demo-title">
          <h2 id="demo-title">Try the demo</h2>
          <dl>
            <dt>Username</dt>
            <dd><code>${demo.username}</code></dd>
            <dt>Password</dt>
            <dd><code>${demo.password}</code></dd>
          </dl>
          <p><a href="/login/authenticator">Set up your authenticator</a> to get passcodes.</p>
        </aside>`
      }`,
  });
}

/** Shown by reveal.js. Its label stays the same: `aria-pressed` says which state it is in. */
const revealButton = html`<button
  class="reveal"
  type="button"
  hidden
  aria-controls="password"
  aria-pressed="false"
>
  <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d="M2 12s3.500-6.500 10-6.500S22 12 22 12s-3.500 6.500-10 6.500S2 12 2 12z" />
    <circle cx="12" cy="12" r="3" />
    <path class="reveal-slash" d="M4 20 20 4" />
  </svg>
  <span class="visually-hidden">Show password</span>
</button>`;

const recoveryList = ({ forgotPassword, unlock }: RecoveryLinks) =>
  (forgotPassword ?? unlock) !== undefined &&
  html`<ul class="recovery">
    ${forgotPassword && html`<li><a href="${forgotPassword}">Forgot your password?</a></li>`}
    ${unlock && html`<li><a href="${unlock}">Unlock your account</a></li>`}
  </ul>`;

export interface ProfilePage {
  csrf: string;
  errors?: Errors | undefined;
  name: string;
  username?: string | undefined;
  claims: Record<string, unknown>;
}

/** The claims that most people want to see, in this order; the others are shown by name only. */
const claimLabels: Record<string, string> = {
  name: 'Name',
  preferred_username: 'Username',
  email: 'Email',
  sub: 'User ID',
  amr: 'Signed in with',
  auth_time: 'Signed in at',
  iss: 'Issuer',
  aud: 'Client',
  iat: 'Issued',
  exp: 'Expires',
};

function claimValue(name: string, value: unknown): Value {
  const time = new Date(Number(value) * 1000);
  if (['auth_time', 'iat', 'exp'].includes(name) && !Number.isNaN(time.getTime())) {
    const iso = time.toISOString();
    return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
  }
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const claimRows = (claims: Record<string, unknown>, names: string[]) =>
  html`<thead class="visually-hidden">
      <tr>
        <th scope="col">Claim</th>
        <th scope="col">Value</th>
      </tr>
    </thead>
    <tbody>
      ${names.map(
        (name) =>
          html`<tr>
            <th scope="row">
              ${claimLabels[name] && html`<span>${claimLabels[name]}</span>`} <code>${name}</code>
            </th>
            <td>${claimValue(name, claims[name])}</td>
          </tr>`,
      )}
    </tbody>`;

export function profilePage({ csrf, errors = {}, name, username, claims }: ProfilePage): string {
  const known = Object.keys(claimLabels).filter((claim) => claim in claims);
  const others = Object.keys(claims).filter((claim) => !(claim in claimLabels));
  return layout({
    title: 'Your profile',
    error: Boolean(errors.form),
    wide: true,
    body: html`${alertBox(errors.form)}
      <div class="person">
        <span class="avatar" aria-hidden="true">${Array.from(name)[0]?.toUpperCase()}</span>
        <div>
          <h1>${name}</h1>
          ${username && username !== name && html`<p class="who">${username}</p>`}
        </div>
        <p class="badge">Signed in</p>
      </div>
      <table>
        <caption>
          Your Okta profile, from the verified ID token
        </caption>
        ${claimRows(claims, known)}
      </table>
      ${
        others.length > 0 &&
        html`<details>
          <summary>More claims (${others.length})</summary>
          <table aria-label="More claims">
            ${claimRows(claims, others)}
          </table>
        </details>`
      }
      <form method="post" action="/logout">
        ${csrfField(csrf)}
        <button class="secondary">Sign out</button>
      </form>`,
  });
}

export interface AuthenticatorPage {
  demo: DemoAccount;
  /** `data:` URL of the QR code. */
  qr: string;
  back: string;
}

export function authenticatorPage({ demo, qr, back }: AuthenticatorPage): string {
  const grouped = demo.secret.match(/.{1,4}/g)?.join(' ');
  return layout({
    title: 'Set up your authenticator',
    body: html`<h1>Set up your authenticator</h1>
      <p>
        Scan this code with an authenticator app, such as Google Authenticator, 1Password or Aegis.
        The app then shows passcodes for <strong>${demo.username}</strong>.
      </p>
      <img class="qr" src="${qr}" width="220" height="220" alt="QR code of the secret key below" />
      <p class="label" id="secret-label">Or enter this secret key</p>
      <p class="secret"><code aria-labelledby="secret-label">${grouped}</code></p>
      <p>Is the app on this device? <a href="${demo.otpauth}">Open your authenticator app</a></p>
      <p><a class="button primary" href="${back}">Back to sign-in</a></p>`,
  });
}

export interface ErrorPage {
  title: string;
  text: string;
  action: { href: string; label: string };
}

export function errorPage({ title, text, action }: ErrorPage): string {
  return layout({
    title,
    error: true,
    body: html`<h1>${title}</h1>
      <p>${text}</p>
      <p><a class="button primary" href="${action.href}">${action.label}</a></p>`,
  });
}
