import assert from 'node:assert/strict';

/** What the constructor throws for a value that cannot work; its message repeats no secret. */
export function assertTypeError(call: () => unknown, text: RegExp, never?: string): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, /^OktaDirectMfaStrategy/);
    assert.match(error.message, text);
    assert.ok(error.message.length < 600, 'a message is no place for a document');
    if (never !== undefined) assert.ok(!String(error.stack).includes(never));
    return true;
  });
}

/** A value as the title of a test shows it. */
export const json = (value: unknown): string =>
  typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value);
