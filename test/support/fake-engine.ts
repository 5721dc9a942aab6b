// An engine without cameras: remembers what it is told and says what a test wants it to say.
import type { StreamName } from '../../src/core/index.ts';
import type { EngineEvent, EngineStats, LinkProblem, StreamSettings, StreamStats } from '../../src/native/index.ts';

type Link = Extract<EngineEvent, { type: 'link' }>;

export class FakeEngine {
  /** The main streams that are set at present, by camera. */
  readonly streams = new Map<number, StreamSettings>();
  /** The sub streams. */
  readonly subs = new Map<number, StreamSettings>();
  /** Everything that was set, in order. */
  readonly history: StreamSettings[] = [];
  /** Cameras whose main stream was removed, in order. */
  readonly removed: number[] = [];
  /** Files of main streams being written, by camera. */
  readonly open = new Map<number, StreamStats['open'][number]>();
  readonly figures = new Map<number, Partial<StreamStats>>();
  /** What was asked for with `capture`, in order. */
  readonly captures: { camera: number; stream: StreamName; fromMs: number; untilMs: number }[] = [];
  /** When set, `removeStream` waits for it. */
  removal: Promise<void> | undefined;
  readonly #listeners = new Set<(event: EngineEvent) => void>();

  setStream(settings: StreamSettings): void {
    this.#of(settings.stream).set(settings.camera, settings);
    this.history.push(settings);
  }

  async removeStream(camera: number, stream: StreamName): Promise<void> {
    await this.removal;
    this.#of(stream).delete(camera);
    if (stream === 'main') this.removed.push(camera);
  }

  capture(camera: number, stream: StreamName, fromMs: number, untilMs: number): void {
    this.captures.push({ camera, stream, fromMs, untilMs });
  }

  footageMs(systemMs: number): number {
    return systemMs;
  }

  stats(): EngineStats {
    return {
      streams: [...this.streams.values(), ...this.subs.values()].map(settings => this.#stats(settings)),
      writer: { queuedBytes: 0, writtenBytes: 0, mediaBytes: 0, syncs: 0, slowestSyncMs: 0 },
    };
  }

  /** It knows nothing of files: they are read. */
  openIndex(): Buffer | undefined {
    return undefined;
  }

  on(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  emit(event: EngineEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  link(camera: number, state: Link['state'], problem?: LinkProblem, rest: Partial<Link> = {}): void {
    this.emit({
      type: 'link',
      camera,
      stream: 'main',
      state,
      lastPacketMs: 0,
      ...(problem ? { problem } : {}),
      ...rest,
    });
  }

  /** The stream describes its pictures. */
  described(camera: number, stream: StreamName, codec: 'h264' | 'h265', width = 640): void {
    const video = { codec, codecString: '', width, height: 360, fps: 25 };
    this.emit({ type: 'parameters', camera, stream, video });
  }

  #of(stream: StreamName): Map<number, StreamSettings> {
    return stream === 'main' ? this.streams : this.subs;
  }

  #stats({ camera, stream }: StreamSettings): StreamStats {
    const open = stream === 'main' ? this.open.get(camera) : undefined;
    return {
      camera,
      stream,
      state: 'live',
      lastPacketMs: 0,
      fps: 0,
      bitrateBps: 0,
      gopMs: 0,
      ringBytes: 0,
      ringMs: 0,
      reconnects: 0,
      receivedBytes: 0,
      lostPackets: 0,
      damagedUnits: 0,
      droppedBytes: 0,
      lateAudioUnits: 0,
      open: open ? [open] : [],
      ...(stream === 'main' ? this.figures.get(camera) : {}),
    };
  }
}
