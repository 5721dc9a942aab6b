// Feeds one SourceBuffer in order: a bounded queue of appends and removals, trimming that never breaks what is yet to be shown,
// and what to do when the browser's quota is full. Hides that a SourceBuffer does one thing at a time.

/** What is used of a SourceBuffer. */
export interface BufferLike {
  readonly updating: boolean;
  readonly buffered: Ranges;
  timestampOffset: number;
  appendBuffer(bytes: Uint8Array<ArrayBuffer>): void;
  remove(fromS: number, toS: number): void;
  changeType?(type: string): void;
  addEventListener(name: 'updateend' | 'error', listener: () => void): void;
  removeEventListener(name: 'updateend' | 'error', listener: () => void): void;
}

/** What is used of TimeRanges. */
export interface Ranges {
  readonly length: number;
  start(index: number): number;
  end(index: number): number;
}

/** Bytes with what the sink must know of them; times in seconds on the element's time line. */
export interface Piece {
  bytes: Uint8Array<ArrayBuffer>;
  /** Set before it is appended. */
  offsetS?: number;
  /** When its first picture is shown. Absent for init segments. */
  startS?: number;
  durationS?: number;
  key?: boolean;
  /** Called once: whether it is in the buffer. */
  done?(appended: boolean): void;
}

export interface SinkLimits {
  /** What may wait to be appended; beyond it pieces are dropped up to the next key one. */
  queueBytes: number;
  queueS: number;
  /** Kept behind the position. */
  behindS: number;
}

export const LIVE_LIMITS: SinkLimits = { queueBytes: 4 << 20, queueS: 3, behindS: 8 };
/** Recorded pieces are fetched one after the other, so what waits is small. */
export const RECORDED_LIMITS: SinkLimits = { queueBytes: 16 << 20, queueS: 3600, behindS: 30 };

type Task =
  | { do: 'append'; piece: Piece; again: boolean }
  | { do: 'remove'; fromS: number; toS: number; done?: (() => void) | undefined }
  | { do: 'type'; type: string };

const BEHIND_WHEN_FULL_S = 5;
/** Trimming waits for that much, so that it is not done for each piece. */
const TRIM_STEP_S = 4;
/** Browsers count microseconds: a removal that ends a rounding behind a key picture takes all that depends on it. */
const ROUNDED_S = 0.001;

export class MseSink {
  readonly #buffer: BufferLike;
  readonly #limits: SinkLimits;
  readonly #positionS: () => number;
  /** Called once, when nothing more can be appended. */
  readonly #failed: (error: unknown) => void;
  readonly #tasks: Task[] = [];
  /** Starts of key pieces in the buffer, rising. */
  #keysS: number[] = [];
  #queuedBytes = 0;
  #queuedS = 0;
  #running: Task | undefined;
  #skipping = false;
  #halved = 1;
  #closed = false;
  /** Pieces that were dropped because too much waited. */
  dropped = 0;

