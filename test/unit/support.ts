import { afterEach, beforeEach } from 'node:test';
import type { Gate } from '../support/promises.js';
import type { Transaction } from '../../lib/index.js';
import {
  createBrowser,
  idToken,
  KEYS_PATH,
  KID,
  mockOkta,
  ORIGIN,
  rsaKeyPair,
  toJwk,
} from '../support/fixtures.js';

const { publicKey, privateKey } = rsaKeyPair();

/** The key of the transaction in the session. */
export const KEY = 'okta-direct-mfa';
export const USER = { id: 'u1' };
export const LOGIN_FORM = { username: 'ada@example.com', password: 'pw' };

export const TRANSACTION: Transaction = {
  id: 'id-1',
  mfaToken: 'mfa-1',
  username: 'ada',
  expiresAt: 1_700_000_000_000,
  attempts: 0,
  clientDigest: 'digest',
};

/** An ID token of the mocked Okta. */
export const signed = (claims: Record<string, unknown> = {}): string => idToken(privateKey, claims);

const tokens = (claims?: Record<string, unknown>) => ({
  access_token: 'at',
  id_token: signed(claims),
  token_type: 'Bearer',
});

/** A mocked Okta that gives out its keys, and a browser whose session has a cart. */
class Scene {
  okta!: ReturnType<typeof mockOkta>;
  browser!: ReturnType<typeof createBrowser>;

  open(): void {
    this.okta = mockOkta();
    this.okta.agent
      .get(ORIGIN)
      .intercept({ path: KEYS_PATH })
      .reply(200, { keys: [toJwk(publicKey, { kid: KID })] })
      .persist();
    this.browser = createBrowser({ cart: ['book'] });
  }

  /** Okta's next response: the password is right. */
  mfaRequired(mfaToken = 'mfa-1'): void {
    this.okta.token(403, { error: 'mfa_required', mfa_token: mfaToken });
  }

  /** Okta's next response: tokens. */
  granted(claims: Record<string, unknown> = {}): void {
    this.okta.token(200, tokens(claims));
  }

  /** The same, held back until `letGo`. @returns when the request has arrived */
  heldGrant(letGo: Gate): Promise<void> {
    return this.okta.heldToken(200, tokens(), letGo);
  }

  /** Okta's next response: the password or passcode is wrong. */
  rejected(): void {
    this.okta.token(400, { error: 'invalid_grant' });
  }

  /** The transaction, as the store of the session has it. */
  saved(): Transaction | undefined {
    return this.browser.saved()[KEY] as Transaction | undefined;
  }
}

/** A scene that is new for each test of the file. */
export function useScene(): Scene {
  const scene = new Scene();
  beforeEach(() => scene.open());
  afterEach(() => scene.okta.end());
  return scene;
}

/** The body's fields under their default names. */
export const FIELDS = {
  usernameField: 'username',
  passwordField: 'password',
  otpField: 'otp',
  factorField: 'factor',
  challengeField: 'challenge',
  assertionField: 'assertion',
};
