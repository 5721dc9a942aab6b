// One camera at run time: its record, its stream in the engine, its state. Everything here is synchronous but the closing of files.
import type { Clock, EventBus, Logger } from '../core/index.ts';
import type { Engine, EngineEvent, StreamStats } from '../native/index.ts';
import type { Camera, CameraRecord, CameraState, StreamFacts } from './camera.ts';
import { problemWords } from './problem-words.ts';
import { StateMachine } from './state-machine.ts';

/** What recording wants of a stream; absent = its pictures are received but not stored. */
export interface RecordingPlan {
  segmentMs: number;
  rotationOffsetMs: number;
}

/** The part of the engine that cameras need. */
export type CameraEngine = Pick<Engine, 'setStream' | 'removeStream' | 'stats' | 'on'>;

export interface ConnectionOptions {
  record: CameraRecord;
  engine: CameraEngine;
  bus: EventBus;
  log: Logger;
  clock: Clock;
  unseal: (sealed: string) => string;
  /** Lifts the loopback rule for every camera; those of the demo are free of it anyway. */
  allowLoopback: boolean;
}

type Parameters = Extract<EngineEvent, { type: 'parameters' }>;

/** Keeps the newest complete GOP and the growing one, at up to 16 Mbit/s with GOPs of 2 s. */
const RING_MAX_BYTES = 8 * 1024 * 1024;

/** A file is closed within the writer's second; a disk that hangs must not hold up whoever asked. */
const CLOSE_DEADLINE_MS = 10_000;
const CLOSE_POLL_MS = 50;

export class Connection {
  record: CameraRecord;
  readonly #options: ConnectionOptions;
  readonly #machine: StateMachine;
  readonly #openFiles = new Set<string>();
  #parameters: Parameters | undefined;
  #plan: RecordingPlan | null = null;
  #demoUrl: string | undefined;
  /** What the present link depends on; undefined = the engine has no stream of this camera. */
  #link: string | undefined;

