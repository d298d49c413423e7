import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { usesColor } from '../../../example/express/terminal.js';

const terminal = { isTTY: true };
const pipe = {};

describe('colours in the terminal', () => {
  for (const [what, stream, env, expected] of [
    ['a terminal that has them', terminal, { TERM: 'xterm-256color' }, true],
    ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
    ['NO_COLOR', terminal, { TERM: 'xterm-256color', NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', terminal, { TERM: 'xterm-256color', NO_COLOR: '' }, true],
    ['a pipe', pipe, { TERM: 'xterm-256color' }, false],
    ['a pipe with FORCE_COLOR', pipe, { FORCE_COLOR: '1' }, true],
    ['a terminal with FORCE_COLOR=0', terminal, { TERM: 'xterm', FORCE_COLOR: '0' }, false],
    ['NO_COLOR and FORCE_COLOR', terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ] as const) {
    it(`${what}: ${expected ? 'yes' : 'no'}`, () => {
      assert.equal(usesColor(stream, env), expected);
    });
  }
});
