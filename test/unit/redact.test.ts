import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoter } from '../../lib/redact.js';
import { OKTA_TEXTS } from './okta/catalogue.js';

/** Accents, what HTML and URLs escape, and letters whose capitals are others. */
const PASSWORD = 'Pässwörd & "Straße" <é\'1> éab1';
const CODE = '492713';
const TOKEN = 'mfa-token_7Hq/Z+x=';
const SENT = [PASSWORD, CODE, TOKEN];

const everyCharacter = (text: string, encode: (character: string) => string): string =>
  [...text].map(encode).join('');
const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
const hex = (character: string, length = 0): string =>
  codeOf(character).toString(16).padStart(length, '0');
const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const NAMES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  ä: '&auml;',
  ö: '&ouml;',
  é: '&eacute;',
  ß: '&szlig;',
};
const html = (text: string): string =>
  text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#x27;');

/** How a text may be written that says the same. */
const ENCODINGS: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  'in capitals': (text) => text.toUpperCase(),
  'in small letters': (text) => text.toLowerCase(),
  'in NFD': (text) => text.normalize('NFD'),
  'in NFKC': (text) => text.normalize('NFKC'),
  'in full-width characters': (text) =>
    everyCharacter(text, (character) =>
      /[!-~]/.test(character) ? String.fromCharCode(codeOf(character) + 0xfee0) : character,
    ),
  'escaped for HTML': html,
  'escaped for HTML with names for letters': (text) =>
    everyCharacter(text, (character) => NAMES[character] ?? character),
  'escaped for HTML, every character in decimal': (text) =>
    everyCharacter(text, (character) => `&#${codeOf(character)};`),
  'escaped for HTML, every character in hexadecimal': (text) =>
    everyCharacter(text, (character) => `&#x${hex(character)};`),
  'escaped for HTML, in capitals': (text) =>
    everyCharacter(text, (character) => `&#X${hex(character).toUpperCase()};`),
  'escaped for JSON': (text) => JSON.stringify(text).slice(1, -1),
  'escaped for JSON twice': (text) =>
    JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1),
  'escaped for JSON, every character': (text) =>
    everyCharacter(text, (character) => `\\u${hex(character, 4)}`),
  'escaped for JSON, with slashes': (text) => JSON.stringify(text).replace(/\//g, '\\/'),
  'escaped for JSON, what is not ASCII': (text) =>
    everyCharacter(JSON.stringify(text).slice(1, -1), (character) =>
      character > '~' ? `\\u${hex(character, 4)}` : character,
    ),
  'escaped for JavaScript, in braces and short': (text) =>
    everyCharacter(text, (character) => `\\u{${hex(character)}}`),
  'escaped for JavaScript': (text) =>
    everyCharacter(text, (character) => `\\x${hex(character, 2)}`),
  'escaped for JavaScript, in braces': (text) =>
    everyCharacter(text, (character) => `\\u{${hex(character, 4)}}`),
  'percent-encoded': encodeURIComponent,
  'percent-encoded in lower case': (text) =>
    encodeURIComponent(text).replace(/%../g, (escape) => escape.toLowerCase()),
  'percent-encoded, every byte': percent,
  'percent-encoded as Latin-1': (text) =>
    [...Buffer.from(text, 'latin1')]
      .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
      .join(''),
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'percent-encoded and escaped for HTML': (text) => html(encodeURIComponent(text)),
  'escaped for HTML and percent-encoded': (text) => encodeURIComponent(html(text)),
  'escaped for HTML twice': (text) => html(html(text)),
  'form-encoded': (text) => new URLSearchParams({ '': text }).toString().slice(1),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64 without padding': (text) => Buffer.from(text).toString('base64').replace(/=+$/, ''),
  'in base64url': (text) => Buffer.from(text).toString('base64url'),
  'in hexadecimal': (text) => Buffer.from(text).toString('hex'),
  'in hexadecimal capitals': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'with line breaks between': (text) => everyCharacter(text, (character) => `${character}\r\n`),
  'with spaces between': (text) => everyCharacter(text, (character) => `${character}   `),
  'with tabs between': (text) => everyCharacter(text, (character) => `${character}\t`),
  'with zero-width characters between': (text) =>
    everyCharacter(text, (character) => `${character}\u200b\u2060\ufeff`),
  'with marks of direction between': (text) =>
    everyCharacter(text, (character) => `\u202e${character}\u2066`),
  'with soft hyphens between': (text) => everyCharacter(text, (character) => `${character}\u00ad`),
  'with hyphens between': (text) => everyCharacter(text, (character) => `${character}-`),
  'in quotation marks': (text) => `"${text}"`,
  'with an ellipsis in the middle': (text) => `${text.slice(0, 3)}…${text.slice(3)}`,
};

