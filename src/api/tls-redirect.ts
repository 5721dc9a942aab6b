// Sends plain requests to the encrypted address.
import { jsonReply } from './json-reply.ts';
import type { HttpReply, HttpRequest } from './server.ts';

/** Undefined for what is encrypted, and for `health`, which tells nothing. `port`: of the encrypted address. The Host must have been checked. */
export function redirectToHttps(request: HttpRequest, port: number): HttpReply | undefined {
  if (request.secure || request.path === '/api/health') return undefined;
  const name = (request.header('host') ?? '').replace(/:\d+$/, '');
  const search = request.query === '' ? '' : `?${request.query}`;
  const error = { kind: 'failed-precondition', message: 'this address is only there to lead to the encrypted one' };
  // The method stays.
  return jsonReply(
    308,
    { error },
    { Location: `https://${name}${port === 443 ? '' : `:${port}`}${request.path}${search}` },
  );
}
