import { Secret, TOTP } from 'otpauth';
import { type Pool } from 'undici';
import type { Person } from './messages.js';

interface Page {
  status: number;
  location: string | undefined;
  text: string;
}

/**
 * A browser that signs one person in, from the first page to the profile. Not the one of the other
 * tests: that keeps a record of all it sees, and 10,000 logins share this one's connections.
 */
export async function signIn(pool: Pool, person: Person): Promise<void> {
  let cookie = '';
  const send = async (path: string, fields?: Record<string, string>): Promise<Page> => {
    const { statusCode, headers, body } = await pool.request({
      path,
      method: fields ? 'POST' : 'GET',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      body: fields ? new URLSearchParams(fields).toString() : null,
    });
    const text = await body.text();
    const [line] = [headers['set-cookie'] ?? []].flat();
    if (line !== undefined) cookie = line.split(';')[0] ?? '';
    const { location } = headers;
    return {
      status: statusCode,
      location: typeof location === 'string' ? location : undefined,
      text,
    };
  };
  const lead = ({ status, location }: Page, to: string): void => {
    if (status !== 302 || location !== to)
      throw new Error(`${status} ${location} instead of ${to}`);
  };
  const tokenOf = ({ text }: Page) => /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';

  const { username, password, totpSecret } = person;
  const login = tokenOf(await send('/login'));
  lead(await send('/login', { _csrf: login, username, password }), '/login/otp');
  const next = tokenOf(await send('/login/otp'));
  const otp = new TOTP({ secret: Secret.fromBase32(totpSecret) }).generate();
  lead(await send('/login/otp', { _csrf: next, otp }), '/profile');
  const profile = await send('/profile');
  if (profile.status !== 200 || !profile.text.includes(person.id)) {
    throw new Error(`the profile of somebody else, or none: ${profile.status}`);
  }
}
