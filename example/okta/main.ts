import { startOkta } from './index.js';

/** Runs the stand-in alone: `npx tsx example/okta/main.ts`. `PORT` sets the port, default 8081. */
async function main(): Promise<void> {
  const okta = await startOkta({ port: Number(process.env['PORT'] ?? 8081) });
  const { clients, issuers, users } = okta;
  const lines = [
    'A local stand-in for Okta is running. Ctrl-C stops it.',
    '',
    `issuer (org server):     ${issuers.org}`,
    `issuer (custom server):  ${issuers.default}`,
    '',
    ...[clients.native, clients.basic, clients.post].flatMap((client) => [
      `${client.token_endpoint_auth_method}:`,
      `client_id:     ${client.client_id}`,
      ...(client.client_secret === undefined ? [] : [`client_secret: ${client.client_secret}`]),
      '',
    ]),
    `phones and mailboxes:    ${okta.origin}/phone`,
    `to enrol a passkey:      ${okta.origin}/passkeys`,
    '',
    ...[
      { user: users.alice, note: 'password, then a passcode' },
      { user: users.bob, note: 'password only' },
      { user: users.carol, note: 'locked' },
      { user: users.dave, note: 'not assigned to the app' },
      { user: users.erin, note: 'push with a number to compare' },
      { user: users.frank, note: 'push without a number' },
      { user: users.grace, note: 'text message' },
      { user: users.heidi, note: 'phone call' },
      { user: users.ivan, note: 'e-mail, with letters in the code' },
      { user: users.judy, note: 'passkey, once enrolled' },
      { user: users.kim, note: 'every factor' },
      { user: users.liam, note: 'two factors after the password' },
      { user: users.mia, note: 'password expired' },
    ].flatMap(({ user, note }) => [
      `${note}:`,
      `username:    ${user.username}`,
      `password:    ${user.password}`,
      ...(user.totpSecret === undefined ? [] : [`TOTP secret: ${user.totpSecret}`]),
      '',
    ]),
  ];
  // Before anything is printed: the reader of the output may stop this at once.
  process.once('SIGINT', () => void okta.close());
  process.once('SIGTERM', () => void okta.close());
  console.log(lines.join('\n'));
}

main().catch((err: unknown) => {
  console.error(err instanceof Error ? err.message : err);
  process.exitCode = 1;
});
