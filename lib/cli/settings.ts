import { readFileSync } from 'node:fs';
import type { Dispatcher } from 'undici';
import { readOptions, type Settings } from '../options/index.js';
import { readIssuer } from '../options/issuer.js';
import type { AnyOptions, OktaDirectMfaCommonOptions } from '../options/types.js';
import { UsageError, type Io } from './io.js';
import type { Terminal } from './terminal.js';

/** Options of `parseArgs` that say which app is meant. There is none for a secret: others see it. */
export const SETTINGS_OPTIONS = {
  issuer: { type: 'string' },
  'client-id': { type: 'string' },
  scope: { type: 'string' },
  factors: { type: 'string' },
  'client-authentication': { type: 'string' },
  timeout: { type: 'string' },
  'allow-insecure-issuer': { type: 'boolean' },
} as const;

export interface SettingsValues {
  issuer?: string | undefined;
  'client-id'?: string | undefined;
  scope?: string | undefined;
  factors?: string | undefined;
  'client-authentication'?: string | undefined;
  timeout?: string | undefined;
  'allow-insecure-issuer'?: boolean | undefined;
}

/** What the issuer is said to be, not yet checked. @throws UsageError */
export function readIssuerSetting(values: SettingsValues, env: Io['env']): string {
  const issuer = values.issuer ?? nonEmpty(env['OKTA_ISSUER']);
  if (issuer !== undefined) return issuer;
  throw new UsageError('Which authorization server? Give --issuer or set OKTA_ISSUER.');
}

/** The complaint about an issuer of the wrong form; undefined for a good one. */
export function complaintAbout(issuer: string, allowInsecure: boolean): string | undefined {
  try {
    readIssuer(issuer, allowInsecure);
    return undefined;
  } catch (error) {
    return inWordsOfTheProgram(error);
  }
}

/**
 * The strategy's own settings, from options, environment and, for a secret that is missing, a prompt.
 * @throws UsageError
 */
export async function readSettings(
  values: SettingsValues,
  env: Io['env'],
  terminal: Terminal,
): Promise<Omit<Settings, 'dispatcher'>> {
  const clientID = values['client-id'] ?? nonEmpty(env['OKTA_CLIENT_ID']);
  if (clientID === undefined) {
    throw new UsageError('Which app? Give --client-id or set OKTA_CLIENT_ID.');
  }
  const scope = values.scope ?? nonEmpty(env['OKTA_SCOPE']);
  const factors = values.factors ?? nonEmpty(env['OKTA_FACTORS']);
  const options = {
    issuer: readIssuerSetting(values, env),
    clientID,
    ...(scope === undefined ? {} : { scope }),
    ...(factors === undefined ? {} : { factors: factors.split(/[\s,]+/).filter(Boolean) }),
    ...(values.timeout === undefined ? {} : { timeout: Number(values.timeout) }),
    allowInsecureIssuer: values['allow-insecure-issuer'] ?? false,
    ...(await readCredentials(values['client-authentication'], env, terminal)),
  };
  try {
    // Factors are words of a command line until they are checked.
    return readOptions(options as AnyOptions);
  } catch (error) {
    throw new UsageError(inWordsOfTheProgram(error));
  }
}

type CredentialOptions = Pick<
  OktaDirectMfaCommonOptions,
  'clientAuthentication' | 'clientSecret' | 'privateKey' | 'keyID'
>;

/** Only what the method needs: the environment may be that of a server with other apps. */
async function readCredentials(
  named: string | undefined,
  env: Io['env'],
  terminal: Terminal,
): Promise<CredentialOptions> {
  const keyFile = nonEmpty(env['OKTA_PRIVATE_KEY_FILE']);
  const method = named ?? (keyFile === undefined ? undefined : 'private_key_jwt');
  if (method === 'private_key_jwt') {
    if (keyFile === undefined) {
      throw new UsageError(
        'private_key_jwt needs OKTA_PRIVATE_KEY_FILE, the path of a PEM or JWK.',
      );
    }
    return {
      clientAuthentication: method,
      privateKey: readKey(keyFile),
      keyID: nonEmpty(env['OKTA_KEY_ID']),
    };
  }
  let clientSecret = nonEmpty(env['OKTA_CLIENT_SECRET']);
  if (method === undefined) return clientSecret === undefined ? {} : { clientSecret };
  const clientAuthentication = method as CredentialOptions['clientAuthentication'];
  if (!method.startsWith('client_secret')) return { clientAuthentication };
  if (clientSecret === undefined && terminal.isInteractive) {
    clientSecret = await terminal.askSecret('Client secret: ');
  }
  if (clientSecret === undefined) throw new UsageError(`${method} needs OKTA_CLIENT_SECRET.`);
  return { clientAuthentication, clientSecret };
}

function readKey(file: string): CredentialOptions['privateKey'] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new UsageError(`The file of OKTA_PRIVATE_KEY_FILE cannot be read (${code}).`);
  }
  if (!text.trimStart().startsWith('{')) return text;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // The error would quote the key.
    throw new UsageError('The file of OKTA_PRIVATE_KEY_FILE is not valid JSON.');
  }
}

/** The strategy's options, as the program has them. */
const NAMES: Readonly<Record<string, string>> = {
  issuer: 'The issuer (--issuer or OKTA_ISSUER)',
  clientID: 'The client ID (--client-id or OKTA_CLIENT_ID)',
  scope: 'The scope (--scope or OKTA_SCOPE)',
  factors: 'The factors (--factors or OKTA_FACTORS)',
  clientAuthentication: '--client-authentication',
  clientSecret: 'OKTA_CLIENT_SECRET',
  privateKey: 'OKTA_PRIVATE_KEY_FILE',
  keyID: 'OKTA_KEY_ID',
  timeout: '--timeout',
};

function inWordsOfTheProgram(error: unknown): string {
  if (!(error instanceof TypeError)) throw error;
  const message = error.message
    .replace(/^OktaDirectMfaStrategy: (\w+)/, (_, name: string) => NAMES[name] ?? name)
    .replace('allowInsecureIssuer: true', '--allow-insecure-issuer');
  return message.endsWith('.') ? message : `${message}.`;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** Where the program's requests go. */
export type Target = Omit<Settings, 'dispatcher'> & { dispatcher: Dispatcher };
