// The table of routes: what is not in it does not exist.
import type * as v from 'valibot';
import type { Caller, Right } from '../accounts/index.ts';
import { type CameraId, NvrError } from '../core/index.ts';
import { nothing, parseBody, parseQuery } from './input.ts';
import { jsonReply } from './json-reply.ts';
import type { HttpReply, HttpRequest, WebSocketHandler } from './server.ts';

/** The least that a caller has to be. `public`: nobody is asked who they are. */
export type Identity = 'public' | 'viewer' | 'operator' | 'admin';

/**
 * How much of its kind one caller may ask for. `free`: what a page asks for all the time; `media`: bytes of footage and pictures;
 * `change`: what writes; `heavy`: what costs the board seconds; `login`: what guesses passwords.
 */
export type RateClass = 'free' | 'media' | 'change' | 'heavy' | 'login';

export interface RouteInput<Q, B> {
  params: Record<string, string>;
  query: Q;
  body: B;
  request: HttpRequest;
  /** `NOBODY` on public routes. */
  caller: Caller;
}

interface RouteSpec<Q extends v.GenericSchema, B extends v.GenericSchema> {
  identity: Identity;
  /** One sentence for the API reference. */
  summary?: string;
  /** Beside the role. */
  right?: Right;
  rate?: RateClass;
  /** Without one, no parameter is accepted. */
  query?: Q;
  /** Without one, a body is not read. */
  body?: B;
  /** Of the 2xx answer's JSON; for the API reference. */
  answer?: v.GenericSchema;
  /** The cameras that a request is about: those that the caller may not see do not exist for it. Absent: `handle` asks `seesCamera`. */
  cameras?: (input: { params: Record<string, string>; query: v.InferOutput<Q>; body: v.InferOutput<B> }) => CameraId[];
}

interface HandledSpec<Q extends v.GenericSchema, B extends v.GenericSchema> extends RouteSpec<Q, B> {
  handle(input: RouteInput<v.InferOutput<Q>, v.InferOutput<B>>): HttpReply | Promise<HttpReply>;
}

interface SocketSpec<Q extends v.GenericSchema> extends RouteSpec<Q, v.GenericSchema> {
  /** Rejects as `handle` does; then the upgrade is refused with that error. */
  open(input: RouteInput<v.InferOutput<Q>, undefined>): WebSocketHandler | Promise<WebSocketHandler>;
}

export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `/api/cameras/{id}`: what stands in braces takes one part of letters, digits, `-`, `.` and `_`. */
  path: string;
  identity: Identity;
  answer(request: HttpRequest, params: Record<string, string>, caller: Caller): Promise<HttpReply>;
  /** For WebSockets; their `answer` says that an upgrade is needed. */
  open?(request: HttpRequest, params: Record<string, string>, caller: Caller): Promise<WebSocketHandler>;
}

/** A row of the table: checks the input, then calls `handle`. */
export function route<Q extends v.GenericSchema = typeof nothing, B extends v.GenericSchema = v.GenericSchema>(
  method: Route['method'],
  path: string,
  spec: HandledSpec<Q, B>,
): Route {
  return {
    method,
    path,
    identity: spec.identity,
    async answer(request, params, caller) {
      const query = parseQuery(spec.query ?? nothing, request.query) as v.InferOutput<Q>;
      const body = (spec.body ? await parseBody(spec.body, request) : undefined) as v.InferOutput<B>;
      return spec.handle({ params, query, body, request, caller });
    },
  };
}

/** A row of the table for a WebSocket: `open` is called once the caller may have it. */
export function socket<Q extends v.GenericSchema = typeof nothing>(path: string, spec: SocketSpec<Q>): Route {
  return {
    method: 'GET',
    path,
    identity: spec.identity,
    async answer() {
      const error = { kind: 'invalid-argument', message: 'this address is for WebSockets' };
      return jsonReply(426, { error }, { Upgrade: 'websocket' });
    },
    async open(request, params, caller) {
      const query = parseQuery(spec.query ?? nothing, request.query) as v.InferOutput<Q>;
      return spec.open({ params, query, body: undefined, request, caller });
    },
  };
}

export class Router {
  readonly #routes: readonly { route: Route; parts: string[] }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map(entry => ({ route: entry, parts: entry.path.split('/') }));
  }

  /** Answers with 405 for a known path by another method; throws `not-found` for an unknown path. */
  dispatch(request: HttpRequest, caller: Caller): Promise<HttpReply> {
    const allowed = new Set<string>();
    const parts = request.path.split('/', 16);
    for (const { route: entry, parts: pattern } of this.#routes) {
      const params = match(pattern, parts);
      if (!params) continue;
      if (entry.method === request.method) return entry.answer(request, params, caller);
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