  constructor(buffer: BufferLike, limits: SinkLimits, positionS: () => number, failed: (error: unknown) => void) {
    this.#buffer = buffer;
    this.#limits = limits;
    this.#positionS = positionS;
    this.#failed = failed;
    buffer.addEventListener('updateend', this.#ended);
    buffer.addEventListener('error', this.#broke);
  }

  /** How much of what was once allowed may be buffered: less after the quota was met. */
  get share(): number {
    return this.#halved;
  }

  get idle(): boolean {
    return !this.#running && this.#tasks.length === 0;
  }

  /** The end of the run of buffered pictures that `atS` lies in; undefined where nothing is buffered. */
  bufferedEndS(atS: number, slackS = 0.1): number | undefined {
    const { buffered } = this.#buffer;
    for (let index = 0; index < buffered.length; index++) {
      if (buffered.start(index) <= atS + slackS && atS < buffered.end(index)) return buffered.end(index);
    }
    return undefined;
  }

  /** Where the next run of pictures behind `atS` begins. */
  nextStartS(atS: number): number | undefined {
    const { buffered } = this.#buffer;
    for (let index = 0; index < buffered.length; index++) if (buffered.start(index) > atS) return buffered.start(index);
    return undefined;
  }

  push(piece: Piece): void {
    const needsKey = piece.startS !== undefined && !piece.key;
    if (needsKey && this.#full(piece)) this.#skipping = true;
    if (this.#closed || (this.#skipping && needsKey)) {
      this.#drop(piece);
      return;
    }
    if (this.#full(piece)) this.#dropWaiting();
    this.#skipping = false;
    this.#queuedBytes += piece.bytes.length;
    this.#queuedS += piece.durationS ?? 0;
    this.#tasks.push({ do: 'append', piece, again: false });
    this.#next();
  }

  /** What the removal touches goes up to the next key picture behind `toS`. */
  remove(fromS: number, toS: number, done?: () => void): void {
    this.#tasks.push({ do: 'remove', fromS, toS, done });
    this.#next();
  }

  /** From the next piece on. False where the browser cannot: then everything has to be built anew. */
  changeType(type: string): boolean {
    if (!this.#buffer.changeType) return false;
    this.#tasks.push({ do: 'type', type });
    this.#next();
    return true;
  }

  /** What waits is given up; `done` of each piece is told. */
  forget(): void {
    for (const task of this.#tasks.splice(0)) if (task.do === 'append') this.#finish(task.piece, false);
    this.#queuedBytes = 0;
    this.#queuedS = 0;
    this.#skipping = false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffer.removeEventListener('updateend', this.#ended);
    this.#buffer.removeEventListener('error', this.#broke);
    this.forget();
    if (this.#running?.do === 'append') this.#finish(this.#running.piece, false);
    this.#running = undefined;
  }

  /**
   * Lets go of what lies further behind the position than is kept, up to a key picture: a removal takes pictures up to the next one.
   * Returns where what is left begins; undefined when there was nothing to do.
   */
  trim(behindS: number = this.#limits.behindS): number | undefined {
    const keyS = this.#keyBefore(this.#positionS() - behindS);
    const [oldestS] = this.#keysS;
    if (keyS === undefined || oldestS === undefined || keyS - oldestS < TRIM_STEP_S) return undefined;
    this.#keysS = this.#keysS.filter(startS => startS >= keyS);
    this.remove(0, keyS - ROUNDED_S);
    return keyS;
  }

  #keyBefore(limitS: number): number | undefined {
    return this.#keysS.findLast(startS => startS <= limitS);
  }

  #full(piece: Piece): boolean {
    if (piece.startS === undefined || this.#queuedBytes === 0) return false;
    const { queueBytes, queueS } = this.#limits;
    return this.#queuedBytes + piece.bytes.length > queueBytes || this.#queuedS + (piece.durationS ?? 0) > queueS;
  }

  /** Media that waits; init segments and changes of type stay. */
  #dropWaiting(): void {
    const kept = this.#tasks.filter(task => task.do !== 'append' || task.piece.startS === undefined);
    for (const task of this.#tasks) if (!kept.includes(task) && task.do === 'append') this.#drop(task.piece);
    this.#tasks.splice(0, this.#tasks.length, ...kept);
    this.#queuedBytes = 0;
    this.#queuedS = 0;
    for (const task of kept) if (task.do === 'append') this.#queuedBytes += task.piece.bytes.length;
  }

  #drop(piece: Piece): void {
    this.dropped++;
    this.#finish(piece, false);
  }

  #finish(piece: Piece, appended: boolean): void {
    piece.done?.(appended);
  }

  #next(): void {
    if (this.#closed || this.#running || this.#buffer.updating) return;
    const task = this.#tasks.shift();
    if (!task) return;
    this.#running = task;
    try {
      this.#begin(task);
    } catch (error) {
      this.#running = undefined;
      if (task.do === 'append' && isQuota(error) && !task.again) {
        this.#makeRoom(task.piece);
        return;
      }
      if (task.do === 'append') this.#finish(task.piece, false);
      this.#fail(error);
    }
  }

  #begin(task: Task): void {
    if (task.do === 'remove') this.#buffer.remove(task.fromS, task.toS);
    else if (task.do === 'type') {
      this.#buffer.changeType?.(task.type);
      this.#running = undefined;
      this.#next();
    } else {
      const { piece } = task;
      this.#queuedBytes -= piece.bytes.length;
      this.#queuedS -= piece.durationS ?? 0;
      if (piece.offsetS !== undefined && this.#buffer.timestampOffset !== piece.offsetS)
        this.#buffer.timestampOffset = piece.offsetS;
      this.#buffer.appendBuffer(piece.bytes);
    }
  }

  /** Frees what lies behind and tries once more, with half the window from then on. */
  #makeRoom(piece: Piece): void {
    this.#halved = Math.max(this.#halved / 2, 1 / 8);
    this.#queuedBytes += piece.bytes.length;
    this.#queuedS += piece.durationS ?? 0;
    this.#tasks.unshift({ do: 'append', piece, again: true });
    const keyS = this.#keyBefore(this.#positionS() - BEHIND_WHEN_FULL_S);
    if (keyS !== undefined) {
      this.#keysS = this.#keysS.filter(startS => startS >= keyS);
      this.#tasks.unshift({ do: 'remove', fromS: 0, toS: keyS - ROUNDED_S });
    }
    this.#next();
  }

  readonly #ended = (): void => {
    const task = this.#running;
    this.#running = undefined;
    if (task?.do === 'append') {
      const { piece } = task;
      if (piece.key && piece.startS !== undefined) this.#noteKey(piece.startS);
      this.#finish(piece, true);
    }
    if (task?.do === 'remove') task.done?.();
    this.#next();
  };

  #noteKey(startS: number): void {
    const at = this.#keysS.findLastIndex(other => other < startS) + 1;
    if (this.#keysS[at] !== startS) this.#keysS.splice(at, 0, startS);
  }

  readonly #broke = (): void => this.#fail(new Error('the browser refused what was appended'));

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#failed(error);
  }
}

function isQuota(error: unknown): boolean {
  return (error as { name?: unknown } | undefined)?.name === 'QuotaExceededError';
}
