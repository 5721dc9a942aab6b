// Takes secrets out of what is about to be logged, whatever the caller put in: by the name of a field and by the shape of a text.

const SECRET_KEY = /passw|secret|token|authorization|cookie|credential|^key$/i;
const HIDDEN = '***';
/** Longer texts are cut: a log line is for people. Also bounds the work of the expressions below. */
const MAX_TEXT_CHARS = 2000;
const MAX_DEPTH = 4;
const MAX_ENTRIES = 50;

/** `rtsp://user:password@host` -> `rtsp://***@host`; greedy to the last @, as passwords may hold / and @. */
const USERINFO = /([a-z][a-z0-9+.-]{0,15}:\/\/)[^\s"'<>]*@/gi;
/** Cameras that take the password as a parameter of the path: `?user=admin&password=x`, `_password=x_`. */
const PARAMETER = /((?:[?&;_/]|\b)(?:passw(?:or)?d|pwd|pass|token|auth|secret)=)[^&\s"'<>]*/gi;
const AUTHORIZATION = /\b(authorization:\s*(?:\w+\s+)?|bearer\s+)[^\r\n]{6,}/gi;
/** Sessions and API tokens wherever they stand, also such as were cut, and hashes of passwords. */
const BEARER = /\btm[st]_[\w-]{12,}|\$scrypt\$[^\s"']{20,200}/g;

/** The text without passwords that stand in URLs and headers, and without what proves who somebody is. */
export function redactText(text: string): string {
  const cut = text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}…` : text;
  return cut
    .replace(USERINFO, `$1${HIDDEN}@`)
    .replace(PARAMETER, `$1${HIDDEN}`)
    .replace(AUTHORIZATION, `$1${HIDDEN}`)
    .replace(BEARER, HIDDEN);
}

/** A copy that JSON can hold, bounded in depth and width, without the values of fields whose names say secret. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || value === undefined) return value;
  if (value instanceof Error) return redactError(value, depth);
  if (typeof value !== 'object') return String(value).slice(0, 100);
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map(entry => redactValue(entry, depth + 1));
  const copy: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value).slice(0, MAX_ENTRIES))
    copy[key] = redactField(key, entry, depth + 1);
  return copy;
}

/** The value of a named field. Whether a secret is set may be known (`hasPassword: true`), what it is may not. */
export function redactField(key: string, value: unknown, depth = 0): unknown {
  if (SECRET_KEY.test(key) && typeof value !== 'boolean' && value !== undefined && value !== null) return HIDDEN;
  return redactValue(value, depth);
}

/** `explained`: it is the cause of a failure that was expected. */
function redactError(error: Error & { kind?: string; code?: string }, depth: number, explained = false): unknown {
  const expected = explained || (error.kind !== undefined && error.kind !== 'internal');
  const copy: Record<string, unknown> = { message: redactText(error.message) };
  if (error.kind !== undefined) copy.kind = error.kind;
  if (typeof error.code === 'string') copy.code = error.code;
  // A stack tells something only where the code is wrong.
  if (!expected && error.stack) copy.stack = redactText(error.stack);
  if (error.cause !== undefined && depth < MAX_DEPTH) {
    const { cause } = error;
    copy.cause = cause instanceof Error ? redactError(cause, depth + 1, expected) : redactValue(cause, depth + 1);
  }
  return copy;
}
