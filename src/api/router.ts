// The table of routes: what is not in it does not exist.
import * as v from 'valibot';
import type { AuditAction, Caller, Right } from '../accounts/index.ts';
import { type CameraId, NvrError } from '../core/index.ts';
import type { RouteAnswer, RouteBody, RouteName, RouteQuery } from './contract.ts';
import { nothing, parseBody, parseQuery } from './input.ts';
import { type JsonReply, jsonReply } from './json-reply.ts';
import { withoutLink } from './links.ts';
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
  summary: string;
  /** Beside the role. */
  right?: Right;
  /** Default: `free` for GET, `change` for the rest. */
  rate?: RateClass;
  /** For a question that costs more than others of its route. */
  rateOf?(query: v.InferOutput<Q>): RateClass | undefined;
  /** Without one, no parameter is accepted. */
  query?: Q;
  /** Without one, a body is not read. */
  body?: B;
  /** Of the body, where the usual limit is too small. */
  mostBytes?: number;
  /** What the audit log says of it when it was done. */
  audit?: AuditAction;
  /** Reading it needs no more than a signed link. */
  linkable?: boolean;
  /** The cameras that a request is about: those that the caller may not see do not exist for it. Absent: `handle` asks `seesCamera`. */
  cameras?: (input: { params: Record<string, string>; query: v.InferOutput<Q>; body: v.InferOutput<B> }) => CameraId[];
}

interface HandledSpec<N extends string, Q extends v.GenericSchema, B extends v.GenericSchema> extends RouteSpec<Q, B> {
  /** Type of a 2xx answer that is no JSON: `video/mp4`. */
  media?: string;
  handle(
    input: RouteInput<v.InferOutput<Q>, v.InferOutput<B>>,
  ): JsonReply<AnswerOf<N>> | Promise<JsonReply<AnswerOf<N>>>;
}

interface SocketSpec<Q extends v.GenericSchema> extends RouteSpec<Q, typeof noBody> {
  /** Rejects as `handle` does; then the upgrade is refused with that error. */
  open(input: RouteInput<v.InferOutput<Q>, undefined>): WebSocketHandler | Promise<WebSocketHandler>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** More than any path has. */
const MAX_PARTS = 16;

/** For a route without a body: none is read. */
const noBody = v.undefined();

type AnswerOf<N extends string> = N extends RouteName ? RouteAnswer<N> : unknown;

/** As it is sent, but with values as they are understood: the fields of the input, the types of the output. */
type Understood<In, Out> = { [K in keyof In]: K extends keyof Out ? In[K] | Out[K] : In[K] };
type SameKeys<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : false) : false;
type QueryFits<N extends RouteName, Q extends v.GenericSchema> =
  RouteQuery<N> extends undefined
    ? [keyof v.InferInput<Q>] extends [never]
      ? true
      : false
    : RouteQuery<N> extends Understood<v.InferInput<Q>, v.InferOutput<Q>>
      ? SameKeys<RouteQuery<N>, v.InferInput<Q>>
      : false;
type BodyFits<N extends RouteName, B extends v.GenericSchema> =
  RouteBody<N> extends undefined
    ? undefined extends v.InferInput<B>
      ? true
      : false
    : RouteBody<N> extends v.InferInput<B>
      ? SameKeys<RouteBody<N>, v.InferInput<B>>
      : false;

/** What the compiler says when the table and its contract differ: as a missing argument with that name. */
type Mismatch<N extends string, Q extends v.GenericSchema, B extends v.GenericSchema> = N extends RouteName
  ? QueryFits<N, Q> extends true
    ? BodyFits<N, B> extends true
      ? []
      : [`the body of ${N} differs from ApiRoutes in src/api/contract-routes.ts`]
    : [`the query of ${N} differs from ApiRoutes in src/api/contract-routes.ts`]
  : [`${N} is missing in ApiRoutes in src/api/contract-routes.ts`];

/** Files with routes leave their type to the compiler: it compares the names of all of them with the contract. */
export interface Route<Name extends string = string> {
  name: Name;
  method: Method;
  /** `/api/cameras/{id}`: what stands in braces takes one part of letters, digits, `-`, `.` and `_`. */
  path: string;
  identity: Identity;
  rate: RateClass;
  right: Right | undefined;
  linkable: boolean;
  audit: AuditAction | undefined;
  /** For the API reference. */
  facts: { summary: string; query: v.GenericSchema; body: v.GenericSchema | undefined; media: string };
  /** Resolves when the caller may have what it asks for. */
  check(request: HttpRequest, params: Record<string, string>, gate: Gate): Promise<unknown>;
  answer(request: HttpRequest, params: Record<string, string>, gate: Gate): Promise<HttpReply>;
  /** For WebSockets; their `answer` says that an upgrade is needed. */
  open?(request: HttpRequest, params: Record<string, string>, gate: Gate): Promise<WebSocketHandler>;
}

