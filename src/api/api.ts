// The HTTP API: answers from the first moment of the start to the last of the stop, and serves all routes in between.
import { type Caller, NOBODY } from '../accounts/index.ts';
import type { Logger } from '../core/index.ts';
import { NvrError } from '../core/index.ts';
import { AuditTrail } from './audit-trail.ts';
import { BodiesUnderWay } from './bodies-under-way.ts';
import type { Health } from './contract.ts';
import { DownloadsUnderWay } from './downloads-under-way.ts';
import { errorReply } from './error-reply.ts';
import { ExportPlans } from './export-plans.ts';
import { Gatekeeper } from './gate.ts';
import { checkHost } from './guard.ts';
import { jsonReply } from './json-reply.ts';
import { SignedLinks } from './links.ts';
import { LiveFeeds } from './live-feeds.ts';
import { OpenSockets } from './open-sockets.ts';
import { PlaybackIndex } from './playback-index.ts';
import { isRecordingEndangered } from './problems.ts';
import { type Found, type Gate, type Route, Router, route } from './router.ts';
import type { HttpHandler, HttpReply, HttpRequest, HttpServer, WebSocketHandler } from './server.ts';
import type { ApiServices } from './services.ts';
import { table } from './table.ts';
import { redirectToHttps } from './tls-redirect.ts';
import { watchedSource } from './watched-source.ts';

export interface ApiOptions {
  server: HttpServer;
  log: Logger;
  /** Answers everything outside /api, from the first moment on. Must not reject. */
  files?: HttpHandler;
}

/** Sent with every answer. What is shown to one person is no business of caches or of other pages. */
const HEADERS: Record<string, string> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'self'; media-src 'self' blob:; frame-ancestors 'self'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'same-origin',
};

const MAX_URL_CHARS = 4096;

/** Anybody may ask for the health as often as they like; all cameras are looked at so often at most. */
const HEALTH_AGE_MS = 200;

/** Time for answers under way once the service stops. */
const STOP_GRACE_MS = 100;

