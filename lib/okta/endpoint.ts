import type { ClientAuthentication } from './client-authentication.js';
import type { HttpClient, HttpRequest, HttpResponse } from './http.js';

export interface EndpointOptions {
  http: HttpClient;
  url: URL;
  authenticateClient: ClientAuthentication;
}

/** An endpoint that takes a form and the client's proof: RFC 6749 §2.3. */
export class Endpoint {
  readonly #options: EndpointOptions;

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  /**
   * One POST.
   * @param deviceHeaders about the person's device, beside those of the client
   * @param loggable names of the form's fields that may appear in a message
   * @param more about the request, for the HTTP client
   * @returns the response, which rejects with OktaResponseError, OktaUnreachableError, OktaTimeoutError,
   *   and what was sent and must appear in no message
   */
  post(
    form: URLSearchParams,
    deviceHeaders: Record<string, string>,
    loggable: readonly string[],
    more: Pick<HttpRequest, 'ignoresBody'> = {},
  ): { response: Promise<HttpResponse>; sent: () => string[] } {
    const { http, url, authenticateClient } = this.#options;
    const headers: Record<string, string> = {
      ...deviceHeaders,
      'content-type': 'application/x-www-form-urlencoded',
    };
    authenticateClient(form, headers, url);
    const response = http({ method: 'POST', url, headers, body: form.toString(), ...more });
    return { response, sent: () => secretsOf(form, headers, loggable) };
  }
}

/** What is the same in every request, or public. */
const LOGGABLE = new Set(['grant_type', 'scope', 'client_id', 'client_assertion_type']);

function secretsOf(
  form: URLSearchParams,
  { authorization }: Record<string, string>,
  loggable: readonly string[],
): string[] {
  const secrets = [...form]
    .filter(([name]) => !LOGGABLE.has(name) && !loggable.includes(name))
    .map(([, value]) => value);
  if (authorization === undefined) return secrets;
  // RFC 7617: the client secret is in it in another form.
  const basic = authorization.slice('Basic '.length);
  const [, encodedSecret = ''] = Buffer.from(basic, 'base64').toString().split(':');
  return [...secrets, basic, ...new URLSearchParams(`=${encodedSecret}`).values()];
}
