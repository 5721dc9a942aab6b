// The secrets that sessions and tokens are proved with: random, known by their prefix to the log's writer, stored as hashes only.
import { createHash, randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;
const PREFIX = { session: 'tms_', token: 'tmt_' } as const;
const SHAPE = /^tm[st]_[A-Za-z0-9_-]{43}$/;
const CREDENTIAL_CHARS = 16;

export type SecretKind = keyof typeof PREFIX;

export function newSecret(kind: SecretKind): string {
  return `${PREFIX[kind]}${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

export function isSecret(kind: SecretKind, text: string): boolean {
  return SHAPE.test(text) && text.startsWith(PREFIX[kind]);
}

/** Key of the row: SHA-256 in base64url. 256 random bits need neither salt nor slowness. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** The public id: tells one from another, and nothing of the secret. */
export function credentialOf(hash: string): string {
  return hash.slice(0, CREDENTIAL_CHARS);
}

const COOKIE = /(?:^|;)\s*thimble_session=([^;\s]{1,64})/g;
/** Other services of the same host may have set cookies of this name. */
const MAX_COOKIES = 4;

/** Sessions that a Cookie header names. */
export function sessionsIn(cookie: string): string[] {
  const found: string[] = [];
  for (const match of cookie.matchAll(COOKIE)) {
    if (isSecret('session', match[1] ?? '')) found.push(match[1] as string);
    if (found.length >= MAX_COOKIES) break;
  }
  return found;
}

/** The token of an Authorization header: `Bearer TOKEN`, or Basic with the token as password. Undefined for what is none of ours. */
export function tokenIn(authorization: string): string | undefined {
  const match = /^(bearer|basic)\s+(\S{1,400})\s*$/i.exec(authorization);
  if (!match) return undefined;
  const [, scheme = '', value = ''] = match;
  const isBasic = scheme.toLowerCase() === 'basic';
  const text = isBasic ? Buffer.from(value, 'base64').toString('utf8') : value;
  const secret = isBasic ? text.slice(text.indexOf(':') + 1) : text;
  return isSecret('token', secret) ? secret : undefined;
}
