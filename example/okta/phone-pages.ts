import { html, type Html } from '../express/html.js';
import { layout, message, type PageRequest, type PageResponse } from './pages.js';
import type { Message, Phones, Push } from './phones.js';
import type { Directory, User } from './users.js';

const VERBS = { sms: 'Text message', voice: 'Phone call', email: 'E-mail' } as const;

/** Everybody's phone and mailbox in the browser: `/phone`, `/phone/{username}`. */
export class PhonePages {
  readonly #directory: Directory;
  readonly #phones: Phones;

  constructor(directory: Directory, phones: Phones) {
    this.#directory = directory;
    this.#phones = phones;
  }

  respond({ method, path, body }: PageRequest): PageResponse | undefined {
    if (/^\/phone\/?$/.test(path)) {
      return method === 'GET' ? { status: 200, body: this.#people() } : undefined;
    }
    const user = this.#directory.findByUsername(decode(path.slice('/phone/'.length)));
    if (!user || !hasPhone(user)) return undefined;
    if (method === 'GET') return { status: 200, body: this.#phone(user) };
    return method === 'POST' ? this.#tap(user, new URLSearchParams(body)) : undefined;
  }

  #tap(user: User, form: URLSearchParams): PageResponse {
    const tapped = form.get('tap') ?? '';
    const answer = tapped === 'yes' ? true : tapped === 'no' ? false : tapped;
    return this.#phones.answer(user, form.get('push') ?? '', answer)
      ? { status: 303, location: pathOf(user) }
      : message(409, 'This push no longer waits for an answer');
  }

  #people(): Html {
    const people = this.#directory.users.filter(hasPhone);
    return layout(
      'Phones',
      html`<p>Whose phone and mailbox do you want to hold?</p>
        <ul>
          ${people.map(
            (user) =>
              html`<li class="card">
                <a href="${pathOf(user)}">${nameOf(user)}</a><br />
                <span class="note">${user.username}: ${kindsOf(user)}</span>
              </li>`,
          )}
        </ul>
        <p><a href="/passkeys">Enrol a passkey</a></p>`,
    );
  }

  #phone(user: User): Html {
    const phone = this.#phones.of(user);
    const path = pathOf(user);
    const pushes = phone.pushes().reverse();
    const messages = phone.messages().reverse();
    return layout(
      `The phone of ${nameOf(user)}`,
      html`<p class="note">${user.username}: ${kindsOf(user)}</p>
        <p id="news" class="unseen" aria-live="polite"></p>
        <div id="arrived">
          ${user.factors.push && html`<h2>Okta Verify</h2>`}
          ${
            user.factors.push &&
            (pushes.length === 0 ? html`<p>Nothing waits.</p>` : pushes.map(describePush(path)))
          }
          ${takesCodes(user) && html`<h2>Messages</h2>`}
          ${
            takesCodes(user) &&
            (messages.length === 0
              ? html`<p>Nothing has arrived.</p>`
              : html`<ol>
                  ${messages.map(describeMessage)}
                </ol>`)
          }
        </div>
        <p><a href="${path}">Refresh</a> · <a href="/phone">Other phones</a></p>`,
      '/stand-in/phone.js',
    );
  }
}

const describePush =
  (path: string) =>
  ({ id, numbers }: Push): Html =>
    html`<form class="card" method="post" action="${path}">
      <input type="hidden" name="push" value="${id}" />
      <p>
        <strong>Did you just try to sign in?</strong>
        ${
          numbers ? 'Tap the number that the sign-in page shows.' : 'There is no number to compare.'
        }
        To let it expire, do nothing.
      </p>
      <div class="numbers">
        ${(numbers ?? ['yes']).map(
          (number) =>
            html`<button id="tap-${id}-${number}" name="tap" value="${number}">
              ${number === 'yes' ? "Yes, it's me" : number}
            </button>`,
        )}
      </div>
      <button class="no" id="tap-${id}-no" name="tap" value="no">No, it's not me</button>
    </form>`;

function describeMessage({ channel, code, at }: Message): Html {
  const time = new Date(at).toISOString();
  return html`<li class="card">
    ${VERBS[channel]}: your code is <span class="code">${code}</span>
    <time datetime="${time}">${time.slice(11, 19)} UTC</time>
  </li>`;
}

const nameOf = ({ givenName, familyName }: User): string => `${givenName} ${familyName}`;
const pathOf = ({ username }: User): string => `/phone/${encodeURIComponent(username)}`;

const takesCodes = ({ factors }: User): boolean =>
  factors.sms !== undefined || factors.voice !== undefined || factors.email !== undefined;

const hasPhone = (user: User): boolean => user.factors.push !== undefined || takesCodes(user);

function kindsOf({ factors }: User): string {
  const { push, sms, voice, email } = factors;
  return [
    push && 'Okta Verify',
    sms !== undefined && `texts to ${sms}`,
    voice !== undefined && `calls to ${voice}`,
    email && 'e-mail',
  ]
    .filter(Boolean)
    .join(', ');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
