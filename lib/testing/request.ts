/** A request to one of Okta's endpoints, as it reached an issuer. */
export interface OAuthRequest {
  readonly issuer: string;
  /** Under lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
}

/** The strategy sends an object; an app's other requests may have an array. */
export function toRecord(headers: unknown): Record<string, string> {
  const isIterable = Symbol.iterator in Object(headers ?? {});
  const entries = isIterable
    ? [...(headers as Iterable<[string, unknown]>)]
    : Object.entries(headers ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/** The fields of a form, none for another type of body. */
export function toForm(headers: Record<string, string>, body: unknown): Record<string, string> {
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : '';
  return isForm ? Object.fromEntries(new URLSearchParams(text)) : {};
}
