// Turns failures into replies: the one table from error kinds to HTTP statuses.
import { type ErrorKind, NvrError } from '../core/index.ts';
import type { ErrorBody } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import type { HttpReply } from './server.ts';

const STATUS: Record<ErrorKind, number> = {
  'invalid-argument': 400,
  unauthenticated: 401,
  'permission-denied': 403,
  'not-found': 404,
  'failed-precondition': 409,
  // Storage; what comes back by itself says when, and is TOO_MANY.
  'resource-exhausted': 507,
  unavailable: 503,
  'data-loss': 500,
  internal: 500,
};

const TOO_MANY = 429;

/** Seconds after which a client may ask again. */
const RETRY_AFTER: Partial<Record<ErrorKind, string>> = { unavailable: '1' };

/** Nothing of an unexpected error reaches the client; `onInternal` gets it for the log. */
export function errorReply(error: unknown, onInternal: (error: unknown) => void): HttpReply {
  const known = error instanceof NvrError && error.kind !== 'internal' ? error : undefined;
  if (!known) onInternal(error);
  const kind = known?.kind ?? 'internal';
  const body: ErrorBody = { error: { kind, message: known?.message ?? 'something went wrong in the service' } };
  if (known?.field !== undefined) body.error.field = known.field;
  if (known?.cure !== undefined) body.error.cure = known.cure;
  if (!known) body.error.cure = 'The log tells more.';
  const retryAfter = known?.retryAfterS?.toString() ?? RETRY_AFTER[kind];
  const status = kind === 'resource-exhausted' && retryAfter !== undefined ? TOO_MANY : STATUS[kind];
  return jsonReply(status, body, retryAfter ? { 'Retry-After': retryAfter } : {});
}
