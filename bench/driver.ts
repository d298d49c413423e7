/** Logs in over HTTP, for the contestants that are servers. */
import { Agent, request } from 'undici';
import { PASSCODE } from './constants.js';
import { measure, type Round } from './measure.js';

const url = `${process.argv[2]}/login`;
const dispatcher = new Agent({ connections: 200 });

async function post(form: Record<string, string>, cookie?: string) {
  const { statusCode, headers, body } = await request(url, {
    method: 'POST',
    dispatcher,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(cookie !== undefined && { cookie }),
    },
    body: new URLSearchParams(form).toString(),
  });
  await body.text();
  return { statusCode, cookie: String(headers['set-cookie']).split(';')[0]! };
}

async function login(): Promise<void> {
  const first = await post({ username: 'bench@example.com', password: 'correct horse' });
  if (first.statusCode !== 403) throw new Error(`the password step answered ${first.statusCode}`);
  const second = await post({ otp: PASSCODE }, first.cookie);
  if (second.statusCode !== 200) throw new Error(`the passcode step answered ${second.statusCode}`);
}

process.on('message', (round: Round) => {
  measure(login, round).then(
    (result) => process.send!(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.send!('ready');
