import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Answer } from '../../support/browser.js';
import { credentials, FormBrowser, raw, startSample, tokenOf, type Sample } from './support.js';

let sample: Sample;
before(async () => {
  // Not what is under test here, except where a test says so.
  const off = { windowMs: 60_000, limit: 100_000 };
  sample = await startSample({ rateLimit: off, usernameLimit: off });
});
after(() => sample.close());

const isSignedIn = async (browser: FormBrowser) => (await browser.get('/profile')).status === 200;
const cookieOf = (browser: FormBrowser) => `session=${browser.cookies.get('session')}`;
const setCookies = ({ headers }: Pick<Answer, 'headers'>) => [headers['set-cookie'] ?? []].flat();

/** Signs in with an ID token of the test's own. */
async function signedInAs(claims: Record<string, unknown>): Promise<FormBrowser> {
  const { okta } = sample;
  const user = okta.addUser();
  const browser = await sample.afterPassword(user);
  const own = { sub: user.id, aud: okta.clients.native.client_id };
  const id_token = okta.signIdToken('org', { ...own, ...claims });
  okta.respondNext(
    { body: { token_type: 'Bearer', access_token: 'of-this-test', id_token } },
    { endpoint: 'token' },
  );
  assert.equal((await browser.submit('/login/otp', { otp: '123456' })).location, '/profile');
  return browser;
}

describe('CSRF', () => {
  it('the token of another session is refused, in a form, in JSON and as a header', async () => {
    const user = sample.okta.addUser();
    const attacker = sample.newBrowser();
    const stolen = tokenOf(await attacker.get('/login'));
    const victim = sample.newBrowser();
    await victim.get('/login');
    const pages = [
      await victim.post('/login', { form: { _csrf: stolen, ...credentials(user) } }),
      await victim.post('/login', { json: { _csrf: stolen, ...credentials(user) } }),
      await victim.post('/api/login', {
        headers: { 'x-csrf-token': stolen },
        json: credentials(user),
      }),
    ];
    assert.deepEqual(
      pages.map(({ status }) => status),
      [403, 403, 403],
    );
  });

  it('login CSRF: the attacker cannot sign the victim in as the attacker, in either step', async () => {
    const attacker = sample.okta.addUser();
    const own = sample.newBrowser();
    const token = tokenOf(await own.get('/login'));
    const victim = sample.newBrowser();
    for (const fields of [credentials(attacker), { otp: sample.okta.otp(attacker) }]) {
      for (const path of ['/login', '/login/otp']) {
        // With no session at all, and with one that has no token.
        for (const _csrf of [token, '']) {
          assert.equal((await victim.post(path, { form: { _csrf, ...fields } })).status, 403);
        }
      }
    }
    assert.equal(await isSignedIn(victim), false);
  });

  it('a token that is not a string, or is given many times, is refused', async () => {
    const browser = sample.newBrowser();
    const token = tokenOf(await browser.get('/login'));
    for (const json of [
      { _csrf: [token] },
      { _csrf: { toString: token } },
      { _csrf: true },
      { _csrf: 0 },
      JSON.parse(`{"__proto__":{"_csrf":"${token}"}}`) as unknown,
      [],
    ]) {
      const { status } = await browser.post('/login', { json });
      assert.equal(status, 403, JSON.stringify(json));
    }
    const form = { _csrf: [token, token] };
    assert.equal((await browser.post('/login', { form })).status, 403);
  });

  it('the token in the query is refused', async () => {
    const browser = sample.newBrowser();
    const token = tokenOf(await browser.get('/login'));
    assert.equal((await browser.post(`/login?_csrf=${token}`)).status, 403);
  });

  it('the token of before the login is worth nothing after it, and that of the login nothing after sign-out', async () => {
    const user = sample.okta.addUser();
    const browser = sample.newBrowser();
    const first = tokenOf(await browser.get('/login'));
    await sample.signedIn(user, browser);
    const second = tokenOf(await browser.get('/profile'));
    assert.notEqual(second, first);
    assert.equal((await browser.post('/logout', { form: { _csrf: first } })).status, 403);
    assert.equal(await isSignedIn(browser), true);
    assert.equal((await browser.post('/logout', { form: { _csrf: second } })).status, 302);
    assert.notEqual(tokenOf(await browser.get('/login')), second);
  });

  it('no answer lets another origin read it', async () => {
    for (const path of ['/login', '/api/csrf', '/profile', '/nothing']) {
      const { headers } = await raw(sample.origin, path, 'GET', {
        origin: 'https://evil.example.com',
      });
      assert.equal(headers['access-control-allow-origin'], undefined, path);
      assert.equal(headers['access-control-allow-credentials'], undefined, path);
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    }
  });

  it('forms forged by other sites do not use up the tries of the victim', async () => {
    const limited = await startSample({ rateLimit: { windowMs: 60_000, limit: 3 } });
    try {
      const forging = new FormBrowser(limited.origin);
      for (let count = 0; count < 3; count++)
        await forging.post('/login', { form: { username: 'x' } });
      const victim = new FormBrowser(limited.origin);
      await victim.get('/login');
      const user = limited.okta.addUser();
      assert.equal((await victim.submit('/login', credentials(user))).status, 302);
    } finally {
      await limited.close();
    }
  });
});

