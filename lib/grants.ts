import type { OnGrant } from './okta/tokens.js';

type Granted = Parameters<OnGrant>[0];

/** What Okta has granted to one request of the browser, until the login uses it. */
export class Grants {
  readonly #all: Granted[] = [];
  #used: Granted | undefined;

  get all(): readonly Granted[] {
    return this.#all;
  }

  get unused(): readonly Granted[] {
    const used = this.#used;
    return used === undefined ? this.#all : this.#all.filter((granted) => !isSame(granted, used));
  }

  add(granted: Granted): void {
    this.#all.push(granted);
  }

  /** The person is logged in with these. */
  use(tokens: Granted): void {
    this.#used = tokens;
  }
}

function isSame(one: Granted, other: Granted): boolean {
  return one.access_token === other.access_token;
}
