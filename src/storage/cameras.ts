// The cameras table and its mirror: plain objects of the cameras folder, kept in the index and in one small file beside it, so that
// a lost index loses no camera.
import { join } from 'node:path';
import { type CameraId, type Logger, NvrError } from '../core/index.ts';
import { readChecked, writeChecked } from './checked-file.ts';
import type { Database } from './database.ts';
import { cameraKey, cameraOfKey } from './keys.ts';
import { decodeRow, encodeRow } from './rows.ts';

/** What storage knows of a camera; the rest of the object is its owner's. Passwords are sealed before they come here. */
export interface CameraRow {
  readonly id: CameraId;
}

/** How footage is marked that is to go with its camera. */
export interface PurgeMarks {
  mark(camera: CameraId): void;
  unmark(camera: CameraId): void;
}

const MIRROR_FILE = 'cameras.json';
const MAX_CAMERA_BYTES = 64 * 1024;
const MAX_ID = 999_999_999;
const NEXT_ID_KEY = Buffer.from('next-camera-id');

interface Mirror {
  nextId: number;
  clockGeneration: number;
  cameras: CameraRow[];
}

export class CameraTable {
  readonly #database: Database;
  readonly #path: string;
  readonly #log: Logger;
  readonly #onStep: (name: string) => void;
  readonly #clockGeneration: () => number;
  readonly #purge: PurgeMarks;
  /** As JSON, so that nobody can change what is stored by changing an object. */
  readonly #cameras = new Map<CameraId, string>();
  #nextId = 1;
  #mirroring: Promise<void> = Promise.resolve();
  #mirrored = '';

  constructor(options: {
    database: Database;
    dir: string;
    log: Logger;
    onStep: (name: string) => void;
    /** Stands in the mirror as well: the ids of segments must stay unique when the index is lost. */
    clockGeneration: () => number;
    purge: PurgeMarks;
  }) {
    this.#database = options.database;
    this.#path = join(options.dir, MIRROR_FILE);
    this.#log = options.log;
    this.#onStep = options.onStep;
    this.#clockGeneration = options.clockGeneration;
    this.#purge = options.purge;
  }

