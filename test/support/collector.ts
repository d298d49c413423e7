import assert from 'node:assert/strict';
import { format, inspect } from 'node:util';
import type { Okta } from '../../example/okta/index.js';

/**
 * Everything of this process that a person, an app or a log could get to see, and the secrets that
 * must not be among it. App and browser fill it; each test file checks them at its end.
 */
const seen: { where: string; text: string }[] = [];
const secrets = new Set<string>();

/** Something that an app prints or hands on: in every way in which it is commonly printed. */
export function collect(where: string, value: unknown): void {
  if (typeof value === 'string') {
    seen.push({ where, text: value });
    return;
  }
  seen.push({ where, text: inspect(value, { depth: 10, showHidden: true }) });
  if (value instanceof Error) seen.push({ where, text: `${String(value)} ${value.stack ?? ''}` });
  seen.push({ where, text: JSON.stringify(value) ?? '' });
}

export function addSecrets(...values: (string | undefined)[]): void {
  for (const value of values) if (value !== undefined && value !== '') secrets.add(value);
}

/* eslint-disable no-console -- what is printed is what this is about */
for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  const print = console[method].bind(console);
  console[method] = (...args: unknown[]) => {
    collect(`console.${method}`, format(...args));
    print(...args);
  };
}
/* eslint-enable no-console */
process.on('warning', (warning) => collect('a warning', warning));

/** That no secret which reached Okta, or came from it, appears anywhere else. */
export function assertNoSecretSeen(okta: Okta): void {
  for (const { form, headers } of okta.requests) {
    addSecrets(form['password'], form['otp'], form['mfa_token'], form['oob_code']);
    addSecrets(form['binding_code'], form['authenticatorData'], form['signature']);
    addSecrets(form['clientDataJSON'], form['userHandle']);
    addSecrets(form['client_secret'], form['client_assertion']);
    addSecrets(form['refresh_token'], form['token']);
    addSecrets(headers.authorization?.replace(/^\w+ /, ''));
  }
  const { basic, post } = okta.clients;
  addSecrets(basic.client_secret, encodeURIComponent(basic.client_secret), post.client_secret);

  assert.ok(seen.length > 0, 'nothing was collected');
  assert.ok(secrets.size > 2, 'no secret was collected');
  for (const secret of secrets) {
    // Six digits alone are also part of a timestamp.
    const pattern = /^\d{1,8}$/.test(secret) ? new RegExp(`(?<!\\d)${secret}(?!\\d)`) : undefined;
    for (const { where, text } of seen) {
      const found = pattern === undefined ? text.includes(secret) : pattern.test(text);
      assert.ok(!found, `a secret (${secret.slice(0, 3)}…) is in ${where}: ${text}`);
    }
  }
}
