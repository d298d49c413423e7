import { createHmac } from 'node:crypto';
import { CLIENT_ID, ISSUER, KID, rs256, rsaKeyPair, toJwk } from '../support/fixtures.js';
import { clock } from './clock.js';

const okta = rsaKeyPair();
const stranger = rsaKeyPair();

/** What the keys endpoint answers. */
export const KEYS = JSON.stringify({ keys: [toJwk(okta.publicKey, { kid: KID })] });
/** A key under Okta's `kid` that has signed none of these. */
export const OTHER_KEYS = JSON.stringify({ keys: [toJwk(rsaKeyPair().publicKey, { kid: KID })] });

export const CLOCK_TOLERANCE = 60;

/** An ID token, and by whom it may be believed. */
export interface IdToken {
  what: string;
  jwt: string;
  sub: string;
  /** Seconds between which it is good; none for one that never is. */
  good?: { from: number; until: number };
}

const SECONDS = clock.START / 1000;
const HEADER = { alg: 'RS256', kid: KID };
const encode = (part: string | object): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

const claims = (sub: string, more: Record<string, unknown> = {}) => ({
  iss: ISSUER,
  aud: CLIENT_ID,
  sub,
  iat: SECONDS - 7200,
  exp: SECONDS + 30 * 24 * 3600,
  ...more,
});

function good(what: string, more: Record<string, unknown> = {}, header = {}): IdToken {
  const sub = `00u-${what.replaceAll(' ', '-')}`;
  const payload = claims(sub, more);
  const { iat, exp } = payload;
  return {
    what,
    sub,
    jwt: rs256({ ...HEADER, ...header }, payload, okta.privateKey),
    good: { from: iat - CLOCK_TOLERANCE, until: exp + CLOCK_TOLERANCE },
  };
}

function bad(what: string, jwt: string): IdToken {
  return { what, jwt, sub: '00u-nobody' };
}

const signed = (what: string, more: Record<string, unknown>, header: object = HEADER) =>
  bad(what, rs256(header, claims('00u-nobody', more), okta.privateKey));

const raw = (what: string, payload: string) => bad(what, rs256(HEADER, payload, okta.privateKey));

const GOOD = good('plain');
const [HEAD = '', PAYLOAD = '', SIGNATURE = ''] = GOOD.jwt.split('.');
const publicPem = okta.publicKey.export({ type: 'spki', format: 'pem' });
const hmac = (header: object) => {
  const input = `${encode(header)}.${PAYLOAD}`;
  return `${input}.${createHmac('sha256', publicPem).update(input).digest('base64url')}`;
};
const { sub: _, ...withoutSub } = claims('');

/** Made once, since signing takes longer than a whole case. The good ones come first. */
export const ID_TOKENS: readonly IdToken[] = [
  GOOD,
  good('short lived', { exp: SECONDS + 600 }),
  good('from the future', { iat: SECONDS + 120 }),
  good('one audience in an array', { aud: [CLIENT_ID] }),
  good('two audiences and azp', { aud: ['other', CLIENT_ID], azp: CLIENT_ID }),
  good('odd header', {}, { jku: 'https://evil.example.com', typ: 'JWT', x5c: ['x'] }),
  good('odd claims', { constructor: 1, toString: 'x', then: 1, name: { a: 1 }, email: 7 }),

  bad('unsigned', `${encode({ alg: 'none', kid: KID })}.${PAYLOAD}.`),
  bad('unsigned with a signature', `${encode({ alg: 'none', kid: KID })}.${PAYLOAD}.${SIGNATURE}`),
  bad('HS256 with the public key', hmac({ alg: 'HS256', kid: KID })),
  bad('HS256 that says RS256', hmac(HEADER)),
  bad("with a stranger's key", rs256(HEADER, claims('00u-nobody'), stranger.privateKey)),
  bad(
    'with the key that signed it in its header',
    rs256(
      { ...HEADER, jwk: toJwk(stranger.publicKey), jku: 'https://evil.example.com' },
      claims('00u-nobody'),
      stranger.privateKey,
    ),
  ),
  signed('crit', {}, { ...HEADER, crit: ['exp'] }),
  signed('no kid', {}, { alg: 'RS256' }),
  signed('unknown kid', {}, { alg: 'RS256', kid: 'other' }),
  signed('kid __proto__', {}, { alg: 'RS256', kid: '__proto__' }),
  signed('RS512', {}, { alg: 'RS512', kid: KID }),
  signed('another issuer', { iss: `${ISSUER}/` }),
  signed('another audience', { aud: 'other' }),
  signed('audiences without azp', { aud: ['other', CLIENT_ID] }),
  signed('another azp', { azp: 'other' }),
  signed('exp as a string', { exp: String(SECONDS + 3600) }),
  signed('exp below zero', { exp: -1 }),
  signed('exp null', { exp: null }),
  signed('iat as a string', { iat: String(SECONDS) }),
  signed('nbf in the future', { nbf: SECONDS + 365 * 24 * 3600 }),
  signed('sub as an object', { sub: { toString: 'x' } }),
  signed('sub as an array', { sub: ['00u-nobody'] }),
  signed('sub empty', { sub: '' }),
  raw(
    'sub only under __proto__',
    `{"__proto__":{"sub":"x"},${JSON.stringify(withoutSub).slice(1)}`,
  ),
  raw('all under __proto__', `{"__proto__":${JSON.stringify(claims('x'))}}`),
  raw('an array', '[]'),
  raw('null', 'null'),
  raw('a bare string', 'text'),
  raw('not UTF-8', '\ud800'),
  bad('changed payload', `${HEAD}.${encode(claims('00u-admin'))}.${SIGNATURE}`),
  bad('no signature', `${HEAD}.${PAYLOAD}.`),
  bad('two parts', `${HEAD}.${PAYLOAD}`),
  bad('four parts', `${GOOD.jwt}.x`),
  bad('two dots', '..'),
  bad('spaces around', ` ${GOOD.jwt} `),
  bad('padding', `${HEAD}=.${PAYLOAD}.${SIGNATURE}`),
  bad('standard base64', GOOD.jwt.replaceAll('-', '+').replaceAll('_', '/')),
  bad('a newline at the end', `${GOOD.jwt}\n`),
];

/** By their encoded form, as a response has them. */
const byText = new Map(ID_TOKENS.map((token) => [token.jwt, token]));

/** Who an ID token speaks of, if it is to be believed at that time. */
export function believedSub(jwt: unknown, milliseconds: number): string | undefined {
  const token = typeof jwt === 'string' ? byText.get(jwt) : undefined;
  if (token?.good === undefined) return undefined;
  const { from, until } = token.good;
  const seconds = milliseconds / 1000;
  return seconds >= from && Math.floor(seconds) < until ? token.sub : undefined;
}

/** What would be a leak of one of them: the first characters of a payload or of a signature. */
export const ID_TOKEN_PARTS = [...new Set(ID_TOKENS.flatMap(({ jwt }) => jwt.split('.').slice(1)))]
  .map((part) => part.trim().slice(0, 24))
  .filter((part) => part.length === 24);