  /**
   * The clock generation that the mirror knows, 0 without a mirror. `stale`: the index is new, a spare copy, or one that somebody has put
   * there; then the mirror is what counts.
   */
  async load(stale: boolean): Promise<number> {
    const mirror = await this.#readMirror();
    const range = { from: Buffer.alloc(1), to: Buffer.alloc(5, 0xff), limit: 100_000 };
    for (const { key, value } of this.#database.range('cameras', range)) {
      const camera = key.length === 4 ? parseCamera(decodeRow(value)) : undefined;
      if (camera?.id === cameraOfKey(key)) this.#cameras.set(camera.id, JSON.stringify(camera));
      else {
        this.#log.error('a row of the index is damaged', { table: 'cameras', row: key.toString('hex') });
        const spare = mirror.cameras.find(other => key.length === 4 && other.id === cameraOfKey(key));
        this.#database.remove('cameras', key);
        if (spare) this.#set(spare);
      }
    }
    if (stale && mirror.nextId > 1) this.#replace(mirror.cameras);
    const row = this.#database.get('settings', NEXT_ID_KEY);
    const stored = row && decodeRow(row);
    this.#nextId = Math.max(1, Number.isSafeInteger(stored) ? (stored as number) : 1, mirror.nextId);
    for (const id of this.#cameras.keys()) this.#nextId = Math.max(this.#nextId, id + 1);
    return mirror.clockGeneration;
  }

  /** The mirror is newer than an index that was lost or is a spare copy. */
  #replace(cameras: readonly CameraRow[]): void {
    const kept = new Set(cameras.map(camera => camera.id));
    for (const id of [...this.#cameras.keys()].filter(known => !kept.has(known))) {
      this.#cameras.delete(id);
      this.#database.remove('cameras', cameraKey(id));
    }
    for (const camera of cameras) this.#set(camera);
  }

  /** Ids below `id` are taken, whatever the table says: there is footage of them. */
  reserveIds(id: CameraId): void {
    if (id <= this.#nextId || id > MAX_ID) return;
    this.#nextId = id;
    this.#database.put('settings', NEXT_ID_KEY, encodeRow(id));
  }

  /** Copies of all cameras, by id. Their shape is for the caller to check. */
  list(): CameraRow[] {
    const ids = [...this.#cameras.keys()].sort((a, b) => a - b);
    return ids.map(id => JSON.parse(this.#cameras.get(id) ?? '') as CameraRow);
  }

  /** A number that no camera had before; it is taken as soon as a camera with it is put. */
  nextId(): CameraId {
    if (this.#nextId > MAX_ID) throw new NvrError('resource-exhausted', 'there are no camera numbers left');
    return this.#nextId++;
  }

  /** Adds or replaces a camera; durable when it resolves. Rejects, with nothing changed, when that is not possible. */
  put(camera: CameraRow): Promise<void> {
    return this.putAll([camera]);
  }

  /** The same for several at once, and for everything else that waits: one commit takes all of it. */
  async putAll(cameras: readonly CameraRow[]): Promise<void> {
    await this.#change(cameras.map(camera => [camera.id, textOf(camera)]));
  }

  /**
   * Removes a camera. `purge`: its footage is marked with the same commit, so that it goes whatever happens next; else it stays. Durable
   * when it resolves.
   */
  async remove(id: CameraId, purge = false): Promise<void> {
    if (!this.#cameras.has(id)) return;
    if (purge) this.#purge.mark(id);
    try {
      await this.#change([[id, undefined]]);
    } catch (error) {
      if (purge && this.#cameras.has(id)) this.#purge.unmark(id);
      throw error;
    }
  }

  /** Brings the mirror up to date; writes nothing when it already is. */
  mirror(): Promise<void> {
    const run = this.#mirroring.then(() => this.#writeMirror());
    this.#mirroring = run.catch(() => undefined);
    return run;
  }

  async #change(changes: readonly (readonly [id: CameraId, text: string | undefined])[]): Promise<void> {
    const before = new Map(changes.map(([id]) => [id, this.#cameras.get(id)]));
    for (const [id, text] of changes) this.#store(id, text);
    try {
      await this.#database.flush();
    } catch (error) {
      // Unless somebody else has changed the camera meanwhile.
      for (const [id, text] of changes) if (this.#cameras.get(id) === text) this.#store(id, before.get(id));
      throw error;
    }
    try {
      await this.mirror();
    } catch (error) {
      // The index has it; the next change or start writes the mirror again.
      this.#log.error('the copy of the cameras could not be written', { error });
    }
  }

  #set(camera: CameraRow): void {
    this.#store(camera.id, JSON.stringify(camera));
  }

  #store(id: CameraId, text: string | undefined): void {
    if (text === undefined) {
      this.#cameras.delete(id);
      this.#database.remove('cameras', cameraKey(id));
    } else {
      this.#cameras.set(id, text);
      this.#database.put('cameras', cameraKey(id), encodeRow(JSON.parse(text)));
    }
    this.#nextId = Math.max(this.#nextId, id + 1);
    this.#database.put('settings', NEXT_ID_KEY, encodeRow(this.#nextId));
  }

  async #readMirror(): Promise<Mirror> {
    const empty: Mirror = { nextId: 1, clockGeneration: 0, cameras: [] };
    let body: unknown;
    try {
      const file = await readChecked(this.#path);
      if (file.state === 'absent') return empty;
      if (file.state !== 'good') this.#log.warn('the copy of the cameras is damaged', { state: file.state });
      body = file.state === 'damaged' ? undefined : file.body;
    } catch (error) {
      this.#log.warn('the copy of the cameras cannot be read', { error });
    }
    const { nextId, clockGeneration, cameras } = (body ?? {}) as Partial<Record<keyof Mirror, unknown>>;
    return {
      nextId: count(nextId, 1),
      clockGeneration: count(clockGeneration, 0),
      cameras: (Array.isArray(cameras) ? cameras : []).map(parseCamera).filter(camera => camera !== undefined),
    };
  }

  async #writeMirror(): Promise<void> {
    const mirror: Mirror = {
      nextId: this.#nextId,
      clockGeneration: this.#clockGeneration(),
      cameras: this.list(),
    };
    const text = JSON.stringify(mirror);
    if (text === this.#mirrored) return;
    this.#onStep('mirror-write');
    await writeChecked(this.#path, mirror);
    this.#onStep('mirror-written');
    this.#mirrored = text;
  }
}

/** Throws `invalid-argument` for what cannot be stored. */
function textOf(camera: CameraRow): string {
  const text = JSON.stringify(camera);
  if (!Number.isSafeInteger(camera.id) || camera.id < 1 || camera.id > MAX_ID) {
    throw new NvrError('invalid-argument', 'a camera needs a number as id', { field: 'id' });
  }
  if (Buffer.byteLength(text) > MAX_CAMERA_BYTES) {
    throw new NvrError('invalid-argument', `a camera takes at most ${MAX_CAMERA_BYTES} bytes`);
  }
  return text;
}

function parseCamera(value: unknown): CameraRow | undefined {
  const id = (value as Partial<CameraRow> | null | undefined)?.id;
  return Number.isSafeInteger(id) && (id as number) >= 1 && (id as number) <= MAX_ID ? (value as CameraRow) : undefined;
}

function count(value: unknown, otherwise: number): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_ID
    ? (value as number)
    : otherwise;
}
