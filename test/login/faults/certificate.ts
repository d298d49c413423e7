import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** PEM, as `tls.createServer` takes it. */
export interface Certificate {
  key: string;
  cert: string;
}

/** DER (X.690): tag, length, value. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), value]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const explicit = (number: number, part: Buffer) => der(0xa0 + number, part);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const octets = (part: Buffer) => der(0x04, part);
const bits = (part: Buffer) => der(0x03, Buffer.from([0]), part);
const integer = (value: number) => der(0x02, Buffer.from([value]));
const TRUE = der(0x01, Buffer.from([0xff]));

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const SUBJECT_ALT_NAME = oid('551d11');
const BASIC_CONSTRAINTS = oid('551d13');

function utcTime(time: Date): Buffer {
  const digits = time.toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function subjectAltName(name: string): Buffer {
  const general = isIPv4(name)
    ? der(0x87, Buffer.from(name.split('.').map(Number)))
    : der(0x82, Buffer.from(name));
  return sequence(SUBJECT_ALT_NAME, octets(sequence(general)));
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * A new self-signed certificate (RFC 5280) for a host name or an IPv4 address. With itself as the
 * `ca`, it is valid.
 *
 * @param days from when to when it is valid, from today on
 */
export function selfSigned(name: string, days: [from: number, to: number] = [-1, 1]): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // A unique name, by which OpenSSL finds it among others that are trusted.
  const commonName = sequence(COMMON_NAME, der(0x0c, Buffer.from(randomUUID())));
  const subject = sequence(der(0x31, commonName));
  const [from, to] = days.map((day) => utcTime(new Date(Date.now() + day * DAY)));
  if (from === undefined || to === undefined) throw new TypeError('A certificate has two dates');
  const toBeSigned = sequence(
    explicit(0, integer(2)),
    integer(1),
    ECDSA_WITH_SHA256,
    subject,
    sequence(from, to),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(
      3,
      sequence(sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE))), subjectAltName(name)),
    ),
  );
  const signature = bits(sign('sha256', toBeSigned, privateKey));
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, signature);
  const base64 = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}