export class Api {
  readonly #options: ApiOptions;
  readonly #answers = new Map<string, number>();
  #services: ApiServices | undefined;
  #trail: AuditTrail | undefined;
  #gatekeeper: Gatekeeper | undefined;
  #sockets: OpenSockets | undefined;
  #exports: ExportPlans | undefined;
  #router: Router;
  #stopping = false;
  readonly #bodies = new BodiesUnderWay();
  readonly #downloads = new DownloadsUnderWay();
  readonly #further: HttpServer[] = [];
  #httpsPort: number | undefined;
  #danger: { atMs: number; is: boolean } | undefined;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#router = new Router([this.#health()]);
  }

  /** Listens; until `open` only `health` and files are answered. Rejects with `failed-precondition` when the port is in use. */
  async start(): Promise<{ url: string }> {
    const { host, port } = await this.#options.server.start(
      request => this.#answer(request),
      request => this.#upgrade(request),
    );
    return { url: `http://${hostInUrl(host)}:${port}` };
  }

  /** Listens at an encrypted address, too, and sends plain requests there when `redirect` is set. Rejects as `start` does. */
  async startSecure(server: HttpServer, redirect: boolean): Promise<{ url: string }> {
    this.#further.push(server);
    const { host, port } = await server.start(
      request => this.#answer(request),
      request => this.#upgrade(request),
    );
    if (redirect) this.#httpsPort = port;
    return { url: `https://${hostInUrl(host)}:${port}` };
  }

  /** From now on all routes are there. */
  open(services: ApiServices): void {
    const { clock, accounts } = services;
    const callerBy = (user: number, credential: string) => accounts.callerBy(user, credential);
    const links = new SignedLinks({ key: services.linkKey, clock, callerBy });
    const trail = new AuditTrail(accounts.audit);
    const gatekeeper = new Gatekeeper(accounts, request => links.read(request), trail, clock);
    const exports = new ExportPlans(clock);
    const playback = new PlaybackIndex({
      segmentsFolder: services.segments.folder,
      openIndex: segment => services.engine.openIndex(segment),
    });
    const parts = {
      ...{ answers: this.#answers, exports, playback, links, live: new LiveFeeds(services.live.feeds) },
      routes: () => this.#router.routes,
      linkTable: {
        find: (method: string, path: string) => this.#router.find(method, path),
        gateOf: (caller: Caller, route: Route, request: HttpRequest) => gatekeeper.gateOf(caller, route, request),
      },
    };
    this.#router = new Router([this.#health(), ...table(services, parts)]);
    const sockets = new OpenSockets(clock);
    accounts.onRevoked(() => sockets.lookSoon());
    this.#sockets = sockets;
    this.#trail = trail;
    this.#gatekeeper = gatekeeper;
    this.#exports = exports;
    this.#services = services;
  }

  /** The service begins to stop: only `health` is answered. */
  close(): void {
    this.#stopping = true;
  }

  async stop(): Promise<void> {
    this.close();
    this.#sockets?.stop();
    await Promise.all([this.#options.server, ...this.#further].map(server => server.stop(STOP_GRACE_MS)));
    this.#exports?.stop();
  }

  #health() {
    return route('GET', '/api/health', {
      identity: 'public',
      summary: 'Whether the service records as it should, and nothing more.',
      handle: () => {
        const status = this.#status();
        return jsonReply(status === 'ok' || status === 'degraded' ? 200 : 503, { status } satisfies Health);
      },
    });
  }

  #status(): Health['status'] {
    if (this.#stopping) return 'stopping';
    if (!this.#services) return 'starting';
    const nowMs = this.#services.clock.monotonicMs();
    if (!this.#danger || nowMs - this.#danger.atMs >= HEALTH_AGE_MS)
      this.#danger = { atMs: nowMs, is: isRecordingEndangered(this.#services) };
    return this.#danger.is ? 'degraded' : 'ok';
  }

  async #answer(request: HttpRequest): Promise<HttpReply> {
    let reply: HttpReply;
    try {
      this.#checkAddress(request);
      const elsewhere = this.#elsewhere(request);
      if (elsewhere) reply = elsewhere;
      else if (!isApi(request.path) && this.#options.files) reply = await this.#options.files(request);
      else reply = await this.#called(request);
    } catch (error) {
      reply = this.#refuse(request, error);
    }
    return this.#finish(reply);
  }

  async #called(request: HttpRequest): Promise<HttpReply> {
    const found = this.#find(request);
    if ('status' in found) return found;
    const { route, params } = found;
    const gate = this.#pass(request, found, false);
    const reply = await route.answer(this.#bodies.counted(request), params, gate);
    const { body } = reply;
    const source = body && !Buffer.isBuffer(body) ? await this.#downloads.counted(gate.caller.user, body) : undefined;
    this.#trail?.done(request, route, gate.caller, reply);
    if (!source) return reply;
    if (!this.#services) return { ...reply, body: source };
    const isStillGood = () => this.#isStillGood(request, route, gate.caller);
    return { ...reply, body: watchedSource(source, isStillGood, this.#services.clock) };
  }

  /** WebSockets go through the same gate. */
  async #upgrade(request: HttpRequest): Promise<WebSocketHandler | HttpReply> {
    try {
      this.#checkAddress(request);
      const elsewhere = this.#elsewhere(request);
      if (elsewhere) return this.#finish(elsewhere);
      const found = this.#find(request);
      if ('status' in found) return this.#finish(found);
      const { route, params } = found;
      if (!route.open) throw new NvrError('invalid-argument', 'this address is not for WebSockets');
      const gate = this.#pass(request, found, true);
      const handler = await route.open(request, params, gate);
      return this.#sockets?.watch(handler, () => this.#isStillGood(request, route, gate.caller)) ?? handler;
    } catch (error) {
      return this.#finish(this.#refuse(request, error));
    }
  }

  #checkAddress(request: HttpRequest): void {
    if (!request.path.startsWith('/') || request.path.length + request.query.length > MAX_URL_CHARS) {
      throw new NvrError('invalid-argument', 'the address of the request is not usable');
    }
    checkHost(request, this.#services?.hosts.names() ?? []);
  }

  #elsewhere(request: HttpRequest): HttpReply | undefined {
    return this.#httpsPort === undefined ? undefined : redirectToHttps(request, this.#httpsPort);
  }

  #find({ method, path }: HttpRequest): Found | HttpReply {
    if (path !== '/api/health') this.#checkPhase();
    this.#gatekeeper?.checkSetUp(path);
    return this.#router.find(method, path);
  }

  #pass(request: HttpRequest, { route }: Found, isUpgrade: boolean): Gate {
    // Before the services are there only `health` is found.
    return this.#gatekeeper?.pass(request, route, isUpgrade) ?? { caller: NOBODY, knock: () => {}, admit: () => {} };
  }

  #isStillGood(request: HttpRequest, route: Route, caller: Caller): boolean {
    return this.#gatekeeper?.isStillGood(request, route, caller) === true;
  }

  #refuse(request: HttpRequest, error: unknown): HttpReply {
    const reply = errorReply(error, cause =>
      this.#options.log.error('a request failed', { method: request.method, path: request.path, error: cause }),
    );
    if (reply.status !== 401 || request.path === '/api/login' || isBrowser(request)) return reply;
    // Simple clients send a password only when they are asked for one; browsers would open a window of their own.
    return { ...reply, headers: { ...reply.headers, 'WWW-Authenticate': 'Basic realm="Thimble", charset="UTF-8"' } };
  }

  #finish(reply: HttpReply): HttpReply {
    const statusClass = `${Math.floor(reply.status / 100)}xx`;
    this.#answers.set(statusClass, (this.#answers.get(statusClass) ?? 0) + 1);
    return { ...reply, headers: { ...HEADERS, ...reply.headers } };
  }

  #checkPhase(): void {
    if (this.#stopping) throw new NvrError('unavailable', 'the service is stopping');
    if (!this.#services)
      throw new NvrError('unavailable', 'the service is starting', { cure: 'Try again in a moment.' });
  }
}

function isBrowser(request: HttpRequest): boolean {
  return /^Mozilla\//.test(request.header('user-agent') ?? '');
}

function isApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

/** One under which this machine itself gets there. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
