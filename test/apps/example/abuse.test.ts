import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { User } from '../../../example/okta/index.js';
import { Browser, startSample, type Page } from './support.js';

let sample: Awaited<ReturnType<typeof startSample>>;
before(async () => {
  // Not what is under test here, except where a test says so.
  sample = await startSample({ rateLimit: { windowMs: 60_000, limit: 100_000 } });
});
after(() => sample.close());

const newBrowser = () => new Browser(sample.origin);
const credentials = ({ username, password }: User) => ({ username, password });
const tokenOf = ({ text }: Page) => /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
const isSignedIn = async (browser: Browser) => (await browser.get('/profile')).status === 200;

async function signIn(user: User, browser = newBrowser()): Promise<Browser> {
  await browser.get('/login');
  assert.equal((await browser.submit('/login', credentials(user))).status, 302);
  await browser.get('/login/otp');
  const { status } = await browser.submit('/login/otp', { otp: sample.okta.otp(user) });
  assert.equal(status, 302);
  return browser;
}

/** A request byte for byte, as no browser would send it. */
function raw(path: string, method: string, headers: Record<string, string> = {}, body = '') {
  const { hostname, port } = new URL(sample.origin);
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const req = httpRequest({ hostname, port, path, method, headers }, (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }));
      });
      req.on('error', reject);
      req.end(body);
    },
  );
}

describe('CSRF', () => {
  it('the token of another session is refused, in a form, in JSON and as a header', async () => {
    const user = sample.okta.addUser();
    const attacker = newBrowser();
    const stolen = tokenOf(await attacker.get('/login'));
    const victim = newBrowser();
    await victim.get('/login');
    const pages = [
      await victim.post('/login', { _csrf: stolen, ...credentials(user) }),
      await victim.send('/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ _csrf: stolen, ...credentials(user) }),
      }),
      await victim.send('/api/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-csrf-token': stolen },
        body: JSON.stringify(credentials(user)),
      }),
    ];
    assert.deepEqual(
      pages.map(({ status }) => status),
      [403, 403, 403],
    );
  });

  it('login CSRF: the attacker cannot sign the victim in as the attacker, in either step', async () => {
    const attacker = sample.okta.addUser();
    const own = newBrowser();
    const token = tokenOf(await own.get('/login'));
    const victim = newBrowser();
    for (const fields of [credentials(attacker), { otp: sample.okta.otp(attacker) }]) {
      for (const path of ['/login', '/login/otp']) {
        // With no session at all, and with one that has no token of its own.
        assert.equal((await victim.post(path, { _csrf: token, ...fields })).status, 403);
        assert.equal((await victim.post(path, { _csrf: '', ...fields })).status, 403);
      }
    }
    assert.equal(await isSignedIn(victim), false);
  });

  it('a token that is no text, or is given many times, is refused', async () => {
    const browser = newBrowser();
    const token = tokenOf(await browser.get('/login'));
    for (const body of [
      JSON.stringify({ _csrf: [token] }),
      JSON.stringify({ _csrf: { toString: token } }),
      JSON.stringify({ _csrf: true }),
      JSON.stringify({ _csrf: 0 }),
      `{"__proto__":{"_csrf":"${token}"}}`,
      '[]',
    ]) {
      const headers = { 'content-type': 'application/json' };
      const { status } = await browser.send('/login', { method: 'POST', headers, body });
      assert.equal(status, 403, body);
    }
    const twice = new URLSearchParams([
      ['_csrf', token],
      ['_csrf', token],
    ]);
    assert.equal((await browser.send('/login', { method: 'POST', body: twice })).status, 403);
  });

  it('the token in the query is refused', async () => {
    const browser = newBrowser();
    const token = tokenOf(await browser.get('/login'));
    const { status } = await browser.send(`/login?_csrf=${token}`, { method: 'POST' });
    assert.equal(status, 403);
  });

  it('the token of before the login is worth nothing after it, and that of the login nothing after sign-out', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    const first = tokenOf(await browser.get('/login'));
    await signIn(user, browser);
    const second = tokenOf(await browser.get('/profile'));
    assert.notEqual(second, first);
    assert.equal((await browser.post('/logout', { _csrf: first })).status, 403);
    assert.equal(await isSignedIn(browser), true);
    assert.equal((await browser.post('/logout', { _csrf: second })).status, 302);
    assert.notEqual(tokenOf(await browser.get('/login')), second);
  });

  it('a form of another site cannot say JSON: text/plain has no token', async () => {
    const browser = newBrowser();
    const token = tokenOf(await browser.get('/login'));
    const { status } = await browser.send('/login', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: `{"_csrf":"${token}","username":"a","password":"b"}`,
    });
    assert.equal(status, 403);
  });

  it('no answer lets another origin read it', async () => {
    for (const path of ['/login', '/api/csrf', '/profile', '/nothing']) {
      const { headers } = await newBrowser().send(path, {
        headers: { origin: 'https://evil.example.com' },
      });
      assert.equal(headers.get('access-control-allow-origin'), null, path);
      assert.equal(headers.get('access-control-allow-credentials'), null, path);
      assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin', path);
    }
  });

  it('forms forged by other sites do not use up the tries of the victim', async () => {
    const limited = await startSample({ rateLimit: { windowMs: 60_000, limit: 3 } });
    try {
      const forging = new Browser(limited.origin);
      for (let count = 0; count < 3; count++) await forging.post('/login', { username: 'x' });
      const victim = new Browser(limited.origin);
      await victim.get('/login');
      const user = limited.okta.addUser();
      assert.equal((await victim.submit('/login', credentials(user))).status, 302);
    } finally {
      await limited.close();
    }
  });
});

