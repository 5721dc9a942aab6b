// The table of routes: what is not in it does not exist.
import type * as v from 'valibot';
import { NvrError } from '../core/index.ts';
import { nothing, parseBody, parseQuery } from './input.ts';
import { jsonReply } from './json-reply.ts';
import type { HttpReply, HttpRequest } from './server.ts';

/** Who may use a route. Without accounts, and on this machine only, everybody may. */
export type Identity = 'public';

export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `/api/cameras/{id}`: what stands in braces takes one part of letters, digits, `-`, `.` and `_`. */
  path: string;
  identity: Identity;
  answer(request: HttpRequest, params: Record<string, string>): Promise<HttpReply>;
}

interface RouteSpec<Q extends v.GenericSchema, B extends v.GenericSchema> {
  identity: Identity;
  /** Without one, no parameter is accepted. */
  query?: Q;
  /** Without one, a body is not read. */
  body?: B;
  handle(input: {
    params: Record<string, string>;
    query: v.InferOutput<Q>;
    body: v.InferOutput<B>;
    request: HttpRequest;
  }): HttpReply | Promise<HttpReply>;
}

/** A row of the table: checks the input, then calls `handle`. */
export function route<Q extends v.GenericSchema = typeof nothing, B extends v.GenericSchema = v.GenericSchema>(
  method: Route['method'],
  path: string,
  spec: RouteSpec<Q, B>,
): Route {
  return {
    method,
    path,
    identity: spec.identity,
    async answer(request, params) {
      const query = parseQuery(spec.query ?? nothing, request.query) as v.InferOutput<Q>;
      const body = (spec.body ? await parseBody(spec.body, request) : undefined) as v.InferOutput<B>;
      return spec.handle({ params, query, body, request });
    },
  };
}

export class Router {
  readonly #routes: readonly { route: Route; parts: string[] }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map(entry => ({ route: entry, parts: entry.path.split('/') }));
  }

  /** Answers with 405 for a known path by another method; throws `not-found` for an unknown path. */
  dispatch(request: HttpRequest): Promise<HttpReply> {
    const allowed = new Set<string>();
    const parts = request.path.split('/', 16);
    for (const { route: entry, parts: pattern } of this.#routes) {
      const params = match(pattern, parts);
      if (!params) continue;
      if (entry.method === request.method) return entry.answer(request, params);
      allowed.add(entry.method);
      if (entry.method === 'GET') allowed.add('HEAD');
    }
    if (allowed.size === 0) throw new NvrError('not-found', 'there is nothing under this path');
    const allow = [...allowed].join(', ');
    const error = { kind: 'invalid-argument', message: 'this path does not know that method', cure: `Use ${allow}.` };
    return Promise.resolve(jsonReply(405, { error }, { Allow: allow }));
  }
}

/** Parts are compared as sent: an encoded or doubled slash, `..` and the like match nothing. */
function match(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] as string;
    if (expected.startsWith('{')) {
      if (!/^[\w.-]{1,64}$/.test(part)) return undefined;
      params[expected.slice(1, -1)] = part;
    } else if (part !== expected) return undefined;
  }
  return params;
}
