// Proofs of a password that do not show it: HTTP Digest (RFC 7616, RFC 2617) and the UsernameToken of WS-Security.
import { createHash, randomBytes } from 'node:crypto';
import { escapeXml } from './xml.ts';

export interface Login {
  username: string;
  password: string;
}

export interface DigestChallenge {
  realm: string;
  nonce: string;
  opaque: string | undefined;
  algorithm: string | undefined;
  hash: 'sha256' | 'md5';
  /** The -sess form: the nonces are part of the secret. */
  session: boolean;
  qop: boolean;
  /** The old nonce ran out; the password was right. */
  stale: boolean;
}

const MAX_HEADERS = 8;
const MAX_HEADER_CHARS = 2048;
const PART = /([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([A-Za-z0-9_-]+)(?=\s|$)/g;

/** The strongest challenge that can be answered, from all WWW-Authenticate lines; Basic is never one. */
export function chooseChallenge(headers: readonly string[]): DigestChallenge | undefined {
  const found = headers.slice(0, MAX_HEADERS).flatMap(line => parseChallenges(line.slice(0, MAX_HEADER_CHARS)));
  return found.find(one => one.hash === 'sha256') ?? found[0];
}

function parseChallenges(line: string): DigestChallenge[] {
  const found: { scheme: string; values: Map<string, string> }[] = [];
  for (const [, name, quoted, bare, scheme] of line.matchAll(PART)) {
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), values: new Map() });
    else if (name) found.at(-1)?.values.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '');
  }
  return found.flatMap(({ scheme, values }) => {
    const challenge = scheme === 'digest' ? readChallenge(values) : undefined;
    return challenge ? [challenge] : [];
  });
}

function readChallenge(values: ReadonlyMap<string, string>): DigestChallenge | undefined {
  const algorithm = values.get('algorithm');
  const [, hash, session] = /^(md5|sha-256)(-sess)?$/i.exec(algorithm || 'MD5') ?? [];
  const qop = values.get('qop');
  const nonce = values.get('nonce');
  const canAuth = qop === undefined || qop.split(/[\s,]+/).some(one => one.toLowerCase() === 'auth');
  if (hash === undefined || nonce === undefined || !canAuth) return undefined;
  return {
    realm: values.get('realm') ?? '',
    nonce,
    opaque: values.get('opaque'),
    algorithm: algorithm || undefined,
    hash: hash.toLowerCase() === 'md5' ? 'md5' : 'sha256',
    session: session !== undefined,
    qop: qop !== undefined,
    stale: values.get('stale')?.toLowerCase() === 'true',
  };
}

export interface DigestRequest {
  method: string;
  /** As it stands in the request line. */
  uri: string;
  /** How often this nonce was used, from 1. */
  count: number;
  /** Random; tests give their own. */
  cnonce?: string;
}

/** The value of the Authorization header. */
export function digestAuthorization(challenge: DigestChallenge, login: Login, request: DigestRequest): string {
  const hash = (...parts: string[]) => createHash(challenge.hash).update(parts.join(':')).digest('hex');
  const { realm, nonce } = challenge;
  const { method, uri, cnonce = randomBytes(12).toString('hex') } = request;
  const plain = hash(login.username, realm, login.password);
  const secret = challenge.session ? hash(plain, nonce, cnonce) : plain;
  const count = request.count.toString(16).padStart(8, '0');
  const response = challenge.qop
    ? hash(secret, nonce, count, cnonce, 'auth', hash(method, uri))
    : hash(secret, nonce, hash(method, uri));
  const fields = [
    `username=${quote(login.username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    ...(challenge.algorithm === undefined ? [] : [`algorithm=${challenge.algorithm}`]),
    `response="${response}"`,
    ...(challenge.opaque === undefined ? [] : [`opaque=${quote(challenge.opaque)}`]),
    ...(challenge.qop ? ['qop=auth', `nc=${count}`] : []),
    ...(challenge.qop || challenge.session ? [`cnonce="${cnonce}"`] : []),
  ];
  return `Digest ${fields.join(', ')}`;
}

/** Bytes as headers carry them; no line ends can get in. */
function quote(text: string): string {
  const bytes = Buffer.from(text.replace(/[\r\n\0]/g, ''), 'utf8').toString('latin1');
  return `"${bytes.replace(/["\\]/g, '\\$&')}"`;
}

const SECURITY = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/** The Security header: a digest of nonce, time of the camera and password. `nonce`: 16 random bytes; tests give their own. */
export function usernameToken(login: Login, createdMs: number, nonce: Buffer = randomBytes(16)): string {
  // Whole seconds: some cameras cannot read parts of them.
  const created = new Date(createdMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const digest = createHash('sha1').update(nonce).update(created).update(login.password).digest('base64');
  return (
    `<wsse:Security s:mustUnderstand="1" xmlns:wsse="${SECURITY}-wssecurity-secext-1.0.xsd" xmlns:wsu="${SECURITY}-wssecurity-utility-1.0.xsd">` +
    `<wsse:UsernameToken><wsse:Username>${escapeXml(login.username)}</wsse:Username>` +
    `<wsse:Password Type="${SECURITY}-username-token-profile-1.0#PasswordDigest">${digest}</wsse:Password>` +
    `<wsse:Nonce EncodingType="${SECURITY}-soap-message-security-1.0#Base64Binary">${nonce.toString('base64')}</wsse:Nonce>` +
    `<wsu:Created>${created}</wsu:Created></wsse:UsernameToken></wsse:Security>`
  );
}
