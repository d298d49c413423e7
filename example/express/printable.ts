/** Control, format and bidirectional characters, line separators, and what shows as nothing at all. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** The same, but for the line breaks before the frames of a stack. */
const UNPRINTABLE_IN_STACK = new RegExp(`(?!\\n {4}at )${UNPRINTABLE.source}`, 'gu');

const escape = (characters: string): string =>
  characters.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * One line that a terminal shows as it is. What people type may hold escape sequences that rewrite
 * the screen, line breaks that forge an entry, and marks that turn the text around. JSON stays JSON.
 */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escape);

/** The same for an error's stack, whose frames keep their lines. */
export const printableStack = (stack: string): string =>
  stack.replace(UNPRINTABLE_IN_STACK, escape);

export const truncated = (text: string, maxLength: number): string =>
  text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
