import type { IncomingMessage } from 'node:http';
import { OktaConfigurationError } from '../errors.js';
import type { OktaDirectMfaSecondFactor } from '../transactions/transaction.js';

/** Which of the body's fields are read; `req.query` never is, since URLs end up in logs. */
export interface Fields {
  usernameField: string;
  passwordField: string;
  otpField: string;
  factorField: string;
  challengeField: string;
  assertionField: string;
}

/** The name of a factor, as events have it. */
export type OktaDirectMfaFactor = 'password' | OktaDirectMfaSecondFactor;

/**
 * Which request of a login it is: `challenge` chooses a second factor, `code` brings a code, `poll`
 * asks how a push stands, `assertion` is a passkey's answer; `none` for one that presents nothing.
 */
export type OktaDirectMfaStep = 'password' | 'challenge' | 'code' | 'poll' | 'assertion' | 'none';

export type Body = Readonly<Record<string, unknown>>;

/** A field that a step needs and that cannot be used: missing, blank, not a string, or too long. */
export interface Missing {
  type: 'missing';
  /** The factor that it belongs to; absent when no field says which one is presented. */
  factor?: OktaDirectMfaFactor;
  step: OktaDirectMfaStep;
  /** Its name in the body. */
  field: string;
}

/** @param maxLength in characters */
export function readField(body: Body, name: string, maxLength: number): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  // Two units of UTF-16 may be one character, such as an emoji in a passphrase.
  const isTooLong =
    value.length > maxLength && (value.length > 2 * maxLength || [...value].length > maxLength);
  return isTooLong ? undefined : value;
}

/**
 * A code without what people paste along with it: spaces, hyphens and invisible characters go,
 * full-width and other scripts' digits become digits. Letters stay as they are: case may count.
 */
export function cleanCode(code: string): string {
  return code
    .replace(/[\p{Z}\p{C}\p{Pd}\p{Default_Ignorable_Code_Point}\u2212\s]/gu, '')
    .replace(/[^\d\P{Nd}]/gu, (digit) => String(digitValue(digit)));
}

/** Unicode has each script's digits in one row, 0 to 9; some rows follow each other directly. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return (code - zero) % 10;
}

/** @throws OktaConfigurationError `body_parser_missing` */
export function readBody(req: IncomingMessage): Body {
  const { body } = req as { body?: unknown };
  if (typeof body === 'object' && body !== null) return body as Body;
  if (body === undefined && hasFormOrJson(req)) {
    throw new OktaConfigurationError(
      'body_parser_missing',
      'req.body is undefined although the request has a form or JSON. Did you forget express.urlencoded() or express.json(), or to use it before passport.authenticate()?',
    );
  }
  return {};
}

/** Express 5 leaves `req.body` undefined also for a request without a body, or of another type. */
function hasFormOrJson({ headers }: IncomingMessage): boolean {
  const hasBody =
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return (
    hasBody &&
    /^application\/(x-www-form-urlencoded|([\w.-]+\+)?json)\b/i.test(headers['content-type'] ?? '')
  );
}
