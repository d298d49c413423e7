import { styleText } from 'node:util';
import type { Io } from '../io.js';
import type { Check } from './check.js';

type Style = Parameters<typeof styleText>[0];

/** Colours for a person only, as https://no-color.org asks. */
export function painter(
  output: Io['stdout'],
  env: Io['env'],
): (style: Style, text: string) => string {
  const isPlain = output.isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return (style, text) => (isPlain ? text : styleText(style, text));
}

const STYLES = { ok: 'green', fix: 'red', unknown: 'yellow', skipped: 'gray' } as const;

/** A line for a check, and one for what to do about it. */
export function printCheck(
  { id, status, seen, todo }: Check,
  paint: ReturnType<typeof painter>,
): string {
  const line = `${paint(STYLES[status], status.padEnd(7))}  ${id.padEnd(14)}  ${seen}\n`;
  return todo === undefined || todo === '' ? line : `${line}${' '.repeat(9)}→ ${todo}\n`;
}
