// Live fragments on their way from the engine to whoever shows them: one buffer is used for all, again and again.
import type { CameraId, StreamName } from '../core/index.ts';
import type { NativeEngine } from './addon.ts';
import type { LiveEvent, LiveFragment, LiveHeaderFacts } from './messages.ts';

export interface LiveListener {
  header(event: LiveHeaderFacts): void;
  /** `bytes` are good until this returns, or for ever when it returns true. */
  fragment(event: LiveFragment, bytes: Buffer): boolean;
}

type Surface = Pick<NativeEngine, 'watchLive' | 'endLive' | 'showKey' | 'setLiveBuffer'>;

/** What is larger comes in a buffer of its own. The memory is taken as it is needed. */
const LEAST_BYTES = 256 * 1024;
const MOST_BYTES = 1024 * 1024;

/** One per engine, with one listener. */
export class Live {
  readonly #surface: Surface;
  #buffer: Buffer | undefined;
  #listener: LiveListener | undefined;
  #feeds = 0;

  constructor(surface: Surface) {
    this.#surface = surface;
  }

  listen(listener: LiveListener): void {
    this.#listener = listener;
  }

  /**
   * Begins a feed: header and fragments of a stream come from now on, also over reconnects, also if the stream is connected only later.
   * Once for each stream with sound, and once without, until `end`. `viewer` (1 to 2^32-1) is as in `begin`.
   */
  watch(camera: CameraId, stream: StreamName, sound: boolean, viewer: number): void {
    if (this.#feeds++ === 0) this.#renew(LEAST_BYTES);
    this.begin(camera, stream, sound, viewer);
  }

  /**
   * Of a feed that goes on: gives `viewer` its header and one fragment with all from the newest keyframe to now. When there is no keyframe
   * yet nothing comes, but the next ones for all (`viewer` 0).
   */
  begin(camera: CameraId, stream: StreamName, sound: boolean, viewer: number): void {
    this.#surface.watchLive(camera, stream, sound, viewer);
  }

  end(camera: CameraId, stream: StreamName, sound: boolean): void {
    this.#surface.endLive(camera, stream, sound);
    if (--this.#feeds === 0) this.#renew(0);
  }

  /** Gives `viewer` a header and the newest keyframe of a stream, when there is one. */
  showKey(camera: CameraId, stream: StreamName, viewer: number): void {
    this.#surface.showKey(camera, stream, viewer);
  }

  deliver(event: LiveEvent): void {
    if (event.type === 'live-header') {
      this.#listener?.header(event);
      return;
    }
    const bytes = event.data ?? this.#buffer?.subarray(0, event.sizeBytes);
    if (!bytes) return;
    const isKept = this.#listener?.fragment(event, bytes) === true;
    if (this.#feeds === 0) return;
    if (event.data === undefined) {
      if (isKept) this.#renew(this.#buffer?.length ?? LEAST_BYTES);
      return;
    }
    // The next of this size fits.
    const wanted = Math.min(MOST_BYTES, 2 ** Math.ceil(Math.log2(event.sizeBytes)));
    if (event.viewer === 0 && wanted > (this.#buffer?.length ?? 0)) this.#renew(wanted);
  }

  #renew(bytes: number): void {
    this.#buffer = bytes > 0 ? Buffer.allocUnsafeSlow(bytes) : undefined;
    this.#surface.setLiveBuffer(this.#buffer ?? Buffer.alloc(0));
  }
}
