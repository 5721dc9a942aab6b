// One stream of a camera in the engine: connecting, recording, its state and figures. Synchronous but for the closing of files.
import type { CameraId, Clock, Logger, StreamName } from '../core/index.ts';
import type { Engine, EngineEvent, StreamProblem, StreamStats } from '../native/index.ts';
import type { CameraProblem, LinkView, StreamFacts } from './camera.ts';
import type { Explanation, NoRoute, Route } from './hub.ts';
import { problemWords } from './problem-words.ts';
import { type MachineState, StateMachine } from './state-machine.ts';

/** What recording wants of a stream; absent = its pictures are received but not stored. */
export interface RecordingPlan {
  segmentMs: number;
  rotationOffsetMs: number;
  /** Of earlier runs: new footage must not overlap it. */
  footageEnd?: { endMs: number; clockGen: number };
  /** Only events are recorded, and the ring reaches that far before the moment of a trigger; absent = all is recorded. */
  events?: { preRollMs: number; ringMaxBytes: number };
}

/** The part of the engine that cameras need. */
export type CameraEngine = Pick<Engine, 'setStream' | 'removeStream' | 'stats' | 'on'>;

export interface StreamLinkOptions {
  camera: CameraId;
  stream: StreamName;
  ringMaxBytes: number;
  engine: CameraEngine;
  clock: Clock;
  log: Logger;
  /** The state has another name or reason. */
  onChange: (state: MachineState) => void;
  onProblems: (problems: readonly StreamProblem[]) => void;
}

export interface LinkSettings {
  route: Route;
  audio: boolean;
  /** In force while there is no plan. */
  segmentMs: number;
}

export type StreamEvent = Exclude<EngineEvent, { type: 'clock-step' }>;
type Parameters = Extract<EngineEvent, { type: 'parameters' }>;

/** A file is closed within the writer's second; a disk that hangs must not hold up whoever asked. */
const CLOSE_DEADLINE_MS = 10_000;
const CLOSE_POLL_MS = 50;

export class StreamLink {
  readonly #options: StreamLinkOptions;
  readonly #machine: StateMachine;
  readonly #openFiles = new Set<string>();
  #parameters: Parameters | undefined;
  #problems: readonly StreamProblem[] = [];
  #plan: RecordingPlan | null = null;
  #settings: LinkSettings | undefined;
  /** What the link depends on. */
  #source = '';
  /** There is no way at present. */
  #held = false;

  constructor(options: StreamLinkOptions) {
    this.#options = options;
    this.#machine = new StateMachine({ clock: options.clock, onChange: options.onChange });
  }

  /** True while the engine has this stream. */
  get connected(): boolean {
    return this.#settings !== undefined;
  }

  /** True while it would be connected if there were a way. */
  get held(): boolean {
    return this.#held;
  }

  get state(): MachineState {
    return this.#machine.state;
  }

