// An index in memory that never fails.
import type { Change, Entry, Environment, Range, TableName } from '../../src/storage/environment.ts';

export class MemoryIndex implements Environment {
  readonly #rows = new Map<string, Entry>();

  get(table: TableName, key: Buffer): Buffer | undefined {
    return this.#rows.get(`${table}/${key.toString('hex')}`)?.value;
  }

  range(table: TableName, { from, to, reverse, limit }: Range): Entry[] {
    const found = [...this.#rows]
      .filter(([name]) => name.startsWith(`${table}/`))
      .map(([, entry]) => entry)
      .filter(({ key }) => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0)
      .sort((a, b) => Buffer.compare(a.key, b.key));
    return (reverse ? found.reverse() : found).slice(0, limit);
  }

  async write(changes: readonly Change[]): Promise<void> {
    for (const { table, key, value } of changes) {
      const name = `${table}/${key.toString('hex')}`;
      if (value) this.#rows.set(name, { key, value });
      else this.#rows.delete(name);
    }
  }

  usedBytes(): number {
    return 0;
  }

  async copyTo(): Promise<void> {}

  async close(): Promise<void> {}
}
