import type { OktaDirectMfaRequest } from '../request.js';
import { SECOND_FACTORS, type OktaDirectMfaSecondFactor } from '../transactions/transaction.js';
import { invalid, nonEmptyString, show } from './checks.js';

type Factors = readonly OktaDirectMfaSecondFactor[];

/** The factors that the app's pages offer for a request, in their order. */
export type FactorsOf = (req: OktaDirectMfaRequest) => Factors;

/** The option `factors`: a list, or a function of the request that gives one. */
export function readFactors(value: unknown, name: string): FactorsOf {
  if (typeof value === 'function') {
    return (req) => listOf((value as (req: OktaDirectMfaRequest) => unknown)(req), `${name}()`);
  }
  if (value === undefined) return passcodeOnly;
  const list = listOf(value, name);
  return () => list;
}

const passcodeOnly: FactorsOf = () => ['otp'];

function listOf(value: unknown, name: string): Factors {
  const isList =
    Array.isArray(value) &&
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every((item) => (SECOND_FACTORS as readonly unknown[]).includes(item));
  if (isList) return [...(value as Factors)];
  throw invalid(
    name,
    `must be a list of one or more of ${SECOND_FACTORS.join(', ')}, each once`,
    value,
  );
}

/** What a passkey's answer must say before Okta is asked. */
export interface WebAuthnSettings {
  rpID: string | undefined;
  origins: readonly string[] | undefined;
}

/** The option `webauthn`. */
export function readWebAuthn(value: unknown, name: string): WebAuthnSettings {
  if (value === undefined) return { rpID: undefined, origins: undefined };
  if (typeof value !== 'object' || value === null) {
    throw invalid(name, 'must be an object with rpID or origins', value);
  }
  const { rpID, origins, ...others } = value as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(name, `has no member ${unknown}, only rpID and origins`);
  return {
    rpID: rpID === undefined ? undefined : readRpID(rpID, `${name}.rpID`),
    origins: origins === undefined ? undefined : readOrigins(origins, `${name}.origins`),
  };
}

/** A domain: WebAuthn §5.4.2. */
function readRpID(value: unknown, name: string): string {
  const rpID = nonEmptyString(value, name);
  if (!URL.canParse(`https://${rpID}`) || new URL(`https://${rpID}`).host !== rpID) {
    throw invalid(name, 'must be a domain such as example.com, in lower case', value);
  }
  return rpID;
}

function readOrigins(value: unknown, name: string): readonly string[] {
  const isOrigin = (item: unknown): item is string =>
    typeof item === 'string' && URL.canParse(item) && new URL(item).origin === item;
  if (Array.isArray(value) && value.length > 0 && value.every(isOrigin)) return [...value];
  throw invalid(name, `must be a list of origins such as 'https://app.example.com'`, show(value));
}
