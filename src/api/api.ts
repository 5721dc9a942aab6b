// The HTTP API: answers from the first moment of the start to the last of the stop, and serves all routes in between.
import { type Caller, NOBODY } from '../accounts/index.ts';
import type { Logger } from '../core/index.ts';
import { NvrError } from '../core/index.ts';
import { cameraRoutes } from './camera-routes.ts';
import type { Health } from './contract.ts';
import { errorReply } from './error-reply.ts';
import { eventRoutes } from './event-routes.ts';
import { ExportPlans } from './export-plans.ts';
import { exportRoutes } from './export-routes.ts';
import { Gatekeeper } from './gate.ts';
import { checkHost } from './guard.ts';
import { jsonReply } from './json-reply.ts';
import { logRoutes } from './log-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { OpenSockets } from './open-sockets.ts';
import { pictureRoutes } from './picture-routes.ts';
import { PlaybackIndex } from './playback-index.ts';
import { playbackRoutes } from './playback-routes.ts';
import { isRecordingEndangered } from './problems.ts';
import { type Found, type Gate, Router, route } from './router.ts';
import { segmentRoutes } from './segment-routes.ts';
import type { HttpHandler, HttpReply, HttpRequest, HttpServer, WebSocketHandler } from './server.ts';
import type { ApiServices } from './services.ts';
import { settingsRoutes } from './settings-routes.ts';
import { statusRoutes } from './status-routes.ts';
import { storageRoutes } from './storage-routes.ts';
import { timelineRoutes } from './timeline-routes.ts';

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

/** Who asks before the accounts are there. */
const ANYBODY: Caller = { ...NOBODY, role: 'admin', cameras: undefined };

const MAX_URL_CHARS = 4096;

/** Time for answers under way once the service stops. */
const STOP_GRACE_MS = 100;

export class Api {
  readonly #options: ApiOptions;
  readonly #answers = new Map<string, number>();
  #services: ApiServices | undefined;
  #gatekeeper: Gatekeeper | undefined;
  #sockets: OpenSockets | undefined;
  #exports: ExportPlans | undefined;
  #router: Router;
  #stopping = false;

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
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` };
  }

  /** From now on all routes are there. */
  open(services: ApiServices): void {
    this.#services = services;
    this.#gatekeeper = services.accounts && new Gatekeeper(services.accounts, () => undefined, services.clock);
    this.#sockets = new OpenSockets(services.clock);
    this.#exports = new ExportPlans(services.clock);
    const playback = new PlaybackIndex({ segmentsFolder: services.segments.folder, openIndex: () => undefined });
    this.#router = new Router([
      this.#health(),
      ...statusRoutes(services),
      ...metricsRoutes(services, this.#answers),
      ...logRoutes(services),
      ...cameraRoutes(services),
      ...segmentRoutes(services),
      ...pictureRoutes(services),
      ...timelineRoutes(services),
      ...playbackRoutes(services, playback),
      ...exportRoutes(services, this.#exports),
      ...eventRoutes(services, this.#exports),
      ...storageRoutes(services),
      ...settingsRoutes(services),
    ]);
  }

  /** The service begins to stop: only `health` is answered. */
  close(): void {
    this.#stopping = true;
  }

  async stop(): Promise<void> {
    this.close();
    this.#sockets?.stop();
    await this.#options.server.stop(STOP_GRACE_MS);
    this.#exports?.stop();
  }

  #health() {
    return route('GET', '/api/health', {
      identity: 'public',
      handle: () => {
        const status = this.#status();
        return jsonReply(status === 'ok' || status === 'degraded' ? 200 : 503, { status } satisfies Health);
      },
    });
  }

  #status(): Health['status'] {
    if (this.#stopping) return 'stopping';
    if (!this.#services) return 'starting';
    return isRecordingEndangered(this.#services) ? 'degraded' : 'ok';
  }

  async #answer(request: HttpRequest): Promise<HttpReply> {
    let reply: HttpReply;
    try {
      this.#checkAddress(request);
      if (!isApi(request.path) && this.#options.files) reply = await this.#options.files(request);
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
    return route.answer(request, params, this.#pass(request, found, false));
  }

  /** WebSockets go through the same gate. */
  async #upgrade(request: HttpRequest): Promise<WebSocketHandler | HttpReply> {
    try {
      this.#checkAddress(request);
      const found = this.#find(request);
      if ('status' in found) return this.#finish(found);
      const { route, params } = found;
      if (!route.open) throw new NvrError('invalid-argument', 'this address is not for WebSockets');
      const gate = this.#pass(request, found, true);
      const handler = await route.open(request, params, gate);
      return this.#sockets?.watch(handler, () => this.#isStillGood(request, gate.caller)) ?? handler;
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

  #find({ method, path }: HttpRequest): Found | HttpReply {
    if (path !== '/api/health') this.#checkPhase();
    this.#gatekeeper?.checkSetUp(path);
    return this.#router.find(method, path);
  }

  #pass(request: HttpRequest, { route }: Found, isUpgrade: boolean): Gate {
    return this.#gatekeeper?.pass(request, route, isUpgrade) ?? { caller: ANYBODY, admit: () => {} };
  }

  #isStillGood(request: HttpRequest, caller: Caller): boolean {
    return this.#gatekeeper?.isStillGood(request, caller) ?? true;
  }

  #refuse(request: HttpRequest, error: unknown): HttpReply {
    return errorReply(error, cause =>
      this.#options.log.error('a request failed', { method: request.method, path: request.path, error: cause }),
    );
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

function isApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}
