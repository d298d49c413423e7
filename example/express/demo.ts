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
    { user: bob, shows: 'Okta asks for no passcode: refused' },
    { user: carol, shows: 'locked: looks like a wrong password' },
    { user: dave, shows: 'not assigned to the app: refused' },
  ];
  const width = (of: (other: (typeof others)[number]) => string) =>
    Math.max(...others.map((other) => of(other).length));
  const nameWidth = width(({ user }) => user.username);
  const passwordWidth = width(({ user }) => user.password);

  return `
Okta is played by a local stand-in. Sign in with

  username:    ${account.username}
  password:    ${account.password}
  TOTP secret: ${account.secret}

and the passcode of an authenticator app that has scanned this:

${await drawQRCode(account.otpauth, { type: 'terminal', small: true, errorCorrectionLevel: 'L' })}
  ${account.otpauth}

More accounts, with username, password, and what they show:

${others
  .map(({ user, shows }) =>
    ['', user.username.padEnd(nameWidth), user.password.padEnd(passwordWidth), shows].join('  '),
  )
  .join('\n')}
`;
}
