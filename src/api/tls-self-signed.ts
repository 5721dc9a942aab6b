// Makes a certificate of our own for this machine: EC P-256, signed by itself, for all names and addresses that it has now.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import type { TlsIdentity } from './server-options.ts';
import { bits, context, integer, octets, oid, sequence, set, TRUE, text, time } from './tls-der.ts';

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organisation: '2.5.4.10',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
};
const DAY_MS = 86_400_000;
const LIFE_MS = 3650 * DAY_MS;
/** No clock that shows less is right. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
const MAX_NAMES = 64;

/** The names under which browsers of this network may know the machine, and its addresses. */
export function ownNames(): string[] {
  const host = hostname().toLowerCase();
  const names = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host)
    ? [host, ...(host.endsWith('.local') ? [] : [`${host.split('.')[0]}.local`])]
    : [];
  const addresses = Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(one => one.address));
  // Link-local ones need a zone, which no certificate can hold.
  const lasting = addresses.filter(address => !/^fe[89ab]/i.test(address));
  return [...new Set([...names, 'localhost', ...lasting, '127.0.0.1', '::1'])].slice(0, MAX_NAMES);
}

/** Good from the day before until 10 years later. A clock that cannot be right counts as one at the beginning of 2026. */
export function makeSelfSigned(names: readonly string[], nowMs: number): TlsIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const startMs = Math.max(nowMs, EARLIEST_MS) - DAY_MS;
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const name = sequence(
    set(sequence(oid(OID.organisation), text('Thimble'))),
    set(sequence(oid(OID.commonName), text((names[0] ?? 'localhost').slice(0, 64)))),
  );
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  const toBeSigned = sequence(
    context(0, integer(Buffer.from([2])), true),
    integer(serial),
    algorithm,
    name,
    sequence(time(startMs), time(startMs + LIFE_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    context(3, extensions(names), true),
  );
  const certificate = sequence(toBeSigned, algorithm, bits(sign('sha256', toBeSigned, privateKey)));
  return {
    certificate: pem('CERTIFICATE', certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extensions(names: readonly string[]): Buffer {
  const extension = (id: string, value: Buffer, isCritical = false) =>
    sequence(oid(id), ...(isCritical ? [TRUE] : []), octets(value));
  return sequence(
    extension(OID.basicConstraints, sequence(), true),
    // digitalSignature: all that TLS asks of a key on a curve.
    extension(OID.keyUsage, bits(Buffer.from([0x80]), 7), true),
    extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuthentication))),
    extension(OID.alternativeNames, sequence(...names.map(alternativeName))),
  );
}

function alternativeName(name: string): Buffer {
  return isIP(name) === 0 ? context(2, Buffer.from(name, 'ascii')) : context(7, addressBytes(name));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const words = (part: string) => (part === '' ? [] : part.split(':')).flatMap(wordBytes);
  const [before, after] = [words(head), words(tail ?? '')];
  return Buffer.from([...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after]);
}

function wordBytes(word: string): number[] {
  if (word.includes('.')) return word.split('.').map(Number);
  const value = Number.parseInt(word, 16);
  return [value >> 8, value & 0xff];
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
