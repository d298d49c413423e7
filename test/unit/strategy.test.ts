import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import {
  OktaDirectMfaStrategy,
  type OktaDirectMfaStrategyOptions,
  type OktaProfile,
  type OktaTokens,
} from '../../lib/index.js';
import {
  asRequest,
  authenticate,
  authenticateOn,
  CLIENT_ID,
  createBrowser,
  ISSUER,
  settle,
  type Outcome,
} from '../support/fixtures.js';
import { KEY, LOGIN_FORM, USER, useScene } from './support.js';

type Verify = (...args: never[]) => unknown;

const scene = useScene();

const create = (
  more: Omit<Partial<OktaDirectMfaStrategyOptions>, 'passReqToCallback'> & {
    passReqToCallback?: boolean;
  } = {},
  verify: Verify = async () => USER,
) =>
  new OktaDirectMfaStrategy(
    {
      issuer: ISSUER,
      clientID: CLIENT_ID,
      dispatcher: scene.okta.agent,
      ...more,
    } as OktaDirectMfaStrategyOptions,
    verify as never,
  );

/** The password step, which begins a transaction. */
async function begin(strategy: OktaDirectMfaStrategy, browser = scene.browser): Promise<void> {
  scene.mfaRequired();
  const req = browser.request(LOGIN_FORM);
  const outcome = await authenticate(strategy, req);
  assert.deepEqual([outcome.action, codeOf(outcome)], ['fail', 'mfa_required']);
  browser.keep(req);
}
const codeOf = (outcome: Outcome) =>
  outcome.action === 'fail' ? (outcome.info as { code?: string }).code : undefined;

describe('the constructor', () => {
  it('makes a strategy that Passport knows as okta-direct-mfa', () => {
    assert.equal(create().name, 'okta-direct-mfa');
  });

  for (const verify of [undefined, null, {}, 'verify']) {
    it(`needs a verify function, not ${JSON.stringify(verify) ?? 'nothing'}`, () => {
      assert.throws(
        () => new OktaDirectMfaStrategy({ issuer: ISSUER, clientID: CLIENT_ID }, verify as never),
        { name: 'TypeError', message: /verify function as its second argument, but got / },
      );
    });
  }

  it('throws the TypeErrors of the options', () => {
    assert.throws(() => create({ issuer: 'http://acme.okta.com' }), TypeError);
  });

  it('asks nothing of Okta', async () => {
    create();
    await settle();
    assert.deepEqual(scene.okta.sent, []);
  });
});

describe('authenticate', () => {
  it('ends in an action of Passport', async () => {
    const strategy = create();
    await begin(strategy);
    scene.granted();
    assert.deepEqual(await authenticate(strategy, scene.browser.request({ otp: '1' })), {
      action: 'success',
      user: USER,
      info: undefined,
    });
  });

  it('takes its option mfaRedirect before that of the strategy', async () => {
    for (const strategy of [create(), create({ mfaRedirect: '/otp' })]) {
      scene.mfaRequired();
      const req = scene.browser.request(LOGIN_FORM);
      assert.deepEqual(await authenticate(strategy, req, { mfaRedirect: '/other' }), {
        action: 'redirect',
        url: '/other',
      });
    }
  });

  it('accepts null for its options', async () => {
    scene.mfaRequired();
    const req = scene.browser.request(LOGIN_FORM);
    assert.equal(codeOf(await authenticate(create(), req, null)), 'mfa_required');
  });

  it('keeps two people apart, also where the app passes the instance itself', async () => {
    const strategy = create({}, async ({ claims }: OktaTokens) => ({ id: claims.sub }));
    const people = ['ada', 'eve'].map((name) => ({ name, own: createBrowser() }));
    for (const { own } of people) await begin(strategy, own);
    for (const { name } of people) scene.granted({ sub: name });
    const outcomes = await Promise.all(
      people.map(({ own }) => authenticateOn(strategy, own.request({ otp: '1' }))),
    );
    assert.deepEqual(
      outcomes.map((outcome) => outcome.action === 'success' && outcome.user),
      [{ id: 'ada' }, { id: 'eve' }],
    );
  });
});

