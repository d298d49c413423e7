import { WriteStream } from 'node:tty';

/**
 * Whether to print colour codes: to a terminal that has colours, or where `FORCE_COLOR` says so, and
 * never where `NO_COLOR` is set and not empty (https://no-color.org).
 */
export function usesColor(
  stream: { isTTY?: boolean | undefined },
  env: Record<string, string | undefined>,
): boolean {
  const { NO_COLOR, ...others } = env;
  if (NO_COLOR || (!stream.isTTY && others['FORCE_COLOR'] === undefined)) return false;
  // Node knows the terminals. It reads nothing of the stream, only the environment.
  return WriteStream.prototype.hasColors(others);
}