describe('quoter, of a text that repeats what was sent', () => {
  for (const [what, encode] of Object.entries(ENCODINGS)) {
    it(`withholds it ${what}`, () => {
      for (const secret of SENT) {
        const text = encode(secret);
        for (const around of [text, `You sent ${text}.`, `x${text}x`, `=${text}&`]) {
          assert.equal(quoter(SENT)(around), undefined, around);
        }
      }
    });
  }

  for (const [what, secret] of [
    ['begins with a space', ' hunter2'],
    ['begins with many spaces', `${' '.repeat(100)}hunter2`],
    ['is one character', '7'],
    ['is a letter of another script', '密'],
    ['has no letter or digit', '!?*"&'],
    ['is a key', '🔑🔑'],
    ['is a pattern', 'a.c(.*)+$'],
    ['is taken from a replacement', '$&'],
    ['looks like an entity', '&amp;&#65;'],
    ['looks like percent-encoding', '%41%42'],
    ['looks like an escape', '\\u0041\\n'],
  ] as const) {
    it(`withholds a secret that ${what}, in every encoding`, () => {
      for (const [name, encode] of Object.entries(ENCODINGS)) {
        // What only separates letters cannot be told from a separator.
        if (/Latin-1|hyphens between|ellipsis|for JavaScript$/.test(name)) continue;
        if (/^escaped for JSON, (every|what)/.test(name) && secret.includes('🔑')) continue;
        assert.equal(quoter([secret])(`It was ${encode(secret)}.`), undefined, name);
      }
    });
  }

  it('withholds it when one of many was repeated', () => {
    const sent = Array.from({ length: 50 }, (_, index) => `secret${index}x`);
    assert.equal(quoter(sent)('it was SECRET49X'), undefined);
  });

  it('withholds it when the secret lies past what would be shown', () => {
    assert.equal(quoter(SENT)(`${'x'.repeat(900)}${CODE}`), undefined);
  });

  it('withholds it when the secret fills it again and again', () => {
    assert.equal(quoter(['Zq7!'])('Zq7!'.repeat(250)), undefined);
  });

  it('takes any iterable of secrets, and can be used again', () => {
    const quote = quoter(new Set(SENT));
    assert.equal(quote(CODE), undefined);
    assert.equal(quote('The user is locked.'), 'The user is locked.');
    assert.equal(quote(CODE), undefined);
  });
});

describe('quoter, of a hostile text', () => {
  const MILLION = 1_000_000;

  /** Counts how often a text is read, by whichever method of a string. */
  function counting(text: string): { text: string; reads: () => number } {
    let reads = 0;
    const proxy = new Proxy(Object(text) as object, {
      get(target, name) {
        if (name !== 'length') reads += 1;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
    return { text: proxy as unknown as string, reads: () => reads };
  }

  for (const [what, unit] of [
    ['spaces', ' '],
    ['line breaks', '\r\n'],
    ['letters', 'a'],
    ['percent signs', '%'],
    ['percent-encoding', '%25'],
    ['backslashes', '\\'],
    ['ampersands', '&'],
    ['entities', '&amp;'],
    ['unfinished entities', '&#x'],
    ['marks', '\u0301'],
  ] as const) {
    it(`withholds a million characters of ${what} without reading them`, () => {
      const hostile = counting(unit.repeat(MILLION / unit.length));
      assert.equal(quoter([' hunter2', CODE])(hostile.text), undefined);
      assert.equal(hostile.reads(), 0);
    });
  }

  it('reads a text of 1000 characters, and none longer', () => {
    assert.ok(quoter(SENT)('x'.repeat(1000)) !== undefined);
    assert.equal(quoter(SENT)('x'.repeat(1001)), undefined);
    const short = counting('x');
    quoter(SENT)(short.text);
    assert.ok(short.reads() > 0, 'the counter counts');
  });

  it('takes every text of the longest length whose characters try a pattern', () => {
    for (const unit of [
      '%',
      '%2',
      '%25',
      '&',
      '&#',
      '&#x',
      '&a',
      '\\',
      '\\u',
      '\\u{',
      '\u0301',
      '\ud83d',
    ]) {
      const shown = quoter([' hunter2'])(unit.repeat(1000 / unit.length));
      assert.ok(shown === undefined || shown.length <= 301);
    }
  });
});

describe('quoter, of any other text', () => {
  it('gives it as it is', () => {
    assert.equal(quoter(SENT)('The user is locked.'), 'The user is locked.');
    assert.equal(quoter([])('492713'), '492713');
  });

  it('takes no notice of an empty secret, or of one that decodes to nothing', () => {
    assert.equal(quoter(['%20', '&#32;'])('plain'), 'plain');
    assert.equal(quoter(['%20'])('it was %20'), undefined);
    assert.equal(quoter([''])('plain'), 'plain');
    assert.equal(quoter([''])(''), '');
  });

  it('gives every text of Okta for what people send', () => {
    const quote = quoter([
      'ada@example.com',
      'Tr0ub4dor&3 secret',
      '492713',
      TOKEN,
      'client-secret-9Zx',
    ]);
    assert.ok(OKTA_TEXTS.length > 20);
    for (const text of OKTA_TEXTS) assert.equal(quote(text), text.trim());
  });

  it('makes one space of runs of control, bidirectional and separator characters', () => {
    assert.equal(
      quoter([])('one\r\nERROR forged\u0000\u001b[31m\u007f\u009b\u2028\u2029two\u202e\u200fthree'),
      'one ERROR forged [31m two three',
    );
  });

  it('keeps letters of every script', () => {
    assert.equal(quoter([])(' Das Paßwort – 密码 🔑 '), 'Das Paßwort – 密码 🔑');
  });

  it('cuts at 300 characters and says so', () => {
    assert.equal(quoter([])('x'.repeat(300)), 'x'.repeat(300));
    assert.equal(quoter([])('x'.repeat(301)), `${'x'.repeat(300)}…`);
  });

  for (const odd of [
    '&nosuch;',
    '&#x110000;',
    '&#99999999;',
    '\\u{110000}',
    '%',
    '%zz',
    '&',
    '\\',
    '\\ud800',
    '\ud800',
  ]) {
    it(`reads ${JSON.stringify(odd)}, which encodes nothing`, () => {
      assert.doesNotThrow(() => quoter(['x7'])(odd));
    });
  }
});
