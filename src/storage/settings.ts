// The settings table as others see it: sections of what the owner has chosen. Their shapes are their users' affair.
import { NvrError } from '../core/index.ts';
import type { Database } from './database.ts';
import { decodeRow, encodeRow } from './rows.ts';

const MAX_BYTES = 16 * 1024;

export class SettingsTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined when nothing was chosen, or when the row is damaged. To be checked by the caller. */
  get(section: string): unknown {
    const row = this.#database.get('settings', keyOf(section));
    return row && decodeRow(row);
  }

  /** Durable when it resolves. */
  async put(section: string, value: unknown): Promise<void> {
    this.stage(section, value);
    await this.#database.flush();
  }

  /** The same for callers that commit by themselves. Gives what takes the change back. */
  stage(section: string, value: unknown): () => void {
    const row = encodeRow(value);
    if (row.length > MAX_BYTES) throw new NvrError('invalid-argument', `settings take at most ${MAX_BYTES} bytes`);
    const key = keyOf(section);
    const before = this.#database.get('settings', key);
    this.#database.put('settings', key, row);
    return () => (before ? this.#database.put('settings', key, before) : this.#database.remove('settings', key));
  }
}

/** Apart from the store's own rows in the same table. */
function keyOf(section: string): Buffer {
  return Buffer.from(`owner:${section}`);
}
