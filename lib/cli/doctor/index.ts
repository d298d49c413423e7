import { parseArgs } from 'node:util';
import type { OktaDirectMfaRequest } from '../../request.js';
import { UsageError, type Io } from '../io.js';
import { openNetwork } from '../network.js';
import {
  complaintAbout,
  readIssuerSetting,
  readSettings,
  SETTINGS_OPTIONS,
  type Target,
} from '../settings.js';
import { Terminal } from '../terminal.js';
import { impossibleUsername } from './app.js';
import { allChecks, fix, skipped, type Check } from './check.js';
import { examine } from './checks.js';
import { painter, printCheck } from './print.js';
import { openReport, printVerdicts, reportOf } from './report.js';
import { signIn } from './sign-in.js';

const OPTIONS = {
  ...SETTINGS_OPTIONS,
  json: { type: 'boolean' },
  'sign-in': { type: 'boolean' },
  report: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const HELP = `Usage: passport-okta-direct-mfa doctor [options]

Checks an app's set-up at Okta and says what to do about what is wrong. Nobody is signed in without
--sign-in: the app is asked with requests that cannot succeed, for a username that cannot exist. Okta's
System Log shows them as failures.

Options, with the environment variable that may stand in for each:
  --issuer URL                 https://acme.okta.com, or …/oauth2/default  (OKTA_ISSUER)
  --client-id ID               of the app                                  (OKTA_CLIENT_ID)
  --scope SCOPES               default: "openid profile"                   (OKTA_SCOPE)
  --factors LIST               of otp, push, sms, voice, email, webauthn   (OKTA_FACTORS)
                               default: otp
  --client-authentication M    client_secret_basic, client_secret_post, client_secret_jwt,
                               private_key_jwt or none
  --timeout MILLISECONDS       for one request; default: 10000
  --allow-insecure-issuer      let the issuer be http:// on a loopback host
  --json                       one JSON object on standard output
  --sign-in                    then sign in at this terminal
  --report FILE                with --sign-in: write what Okta answered, without a secret or a name
  --help

Secrets come from the environment, or are asked for:
  OKTA_CLIENT_SECRET           of the app
  OKTA_PRIVATE_KEY_FILE        a PEM or JWK, for private_key_jwt; OKTA_KEY_ID is its kid
HTTPS_PROXY, HTTP_PROXY, NO_PROXY and NODE_EXTRA_CA_CERTS hold.

Exit status: 0 all well; 1 something to fix or unknown, or the sign-in failed; 2 not usable as called.
`;

const REMARK = `With clientIP, add your servers as trusted proxies under Security > Networks: otherwise Okta ignores
X-Forwarded-For and judges the address of the server. No request from here can show that.
`;

/** `doctor`. @returns the exit status @throws UsageError, Interrupted */
export async function runDoctor(args: string[], io: Io): Promise<number> {
  const values = parse(args);
  if (values.help === true) {
    io.stdout.write(HELP);
    return 0;
  }
  if (values.report !== undefined && values['sign-in'] !== true) {
    throw new UsageError('--report goes with --sign-in: it is about what Okta answers to one.');
  }
  // Standard output is then for the JSON alone.
  const output = values.json === true ? io.stderr : io.stdout;
  const paint = painter(output, io.env);
  const checks: Check[] = [];
  const note = (check: Check) => {
    checks.push(check);
    if (values.json !== true) output.write(printCheck(check, paint));
  };
  const finish = (status: number): number => {
    const ok = checks.every(({ status }) => status === 'ok' || status === 'skipped');
    if (values.json === true) io.stdout.write(`${JSON.stringify({ ok, checks }, null, 2)}\n`);
    return status === 0 && !ok ? 1 : status;
  };

  const issuer = readIssuerSetting(values, io.env);
  const complaint = complaintAbout(issuer, values['allow-insecure-issuer'] === true);
  if (complaint !== undefined) {
    note(fix('issuer', complaint, 'The Okta admin console shows it under Security > API.'));
    for (const id of allChecks([]).slice(1)) note(skipped(id, 'not asked: see issuer'));
    return finish(2);
  }

  const terminal = new Terminal(io.stdin, output);
  try {
    const settings = await readSettings(values, io.env, terminal);
    const network = openNetwork(io.env, new URL(settings.issuer));
    const report = values.report === undefined ? undefined : openReport(values.report);
    try {
      const target: Target = { ...settings, dispatcher: network.dispatcher };
      // The program's factors are a list.
      const factors = target.factors({} as OktaDirectMfaRequest);
      const username = impossibleUsername();
      if (values.json !== true) output.write(`${aboutRequests(username)}\n`);
      for await (const check of examine({ target, factors, network, username })) note(check);
      if (values.json !== true) output.write(`\n${REMARK}`);
      if (values['sign-in'] !== true) return finish(0);

      const result = await signIn({ target, factors, terminal, output, checks });
      const fidelity = reportOf(target, factors, checks, result);
      if (result.calls.length > 0) output.write(printVerdicts(fidelity));
      report?.write(fidelity);
      return finish(result.outcome === 'signed_in' ? 0 : 1);
    } finally {
      await network.close();
    }
  } finally {
    terminal.close();
  }
}

function aboutRequests(username: string): string {
  return `Asking Okta with requests that cannot succeed, for a username that cannot exist:
${username}. Okta's System Log shows a failed sign-in of that name, and
failed token requests of the app.
`;
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    // It names the option, and never its value.
    const { message } = error as Error;
    if (/secret|password|private-key/i.test(message)) {
      throw new UsageError(
        'Secrets are no options, since others can read those: set OKTA_CLIENT_SECRET or OKTA_PRIVATE_KEY_FILE.',
      );
    }
    throw new UsageError(message);
  }
}
