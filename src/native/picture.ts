// Pictures out of footage: the keyframe nearest to a moment, as a JPEG; one at a time, with a bounded queue.
import { type CameraId, fromSystem, NvrError, type StreamName } from '../core/index.ts';
import type { Addon, NativeEngine, NativePicture } from './addon.ts';

export interface PictureRequest {
  /** Absolute path of a segment file. */
  path: string;
  /** How much of the file is whole: all of a closed one. */
  sizeBytes: number;
  camera: CameraId;
  stream: StreamName;
  /** Of the segment. */
  startMs: number;
  clockGen: number;
  /** The keyframe nearest to it is taken, UTC; before the segment that is its first, behind it its last. */
  atMs: number;
  /** At most so wide, 16 to 8192; never wider than the video. */
  width: number;
  /** Asked when its turn has come; it ends with `unavailable` when nobody wants the result any more. */
  isWanted?: () => boolean;
}

export interface Picture {
  jpeg: Buffer;
  /** When the keyframe is shown, UTC. */
  atMs: number;
  width: number;
  height: number;
}

/** One takes up to a core's tenth of a second and several pictures' memory. */
const MOST_WAITING = 16;
const RETRY_AFTER_S = 2;

type Make = Addon['segmentPicture'];

export interface MemoryPictureRequest {
  camera: CameraId;
  stream: StreamName;
  /** As of `PictureRequest`. */
  width: number;
  /** What was made of it before, so wide: it is given back when the keyframe is still the newest. */
  known?: Picture;
  isWanted?: () => boolean;
}

/** As `Engine.keyPicture`. */
type KeyPicture = NativeEngine['keyPicture'];

/** The one place where pictures are made. */
export class Pictures {
  readonly #make: Make;
  readonly #storeUuid: string;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** `storeUuid`: 32 hex digits; other stores' files are refused. */
  constructor(make: Make, storeUuid: string) {
    this.#make = make;
    this.#storeUuid = storeUuid;
  }

  /**
   * Rejects with `not-found` when there is no keyframe (yet) or no file, `data-loss` when the file is damaged or another's,
   * `failed-precondition` when the keyframe is too large for a picture, and `resource-exhausted` when too many are asked for.
   */
  make({ isWanted, ...request }: PictureRequest): Promise<Picture> {
    return this.#inTurn(isWanted, () => this.#make({ ...request, storeUuid: this.#storeUuid }));
  }

  /** Of the newest keyframe in the engine's memory; rejects as `make`, with `not-found` when there is none. */
  makeFromMemory(
    { camera, stream, width, known, isWanted }: MemoryPictureRequest,
    engine: { keyPicture: KeyPicture },
  ): Promise<Picture> {
    return this.#inTurn(isWanted, async () => {
      const made = await engine.keyPicture(camera, stream, width, known?.atMs ?? 0);
      if (made.state !== 'same') return made;
      return known ? { state: 'made', ...known } : { state: 'none' };
    });
  }

  async #inTurn(isWanted: (() => boolean) | undefined, make: () => Promise<NativePicture>): Promise<Picture> {
    if (this.#waiting > MOST_WAITING) throw tooMany();
    this.#waiting++;
    const turn = this.#last.then(() => this.#run(isWanted, make));
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async #run(isWanted: (() => boolean) | undefined, make: () => Promise<NativePicture>): Promise<Picture> {
    if (isWanted && !isWanted()) throw new NvrError('unavailable', 'nobody waits for this picture any more');
    const made = await make();
    if (made.state !== 'made') throw failure(made);
    const { jpeg, atMs, width, height } = made;
    return { jpeg, atMs, width, height };
  }
}

function tooMany(): NvrError {
  return new NvrError('resource-exhausted', `${MOST_WAITING} pictures are waited for already`, {
    retryAfterS: RETRY_AFTER_S,
    cure: 'Try again in a few seconds.',
  });
}

function failure(made: Exclude<NativePicture, { state: 'made' }>): NvrError {
  switch (made.state) {
    case 'none':
      return new NvrError('not-found', 'there is no keyframe to make a picture of');
    case 'unreadable':
      return unreadable(made.code);
    case 'damaged':
      return new NvrError('data-loss', 'the keyframe is damaged');
    case 'too-large':
      return new NvrError('failed-precondition', 'the keyframe is too large for a picture');
    case 'unsupported':
      return new NvrError('failed-precondition', 'this build cannot make pictures of this kind of video');
    case 'no-memory':
      return new NvrError('resource-exhausted', 'there is not enough memory for a picture', {
        retryAfterS: RETRY_AFTER_S,
      });
  }
}

/** What stands in the place of a segment and is no such file. */
const DAMAGE = new Set(['EBADMSG', 'EFBIG', 'EINVAL', 'EISDIR', 'ELOOP']);

function unreadable(code: string): NvrError {
  if (code === 'ENOENT') return new NvrError('not-found', 'the file of this segment is gone');
  if (DAMAGE.has(code)) return new NvrError('data-loss', 'the file of this segment is damaged, or is another');
  if (code === 'EMFILE' || code === 'ENFILE') return new NvrError('unavailable', 'too many files are open');
  return fromSystem(Object.assign(new Error(code), { code }), 'the file of this segment cannot be read');
}