describe('Clickjacking', () => {
  it('no page may be framed, cached or sniffed: not a login, a profile, an error, a redirect, nor JSON', async () => {
    const browser = await sample.signedIn(sample.okta.addUser());
    const json = { 'content-type': 'application/json' };
    const answers = [
      await sample.newBrowser().get('/login'),
      await sample.newBrowser().get('/profile'),
      await browser.get('/profile'),
      await browser.get('/'),
      await browser.get('/nothing'),
      await browser.get('/api/csrf'),
      await browser.post('/logout', { form: {} }),
      await browser.get('/%E0%A4%A'),
      await raw(sample.origin, '/login', 'POST', json, '{'),
    ];
    for (const { headers, status } of answers) {
      assert.deepEqual(
        String(headers['content-security-policy']).split(';'),
        [
          "default-src 'none'",
          "script-src 'self'",
          "style-src 'self'",
          "connect-src 'self'",
          "img-src 'self' data:",
          "form-action 'self'",
          "frame-ancestors 'none'",
          "base-uri 'none'",
        ],
        String(status),
      );
      assert.equal(headers['x-frame-options'], 'DENY');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['x-powered-by'], undefined);
    }
  });
});

describe('Open redirects', () => {
  const evil = 'https://evil.example.com';
  const params = ['returnTo', 'return_to', 'next', 'redirect', 'url', 'continue', 'mfaRedirect']
    .map((name) => `${name}=${encodeURIComponent(evil)}`)
    .join('&');

  it('every redirect of a whole login and sign-out leads to one of its own paths, whatever is asked for', async () => {
    const user = sample.okta.addUser();
    const browser = sample.newBrowser();
    const locations: (string | undefined)[] = [];
    const note = ({ location }: Answer) => locations.push(location);
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
      const home = await raw(sample.origin, '/', 'GET', headers);
      assert.equal(home.headers['location'], '/login');
      for (const path of ['/login', '/nothing']) {
        assert.ok(!(await raw(sample.origin, path, 'GET', headers)).text.includes('evil'), path);
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
      const { headers } = await raw(sample.origin, path, 'GET');
      const { host } = new URL(headers.location ?? '/', sample.origin);
      assert.equal(host, new URL(sample.origin).host);
    });
  }
});