/** What a route asks of the gate once it knows which cameras a request is about. */
export interface Gate {
  caller: Caller;
  /** To be called before the body is read: of strangers it is read only as often as they may ask. Throws when they ask too often. */
  knock(): void;
  /** Throws when the caller may not see one of them, has not the right, or asks too often; `rate`: if another than the route's. */
  admit(cameras: readonly CameraId[], rate?: RateClass): void;
}

/** A row of the table: checks the input, then calls `handle`. The last argument is never given: see `Mismatch`. */
export function route<
  const M extends Method,
  const P extends string,
  Q extends v.GenericSchema = typeof nothing,
  B extends v.GenericSchema = typeof noBody,
>(
  method: M,
  path: P,
  spec: HandledSpec<`${M} ${P}`, Q, B>,
  ..._mismatch: Mismatch<`${M} ${P}`, Q, B>
): Route<`${M} ${P}`> {
  const check = async (request: HttpRequest, params: Record<string, string>, gate: Gate) => {
    const text = spec.linkable ? withoutLink(request.query) : request.query;
    const query = parseQuery(spec.query ?? nothing, text) as v.InferOutput<Q>;
    gate.knock();
    const body = (spec.body ? await parseBody(spec.body, request, spec.mostBytes) : undefined) as v.InferOutput<B>;
    gate.admit(spec.cameras?.({ params, query, body }) ?? [], spec.rateOf?.(query));
    return { params, query, body, request, caller: gate.caller };
  };
  return {
    ...row(method, path, spec, spec.media ?? 'application/json'),
    check,
    answer: async (request, params, gate) => spec.handle(await check(request, params, gate)),
  };
}

/** A row of the table for a WebSocket: `open` is called once the caller may have it. */
export function socket<const P extends string, Q extends v.GenericSchema = typeof nothing>(
  path: P,
  spec: SocketSpec<Q>,
  ..._mismatch: Mismatch<`GET ${P}`, Q, typeof noBody>
): Route<`GET ${P}`> {
  const check = async (request: HttpRequest, params: Record<string, string>, gate: Gate) => {
    const query = parseQuery(spec.query ?? nothing, request.query) as v.InferOutput<Q>;
    gate.admit(spec.cameras?.({ params, query, body: undefined }) ?? []);
    return { params, query, body: undefined, request, caller: gate.caller };
  };
  return {
    ...row('GET', path, spec, 'application/json'),
    check,
    async answer(request, params, gate) {
      await check(request, params, gate);
      const error = { kind: 'invalid-argument', message: 'this address is for WebSockets' };
      return jsonReply(426, { error }, { Upgrade: 'websocket' });
    },
    open: async (request, params, gate) => spec.open(await check(request, params, gate)),
  };
}

function row<const M extends Method, const P extends string, Q extends v.GenericSchema, B extends v.GenericSchema>(
  method: M,
  path: P,
  spec: RouteSpec<Q, B>,
  media: string,
): Omit<Route<`${M} ${P}`>, 'check' | 'answer' | 'open'> {
  return {
    name: `${method} ${path}`,
    method,
    path,
    identity: spec.identity,
    rate: spec.rate ?? (method === 'GET' ? 'free' : 'change'),
    right: spec.right,
    linkable: spec.linkable === true,
    audit: spec.audit,
    facts: { summary: spec.summary, query: spec.query ?? nothing, body: spec.body, media },
  };
}

export interface Found {
  route: Route;
  params: Record<string, string>;
}

export class Router {
  readonly routes: readonly Route[];
  readonly #routes: readonly { route: Route; parts: string[] }[];

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    this.#routes = routes.map(entry => ({ route: entry, parts: entry.path.split('/') }));
  }

  /** Throws `not-found` for an unknown path; gives the reply 405 for a known path by another method. */
  find(method: string, path: string): Found | HttpReply {
    const allowed = new Set<string>();
    const parts = path.split('/', MAX_PARTS);
    for (const { route: entry, parts: pattern } of this.#routes) {
      const params = match(pattern, parts);
      if (!params) continue;
      if (entry.method === method) return { route: entry, params };
      allowed.add(entry.method);
      if (entry.method === 'GET') allowed.add('HEAD');
    }
    if (allowed.size === 0) throw new NvrError('not-found', 'there is nothing under this path');
    const allow = [...allowed].join(', ');
    const error = { kind: 'invalid-argument', message: 'this path does not know that method', cure: `Use ${allow}.` };
    return jsonReply(405, { error }, { Allow: allow });
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
