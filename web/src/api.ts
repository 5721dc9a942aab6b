// Asking the board: one function for every route, typed by the contract. Hides lanes, time limits, and logging in again.
import type { ErrorBody, RouteAnswer, RouteBody, RouteName, RouteParams, RouteQuery } from '../../src/api/contract.ts';
import { takeEarly } from './early.ts';
import { Lane } from './lane.ts';
import { signInAgain } from './sign-in.ts';
import { me } from './state.ts';

/**
 * Plain HTTP has six connections to a host in all. So none of the three can starve another: `player` for footage, `pictures` for
 * stills (newest first), `api` for the rest; two each.
 */
export type LaneName = 'player' | 'api' | 'pictures';

export const lanes: Readonly<Record<LaneName, Lane>> = {
  player: new Lane(2),
  api: new Lane(2),
  pictures: new Lane(2, 'newest'),
};

const TIME_LIMIT_MS = 10_000;

export type ApiError = ErrorBody['error'] | { kind: 'unreachable'; message: string; field?: string; cure?: string };

/** What was sent back. Nothing is thrown. `status` 0 = the board was not reached. */
export type Result<T> =
  | { is: 'ok'; value: T; headers: Headers }
  | { is: 'error'; error: ApiError; status: number; retryAfterMs?: number }
  | { is: 'aborted' };

type Part<Key extends string, T> = T extends undefined ? { [K in Key]?: undefined } : { [K in Key]: T };
type ParamPart<Name extends RouteName> = string extends keyof RouteParams<Name>
  ? { params?: undefined }
  : keyof RouteParams<Name> extends never
    ? { params?: undefined }
    : { params: RouteParams<Name> };
type QueryPart<Name extends RouteName> =
  RouteQuery<Name> extends undefined
    ? { query?: undefined }
    : object extends RouteQuery<Name>
      ? { query?: RouteQuery<Name> }
      : { query: RouteQuery<Name> };

/** Params, query and body of a route; those that it does not have may be left out. */
export type RouteInput<Name extends RouteName> = ParamPart<Name> & QueryPart<Name> & Part<'body', RouteBody<Name>>;

export interface CallOptions {
  signal?: AbortSignal;
  lane?: LaneName;
  /** Logging in is asked for by the caller itself: a 401 is an error like others. */
  quiet?: boolean;
  /** Further request headers. */
  headers?: Readonly<Record<string, string>>;
  /** Default 10 s. */
  timeLimitMs?: number;
}

/** One exchange of JSON. A session that has ended is renewed by the reader in between, then asked once more; writes are never repeated otherwise. */
export async function call<Name extends RouteName>(
  route: Name,
  input: RouteInput<Name>,
  options: CallOptions = {},
): Promise<Result<RouteAnswer<Name>>> {
  return exchange(route, input, options, async response => {
    const text = await response.text();
    return (text === '' ? undefined : JSON.parse(text)) as RouteAnswer<Name>;
  });
}

/** The same for bytes. */
export async function callBytes<Name extends RouteName>(
  route: Name,
  input: RouteInput<Name>,
  options: CallOptions = {},
): Promise<Result<ArrayBuffer>> {
  return exchange(route, input, options, response => response.arrayBuffer());
}

/** The same for a picture. */
export async function callBlob<Name extends RouteName>(
  route: Name,
  input: RouteInput<Name>,
  options: CallOptions = {},
): Promise<Result<Blob>> {
  return exchange(route, input, options, response => response.blob());
}

/** Address of a route below the page's own, for links, pictures and WebSockets. */
export function address<Name extends RouteName>(route: Name, input: RouteInput<Name>): string {
  const { params = {}, query = {} } = input as { params?: Record<string, unknown>; query?: Record<string, unknown> };
  const path = route
    .slice(route.indexOf(' ') + 2)
    .replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(params[name])));
  const text = queryText(query);
  return text === '' ? path : `${path}?${text}`;
}

/** Lists are repeated parameters, null is `none`. */
function queryText(query: Readonly<Record<string, unknown>>): string {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    for (const item of [value].flat()) if (item !== undefined) given.append(key, item === null ? 'none' : String(item));
  return given.toString();
}

/** The contract's addresses that begin with `/api/`, below a path prefix too. */
export function below(path: string): string {
  return path.replace(/^\//, '');
}

/** `api/updates` -> `wss://host/prefix/api/updates` */
export function socketAddress(path: string): string {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol.replace('http', 'ws');
  url.hash = '';
  return url.href;
}

async function exchange<T>(
  route: RouteName,
  input: object,
  options: CallOptions,
  read: (response: Response) => Promise<T>,
): Promise<Result<T>> {
  const first = await attempt(route, input, options, read);
  // Of somebody who has just logged out nothing is asked any more.
  if (options.quiet || !me.peek() || first.is !== 'error' || first.status !== 401) return first;
  if (!(await signInAgain())) return first;
  return attempt(route, input, options, read);
}

async function attempt<T>(
  route: RouteName,
  input: object,
  { signal, lane = 'api', headers = {}, timeLimitMs = TIME_LIMIT_MS }: CallOptions,
  read: (response: Response) => Promise<T>,
): Promise<Result<T>> {
  const leave = await lanes[lane].enter(signal);
  if (!leave) return { is: 'aborted' };
  const limit = new AbortController();
  const cut = () => limit.abort();
  const timer = window.setTimeout(cut, timeLimitMs);
  signal?.addEventListener('abort', cut);
  try {
    const { body } = input as { body?: unknown };
    const path = address(route, input as RouteInput<typeof route>);
    const method = route.slice(0, route.indexOf(' '));
    const early = method === 'GET' ? takeEarly(path, limit.signal) : undefined;
    const asked = {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: limit.signal,
      cache: 'no-store',
      // What is left is left, also when the page goes.
      keepalive: method === 'DELETE',
    } as const;
    const response = await (early ?? fetch(path, asked));
    if (response.ok) return { is: 'ok', value: await read(response), headers: response.headers };
    return await refusal(response);
  } catch {
    return signal?.aborted ? { is: 'aborted' } : unreachable();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cut);
    leave();
  }
}

function unreachable<T>(): Result<T> {
  return { is: 'error', status: 0, error: { kind: 'unreachable', message: 'The board does not answer.' } };
}

async function refusal<T>(response: Response): Promise<Result<T>> {
  const { status } = response;
  const seconds = Number(response.headers.get('Retry-After'));
  const retry = seconds > 0 ? { retryAfterMs: seconds * 1000 } : {};
  try {
    const { error } = (await response.json()) as ErrorBody;
    if (typeof error.message === 'string') return { is: 'error', error, status, ...retry };
  } catch {
    // A proxy in between speaks for itself.
  }
  return { is: 'error', status, error: { kind: 'internal', message: `The answer was ${status}.` }, ...retry };
}