describe('The session cookie', () => {
  it('is HttpOnly, Lax and without a domain each time that it is set, and never in a page', async () => {
    const user = sample.okta.addUser();
    const browser = sample.newBrowser();
    const lines: string[] = [];
    const pages: Answer[] = [];
    const keep = (page: Answer) => {
      lines.push(...setCookies(page));
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
    const browser = await sample.signedIn(sample.okta.addUser());
    const value = decodeURIComponent(browser.cookies.get('session') ?? '');
    assert.match(value, /^s:[\w-]{32}\.[\w+/]{43}$/);
  });

  it('of before the sign-out is worth nothing after it', async () => {
    const browser = await sample.signedIn(sample.okta.addUser());
    const thief = new FormBrowser(sample.origin, browser.cookies);
    await browser.get('/profile');
    await browser.submit('/logout');
    assert.equal(await isSignedIn(thief), false);
  });

  it('planted before the login is worth nothing after either step', async () => {
    const user = sample.okta.addUser();
    const attacker = sample.newBrowser();
    await attacker.get('/login');
    const victim = new FormBrowser(sample.origin, attacker.cookies);
    await sample.afterPassword(user, victim);
    assert.equal((await attacker.get('/login/otp')).location, '/login');
    await victim.submit('/login/otp', { otp: sample.okta.otp(user) });
    assert.equal(await isSignedIn(victim), true);
    assert.equal(await isSignedIn(attacker), false);
  });

  it('is not set again for a stranger by pages that need none', async () => {
    for (const path of ['/nothing', '/app.css', '/profile', '/']) {
      assert.deepEqual(setCookies(await sample.newBrowser().get(path)), [], path);
    }
  });
});

describe('HTML injection', () => {
  const nasty = `"'>&<img src=x onerror=alert(1)></textarea></script><svg/onload=alert(2)>{{7*7}}\${7}`;
  const escaped = '&quot;&#39;&gt;&amp;&lt;img src=x';
  const assertTame = ({ text }: Answer) => {
    assert.ok(!/<img src=x|<svg\/onload/.test(text));
  };

  it('a username is escaped on every page that shows it', async () => {
    const user = sample.okta.addUser({ username: `${nasty}@example.com` });
    const browser = sample.newBrowser();
    await browser.get('/login');
    const wrong = await browser.send('/login', {
      ...credentials(user),
      password: 'Quite-Wrong-99',
    });
    assert.ok(wrong.text.includes(escaped), 'it is shown, so that it can be corrected');
    assertTame(wrong);
    await browser.submit('/login', credentials(user));
    assertTame(await browser.get('/login/otp'));
    assertTame(await browser.send('/login/otp', { otp: nasty }));
    await browser.get('/login/otp');
    await browser.submit('/login/otp', { otp: sample.okta.otp(user) });
    assertTame(await browser.get('/profile'));
  });

  it('claims of any kind are text: names, values, objects, arrays', async () => {
    const browser = await signedInAs({
      name: nasty,
      [nasty]: nasty,
      nested: { [nasty]: [nasty] },
      amr: [nasty, { a: nasty }],
      groups: [nasty],
      auth_time: nasty,
    });
    const page = await browser.get('/profile');
    assert.equal(page.status, 200);
    assert.ok(page.text.includes(`<h1>${escaped}`));
    assertTame(page);
  });

  it('a time in the claims that no calendar has does not take the profile away', async () => {
    assert.ok(await isSignedIn(await signedInAs({ auth_time: 9e15 })));
  });

  it('what Okta says in an error reaches no page and no JSON', async () => {
    const browser = sample.newBrowser();
    await browser.get('/login');
    for (const error of ['invalid_client', 'access_denied', 'invalid_grant', 'new_error']) {
      sample.okta.respondNext(
        { status: 400, body: { error, error_description: nasty } },
        { endpoint: 'token' },
      );
      const answer = await browser.submit('/login', {
        username: 'ada',
        password: 'Quite-Wrong-99',
      });
      const page = answer.location === undefined ? answer : await browser.get(answer.location);
      assert.match(page.text, /<title>Error: /);
      assert.ok(!page.text.includes('onerror'), page.text);
      await browser.get('/login');
    }
  });

  it('an address that does not exist is not quoted', async () => {
    const path = `/${encodeURIComponent(nasty)}?${encodeURIComponent(nasty)}`;
    const { text } = await sample.newBrowser().get(path);
    assert.ok(!text.includes('onerror') && !text.includes('7*7'));
  });
});

describe('An error page reveals nothing', () => {
  /** Paths, stacks, versions, names of parts, and what the app knows of Okta. */
  const assertDumb = (text: string) => {
    assert.doesNotMatch(
      // The links to Okta name the org, as any link to it does.
      text.replace(/href="[^"]*\/signin\/[^"]*"/g, ''),
      /node_modules|at \w+ \(|\.ts:\d|\.js:\d|Error:(?! [A-Z])|SyntaxError|JSON|express|passport|127\.0\.0\.1|client_id|0oa|stack/i,
    );
  };

  const JSON_TYPE = 'application/json';
  const post = (type: string, body: string, encoding?: string) => ({
    method: 'POST',
    headers: {
      'content-type': type,
      'content-length': String(body.length),
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    },
    body,
  });
  for (const [what, expected, path, { method = 'GET', headers = {}, body = '' }] of [
    ['a path that is no URL', 404, '/%E0%A4%A', {}],
    ['a body that is no JSON', 400, '/login', post(JSON_TYPE, '{"password": "se')],
    ['an unknown charset', 415, '/login', post(`${JSON_TYPE}; charset=x`, '{}')],
    ['an unknown encoding', 415, '/login', post(JSON_TYPE, '{}', 'x')],
    ['a broken gzip', 400, '/login', post(JSON_TYPE, '{}', 'gzip')],
    ['a body that is too large', 413, '/login', post(JSON_TYPE, `"${'x'.repeat(20_000)}"`)],
    [
      'too many fields',
      413,
      '/login',
      post('application/x-www-form-urlencoded', 'a=1&'.repeat(2000)),
    ],
    ['no token', 403, '/login/restart', post(JSON_TYPE, '{}')],
    ['no such page', 404, '/nothing.php', {}],
    ['no such method', 404, '/login', { method: 'PROPFIND' }],
    ['an API path', 404, '/api/nothing', {}],
  ] as [string, number, string, Partial<ReturnType<typeof post>>][]) {
    it(`${what}: ${expected}`, async () => {
      const answer = await raw(sample.origin, path, method, headers, body);
      assert.equal(answer.status, expected);
      if (!path.startsWith('/api')) assert.match(answer.text, /<title>Error: /);
      assertDumb(answer.text);
      assert.equal(answer.headers['x-powered-by'], undefined);
      assert.equal(answer.headers['server'], undefined);
    });
  }

  it('Okta down, refusing the client, or answering nonsense, in pages and in JSON', async () => {
    const browser = sample.newBrowser();
    await browser.get('/login');
    for (const answer of [
      'reset',
      { status: 500 },
      { status: 401, body: { error: 'invalid_client' } },
    ] as const) {
      sample.okta.respondNext(answer, { endpoint: 'token' });
      const first = await browser.submit('/login', { username: 'ada', password: 'Quite-Wrong-99' });
      const page = first.location === undefined ? first : await browser.get(first.location);
      assert.match(page.text, /<title>Error: /);
      assertDumb(page.text);
      await browser.get('/login');
    }
  });
});

describe('Methods and content types', () => {
  it('only POST signs in, out or over: any other method changes nothing', async () => {
    const user = sample.okta.addUser();
    const browser = await sample.signedIn(user);
    const cookie = cookieOf(browser);
    const token = tokenOf(await browser.get('/profile'));
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      for (const path of ['/logout', '/login/restart', '/login/otp', '/api/login']) {
        const headers = { cookie, 'x-csrf-token': token, 'x-http-method-override': 'POST' };
        const { text } = await raw(sample.origin, `${path}?_method=POST`, method, headers);
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
    const browser = sample.newBrowser();
    await browser.get('/login');
    const query = new URLSearchParams(credentials(user)).toString();
    for (const path of ['/login', '/login/otp', '/api/login']) {
      const { status } = await browser.get(`${path}?${query}`);
      assert.ok(status === 200 || status === 302 || status === 404);
    }
    assert.equal((await browser.get('/login/otp')).location, '/login');
    assert.ok(sample.lines.every((line) => !line.includes(user.password)));
  });

  for (const [type, asJson] of [
    ['text/plain', false],
    ['text/plain', true],
    ['multipart/form-data; boundary=x', false],
    ['application/xml', false],
    ['', false],
  ] as const) {
    it(`a body of the type ${type || '(none)'}${asJson ? ', JSON in it,' : ''} is not read, so it has no token: 403`, async () => {
      const browser = sample.newBrowser();
      const _csrf = tokenOf(await browser.get('/login'));
      const fields = { _csrf, username: 'a', password: 'b' };
      const body = asJson ? JSON.stringify(fields) : new URLSearchParams(fields).toString();
      const headers = { cookie: cookieOf(browser), ...(type ? { 'content-type': type } : {}) };
      assert.equal((await raw(sample.origin, '/login', 'POST', headers, body)).status, 403);
    });
  }

  it('a length and chunks at once, or two lengths, are no request at all', async () => {
    for (const headers of [
      { 'content-length': '5', 'transfer-encoding': 'chunked' },
      { 'transfer-encoding': 'chunked, identity' },
    ]) {
      const answer = await raw(sample.origin, '/login', 'POST', headers).catch(() => ({
        status: 400,
      }));
      assert.ok(answer.status === 400 || answer.status === 403, String(answer.status));
    }
  });

  it('paths in another case and with a slash behind are under the same checks', async () => {
    const user = sample.okta.addUser();
    for (const path of ['/LOGIN', '/login/', '/Login/Otp', '/API/LOGIN', '/Logout/']) {
      assert.equal(
        (await sample.newBrowser().post(path, { form: credentials(user) })).status,
        403,
        path,
      );
    }
  });
});
