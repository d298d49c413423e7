import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  startOkta,
  type Okta,
  type RecordedRequest,
  type User,
} from '../../../example/okta/index.js';
import type { FidelityReport } from '../../../lib/cli/doctor/report.js';
import { ASSUMPTIONS } from '../../../lib/cli/doctor/assumptions.js';
import { root } from '../../support/program.js';
import { program, withoutEscapes, type Diagnosis } from './support.js';

const FACTORS = {
  push: { numberChallenge: true },
  sms: '+1 555 0199',
  voice: '+1 555 0199',
  email: { length: 8, letters: true },
};

/** Of the sign-in: before it, the doctor has asked with an `mfa_token` that it made up. */
const isChallenge = ({ path, form }: RecordedRequest): boolean =>
  path.endsWith('/v1/challenge') && form['mfa_token']?.length === 20;

describe('doctor --sign-in', () => {
  let okta: Okta;
  let directory: string;
  before(async () => {
    okta = await startOkta({ otpLimit: Infinity, rateLimitPerSecond: Infinity });
    directory = mkdtempSync(join(tmpdir(), 'sign-in-'));
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await okta.close();
  });

  /** A sign-in, with what is typed as an answer to each question that begins so. */
  async function signIn(
    user: User,
    answers: Record<string, string | (() => string)>[],
    {
      isTerminal = true,
      args = [] as string[],
      factors = 'otp,push,sms,voice,email,webauthn',
    } = {},
  ) {
    const file = join(directory, `${user.id}.json`);
    const queue = [{ 'Username: ': user.username }, { 'Password: ': user.password }, ...answers];
    const questions: string[] = [];
    const { status, stdout, stderr } = await program(
      [
        'doctor',
        '--sign-in',
        `--issuer=${okta.issuers.default}`,
        '--allow-insecure-issuer',
        `--client-id=${okta.clients.basic.client_id}`,
        `--factors=${factors}`,
        `--report=${file}`,
        ...args,
      ],
      {
        isTerminal,
        env: { OKTA_CLIENT_SECRET: okta.clients.basic.client_secret },
        answer(question) {
          questions.push(question);
          const [expected, typed] = Object.entries(queue.shift() ?? {})[0] ?? [];
          if (expected === undefined || typed === undefined) return undefined;
          assert.ok(question.startsWith(expected), `${question} and not ${expected}`);
          return typeof typed === 'string' ? typed : typed();
        },
      },
    );
    const text = readFileSync(file, 'utf8');
    assertNothingPersonal(text, user);
    assert.ok(!stdout.includes(user.password) && !stderr.includes(user.password), 'a password');
    const report = text === '' ? undefined : (JSON.parse(text) as FidelityReport);
    const verdict = (row: string) => report?.assumptions.find((entry) => entry.row === row);
    return { status, stdout: withoutEscapes(stdout), stderr, report, verdict, text, questions };
  }

  /** Everything that was typed or that Okta knows of this person, the app and the org. */
  function assertNothingPersonal(text: string, user: User): void {
    const { basic } = okta.clients;
    const secrets = [
      user.username,
      user.password,
      user.id,
      user.totpSecret,
      user.givenName,
      user.familyName,
      user.factors.sms,
      basic.client_id,
      basic.client_secret,
      new URL(okta.origin).host,
      '127.0.0.1',
      ...okta
        .phone(user)
        .messages()
        .map(({ code }) => code),
    ];
    for (const secret of secrets) {
      if (secret !== undefined) assert.ok(!text.includes(secret), `${secret} is in the report`);
    }
    // Tokens and ids of Okta's have at least 20 characters in a row, with digits; no word here has.
    assert.deepEqual(text.match(/(?=[A-Za-z-]*\d)[A-Za-z0-9-]{20,}/g) ?? [], []);
  }

  const choose = (factor: string) => ({ 'Second factor (': factor });
  const code = (user: User, channel: 'sms' | 'voice' | 'email') => ({
    'Code that has been sent: ': () => okta.phone(user).code(channel),
  });
  const amrOf = (stdout: string) => /^amr: (.*)$/m.exec(stdout)?.[1];

  it('signs in with a passcode, and shows claims, amr and times', async () => {
    const user = okta.addUser();
    const { status, stdout, report, verdict } = await signIn(user, [
      choose('1'),
      { 'Passcode of the authenticator: ': () => okta.wrongOtp(user) },
      choose('otp'),
      { 'Passcode of the authenticator: ': () => okta.otp(user) },
    ]);
    assert.equal(status, 0);
    assert.match(stdout, /^ {2}token, password: HTTP 403 mfa_required, \d+ ms$/m);
    assert.match(stdout, /^ {2}token, passcode: HTTP 400 invalid_grant, \d+ ms$/m);
    assert.match(stdout, /^ {2}token, passcode: HTTP 200, \d+ ms$/m);
    assert.match(stdout, new RegExp(`"sub": "${user.id}"`));
    assert.equal(amrOf(stdout), 'mfa otp pwd');
    assert.match(stdout, /^confirmed {2}`amr` for each factor: otp: mfa otp pwd$/m);
    assert.equal(report?.signIn, 'signed_in');
    assert.deepEqual(report?.issuer, { server: 'custom', host: 'loopback' });
    assert.deepEqual(
      report?.calls.map(({ request, status, error }) => [request, status, error]),
      [
        ['password', 403, 'mfa_required'],
        ['passcode', 400, 'invalid_grant'],
        ['passcode', 200, undefined],
      ],
    );
    const [first] = report?.calls ?? [];
    assert.deepEqual(
      first?.fields.find(({ name }) => name === 'mfa_token'),
      { name: 'mfa_token', kind: 'string', length: 20 },
    );
    assert.equal(verdict('Wrong passcode')?.verdict, 'confirmed');
    assert.equal(verdict('`supported_challenge_types`')?.verdict, 'confirmed');
  });

  for (const [factor, amr] of [
    ['sms', 'mfa pwd sms'],
    ['voice', 'mfa pwd tel'],
    ['email', 'email mfa pwd'],
  ] as const) {
    it(`signs in with a code by ${factor}, after a wrong one`, async () => {
      const user = okta.addUser({ factors: FACTORS });
      const { status, stdout, verdict } = await signIn(user, [
        choose(factor),
        { 'Code that has been sent: ': 'ZZ-not-it' },
        code(user, factor),
      ]);
      assert.equal(status, 0);
      assert.equal(amrOf(stdout), amr);
      assert.equal(verdict('Wrong codes by text, call or e-mail')?.verdict, 'confirmed');
      assert.equal(verdict('`amr` for each factor')?.verdict, 'confirmed');
      const fields = verdict('`interval`, `expires_in`, `binding_method` missing or odd');
      assert.equal(fields?.verdict, 'confirmed');
      assert.match(fields?.seen ?? '', /interval missing, expires_in 300, binding_method prompt$/);
    });
  }

  it('shows the number of a push, waits for it and asks what only the person knows', async () => {
    const user = okta.addUser({ factors: FACTORS });
    okta.respondNext(async (_request, proceed) => {
      const response = await proceed();
      setTimeout(() => okta.phone(user).approve(), 500);
      return { ...response, body: { ...(response.body as object), interval: 1 } };
    }, isChallenge);
    const { status, stdout, verdict } = await signIn(user, [
      choose('push'),
      { 'How many devices showed the push? ': '2' },
    ]);
    assert.equal(status, 0);
    assert.match(stdout, /^Tap \d\d on the phone\.$/m);
    assert.match(stdout, /^ {2}token, poll: HTTP 400 authorization_pending, \d+ ms$/m);
    assert.equal(amrOf(stdout), 'mfa okta_verify pwd');
    assert.deepEqual(
      { ...verdict('how many devices a push goes to') },
      {
        document: 'docs/unknowns.md',
        row: 'how many devices a push goes to',
        assumed: 'one',
        verdict: 'different',
        seen: '2, as the person says',
      },
    );
    // The interval was changed above: it differs, and the row is named.
    assert.match(
      stdout,
      /^different {2}`interval`, .*interval 1, .*\(assumed: .*; a row of docs\/unknowns\.md\)$/m,
    );
  });

  it('goes on after a push that was refused, and tells a wrong number from a refusal', async () => {
    const user = okta.addUser({ factors: FACTORS });
    const answered = (answer: (phone: ReturnType<Okta['phone']>) => void) =>
      okta.respondNext(async (_request, proceed) => {
        const response = await proceed();
        answer(okta.phone(user));
        return response;
      }, isChallenge);
    answered((phone) => phone.tapWrongNumber());
    const { status, stdout, verdict } = await signIn(user, [
      choose('push'),
      { 'Was a wrong number tapped? ': 'y' },
      choose('sms'),
      code(user, 'sms'),
    ]);
    assert.equal(status, 0);
    assert.match(stdout, /^push_rejected: /m);
    assert.deepEqual(
      [verdict('the answer to a wrong number')?.verdict, verdict('A denied push')?.verdict],
      ['confirmed', 'not seen'],
    );
    assert.equal(
      verdict('whether `/challenge` may be repeated, and what becomes of the earlier `oob_code`')
        ?.verdict,
      'confirmed',
    );
  });

  it('says of a push without a number that the strategy gives it up', async () => {
    const user = okta.addUser({ factors: { push: { numberChallenge: false } } });
    okta.respondNext(async (_request, proceed) => {
      const response = await proceed();
      okta.phone(user).approve();
      return response;
    }, isChallenge);
    const { status, stdout } = await signIn(user, [
      choose('push'),
      { 'How many devices showed the push? ': '' },
    ]);
    assert.equal(status, 0);
    assert.match(stdout, /no number to compare.*requireNumberChallenge/);
  });

  it("notes a passkey's challenge, drops what is not enrolled, and goes on", async () => {
    const user = okta.addUser();
    okta.createPasskey(user);
    const { status, stdout, verdict, report, questions } = await signIn(user, [
      choose('webauthn'),
      choose('push'),
      choose('otp'),
      { 'Passcode of the authenticator: ': () => okta.otp(user) },
    ]);
    assert.equal(status, 0);
    assert.match(stdout, /Okta asks for a passkey, which a terminal cannot give/);
    assert.match(stdout, /^factor_unavailable: /m);
    assert.ok(questions.at(-2)?.startsWith('Second factor (1 otp, 2 sms'));
    assert.equal(
      verdict('where passkeys are asked for, and how an admin allows it')?.verdict,
      'confirmed',
    );
    const publicKey = report?.calls[1]?.fields.find(({ name }) => name === 'publicKey');
    assert.ok(publicKey?.fields?.some(({ name, kind }) => name === 'rpId' && kind === 'string'));
  });

  it('asks for a third factor where the policy wants one', async () => {
    const user = okta.addUser({ factors: FACTORS, thirdFactor: true });
    const { status, stdout } = await signIn(user, [
      choose('otp'),
      { 'Passcode of the authenticator: ': () => okta.otp(user) },
      choose('sms'),
      code(user, 'sms'),
    ]);
    assert.equal(status, 0);
    assert.match(stdout, /Okta wants one more factor/);
    assert.equal(amrOf(stdout), 'mfa otp pwd sms');
  });

  it('names the row where an answer differs from the stand-in', async () => {
    const user = okta.addUser();
    okta.respondNext(
      { status: 403, body: { error: 'invalid_otp', error_description: 'No.' } },
      ({ form }) => form['otp'] === '123456',
    );
    const { stdout, verdict } = await signIn(user, [
      choose('otp'),
      { 'Passcode of the authenticator: ': '123456' },
      choose('otp'),
      { 'Passcode of the authenticator: ': () => okta.otp(user) },
    ]);
    assert.match(
      stdout,
      /^different {2}Wrong passcode: 403 invalid_otp \(assumed: 400 invalid_grant; a row of example\/okta\/README\.md\)$/m,
    );
    assert.equal(verdict('Wrong passcode')?.verdict, 'different');
  });

  it('withholds a name or code of Okta that repeats what was typed', async () => {
    const user = okta.addUser({ password: 'Zebra_crossing' });
    okta.respondNext(
      { status: 400, body: { error: 'Zebra_crossing', Zebra_crossing: 1, error_description: 'x' } },
      ({ form }) => form['password'] === 'Zebra_crossing',
    );
    const { status, text } = await signIn(user, []);
    assert.equal(status, 1);
    assert.match(text, /\(withheld\)/);
  });

  it('ends with 1 where nobody is signed in', async () => {
    const wrong = await signIn({ ...okta.addUser(), password: 'Not-it-0815' }, []);
    assert.equal(wrong.status, 1);
    assert.match(wrong.stdout, /^invalid_credentials: /m);
    assert.match(wrong.stdout, /Nobody is signed in\./);
    assert.equal(wrong.verdict('Wrong password, unknown or locked account')?.verdict, 'confirmed');

    const single = await signIn(okta.addUser({ mfa: false }), []);
    assert.equal(single.status, 1);
    assert.match(single.stdout, /^mfa_not_enforced: .*sign-on policy/m);

    const gone = await signIn(okta.addUser(), [choose('otp')]);
    assert.deepEqual([gone.status, gone.report?.signIn], [1, 'interrupted']);
  });

  it('stops after five wrong codes, as the strategy does', async () => {
    const user = okta.addUser();
    const wrong = [choose('otp'), { 'Passcode of the authenticator: ': () => okta.wrongOtp(user) }];
    const { status, report } = await signIn(user, Array<typeof wrong>(5).fill(wrong).flat());
    assert.deepEqual([status, report?.signIn, report?.calls.length], [1, 'failed', 6]);
  });

  it('reads a pipe too, and with --json leaves standard output to the JSON', async () => {
    const user = okta.addUser();
    const { status, stdout, stderr } = await signIn(
      user,
      [choose('otp'), { 'Passcode of the authenticator: ': () => okta.otp(user) }],
      { isTerminal: false, args: ['--json'] },
    );
    const { ok } = JSON.parse(stdout) as Diagnosis;
    assert.deepEqual({ status, ok }, { status: 0, ok: true });
    assert.match(stderr, /Signed in/);
  });

  it('asks for the client secret without showing it', async () => {
    const { basic } = okta.clients;
    const { status, stdout } = await program(
      [
        'doctor',
        `--issuer=${okta.issuers.org}`,
        '--allow-insecure-issuer',
        `--client-id=${basic.client_id}`,
        '--client-authentication=client_secret_basic',
      ],
      { isTerminal: true, answer: () => basic.client_secret },
    );
    assert.equal(status, 0);
    assert.match(stdout, /^Client secret: /);
    assert.ok(!stdout.includes(basic.client_secret));
  });

  it('tries no sign-in where the client is refused', async () => {
    const { status, stdout } = await program(
      [
        'doctor',
        '--sign-in',
        `--issuer=${okta.issuers.org}`,
        '--allow-insecure-issuer',
        '--client-id=0oaunknown',
      ],
      { answer: () => assert.fail('asked') },
    );
    assert.equal(status, 1);
    assert.match(stdout, /No sign-in before this is right: client/);
  });

  it('has a verdict for every row of the documents', () => {
    const rowsOf = (document: string) =>
      [...readFileSync(join(root, document), 'utf8').matchAll(/^\| (.+?) +\|/gm)].map(
        ([, row = '']) => row,
      );
    const unknowns = rowsOf('docs/unknowns.md')
      .slice(1)
      .filter((row) => !/^-+$/.test(row));
    const judged = (document: string) =>
      ASSUMPTIONS.filter((entry) => entry.document === document).map(({ row }) => row);
    assert.deepEqual(judged('docs/unknowns.md'), unknowns);
    const known = rowsOf('example/okta/README.md');
    assert.deepEqual(
      judged('example/okta/README.md').filter((row) => !known.includes(row)),
      [],
    );
  });
});