  /** Connects the stream, or changes what differs. */
  connect(settings: LinkSettings): void {
    const source = JSON.stringify([settings.route, settings.audio]);
    const isNew = !this.connected || (source !== this.#source && !this.#held);
    this.#source = source;
    this.#settings = settings;
    this.#held = false;
    if (isNew) {
      this.#parameters = undefined;
      this.#setProblems([]);
      this.#machine.starting();
    }
    this.#setStream(settings);
  }

  /** The way is gone, and is going to be there again: what the stream has is kept meanwhile. */
  hold(words: NoRoute): void {
    const wasHeld = this.#held;
    this.#held = true;
    if (this.#settings && !wasHeld) this.#setStream(this.#settings);
    this.#machine.waiting(words.problem ?? 'hub', words);
  }

  /** Disconnects and shows why; without a reason somebody wants it so. */
  async rest(reason?: 'demo-off' | 'not-listed'): Promise<void> {
    const gone = this.disconnect();
    this.#machine.disabled(reason);
    await gone;
  }

  /** Disconnects, as there is no way to the stream. */
  async fail(reason: CameraProblem, words?: NoRoute): Promise<void> {
    const gone = this.disconnect();
    this.#machine.failed(reason, words);
    await gone;
  }

  /** Disconnects until `connect` is called, which is going to be. */
  async wait(): Promise<void> {
    const gone = this.disconnect();
    this.#machine.starting();
    await gone;
  }

  /** Ends session and file; gives up waiting for the file after 10 s. */
  async disconnect(): Promise<void> {
    this.#machine.stop();
    this.#held = false;
    if (!this.connected) return;
    this.#settings = undefined;
    this.#setProblems([]);
    const { camera, stream, engine, clock, log } = this.#options;
    const deadline = new AbortController();
    const expired = clock.sleep(CLOSE_DEADLINE_MS, deadline.signal).then(
      () => log.error('the stream does not end', { camera, stream, deadlineMs: CLOSE_DEADLINE_MS }),
      () => undefined,
    );
    try {
      await Promise.race([engine.removeStream(camera, stream), expired]);
    } catch (error) {
      log.error('the stream does not end', { camera, stream, error });
    } finally {
      deadline.abort();
    }
    if (!this.connected) this.#openFiles.clear();
  }

  /** Takes over the wish of recording. With null it resolves when no file of the stream is open any more. */
  async setPlan(plan: RecordingPlan | null, signal: AbortSignal): Promise<void> {
    this.#plan = plan;
    if (this.#settings) this.#setStream(this.#settings);
    if (plan === null) await this.#filesClosed(signal);
  }

  /** The service stops: nothing is changed any more, the engine ends all streams by itself. */
  stop(): void {
    this.#machine.stop();
    this.#settings = undefined;
  }

  /** `known`: what the hub knows of the cause. */
  hear(event: StreamEvent, known?: Explanation): void {
    // What a session that was ended says on its way out is about nothing any more.
    if (event.type === 'link') {
      if (this.connected && !this.#held) this.#machine.link(event, known);
    } else if (event.type === 'problems') {
      if (this.connected) this.#setProblems(event.problems);
    } else if (event.type === 'parameters') this.#parameters = event;
    else if (event.type === 'segment-opened') this.#openFiles.add(event.path);
    else if (event.type === 'segment-closed' || event.type === 'storage-failed') this.#openFiles.delete(event.path);
  }

  /** `stats` are the stream's figures of this moment. */
  view(stats: StreamStats | undefined): LinkView {
    const { reason, detail, cure, sinceMs, retryAtMs } = this.#machine.state;
    const words = reason ? problemWords(reason) : undefined;
    return {
      ...(reason ? { reason } : {}),
      ...(words ? { message: detail ?? words.message, cure: cure ?? words.cure } : {}),
      sinceMs,
      lastPacketMs: stats?.lastPacketMs ?? 0,
      ...(retryAtMs === undefined ? {} : { retryAtMs }),
      problems: this.#problems,
      reconnects: stats?.reconnects ?? 0,
      droppedBytes: stats?.droppedBytes ?? 0,
    };
  }

  /** What the camera sends, or sent before the stream came to rest; undefined until it has described it. */
  facts(stats: StreamStats | undefined): StreamFacts | undefined {
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

  #setProblems(problems: readonly StreamProblem[]): void {
    if (problems.length === 0 && this.#problems.length === 0) return;
    this.#problems = problems;
    this.#options.onProblems(problems);
  }

  #setStream({ route, audio, segmentMs }: LinkSettings): void {
    const { camera, stream, ringMaxBytes, engine } = this.#options;
    const events = this.#plan?.events;
    const { urls, username, password, allowLoopback, hub } = route;
    const end = this.#plan?.footageEnd;
    engine.setStream({
      camera,
      stream,
      urls: this.#held ? [] : urls,
      username,
      password,
      audio,
      allowLoopback,
      ...(hub ? { hub } : {}),
      record: this.#plan !== null,
      events: events !== undefined,
      preRollMs: events?.preRollMs ?? 0,
      segmentMs: this.#plan?.segmentMs ?? segmentMs,
      rotationOffsetMs: this.#plan?.rotationOffsetMs ?? 0,
      ...(end ? { footageEndMs: end.endMs, footageClockGen: end.clockGen } : {}),
      ringMaxBytes: events?.ringMaxBytes ?? ringMaxBytes,
    });
  }

  /** The engine may be about to create a file whose event is still on its way, so its own view counts as well. */
  async #filesClosed(signal: AbortSignal): Promise<void> {
    const { camera, stream, clock, engine, log } = this.#options;
    const endMs = clock.monotonicMs() + CLOSE_DEADLINE_MS;
    const isOpen = () =>
      this.#openFiles.size > 0 ||
      engine.stats().streams.some(one => one.camera === camera && one.stream === stream && one.open.length > 0);
    while (this.connected && this.#plan === null && !signal.aborted && isOpen()) {
      if (clock.monotonicMs() >= endMs) {
        log.error('the segment does not close', { camera, stream, deadlineMs: CLOSE_DEADLINE_MS });
        return;
      }
      await clock.sleep(CLOSE_POLL_MS, signal).catch(() => undefined);
    }
  }
}
