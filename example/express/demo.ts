import type { OktaDirectMfaSecondFactor } from 'passport-okta-direct-mfa';
import { toString as drawQRCode, type QRCodeToStringOptions } from 'qrcode';
import { otpauthUri, type Okta, type User } from '../okta/index.js';
import type { DemoAccount } from './layout.js';
import { usesColor } from './terminal.js';

export const FACTORS: OktaDirectMfaSecondFactor[] = [
  'otp',
  'push',
  'sms',
  'voice',
  'email',
  'webauthn',
];

/** The strategy's options for the stand-in, which can do everything. */
export const standInOptions = ({ issuers, clients }: Okta) => ({
  issuer: issuers.org,
  clientID: clients.native.client_id,
  allowInsecureIssuer: true, // plain http, on this machine only
  factors: FACTORS,
  scope: 'openid profile email offline_access', // the last for a refresh token
});

/** The account for a complete login. */
export function demoAccount({ origin, users: { alice } }: Okta): DemoAccount {
  return {
    username: alice.username,
    password: alice.password,
    secret: alice.totpSecret!,
    otpauth: otpauthUri(alice, 'Okta stand-in'),
    phone: `${origin}/phone`,
    // Passkeys belong to a name, not to an address.
    passkeys: `${origin.replace('127.0.0.1', 'localhost')}/passkeys`,
  };
}

/** What signing in as this user shows. */
function describeUser({ mfa, locked, assigned, passwordExpired, ...user }: User): string {
  if (locked) return 'locked: same message as for a wrong password';
  if (!assigned) return 'not assigned to the app: sign-in fails';
  if (passwordExpired) return 'password expired: sign-in fails';
  if (!mfa) return 'no second factor required: sign-in fails';
  const { push, sms, voice, email } = user.factors;
  const factors = [
    user.totpSecret && 'passcode',
    push && (push.numberChallenge ? 'push with a number' : 'push without a number: refused'),
    sms && 'text message',
    voice && 'phone call',
    email && 'email',
  ].filter(Boolean);
  return `${factors.join(', ') || 'passkey, once enrolled'}${user.thirdFactor ? '; two of them' : ''}`;
}

/** Without colours: light on dark, as terminals are, so that the code itself is dark on light. */
const qrCode = (color: boolean): QRCodeToStringOptions =>
  color
    ? { type: 'terminal', small: true }
    : { type: 'utf8', margin: 2, color: { dark: '#ffffff', light: '#000000' } };

/** The instructions printed in the terminal; `color`: whether the QR code may have colour codes. */
export async function describeDemo(
  okta: Okta,
  account: DemoAccount,
  color = usesColor(process.stdout, process.env),
): Promise<string> {
  const others = Object.values<User>({ ...okta.users })
    .filter(({ username }) => username !== account.username)
    .map((user) => ({ ...user, shows: describeUser(user) }));
  const width = (of: (other: (typeof others)[number]) => string) =>
    Math.max(...others.map((other) => of(other).length));
  const nameWidth = width(({ username }) => username);
  const passwordWidth = width(({ password }) => password);

  return `
A local stand-in plays Okta's part. Sign in with

  username:    ${account.username}
  password:    ${account.password}
  TOTP secret: ${account.secret}

and a passcode from an authenticator app that has scanned this QR code:

${await drawQRCode(account.otpauth, { ...qrCode(color), errorCorrectionLevel: 'L' })}
  ${account.otpauth}

Pushes, text messages, calls and emails arrive at the phone page; passkeys are enrolled at the other:

  phone:       ${account.phone}
  passkeys:    ${account.passkeys}

More accounts, with username, password, and what they demonstrate:

${others
  .map(({ username, password, shows }) =>
    ['', username.padEnd(nameWidth), password.padEnd(passwordWidth), shows].join('  '),
  )
  .join('\n')}
`;
}