  constructor(options: ConnectionOptions) {
    const { record, bus, log, clock } = options;
    this.#options = options;
    this.record = record;
    this.#machine = new StateMachine({
      clock,
      onChange: ({ name, reason, sinceMs }) => {
        log.info('camera state', { camera: record.id, state: name, reason });
        bus.emit('camera.state', { camera: record.id, name, ...(reason ? { reason } : {}), sinceMs });
      },
    });
  }

  /** Where the demo serves this camera at present. */
  set demoUrl(url: string | undefined) {
    this.#demoUrl = url;
  }

  get enabled(): boolean {
    return this.record.enabled && (this.record.demo === undefined || this.#demoUrl !== undefined);
  }

  /** True while the engine has this camera's stream. */
  get connected(): boolean {
    return this.#link !== undefined;
  }

  /** Brings the engine in line with the record: connects, changes what differs, or disconnects. Resolves when files that end by it are closed. */
  async apply(): Promise<void> {
    if (!this.enabled) {
      await this.disconnect();
      this.#machine.disabled(this.record.enabled ? 'demo-off' : undefined);
      return;
    }
    const password = this.#password();
    if (password === undefined) {
      await this.disconnect();
      this.#machine.failed('password-unreadable');
      return;
    }
    const link = this.#linkWith(password);
    if (this.#link !== link) {
      this.#machine.starting();
      this.#parameters = undefined;
      this.#link = link;
    }
    this.#setStream(password);
  }

  /** Ends session and file; gives up waiting for the file after 10 s. */
  async disconnect(): Promise<void> {
    this.#machine.stop();
    if (!this.connected) return;
    this.#link = undefined;
    this.#parameters = undefined;
    const { engine, clock, log } = this.#options;
    const deadline = new AbortController();
    const expired = clock.sleep(CLOSE_DEADLINE_MS, deadline.signal).then(
      () => log.error('the stream does not end', { camera: this.record.id, deadlineMs: CLOSE_DEADLINE_MS }),
      () => undefined,
    );
    try {
      await Promise.race([engine.removeStream(this.record.id, 'main'), expired]);
    } catch (error) {
      log.error('the stream does not end', { camera: this.record.id, error });
    } finally {
      deadline.abort();
    }
    this.#openFiles.clear();
  }

  /** Takes over the wish of recording. With null it resolves when no file of the stream is open any more. */
  async setPlan(plan: RecordingPlan | null, signal: AbortSignal): Promise<void> {
    this.#plan = plan;
    const password = this.connected ? this.#password() : undefined;
    if (password !== undefined) this.#setStream(password);
    if (plan === null) await this.#filesClosed(signal);
  }

  /** The service stops: nothing is changed any more, the engine ends all streams by itself. */
  stop(): void {
    this.#machine.stop();
    this.#link = undefined;
  }

  hear(event: EngineEvent): void {
    if (event.type === 'link') this.#machine.link(event);
    else if (event.type === 'parameters') this.#parameters = event;
    else if (event.type === 'segment-opened') this.#openFiles.add(event.path);
    else if (event.type === 'segment-closed' || event.type === 'storage-failed') this.#openFiles.delete(event.path);
  }

  /** The public shape; `stats` are the stream's figures of this moment. */
  show(stats: StreamStats | undefined): Camera {
    const { id, name, priority, main, username, audio, record, retention, sealedPassword, demo } = this.record;
    return {
      id,
      name,
      enabled: this.enabled,
      priority,
      main,
      ...(username === undefined ? {} : { username }),
      hasPassword: sealedPassword !== undefined,
      audio,
      record,
      retention,
      ...(demo === undefined ? {} : { demo: true as const }),
      state: this.#showState(this.connected ? stats : undefined),
    };
  }

  #showState(stats: StreamStats | undefined): CameraState {
    const { name, reason, detail, sinceMs, retryAtMs } = this.#machine.state;
    const words = reason ? problemWords(reason) : undefined;
    const facts = this.#facts(stats);
    return {
      name,
      ...(reason ? { reason } : {}),
      ...(words ? { message: detail ?? words.message, cure: words.cure } : {}),
      sinceMs,
      lastPacketMs: stats?.lastPacketMs ?? 0,
      ...(retryAtMs === undefined ? {} : { retryAtMs }),
      ...(facts ? { main: facts } : {}),
      reconnects: stats?.reconnects ?? 0,
      droppedBytes: stats?.droppedBytes ?? 0,
    };
  }

  #facts(stats: StreamStats | undefined): StreamFacts | undefined {
    const parameters = this.#parameters;
    if (!parameters) return undefined;
    const { codec, width, height, fps } = parameters.video;
    return {
      codec,
      width,
      height,
      fps: Math.round((stats?.fps || fps) * 100) / 100,
      bitrateBps: Math.round(stats?.bitrateBps ?? 0),
      gopMs: Math.round(stats?.gopMs ?? 0),
      ...(parameters.audio ? { audio: parameters.audio.codec } : {}),
      ...(parameters.audio?.source ? { audioSource: parameters.audio.source } : {}),
      ...(parameters.audioLeftOut ? { audioLeftOut: parameters.audioLeftOut } : {}),
    };
  }

  #setStream(password: string): void {
    const { id, username, audio, record, demo } = this.record;
    this.#options.engine.setStream({
      camera: id,
      stream: 'main',
      urls: this.#urls(),
      username: username ?? '',
      password,
      audio,
      allowLoopback: demo !== undefined || this.#options.allowLoopback,
      record: this.#plan !== null,
      segmentMs: this.#plan?.segmentMs ?? record.segmentMs,
      rotationOffsetMs: this.#plan?.rotationOffsetMs ?? 0,
      ringMaxBytes: RING_MAX_BYTES,
    });
  }

  #urls(): string[] {
    const { main } = this.record;
    return [this.#demoUrl ?? main.url, ...(main.fallbackUrls ?? [])];
  }

  #linkWith(password: string): string {
    return JSON.stringify([this.#urls(), this.record.username, password, this.record.audio]);
  }

  /** Undefined when a password is stored and cannot be read. */
  #password(): string | undefined {
    const { sealedPassword, id } = this.record;
    if (sealedPassword === undefined) return '';
    try {
      return this.#options.unseal(sealedPassword);
    } catch (error) {
      this.#options.log.error('the stored password cannot be read', { camera: id, error });
      return undefined;
    }
  }

  /** The engine may be about to create a file whose event is still on its way, so its own view counts as well. */
  async #filesClosed(signal: AbortSignal): Promise<void> {
    const { clock, engine, log } = this.#options;
    const { id } = this.record;
    const endMs = clock.monotonicMs() + CLOSE_DEADLINE_MS;
    const isOpen = () =>
      this.#openFiles.size > 0 || engine.stats().streams.some(stream => stream.camera === id && stream.open.length > 0);
    while (this.connected && this.#plan === null && !signal.aborted && isOpen()) {
      if (clock.monotonicMs() >= endMs) {
        log.error('the segment does not close', { camera: id, deadlineMs: CLOSE_DEADLINE_MS });
        return;
      }
      await clock.sleep(CLOSE_POLL_MS, signal).catch(() => undefined);
    }
  }
}
