// The mirror of locked events: what the owner said is to stay is kept in one small file beside the index as well, so that a lost index
// loses neither these events nor the hold that they have on their footage.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { background, type Clock, type Logger } from '../core/index.ts';
import { readChecked, writeChecked } from './checked-file.ts';
import { parseEventId, type StoredEvent } from './event.ts';
import { decodeEvent, encodeEvent } from './event-codec.ts';
import type { EventTable } from './events.ts';
import { QUARANTINE_FOLDER, SEGMENTS_FOLDER } from './layout.ts';

const MIRROR_FILE = 'locked-events.json';
/** What readers take is 8 MiB: tens of thousands of events, as they are. */
const MAX_BYTES = 7 * 1024 * 1024;
/** Rows beyond this are kept without what they are not locked for: boxes and payload. */
const MAX_ROW_BYTES = 2048;
/** How late a change is mirrored that nobody waits for: events that grow. */
const LATE_MS = 10_000;

/** Ids and rows as they stand in the index, in base64. */
type MirroredEvent = [id: string, row: string];

export interface LockedEventsOptions {
  /** The data directory. */
  dir: string;
  events: Pick<EventTable, 'locked' | 'restore' | 'get'>;
  clock: Pick<Clock, 'after'>;
  log: Logger;
  onStep: (name: string) => void;
}

export class LockedEvents {
  readonly #options: LockedEventsOptions;
  readonly #path: string;
  #isChanged = false;
  #writing: Promise<void> = Promise.resolve();
  /** Hash of what the file holds; undefined until it was read, and before that nothing is written. */
  #written: string | undefined;
  #timer: (() => void) | undefined;

  constructor(options: LockedEventsOptions) {
    this.#options = options;
    this.#path = join(options.dir, MIRROR_FILE);
  }

  /**
   * To be called when the events are loaded. `fresh`: the index is new or a spare copy, so what it lacks is taken in again; what is locked
   * there and not here stays so. A file that cannot be trusted is set aside.
   */
  async load(fresh: boolean): Promise<void> {
    const { events, log } = this.#options;
    const mirrored = await this.#read();
    this.#written = hashOf(mirrored);
    this.#isChanged = true;
    if (!fresh) return;
    let taken = 0;
    for (const [id, row] of mirrored) {
      const key = parseEventId(id);
      const event = key && decodeEvent(key, Buffer.from(row, 'base64'));
      if (!event?.locked) continue;
      const known = events.get(id);
      // The index may have more of it: see MAX_ROW_BYTES.
      if (known && rowOf(known).equals(rowOf(event))) continue;
      events.restore(event);
      taken++;
    }
    if (taken > 0) log.info('locked events are taken from their copy', { events: taken });
  }

  /** A locked event is new, another, or gone. */
  noteChange(): void {
    this.#isChanged = true;
    this.#timer ??= this.#options.clock.after(LATE_MS, () => {
      this.#timer = undefined;
      background(this.write(), 'copy the locked events', this.#options.log);
    });
  }

  /** Brings the file up to date; durable when it resolves. A volume that refuses is tried again: the index has them. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeNow());
    return this.#writing;
  }

  /** The same for the last time. */
  async stop(): Promise<void> {
    await this.write();
    this.#timer?.();
    this.#timer = undefined;
  }

  async #writeNow(): Promise<void> {
    if (!this.#isChanged || this.#written === undefined) return;
    const { dir, log, onStep } = this.#options;
    this.#isChanged = false;
    try {
      const mirrored = this.#collect();
      const hash = hashOf(mirrored);
      if (hash === this.#written) return;
      // Under a volume that is gone it would be made in the empty directory.
      if (!existsSync(join(dir, SEGMENTS_FOLDER))) {
        this.noteChange();
        return;
      }
      onStep('locked-events-write');
      await writeChecked(this.#path, mirrored);
      onStep('locked-events-written');
      this.#written = hash;
    } catch (error) {
      log.error('the copy of the locked events could not be written', { error });
      this.noteChange();
    }
  }

  /** The newest first, as many as the file may hold. */
  #collect(): MirroredEvent[] {
    const mirrored: MirroredEvent[] = [];
    let [sizeBytes, left] = [0, 0];
    for (const event of this.#options.events.locked()) {
      const entry: MirroredEvent = [event.id, rowOf(event).toString('base64')];
      sizeBytes += JSON.stringify(entry).length + 1;
      if (sizeBytes > MAX_BYTES) left++;
      else mirrored.push(entry);
    }
    if (left > 0) this.#options.log.error('too many events are locked: the oldest stand in the index only', { left });
    return mirrored;
  }

  async #read(): Promise<MirroredEvent[]> {
    const { log } = this.#options;
    try {
      const file = await readChecked(this.#path);
      if (file.state === 'previous') log.warn('the copy of the locked events is damaged, the one before is taken');
      const body = file.state === 'good' || file.state === 'previous' ? file.body : [];
      if (file.state !== 'damaged' && Array.isArray(body)) return body.filter(isMirrored);
      await this.#setAside();
    } catch (error) {
      log.warn('the copy of the locked events cannot be read', { error });
    }
    return [];
  }

  async #setAside(): Promise<void> {
    const quarantine = join(dirname(this.#path), QUARANTINE_FOLDER);
    const taken = new Set(await readdir(quarantine));
    let n = 1;
    while (taken.has(`${MIRROR_FILE}.${n}`)) n++;
    const target = join(quarantine, `${MIRROR_FILE}.${n}`);
    this.#options.log.warn('the copy of the locked events is damaged and is set aside', { quarantine: target });
    await rename(this.#path, target);
  }
}

function rowOf(event: StoredEvent): Buffer {
  const row = encodeEvent(event);
  if (row.length <= MAX_ROW_BYTES) return row;
  const { payload: _payload, ...rest } = event;
  return encodeEvent({ ...rest, boxes: [] });
}

function hashOf(mirrored: readonly MirroredEvent[]): string {
  return createHash('sha256').update(JSON.stringify(mirrored)).digest('base64');
}

function isMirrored(value: unknown): value is MirroredEvent {
  return Array.isArray(value) && value.length === 2 && value.every(part => typeof part === 'string');
}
