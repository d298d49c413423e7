import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SpanStatusCode } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import pino from 'pino';
import { register } from 'prom-client';
import { dispatcher } from '../../docs/recipes/dispatcher.js';
import { auditTo } from '../../docs/recipes/logging.js';
import '../../docs/recipes/metrics.js';
import { undiciInstrumentation } from '../../docs/recipes/tracing.js';
import type { Okta, User } from '../../example/okta/index.js';
import {
  choose,
  finishLogin,
  PASSWORD_STEP,
  passPassword,
  poll,
  scene,
  sendOtp,
  sendPassword,
  useOkta,
  type Scene,
} from '../support/index.js';

let okta: Okta;
useOkta((started) => (okta = started));

/** A wrong password, a wrong passcode, a push that is pending, Okta failing, and a login. */
async function muchOfALife({ browser, user }: Scene): Promise<void> {
  await sendPassword(browser, { ...user, password: 'not-the-password' });
  okta.respondNext(() => ({ status: 500, body: { error: 'server_error' } }), PASSWORD_STEP);
  await sendPassword(browser, user);
  await passPassword(browser, user);
  await sendOtp(browser, '918273');
  const { challenge } = (await choose(browser, 'push')).body;
  assert.equal((await poll(browser, challenge)).body['code'], 'authorization_pending');
  await finishLogin(browser, okta, user);
}

const FACTORS: Partial<User> = { factors: { push: { numberChallenge: true } } };

describe('A recipe of docs/', () => {
  const RECIPES = join(__dirname, '../../docs/recipes');
  const pages = readdirSync(join(RECIPES, '..'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => readFileSync(join(RECIPES, '..', name), 'utf8'))
    .join('\n');
  for (const file of readdirSync(RECIPES)) {
    it(`is printed as it is: ${file}`, () => {
      const recipe = readFileSync(join(RECIPES, file), 'utf8');
      assert.ok(pages.includes(`\`\`\`ts\n${recipe}\`\`\``), `docs/recipes/${file} is in no page`);
    });
  }
});

describe('The metrics', () => {
  it('count outcomes under labels that are bounded, with nobody in them', async (t) => {
    register.resetMetrics();
    const given = await scene(t, { options: { factors: ['otp', 'push'] }, user: FACTORS });
    await muchOfALife(given);
    const text = await register.metrics();
    const counted = text
      .split('\n')
      .filter((line) => line.startsWith('okta_sign_in_requests_total{'))
      .map((line) => line.replace('okta_sign_in_requests_total', ''));
    assert.deepEqual(counted.sort(), [
      '{outcome="authorization_pending",step="poll",factor="push",code="authorization_pending"} 1',
      '{outcome="challenge_sent",step="challenge",factor="push",code="authorization_pending"} 1',
      '{outcome="okta_failed",step="password",factor="password",code="okta_error"} 1',
      '{outcome="otp_accepted",step="code",factor="otp",code="none"} 1',
      '{outcome="otp_refused",step="code",factor="otp",code="invalid_otp"} 1',
      '{outcome="password_accepted",step="password",factor="password",code="none"} 1',
      '{outcome="password_refused",step="password",factor="password",code="invalid_credentials"} 1',
    ]);
    assert.match(text, /okta_sign_in_okta_seconds_count\{step="password"\} 3/);
    assert.ok(!text.includes(given.user.username) && !text.includes(given.user.id));
  });
});

describe('The tracing', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  before(() => undiciInstrumentation.setTracerProvider(provider));
  after(async () => {
    undiciInstrumentation.disable();
    await provider.shutdown();
  });

  it('marks as errors what Okta failed in, and none of its answers', async (t) => {
    const given = await scene(t, { options: { factors: ['otp', 'push'] }, user: FACTORS });
    exporter.reset();
    await muchOfALife(given);
    const { pathname } = new URL(`${okta.issuers.org}/oauth2/v1/`);
    const asked = exporter
      .getFinishedSpans()
      .filter(({ attributes }) => attributes['server.port'] === Number(new URL(okta.origin).port))
      .map(({ attributes, status }) => [
        String(attributes['url.path']).replace(pathname, ''),
        attributes['http.response.status_code'],
        status.code === SpanStatusCode.ERROR ? 'error' : 'well',
      ])
      .filter(([path]) => path !== 'keys');
    assert.deepEqual(asked, [
      ['token', 400, 'well'],
      ['token', 500, 'error'],
      ['token', 403, 'well'],
      ['token', 400, 'well'],
      ['challenge', 200, 'well'],
      ['token', 400, 'well'],
      ['token', 200, 'well'],
    ]);
    // Passwords and codes are in bodies, which no span has.
    const spans = JSON.stringify(exporter.getFinishedSpans().map((span) => span.attributes));
    assert.ok(!spans.includes(given.user.password) && !spans.includes('918273'));
  });
});

describe('The audit log', () => {
  it('names a person whom Okta knows, and has a digest of anything else', async (t) => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino(
      { base: null },
      { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    );
    auditTo(logger);
    const given = await scene(t, { options: { factors: ['otp', 'push'] }, user: FACTORS });
    await muchOfALife(given);
    const { username } = given.user;
    assert.deepEqual(
      lines.map(({ level, outcome, username }) => [level, outcome, username]),
      [
        [40, 'password_refused', undefined],
        [50, 'okta_failed', undefined],
        [30, 'password_accepted', username],
        [40, 'otp_refused', username],
        [30, 'challenge_sent', username],
        [30, 'authorization_pending', username],
        [30, 'otp_accepted', username],
      ],
    );
    const digests = lines.map(({ usernameDigest }) => usernameDigest);
    assert.match(String(digests[0]), /^[\w-]{43}$/);
    assert.deepEqual(digests.slice(0, 3), [digests[0], digests[0], undefined]);
  });
});

describe('The dispatcher', () => {
  it('logs in', async (t) => {
    t.after(() => dispatcher.close());
    const { browser, user } = await scene(t, { options: { dispatcher } });
    await passPassword(browser, user);
    await finishLogin(browser, okta, user);
  });
});
