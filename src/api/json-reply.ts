// Replies with a JSON body.
import type { HttpReply } from './server.ts';

/** A reply whose JSON is known to the compiler. */
export interface JsonReply<T> extends HttpReply {
  /** Never there: holds the type. */
  readonly json?: T;
}

export function jsonReply<T>(status: number, value: T, headers: Record<string, string> = {}): JsonReply<T> {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}
