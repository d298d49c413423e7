import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { startOkta, type Okta, type User } from '../../example/okta/index.js';
import { root, withoutCoverage } from '../support/program.js';

/** In a pseudo-terminal, which only a program of the system can make: `script` of util-linux. */
describe('doctor --sign-in in a terminal', () => {
  let okta: Okta;
  before(async () => {
    okta = await startOkta();
  });
  after(() => okta.close());

  const code = (channel: 'sms' | 'voice' | 'email') => (user: User) =>
    [['Code that has been sent: ', () => okta.phone(user).code(channel)]] as const;
  const FACTORS: Record<string, (user: User) => readonly (readonly [string, () => string])[]> = {
    otp: (user) => [['Passcode of the authenticator: ', () => okta.otp(user)]],
    push: () => [['How many devices showed the push? ', () => '1']],
    sms: code('sms'),
    voice: code('voice'),
    email: code('email'),
  };

  for (const [factor, proof] of Object.entries(FACTORS)) {
    it(`signs in by ${factor}, shows no password, and ends by itself`, async () => {
      const user = okta.addUser({
        factors: {
          push: { numberChallenge: true },
          sms: '+1 555 0100',
          voice: '+1 555 0100',
          email: {},
        },
      });
      const command = `${process.execPath} --require tsx/cjs lib/cli/main.ts doctor --sign-in --allow-insecure-issuer`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        cwd: root,
        env: {
          ...withoutCoverage(),
          OKTA_ISSUER: okta.issuers.org,
          OKTA_CLIENT_ID: okta.clients.native.client_id,
          OKTA_FACTORS: factor,
          NO_COLOR: '1',
        },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const answers: (readonly [string, () => string])[] = [
        ['Username: ', () => user.username],
        ['Password: ', () => user.password],
        [`Second factor (1 ${factor}): `, () => '1'],
        ...proof(user),
      ];
      let output = '';
      let isApproved = false;
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        if (!isApproved && /Tap \d\d on the phone/.test(output)) {
          isApproved = true;
          okta.phone(user).approve();
        }
        const [question, answer] = answers[0] ?? [];
        if (question === undefined || !output.includes(question)) return;
        answers.shift();
        child.stdin.write(`${answer?.()}\r`);
      });
      const [status] = (await once(child, 'close')) as [number];
      assert.equal(status, 0, output);
      assert.match(output, /Signed in\./);
      assert.ok(output.includes(user.username), 'what is no secret is shown');
      assert.ok(!output.includes(user.password), 'the password is shown');
    });
  }
});
