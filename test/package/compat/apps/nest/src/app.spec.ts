import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import session from 'express-session';
import passport from 'passport';
import { AppModule } from './app.js';

describe('a login in two steps', () => {
  let app: INestApplication;
  let url: string;
  let cookie = '';

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication();
    app.use(session({ secret: 'for tests', resave: false, saveUninitialized: false }));
    app.use(passport.session());
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(() => app.close());

  async function send(path: string, body?: object) {
    const response = await fetch(url + path, {
      headers: { cookie, 'content-type': 'application/json' },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
    return { status: response.status, body: await response.json() };
  }
  const control = async (path: string) => (await fetch(process.env.CONTROL + path)).json();

  it('ends with a session', async () => {
    const user = await control('/user');
    expect((await send('/auth/profile')).status).toBe(401);

    const { username, password } = user;
    const first = await send('/auth/login', { username, password });
    expect(first.status).toBe(403);
    expect(first.body.code).toBe('mfa_required');
    expect((await send('/auth/profile')).status).toBe(401);

    const { otp, wrongOtp } = await control(`/otp?username=${username}`);
    const wrong = await send('/auth/otp', { otp: wrongOtp });
    expect(wrong.status).toBe(401);
    expect(wrong.body).toMatchObject({ code: 'invalid_otp', attemptsRemaining: 4 });

    const second = await send('/auth/otp', { otp });
    expect(second.status).toBe(200);
    expect((await send('/auth/profile')).body.user.id).toBe(user.id);
  });
});
