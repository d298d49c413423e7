import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until } from '../../support/promises.js';
import { assertRedirect, startSample, type Sample } from './support.js';

describe('the tokens of the sample app', () => {
  let sample: Sample;
  before(async () => {
    // Shorter than the margin in which the app refreshes.
    const scope = 'openid profile email offline_access';
    sample = await startSample({ strategy: { scope }, accessTokenLifetime: 30 });
  });
  after(() => sample.close());
  beforeEach(() => {
    sample.okta.requests.length = 0;
  });
  const asked = () =>
    sample.okta.requests.map(({ path, status }) => `${path.split('/').at(-1)} ${status}`);

  it('serve the profile, refreshed, and are revoked at the sign-out; no page has them', async () => {
    const user = sample.okta.addUser();
    const browser = await sample.signedIn(user);
    sample.okta.requests.length = 0;
    // What has changed at Okta since the sign-in.
    user.givenName = 'Augusta';
    const page = await browser.get('/profile');
    assert.match(page.text, /Augusta/);
    assert.deepEqual(asked(), ['token 200', 'userinfo 200']);
    const [{ form } = assert.fail(), { headers } = assert.fail()] = sample.okta.requests;
    for (const token of [form['refresh_token'], headers.authorization?.slice('Bearer '.length)]) {
      assert.ok(token && !(page.text + JSON.stringify(page.headers)).includes(token));
    }

    sample.okta.requests.length = 0;
    assertRedirect(await browser.submit('/logout'), '/login');
    await until('the revocation', () => asked().includes('revoke 200'));
    assert.equal(sample.okta.requests[0]?.form['token_type_hint'], 'refresh_token');
  });

  it('ask the person to sign in again when they were revoked at Okta', async () => {
    const user = sample.okta.addUser();
    const browser = await sample.signedIn(user);
    sample.okta.revokeTokens(user);
    assertRedirect(await browser.get('/profile'), '/login');
    assert.match((await browser.get('/login')).text, /Your sign-in has ended. Sign in again./);
    assertRedirect(await browser.get('/profile'), '/login');
  });

  it('sign nobody out while Okta fails', async () => {
    const browser = await sample.signedIn(sample.okta.addUser());
    sample.okta.respondNext({ status: 503 }, { endpoint: 'token', grantType: 'refresh_token' });
    assert.equal((await browser.get('/profile')).status, 200);
  });
});
