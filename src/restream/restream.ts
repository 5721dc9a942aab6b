// Streams for other programs: follows settings and cameras, keeps the engine's RTSP server at its ports, connects what clients want.
import { randomBytes } from 'node:crypto';
import type { AuditEntry } from '../accounts/index.ts';
import type { Cameras } from '../cameras/index.ts';
import { type CameraId, type Clock, type EventBus, type Logger, NvrError, type StreamName } from '../core/index.ts';
import type { RestreamClient, RestreamServer } from '../native/index.ts';
import type { Store } from '../storage/index.ts';
import {
  listenAddress,
  type ProvisionedRestream,
  RESTREAM_REALM,
  type RestreamPatch,
  type RestreamSettings,
  RestreamSettingsKeeper,
} from './restream-settings.ts';

export interface RestreamOptions {
  store: Pick<Store, 'settings' | 'seal' | 'unseal'>;
  server: Pick<RestreamServer, 'listen' | 'close' | 'allow' | 'clients' | 'onEvent'>;
  cameras: Pick<Cameras, 'list' | 'get' | 'need'>;
  bus: Pick<EventBus, 'on'>;
  audit: { record(entry: AuditEntry): void };
  clock: Clock;
  log: Logger;
  provisioned?: ProvisionedRestream | undefined;
}

export interface RestreamProblem {
  kind: 'restream';
  message: string;
  cure: string;
  sinceMs: number;
}

/** How it is. */
export interface RestreamState {
  name: 'off' | 'listening' | 'failed';
  problem?: { message: string; cure: string };
  /** Who watches from outside. */
  clients: Omit<RestreamClient, 'inside'>[];
}

const RETRY_MS = 10_000;
/** Failed logins of an address are audited so often, not more. */
const AUDIT_EACH_MS = 60_000;
const MAX_ADDRESSES = 64;
const SECRET_BYTES = 24;
const VIEWER_BYTES = 15;

const CURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program has this port: stop it, or choose another port under "restream.listen".',
  EADDRNOTAVAIL: 'This machine has no such address at present: use one that it has, or 0.0.0.0 for all.',
  EACCES: 'Ports below 1024 need rights that the service does not have: use a higher one, as 8554.',
};

export class Restream {
  readonly #options: RestreamOptions;
  readonly #settings: RestreamSettingsKeeper;
  /** Streams that clients want, and how to give them up. */
  readonly #needs = new Map<string, () => void>();
  readonly #audited = new Map<string, number>();
  /** Of helpers of ours, by the names that were made for them. */
  readonly #viewers = new Set<string>();
  readonly #ends: (() => void)[] = [];
  /** The address that the outer way listens on. */
  #outside: string | undefined;
  #insidePort: number | undefined;
  #failure: { code: string; sinceMs: number } | undefined;
  #cancelRetry: (() => void) | undefined;
  #isRunning = false;

  constructor(options: RestreamOptions) {
    const { store, log, provisioned } = options;
    this.#options = options;
    this.#settings = new RestreamSettingsKeeper({ store, log, provisioned });
  }

