// The HTTP API: answers from the first moment of the start to the last of the stop, and serves all routes in between.
import { NOBODY } from '../accounts/index.ts';
import type { Logger } from '../core/index.ts';
import { NvrError } from '../core/index.ts';
import { cameraRoutes } from './camera-routes.ts';
import type { Health } from './contract.ts';
import { errorReply } from './error-reply.ts';
import { eventRoutes } from './event-routes.ts';
import { ExportPlans } from './export-plans.ts';
import { exportRoutes } from './export-routes.ts';
import { guard } from './guard.ts';
import { jsonReply } from './json-reply.ts';
import { logRoutes } from './log-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { pictureRoutes } from './picture-routes.ts';
import { isRecordingEndangered } from './problems.ts';
import { Router, route } from './router.ts';
import { segmentRoutes } from './segment-routes.ts';
import type { HttpReply, HttpRequest, HttpServer } from './server.ts';
import type { ApiServices } from './services.ts';
import { settingsRoutes } from './settings-routes.ts';
import { statusRoutes } from './status-routes.ts';
import { storageRoutes } from './storage-routes.ts';
import { timelineRoutes } from './timeline-routes.ts';

export interface ApiOptions {
  server: HttpServer;
  log: Logger;
}

/** Sent with every answer. What is shown to one person is no business of caches or of other pages. */
const HEADERS: Record<string, string> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'self'; media-src 'self' blob:; frame-ancestors 'self'",
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const MAX_URL_CHARS = 4096;

/** Time for answers under way once the service stops. */
const STOP_GRACE_MS = 100;

export class Api {
  readonly #options: ApiOptions;
  #services: ApiServices | undefined;
  #exports: ExportPlans | undefined;
  #router: Router;
  readonly #answers = new Map<string, number>();
  #stopping = false;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#router = new Router([this.#health()]);
  }

  /** Listens; until `open` only `health` is answered. Rejects with `failed-precondition` when the port is in use. */
  async start(): Promise<{ url: string }> {
    const { host, port } = await this.#options.server.start(request => this.#answer(request));
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` };
  }

  /** From now on all routes are there. */
  open(services: ApiServices): void {
    this.#services = services;
    this.#exports = new ExportPlans(services.clock);
    this.#router = new Router([
      this.#health(),
      ...statusRoutes(services),
      ...metricsRoutes(services, this.#answers),
      ...logRoutes(services),
      ...cameraRoutes(services),
      ...segmentRoutes(services),
      ...pictureRoutes(services),
      ...timelineRoutes(services),
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
      if (!request.path.startsWith('/') || request.path.length + request.query.length > MAX_URL_CHARS) {
        throw new NvrError('invalid-argument', 'the address of the request is not usable');
      }
      guard(request);
      if (request.path !== '/api/health') this.#checkPhase();
      reply = await this.#router.dispatch(request, NOBODY);
    } catch (error) {
      reply = errorReply(error, cause =>
        this.#options.log.error('a request failed', { method: request.method, path: request.path, error: cause }),
      );
    }
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
