import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { request } from 'undici';
import { mockOkta, type MockOktaServer } from '../../../lib/testing/index.js';
import { open, OOB, summary, WEBAUTHN, type Wire } from './wire.js';

const ADA = {
  username: 'ada@example.com',
  password: 'pw',
  otp: '123456',
  ...{ push: true, sms: true, passkey: { rpId: 'localhost' } },
};
const BOB = { username: 'bob@example.com', password: 'pw' };
const username = ADA.username;
const JSON_TYPE = { 'content-type': 'application/json' };

interface Control extends Wire {
  server: MockOktaServer;
  get: (name: string, headers?: Record<string, string>) => Promise<Reply>;
  post: (name: string, json: unknown, headers?: Record<string, string>) => Promise<Reply>;
}

interface Reply {
  status: number;
  headers: Record<string, unknown>;
  body: unknown;
}

/** A mock that listens, what its clients send it, and its control API. */
async function control(t: TestContext): Promise<Control> {
  const wire = open(t, { ...ADA }, { ...BOB });
  const server = await wire.okta.listen();
  async function send(method: 'GET' | 'POST', name: string, headers = {}, body?: string) {
    const reply = await request(`${server.url}control/${name}`, {
      method,
      headers,
      body: body ?? null,
    });
    return {
      status: reply.statusCode,
      headers: reply.headers,
      body: await reply.body.json(),
    };
  }
  return {
    ...wire,
    server,
    get: (name, headers) => send('GET', name, headers),
    post: (name, json, headers = JSON_TYPE) =>
      send('POST', name, headers, typeof json === 'string' ? json : JSON.stringify(json)),
  };
}

/** A push that is out, as its client polls for it. */
async function push({ begin, send, token }: Wire) {
  const mfa_token = await begin();
  const { oob_code, binding_code } = await send(mfa_token, 'push');
  const poll = async () =>
    summary(await token({ grant_type: OOB, mfa_token, oob_code: String(oob_code) }));
  return { poll, number: String(binding_code) };
}

interface PhoneOf {
  pushes: { id: string; number: string; numbers: string[] }[];
  messages: object[];
  code?: string;
}

