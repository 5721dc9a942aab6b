// How a server is set up, whichever it is, and the words that all of them have for the same thing.
import type { Clock, Logger } from '../core/index.ts';
import { jsonReply } from './json-reply.ts';
import type { HttpReply, Limits } from './server.ts';

/** Both in PEM. */
export interface TlsIdentity {
  certificate: string;
  key: string;
}

export interface ServerOptions {
  /** Without brackets. */
  host: string;
  port: number;
  log: Logger;
  clock: Clock;
  /** Encrypted with this; otherwise plain. */
  tls?: TlsIdentity;
  /** Proxies whose word about their clients counts, by address. */
  proxies?: readonly string[];
  /** Where they differ from LIMITS. */
  limits?: Partial<Limits>;
}

export function tooManyWebSockets(): HttpReply {
  const error = { kind: 'unavailable', message: 'too many WebSockets are open', cure: 'Close some pages.' };
  return jsonReply(503, { error }, { 'Retry-After': '10' });
}