  start(): void {
    const { server, bus } = this.#options;
    this.#isRunning = true;
    server.onEvent(event => {
      if (event.type === 'restream-wanted') this.#want(event.camera, event.stream, event.wanted);
      else this.#refused(event.user, event.address);
    });
    this.#ends.push(
      bus.on('camera.changed', () => this.#allow()),
      bus.on('camera.removed', () => this.#allow()),
    );
    this.#allow();
    this.#listen();
  }

  /** Nobody is served any more. Idempotent. */
  stop(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#cancelRetry?.();
    for (const end of this.#ends.splice(0)) end();
    this.#options.server.onEvent(undefined);
    this.#options.server.close('outside');
    this.#options.server.close('inside');
    for (const release of this.#needs.values()) release();
    this.#needs.clear();
  }

  /**
   * Where our own helpers on this machine get a stream without a login; listens from the first call on. Undefined when there is no
   * such stream, or no port could be had.
   */
  restreamUrl(camera: CameraId, stream: StreamName): string | undefined {
    const { cameras, server, log } = this.#options;
    const known = cameras.get(camera);
    if (!this.#isRunning || !known?.enabled || (stream === 'sub' && !known.sub)) return undefined;
    if (this.#insidePort === undefined) {
      const result = server.listen('inside', '127.0.0.1', 0);
      if ('code' in result) {
        log.warn('no port on loopback for restreaming', { code: result.code });
        return undefined;
      }
      this.#insidePort = result.port;
    }
    return `rtsp://127.0.0.1:${this.#insidePort}/ring/${camera}/${stream}`;
  }

  /**
   * The same for one viewer alone: once it is closed nobody gets anything from there any more, also who has it already. Undefined as
   * `restreamUrl`.
   */
  view(camera: CameraId, stream: StreamName): { url: string; close(): void } | undefined {
    const url = this.restreamUrl(camera, stream);
    if (url === undefined) return undefined;
    const viewer = randomBytes(VIEWER_BYTES).toString('base64url');
    this.#viewers.add(viewer);
    this.#allow();
    return {
      url: `${url}?viewer=${viewer}`,
      close: () => {
        if (this.#viewers.delete(viewer)) this.#allow();
      },
    };
  }

  get settingsProvisioned(): boolean {
    return this.#settings.isProvisioned;
  }

  settings(): RestreamSettings {
    return this.#settings.get();
  }

  state(): RestreamState {
    const clients = this.#options.server
      .clients()
      .filter(({ inside }) => !inside)
      .map(({ inside: _, ...client }) => client);
    const problem = this.#problem();
    if (problem) return { name: 'failed', problem: { message: problem.message, cure: problem.cure }, clients };
    return { name: this.#outside === undefined ? 'off' : 'listening', clients };
  }

  problems(): RestreamProblem[] {
    const problem = this.#problem();
    return problem ? [problem] : [];
  }

  /** Throws `failed-precondition` for settings of a file, `invalid-argument` for what cannot be. */
  check(patch: RestreamPatch): void {
    this.#settings.check(patch);
    for (const [i, { cameras }] of (patch.users ?? []).entries())
      this.#checkCameras(cameras, `restream.users.${i}.cameras`);
  }

  /** Durable and in force when it resolves; a port that cannot be had is told of by `state`. Rejects as `check`. */
  async update(patch: RestreamPatch): Promise<RestreamSettings> {
    this.check(patch);
    await this.#settings.update(patch);
    this.#allow();
    this.#listen();
    return this.settings();
  }

  /** Its secret is in the answer, and nowhere else. */
  async addUser(name: string, cameras: 'all' | CameraId[]): Promise<{ secret: string }> {
    this.#checkCameras(cameras, 'cameras');
    const secret = newSecret();
    await this.#settings.add(name, cameras, secret);
    this.#allow();
    return { secret };
  }

  /** A new secret in place of the old one, with which nobody comes in any more. Rejects with `not-found`. */
  async renewSecret(name: string): Promise<{ secret: string }> {
    const secret = newSecret();
    await this.#settings.renew(name, secret);
    // Whoever came with the old one is cut: for a moment there is no such user.
    this.#allow(name);
    this.#allow();
    return { secret };
  }

  /** Whoever watches with it is cut. Rejects with `not-found`. */
  async removeUser(name: string): Promise<void> {
    await this.#settings.remove(name);
    this.#allow();
  }

  #checkCameras(cameras: 'all' | readonly CameraId[], field: string): void {
    const unknown = cameras === 'all' ? undefined : cameras.find(id => !this.#options.cameras.get(id));
    if (unknown === undefined) return;
    throw new NvrError('invalid-argument', `there is no camera ${unknown}`, { field, cure: 'Leave it out.' });
  }

  #allow(without?: string): void {
    if (!this.#isRunning) return;
    const { cameras, server } = this.#options;
    const streams = cameras
      .list()
      .filter(({ enabled }) => enabled)
      .flatMap(({ id, sub }) => [
        { camera: id, stream: 'main' as const },
        ...(sub ? [{ camera: id, stream: 'sub' as const }] : []),
      ]);
    const users = this.#settings.logins().filter(({ name }) => name !== without);
    server.allow({ realm: RESTREAM_REALM, users, streams, viewers: [...this.#viewers] });
  }

  /** As the settings want it. */
  #listen(): void {
    if (!this.#isRunning) return;
    const { server, clock, log } = this.#options;
    const { enabled, listen } = this.#settings.get();
    const wanted = enabled ? listen : undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (wanted === this.#outside && !this.#failure) return;
    if (this.#outside !== undefined) server.close('outside');
    this.#outside = undefined;
    const address = wanted === undefined ? undefined : listenAddress(wanted);
    if (!address) {
      this.#failure = undefined;
      return;
    }
    const result = server.listen('outside', address.host, address.port);
    if ('port' in result) {
      this.#failure = undefined;
      this.#outside = wanted;
      log.info('restreaming', { listen: wanted });
      return;
    }
    const { code } = result;
    if (this.#failure?.code !== code) {
      this.#failure = { code, sinceMs: clock.nowMs() };
      log.warn('no port for restreaming', { listen: wanted, code });
    }
    this.#cancelRetry = clock.after(RETRY_MS, () => this.#listen());
  }

  #problem(): RestreamProblem | undefined {
    if (!this.#failure) return undefined;
    const { code, sinceMs } = this.#failure;
    return {
      kind: 'restream',
      message: `Restreaming cannot listen on ${this.#settings.get().listen} (${code}).`,
      cure: CURES[code] ?? 'Choose another address under "restream.listen".',
      sinceMs,
    };
  }

  #want(camera: CameraId, stream: StreamName, isWanted: boolean): void {
    const key = `${camera} ${stream}`;
    if (isWanted) {
      if (!this.#needs.has(key)) this.#needs.set(key, this.#options.cameras.need(camera, stream));
      return;
    }
    this.#needs.get(key)?.();
    this.#needs.delete(key);
  }

  #refused(user: string, address: string): void {
    const { log, audit, clock } = this.#options;
    const known = this.#settings.get().users.some(({ name }) => name === user);
    log.warn('a login for restreaming failed', { address, ...(known && { user }) });
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.#audited.get(address) ?? Number.NEGATIVE_INFINITY) < AUDIT_EACH_MS) return;
    const [oldest] = this.#audited.keys();
    if (this.#audited.size >= MAX_ADDRESSES && oldest !== undefined) this.#audited.delete(oldest);
    this.#audited.set(address, nowMs);
    audit.record({ action: 'login-failed', address, target: 'restream', ...(known && { user }) });
  }
}

/** Letters, digits, _ and - only: it stands in addresses. */
function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
