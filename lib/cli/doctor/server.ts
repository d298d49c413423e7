import { OktaDirectMfaError, OktaTimeoutError } from '../../errors.js';
import type { HttpClient, HttpResponse } from '../../okta/http.js';
import { createJwks } from '../../okta/jwks.js';
import { quoter } from '../../redact.js';
import type { ConnectionTrace, Network } from '../network.js';
import type { Target } from '../settings.js';
import { fix, ok, sentences, unknown, type Check } from './check.js';

/** What somebody else's server says, fit for a terminal. */
export const shown = (value: unknown): string =>
  typeof value === 'string' ? (quoter([])(value) ?? '(too long)') : typeof value;

export function checkIssuer({ issuer }: Pick<Target, 'issuer'>): Check {
  const { pathname } = new URL(issuer);
  return ok(
    'issuer',
    `${issuer} (${pathname === '/' ? 'org authorization server' : 'custom authorization server'})`,
  );
}

/** The first request: the metadata (OIDC Discovery §4). */
export async function checkConnection(
  http: HttpClient,
  { issuer }: Pick<Target, 'issuer'>,
  { proxy, trace }: Network,
): Promise<{ check: Check; response?: HttpResponse; date?: Observed }> {
  const url = new URL(`${issuer}/.well-known/openid-configuration`);
  const started = performance.now();
  try {
    const response = await http({ method: 'GET', url, headers: {} });
    const took = performance.now() - started;
    const direct = trace();
    const way =
      direct === undefined
        ? `through the proxy ${proxy?.url} (${proxy?.variable}), answered after ${ms(took)}`
        : `${stages(direct)}; ${proxy === undefined ? 'no proxy' : `not through the proxy ${proxy.url}, because of NO_PROXY`}`;
    const date = { server: Date.parse(String(response.headers['date'])), local: Date.now() };
    return { check: ok('connection', way), response, date };
  } catch (error) {
    if (!(error instanceof OktaDirectMfaError)) throw error;
    return { check: whyNot(error, url, trace(), proxy?.url) };
  }
}

/** Okta's clock and this machine's at the same moment, in milliseconds. */
export interface Observed {
  server: number;
  local: number;
}

function stages({ lookup, connect = 0, secure, firstByte, protocol }: ConnectionTrace): string {
  const parts = [
    ...(lookup === undefined ? [] : [`DNS ${ms(lookup)}`]),
    `TCP ${ms(connect - (lookup ?? 0))}`,
    ...(secure === undefined ? [] : [`${protocol} ${ms(secure - connect)}`]),
    ...(firstByte === undefined ? [] : [`first byte ${ms(firstByte - (secure ?? connect))}`]),
  ];
  return parts.join(', ');
}

const ms = (milliseconds: number): string => `${Math.max(0, Math.round(milliseconds))} ms`;

/** The step that failed, in the order in which they are taken. */
function whyNot(
  error: OktaDirectMfaError,
  url: URL,
  trace: ConnectionTrace | undefined,
  proxy: string | undefined,
): Check {
  const { seen, todo } = sentences(error.message);
  if (trace === undefined) {
    const what = proxy === undefined ? seen : `through the proxy ${proxy}: ${seen}`;
    return fix('connection', what, todo);
  }
  const why = trace.code ?? (error instanceof OktaTimeoutError ? 'no answer in time' : undefined);
  if (trace.lookup === undefined && /^(ENOTFOUND|EAI_)/.test(why ?? '')) {
    return fix(
      'connection',
      `DNS: ${url.hostname} has no address (${why})`,
      "Check the spelling of the issuer, and this machine's DNS. Behind a proxy, set HTTPS_PROXY.",
    );
  }
  if (trace.connect === undefined && why !== undefined) {
    return fix(
      'connection',
      `TCP: ${trace.address ?? url.host} takes no connection (${why})`,
      'Let this machine reach that address in the firewall or, behind a proxy, set HTTPS_PROXY.',
    );
  }
  if (url.protocol === 'https:' && trace.secure === undefined && why !== undefined) {
    return fix('connection', ...aboutTls(url, why));
  }
  return fix('connection', `HTTP: ${seen}`, todo || 'Check what is between this machine and Okta.');
}

function aboutTls({ host, hostname }: URL, code: string): [seen: string, todo: string] {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return [
      `TLS: the certificate of ${host} is for another host (${code})`,
      `Check the issuer: ${hostname} is not a name of the server that answers.`,
    ];
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return [
      `TLS: the certificate of ${host} is not valid now (${code})`,
      'Check the clock of this machine, and who answers for that host.',
    ];
  }
  if (/CERT|SELF_SIGNED|VERIFY/.test(code)) {
    return [
      `TLS: the certificate of ${host} is not trusted (${code})`,
      "Behind a proxy that opens TLS, name its CA in NODE_EXTRA_CA_CERTS. Do not switch the verification off: the password would be anybody's.",
    ];
  }
  return [
    `TLS: no secure connection to ${host} (${code})`,
    'Check the issuer: its host, its port.',
  ];
}

