import { toString as drawQRCode } from 'qrcode';
import { otpauthUri, type Okta } from '../okta/index.js';
import type { DemoAccount } from './pages.js';

/** The account for a complete login. */
export function demoAccount({ users: { alice } }: Okta): DemoAccount {
  return {
    username: alice.username,
    password: alice.password,
    secret: alice.totpSecret!,
    otpauth: otpauthUri(alice, 'Okta stand-in'),
  };
}

/** The instructions printed in the terminal. */
export async function describeDemo(okta: Okta, account: DemoAccount): Promise<string> {
  const { bob, carol, dave } = okta.users;
  const others = [
    { user: bob, shows: 'no second factor required: sign-in fails' },
    { user: carol, shows: 'locked: same message as for a wrong password' },
    { user: dave, shows: 'not assigned to the app: sign-in fails' },
  ];
  const width = (of: (other: (typeof others)[number]) => string) =>
    Math.max(...others.map((other) => of(other).length));
  const nameWidth = width(({ user }) => user.username);
  const passwordWidth = width(({ user }) => user.password);

  return `
A local stand-in plays Okta's part. Sign in with

  username:    ${account.username}
  password:    ${account.password}
  TOTP secret: ${account.secret}

and a passcode from an authenticator app that has scanned this QR code:

${await drawQRCode(account.otpauth, { type: 'terminal', small: true, errorCorrectionLevel: 'L' })}
  ${account.otpauth}

More accounts, with username, password, and what they demonstrate:

${others
  .map(({ user, shows }) =>
    ['', user.username.padEnd(nameWidth), user.password.padEnd(passwordWidth), shows].join('  '),
  )
  .join('\n')}
`;
}