describe('Clickjacking', () => {
  it('no page may be framed: not a login, a profile, an error, a redirect, nor JSON', async () => {
    const browser = await signIn(sample.okta.addUser());
    const answers = [
      await newBrowser().get('/login'),
      await browser.get('/profile'),
      await browser.get('/'),
      await browser.get('/nothing'),
      await browser.get('/api/csrf'),
      await browser.post('/logout', {}),
      await browser.get('/%E0%A4%A'),
      await browser.send('/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{',
      }),
    ];
    for (const { headers, status } of answers) {
      assert.match(
        headers.get('content-security-policy') ?? '',
        /frame-ancestors 'none'/,
        `${status}`,
      );
      assert.equal(headers.get('x-frame-options'), 'DENY');
    }
  });
});

describe('Open redirects', () => {
  const evil = 'https://evil.example.com';
  const params = ['returnTo', 'return_to', 'next', 'redirect', 'url', 'continue', 'mfaRedirect']
    .map((name) => `${name}=${encodeURIComponent(evil)}`)
    .join('&');

  it('every redirect of a whole login and sign-out leads to a path of its own, whatever is asked for', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    const locations: (string | null)[] = [];
    const note = (page: Page) => locations.push(page.headers.get('location'));
    const wanted = {
      returnTo: evil,
      next: '//evil.example.com',
      mfaRedirect: evil,
      successRedirect: evil,
    };
    note(await browser.get(`/?${params}`));
    await browser.get(`/login?${params}`);
    note(await browser.submit(`/login?${params}`, { ...wanted, ...credentials(user) }));
    await browser.get('/login/otp');
    note(await browser.submit(`/login/otp?${params}`, { ...wanted, otp: sample.okta.otp(user) }));
    note(await browser.get(`/login?${params}`));
    await browser.get('/profile');
    note(await browser.submit(`/logout?${params}`, wanted));
    note(await browser.get(`/profile?${params}`));
    note(await browser.get(`/login/otp?${params}`));
    assert.deepEqual(locations, [
      ...['/login', '/login/otp', '/profile', '/profile', '/login', '/login', '/login'],
    ]);
  });

  for (const headers of [
    { host: 'evil.example.com' },
    { 'x-forwarded-host': 'evil.example.com' },
    { 'x-forwarded-proto': 'javascript' },
    { forwarded: 'host=evil.example.com' },
    { 'x-original-url': '//evil.example.com', 'x-rewrite-url': '//evil.example.com' },
    { referer: 'https://evil.example.com/' },
  ]) {
    it(`a request with ${JSON.stringify(headers)} is sent nowhere else, and no page quotes it`, async () => {
      const home = await raw('/', 'GET', headers);
      assert.equal(home.headers['location'], '/login');
      for (const path of ['/login', '/nothing']) {
        assert.ok(!(await raw(path, 'GET', headers)).text.includes('evil'), path);
      }
    });
  }

  for (const path of [
    '//evil.example.com',
    '//evil.example.com/',
    '//evil.example.com/%2e%2e',
    '/\\evil.example.com',
    '/%5cevil.example.com',
    '///evil.example.com//',
    '/login//evil.example.com',
    '/https:evil.example.com',
    '/.evil.example.com/..',
    '/%0d%0aLocation:%20https://evil.example.com',
    'http://evil.example.com/',
  ]) {
    it(`GET ${path} leads nowhere else`, async () => {
      const { headers } = await raw(path, 'GET');
      const { host } = new URL((headers['location'] as string | undefined) ?? '/', sample.origin);
      assert.equal(host, new URL(sample.origin).host);
    });
  }
});

