// The one error class of the service and its closed set of kinds.

export type ErrorKind =
  | 'invalid-argument'
  | 'unauthenticated'
  | 'permission-denied'
  | 'not-found'
  | 'failed-precondition'
  | 'resource-exhausted'
  | 'unavailable'
  | 'data-loss'
  | 'internal';

export interface ErrorDetails {
  /** The input field that is wrong, as a path: `main.url`. */
  field?: string;
  /** What the reader can do about it, one sentence. */
  cure?: string;
  /** For `resource-exhausted`: it is a rate or a number of things at once, and this many seconds are worth waiting. */
  retryAfterS?: number;
  cause?: unknown;
}

/** An expected failure. The kind decides what callers do; the message is for people and holds no secrets. */
export class NvrError extends Error {
  readonly kind: ErrorKind;
  readonly field?: string;
  readonly cure?: string;
  readonly retryAfterS?: number;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'NvrError';
    this.kind = kind;
    if (details.field !== undefined) this.field = details.field;
    if (details.cure !== undefined) this.cure = details.cure;
    if (details.retryAfterS !== undefined) this.retryAfterS = details.retryAfterS;
  }
}

const ERRNO_KINDS: Record<string, ErrorKind> = {
  ENOENT: 'not-found',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  EROFS: 'unavailable',
  ENOSPC: 'resource-exhausted',
  EDQUOT: 'resource-exhausted',
  EMFILE: 'resource-exhausted',
  ENFILE: 'resource-exhausted',
  ENOMEM: 'resource-exhausted',
  EIO: 'data-loss',
  EADDRINUSE: 'failed-precondition',
  ENOTDIR: 'failed-precondition',
  EEXIST: 'failed-precondition',
};

/** Maps a failure of the operating system (Node's errno errors) to a kind; anything else is a bug: `internal`. */
export function fromSystem(error: unknown, what: string): NvrError {
  if (error instanceof NvrError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const kind = (code !== undefined && ERRNO_KINDS[code]) || 'internal';
  return new NvrError(kind, `${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
