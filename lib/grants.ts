import type { OnGrant } from './okta/tokens.js';

type Granted = Parameters<OnGrant>[0];

/** What Okta has granted to one request of the browser, until the login uses it. */
export class Grants {
  #unused: Granted[] = [];

  get unused(): readonly Granted[] {
    return this.#unused;
  }

  add(granted: Granted): void {
    this.#unused.push(granted);
  }

  /** The person is logged in with these. */
  use({ access_token }: Granted): void {
    this.#unused = this.#unused.filter((granted) => granted.access_token !== access_token);
  }
}