describe('The session cookie', () => {
  it('is HttpOnly, Lax and without a domain each time that it is set, and never in a page', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    const lines: string[] = [];
    const pages: Page[] = [];
    const keep = (page: Page) => {
      lines.push(...page.headers.getSetCookie());
      pages.push(page);
    };
    keep(await browser.get('/login'));
    keep(await browser.submit('/login', credentials(user)));
    keep(await browser.get('/login/otp'));
    keep(await browser.submit('/login/otp', { otp: sample.okta.otp(user) }));
    keep(await browser.get('/profile'));
    keep(await browser.submit('/logout'));
    assert.ok(lines.length >= 3);
    for (const line of lines) {
      assert.match(line, /^session=s%3A[\w%.-]+; Path=\/; HttpOnly; SameSite=Lax$/);
      const value = line.split(/[=;]/)[1] ?? '';
      assert.ok(pages.every(({ text }) => !text.includes(value)));
    }
    assert.equal(new Set(lines.map((line) => line.split(';')[0])).size, lines.length);
  });

  it('holds nothing: no name, no token, no state', async () => {
    const browser = await signIn(sample.okta.addUser());
    const value = decodeURIComponent(browser.cookies.get('session') ?? '');
    assert.match(value, /^s:[\w-]{32}\.[\w+/]{43}$/);
  });

  it('of before the sign-out is worth nothing after it', async () => {
    const browser = await signIn(sample.okta.addUser());
    const old = new Map(browser.cookies);
    await browser.get('/profile');
    await browser.submit('/logout');
    const thief = newBrowser();
    for (const [name, value] of old) thief.cookies.set(name, value);
    assert.equal(await isSignedIn(thief), false);
  });

  it('planted before the login is worth nothing after either step', async () => {
    const user = sample.okta.addUser();
    const attacker = newBrowser();
    await attacker.get('/login');
    const victim = newBrowser();
    for (const [name, value] of attacker.cookies) victim.cookies.set(name, value);
    await victim.get('/login');
    await victim.submit('/login', credentials(user));
    assert.equal((await attacker.get('/login/otp')).headers.get('location'), '/login');
    await victim.get('/login/otp');
    await victim.submit('/login/otp', { otp: sample.okta.otp(user) });
    assert.equal(await isSignedIn(victim), true);
    assert.equal(await isSignedIn(attacker), false);
  });

  it('is not set again for a stranger by pages that need none', async () => {
    for (const path of ['/nothing', '/app.css', '/profile', '/']) {
      assert.deepEqual((await newBrowser().get(path)).headers.getSetCookie(), [], path);
    }
  });
});

