import type { IncomingMessage } from 'node:http';
import { ConfigurationError } from '../errors.js';

/** Which of the body's fields are read; `req.query` never is, since URLs end up in logs. */
export interface Fields {
  usernameField: string;
  passwordField: string;
  otpField: string;
}

type Body = Readonly<Record<string, unknown>>;

export type Step =
  { type: 'password'; body: Body } | { type: 'otp'; body: Body } | { type: 'none' };

/** In characters: far above what Okta accepts, and far below what would hurt. */
const MAX_LENGTH = { username: 256, password: 1024, otp: 64 };

/**
 * Which step a request is.
 * @throws ConfigurationError `body_parser_missing`
 */
export function readStep(req: IncomingMessage, fields: Fields): Step {
  const body = readBody(req);
  if (Object.hasOwn(body, fields.passwordField)) return { type: 'password', body };
  if (Object.hasOwn(body, fields.otpField)) return { type: 'otp', body };
  return { type: 'none' };
}

/** The username and password, or the name of the field that cannot be used. */
export function readCredentials(
  body: Body,
  fields: Fields,
): { username: string; password: string } | string {
  const username = readField(body, fields.usernameField, MAX_LENGTH.username);
  if (username === undefined) return fields.usernameField;
  const password = readField(body, fields.passwordField, MAX_LENGTH.password);
  return password === undefined ? fields.passwordField : { username, password };
}

/** The passcode, without the spaces that authenticator apps show and people type along. */
export function readOtp(body: Body, fields: Fields): string | undefined {
  return readField(body, fields.otpField, MAX_LENGTH.otp)?.replace(/\s/g, '');
}

function readField(body: Body, name: string, maxLength: number): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  // Two units of UTF-16 may be one character, such as an emoji in a passphrase.
  const isTooLong = value.length > 2 * maxLength || [...value].length > maxLength;
  return isTooLong ? undefined : value;
}

function readBody(req: IncomingMessage): Body {
  const { body } = req as { body?: unknown };
  if (typeof body === 'object' && body !== null) return body as Body;
  if (body === undefined && hasFormOrJson(req)) {
    throw new ConfigurationError(
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
