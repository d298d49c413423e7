import { isIP } from 'node:net';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import { html, type Html } from '../express/html.js';
import { layout, type PageRequest, type PageResponse } from './pages.js';
import { DEFAULT_RP_ID, webauthn, type PasskeySettings } from './passkeys.js';
import type { Directory, User } from './users.js';

interface Enrolment {
  readonly user: User;
  readonly expiresAt: number;
}

const LIFETIME = 300_000;
const MAX_ENROLMENTS = 100;

/** Where people enrol a passkey: `/passkeys`. At Okta this is a page of Okta's. */
export class PasskeyPages {
  readonly #directory: Directory;
  readonly #rpID: string;
  readonly #now: () => number;
  /** By the challenge to sign. */
  readonly #enrolments = new Map<string, Enrolment>();

  constructor(directory: Directory, settings: PasskeySettings, now: () => number) {
    this.#directory = directory;
    this.#rpID = settings.rpID ?? DEFAULT_RP_ID;
    this.#now = now;
  }

  async respond({ method, path, origin, body }: PageRequest): Promise<PageResponse | undefined> {
    if (path === '/passkeys' && method === 'GET') return this.#page(origin);
    if (path === '/passkeys/options' && method === 'POST') return this.#begin(body);
    if (path === '/passkeys' && method === 'POST') return this.#finish(body, origin.origin);
    return undefined;
  }

  #page(origin: URL): PageResponse {
    // No passkey is for an address: browsers want a name.
    if (isIP(origin.hostname) !== 0 && this.#rpID === 'localhost') {
      return { status: 302, location: `${origin.protocol}//localhost:${origin.port}/passkeys` };
    }
    return { status: 200, body: form(this.#rpID) };
  }

  async #begin(body: string): Promise<PageResponse> {
    const { username, password } = parse(body) as { username?: unknown; password?: unknown };
    const user = this.#directory.findByUsername(String(username));
    if (!user || user.locked || user.password !== password) {
      return refused('The username or the password is wrong.');
    }
    const { generateRegistrationOptions } = await webauthn();
    const options = await generateRegistrationOptions({
      rpName: 'Okta stand-in',
      rpID: this.#rpID,
      userID: Uint8Array.from(Buffer.from(user.id)),
      userName: user.username,
      userDisplayName: `${user.givenName} ${user.familyName}`,
      excludeCredentials: user.passkeys.map(({ id }) => ({ id })),
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    });
    this.#deleteOld();
    this.#enrolments.set(options.challenge, { user, expiresAt: this.#now() + LIFETIME });
    return { status: 200, body: { ...options } };
  }

  async #finish(body: string, expectedOrigin: string): Promise<PageResponse> {
    let enrolment: Enrolment | undefined;
    const takeOnce = (challenge: string): boolean => {
      this.#deleteOld();
      enrolment = this.#enrolments.get(challenge);
      return this.#enrolments.delete(challenge);
    };
    const { verifyRegistrationResponse } = await webauthn();
    try {
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        response: parse(body) as unknown as RegistrationResponseJSON,
        expectedChallenge: takeOnce,
        expectedOrigin,
        expectedRPID: this.#rpID,
        requireUserVerification: false,
      });
      if (!verified || !enrolment) return refused('The passkey could not be verified.');
      const { credential, aaguid } = registrationInfo;
      const { user } = enrolment;
      user.passkeys.push({ ...credential, aaguid, displayName: `Passkey of ${user.givenName}` });
      return { status: 200, body: { message: `A passkey is enrolled for ${user.username}.` } };
    } catch {
      return refused('The passkey could not be verified. Try again.');
    }
  }

  #deleteOld(): void {
    for (const [challenge, { expiresAt }] of this.#enrolments) {
      if (expiresAt > this.#now() && this.#enrolments.size < MAX_ENROLMENTS) return;
      this.#enrolments.delete(challenge);
    }
  }
}

const refused = (message: string): PageResponse => ({ status: 400, body: { message } });

function parse(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function form(rpID: string): Html {
  return layout(
    'Enrol a passkey',
    html`<p>
        The passkey will be good for sign-in pages on <strong>${rpID}</strong>. It replaces nothing:
        a person may have several.
      </p>
      <noscript
        ><p class="error">Browsers create passkeys only by script: switch scripts on.</p></noscript
      >
      <form class="card" method="post" action="/passkeys">
        <label for="username">Username</label>
        <input id="username" name="username" autocomplete="username" required />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
        />
        <button>Enrol</button>
      </form>
      <p id="result" role="status"></p>
      <p><a href="/phone">Phones</a></p>`,
    '/stand-in/passkeys.js',
  );
}