describe('the control API of the mock', () => {
  it('lists what it has', async (t) => {
    const { get } = await control(t);
    const { status, body } = await get('');
    assert.equal(status, 200);
    assert.deepEqual(body, {
      GET: ['phones', 'phone', 'requests'],
      POST: {
        approve: ['username', 'number', 'push'],
        deny: ['username', 'push'],
        passkey: ['username', 'publicKey', 'origin'],
        fail: ['failure', 'endpoint'],
        advance: ['seconds'],
        users: ['users'],
      },
    });
  });

  it('approves and denies a push', async (t) => {
    const set = await control(t);
    const first = await push(set);
    assert.match(await first.poll(), /authorization_pending/);
    const { body, headers } = await set.get(`phone?username=${encodeURIComponent(username)}`);
    assert.equal(headers['cache-control'], 'no-store');
    const { pushes, messages } = body as PhoneOf;
    const [waiting = assert.fail()] = pushes;
    assert.equal(waiting.number, first.number);
    assert.deepEqual(messages, []);
    assert.deepEqual((await set.post('approve', { username: 'ADA@example.com' })).body, {});
    assert.match(await first.poll(), /^200 tokens/);

    for (const refuse of [
      () => set.post('deny', { username }),
      async () => {
        const [{ number, numbers } = assert.fail()] = set.okta.phone(username).pushes;
        const wrong = numbers?.find((each) => each !== number);
        return set.post('approve', { username, number: wrong });
      },
    ]) {
      const next = await push(set);
      assert.equal((await refuse()).status, 200);
      assert.match(await next.poll(), /^400 invalid_grant: User rejected/);
    }
  });

  it('answers the push that was seen, not one that has come since', async (t) => {
    const set = await control(t);
    const older = await push(set);
    const seen = async () => {
      const { body } = await set.get('phones');
      return (body as PhoneOf[])[0]?.pushes.map(({ id }) => id) ?? [];
    };
    const [id] = await seen();
    const newer = await push(set);
    assert.equal((await set.post('approve', { username, push: id })).status, 200);
    assert.match(await newer.poll(), /authorization_pending/);
    assert.match(await older.poll(), /^200 tokens/);
    const late = await set.post('deny', { username, push: id });
    assert.deepEqual(
      [late.status, late.body],
      [409, { error: `this push no longer waits for ${username}` }],
    );
    assert.match(await newer.poll(), /authorization_pending/);
    const [rest] = await seen();
    assert.equal((await set.post('deny', { username, push: rest })).status, 200);
    assert.match(await newer.poll(), /User rejected/);
  });

  it('reads a code', async (t) => {
    const set = await control(t);
    await set.send(await set.begin(), 'sms');
    const { code } = set.okta.phone(username);
    const { body } = await set.get(`phone?username=${username}`);
    assert.deepEqual(body, {
      username,
      factors: ['otp', 'push', 'sms', 'webauthn'],
      otp: ADA.otp,
      pushes: [],
      messages: [{ channel: 'sms', code }],
      code,
    });
    const everybody = (await set.get('phones')).body as PhoneOf[];
    assert.deepEqual(everybody, [
      body,
      { username: BOB.username, factors: [], pushes: [], messages: [] },
    ]);
  });

  it('answers with a passkey', async (t) => {
    const set = await control(t);
    const mfa_token = await set.begin();
    const asked = await set.challenge({ mfa_token, challenge_types_supported: WEBAUTHN });
    const { status, body } = await set.post('passkey', {
      username,
      publicKey: asked.body['publicKey'],
      origin: 'http://localhost:3000',
    });
    assert.equal(status, 200);
    const { response } = body as { response: Record<string, string> };
    const granted = await set.token({ grant_type: WEBAUTHN, mfa_token, ...response });
    assert.match(summary(granted), /^200 tokens/);
  });

  it('makes the next request fail, moves the clock and shows what was sent', async (t) => {
    const set = await control(t);
    assert.equal((await set.post('fail', { failure: 'rate_limited' })).status, 200);
    const body = { error: 'server_error' };
    await set.post('fail', { failure: { status: 500, body }, endpoint: 'challenge' });
    const form = { grant_type: 'password', username, password: ADA.password };
    assert.equal((await set.token(form)).status, 429);
    assert.deepEqual(await set.challenge({ mfa_token: 'x' }), { status: 500, body });
    const requests = (await set.get('requests')).body as { form: object; status: number }[];
    assert.deepEqual(
      requests.map(({ status }) => status),
      [429, 500],
    );
    assert.equal((requests[0]?.form as typeof form).password, ADA.password);

    const { poll } = await push(set);
    assert.equal((await set.post('advance', { seconds: 300 })).status, 200);
    assert.match(await poll(), /^403 access_denied: `oob_code` has expired/);
  });

  it('says who can sign in from now on', async (t) => {
    const set = await control(t);
    const { poll } = await push(set);
    const bad = await set.post('users', { users: [{ ...ADA, opt: '1' }] });
    assert.equal(bad.status, 400);
    assert.match(await poll(), /authorization_pending/);
    const users = [{ ...BOB, locked: true }];
    assert.equal((await set.post('users', { users })).status, 200);
    assert.deepEqual(set.okta.users, users);
    assert.match(await poll(), /`mfa_token` has expired/);
  });

  it('says what it cannot do, and does nothing', async (t) => {
    const { get, post } = await control(t);
    const text = 'must be a non-empty string';
    for (const [asked, status, error] of [
      [await post('approve', { username }), 409, `no push waits for ${username}`],
      [await post('deny', { username }), 409, `no push waits for ${username}`],
      [await post('approve', { username: 'eve' }), 404, 'nobody has the username eve'],
      [await get('phone?username=eve'), 404, 'nobody has the username eve'],
      [await get('phone'), 400, `username ${text}`],
      [await post('approve', { username: 1 }), 400, `username ${text}`],
      [await post('approve', { username, number: 42 }), 400, `number ${text}`],
      [await post('approve', { username, push: '' }), 400, `push ${text}`],
      [
        await post('deny', { user: username }),
        400,
        'there is no field user. There are: username, push',
      ],
      [await post('deny', '{'), 400, 'the body is no JSON'],
      [await post('deny', '[]'), 400, 'the body must be a JSON object'],
      [await post('deny', 'null'), 400, 'the body must be a JSON object'],
      [
        await post('passkey', { username: BOB.username, origin: 'http://localhost' }),
        409,
        `${BOB.username} has no passkey`,
      ],
      [
        await post('passkey', { username, origin: 'http://localhost' }),
        400,
        'answer() takes the options of a passkey, with a challenge',
      ],
      [
        await post('fail', { failure: 'x' }),
        400,
        'failNext() takes an answer with a status, or one of rate_limited, mfa_token_expired, unavailable, unreachable, timeout',
      ],
      [
        await post('fail', { failure: 'timeout', endpoint: 'x' }),
        400,
        'failNext() knows the endpoints token, challenge, revoke, keys, userinfo, metadata',
      ],
      [
        await post('advance', { seconds: '5' }),
        400,
        'advance() takes a number of seconds, from 0 on',
      ],
      [await post('users', {}), 400, 'users must be an array'],
      [
        await get('toString'),
        404,
        'The control API has no toString. GET /control/ lists what it has.',
      ],
      [await post('', {}), 404, 'The control API has no . GET /control/ lists what it has.'],
      [await get('approve'), 405, 'approve takes POST.'],
      [await post('phones', {}), 405, 'phones takes GET.'],
    ] as const) {
      assert.deepEqual([asked.status, asked.body], [status, { error }]);
      assert.equal(asked.headers['content-type'], 'application/json');
    }
  });

  it('is not for web pages of other sites', async (t) => {
    const set = await control(t);
    const { poll } = await push(set);
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'application/jsonp' },
      {},
    ]) {
      const refused = await set.post('approve', { username }, headers);
      assert.equal(refused.status, 415, JSON.stringify(headers));
    }
    const { host, port } = new URL(set.server.url);
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `https://${host}` },
      // Of the same site, which is any port of the same host, but another program's.
      { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      for (const asked of [
        await set.post('approve', { username }, { ...JSON_TYPE, ...headers }),
        await set.get('phones', headers),
      ]) {
        assert.equal(asked.status, 403, JSON.stringify(headers));
        assert.ok(!('access-control-allow-origin' in asked.headers));
      }
    }
    assert.match(await poll(), /authorization_pending/);
    const own = { origin: `http://localhost:${port}`, host: `localhost:${port}` };
    const headers = {
      ...own,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/json; charset=utf-8',
    };
    assert.equal((await set.post('approve', { username }, headers)).status, 200);
    assert.match(await poll(), /^200 tokens/);
  });
});