describe('HTML injection', () => {
  const nasty = `"'><img src=x onerror=alert(1)></textarea></script><svg/onload=alert(2)>{{7*7}}\${7}`;
  const assertTame = ({ text }: Page) => {
    assert.ok(!/<img src=x|<svg\/onload/.test(text));
  };

  it('a username comes back escaped, from a form and from JSON, on every page that shows it', async () => {
    const user = sample.okta.addUser({ username: `${nasty}@example.com` });
    const browser = newBrowser();
    await browser.get('/login');
    const wrong = await browser.submit('/login', {
      ...credentials(user),
      password: 'Quite-Wrong-99',
    });
    assert.ok(wrong.text.includes('onerror'), 'it is shown, so that it may be mended');
    assertTame(wrong);
    await browser.submit('/login', credentials(user));
    assertTame(await browser.get('/login/otp'));
    assertTame(await browser.submit('/login/otp', { otp: nasty }));
    await browser.get('/login/otp');
    await browser.submit('/login/otp', { otp: sample.okta.otp(user) });
    assertTame(await browser.get('/profile'));
  });

  it('claims of any kind are text: names, values, objects, arrays', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    await browser.get('/login');
    await browser.submit('/login', credentials(user));
    await browser.get('/login/otp');
    const id_token = sample.okta.signIdToken('org', {
      sub: user.id,
      aud: sample.okta.clients.native.client_id,
      name: nasty,
      [nasty]: nasty,
      nested: { [nasty]: [nasty] },
      amr: [nasty, { a: nasty }],
      groups: [nasty],
      auth_time: nasty,
    });
    sample.okta.respondNext(
      { body: { token_type: 'Bearer', access_token: 'of-this-test', id_token } },
      { endpoint: 'token' },
    );
    assert.equal((await browser.submit('/login/otp', { otp: '123456' })).status, 302);
    const page = await browser.get('/profile');
    assert.equal(page.status, 200);
    assertTame(page);
  });

  it('a time in the claims that no calendar has does not take the profile away', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    await browser.get('/login');
    await browser.submit('/login', credentials(user));
    await browser.get('/login/otp');
    const id_token = sample.okta.signIdToken('org', {
      sub: user.id,
      aud: sample.okta.clients.native.client_id,
      auth_time: 9e15,
    });
    sample.okta.respondNext(
      { body: { token_type: 'Bearer', access_token: 'of-this-test', id_token } },
      { endpoint: 'token' },
    );
    await browser.submit('/login/otp', { otp: '123456' });
    assert.equal((await browser.get('/profile')).status, 200);
  });

  it('what Okta says in an error reaches no page and no JSON', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    for (const error of ['invalid_client', 'access_denied', 'invalid_grant', 'new_error']) {
      sample.okta.respondNext(
        { status: 400, body: { error, error_description: nasty } },
        { endpoint: 'token' },
      );
      const page = await browser.submit('/login', { username: 'ada', password: 'Quite-Wrong-99' });
      assert.ok(page.status >= 400);
      assert.ok(!page.text.includes('onerror'), page.text);
      await browser.get('/login');
    }
  });

  it('an address that does not exist is not quoted', async () => {
    const path = `/${encodeURIComponent(nasty)}?${encodeURIComponent(nasty)}`;
    const { text } = await newBrowser().get(path);
    assert.ok(!text.includes('onerror') && !text.includes('7*7'));
  });
});

