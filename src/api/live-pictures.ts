// The newest key picture of a camera: out of memory, else the last that was recorded; made once for all who ask at the same time.
import { join } from 'node:path';
import { type CameraId, NvrError, type StreamName } from '../core/index.ts';
import type { Picture } from '../native/index.ts';
import type { ApiServices } from './services.ts';

export interface LivePictureRequest {
  camera: CameraId;
  stream: StreamName;
  /** At most so wide. */
  width: number;
  isWanted?: () => boolean;
  /** Only of what comes in now. */
  isLive?: boolean;
}

interface Made {
  picture: Picture;
  /** Monotonic. */
  lookedMs: number;
}

/** A picture that was looked for so recently is the newest. */
const FRESH_MS = 250;
/** Pictures that are kept in case they are still the newest. */
const MOST_KEPT_BYTES = 4 * 1024 * 1024;
const KEPT_MS = 20_000;

type Services = Pick<ApiServices, 'cameras' | 'engine' | 'live' | 'pictures' | 'segments' | 'clock'>;

export class LivePictures {
  readonly #services: Services;
  readonly #underWay = new Map<string, Promise<Picture>>();
  readonly #made = new Map<string, Made>();
  #cancel: (() => void) | undefined;

  constructor(services: Services) {
    this.#services = services;
  }

  /** Rejects with `not-found` without such a camera, `unavailable` when there is no picture, and as `Pictures.make`. */
  async newest(request: LivePictureRequest): Promise<Picture> {
    const { camera, stream, width, isWanted, isLive = false } = request;
    if (!this.#services.cameras.get(camera)) throw new NvrError('not-found', 'there is no such camera');
    const key = `${camera} ${stream} ${width} ${isLive}`;
    const made = this.#made.get(key);
    if (made && this.#services.clock.monotonicMs() - made.lookedMs < FRESH_MS) return made.picture;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) {
      try {
        return await underWay;
      } catch (error) {
        // Whoever asked first has gone; this one has not.
        if (!(error instanceof NvrError) || error.kind !== 'unavailable' || isWanted?.() === false) throw error;
        return await this.#make(request, made?.picture);
      }
    }
    const picture = this.#make(request, made?.picture);
    this.#underWay.set(key, picture);
    try {
      const done = await picture;
      this.#keep(key, done);
      return done;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #make({ camera, stream, width, isWanted, isLive }: LivePictureRequest, known: Picture | undefined) {
    const { live } = this.#services;
    const wanted = isWanted ? { isWanted } : {};
    try {
      return await live.keyPicture({ camera, stream, width, ...wanted, ...(known ? { known } : {}) });
    } catch (error) {
      if (!(error instanceof NvrError) || error.kind !== 'not-found') throw error;
    }
    const recorded = isLive ? undefined : await this.#recorded({ camera, stream, width, ...wanted });
    if (recorded) return recorded;
    throw new NvrError('unavailable', this.#why(camera, stream), { cure: 'Look at the state of the camera.' });
  }

  async #recorded({ camera, stream, width, isWanted }: LivePictureRequest): Promise<Picture | undefined> {
    const { segments, live, pictures } = this.#services;
    const last = live.newestSegment(camera, stream);
    if (!last) return undefined;
    const { startMs, clockGen, sizeBytes, endMs } = last;
    const path = join(segments.folder, last.path);
    const wanted = isWanted ? { isWanted } : {};
    try {
      return await pictures.make({ path, sizeBytes, camera, stream, startMs, clockGen, atMs: endMs, width, ...wanted });
    } catch (error) {
      if (error instanceof NvrError && (error.kind === 'not-found' || error.kind === 'data-loss')) return undefined;
      throw error;
    }
  }

  #why(camera: CameraId, stream: StreamName): string {
    const known = this.#services.cameras.get(camera);
    if (stream === 'sub' && known && !known.sub) return 'the camera has no sub stream';
    if (stream === 'sub' && known?.state.sub?.name !== 'live') return 'the sub stream is not connected at present';
    const { name, reason } = known?.state ?? { name: 'disabled' as const, reason: undefined };
    return `there is no picture of the camera yet: it is ${name}${reason ? ` (${reason})` : ''}`;
  }

  #keep(key: string, picture: Picture): void {
    const { clock } = this.#services;
    this.#made.delete(key);
    this.#made.set(key, { picture, lookedMs: clock.monotonicMs() });
    let bytes = 0;
    for (const one of this.#made.values()) bytes += one.picture.jpeg.length;
    for (const [oldest, one] of this.#made) {
      if (bytes <= MOST_KEPT_BYTES) break;
      this.#made.delete(oldest);
      bytes -= one.picture.jpeg.length;
    }
    this.#cancel ??= clock.after(KEPT_MS, () => this.#forget());
  }

  /** Pictures that nobody asks for any more. */
  #forget(): void {
    const { clock } = this.#services;
    const nowMs = clock.monotonicMs();
    for (const [key, { lookedMs }] of this.#made) if (nowMs - lookedMs >= KEPT_MS) this.#made.delete(key);
    this.#cancel = this.#made.size > 0 ? clock.after(KEPT_MS, () => this.#forget()) : undefined;
  }
}