describe('the page of the mock', () => {
  it('runs nothing but its own files, in no frame', async (t) => {
    const { server } = await control(t);
    const html = await request(server.url);
    const text = await html.body.text();
    const policy = String(html.headers['content-security-policy']);
    assert.match(
      policy,
      /default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/,
    );
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(text, /<script>|<style|\son\w+=|\sstyle=/);
    assert.match(text, /It is not Okta/);
    for (const [, path = ''] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const { statusCode, headers, body } = await request(new URL(path, server.url));
      assert.equal(statusCode, 200, path);
      assert.match(String(headers['content-type']), /^text\/(css|javascript); charset=utf-8$/);
      await body.dump();
    }
    const posted = await request(server.url, { method: 'POST' });
    assert.equal(posted.statusCode, 404);
    await posted.body.dump();
  });
});

describe('users from JSON', () => {
  it('are named when they cannot be', async (t) => {
    const { post } = await control(t);
    for (const [users, error] of [
      [{}, 'users must be an array'],
      [[1], 'users[0] must be an object'],
      [[ADA, null], 'users[1] must be an object'],
      [[[]], 'users[0] must be an object'],
      [
        [{ ...ADA, passwort: 'x' }],
        /^users\[0\] has no field passwort\. It has: username, password, otp, /,
      ],
      [[{ username }], 'users[0].password must be a non-empty string'],
      [[{ ...ADA, otp: 123456 }], 'users[0].otp must be a non-empty string'],
      [[{ ...ADA, id: '' }], 'users[0].id must be a non-empty string'],
      [[{ ...ADA, name: 1 }], 'users[0].name must be a string'],
      [[{ ...ADA, email: null }], 'users[0].email must be a string'],
      [[{ ...ADA, locked: 'no' }], 'users[0].locked must be true or false'],
      [[{ ...ADA, assigned: 0 }], 'users[0].assigned must be true or false'],
      [[{ ...ADA, claims: [] }], 'users[0].claims must be an object'],
      [[ADA, { ...ADA, username: 'ADA@example.com' }], 'users[1] has the username of another user'],
    ] as const) {
      const { status, body } = await post('users', { users });
      assert.equal(status, 400);
      const given = (body as { error: string }).error;
      if (typeof error === 'string') assert.equal(given, error);
      else assert.match(given, error);
    }
  });

  it('may have every field', (t) => {
    const users = [
      {
        ...{ ...ADA, id: '00u1', name: 'Ada', email: '', locked: false, assigned: true },
        ...{ voice: false, inbox: false, factorsWanted: 2, claims: { groups: ['a'] } },
      },
    ];
    const okta = mockOkta({ clientID: '0oa1', users });
    t.after(() => okta.close());
    assert.deepEqual(okta.users, users);
  });
});