describe('the verify function', () => {
  async function loginWith(verify: Verify, more: Parameters<typeof create>[0] = {}) {
    const strategy = create(more, verify);
    await begin(strategy);
    scene.granted();
    const req = scene.browser.request({ otp: '1' });
    return { req, outcome: await authenticate(strategy, req) };
  }

  it('may have any number of parameters', async () => {
    const none = (...args: unknown[]) =>
      (args[2] as (error: null, user: object) => void)(null, USER);
    assert.equal(none.length, 0);
    assert.equal((await loginWith(none as Verify)).outcome.action, 'success');
    const three = async (_tokens: unknown, _profile: unknown, _done: unknown) => USER;
    assert.equal((await loginWith(three)).outcome.action, 'success');
  });

  for (const passReqToCallback of [true, false]) {
    it(`gets ${passReqToCallback ? 'the request first' : 'no request'} with passReqToCallback: ${passReqToCallback}`, async () => {
      const verify = mock.fn<(...args: unknown[]) => unknown>(async () => USER);
      const { req } = await loginWith(verify, { passReqToCallback });
      const args = verify.mock.calls[0]?.arguments ?? [];
      if (passReqToCallback) assert.equal(args.shift(), req);
      const [tokens, profile, done, ...more] = args;
      assert.equal((tokens as OktaTokens).access_token, 'at');
      assert.equal((profile as OktaProfile).provider, 'okta');
      assert.equal(typeof done, 'function');
      assert.deepEqual(more, []);
    });
  }

  it('ends in one action, however often done is called', async () => {
    // authenticate() fails the test when there is more than one action.
    const { outcome } = await loginWith(
      (_tokens: unknown, _profile: unknown, done: (...args: unknown[]) => void) => {
        const error = new Error('database');
        done(null, USER);
        done(error);
        setImmediate(done, null, false);
        throw error;
      },
    );
    assert.equal(outcome.action, 'success');
  });
});

describe('pending', () => {
  it('tells the next page who is signing in, by what, and nothing else', async () => {
    const strategy = create({ factors: ['push', 'otp'], maxOtpAttempts: 3 });
    assert.equal(await strategy.pending(asRequest(scene.browser.request())), undefined);
    await begin(strategy);
    scene.rejected();
    await authenticate(strategy, scene.browser.request({ otp: '1' }));
    assert.deepEqual(await strategy.pending(asRequest(scene.browser.request())), {
      username: LOGIN_FORM.username,
      expiresAt: scene.saved()?.expiresAt,
      factors: ['push', 'otp'],
      attemptsRemaining: 2,
    });
  });

  it("finds the session on Fastify's own request, and not on the raw one", async () => {
    const strategy = create();
    await begin(strategy);
    const req = scene.browser.request();
    const raw = asRequest({ headers: {} });
    const waits = await strategy.pending(Object.assign(req, { raw }));
    assert.equal(waits?.username, LOGIN_FORM.username);
  });

  it('rejects without a session', async () => {
    await assert.rejects(create().pending(asRequest({ headers: {} })), {
      code: 'session_missing',
    });
  });
});

describe('cancel', () => {
  it('drops the transaction', async () => {
    const strategy = create();
    await begin(strategy);
    await strategy.cancel(asRequest(scene.browser.request()));
    assert.equal(scene.saved(), undefined);
  });

  it("finds the session on Fastify's own request, and not on the raw one", async () => {
    const strategy = create();
    await begin(strategy);
    const req = scene.browser.request();
    await strategy.cancel(Object.assign(req, { raw: asRequest({ headers: {} }) }));
    assert.equal(KEY in scene.browser.saved(), false);
  });
});
