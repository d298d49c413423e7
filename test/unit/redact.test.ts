import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redact } from '../../lib/redact.js';

describe('redact', () => {
  it('replaces every occurrence of every secret', () => {
    assert.equal(
      redact('code 123456 with tok-1, again 123456', ['tok-1', '123456']),
      'code [redacted] with [redacted], again [redacted]',
    );
  });

  it('reads a secret literally, not as a pattern', () => {
    assert.equal(redact('a.c abc $& p(w', ['a.c', 'p(w']), '[redacted] abc $& [redacted]');
  });

  it('changes nothing for a secret that is empty', () => {
    assert.equal(redact('plain', ['']), 'plain');
  });

  it('replaces runs of control characters, which forge log lines, by one space', () => {
    assert.equal(
      redact('one\r\nERROR forged\u0000\u001b[31m\u007f\u009b\u2028\u2029two', []),
      'one ERROR forged [31m two',
    );
  });

  it('keeps letters of every script', () => {
    assert.equal(redact(' Das Paßwort – 密码 🔑 ', []), 'Das Paßwort – 密码 🔑');
  });

  it('cuts at 300 characters and shows that it did', () => {
    assert.equal(redact('x'.repeat(300), []), 'x'.repeat(300));
    assert.equal(redact('x'.repeat(301), []), `${'x'.repeat(300)}…`);
    assert.equal(redact('x'.repeat(1024 * 1024), []), `${'x'.repeat(300)}…`);
  });

  it('replaces a secret that crosses the 300th character before it cuts', () => {
    const result = redact(`${'x'.repeat(295)}hunter2hunter2`, ['hunter2hunter2']);
    assert.equal(result, `${'x'.repeat(295)}[reda…`);
  });

  it('leaves nothing of a secret that is repeated over and over', () => {
    const secret = 'Zq7!'.repeat(250);
    assert.doesNotMatch(redact(secret.repeat(6), [secret]), /Zq7!/);
  });

  it('leaves nothing of a secret behind a flood of control characters', () => {
    const secret = 'Zq7!'.repeat(250);
    assert.doesNotMatch(redact(`${'\n'.repeat(4700)}${secret}`, [secret]), /Zq7!/);
  });

  it('replaces a whole secret of which another is a part', () => {
    assert.equal(redact('it was swordfish', ['fish', 'swordfish']), 'it was [redacted]');
  });

  it('replaces the longest of the secrets that begin at the same place', () => {
    for (const secrets of [
      ['sword', 'swordfish'],
      ['swordfish', 'sword'],
    ]) {
      assert.equal(redact('it was swordfish', secrets), 'it was [redacted]');
    }
  });

  it('recognises a secret whose spaces have become fewer, more or others', () => {
    for (const quoted of ['a b', 'a   b', 'a\t\nb']) {
      assert.equal(redact(`it was ${quoted}.`, ['a  b']), 'it was [redacted].');
    }
  });
});
