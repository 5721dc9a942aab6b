// The dictionary of codec strings: segments carry a number of 12 bits in place of the text.
import type { Database } from './database.ts';
import { decodeRow, encodeRow } from './rows.ts';

const MAX_TEXT_CHARS = 200;
/** A few per installation are usual; a camera that makes up new ones all the time must not fill the memory. */
const MAX_ENTRIES = 4095;
/** Stands for "not known". */
const UNKNOWN = 0;

export class CodecTable {
  readonly #database: Database;
  readonly #ids = new Map<string, number>();
  readonly #texts = new Map<number, string>();

  constructor(database: Database) {
    this.#database = database;
  }

  load(): void {
    const range = { from: Buffer.from([0, 0]), to: Buffer.from([0xff, 0xff, 0xff]), limit: MAX_ENTRIES + 1 };
    for (const { key, value } of this.#database.range('codecs', range)) {
      const text = decodeRow(value);
      if (key.length === 2 && typeof text === 'string') this.#add(key.readUInt16BE(0), text);
    }
  }

  /** The number of a text, which becomes durable together with the row that uses it. */
  idOf(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    if (text === '' || text.length > MAX_TEXT_CHARS || this.#ids.size >= MAX_ENTRIES) return UNKNOWN;
    const id = Math.max(UNKNOWN, ...this.#texts.keys()) + 1;
    if (id > MAX_ENTRIES) return UNKNOWN;
    const key = Buffer.alloc(2);
    key.writeUInt16BE(id);
    this.#database.put('codecs', key, encodeRow(text));
    this.#add(id, text);
    return id;
  }

  textOf(id: number): string {
    return this.#texts.get(id) ?? '';
  }

  #add(id: number, text: string): void {
    this.#ids.set(text, id);
    this.#texts.set(id, text);
  }
}
