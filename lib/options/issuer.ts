import { invalid, nonEmptyString } from './checks.js';

/** The URLs of an authorization server that are asked. */
export interface Endpoints {
  token: URL;
  /** Okta's own, where a push, text, call, mail or passkey is asked for. */
  challenge: URL;
  keys: URL;
  userInfo: URL;
  /** RFC 7009. */
  revoke: URL;
}

const ISSUER_FORMS =
  'must be https://{org}.okta.com or https://{org}.okta.com/oauth2/{authorization server id}, or the same on a custom domain';

/**
 * Org or custom authorization server (Okta: concepts/auth-servers).
 * @param allowInsecure lets `http:` through on a loopback host
 * @throws TypeError
 */
export function readIssuer(value: unknown, allowInsecure: boolean): URL {
  const issuer = nonEmptyString(value, 'issuer');
  // First, since the other complaints repeat the issuer.
  if (issuer.includes('@')) {
    throw invalid('issuer', 'must not contain a username or password');
  }
  if (/[{}<>]|yourOktaDomain/i.test(issuer)) {
    throw invalid(
      'issuer',
      'still has a placeholder: put the domain of your Okta org in its place',
      issuer,
    );
  }
  let url: URL;
  try {
    url = new URL(issuer);
  } catch {
    throw invalid('issuer', ISSUER_FORMS, issuer);
  }
  if (/[?#]/.test(issuer)) throw invalid('issuer', 'must not have a query or a fragment', issuer);
  const insecureButAllowed = url.protocol === 'http:' && allowInsecure && isLoopback(url.hostname);
  if (url.protocol !== 'https:' && !insecureButAllowed) {
    throw invalid(
      'issuer',
      'must begin with https:// (http:// only on a loopback host, with allowInsecureIssuer: true)',
      issuer,
    );
  }
  if (/^[^.]+-admin\.(okta[^.]*|trexcloud)\./i.test(url.hostname)) {
    throw invalid('issuer', 'must be the address of the org without -admin', issuer);
  }
  // /oauth2/v1 is where the org server has its endpoints, not an issuer.
  if (!/^\/(oauth2\/(?!v1\/?$)[^/]+\/?)?$/.test(url.pathname)) {
    throw invalid('issuer', ISSUER_FORMS, issuer);
  }
  return url;
}

/** `url.hostname` is normalised: every way to write an IPv4 address has become four numbers. */
function isLoopback(hostname: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[::1\]|(.+\.)?localhost)$/.test(hostname);
}

/** Okta: concepts/auth-servers. The org server's issuer has no path, its endpoints do. */
export function endpointsOf(issuer: URL): Endpoints {
  const path = issuer.pathname === '/' ? '/oauth2' : issuer.pathname.replace(/\/$/, '');
  const endpoint = (name: string) => new URL(`${path}/v1/${name}`, issuer);
  return {
    token: endpoint('token'),
    challenge: endpoint('challenge'),
    keys: endpoint('keys'),
    userInfo: endpoint('userinfo'),
    revoke: endpoint('revoke'),
  };
}