/** Whether it is Okta's, and as the issuer has it: nothing secret is sent to anybody else. */
export function checkMetadata(
  { status, headers, json }: HttpResponse,
  { issuer, endpoints }: Pick<Target, 'issuer' | 'endpoints'>,
): { check: Check; isOkta: boolean } {
  const todo =
    'Check the issuer: in the Okta admin console, Security > API shows that of a custom authorization server; that of the org server is the address of the org.';
  if (status >= 300 && status < 400) {
    const location = String(headers['location']);
    const where = URL.canParse(location) ? new URL(location).origin : 'elsewhere';
    return wrong(`HTTP ${status}: a redirect to ${shown(where)}, which is not followed`, todo);
  }
  if (status === 429 || status >= 500) {
    const check = unknown('metadata', `HTTP ${status}`, 'Try again in a while.');
    return { check, isOkta: false };
  }
  if (json === undefined) {
    const type = shown(headers['content-type'] ?? 'nothing').split(';')[0];
    return wrong(`HTTP ${status} with ${type}, and not Okta's metadata: a web page?`, todo);
  }
  if (status !== 200 || typeof json['issuer'] !== 'string') {
    return wrong(`HTTP ${status} without an issuer: there is no such authorization server`, todo);
  }
  if (json['issuer'] !== issuer) {
    const check = fix(
      'metadata',
      `Okta calls itself ${shown(json['issuer'])}, and so do its ID tokens`,
      'Make that the issuer, or change it at Okta: under Security > API for a custom authorization server, as the custom domain of the org.',
    );
    return { check, isOkta: true };
  }
  const elsewhere = (['token', 'keys'] as const).find(
    (name) => json[METADATA_NAMES[name]] !== endpoints[name].href,
  );
  if (elsewhere !== undefined) {
    const name = METADATA_NAMES[elsewhere];
    const check = unknown(
      'metadata',
      `${name} is ${shown(json[name])}; what is asked is ${endpoints[elsewhere].href}`,
      'If the checks below are good, both are the same.',
    );
    return { check, isOkta: true };
  }
  const algorithms: unknown = json['id_token_signing_alg_values_supported'];
  if (!Array.isArray(algorithms) || !algorithms.includes('RS256')) {
    const check = fix(
      'metadata',
      'ID tokens are not signed with RS256',
      'Have the authorization server sign with RS256: nothing else is accepted.',
    );
    return { check, isOkta: true };
  }
  return { check: ok('metadata', 'issuer as given, keys, RS256'), isOkta: true };

  function wrong(seen: string, todo: string): { check: Check; isOkta: boolean } {
    return { check: fix('metadata', seen, todo), isOkta: false };
  }
}

/** RFC 8414 §2. */
const METADATA_NAMES = { token: 'token_endpoint', keys: 'jwks_uri' } as const;

export async function checkKeys(http: HttpClient, target: Target): Promise<Check> {
  let count = 0;
  let status = 0;
  const counting: HttpClient = async (request) => {
    const response = await http(request);
    const { keys } = (response.json ?? {}) as { keys?: unknown };
    if (Array.isArray(keys)) count = keys.length;
    ({ status } = response);
    return response;
  };
  try {
    await createJwks(counting, { ...target, url: target.endpoints.keys }).ready();
    return ok('keys', `${count} ${count === 1 ? 'key' : 'keys'}`);
  } catch (error) {
    if (!(error instanceof OktaDirectMfaError)) throw error;
    const { seen, todo } = sentences(error.message);
    if (status === 429 || status >= 500) return unknown('keys', seen, 'Try again in a while.');
    return fix('keys', seen, todo || 'Check the signing keys of the authorization server.');
  }
}

/** Seconds of a difference that is worth a word. */
const NOTEWORTHY = 5;

export function checkClock(
  { server, local }: Observed,
  { clockTolerance }: Pick<Target, 'clockTolerance'>,
): Check {
  if (Number.isNaN(server)) {
    return unknown(
      'clock',
      'The answer has no Date',
      'A proxy took it away? Compare the clock of this machine with another.',
    );
  }
  // Date has whole seconds.
  const seconds = Math.round((local - server - 500) / 1000);
  const difference = `this machine is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} Okta`;
  if (Math.abs(seconds) <= clockTolerance) {
    return ok('clock', Math.abs(seconds) < NOTEWORTHY ? 'as at Okta' : difference);
  }
  return fix(
    'clock',
    difference,
    `Set the clock of this machine (NTP): ID tokens would be rejected, and client assertions too. Up to ${clockTolerance} s are tolerated.`,
  );
}