describe('An error page reveals nothing', () => {
  /** Paths, stacks, versions, names of parts, and what the app knows of Okta. */
  const assertDumb = (text: string) => {
    assert.doesNotMatch(
      text,
      /node_modules|at \w+ \(|\.ts:\d|\.js:\d|Error:(?! [A-Z])|express|passport|127\.0\.0\.1|client_id|0oa|stack/i,
    );
  };

  for (const [what, path, init] of [
    ['a path that is no URL', '/%E0%A4%A', {}],
    ['a body that is no JSON', '/login', { method: 'POST', type: 'application/json', body: '{"a' }],
    [
      'an unknown charset',
      '/login',
      { method: 'POST', type: 'application/json; charset=x', body: '{}' },
    ],
    [
      'an unknown encoding',
      '/login',
      { method: 'POST', type: 'application/json', encoding: 'x', body: '{}' },
    ],
    [
      'a broken gzip',
      '/login',
      { method: 'POST', type: 'application/json', encoding: 'gzip', body: '{}' },
    ],
    [
      'a body that is too large',
      '/login',
      { method: 'POST', type: 'application/json', body: `"${'x'.repeat(20_000)}"` },
    ],
    [
      'too many fields',
      '/login',
      { method: 'POST', type: 'application/x-www-form-urlencoded', body: 'a=1&'.repeat(2000) },
    ],
    ['no token', '/login/restart', { method: 'POST', type: 'application/json', body: '{}' }],
    ['no such page', '/nothing.php', {}],
    ['no such method', '/login', { method: 'PROPFIND' }],
    ['an API path', '/api/nothing', {}],
  ] as const) {
    it(what, async () => {
      const { method = 'GET', type, body, encoding } = init as Record<string, string>;
      const { status, text, headers } = await raw(
        path,
        method,
        {
          ...(type ? { 'content-type': type } : {}),
          ...(encoding ? { 'content-encoding': encoding } : {}),
          ...(body ? { 'content-length': String(body.length) } : {}),
        },
        body,
      );
      assert.ok(status >= 400 && status < 500, String(status));
      assertDumb(text);
      assert.equal(headers['x-powered-by'], undefined);
      assert.equal(headers['server'], undefined);
    });
  }

  it('Okta down, refusing the client, or answering nonsense, in pages and in JSON', async () => {
    const browser = newBrowser();
    await browser.get('/login');
    for (const answer of [
      'reset',
      { status: 500 },
      { status: 401, body: { error: 'invalid_client' } },
    ] as const) {
      sample.okta.respondNext(answer, { endpoint: 'token' });
      const page = await browser.submit('/login', { username: 'ada', password: 'Quite-Wrong-99' });
      assert.ok(page.status >= 500);
      assertDumb(page.text);
      await browser.get('/login');
    }
  });
});

describe('Methods and content types', () => {
  it('only POST signs in, out or over: any other method changes nothing', async () => {
    const user = sample.okta.addUser();
    const browser = await signIn(user);
    const cookie = `session=${browser.cookies.get('session')}`;
    const token = tokenOf(await browser.get('/profile'));
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      for (const path of ['/logout', '/login/restart', '/login/otp', '/api/login']) {
        const headers = { cookie, 'x-csrf-token': token, 'x-http-method-override': 'POST' };
        const { text } = await raw(`${path}?_method=POST`, method, headers);
        assert.ok(
          !text.includes(String(browser.cookies.get('session'))),
          'a cookie that is echoed',
        );
      }
    }
    assert.equal(await isSignedIn(browser), true);
  });

  it('a login by GET, in the query, is none, and the query is in no log of the app', async () => {
    const user = sample.okta.addUser();
    const browser = newBrowser();
    await browser.get('/login');
    const query = new URLSearchParams(credentials(user)).toString();
    for (const path of ['/login', '/login/otp', '/api/login']) {
      const { status } = await browser.send(`${path}?${query}`);
      assert.ok(status === 200 || status === 302 || status === 404);
    }
    assert.equal((await browser.get('/login/otp')).headers.get('location'), '/login');
    assert.ok(sample.lines.every((line) => !line.includes(user.password)));
  });

  for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/xml', '']) {
    it(`a body of the type ${type || '(none)'} is not read, so it has no token: 403`, async () => {
      const browser = newBrowser();
      const token = tokenOf(await browser.get('/login'));
      const { status } = await raw(
        '/login',
        'POST',
        {
          cookie: `session=${browser.cookies.get('session')}`,
          ...(type ? { 'content-type': type } : {}),
        },
        `_csrf=${token}&username=a&password=b`,
      );
      assert.equal(status, 403);
    });
  }

  it('a length and chunks at once, or two lengths, are no request at all', async () => {
    for (const headers of [
      { 'content-length': '5', 'transfer-encoding': 'chunked' },
      { 'transfer-encoding': 'chunked, identity' },
    ]) {
      const answer = await raw('/login', 'POST', headers).catch(() => ({ status: 400 }));
      assert.ok(answer.status === 400 || answer.status === 403, String(answer.status));
    }
  });

  it('paths in another case and with a slash behind are under the same checks', async () => {
    const user = sample.okta.addUser();
    for (const path of ['/LOGIN', '/login/', '/Login/Otp', '/API/LOGIN', '/Logout/']) {
      assert.equal((await newBrowser().post(path, credentials(user))).status, 403, path);
    }
  });
});
