import { inspect } from 'node:util';

/** Checks one option: gives its value, or its default. @throws TypeError that names the option */
export type Reader<T> = (value: unknown, name: string) => T;

export function nonEmptyString(value: unknown, name: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw invalid(name, 'must be a non-empty string', value);
}

export const stringOr =
  (fallback: string): Reader<string> =>
  (value, name) =>
    nonEmptyString(value ?? fallback, name);

export const booleanOr =
  (fallback: boolean): Reader<boolean> =>
  (value, name) => {
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    throw invalid(name, 'must be true or false', value);
  };

export const positiveNumberOr =
  (fallback: number): Reader<number> =>
  (value, name) => {
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw invalid(name, 'must be a positive number', value);
  };

export const positiveIntegerOr =
  (fallback: number): Reader<number> =>
  (value, name) => {
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    throw invalid(name, 'must be a positive integer', value);
  };

export const nonNegativeNumberOr =
  (fallback: number): Reader<number> =>
  (value, name) => {
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    throw invalid(name, 'must be a number and must not be negative', value);
  };

/** The option may be left out. */
export const optional =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (value, name) =>
    value === undefined ? undefined : read(value, name);

/** A function, whose result is checked where it is called. */
export const functionOf =
  <F>(): Reader<F> =>
  (value, name) => {
    if (typeof value === 'function') return value as F;
    throw invalid(name, 'must be a function', value);
  };

/** An object with these methods, such as the interface that it is to implement. */
export const objectWith =
  <T>(type: string, ...methods: (keyof T & string)[]): Reader<T> =>
  (value, name) => {
    for (const method of methods) {
      if (typeof (value as Partial<Record<string, unknown>> | null)?.[method] === 'function')
        continue;
      throw invalid(name, `must be ${type}; it has no method ${method}`);
    }
    return value as T;
  };

/** @param got what was given, to be shown; left out for secrets */
export function invalid(name: string, complaint: string, ...got: [] | [unknown]): TypeError {
  const end = got.length === 0 ? '' : `, but got ${show(got[0])}`;
  return new TypeError(`OktaDirectMfaStrategy: ${name} ${complaint}${end}`);
}

export function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 100 });
}
