import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toBase64url } from '../../lib/base64url.js';

describe('toBase64url', () => {
  for (const [what, given, expected] of [
    ['base64url', 'ab-_09AZ', 'ab-_09AZ'],
    ['the standard alphabet', 'a+/b+/', 'a-_b-_'],
    ['one character of padding', 'YWE=', 'YWE'],
    ['two characters of padding', 'YQ==', 'YQ'],
  ] as const) {
    it(`takes ${what}`, () => {
      assert.equal(toBase64url(given), expected);
    });
  }

  for (const [what, odd] of [
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['a list', ['YWE']],
    ['an empty string', ''],
    ['padding alone', '=='],
    ['three characters of padding', 'YQ==='],
    ['padding that is not at the end', 'YQ==YQ'],
    ['a space before', ' YWE'],
    ['a space after', 'YWE '],
    ['a letter of no alphabet', 'Yé'],
  ] as const) {
    it(`gives nothing for ${what}`, () => {
      assert.equal(toBase64url(odd), undefined);
    });
  }
});
